/* SPDX-License-Identifier: Apache-2.0 */
/* weights/stats_scan.h - the first half of a tensor's statistics: what one look at its elements
 * leaves, sums and a table of counts. */
#ifndef WEIGHTS_STATS_SCAN_H
#define WEIGHTS_STATS_SCAN_H

#include "heft/tensor.h"
#include "kernel/moments.h"

/* How a dtype's elements are counted. */
enum heft_stats_kind {
	HEFT_STATS_NONE, /* they are no numbers */
	/* of at most 16 bits: each value has its counter, and everything else follows from these */
	HEFT_STATS_CODES,
	HEFT_STATS_KEYS /* by their leading bits; the sums are made beside (kernel/moments.h) */
};

enum heft_stats_kind heft_stats_kind(enum heft_dtype dtype);

#define HEFT_STATS_COUNTS 65536 /* counters of a table, of either kind */

/* Of no elements: zeroed. */
struct heft_stats_sums {
	struct heft_moments moments; /* of CODES nothing */
	/* Of I32 to U64, when has_integers: the extremes, 2^63 added modulo 2^64 to signed ones, so
	 * that all are compared as unsigned. */
	uint64_t min_integer;
	uint64_t max_integer;
	bool has_integers;
};

/* Adds n elements, of a dtype that has a kind, at p. Elements of one chunk come in one call. */
void heft_stats_scan(enum heft_dtype dtype, const uint8_t *p, size_t n,
                     struct heft_stats_sums *sums, uint32_t *counts);
/* Adds what was found in later chunks; their order decides the last bits. */
void heft_stats_merge(struct heft_stats_sums *sums, const struct heft_stats_sums *later);

#endif
