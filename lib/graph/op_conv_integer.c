/* SPDX-License-Identifier: Apache-2.0 */
/* op_conv_integer.c - ConvInteger: sums of products of 8-bit integers (spec F6-22); the padding is
 * the image's zero point. */
#include "graph/int_conv.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_int_conv_inputs in = { .x = 0,
		                                 .w = 1,
		                                 .x_zero = 2,
		                                 .w_zero = 3,
		                                 .x_scale = UINT32_MAX,
		                                 .w_scale = UINT32_MAX,
		                                 .y_scale = UINT32_MAX,
		                                 .y_zero = UINT32_MAX,
		                                 .bias = UINT32_MAX };

	return heft_int_conv_infer(c, &in, err);
}

const struct heft_op heft_op_conv_integer = {
	.name = "ConvInteger",
	.domain = "",
	.since = 10,
	.min_in = 2,
	.max_in = 4,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_int_conv_forward,
	.pack = heft_int_conv_pack,
	.packs = 1 << 1 | 1 << 3,
};
