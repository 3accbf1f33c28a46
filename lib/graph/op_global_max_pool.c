/* SPDX-License-Identifier: Apache-2.0 */
/* op_global_max_pool.c - GlobalMaxPool: the maximum of each map. */
#include "graph/reduce.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_reduce_maps_infer(c, HEFT_REDUCE_MAX, 1.0f, err);
}

const struct heft_op heft_op_global_max_pool = {
	.name = "GlobalMaxPool",
	.domain = "",
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_reduce_forward,
};
