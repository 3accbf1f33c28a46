/* SPDX-License-Identifier: Apache-2.0 */
/* op_thresholded_relu.c - ThresholdedRelu: 0 where x is not above alpha. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(THRESHOLD),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, (double)heft_call_float(c, "alpha", 1.0f), 0);
	return heft_unary_infer(c, loops, err);
}

HEFT_UNARY_OPERATOR(thresholded_relu, "ThresholdedRelu", 10, HEFT_OP_WIDENS, infer);
