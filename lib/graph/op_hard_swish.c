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

HEFT_UNARY_OPERATOR(hard_swish, "HardSwish", 14, HEFT_OP_WIDENS, infer);
