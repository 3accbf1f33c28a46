/* SPDX-License-Identifier: Apache-2.0 */
/* op_expand.c - Expand: broadcast to a shape, or to what both shapes come to. */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct heft_move *m = (struct heft_move *)(void *)c->state;
	struct heft_array shape = { .dtype = HEFT_DTYPE_U8 };
	const struct heft_array *both[2] = { x, &shape };
	int64_t asked[HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t x_steps[HEFT_GRAPH_MAX_RANK];
	int64_t y_steps[HEFT_GRAPH_MAX_RANK];
	uint64_t size;
	uint32_t rank;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	HEFT_TRY(heft_call_known_ints(c, 1, asked, HEFT_GRAPH_MAX_RANK, &shape.rank, err));
	for (uint32_t d = 0; d < shape.rank; d++) {
		if (asked[d] < 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "size %lld cannot be asked for", (long long)asked[d]);
		shape.dims[d] = (uint64_t)asked[d];
	}
	HEFT_TRY(heft_broadcast(both, 2, &rank, dims, err));
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, rank, dims, err));
	heft_broadcast_strides(x, rank, x_steps);
	heft_steps(c, &c->out[0], false, y_steps);
	heft_move_init(m, size);
	for (uint32_t d = 0; d < rank; d++)
		heft_move_add(m, dims[d], (int64_t)x_steps[d], y_steps[d]);
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
	(void)c;
	heft_give(g, 0, heft_gradient_of(g, 0));
}

const struct heft_op heft_op_expand = {
	.name = "Expand",
	.domain = "",
	.since = 8,
	.flags = HEFT_OP_MOVES,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
