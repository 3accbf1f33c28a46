/* SPDX-License-Identifier: Apache-2.0 */
/* op_reduce_l1.c - ReduceL1: the sum of magnitudes over axes. */
#include "graph/reduce.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_reduce_infer(c, HEFT_REDUCE_L1, 18, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_reduce_backward(c, g, HEFT_REDUCE_L1, 18);
}

const struct heft_op heft_op_reduce_l1 = {
	.name = "ReduceL1",
	.domain = "",
	.flags = HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1,
	.infer = infer,
	.forward = heft_reduce_forward,
	.backward = backward,
};
