/* SPDX-License-Identifier: Apache-2.0 */
/* op_sign.c - Sign: -1, 0 or 1. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(SIGN),
	HEFT_LOOPS_INTEGER(SIGN),
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
HEFT_UNARY_OPERATOR(sign, "Sign", 9, HEFT_OP_WIDENS, infer, heft_gradient_none);
