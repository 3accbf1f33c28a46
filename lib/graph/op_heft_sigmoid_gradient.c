/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_sigmoid_gradient.c - SigmoidGradient: dy y (1 - y), of a Sigmoid's output y. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(SLOPE_SIGMOID),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

HEFT_SLOPE_OPERATOR(heft_sigmoid_gradient, "SigmoidGradient", infer);
