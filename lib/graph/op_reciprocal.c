/* SPDX-License-Identifier: Apache-2.0 */
/* op_reciprocal.c - Reciprocal: 1 / x. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(RECIPROCAL),
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t y = heft_gradient_out(g, 0);
	const uint32_t square = heft_emit_2(g, "Mul", y, y);

	(void)c;
	heft_give(g, 0, heft_emit_1(g, "Neg", heft_emit_2(g, "Mul", dy, square)));
}

HEFT_UNARY_OPERATOR(reciprocal, "Reciprocal", 0, HEFT_OP_WIDENS, infer, backward);
