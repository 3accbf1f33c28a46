/* SPDX-License-Identifier: Apache-2.0 */
/* op_is_nan.c - IsNaN: whether x is a NaN. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_COMPARE(IS_NAN),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_elementwise_infer(c, loops, 1, HEFT_DTYPE_BOOL, err);
}

HEFT_UNARY_OPERATOR(is_nan, "IsNaN", 9, HEFT_OP_WIDENS, infer, heft_gradient_none);
