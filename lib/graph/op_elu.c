/* SPDX-License-Identifier: Apache-2.0 */
/* op_elu.c - Elu: alpha × (e^x - 1) where x is negative. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, heft_run_elu_f32, 0 },
	{ HEFT_DTYPE_F64, heft_run_elu_f64, 0 },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, (double)heft_call_float(c, "alpha", 1.0f), 1);
	return heft_unary_infer(c, loops, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_emit e = {
		.type = "heft.EluGradient",
		.n_in = 2,
		.in = { heft_gradient_of(g, 0), heft_gradient_out(g, 0) },
		.n_attrs = 1,
		.attrs = { heft_attr_float("alpha", heft_call_float(c, "alpha", 1.0f)) },
	};

	if (heft_call_float(c, "alpha", 1.0f) < 0)
		heft_gradient_block(g, "with an alpha below 0 it has no gradient here");
	heft_give(g, 0, heft_emit(g, &e));
}

HEFT_UNARY_OPERATOR(elu, "Elu", 0, HEFT_OP_WIDENS, infer, backward);
