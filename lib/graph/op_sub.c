/* SPDX-License-Identifier: Apache-2.0 */
/* op_sub.c - Sub: a - b. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(SUB),
	HEFT_LOOPS_INTEGER(SUB),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

static void forward(const struct heft_call *c)
{
	heft_binary_forward(c, loops);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);

	if (!heft_binary_aligns(c, g))
		return;
	heft_give(g, 0, dy);
	if (heft_gradient_wants(g, 1))
		heft_give(g, 1, heft_emit_1(g, "Neg", dy));
}

const struct heft_op heft_op_sub = {
	.name = "Sub",
	.domain = "",
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
