/* SPDX-License-Identifier: Apache-2.0 */
/* op_transpose.c - Transpose: dimensions in another order. */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"

static enum heft_status read_order(const struct heft_call *c, uint32_t *order,
                                   struct heft_error *err)
{
	const uint32_t rank = c->in[0].rank;
	const bool is_given = heft_call_attr(c, "perm") != NULL;
	uint32_t seen = 0;
	uint32_t n;
	const int64_t *perm = heft_call_ints(c, "perm", &n);

	if (is_given && n != rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "perm has %u axes, and the input %u dimensions", n, rank);
	for (uint32_t i = 0; i < rank; i++) {
		order[i] = rank - 1 - i;
		if (is_given)
			HEFT_TRY(heft_call_axis(perm[i], rank, false, &order[i], err));
		if (seen >> order[i] & 1)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "axis %u is named twice", order[i]);
		seen |= 1U << order[i];
	}
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct heft_move *m = (struct heft_move *)(void *)c->state;
	uint32_t order[HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	int64_t x_steps[HEFT_GRAPH_MAX_RANK];
	int64_t y_steps[HEFT_GRAPH_MAX_RANK];
	uint64_t size;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	HEFT_TRY(read_order(c, order, err));
	for (uint32_t i = 0; i < x->rank; i++)
		dims[i] = x->dims[order[i]];
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, x->rank, dims, err));
	heft_steps(c, x, false, x_steps);
	heft_steps(c, &c->out[0], false, y_steps);
	heft_move_init(m, size);
	for (uint32_t i = 0; i < x->rank; i++)
		heft_move_add(m, dims[i], x_steps[order[i]], y_steps[i]);
	heft_move_ready(m);
	return HEFT_OK;
}

static void forward(const struct heft_call *c)
{
	heft_move_run(c, (const struct heft_move *)(const void *)c->state, c->in[0].bytes,
	              c->out[0].bytes);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	struct heft_emit e = { .type = "Transpose", .n_in = 1, .n_attrs = 1 };
	uint32_t order[HEFT_GRAPH_MAX_RANK];
	int64_t back[HEFT_GRAPH_MAX_RANK];

	if (read_order(c, order, NULL) != HEFT_OK)
		return;
	for (uint32_t i = 0; i < c->in[0].rank; i++)
		back[order[i]] = i;
	e.in[0] = heft_gradient_of(g, 0);
	e.attrs[0] = heft_attr_ints("perm", back, c->in[0].rank);
	heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_transpose = {
	.name = "Transpose",
	.domain = "",
	.flags = HEFT_OP_MOVES,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
