/* SPDX-License-Identifier: Apache-2.0 */
/* op_ceil.c - Ceil: the next integer above. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(CEIL),
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
HEFT_UNARY_OPERATOR(ceil, "Ceil", 0, HEFT_OP_WIDENS, infer, heft_gradient_none);
