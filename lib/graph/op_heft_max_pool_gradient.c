/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_max_pool_gradient.c - MaxPoolGradient: of each window the first of the greatest has the
 * gradient; inputs are dy and x. */
#include "graph/pool.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_pool_gradient_infer(c, HEFT_POOL_MAX, err);
}

const struct heft_op heft_op_heft_max_pool_gradient = {
	.name = "MaxPoolGradient",
	.domain = "heft",
	.flags = HEFT_OP_CHANNELS_LAST | HEFT_OP_ALL_LAID,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_pool_gradient_forward,
};
