/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/norm.h - softmax, and normalisation by mean and variance, of one row or of columns.
 * Written from spec/numerics.md, section 3.
 *
 * Every variant gives equal bits (any NaN equals any NaN); y and x are the same array or apart.
 * Rows and columns are independent: work is cut by them. */
#ifndef KERNEL_NORM_H
#define KERNEL_NORM_H

#include "kernel/sum.h"

/* e^(x_i - m) / sum of them, m the greatest (F3-5); and x_i - m - log of the sum. n > 0. */
void heft_softmax_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_log_softmax_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
/* The same down each column: element i of column c is at x[i ld + c], and so it is of y. */
void heft_softmax_columns_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n_rows,
                                 size_t n_columns, size_t ld);
void heft_log_softmax_columns_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n_rows,
                                     size_t n_columns, size_t ld);

/* sqrt(variance + epsilon), each rounded: what F3-6 divides by. In place or apart. */
void heft_norm_divisors_f32_by(uint32_t cpu_bits, float *d, const float *variance, size_t n,
                               float epsilon);
/* y = ((x - mean) / d) scale + shift, each rounded; scale or shift NULL: that step is left out. One
 * scale and one shift for every element. */
void heft_normalise_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n, float mean,
                           float d, const float *scale, const float *shift);
/* The same with one scale and one shift for all of them (a channel of NCHW). */
void heft_normalise_evenly_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n, float mean,
                                  float d, const float *scale, const float *shift);
/* The same with one mean and divisor for every element, too (a pixel of NHWC). */
void heft_normalise_pixel_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n,
                                 const float *mean, const float *d, const float *scale,
                                 const float *shift);
/* y = (x / d) scale, d of the mean of squares (F3-7). */
void heft_rms_norm_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n, float epsilon,
                          const float *scale);

/* Batch normalisation at inference (F3-6): the factors of n channels, then y = fma(x, a, b),
 * with one of each for all elements or for every element. scale and shift NULL: 1 and +0. */
void heft_batch_norm_factors_f32_by(uint32_t cpu_bits, float *a, float *b, const float *scale,
                                    const float *shift, const float *mean, const float *variance,
                                    size_t n, float epsilon);
void heft_scale_shift_evenly_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n, float a,
                                    float b);
void heft_scale_shift_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n, const float *a,
                             const float *b);

/* Local response normalisation of one pixel (F3-9): channel c is at x[c stride], and so it is of y,
 * which is apart from x. `size` channels are looked at, (size - 1) / 2 of them before c. */
void heft_lrn_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n_channels, size_t stride,
                     size_t size, float alpha, float beta, float bias);

#endif
