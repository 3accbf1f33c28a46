/* SPDX-License-Identifier: Apache-2.0 */
/* op_average_pool.c - AveragePool: the mean of each window. */
#include "base/error.h"
#include "graph/pool.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct heft_pool *p = (struct heft_pool *)c->state;

	HEFT_TRY(heft_pool_infer(c, HEFT_POOL_AVERAGE, false, err));
	p->window.counts_padding = heft_call_int(c, "count_include_pad", 0) != 0;
	return HEFT_OK;
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_pool_backward(c, g, HEFT_POOL_AVERAGE);
}

const struct heft_op heft_op_average_pool = {
	.name = "AveragePool",
	.domain = "",
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_pool_forward,
	.backward = backward,
};
