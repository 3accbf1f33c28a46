/* SPDX-License-Identifier: Apache-2.0 */
/* graph/sample_loss.h - what the losses of training share, operators of the domain "heft" (spec
 * F7-20 to F7-24). Inputs: prediction, target, weights or none. Outputs: the sum of the losses and
 * the sum of what they count (F64, no dimensions), and the gradient of the first sum with respect
 * to the prediction, of its dtype and shape. The mean is somebody else's: micro-batches come first.
 *
 * A number is an attribute FLOAT, or, in all its bits, a TENSOR F64 of one element. */
#ifndef GRAPH_SAMPLE_LOSS_H
#define GRAPH_SAMPLE_LOSS_H

#include "graph/spans.h"

enum {
	HEFT_LOSS_PREDICTION,
	HEFT_LOSS_TARGET,
	HEFT_LOSS_WEIGHTS
};
enum {
	HEFT_LOSS_OUT_SUM,
	HEFT_LOSS_OUT_DIVISOR,
	HEFT_LOSS_OUT_GRADIENT
};

enum heft_status heft_call_real(const struct heft_call *c, const char *name, double absent,
                                double *value, struct heft_error *err);
/* USAGE or UNSUPPORTED unless the prediction is F32 or F64, and weights, if any, of its dtype. */
enum heft_status heft_sample_loss_check(const struct heft_call *c, struct heft_error *err);
/* Dtypes and shapes of the three outputs. */
enum heft_status heft_sample_loss_outputs(struct heft_call *c, struct heft_error *err);
/* Stores outputs 0 and 1, where they are wanted. */
void heft_sample_loss_store(const struct heft_call *c, double sum, double divisor);

/* --- losses of pairs of elements --- */

/* Losses of n <= HEFT_PAIR_LOSS_MOST elements from `first` on; and their gradients unless NULL. */
#define HEFT_PAIR_LOSS_MOST 256
typedef void heft_pair_loss_fn(const struct heft_call *c, uint64_t first, size_t n, double *losses,
                               void *gradients);

/* The target is of the prediction's dtype and shape, dimensions of 1 aside. */
enum heft_status heft_pair_loss_infer(struct heft_call *c, struct heft_error *err);
/* By the prediction's dtype. */
void heft_pair_loss_run(const struct heft_call *c, heft_pair_loss_fn *f32, heft_pair_loss_fn *f64);

#endif
