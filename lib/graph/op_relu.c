/* SPDX-License-Identifier: Apache-2.0 */
/* op_relu.c - Relu: 0 where x is less. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(RELU),
	HEFT_LOOPS_SIGNED(RELU),
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
HEFT_UNARY_OPERATOR(relu, "Relu", 0, HEFT_OP_WIDENS, infer);
