/* SPDX-License-Identifier: Apache-2.0 */
/* op_global_average_pool.c - GlobalAveragePool: the mean of each map. */
#include "graph/reduce.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_reduce_maps_infer(c, HEFT_REDUCE_MEAN, 1.0f, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_reduce_maps_backward(c, g);
}

const struct heft_op heft_op_global_average_pool = {
	.name = "GlobalAveragePool",
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
