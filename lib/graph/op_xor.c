/* SPDX-License-Identifier: Apache-2.0 */
/* op_xor.c - Xor: whether one is true and the other is not. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_BOOL, heft_run_bool, HEFT_INTEGER_XOR },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

static void forward(const struct heft_call *c)
{
	heft_binary_forward(c, loops);
}

const struct heft_op heft_op_xor = {
	.name = "Xor",
	.domain = "",
	.flags = HEFT_OP_ELEMENTWISE,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
