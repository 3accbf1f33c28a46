/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_hard_swish_gradient.c - HardSwishGradient: dy times the slope of HardSwish at x. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(SLOPE_HARD_SWISH),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, 0x1.555556p-3, 0.5);
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

HEFT_SLOPE_OPERATOR(heft_hard_swish_gradient, "HardSwishGradient", infer);
