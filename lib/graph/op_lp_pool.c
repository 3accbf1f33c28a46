/* SPDX-License-Identifier: Apache-2.0 */
/* op_lp_pool.c - LpPool: the p-norm of each window (spec F6-44). */
#include "base/error.h"
#include "graph/pool.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct heft_pool *p = (struct heft_pool *)c->state;
	float power;

	HEFT_TRY(heft_pool_power(c, &power, err));
	HEFT_TRY(heft_pool_infer(c, HEFT_POOL_POWER, false, err));
	p->power = power;
	return HEFT_OK;
}

const struct heft_op heft_op_lp_pool = {
	.name = "LpPool",
	.domain = "",
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_pool_forward,
};
