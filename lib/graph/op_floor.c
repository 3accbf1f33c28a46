/* SPDX-License-Identifier: Apache-2.0 */
/* op_floor.c - Floor: the next integer below. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(FLOOR),
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
HEFT_UNARY_OPERATOR(floor, "Floor", 0, HEFT_OP_WIDENS, infer, heft_gradient_none);
