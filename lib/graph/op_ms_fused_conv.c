/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_fused_conv.c - FusedConv of com.microsoft: Conv, plus something of the output's shape, and
 * an activation. */
#include "base/error.h"
#include "graph/conv.h"
#include "graph/conv_gradient.h"
#include "graph/fused_activation.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype allowed[] = { HEFT_DTYPE_F32, HEFT_DTYPE_NONE };

	HEFT_TRY(heft_call_check_dtype(c, 0, allowed, err));
	HEFT_TRY(heft_fused_activation_infer(c, err));
	return heft_conv_infer(c, false, err);
}

static void forward(const struct heft_call *c)
{
	heft_conv_forward(c);
	heft_fused_activation_run(c);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_fused_activation_backward(c, g);

	heft_conv_backward(c, g, false, dy);
	heft_give(g, 3, dy);
}

const struct heft_op heft_op_ms_fused_conv = {
	.name = "FusedConv",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 4,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.pack = heft_conv_pack,
	.packs = 1 << 1,
	.backward = backward,
};
