/* SPDX-License-Identifier: Apache-2.0 */
/* op_less.c - Less: whether a < b. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_COMPARE(LESS),
	HEFT_LOOPS_INTEGER(LESS),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_binary_infer(c, loops, HEFT_DTYPE_BOOL, err);
}

static void forward(const struct heft_call *c)
{
	heft_binary_forward(c, loops);
}

const struct heft_op heft_op_less = {
	.name = "Less",
	.domain = "",
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
