/* SPDX-License-Identifier: Apache-2.0 */
/* op_celu.c - Celu: alpha × (e^(x / alpha) - 1) where x is negative. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, heft_run_elu_f32, 1 },
	{ HEFT_DTYPE_F64, heft_run_elu_f64, 1 },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, (double)heft_call_float(c, "alpha", 1.0f), 1);
	return heft_unary_infer(c, loops, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const float alpha = heft_call_float(c, "alpha", 1.0f);
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t y = heft_gradient_out(g, 0);
	const uint32_t zero = heft_emit_number(g, c->in[0].dtype, 0);
	const uint32_t divisor = heft_emit_number(g, c->in[0].dtype, (double)alpha);
	const uint32_t one = heft_emit_number(g, c->in[0].dtype, 1);
	/* e^(x / alpha) is y / alpha + 1 */
	const uint32_t slope = heft_emit_2(g, "Add", heft_emit_2(g, "Div", y, divisor), one);
	const uint32_t below = heft_emit_2(g, "Mul", dy, slope);

	if (alpha <= 0)
		heft_gradient_block(g, "with an alpha below 0 it has no gradient here");
	heft_give(g, 0, heft_emit_3(g, "Where", heft_emit_2(g, "Less", y, zero), below, dy));
}

HEFT_UNARY_OPERATOR(celu, "Celu", 12, HEFT_OP_WIDENS, infer, backward);
