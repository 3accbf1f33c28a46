/* SPDX-License-Identifier: Apache-2.0 */
/* op_hard_swish.c - HardSwish: x × (x / 6 + 0.5), that factor between 0 and 1. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(HARD_SWISH),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, 0x1.555556p-3, 0.5);
	return heft_unary_infer(c, loops, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t x = heft_gradient_in(g, 0);

	(void)c;
	heft_give(g, 0, heft_emit_2(g, "heft.HardSwishGradient", dy, x));
}

HEFT_UNARY_OPERATOR(hard_swish, "HardSwish", 14, HEFT_OP_WIDENS, infer, backward);
