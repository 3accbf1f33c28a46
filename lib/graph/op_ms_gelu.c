/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_gelu.c - Gelu of com.microsoft: x times the normal distribution. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, heft_run_gelu_f32, HEFT_GELU_EXACT },
	{ HEFT_DTYPE_F64, heft_run_gelu_f64, HEFT_GELU_EXACT },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_unary_infer(c, loops, err);
}

static void forward(const struct heft_call *c)
{
	heft_unary_forward(c, loops);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	(void)c;
	heft_give(g, 0,
	          heft_emit_2(g, "heft.GeluGradient", heft_gradient_of(g, 0),
	                      heft_gradient_in(g, 0)));
}

const struct heft_op heft_op_ms_gelu = {
	.name = "Gelu",
	.domain = "com.microsoft",
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
