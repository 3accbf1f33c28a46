/* SPDX-License-Identifier: Apache-2.0 */
/* op_leaky_relu.c - LeakyRelu: alpha × x where x is negative. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(LEAKY),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, (double)heft_call_float(c, "alpha", 0.01f), 0);
	return heft_unary_infer(c, loops, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_emit e = {
		.type = "heft.LeakyReluGradient",
		.n_in = 2,
		.in = { heft_gradient_of(g, 0), heft_gradient_in(g, 0) },
		.n_attrs = 1,
		.attrs = { heft_attr_float("alpha", heft_call_float(c, "alpha", 0.01f)) },
	};

	heft_give(g, 0, heft_emit(g, &e));
}

HEFT_UNARY_OPERATOR(leaky_relu, "LeakyRelu", 0, HEFT_OP_WIDENS, infer, backward);
