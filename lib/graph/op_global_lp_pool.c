/* SPDX-License-Identifier: Apache-2.0 */
/* op_global_lp_pool.c - GlobalLpPool: the p-norm of each map (spec F6-44). */
#include "base/error.h"
#include "graph/pool.h"
#include "graph/reduce.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	float power;

	HEFT_TRY(heft_pool_power(c, &power, err));
	return heft_reduce_maps_infer(c,
	                              power == 1.0f   ? HEFT_REDUCE_L1
	                              : power == 2.0f ? HEFT_REDUCE_L2
	                                              : HEFT_REDUCE_POWERS,
	                              power, err);
}

const struct heft_op heft_op_global_lp_pool = {
	.name = "GlobalLpPool",
	.domain = "",
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_reduce_forward,
};
