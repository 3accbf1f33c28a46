/* SPDX-License-Identifier: Apache-2.0 */
/* op_neg.c - Neg: -x. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(NEG),
	HEFT_LOOPS_SIGNED(NEG),
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
HEFT_UNARY_OPERATOR(neg, "Neg", 0, HEFT_OP_WIDENS, infer);
