/* SPDX-License-Identifier: Apache-2.0 */
/* op_mat_mul_integer.c - MatMulInteger: sums of products of 8-bit integers (spec F6-22). */
#include "graph/int_matmul.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_int_matmul_inputs in = { .a = 0,
		                                   .b = 1,
		                                   .a_zero = 2,
		                                   .b_zero = 3,
		                                   .a_scale = UINT32_MAX,
		                                   .b_scale = UINT32_MAX,
		                                   .y_scale = UINT32_MAX,
		                                   .y_zero = UINT32_MAX };

	return heft_int_matmul_infer(c, &in, err);
}

const struct heft_op heft_op_mat_mul_integer = {
	.name = "MatMulInteger",
	.domain = "",
	.since = 10,
	.min_in = 2,
	.max_in = 4,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_int_matmul_forward,
	.pack = heft_int_matmul_pack,
	.packs = 1 << 1 | 1 << 3,
};
