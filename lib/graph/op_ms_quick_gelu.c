/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_quick_gelu.c - QuickGelu of com.microsoft: x × sigmoid(alpha × x). */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, heft_run_swish_f32, 0 },
	{ HEFT_DTYPE_F64, heft_run_swish_f64, 0 },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, (double)heft_call_float(c, "alpha", 1.702f), 0);
	return heft_unary_infer(c, loops, err);
}

static void forward(const struct heft_call *c)
{
	heft_unary_forward(c, loops);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_emit e = {
		.type = "heft.SwishGradient",
		.n_in = 2,
		.in = { heft_gradient_of(g, 0), heft_gradient_in(g, 0) },
		.n_attrs = 1,
		.attrs = { heft_attr_float("alpha", heft_call_float(c, "alpha", 1.702f)) },
	};

	heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_ms_quick_gelu = {
	.name = "QuickGelu",
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
