/* SPDX-License-Identifier: Apache-2.0 */
/* plan_gradient.c - makes a plan one that trains: adds the loss behind what runs forward, and then,
 * step by step from the last one, what `backward` of the operators emits. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/gradient_state.h"

static bool is_real(enum heft_dtype dtype)
{
	return dtype == HEFT_DTYPE_F32 || dtype == HEFT_DTYPE_F64 || dtype == HEFT_DTYPE_F16 ||
	       dtype == HEFT_DTYPE_BF16;
}

/* --- who wants a gradient --- */

static bool is_tensor(const struct heft_plan *p, const struct heft_slot *s)
{
	return s->kind == HEFT_SLOT_INPUT && s->input >= p->model->n_inputs &&
	       s->input < p->model->n_inputs + p->learning->n_tensors;
}

/* From the tensors on, in the order of the steps. */
static void mark_needs(struct heft_backward *b)
{
	const struct heft_plan *p = b->p;

	for (uint32_t i = 0; i < b->n_slots; i++)
		b->needs[i] = is_tensor(p, heft_plan_slot(p, i));
	for (uint32_t t = 0; t < b->n_steps; t++) {
		const struct heft_step *s = heft_plan_step(p, t);
		bool any = false;

		for (uint32_t k = 0; k < s->n_in; k++)
			any = any || (s->slots[k] != HEFT_IR_NONE && b->needs[s->slots[k]]);
		if (!any || s->op->backward == heft_gradient_none)
			continue;
		for (uint32_t k = 0; k < s->n_out; k++) {
			const uint32_t out = s->slots[s->n_in + k];

			if (out != HEFT_IR_NONE)
				b->needs[out] = is_real(heft_plan_slot(p, out)->array.dtype);
		}
	}
}

/* --- gradients that meet --- */

static struct heft_part *part_at(const struct heft_backward *b, uint32_t i)
{
	return (struct heft_part *)(void *)b->parts.bytes + i;
}

enum heft_status heft_backward_add(struct heft_backward *b, uint32_t slot, uint32_t step,
                                   uint32_t input, uint32_t value, struct heft_error *err)
{
	struct heft_part part = { .step = step, .input = input, .value = value };
	uint32_t *link = &b->first[slot];
	const uint32_t at = (uint32_t)(b->parts.size / sizeof part);

	heft_buffer_add(&b->parts, &part, sizeof part);
	if (!b->parts.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for gradients");
	while (*link != HEFT_IR_NONE) {
		struct heft_part *other = part_at(b, *link);

		if (other->step > step || (other->step == step && other->input > input))
			break;
		link = &other->next;
	}
	part_at(b, at)->next = *link;
	*link = at;
	return HEFT_OK;
}

uint32_t heft_backward_total(struct heft_gradient *g, uint32_t slot)
{
	struct heft_backward *b = g->b;
	uint32_t total = HEFT_NO_VALUE;

	if (slot == HEFT_IR_NONE || slot >= b->n_slots)
		return HEFT_NO_VALUE;
	for (uint32_t i = b->first[slot]; i != HEFT_IR_NONE; i = part_at(b, i)->next) {
		const uint32_t value = part_at(b, i)->value;

		total = total == HEFT_NO_VALUE ? value : heft_emit_2(g, "Add", total, value);
	}
	/* it is asked for once more where an operator has several outputs */
	if (b->first[slot] != HEFT_IR_NONE && g->st == HEFT_OK) {
		part_at(b, b->first[slot])->value = total;
		part_at(b, b->first[slot])->next = HEFT_IR_NONE;
	}
	return total;
}

/* --- the loss --- */

/* The step that makes a slot; NULL. */
static const struct heft_step *maker(const struct heft_plan *p, uint32_t slot)
{
	for (uint32_t t = heft_plan_n_steps(p); t-- > 0;) {
		const struct heft_step *s = heft_plan_step(p, t);

		for (uint32_t k = 0; k < s->n_out; k++) {
			if (s->slots[s->n_in + k] == slot)
				return s;
		}
	}
	return NULL;
}

static bool makes_probabilities(const struct heft_step *s)
{
	static const char *const types[] = { "Softmax", "LogSoftmax", "Sigmoid" };

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (strcmp(s->op->name, types[i]) == 0 && *s->op->domain == '\0')
			return true;
	}
	return false;
}

static enum heft_status find_prediction(struct heft_plan *p, struct heft_error *err)
{
	struct heft_learning *l = p->learning;
	const uint32_t value = p->model->outputs[l->output];
	const uint32_t slot = p->slot_of[value];
	const struct heft_step *s;

	if (slot == HEFT_IR_NONE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "nothing makes the output '%.80s'", p->model->values[value].name);
	if (heft_plan_slot(p, slot)->kind == HEFT_SLOT_DYNAMIC)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "the shape of the output '%.80s' follows from the data, which "
		                 "training does not allow",
		                 p->model->values[value].name);
	l->prediction = slot;
	s = l->takes_scores ? maker(p, slot) : NULL;
	if (s && makes_probabilities(s)) {
		l->prediction = s->slots[0];
		l->stripped = s->op->name;
	}
	return HEFT_OK;
}

static enum heft_status add_loss(struct heft_backward *b, uint32_t *gradient,
                                 struct heft_error *err)
{
	struct heft_plan *p = b->p;
	struct heft_learning *l = p->learning;
	struct heft_gradient g = { .b = b };
	uint32_t target;
	uint32_t out[3];
	struct heft_emit e = { .type = l->loss, .n_in = 2, .n_out = 3, .same = &l->loss_attrs };

	HEFT_TRY(heft_plan_add_slot(p, &l->target, HEFT_SLOT_INPUT, HEFT_IR_NONE, &target, err));
	heft_plan_slot(p, target)->array.bytes = NULL;
	heft_plan_slot(p, target)->input = p->model->n_inputs + l->n_tensors;
	e.in[0] = l->prediction;
	e.in[1] = target;
	if (l->class_weights)
		e.in[e.n_in++] = heft_emit_constant(&g, l->class_weights);
	heft_emit_all(&g, &e, out);
	if (g.st != HEFT_OK) {
		if (err)
			*err = g.err;
		return g.st;
	}
	l->loss_sum = out[0];
	l->divisor = out[1];
	*gradient = out[2];
	heft_plan_slot(p, l->prediction)->is_kept = true;
	heft_plan_slot(p, l->loss_sum)->is_kept = true;
	heft_plan_slot(p, l->divisor)->is_kept = true;
	return HEFT_OK;
}

/* --- backward --- */

static bool has_gradient(const struct heft_backward *b, const struct heft_step *s)
{
	bool flows = false;
	bool wants = false;

	for (uint32_t k = 0; k < s->n_out; k++) {
		const uint32_t out = s->slots[s->n_in + k];

		flows = flows || (out != HEFT_IR_NONE && b->first[out] != HEFT_IR_NONE);
	}
	for (uint32_t k = 0; k < s->n_in; k++)
		wants = wants || (s->slots[k] != HEFT_IR_NONE && b->needs[s->slots[k]]);
	return flows && wants;
}

static enum heft_status tell(struct heft_backward *b, const struct heft_step *s, const char *why,
                             struct heft_error *err)
{
	struct heft_error what;

	heft_fail(&what, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "%s", why);
	if (s->node)
		return heft_plan_problem(b->p, s->node, &what, err);
	return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "%s: %s", s->op->name, why);
}

static enum heft_status run_backward(struct heft_backward *b, uint32_t t, struct heft_error *err)
{
	struct heft_gradient g = { .b = b, .step = *heft_plan_step(b->p, t), .at = t };
	struct heft_array *arrays;
	void *bytes;

	if (!has_gradient(b, &g.step))
		return HEFT_OK;
	if (!g.step.op->backward)
		return tell(b, &g.step, "it has no gradient, so nothing in front of it is trained",
		            err);
	if (g.step.op->backward == heft_gradient_none)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(&b->p->memory, (g.step.n_in + g.step.n_out) * sizeof *arrays,
	                          &bytes, err));
	arrays = bytes;
	for (uint32_t k = 0; k < g.step.n_in + g.step.n_out; k++)
		arrays[k] = g.step.slots[k] == HEFT_IR_NONE
		                    ? (struct heft_array){ 0 }
		                    : heft_plan_slot(b->p, g.step.slots[k])->array;
	g.call = (struct heft_call){
		.op = g.step.op,
		.opset = g.step.opset,
		.attrs = g.step.attrs,
		.n_in = g.step.n_in,
		.n_out = g.step.n_out,
		.in = arrays,
		.out = arrays + g.step.n_in,
		.seed = g.step.seed,
		.trains = b->p->engine->trains,
		.cpu_bits = b->p->engine->cpu_bits,
	};
	g.step.op->backward(&g.call, &g);
	heft_memory_give(&b->p->memory, bytes);
	if (g.st == HEFT_OK)
		return HEFT_OK;
	if (g.st == HEFT_E_NOMEM || !g.step.node) {
		if (err)
			*err = g.err;
		return g.st;
	}
	return heft_plan_problem(b->p, g.step.node, &g.err, err);
}

static enum heft_status take_gradients(struct heft_backward *b, struct heft_error *err)
{
	struct heft_plan *p = b->p;
	struct heft_learning *l = p->learning;
	struct heft_gradient g = { .b = b };
	bool any = false;

	for (uint32_t k = 0; k < l->n_tensors; k++)
		l->gradients[k] = HEFT_IR_NONE;
	for (uint32_t i = 0; i < b->n_slots; i++) {
		const struct heft_slot *s = heft_plan_slot(p, i);
		uint32_t k;

		if (!is_tensor(p, s))
			continue;
		k = s->input - p->model->n_inputs;
		l->gradients[k] = heft_backward_total(&g, i);
		if (l->gradients[k] == HEFT_NO_VALUE)
			continue;
		heft_plan_slot(p, l->gradients[k])->is_kept = true;
		any = true;
	}
	if (g.st != HEFT_OK) {
		if (err)
			*err = g.err;
		return g.st;
	}
	if (!any && p->problems.n == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the loss depends on no tensor that is trained");
	return HEFT_OK;
}

static enum heft_status learn(struct heft_backward *b, struct heft_error *err)
{
	struct heft_plan *p = b->p;
	uint32_t gradient;
	void *bytes;

	HEFT_TRY(find_prediction(p, err));
	HEFT_TRY(add_loss(b, &gradient, err));
	if (p->learning->forward_only)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(&p->memory, b->n_slots * sizeof *b->needs, &bytes, err));
	b->needs = bytes;
	HEFT_TRY(heft_memory_take(&p->memory, b->n_slots * sizeof *b->first, &bytes, err));
	b->first = bytes;
	memset(b->first, 0xff, b->n_slots * sizeof *b->first);
	mark_needs(b);
	if (b->needs[p->learning->prediction])
		HEFT_TRY(heft_backward_add(b, p->learning->prediction, b->n_steps, 0, gradient,
		                           err));
	for (uint32_t t = b->n_steps; t-- > 0;)
		HEFT_TRY(run_backward(b, t, err));
	HEFT_TRY(take_gradients(b, err));
	heft_memory_give(&p->memory, b->first);
	heft_memory_give(&p->memory, b->needs);
	return HEFT_OK;
}

enum heft_status heft_plan_learn(struct heft_plan *p, struct heft_error *err)
{
	struct heft_backward b = { .p = p,
		                   .n_slots = heft_plan_n_slots(p),
		                   .n_steps = heft_plan_n_steps(p) };
	enum heft_status st;

	heft_buffer_init(&b.parts);
	st = learn(&b, err);
	heft_buffer_done(&b.parts);
	return st;
}

/* --- the frozen prefix --- */

static bool is_fixed(const struct heft_plan *p, const bool *varies, uint32_t slot)
{
	const struct heft_slot *s;

	if (slot == HEFT_IR_NONE)
		return true;
	s = heft_plan_slot(p, slot);
	if (s->kind == HEFT_SLOT_INPUT)
		return s->input < p->model->n_inputs;
	return s->kind == HEFT_SLOT_CONSTANT || !varies[slot];
}

/* The prefix in front, so that nothing else lies where its results do when the rest is run
 * alone. */
static enum heft_status put_first(struct heft_plan *p, struct heft_error *err)
{
	const uint32_t n = heft_plan_n_steps(p);
	struct heft_buffer sorted;

	heft_buffer_init(&sorted);
	for (uint32_t turn = 0; turn < 2; turn++) {
		for (uint32_t t = 0; t < n; t++) {
			if (heft_plan_step(p, t)->is_prefix == (turn == 0))
				heft_buffer_add(&sorted, heft_plan_step(p, t),
				                sizeof(struct heft_step));
		}
	}
	if (!sorted.ok) {
		heft_buffer_done(&sorted);
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a plan");
	}
	heft_buffer_done(&p->steps);
	p->steps = sorted;
	return HEFT_OK;
}

enum heft_status heft_plan_mark_prefix(struct heft_plan *p, struct heft_error *err)
{
	const uint64_t n = heft_plan_n_slots(p);
	bool *varies;
	void *bytes;

	HEFT_TRY(heft_memory_take(&p->memory, n * sizeof *varies, &bytes, err));
	varies = bytes;
	memset(varies, 0, n * sizeof *varies);
	for (uint32_t t = 0; t < heft_plan_n_steps(p); t++) {
		struct heft_step *s = heft_plan_step(p, t);

		s->is_prefix = !(s->op->flags & HEFT_OP_RANDOM) && is_fixed(p, varies, s->bias) &&
		               is_fixed(p, varies, s->residual);
		for (uint32_t k = 0; k < s->n_in; k++)
			s->is_prefix = s->is_prefix && is_fixed(p, varies, s->slots[k]);
		for (uint32_t k = 0; k < s->n_out; k++) {
			if (s->slots[s->n_in + k] != HEFT_IR_NONE)
				varies[s->slots[s->n_in + k]] = !s->is_prefix;
		}
	}
	heft_memory_give(&p->memory, bytes);
	return put_first(p, err);
}
