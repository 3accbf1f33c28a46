/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/sum.h - sums, products and extremes of many numbers, of one run of them or of each
 * column of rows. Written from spec/numerics.md, section 3.
 *
 * A sum runs in blocks of 4,096 elements, each in 16 lanes, which meet in a fixed tree as the
 * blocks do (F3-1): every variant gives equal bits (any NaN equals any NaN), and those of
 * columns are those that each column would give as a run. Work is cut by whole runs or by
 * columns, or, for one long run, by blocks (heft_block_sums_f32). */
#ifndef KERNEL_SUM_H
#define KERNEL_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEFT_SUM_BLOCK 4096
#define HEFT_SUM_LANES 16

/* What is added. Every operation is rounded by itself. */
enum heft_term {
	HEFT_TERM_VALUE,
	HEFT_TERM_SIZE,      /* |x| */
	HEFT_TERM_SQUARE,    /* x x */
	HEFT_TERM_DEVIATION, /* (x - mean) (x - mean) */
	HEFT_TERM_FACTOR     /* multiplied, from 1, where others are added from +0 */
};

/* A sum whose elements come in several runs, which count as one. */
struct heft_sum_f32 {
	enum heft_term term;
	float mean;        /* DEVIATION */
	uint64_t n;        /* so far */
	uint32_t n_blocks; /* of those in `blocks` */
	float lanes[HEFT_SUM_LANES];
	float blocks[64];
};

struct heft_sum_f64 {
	enum heft_term term;
	double mean;
	uint64_t n;
	uint32_t n_blocks;
	double lanes[HEFT_SUM_LANES];
	double blocks[64];
};

void heft_sum_f32_init(struct heft_sum_f32 *s, enum heft_term term, float mean);
void heft_sum_f32_add(uint32_t cpu_bits, struct heft_sum_f32 *s, const float *x, size_t n);
float heft_sum_f32_done(struct heft_sum_f32 *s);
void heft_sum_f64_init(struct heft_sum_f64 *s, enum heft_term term, double mean);
void heft_sum_f64_add(uint32_t cpu_bits, struct heft_sum_f64 *s, const double *x, size_t n);
/* F32 values, widened before anything is computed: totals. */
void heft_sum_f64_add_f32(uint32_t cpu_bits, struct heft_sum_f64 *s, const float *x, size_t n);
double heft_sum_f64_done(struct heft_sum_f64 *s);

/* Of one run; `mean` is for DEVIATION alone. Of nothing: +0; FACTOR: 1. */
float heft_sum_f32_by(uint32_t cpu_bits, enum heft_term term, float mean, const float *x, size_t n);
double heft_sum_f64_by(uint32_t cpu_bits, enum heft_term term, double mean, const double *x,
                       size_t n);
double heft_total_f32_by(uint32_t cpu_bits, enum heft_term term, double mean, const float *x,
                         size_t n);

/* For one long run in several tasks: the sums of the blocks of n elements that begin at a multiple
 * of HEFT_SUM_BLOCK, ceil(n / HEFT_SUM_BLOCK) of them; and what all blocks of a run come to, which
 * leaves `sums` changed. heft_sum_f32_by gives the same bits. */
void heft_block_sums_f32_by(uint32_t cpu_bits, enum heft_term term, float mean, const float *x,
                            size_t n, float *sums);
float heft_block_sums_meet_f32(enum heft_term term, float *sums, size_t n_sums);

/* Rows of floats in memory: row i is at x + (i / n_inner) outer + (i % n_inner) inner. */
struct heft_rows {
	size_t n_outer;
	size_t n_inner;
	size_t outer; /* elements */
	size_t inner;
};

/* Of each column over all rows, ascending: out[c], c < n_columns. mean[c] is for DEVIATION, else
 * NULL. */
void heft_sum_columns_f32_by(uint32_t cpu_bits, enum heft_term term, const float *mean,
                             const float *x, const struct heft_rows *rows, size_t n_columns,
                             float *out);
void heft_sum_columns_f64_by(uint32_t cpu_bits, enum heft_term term, const double *mean,
                             const double *x, const struct heft_rows *rows, size_t n_columns,
                             double *out);

/* The sum divided by n; the mean of squared deviations from the mean (F3-2). n > 0. */
void heft_mean_variance_f32_by(uint32_t cpu_bits, const float *x, size_t n, float *mean,
                               float *variance);
/* The same of columns; mean[c] and variance[c]. */
void heft_mean_variance_columns_f32_by(uint32_t cpu_bits, const float *x,
                                       const struct heft_rows *rows, size_t n_columns, float *mean,
                                       float *variance);

/* log of the sum of e^x (F3-8): -Inf of nothing. */
float heft_log_sum_exp_f32_by(uint32_t cpu_bits, const float *x, size_t n);

/* The first of the greatest (F3-4), or of the least: also which zero, and a NaN where there is one.
 * n > 0. */
float heft_max_f32_by(uint32_t cpu_bits, const float *x, size_t n);
float heft_min_f32_by(uint32_t cpu_bits, const float *x, size_t n);
double heft_max_f64_by(uint32_t cpu_bits, const double *x, size_t n);
double heft_min_f64_by(uint32_t cpu_bits, const double *x, size_t n);
void heft_max_columns_f32_by(uint32_t cpu_bits, const float *x, const struct heft_rows *rows,
                             size_t n_columns, float *out);
void heft_min_columns_f32_by(uint32_t cpu_bits, const float *x, const struct heft_rows *rows,
                             size_t n_columns, float *out);
void heft_max_columns_f64_by(uint32_t cpu_bits, const double *x, const struct heft_rows *rows,
                             size_t n_columns, double *out);
void heft_min_columns_f64_by(uint32_t cpu_bits, const double *x, const struct heft_rows *rows,
                             size_t n_columns, double *out);

/* Where in a run the greatest (the least) is, the first NaN before any number; `takes_last`: the
 * last such place. x[i] is at x + i stride. n > 0. */
size_t heft_arg_max_f32(const float *x, size_t n, size_t stride, bool takes_last);
size_t heft_arg_min_f32(const float *x, size_t n, size_t stride, bool takes_last);

#endif
