/* SPDX-License-Identifier: Apache-2.0 */
/* op_sum.c - Sum: (x0 + x1) + x2 …. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(ADD),
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

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);

	for (uint32_t i = 0; i < c->n_in; i++)
		heft_give(g, i, dy);
}

const struct heft_op heft_op_sum = {
	.name = "Sum",
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
