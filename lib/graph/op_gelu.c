/* SPDX-License-Identifier: Apache-2.0 */
/* op_gelu.c - Gelu: x times the normal distribution, or its form by tanh. */
#include <string.h>

#include "base/error.h"
#include "graph/elementwise_loops.h"

static const struct heft_loop exact[] = {
	{ HEFT_DTYPE_F32, heft_run_gelu_f32, HEFT_GELU_EXACT },
	{ HEFT_DTYPE_F64, heft_run_gelu_f64, HEFT_GELU_EXACT },
	HEFT_LOOPS_END,
};
static const struct heft_loop by_tanh[] = {
	{ HEFT_DTYPE_F32, heft_run_gelu_f32, HEFT_GELU_TANH },
	{ HEFT_DTYPE_F64, heft_run_gelu_f64, HEFT_GELU_TANH },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const char *how = heft_call_text(c, "approximate", "none");

	if (strcmp(how, "none") != 0 && strcmp(how, "tanh") != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'approximate' is neither none nor tanh");
	return heft_unary_infer(c, exact, err);
}

static void forward(const struct heft_call *c)
{
	const char *how = heft_call_text(c, "approximate", "none");

	heft_unary_forward(c, strcmp(how, "tanh") == 0 ? by_tanh : exact);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_emit e = {
		.type = "heft.GeluGradient",
		.n_in = 2,
		.in = { heft_gradient_of(g, 0), heft_gradient_in(g, 0) },
		.same = &c->attrs,
	};

	heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_gelu = {
	.name = "Gelu",
	.domain = "",
	.since = 20,
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
