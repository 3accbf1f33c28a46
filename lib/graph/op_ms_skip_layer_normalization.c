/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_skip_layer_normalization.c - onnxruntime's SkipLayerNormalization: LayerNormalization of a
 * sum (spec F6-50). */
#include "graph/gradient.h"
#include "graph/skip_layer.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_skip_layer_infer(c, false, 3, 4, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_skip_layer_backward(c, g, false, 3, 4);
}

const struct heft_op heft_op_ms_skip_layer_normalization = {
	.name = "SkipLayerNormalization",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 5,
	.min_out = 1,
	.max_out = 4,
	.infer = infer,
	.forward = heft_skip_layer_forward,
	.backward = backward,
};
