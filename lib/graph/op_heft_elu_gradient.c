/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_elu_gradient.c - EluGradient: dy times (y + alpha) where the output y is below 0, else dy
 * times gamma. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(SLOPE_ELU),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, (double)heft_call_float(c, "alpha", 1.0f),
	                      (double)heft_call_float(c, "gamma", 1.0f));
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

HEFT_SLOPE_OPERATOR(heft_elu_gradient, "EluGradient", infer);
