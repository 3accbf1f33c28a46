/* SPDX-License-Identifier: Apache-2.0 */
/* graph/normal.h - normalisation by mean and variance (spec F3-6), F32 and F64: of rows, and of
 * the channels of images whose statistics are known. */
#ifndef GRAPH_NORMAL_H
#define GRAPH_NORMAL_H

#include "graph/reduce.h"

/* A row, whose statistics are its own; scale and shift are rows, or NULL. *mean and *inverse, 1 /
 * sqrt(variance + epsilon), may be NULL, and so may y. y and x are the same or apart. */
void heft_normal_row_f32(uint32_t cpu_bits, float *y, const float *x, size_t n, float epsilon,
                         const float *scale, const float *shift, float *mean, float *inverse);
void heft_normal_row_f64(uint32_t cpu_bits, double *y, const double *x, size_t n, float epsilon,
                         const double *scale, const double *shift, double *mean, double *inverse);
/* The same by the root of the mean of squares (F3-7). */
void heft_rms_row_f32(uint32_t cpu_bits, float *y, const float *x, size_t n, float epsilon,
                      const float *scale, float *inverse);
void heft_rms_row_f64(uint32_t cpu_bits, double *y, const double *x, size_t n, float epsilon,
                      const double *scale, double *inverse);

/* Images of channels of pixels. Statistics of channel k of image i are number i n_stats + k /
 * n_together; its scale and shift (both there, or neither) number k / n_scaled. */
struct heft_normal {
	enum heft_dtype dtype;
	bool is_last; /* channels lie behind pixels; n_together and n_scaled are 1 */
	uint64_t n_images;
	uint64_t n_channels;
	uint64_t n_pixels;
	uint64_t n_stats;
	uint64_t n_together;
	uint64_t n_scaled;
	const void *mean;
	const void *divisor;
	const void *scale;
	const void *shift;
};
void heft_normal_run(const struct heft_call *c, const struct heft_normal *m, const void *x,
                     void *y);

/* sqrt(variance + epsilon), in place. */
void heft_normal_divisors(uint32_t cpu_bits, enum heft_dtype dtype, void *variance, uint64_t n,
                          float epsilon);

/* What infer of the operators leaves in c->state. */
struct heft_normal_plan {
	struct heft_normal normal;
	struct heft_reduce mean;
	float epsilon;
	uint64_t stats_size; /* bytes of the means, and of the variances, rounded up to 64 */
};
/* Images of channels as input 0 lies, a channel a group: all but the pointers, n_stats and `mean`.
 * USAGE for rank below 2. */
enum heft_status heft_normal_set(struct heft_normal_plan *p, const struct heft_call *c,
                                 struct heft_error *err);
/* Sets `mean` over the middle one of three dimensions, or over the two others; gives the scratch
 * that statistics want. */
uint64_t heft_normal_set_mean(struct heft_normal_plan *p, const uint64_t *dims, bool keeps_middle);
/* Means and variances at `stats`, of the scratch size that heft_normal_set_mean gave. */
void heft_normal_stats(const struct heft_call *c, const struct heft_normal_plan *p, uint8_t *stats);
/* Statistics into the call's scratch, then input 0 normalised by them; scale and shift are inputs 1
 * and 2. */
void heft_normal_forward(const struct heft_call *c);
/* USAGE unless input i is a list of n numbers of the dtype of input 0. */
enum heft_status heft_normal_check_list(const struct heft_call *c, uint32_t i, uint64_t n,
                                        struct heft_error *err);

/* normal_gradient.c: backward where statistics are those of n_groups groups of channels of an
 * image, and where they are given, as BatchNormalization has them. */
void heft_channels_backward(const struct heft_call *c, struct heft_gradient *g, uint64_t n_groups);
void heft_batch_backward(const struct heft_call *c, struct heft_gradient *g);
/* Where they are the batch's own. */
void heft_batch_statistics_backward(const struct heft_call *c, struct heft_gradient *g);

#endif
