/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_tanh_gradient.c - TanhGradient: dy (1 - y y), of a Tanh's output y. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(SLOPE_TANH),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

HEFT_SLOPE_OPERATOR(heft_tanh_gradient, "TanhGradient", infer);
