/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_softsign_gradient.c - SoftsignGradient: dy / (1 + |x|)^2. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(SLOPE_SOFTSIGN),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

HEFT_SLOPE_OPERATOR(heft_softsign_gradient, "SoftsignGradient", infer);
