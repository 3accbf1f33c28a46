/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_simplified_layer_normalization.c - the same as SimplifiedLayerNormalization, in
 * onnxruntime's own domain. */
#include "graph/layer.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_layer_infer(c, true, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_layer_backward(c, g, true);
}

const struct heft_op heft_op_ms_simplified_layer_normalization = {
	.name = "SimplifiedLayerNormalization",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 2,
	.infer = infer,
	.forward = heft_layer_forward,
	.backward = backward,
};
