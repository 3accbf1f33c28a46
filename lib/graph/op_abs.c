/* SPDX-License-Identifier: Apache-2.0 */
/* op_abs.c - Abs: x without its sign. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(ABS),
	HEFT_LOOPS_INTEGER(ABS),
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t x = heft_gradient_in(g, 0);

	(void)c;
	heft_give(g, 0, heft_emit_2(g, "heft.AbsGradient", dy, x));
}

HEFT_UNARY_OPERATOR(abs, "Abs", 0, HEFT_OP_WIDENS, infer, backward);
