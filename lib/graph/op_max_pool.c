/* SPDX-License-Identifier: Apache-2.0 */
/* op_max_pool.c - MaxPool: the greatest of each window, and where it lies. */
#include "base/error.h"
#include "graph/pool.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct heft_pool *p = (struct heft_pool *)c->state;
	const int64_t order = heft_call_int(c, "storage_order", 0);

	HEFT_TRY(heft_pool_infer(c, HEFT_POOL_MAX, false, err));
	if (order != 0 && order != 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "storage_order is %lld",
		                 (long long)order);
	p->has_columns = order == 1;
	if (c->n_out > 1)
		return heft_array_set(&c->out[1], HEFT_DTYPE_I64, c->out[0].rank, c->out[0].dims,
		                      err);
	return HEFT_OK;
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_pool_backward(c, g, HEFT_POOL_MAX);
}

const struct heft_op heft_op_max_pool = {
	.name = "MaxPool",
	.domain = "",
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 2,
	.infer = infer,
	.forward = heft_pool_forward,
	.backward = backward,
};
