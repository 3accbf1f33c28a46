/* SPDX-License-Identifier: Apache-2.0 */
/* op_softmax_cross_entropy_loss.c - SoftmaxCrossEntropyLoss: LogSoftmax over the classes, then the
 * loss (spec F6-49). */
#include "base/error.h"
#include "graph/loss.h"
#include "graph/softmax.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct heft_loss *l = (struct heft_loss *)c->state;

	HEFT_TRY(heft_loss_infer(c, l, err));
	if (x->n_elements > 0)
		c->scratch_size += x->n_bytes;
	if (c->n_out > 1)
		return heft_array_set(&c->out[1], x->dtype, x->rank, x->dims, err);
	return HEFT_OK;
}

static void forward(const struct heft_call *c)
{
	const struct heft_loss *l = (const struct heft_loss *)c->state;
	/* behind the losses and the weights, which are there for a sum alone */
	const uint64_t before = l->kind == HEFT_LOSS_NONE ? 0 : 2 * l->part_size;
	void *scores = heft_call_wants(c, 1) ? c->out[1].bytes : (uint8_t *)c->scratch + before;

	heft_softmax_run(c, HEFT_SOFTMAX_LOG, &l->classes, c->in[0].dtype, c->in[0].bytes, scores);
	if (heft_call_wants(c, 0))
		heft_loss_run(c, l, scores);
}

const struct heft_op heft_op_softmax_cross_entropy_loss = {
	.name = "SoftmaxCrossEntropyLoss",
	.domain = "",
	.since = 12,
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 2,
	.infer = infer,
	.forward = forward,
};
