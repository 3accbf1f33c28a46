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

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t x = heft_gradient_in(g, 0);
	const uint32_t sum = heft_call_has(c, 1) ? heft_emit_2(g, "Add", x, heft_gradient_in(g, 1))
	                                         : x;
	const struct heft_emit e = {
		.type = "heft.GeluGradient",
		.n_in = 2,
		.in = { heft_gradient_of(g, 0), sum },
		.n_attrs = 1,
		.attrs = { heft_attr_text("approximate", "tanh") },
	};
	const uint32_t dx = heft_emit(g, &e);

	heft_give(g, 0, dx);
	heft_give(g, 1, dx);
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
	.backward = backward,
};
