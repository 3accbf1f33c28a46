/* SPDX-License-Identifier: Apache-2.0 */
/* op_random_uniform.c - RandomUniform: numbers between two others, of a shape. */
#include "graph/gradient.h"
#include "graph/random.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	/* so that infer sees whether they are floats */
	(void)heft_call_float(c, "seed", 0);
	(void)heft_call_float(c, "low", 0);
	(void)heft_call_float(c, "high", 0);
	return heft_random_infer_shape(c, err);
}

static void forward(const struct heft_call *c)
{
	heft_random_fill(c, HEFT_DRAWN_UNIFORM);
}

const struct heft_op heft_op_random_uniform = {
	.name = "RandomUniform",
	.domain = "",
	.flags = HEFT_OP_RANDOM,
	.min_in = 0,
	.max_in = 0,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
