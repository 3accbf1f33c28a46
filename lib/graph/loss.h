/* SPDX-License-Identifier: Apache-2.0 */
/* graph/loss.h - what NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss share (spec F6-49). */
#ifndef GRAPH_LOSS_H
#define GRAPH_LOSS_H

#include "graph/spans.h"

enum heft_loss_kind {
	HEFT_LOSS_NONE,
	HEFT_LOSS_SUM,
	HEFT_LOSS_MEAN
};

struct heft_loss {
	struct heft_axis classes;
	enum heft_loss_kind kind;
	bool ignores;
	int64_t ignored;
	uint64_t n_targets;
	uint64_t part_size; /* bytes of the losses, and of the weights, in scratch, rounded up */
};

/* Checks scores, targets and weights, inputs 0 to 2; sets the plan, output 0 and the scratch. */
enum heft_status heft_loss_infer(struct heft_call *c, struct heft_loss *l, struct heft_error *err);
/* Output 0, where `scores` are logarithms of probabilities. */
void heft_loss_run(const struct heft_call *c, const struct heft_loss *l, const void *scores);

#endif
