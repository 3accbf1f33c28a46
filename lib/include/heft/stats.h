/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/stats.h - what the values of tensors are like: extremes, mean, spread, zeros, NaNs,
 * quantiles, a histogram. One pass over the data, equal results for any number of threads.
 *
 *	static void print(void *user, const struct heft_tensor *t, const struct heft_stats *s)
 *	{
 *		printf("%s: %g to %g, %" PRIu64 " NaN\n", t->name, s->min, s->max, s->n_nan);
 *	}
 *
 *	heft_stats_each(file, NULL, heft_n_tensors(file), NULL, print, NULL, &err);
 *
 * spec/stats.md says what every figure means, to the bit. In short: NaNs are counted and otherwise
 * left out; infinities take part in min, max, abs_max and the quantiles as the values that they
 * are, and make mean, std and l2 what they make of them in NumPy. A complex element counts as its
 * magnitude, a BOOL as 0 or 1. The arithmetic is that of binary64 in the default rounding mode.
 */
#ifndef HEFT_STATS_H
#define HEFT_STATS_H

#include "heft/file.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEFT_STATS_QUANTILES 9
#define HEFT_STATS_BINS 32

struct heft_stats {
	uint64_t n_elements;
	uint64_t n_zero; /* of either sign */
	uint64_t n_nan;
	uint64_t n_inf;
	uint64_t n_subnormal; /* in the tensor's own dtype */
	double min;           /* this and the next four are NaN when there is no value */
	double max;
	double mean;
	double std; /* of the population: divided by n */
	double abs_max;
	double l2; /* the root of the sum of squares */
	/* Of integer dtypes the extremes to the last digit, which F64 does not hold beyond 2^53:
	 * an int64_t as uint64_t, of U8 to U64 the number itself. */
	uint64_t min_integer;
	uint64_t max_integer;
	/* At the fractions that heft_stats_fraction gives, as numpy.quantile does by default. Exact
	 * for dtypes of at most 16 bits and integers below 256; else off by at most 2^-8 of the
	 * greater neighbour's magnitude, or 2^-133. That holds below 2^128, the range of F32: F64
	 * and C128 values beyond count as if they were there. */
	double quantiles[HEFT_STATS_QUANTILES];
	/* Of the finite values: counts[i] of them are at least edges[i] and below edges[i + 1],
	 * the last edge included. The bins are about equally wide. */
	double edges[HEFT_STATS_BINS + 1];
	uint64_t counts[HEFT_STATS_BINS];
	uint32_t n_bins;
	bool is_numeric; /* else nothing but n_elements is filled: text, blocks, unknown dtypes */
	bool is_integer; /* BOOL too */
	uint16_t reserved16;
	uint64_t reserved[8];
};

/**
 * Tell which part of the values lies below quantiles[i].
 *
 * Owns:    nothing.
 * Units:   0 to 1: 0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999.
 * Errors:  NaN for an i of HEFT_STATS_QUANTILES or more.
 * Threads: any.
 */
HEFT_API double heft_stats_fraction(uint32_t i);

/**
 * Compute the statistics of one tensor from its data.
 *
 * Owns:    nothing; `stats` is the caller's.
 * Units:   none. `run` may be NULL.
 * Errors:  those of heft_read; HEFT_E_CANCELLED. A tensor of a dtype without numbers is none:
 *          stats->is_numeric is false. On failure `stats` is untouched.
 * Threads: any.
 */
HEFT_API enum heft_status heft_tensor_stats(struct heft_file *file,
                                            const struct heft_tensor *tensor,
                                            const struct heft_run *run, struct heft_stats *stats,
                                            struct heft_error *err);

/* Called once a tensor, in the order that was asked for, never by two threads at once. */
typedef void (*heft_stats_fn)(void *user, const struct heft_tensor *tensor,
                              const struct heft_stats *stats);

/**
 * Compute the statistics of several tensors in one pass. Bytes that several share are read once.
 * The memory that it takes does not grow with the data. Where the file can be mapped it is read
 * through the map, so that one that somebody cuts short meanwhile raises SIGBUS, as with heft_map;
 * HEFT_OPEN_PREAD and HEFT_OPEN_VERIFY avoid that.
 *
 * Owns:    nothing; what `fn` is given lives until it returns.
 * Units:   `indexes` are n numbers of tensors of `file`, in any order; NULL: 0 to n - 1. `run` may
 *          be NULL.
 * Errors:  HEFT_E_USAGE (no such index), and those of heft_tensor_stats. `fn` may have been called
 *          for the first tensors then.
 * Threads: any.
 */
HEFT_API enum heft_status heft_stats_each(struct heft_file *file, const uint32_t *indexes,
                                          uint32_t n, const struct heft_run *run, heft_stats_fn fn,
                                          void *user, struct heft_error *err);

#ifdef __cplusplus
}
#endif
#endif
