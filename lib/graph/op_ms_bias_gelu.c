/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_bias_gelu.c - BiasGelu of com.microsoft: Gelu of x + bias. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, heft_run_gelu_f32, HEFT_GELU_EXACT },
	{ HEFT_DTYPE_F64, heft_run_gelu_f64, HEFT_GELU_EXACT },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_bias_infer(c, loops, err);
}

static void forward(const struct heft_call *c)
{
	heft_binary_forward(c, loops);
}

const struct heft_op heft_op_ms_bias_gelu = {
	.name = "BiasGelu",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
