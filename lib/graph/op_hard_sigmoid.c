/* SPDX-License-Identifier: Apache-2.0 */
/* op_hard_sigmoid.c - HardSigmoid: alpha × x + beta, between 0 and 1. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(HARD_SIGMOID),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, (double)heft_call_float(c, "alpha", 0.2f),
	                      (double)heft_call_float(c, "beta", 0.5f));
	return heft_unary_infer(c, loops, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const enum heft_dtype dtype = c->in[0].dtype;
	const struct heft_emit inside = {
		.type = "heft.ClipGradient",
		.n_in = 4,
		.in = { heft_gradient_of(g, 0), heft_gradient_out(g, 0),
		        heft_emit_number(g, dtype, 0), heft_emit_number(g, dtype, 1) },
	};
	const uint32_t alpha = heft_emit_number(g, dtype,
	                                        (double)heft_call_float(c, "alpha", 0.2f));

	heft_give(g, 0, heft_emit_2(g, "Mul", heft_emit(g, &inside), alpha));
}

HEFT_UNARY_OPERATOR(hard_sigmoid, "HardSigmoid", 0, HEFT_OP_WIDENS, infer, backward);
