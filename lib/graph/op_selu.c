/* SPDX-License-Identifier: Apache-2.0 */
/* op_selu.c - Selu: gamma × (alpha × (e^x - 1) where x is negative, else x). */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, heft_run_elu_f32, 0 },
	{ HEFT_DTYPE_F64, heft_run_elu_f64, 0 },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const float alpha = c->opset < 6 ? 1.6732f : 1.67326319217681884765625f;
	const float gamma = c->opset < 6 ? 1.0507f : 1.05070102214813232421875f;

	heft_elementwise_keep(c, (double)heft_call_float(c, "alpha", alpha),
	                      (double)heft_call_float(c, "gamma", gamma));
	return heft_unary_infer(c, loops, err);
}

HEFT_UNARY_OPERATOR(selu, "Selu", 0, HEFT_OP_WIDENS, infer);
