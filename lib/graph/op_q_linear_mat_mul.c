/* SPDX-License-Identifier: Apache-2.0 */
/* op_q_linear_mat_mul.c - QLinearMatMul: a product of quantised matrices, quantised again (spec
 * F6-22, F6-24). */
#include "graph/int_matmul.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_int_matmul_inputs in = { .a = 0,
		                                   .a_scale = 1,
		                                   .a_zero = 2,
		                                   .b = 3,
		                                   .b_scale = 4,
		                                   .b_zero = 5,
		                                   .y_scale = 6,
		                                   .y_zero = 7 };

	return heft_int_matmul_infer(c, &in, err);
}

const struct heft_op heft_op_q_linear_mat_mul = {
	.name = "QLinearMatMul",
	.domain = "",
	.since = 10,
	.flags = HEFT_OP_WIDENS,
	.min_in = 8,
	.max_in = 8,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_int_matmul_forward,
	.pack = heft_int_matmul_pack,
	.packs = 1 << 3 | 1 << 5,
};
