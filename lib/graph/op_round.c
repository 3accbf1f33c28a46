/* SPDX-License-Identifier: Apache-2.0 */
/* op_round.c - Round: the nearest integer, halves to even. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(ROUND),
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
HEFT_UNARY_OPERATOR(round, "Round", 11, HEFT_OP_WIDENS, infer, heft_gradient_none);
