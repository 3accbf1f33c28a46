/* SPDX-License-Identifier: Apache-2.0 */
/* op_q_linear_conv.c - QLinearConv: a convolution of quantised numbers, quantised again (spec
 * F6-22, F6-24); the padding is the image's zero point. */
#include "graph/int_conv.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_int_conv_inputs in = { .x = 0,
		                                 .x_scale = 1,
		                                 .x_zero = 2,
		                                 .w = 3,
		                                 .w_scale = 4,
		                                 .w_zero = 5,
		                                 .y_scale = 6,
		                                 .y_zero = 7,
		                                 .bias = 8 };

	return heft_int_conv_infer(c, &in, err);
}

const struct heft_op heft_op_q_linear_conv = {
	.name = "QLinearConv",
	.domain = "",
	.since = 10,
	.min_in = 8,
	.max_in = 9,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_int_conv_forward,
	.pack = heft_int_conv_pack,
	.packs = 1 << 3 | 1 << 5,
};
