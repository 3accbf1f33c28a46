/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_nhwc_max_pool.c - onnxruntime's NhwcMaxPool: MaxPool whose channels are the last
 * dimension. */
#include "graph/pool.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_pool_infer(c, HEFT_POOL_MAX, true, err);
}

const struct heft_op heft_op_ms_nhwc_max_pool = {
	.name = "NhwcMaxPool",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_pool_forward,
};
