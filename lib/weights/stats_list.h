/* SPDX-License-Identifier: Apache-2.0 */
/* weights/stats_list.h - a table of counts as a list of values in ascending order, and what is read
 * off it: quantiles and a histogram. */
#ifndef WEIGHTS_STATS_LIST_H
#define WEIGHTS_STATS_LIST_H

#include "heft/stats.h"
#include "weights/stats_scan.h"

#define HEFT_STATS_LIST_MAX (HEFT_STATS_COUNTS + 2) /* both infinities besides every key */

struct heft_stats_list {
	enum heft_dtype dtype;
	enum heft_stats_kind kind;
	uint32_t n;
	uint64_t n_nan; /* of codes; they are not in the list */
	double value[HEFT_STATS_LIST_MAX];
	uint64_t count[HEFT_STATS_LIST_MAX];
	/* The number of the code or key, counted from the least value up. */
	uint16_t place[HEFT_STATS_LIST_MAX];
};

/* Fills the list from a table, which becomes zero again. For keys the value is the middle of those
 * that share it. */
void heft_stats_list_fill(struct heft_stats_list *l, enum heft_dtype dtype, uint32_t *counts);
void heft_stats_list_fill_wide(struct heft_stats_list *l, enum heft_dtype dtype, uint64_t *counts);

/* Of keys: brings the values between the extremes of the finite ones, puts the infinities at the
 * ends. */
void heft_stats_list_bound(struct heft_stats_list *l, const struct heft_moments *m);

/* The sums of the values of a list of codes. */
void heft_stats_list_sums(const struct heft_stats_list *l, struct heft_moments *m);

void heft_stats_list_quantiles(const struct heft_stats_list *l, double *quantiles);
/* From the least finite value to the greatest. */
void heft_stats_list_histogram(const struct heft_stats_list *l, double least, double greatest,
                               struct heft_stats *stats);

#endif
