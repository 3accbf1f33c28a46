/* SPDX-License-Identifier: Apache-2.0 */
/* op_random_normal_like.c - RandomNormalLike: normal numbers, of an input's shape. */
#include "graph/gradient.h"
#include "graph/random.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	/* so that infer sees whether they are floats */
	(void)heft_call_float(c, "seed", 0);
	(void)heft_call_float(c, "mean", 0);
	(void)heft_call_float(c, "scale", 0);
	return heft_random_infer_like(c, err);
}

static void forward(const struct heft_call *c)
{
	heft_random_fill(c, HEFT_DRAWN_NORMAL);
}

const struct heft_op heft_op_random_normal_like = {
	.name = "RandomNormalLike",
	.domain = "",
	.flags = HEFT_OP_RANDOM,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
