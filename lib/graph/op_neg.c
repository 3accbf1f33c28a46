/* SPDX-License-Identifier: Apache-2.0 */
/* op_neg.c - Neg: -x. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(NEG),
	HEFT_LOOPS_SIGNED(NEG),
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);

	(void)c;
	heft_give(g, 0, heft_emit_1(g, "Neg", dy));
}

HEFT_UNARY_OPERATOR(neg, "Neg", 0, HEFT_OP_WIDENS, infer, backward);
