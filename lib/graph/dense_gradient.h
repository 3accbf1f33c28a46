/* SPDX-License-Identifier: Apache-2.0 */
/* graph/dense_gradient.h - gradients of weights and of biases as operators run them: those of
 * kernel/weight_gradient.h, by a team. Made in infer, it lies in the call's state. */
#ifndef GRAPH_DENSE_GRADIENT_H
#define GRAPH_DENSE_GRADIENT_H

#include "graph/op.h"
#include "kernel/weight_gradient.h"

struct heft_dense_gradient {
	struct heft_weight_gradient g;
	uint64_t sums_at; /* places in scratch */
	uint64_t run_at;
	uint64_t n_multiply_adds;
};

/* For the product `p`; adds to the call's scratch. */
enum heft_status heft_dense_gradient_plan(struct heft_call *c, const struct heft_product *p,
                                          struct heft_dense_gradient *d, struct heft_error *err);
/* data->sums is set here. */
void heft_dense_gradient_run(const struct heft_call *c, const struct heft_dense_gradient *d,
                             const struct heft_weight_gradient_data *data);

/* USAGE unless both inputs are of F32, or both of F64. */
enum heft_status heft_dense_gradient_check_types(const struct heft_call *c, struct heft_error *err);

/* db[j], of n_channels, is the chain of spec F7-11 over dy[k * step + j * channel_step]: F64, by
 * the team. Of dims n_images x n_pixels terms: pixel k is (k / n_pixels) * image_step + (k %
 * n_pixels) * step further. */
struct heft_bias_f64 {
	const double *dy;
	double *db;
	uint64_t n_images;
	uint64_t n_pixels;
	uint64_t n_channels;
	uint64_t image_step;
	uint64_t pixel_step;
	uint64_t channel_step;
};
void heft_bias_f64(const struct heft_call *c, const struct heft_bias_f64 *b);

#endif
