/* SPDX-License-Identifier: Apache-2.0 */
/* op_not.c - Not: false where x is true. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_BOOL, heft_run_bool, HEFT_INTEGER_NOT },
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
HEFT_UNARY_OPERATOR(not, "Not", 0, 0, infer, heft_gradient_none);
