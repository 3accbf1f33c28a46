/* SPDX-License-Identifier: Apache-2.0 */
/* op_greater_or_equal.c - GreaterOrEqual: whether a >= b: whether b <= a. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_COMPARE(LESS_OR_EQUAL),
	HEFT_LOOPS_INTEGER(LESS_OR_EQUAL),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_binary_infer(c, loops, HEFT_DTYPE_BOOL, err);
}

static void forward(const struct heft_call *c)
{
	heft_binary_forward_swapped(c, loops);
}

const struct heft_op heft_op_greater_or_equal = {
	.name = "GreaterOrEqual",
	.domain = "",
	.since = 12,
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
