/* SPDX-License-Identifier: Apache-2.0 */
/* op_conv_transpose.c - ConvTranspose: a transposed convolution, in one to three dimensions (spec
 * F2-3 to F2-5). */
#include "graph/conv.h"
#include "graph/conv_gradient.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_conv_infer(c, true, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_conv_backward(c, g, true, heft_gradient_of(g, 0));
}

const struct heft_op heft_op_conv_transpose = {
	.name = "ConvTranspose",
	.domain = "",
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST | HEFT_OP_WANTS_LAST | HEFT_OP_ENDS,
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_conv_forward,
	.pack = heft_conv_pack,
	.packs = 1 << 1,
	.backward = backward,
};
