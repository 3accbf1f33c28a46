/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_fast_gelu.c - FastGelu of com.microsoft: the form of Gelu by tanh, of x + bias where there
 * is one. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, heft_run_gelu_f32, HEFT_GELU_TANH },
	{ HEFT_DTYPE_F64, heft_run_gelu_f64, HEFT_GELU_TANH },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_call_has(c, 1) ? heft_bias_infer(c, loops, err)
	                           : heft_unary_infer(c, loops, err);
}

static void forward(const struct heft_call *c)
{
	if (heft_call_has(c, 1))
		heft_binary_forward(c, loops);
	else
		heft_unary_forward(c, loops);
}

const struct heft_op heft_op_ms_fast_gelu = {
	.name = "FastGelu",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
