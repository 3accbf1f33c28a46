/* SPDX-License-Identifier: Apache-2.0 */
/* op_leaky_relu.c - LeakyRelu: alpha × x where x is negative. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(LEAKY),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, (double)heft_call_float(c, "alpha", 0.01f), 0);
	return heft_unary_infer(c, loops, err);
}

HEFT_UNARY_OPERATOR(leaky_relu, "LeakyRelu", 0, HEFT_OP_WIDENS, infer);
