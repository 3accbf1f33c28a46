/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - a plan: its slots and steps, and the order of the passes that make it. */
#include "graph/plan.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/kinds.h"

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a plan");
}

static enum heft_status add(struct heft_buffer *b, const void *item, size_t size,
                            struct heft_error *err)
{
	heft_buffer_add(b, item, size);
	return b->ok ? HEFT_OK : no_memory(err);
}

/* --- slots and steps --- */

enum heft_status heft_plan_add_slot(struct heft_plan *p, const struct heft_array *array,
                                    enum heft_slot_kind kind, uint32_t value, uint32_t *slot,
                                    struct heft_error *err)
{
	const struct heft_slot s = {
		.array = *array,
		.kind = kind,
		.value = value,
		.other = HEFT_IR_NONE,
		.wide = HEFT_IR_NONE,
		.buffer = HEFT_IR_NONE,
	};

	*slot = heft_plan_n_slots(p);
	return add(&p->slots, &s, sizeof s, err);
}

enum heft_status heft_plan_add_step(struct heft_plan *p, struct heft_step *s, const uint32_t *in,
                                    const uint32_t *out, struct heft_error *err)
{
	void *slots;

	HEFT_TRY(
		heft_memory_take(&p->memory, (s->n_in + s->n_out) * sizeof *s->slots, &slots, err));
	s->slots = slots;
	memcpy(s->slots, in, s->n_in * sizeof *in);
	memcpy(s->slots + s->n_in, out, s->n_out * sizeof *out);
	s->bias = HEFT_IR_NONE;
	s->residual = HEFT_IR_NONE;
	return add(&p->steps, s, sizeof *s, err);
}

void heft_step_set_label(struct heft_step *s, const char *text)
{
	const size_t n = strnlen(text, sizeof s->label - 1);

	memcpy(s->label, text, n);
	s->label[n] = '\0';
}

enum heft_status heft_plan_add_own(struct heft_plan *p, const struct heft_op *op,
                                   struct heft_attrs attrs, uint32_t in, uint32_t out,
                                   struct heft_error *err)
{
	struct heft_step s = { .op = op, .opset = 13, .attrs = attrs, .n_in = 1, .n_out = 1 };

	heft_step_set_label(&s, op->name);
	return heft_plan_add_step(p, &s, &in, &out, err);
}

enum heft_status heft_plan_problem(struct heft_plan *p, const struct heft_ir_node *node,
                                   const struct heft_error *what, struct heft_error *err)
{
	const char *name = node->name;
	const uint32_t out = heft_ir_out(p->model, node, 0);
	const struct heft_problem problem = { .node = name, .op = node->type, .reason = what->msg };

	if (what->code == HEFT_E_NOMEM) {
		if (err)
			*err = *what;
		return HEFT_E_NOMEM;
	}
	if (*name == '\0' && out != HEFT_IR_NONE)
		name = p->model->values[out].name;
	if (p->problems.n++ == 0)
		heft_fail(&p->problems.first, what->code, HEFT_NO_OFFSET,
		          "node '%.60s' (%.40s): %s", name, node->type, what->msg);
	if (p->problems.fn)
		p->problems.fn(p->problems.ctx, &problem);
	return HEFT_OK;
}

enum heft_status heft_plan_count_readers(struct heft_plan *p, uint32_t **counts,
                                         struct heft_error *err)
{
	const uint32_t n = heft_plan_n_slots(p);
	void *zeros;

	HEFT_TRY(heft_memory_take(&p->memory, (uint64_t)n * sizeof **counts, &zeros, err));
	memset(zeros, 0, (size_t)n * sizeof **counts);
	*counts = zeros;
	for (uint32_t i = 0; i < n; i++)
		(*counts)[i] = heft_plan_slot(p, i)->is_kept;
	for (uint32_t i = 0; i < heft_plan_n_steps(p); i++) {
		const struct heft_step *s = heft_plan_step(p, i);

		for (uint32_t k = 0; !s->is_dead && k < s->n_in; k++) {
			if (s->slots[k] != HEFT_IR_NONE)
				(*counts)[s->slots[k]]++;
		}
		if (!s->is_dead && s->bias != HEFT_IR_NONE)
			(*counts)[s->bias]++;
		if (!s->is_dead && s->residual != HEFT_IR_NONE)
			(*counts)[s->residual]++;
	}
	return HEFT_OK;
}

/* --- values --- */

enum heft_status heft_plan_set_value(struct heft_plan *p, uint32_t value,
                                     const struct heft_array *array, enum heft_slot_kind kind,
                                     struct heft_error *err)
{
	if (value == HEFT_IR_NONE)
		return HEFT_OK;
	return heft_plan_add_slot(p, array, kind, value, &p->slot_of[value], err);
}

void heft_plan_keep(struct heft_plan *p, uint32_t value)
{
	const uint32_t slot = heft_plan_slot_of(p, value);

	if (slot != HEFT_IR_NONE)
		heft_plan_slot(p, slot)->is_kept = true;
}

/* Which tensor of p->learning the constant is; its n_tensors: none. */
static uint32_t learned(const struct heft_plan *p, const struct heft_ir_constant *c)
{
	const struct heft_learning *l = p->learning;
	uint32_t low = 0;
	uint32_t high = l->n_tensors;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (l->tensors[middle] < c->tensor)
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->n_tensors && l->tensors[low] == c->tensor ? low : l->n_tensors;
}

/* A slot whose bytes come with every run. */
static enum heft_status add_given(struct heft_plan *p, const struct heft_array *array,
                                  uint32_t value, uint32_t input, uint32_t *slot,
                                  struct heft_error *err)
{
	HEFT_TRY(heft_plan_add_slot(p, array, HEFT_SLOT_INPUT, value, slot, err));
	heft_plan_slot(p, *slot)->array.bytes = NULL;
	heft_plan_slot(p, *slot)->input = input;
	return HEFT_OK;
}

/* A tensor of several values has one slot, and one gradient. */
static enum heft_status set_tensor(struct heft_plan *p, uint32_t value, uint32_t k,
                                   struct heft_error *err)
{
	const uint32_t input = p->model->n_inputs + k;

	for (uint32_t i = 0; i < heft_plan_n_slots(p); i++) {
		const struct heft_slot *s = heft_plan_slot(p, i);

		if (s->kind == HEFT_SLOT_INPUT && s->input == input) {
			p->slot_of[value] = i;
			return HEFT_OK;
		}
	}
	return add_given(p, &heft_ir_constant(p->model, value)->array, value, input,
	                 &p->slot_of[value], err);
}

static enum heft_status set_constants(struct heft_plan *p, struct heft_error *err)
{
	const struct heft_model *m = p->model;

	for (uint32_t i = 0; i < m->n_values; i++) {
		const struct heft_ir_constant *c = heft_ir_constant(m, i);

		if (!c || c->array.dtype == HEFT_DTYPE_NONE)
			continue;
		if (p->learning && learned(p, c) < p->learning->n_tensors)
			HEFT_TRY(set_tensor(p, i, learned(p, c), err));
		else
			HEFT_TRY(heft_plan_set_value(p, i, &c->array,
			                             heft_is_array(&c->array) ? HEFT_SLOT_CONSTANT
			                                                      : HEFT_SLOT_DYNAMIC,
			                             err));
	}
	return HEFT_OK;
}

/* Steps that nobody reads: what they were for was folded, or went with a branch. */
static enum heft_status drop_dead(struct heft_plan *p, struct heft_error *err)
{
	uint32_t *readers;

	HEFT_TRY(heft_plan_count_readers(p, &readers, err));
	for (uint32_t i = heft_plan_n_steps(p); i-- > 0;) {
		struct heft_step *s = heft_plan_step(p, i);
		bool is_read = false;

		for (uint32_t k = 0; k < s->n_out; k++) {
			if (s->slots[s->n_in + k] != HEFT_IR_NONE)
				is_read = is_read || readers[s->slots[s->n_in + k]] > 0;
		}
		s->is_dead = !is_read;
		for (uint32_t k = 0; s->is_dead && k < s->n_in; k++) {
			if (s->slots[k] != HEFT_IR_NONE)
				readers[s->slots[k]]--;
		}
	}
	heft_memory_give(&p->memory, readers);
	return HEFT_OK;
}

static enum heft_status tell_problems(const struct heft_plan *p, struct heft_error *err)
{
	const struct heft_error *first = &p->problems.first;

	if (p->problems.n == 0)
		return HEFT_OK;
	if (p->problems.n > 1)
		return heft_fail(err, first->code, HEFT_NO_OFFSET, "%.190s (and %u more)",
		                 first->msg, p->problems.n - 1);
	return heft_fail(err, first->code, HEFT_NO_OFFSET, "%s", first->msg);
}

static enum heft_status keep_outputs(struct heft_plan *p, struct heft_error *err)
{
	const struct heft_model *m = p->model;

	for (uint32_t i = 0; i < m->n_outputs; i++) {
		if (heft_plan_slot_of(p, m->outputs[i]) == HEFT_IR_NONE)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "nothing makes the output '%.80s'",
			                 m->values[m->outputs[i]].name);
		heft_plan_keep(p, m->outputs[i]);
	}
	return HEFT_OK;
}

static enum heft_status make(struct heft_plan *p, const struct heft_array *inputs,
                             struct heft_error *err)
{
	const struct heft_model *m = p->model;

	p->slot_of = heft_alloc_array(m->n_values, sizeof *p->slot_of);
	if (!p->slot_of)
		return no_memory(err);
	memset(p->slot_of, 0xff, m->n_values * sizeof *p->slot_of);
	HEFT_TRY(set_constants(p, err));
	for (uint32_t i = 0; i < m->n_inputs; i++) {
		HEFT_TRY(add_given(p, &inputs[i], m->inputs[i], i, &p->slot_of[m->inputs[i]], err));
		if (!heft_is_array(&inputs[i]))
			heft_plan_slot(p, p->slot_of[m->inputs[i]])->kind = HEFT_SLOT_DYNAMIC;
	}
	HEFT_TRY(heft_plan_walk(p, 0, err));
	HEFT_TRY(tell_problems(p, err));
	HEFT_TRY(p->learning ? heft_plan_learn(p, err) : keep_outputs(p, err));
	HEFT_TRY(tell_problems(p, err));
	HEFT_TRY(drop_dead(p, err));
	HEFT_TRY(heft_plan_fuse(p, err));
	HEFT_TRY(heft_plan_lay_out(p, err));
	if (p->learning)
		HEFT_TRY(heft_plan_mark_prefix(p, err));
	return heft_plan_place(p, err);
}

enum heft_status heft_plan_make(struct heft_plan *p, const struct heft_model *m,
                                const struct heft_engine *engine, const struct heft_array *inputs,
                                struct heft_learning *learning, uint64_t max_bytes,
                                struct heft_problems problems, struct heft_error *err)
{
	enum heft_status st;

	*p = (struct heft_plan){
		.model = m, .learning = learning, .engine = engine, .problems = problems
	};
	p->memory.max_bytes = max_bytes;
	heft_buffer_init(&p->slots);
	heft_buffer_init(&p->steps);
	heft_buffer_init(&p->dynamic);
	heft_buffer_init(&p->patches);
	heft_buffer_init(&p->arrays);
	st = make(p, inputs, err);
	if (st != HEFT_OK)
		heft_plan_done(p);
	return st;
}

void heft_plan_done(struct heft_plan *p)
{
	heft_buffer_done(&p->slots);
	heft_buffer_done(&p->steps);
	heft_buffer_done(&p->dynamic);
	heft_buffer_done(&p->patches);
	heft_buffer_done(&p->arrays);
	heft_free(p->slot_of);
	p->slot_of = NULL;
	heft_memory_done(&p->memory);
}
