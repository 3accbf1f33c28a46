/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_stats.h - the statistics that `heft inspect --stats` shows, in a table and in totals. */
#ifndef TOOLS_INSPECT_STATS_H
#define TOOLS_INSPECT_STATS_H

#include "columns.h"
#include "heft/stats.h"
#include "inspect_text.h"

#define INSPECT_BARS 10

/* What of a tensor's statistics is kept until the table is printed. */
struct tensor_figures {
	double min;
	double max;
	double mean;
	double std;
	double abs_max;
	double l2;
	uint64_t n_elements;
	uint64_t n_zero;
	uint64_t n_nan;
	uint64_t n_inf;
	bool is_numeric;
	bool is_integer;
	uint8_t n_bars;             /* 0: no finite value */
	uint8_t bars[INSPECT_BARS]; /* heights from 1 to 8; 0: empty */
};

/* Fills x->figures from the file's data. */
enum heft_status inspect_stats_collect(struct inspection *x, uint32_t n_threads,
                                       struct heft_error *err);

size_t inspect_stats_columns(const struct inspection *x, struct column *columns);
/* Ends the cells of one row of that table. */
void inspect_stats_row(struct columns *table, const struct inspection *x,
                       const struct heft_tensor *t, const struct tensor_figures *f);

/* Sums over several tensors. */
struct figure_total {
	uint64_t n_values; /* neither NaN nor of a dtype without numbers */
	uint64_t n_reals;  /* of those, not of integer dtypes: the root mean square is theirs */
	uint64_t n_zero;
	uint64_t n_nan;
	uint64_t n_inf;
	double squares;
};

void figure_total_add(struct figure_total *total, const struct tensor_figures *f);
void figure_total_unite(struct figure_total *total, const struct figure_total *other);
double figure_total_rms(const struct figure_total *total);

/* Prints a number in at most nine columns, three digits of it. */
void inspect_print_number(struct output *out, double value);
/* Prints "3 NaN 1 Inf", or nothing. */
void inspect_print_alarm(struct output *out, uint64_t n_nan, uint64_t n_inf);

/* Prints totals for each group of the shown tensors, if there are groups (inspect_groups.c). */
enum heft_status inspect_groups_print(struct output *out, const struct inspection *x,
                                      struct heft_error *err);

#endif
