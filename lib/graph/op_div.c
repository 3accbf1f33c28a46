/* SPDX-License-Identifier: Apache-2.0 */
/* op_div.c - Div: a / b; of integers without the fraction. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(DIV),
	HEFT_LOOPS_INTEGER(DIV),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

static void forward(const struct heft_call *c)
{
	heft_binary_forward(c, loops);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	uint32_t quotient;

	if (!heft_binary_aligns(c, g))
		return;
	quotient = heft_emit_2(g, "Div", heft_gradient_of(g, 0), heft_gradient_in(g, 1));
	heft_give(g, 0, quotient);
	if (heft_gradient_wants(g, 1)) {
		const uint32_t product = heft_emit_2(g, "Mul", quotient, heft_gradient_out(g, 0));

		heft_give(g, 1, heft_emit_1(g, "Neg", product));
	}
}

const struct heft_op heft_op_div = {
	.name = "Div",
	.domain = "",
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
