/* SPDX-License-Identifier: Apache-2.0 */
/* op_relu.c - Relu: 0 where x is less. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(RELU),
	HEFT_LOOPS_SIGNED(RELU),
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t y = heft_gradient_out(g, 0);

	(void)c;
	heft_give(g, 0, heft_emit_2(g, "heft.ReluGradient", dy, y));
}

HEFT_UNARY_OPERATOR(relu, "Relu", 0, HEFT_OP_WIDENS, infer, backward);
