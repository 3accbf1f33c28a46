/* SPDX-License-Identifier: Apache-2.0 */
/* op_reciprocal.c - Reciprocal: 1 / x. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(RECIPROCAL),
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
HEFT_UNARY_OPERATOR(reciprocal, "Reciprocal", 0, HEFT_OP_WIDENS, infer);
