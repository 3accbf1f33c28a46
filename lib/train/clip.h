/* SPDX-License-Identifier: Apache-2.0 */
/* train/clip.h - the norm of all gradients together, and what they are multiplied by so that it is
 * at most a given one (spec F7-32). */
#ifndef TRAIN_CLIP_H
#define TRAIN_CLIP_H

#include "base/team.h"
#include "heft/tensor.h"

/* One tensor's gradient, F32 or F64. */
struct heft_gradient_values {
	enum heft_dtype dtype;
	const void *values;
	uint64_t n;
};

/* Doubles that heft_gradients_norm works in, for these gradients. */
uint64_t heft_gradients_room(const struct heft_gradient_values *gradients, uint64_t n_gradients);
/* The norm of gradients times `scale`, each product rounded to their dtype: the root of the sum
 * over all tensors, in their order. Not finite where an element is not. */
double heft_gradients_norm(struct heft_team *team, uint32_t cpu_bits,
                           const struct heft_gradient_values *gradients, uint64_t n_gradients,
                           double scale, double *room);
/* min(1, most / (norm + 1e-6)), by comparison: what PyTorch has. */
double heft_clip_coefficient(double norm, double most);

#endif
