/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_average_pool_gradient.c - AveragePoolGradient: each pixel of a window has its part. */
#include "graph/pool.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_pool_gradient_infer(c, HEFT_POOL_AVERAGE, err);
}

const struct heft_op heft_op_heft_average_pool_gradient = {
	.name = "AveragePoolGradient",
	.domain = "heft",
	.flags = HEFT_OP_CHANNELS_LAST | HEFT_OP_ALL_LAID,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_pool_gradient_forward,
};
