/* SPDX-License-Identifier: Apache-2.0 */
/* op_global_max_pool.c - GlobalMaxPool: the maximum of each map. */
#include "graph/gradient.h"
#include "graph/reduce.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_reduce_maps_infer(c, HEFT_REDUCE_MAX, 1.0f, err);
}

/* One window, which is the map: of equal maxima the first has the gradient (F7-14). */
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t rank = c->in[0].rank;
	int64_t shape[HEFT_GRAPH_MAX_RANK];
	struct heft_emit e = {
		.type = "heft.MaxPoolGradient",
		.n_in = 2,
		.in = { heft_gradient_of(g, 0), heft_gradient_in(g, 0) },
		.n_attrs = 2,
	};

	for (uint32_t d = 0; d < rank; d++)
		shape[d] = (int64_t)c->in[0].dims[d];
	e.attrs[0] = heft_attr_ints("shape", shape, rank);
	e.attrs[1] = heft_attr_ints("kernel_shape", shape + 2, rank - 2);
	heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_global_max_pool = {
	.name = "GlobalMaxPool",
	.domain = "",
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_reduce_forward,
	.backward = backward,
};
