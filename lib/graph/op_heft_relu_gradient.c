/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_relu_gradient.c - ReluGradient: dy where y is above 0, of a Relu's output y. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(SLOPE_ABOVE),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, 0, 0);
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

HEFT_SLOPE_OPERATOR(heft_relu_gradient, "ReluGradient", infer);
