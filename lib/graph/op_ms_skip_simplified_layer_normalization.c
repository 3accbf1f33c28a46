/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_skip_simplified_layer_normalization.c - onnxruntime's SkipSimplifiedLayerNormalization:
 * RMSNormalization of a sum (spec F6-50). */
#include "graph/gradient.h"
#include "graph/skip_layer.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_skip_layer_infer(c, true, UINT32_MAX, 3, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_skip_layer_backward(c, g, true, UINT32_MAX, 3);
}

const struct heft_op heft_op_ms_skip_simplified_layer_normalization = {
	.name = "SkipSimplifiedLayerNormalization",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 4,
	.min_out = 1,
	.max_out = 4,
	.infer = infer,
	.forward = heft_skip_layer_forward,
	.backward = backward,
};
