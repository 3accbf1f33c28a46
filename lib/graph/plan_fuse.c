/* SPDX-License-Identifier: Apache-2.0 */
/* plan_fuse.c - lets a step add, and cut off, what it stores (heft_call_end), in place of the steps
 * that did that with its output alone. The same operations in the same order: no bit changes. */
#include <float.h>
#include <string.h>

#include "base/error.h"
#include "graph/plan.h"

/* What the pass knows of every slot. */
struct fuse {
	struct heft_plan *p;
	uint32_t *readers;
	uint32_t *makers; /* the step; NONE */
};

static bool is_f32(const struct fuse *f, uint32_t slot)
{
	return slot != HEFT_IR_NONE && heft_plan_slot(f->p, slot)->array.dtype == HEFT_DTYPE_F32;
}

/* The step that makes the slot, if it may do more with it and nobody else reads it; NULL. */
static struct heft_step *maker(const struct fuse *f, uint32_t slot)
{
	struct heft_step *s;

	if (!is_f32(f, slot) || f->makers[slot] == HEFT_IR_NONE || f->readers[slot] != 1)
		return NULL;
	s = heft_plan_step(f->p, f->makers[slot]);
	if (!(s->op->flags & HEFT_OP_ENDS) || *s->op->domain != '\0' || s->n_out != 1 ||
	    s->end.activation != HEFT_ACTIVATION_NONE)
		return NULL;
	return s;
}

/* `step`, which reads what `s` makes, becomes `s` with what s->end says by now. */
static void replace(struct fuse *f, struct heft_step *s, struct heft_step *step)
{
	const uint32_t out = step->slots[step->n_in];
	const size_t n = strlen(s->label);
	const size_t room = sizeof s->label - n;
	const char *more = step->label;

	f->makers[s->slots[s->n_in]] = HEFT_IR_NONE;
	s->slots[s->n_in] = out;
	if (strlen(more) + 2 <= room) {
		s->label[n] = '+';
		memcpy(s->label + n + 1, more, strlen(more) + 1);
	}
	*step = *s;
	s->is_dead = true;
	f->makers[out] = (uint32_t)(step - heft_plan_step(f->p, 0));
}

/* One F32 a channel of `out`, which nothing computes: the last dimension, or of a convolution the
 * second. */
static bool is_bias(const struct fuse *f, const struct heft_step *s, uint32_t slot,
                    const struct heft_array *out)
{
	const struct heft_slot *b = heft_plan_slot(f->p, slot);
	const bool is_convolution = strncmp(s->op->name, "Conv", 4) == 0;
	const uint32_t from_end = is_convolution ? out->rank - 1 : 1;
	const uint32_t rank = b->array.rank;

	if ((b->kind != HEFT_SLOT_CONSTANT && b->kind != HEFT_SLOT_INPUT) ||
	    b->array.dtype != HEFT_DTYPE_F32 || out->rank < 1 || rank < from_end ||
	    rank > out->rank)
		return false;
	return b->array.dims[rank - from_end] == b->array.n_elements &&
	       b->array.n_elements == out->dims[out->rank - from_end];
}

static bool try_add(struct fuse *f, struct heft_step *step, uint32_t k)
{
	const struct heft_array *out = &heft_plan_slot(f->p, step->slots[2])->array;
	const uint32_t other = step->slots[1 - k];
	struct heft_step *s = maker(f, step->slots[k]);
	const struct heft_array *o;

	if (!s || !is_f32(f, other) || s->residual != HEFT_IR_NONE || s->bias != HEFT_IR_NONE ||
	    !heft_array_same_shape(&heft_plan_slot(f->p, step->slots[k])->array, out))
		return false;
	o = &heft_plan_slot(f->p, other)->array;
	if (s->n_in == 2 && !(s->op->flags & HEFT_OP_ELEMENTWISE) && is_bias(f, s, other, out))
		s->bias = other;
	else if (heft_array_same_shape(o, out) && other != step->slots[k])
		s->residual = other;
	else
		return false;
	replace(f, s, step);
	return true;
}

static bool try_relu(struct fuse *f, struct heft_step *step)
{
	struct heft_step *s = maker(f, step->slots[0]);

	if (!s)
		return false;
	s->end.activation = HEFT_ACTIVATION_RELU;
	replace(f, s, step);
	return true;
}

/* The one known F32 that the slot is, or `absent` where it is left out. */
static bool known(const struct fuse *f, uint32_t slot, float absent, float *value)
{
	const struct heft_slot *s;

	*value = absent;
	if (slot == HEFT_IR_NONE)
		return true;
	s = heft_plan_slot(f->p, slot);
	if (s->kind != HEFT_SLOT_CONSTANT || s->array.dtype != HEFT_DTYPE_F32 ||
	    s->array.n_elements != 1)
		return false;
	memcpy(value, s->array.bytes, sizeof *value);
	return true;
}

static bool clip_bounds(const struct fuse *f, const struct heft_step *step, float *low, float *high)
{
	const struct heft_call c = { .attrs = step->attrs };

	if (step->opset >= 11)
		return known(f, step->n_in > 1 ? step->slots[1] : HEFT_IR_NONE, -__builtin_inff(),
		             low) &&
		       known(f, step->n_in > 2 ? step->slots[2] : HEFT_IR_NONE, __builtin_inff(),
		             high);
	*low = heft_call_float(&c, "min", -FLT_MAX);
	*high = heft_call_float(&c, "max", FLT_MAX);
	return true;
}

static bool try_clip(struct fuse *f, struct heft_step *step)
{
	struct heft_step *s = maker(f, step->slots[0]);
	float low;
	float high;

	if (!s || !clip_bounds(f, step, &low, &high) || !(low <= high))
		return false;
	s->end.activation = HEFT_ACTIVATION_CLIP;
	s->end.low = low;
	s->end.high = high;
	replace(f, s, step);
	return true;
}

static void try_fuse(struct fuse *f, struct heft_step *step)
{
	const char *name = step->op->name;

	if (step->is_dead || step->n_out != 1 || *step->op->domain != '\0' || step->end.activation)
		return;
	if ((strcmp(name, "Add") == 0 || strcmp(name, "Sum") == 0) && step->n_in == 2 &&
	    step->attrs.n == 0 && step->residual == HEFT_IR_NONE && step->bias == HEFT_IR_NONE) {
		/* what was made last has what the other one needs */
		const uint32_t a = f->makers[step->slots[0]];
		const uint32_t b = f->makers[step->slots[1]];
		const uint32_t k = a == HEFT_IR_NONE || (b != HEFT_IR_NONE && b > a);

		if (!try_add(f, step, k))
			try_add(f, step, 1 - k);
	} else if (strcmp(name, "Relu") == 0) {
		try_relu(f, step);
	} else if (strcmp(name, "Clip") == 0) {
		try_clip(f, step);
	}
}

enum heft_status heft_plan_fuse(struct heft_plan *p, struct heft_error *err)
{
	const uint32_t n = heft_plan_n_slots(p);
	struct fuse f = { .p = p };
	void *makers;

	HEFT_TRY(heft_plan_count_readers(p, &f.readers, err));
	HEFT_TRY(heft_memory_take(&p->memory, (uint64_t)n * sizeof *f.makers, &makers, err));
	memset(makers, 0xff, (size_t)n * sizeof *f.makers);
	f.makers = makers;
	for (uint32_t i = 0; i < heft_plan_n_steps(p); i++) {
		struct heft_step *s = heft_plan_step(p, i);

		for (uint32_t k = 0; !s->is_dead && k < s->n_out; k++) {
			if (s->slots[s->n_in + k] != HEFT_IR_NONE)
				f.makers[s->slots[s->n_in + k]] = i;
		}
		try_fuse(&f, s);
	}
	heft_memory_give(&p->memory, makers);
	heft_memory_give(&p->memory, f.readers);
	return HEFT_OK;
}
