/* SPDX-License-Identifier: Apache-2.0 */
/* op_log_softmax.c - LogSoftmax: the logarithm of Softmax; before opset 13 over all
 * dimensions from the axis on. */
#include "graph/gradient.h"
#include "graph/softmax.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	c->may_overwrite = 1;
	return heft_softmax_infer(c, err);
}

static void forward(const struct heft_call *c)
{
	heft_softmax_run(c, HEFT_SOFTMAX_LOG, (const struct heft_axis *)c->state, c->in[0].dtype,
	                 c->in[0].bytes, c->out[0].bytes);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_emit e = {
		.type = "heft.SoftmaxGradient",
		.opset = c->opset,
		.n_in = 2,
		.in = { heft_gradient_of(g, 0), heft_gradient_out(g, 0) },
		.n_attrs = 1,
		.attrs = { heft_attr_int("log", 1) },
		.same = &c->attrs,
	};

	heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_log_softmax = {
	.name = "LogSoftmax",
	.domain = "",
	.flags = HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
