/* SPDX-License-Identifier: Apache-2.0 */
/* op_hardmax.c - Hardmax: 1 at the first of the greatest along an axis, else 0; before opset 13
 * over all dimensions from the axis on. */
#include "graph/gradient.h"
#include "graph/softmax.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_softmax_infer(c, err);
}

static void forward(const struct heft_call *c)
{
	heft_softmax_run(c, HEFT_SOFTMAX_HARD, (const struct heft_axis *)c->state, c->in[0].dtype,
	                 c->in[0].bytes, c->out[0].bytes);
}

const struct heft_op heft_op_hardmax = {
	.name = "Hardmax",
	.domain = "",
	.flags = HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
