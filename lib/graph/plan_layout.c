/* SPDX-License-Identifier: Apache-2.0 */
/* plan_layout.c - keeps the channels of images together (NHWC) from one convolution to the next:
 * what is between them works on it as it lies, and the order is changed only where it must be. */
#include <string.h>

#include "base/error.h"
#include "graph/plan.h"
#include "kernel/transpose.h"

#define TASK_ELEMENTS 32768u

void heft_last_order(uint32_t rank, uint32_t *order)
{
	for (uint32_t i = 0; i < rank; i++)
		order[i] = rank < 3 || i == 0 ? i : i == rank - 1 ? 1 : i + 1;
}

bool heft_lies_both(const struct heft_array *a)
{
	uint64_t n_pixels = 1;

	for (uint32_t i = 2; i < a->rank; i++)
		n_pixels *= a->dims[i] == 0 ? 1 : a->dims[i];
	return a->rank < 3 || a->dims[1] <= 1 || n_pixels == 1;
}

/* --- the step that changes the layout --- */

/* An image is n_rows x n_columns elements, which become n_columns x n_rows. */
struct turn {
	size_t n_rows;
	size_t n_columns;
	size_t size;  /* of an element */
	size_t block; /* rows, or columns, of a task */
	size_t n_blocks;
	bool by_columns;
	uint64_t n_tasks;
};

static enum heft_status infer_turn(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const bool to_last = heft_call_int(c, "to_last", 0) != 0;
	struct turn t = { .size = 1, .by_columns = to_last };
	size_t n_pixels = 1;

	for (uint32_t i = 2; i < x->rank; i++)
		n_pixels *= (size_t)x->dims[i];
	if (x->n_elements > 0) {
		t.n_rows = to_last ? (size_t)x->dims[1] : n_pixels;
		t.n_columns = to_last ? n_pixels : (size_t)x->dims[1];
		t.size = (size_t)(x->n_bytes / x->n_elements);
		t.block = TASK_ELEMENTS / (to_last ? t.n_rows : t.n_columns) + 1;
		t.block = (t.block + 15) / 16 * 16;
		t.n_blocks = (n_pixels + t.block - 1) / t.block;
		t.n_tasks = x->dims[0] * t.n_blocks;
	}
	_Static_assert(sizeof t <= HEFT_CALL_STATE, "state holds it");
	memcpy(c->state, &t, sizeof t);
	return heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err);
}

static void turn_bytes(const struct turn *t, const uint8_t *x, size_t x_ld, size_t n_rows,
                       size_t n_columns, uint8_t *y, size_t y_ld)
{
	for (size_t i = 0; i < n_rows; i++) {
		for (size_t j = 0; j < n_columns; j++)
			memcpy(y + (j * y_ld + i) * t->size, x + (i * x_ld + j) * t->size, t->size);
	}
}

static void turn_task(void *ctx, uint64_t task, uint32_t worker)
{
	const struct heft_call *c = ctx;
	const struct turn *t = (const struct turn *)(const void *)c->state;
	const size_t image = (size_t)(task / t->n_blocks) * t->n_rows * t->n_columns;
	const size_t from = (size_t)(task % t->n_blocks) * t->block;
	const size_t whole = t->by_columns ? t->n_columns : t->n_rows;
	const size_t n = whole - from < t->block ? whole - from : t->block;
	const size_t x_at = image + from * (t->by_columns ? 1 : t->n_columns);
	const size_t y_at = image + from * (t->by_columns ? t->n_rows : 1);
	const size_t n_rows = t->by_columns ? t->n_rows : n;
	const size_t n_columns = t->by_columns ? n : t->n_columns;

	(void)worker;
	if (t->size == sizeof(float))
		heft_transpose_by(c->cpu_bits, (const float *)c->in[0].bytes + x_at, t->n_columns,
		                  n_rows, n_columns, (float *)c->out[0].bytes + y_at, t->n_rows);
	else
		turn_bytes(t, (const uint8_t *)c->in[0].bytes + x_at * t->size, t->n_columns,
		           n_rows, n_columns, (uint8_t *)c->out[0].bytes + y_at * t->size,
		           t->n_rows);
}

static void forward_turn(const struct heft_call *c)
{
	const struct turn *t = (const struct turn *)(const void *)c->state;

	heft_team_run(c->team, t->n_tasks, turn_task, (void *)(uintptr_t)c);
}

static const struct heft_op op_turn = {
	.name = "Layout",
	.domain = "",
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer_turn,
	.forward = forward_turn,
};

static const struct heft_attr to_last = { .name = "to_last", .kind = HEFT_ATTR_INT, .i = 1 };
static const struct heft_attr to_first = { .name = "to_last", .kind = HEFT_ATTR_INT, .i = 0 };

/* --- which steps work how --- */

static bool lies(const struct heft_slot *s, bool last)
{
	return s->is_last == last || heft_lies_both(&s->array);
}

/* The slot with the same elements in this layout: itself, one that was made before, or a new
 * one. */
static enum heft_status turned(struct heft_plan *p, uint32_t slot, bool last, uint32_t *to,
                               struct heft_error *err)
{
	const struct heft_slot s = *heft_plan_slot(p, slot);

	*to = slot;
	if (lies(&s, last))
		return HEFT_OK;
	*to = s.other;
	if (s.other != HEFT_IR_NONE)
		return HEFT_OK;
	HEFT_TRY(heft_plan_add_slot(p, &s.array, HEFT_SLOT_STEP, s.value, to, err));
	heft_plan_slot(p, *to)->array.bytes = NULL;
	heft_plan_slot(p, *to)->is_last = last;
	heft_plan_slot(p, slot)->other = *to;
	return heft_plan_add_own(p, &op_turn, (struct heft_attrs){ last ? &to_last : &to_first, 1 },
	                         slot, *to, err);
}

/* An operator that knows both layouts works channels last where it wants to, or an input lies
 * so. */
static bool works_last(const struct heft_plan *p, const struct heft_step *s)
{
	const bool all = (s->op->flags & (HEFT_OP_ALL_LAID | HEFT_OP_INPUTS_LAID)) != 0;

	if (!(s->op->flags & HEFT_OP_CHANNELS_LAST) || s->n_in == 0 ||
	    s->slots[0] == HEFT_IR_NONE || heft_plan_slot(p, s->slots[0])->array.rank < 3)
		return false;
	if (s->op->flags & HEFT_OP_WANTS_LAST)
		return true;
	for (uint32_t k = 0; k < (all ? s->n_in : 1); k++) {
		if (s->slots[k] != HEFT_IR_NONE && heft_plan_slot(p, s->slots[k])->is_last &&
		    !heft_lies_both(&heft_plan_slot(p, s->slots[k])->array))
			return true;
	}
	return false;
}

/* An elementwise step may work on permuted arrays where one of them lies so already, and none that
 * would have to be permuted is of a lower rank: constants are permuted once. */
static bool works_permuted(const struct heft_plan *p, const struct heft_step *s)
{
	const struct heft_call call = { .attrs = s->attrs };
	uint32_t rank;
	bool is_any = false;

	if (!(s->op->flags & HEFT_OP_ELEMENTWISE) || s->n_out != 1)
		return false;
	rank = heft_plan_slot(p, s->slots[s->n_in])->array.rank;
	/* before opset 7 a dimension is named, or is that of channels, where shapes differ */
	if (rank < 3 || heft_call_attr(&call, "axis") || heft_call_attr(&call, "broadcast"))
		return false;
	for (uint32_t k = 0; k < s->n_in; k++) {
		const struct heft_slot *in;

		if (s->slots[k] == HEFT_IR_NONE)
			continue;
		in = heft_plan_slot(p, s->slots[k]);
		is_any = is_any ||
		         (in->is_last && in->array.rank == rank && !heft_lies_both(&in->array));
		if (in->array.rank < rank && in->array.n_elements > 1 &&
		    (s->opset < 7 || (in->kind != HEFT_SLOT_CONSTANT && in->array.rank > 1)))
			return false;
	}
	return is_any;
}

static enum heft_status lay_step(struct heft_plan *p, struct heft_step *s, struct heft_error *err)
{
	const bool all_in = (s->op->flags & (HEFT_OP_ALL_LAID | HEFT_OP_INPUTS_LAID)) != 0;
	const bool all_out = (s->op->flags & HEFT_OP_ALL_LAID) != 0;
	const bool no_out = (s->op->flags & HEFT_OP_INPUTS_LAID) != 0;

	s->is_last = works_last(p, s);
	s->is_permuted = !s->is_last && works_permuted(p, s);
	for (uint32_t k = 0; k < s->n_in; k++) {
		const bool is_laid = s->is_permuted || (s->is_last && (k == 0 || all_in));

		if (s->slots[k] == HEFT_IR_NONE || heft_plan_slot(p, s->slots[k])->array.rank < 3)
			continue;
		if (s->is_permuted && heft_plan_slot(p, s->slots[k])->kind == HEFT_SLOT_CONSTANT)
			continue;
		HEFT_TRY(turned(p, s->slots[k], is_laid, &s->slots[k], err));
	}
	if (s->residual != HEFT_IR_NONE)
		HEFT_TRY(turned(p, s->residual, s->is_last || s->is_permuted, &s->residual, err));
	for (uint32_t k = 0; k < s->n_out; k++) {
		struct heft_slot *out;

		if (s->slots[s->n_in + k] == HEFT_IR_NONE)
			continue;
		out = heft_plan_slot(p, s->slots[s->n_in + k]);
		out->is_last = out->array.rank > 2 &&
		               (s->is_permuted || (s->is_last && !no_out && (k == 0 || all_out)));
	}
	return HEFT_OK;
}

static enum heft_status turn_result(struct heft_plan *p, uint32_t *slot, struct heft_error *err)
{
	if (*slot == HEFT_IR_NONE || heft_plan_slot(p, *slot)->kind != HEFT_SLOT_STEP)
		return HEFT_OK;
	HEFT_TRY(turned(p, *slot, false, slot, err));
	heft_plan_slot(p, *slot)->is_kept = true;
	return HEFT_OK;
}

/* What training reads lies as ONNX says, too. */
static enum heft_status turn_learned(struct heft_plan *p, struct heft_error *err)
{
	struct heft_learning *l = p->learning;

	HEFT_TRY(turn_result(p, &l->prediction, err));
	for (uint32_t k = 0; k < l->n_tensors && !l->forward_only; k++)
		HEFT_TRY(turn_result(p, &l->gradients[k], err));
	return HEFT_OK;
}

/* What goes to the caller, or to a dynamic node, lies as ONNX says. */
static enum heft_status turn_kept(struct heft_plan *p, struct heft_error *err)
{
	for (uint32_t v = 0; v < p->model->n_values; v++) {
		uint32_t slot = p->slot_of[v];

		if (slot == HEFT_IR_NONE || !heft_plan_slot(p, slot)->is_kept ||
		    heft_plan_slot(p, slot)->kind != HEFT_SLOT_STEP)
			continue;
		HEFT_TRY(turned(p, slot, false, &slot, err));
		heft_plan_slot(p, slot)->is_kept = true;
		p->slot_of[v] = slot;
	}
	return HEFT_OK;
}

enum heft_status heft_plan_lay_out(struct heft_plan *p, struct heft_error *err)
{
	struct heft_buffer steps = p->steps;
	enum heft_status st = HEFT_OK;

	heft_buffer_init(&p->steps);
	for (size_t i = 0; i < steps.size / sizeof(struct heft_step) && st == HEFT_OK; i++) {
		struct heft_step s = *((struct heft_step *)(void *)steps.bytes + i);

		if (s.is_dead)
			continue;
		st = lay_step(p, &s, err);
		heft_buffer_add(&p->steps, &s, sizeof s);
	}
	heft_buffer_done(&steps);
	if (st == HEFT_OK)
		st = turn_kept(p, err);
	if (st == HEFT_OK && p->learning)
		st = turn_learned(p, err);
	if (st == HEFT_OK && !p->steps.ok)
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a plan");
	return st;
}
