/* SPDX-License-Identifier: Apache-2.0 */
/* op_bitwise_not.c - BitwiseNot: the bits that x has not. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_INTEGER(NOT),
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
HEFT_UNARY_OPERATOR(bitwise_not, "BitwiseNot", 18, 0, infer, heft_gradient_none);
