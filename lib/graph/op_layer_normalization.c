/* SPDX-License-Identifier: Apache-2.0 */
/* op_layer_normalization.c - LayerNormalization: rows by their mean and variance (spec F3-6).
 * onnxruntime writes it into models of opsets below 17, too. */
#include "graph/gradient.h"
#include "graph/layer.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_layer_infer(c, false, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_layer_backward(c, g, false);
}

const struct heft_op heft_op_layer_normalization = {
	.name = "LayerNormalization",
	.domain = "",
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 3,
	.keeps_wide = 6,
	.infer = infer,
	.forward = heft_layer_forward,
	.backward = backward,
};
