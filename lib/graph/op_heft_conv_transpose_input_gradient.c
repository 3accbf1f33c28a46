/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_conv_transpose_input_gradient.c - ConvTransposeInputGradient: the gradient of the image
 * of a transposed convolution, of the output's gradient and of the weights: which is a convolution
 * (spec F7-12). */
#include "graph/conv.h"
#include "graph/conv_gradient.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_conv_input_gradient_infer(c, false, err);
}

const struct heft_op heft_op_heft_conv_transpose_input_gradient = {
	.name = "ConvTransposeInputGradient",
	.domain = "heft",
	.flags = HEFT_OP_CHANNELS_LAST | HEFT_OP_WANTS_LAST | HEFT_OP_ENDS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_conv_forward,
	.pack = heft_conv_pack,
	.packs = 1 << 1,
};
