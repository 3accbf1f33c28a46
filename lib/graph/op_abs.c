/* SPDX-License-Identifier: Apache-2.0 */
/* op_abs.c - Abs: x without its sign. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(ABS),
	HEFT_LOOPS_INTEGER(ABS),
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
HEFT_UNARY_OPERATOR(abs, "Abs", 0, HEFT_OP_WIDENS, infer);
