/* SPDX-License-Identifier: Apache-2.0 */
/* op_max.c - Max: the greatest, the first of equal ones. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(MAX),
	HEFT_LOOPS_INTEGER(MAX),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_variadic_infer(c, loops, err);
}

static void forward(const struct heft_call *c)
{
	heft_variadic_forward(c, loops);
}

/* Of equal ones the first has it all. */
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_gradient_of_chosen(c, g);
}

const struct heft_op heft_op_max = {
	.name = "Max",
	.domain = "",
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = UINT32_MAX,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
