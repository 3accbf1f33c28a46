/* SPDX-License-Identifier: Apache-2.0 */
/* op_negative_log_likelihood_loss.c - NegativeLogLikelihoodLoss: of logarithms of probabilities and
 * the classes that are right (spec F6-49). */
#include "graph/loss.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_loss_infer(c, (struct heft_loss *)c->state, err);
}

static void forward(const struct heft_call *c)
{
	heft_loss_run(c, (const struct heft_loss *)c->state, c->in[0].bytes);
}

const struct heft_op heft_op_negative_log_likelihood_loss = {
	.name = "NegativeLogLikelihoodLoss",
	.domain = "",
	.since = 12,
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
