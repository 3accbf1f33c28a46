/* SPDX-License-Identifier: Apache-2.0 */
/* graph/training.h - what Adam, Momentum and Adagrad share: inputs are the learning rate, the count
 * of updates, and then some kinds of arrays, all of one kind one behind the other; outputs are new
 * ones. Written from spec/numerics.md, F6-87. */
#ifndef GRAPH_TRAINING_H
#define GRAPH_TRAINING_H

#include "graph/op.h"

#define HEFT_TRAINING_MAX_KINDS 4

/* One variable: arrays of n numbers, in the order of the inputs; an output that nobody wants is
 * NULL. */
struct heft_training {
	const struct heft_call *c;
	float rate;
	int64_t count;
	const float *in[HEFT_TRAINING_MAX_KINDS];
	float *out[HEFT_TRAINING_MAX_KINDS];
	uint64_t n;
};

/* Inputs are of n_in kinds: variables, gradients, and others; outputs of all but gradients. */
enum heft_status heft_training_infer(struct heft_call *c, uint32_t n_in, struct heft_error *err);
void heft_training_forward(const struct heft_call *c, uint32_t n_in,
                           void (*update)(const struct heft_training *t));

#endif
