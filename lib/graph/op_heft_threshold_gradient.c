/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_threshold_gradient.c - ThresholdGradient: dy where x is above `alpha`, of
 * ThresholdedRelu's input x. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(SLOPE_ABOVE),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, (double)heft_call_float(c, "alpha", 1.0f), 0);
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

HEFT_SLOPE_OPERATOR(heft_threshold_gradient, "ThresholdGradient", infer);
