/* SPDX-License-Identifier: Apache-2.0 */
/* op_selu.c - Selu: gamma × (alpha × (e^x - 1) where x is negative, else x). */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, heft_run_elu_f32, 0 },
	{ HEFT_DTYPE_F64, heft_run_elu_f64, 0 },
	HEFT_LOOPS_END,
};

static float alpha_of(const struct heft_call *c)
{
	return heft_call_float(c, "alpha", c->opset < 6 ? 1.6732f : 1.67326319217681884765625f);
}

static float gamma_of(const struct heft_call *c)
{
	return heft_call_float(c, "gamma", c->opset < 6 ? 1.0507f : 1.05070102214813232421875f);
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, (double)alpha_of(c), (double)gamma_of(c));
	return heft_unary_infer(c, loops, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const float alpha = alpha_of(c);
	const float gamma = gamma_of(c);
	const struct heft_emit e = {
		.type = "heft.EluGradient",
		.n_in = 2,
		.in = { heft_gradient_of(g, 0), heft_gradient_out(g, 0) },
		.n_attrs = 2,
		.attrs = { heft_attr_float("alpha", alpha * gamma),
		           heft_attr_float("gamma", gamma) },
	};

	if (alpha < 0 || gamma <= 0)
		heft_gradient_block(g, "with an alpha or gamma below 0 it has no gradient here");
	heft_give(g, 0, heft_emit(g, &e));
}

HEFT_UNARY_OPERATOR(selu, "Selu", 0, HEFT_OP_WIDENS, infer, backward);
