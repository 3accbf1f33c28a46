/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_stats.c - reads tensors for their statistics and makes a table of them that fits 80
 * columns. */
#include "inspect_stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "inspect_sort.h"
#include "memory.h"
#include "print_name.h"
#include "progress_bar.h"
#include "tensor_words.h"
#include "term.h"

/* How much of the counts lies in the i-th of equally wide bars: a bin counts for the part of it
 * that lies there. Halves, since the whole range may be more than a double holds. */
static void fill_bars(const struct heft_stats *s, double unit, double *bars)
{
	const double least = s->edges[0] / 2;

	memset(bars, 0, INSPECT_BARS * sizeof *bars);
	for (uint32_t b = 0; b < s->n_bins; b++) {
		const double begin = (s->edges[b] / 2 - least) / unit;
		const double end = (s->edges[b + 1] / 2 - least) / unit;

		for (uint32_t i = 0; i < INSPECT_BARS && s->counts[b] > 0; i++) {
			const double from = begin > i ? begin : i;
			const double to = end < i + 1 ? end : i + 1;

			if (to > from)
				bars[i] += (double)s->counts[b] * (to - from) / (end - begin);
		}
	}
}

static void set_bars(const struct heft_stats *s, struct tensor_figures *f)
{
	double bars[INSPECT_BARS];
	double most = 0;
	double unit;

	if (s->n_bins == 0)
		return;
	unit = (s->edges[s->n_bins] / 2 - s->edges[0] / 2) / INSPECT_BARS;
	if (!(unit > 0)) {
		f->n_bars = 1;
		f->bars[0] = 8;
		return;
	}
	f->n_bars = INSPECT_BARS;
	fill_bars(s, unit, bars);
	for (uint32_t i = 0; i < INSPECT_BARS; i++)
		most = bars[i] > most ? bars[i] : most;
	for (uint32_t i = 0; i < INSPECT_BARS; i++)
		f->bars[i] = bars[i] > 0 ? (uint8_t)(1.5 + 7 * bars[i] / most) : 0;
}

static void keep(void *user, const struct heft_tensor *t, const struct heft_stats *s)
{
	struct tensor_figures **next = user;

	(void)t;
	**next = (struct tensor_figures){
		.min = s->min,
		.max = s->max,
		.mean = s->mean,
		.std = s->std,
		.abs_max = s->abs_max,
		.l2 = s->l2,
		.n_elements = s->n_elements,
		.n_zero = s->n_zero,
		.n_nan = s->n_nan,
		.n_inf = s->n_inf,
		.is_numeric = s->is_numeric,
		.is_integer = s->is_integer,
	};
	set_bars(s, *next);
	(*next)++;
}

enum heft_status inspect_stats_collect(struct inspection *x, uint32_t n_threads,
                                       struct heft_error *err)
{
	struct tensor_figures *next;
	struct progress_bar bar;
	struct heft_run run;
	enum heft_status st;

	x->figures = memory_new(x->n_shown, sizeof *x->figures);
	next = x->figures;
	run = progress_bar_start(&bar, "inspect", x->name, n_threads);
	st = heft_stats_each(x->file, x->shown, x->n_shown, &run, keep, &next, err);
	progress_bar_done(&bar);
	return st;
}

/* --- the table --- */

size_t inspect_stats_columns(const struct inspection *x, struct column *columns)
{
	size_t n = 0;

	columns[n++] = (struct column){ .title = "name", .min_width = 8 };
	columns[n++] = (struct column){ .title = "dtype" };
	if (x->sort == INSPECT_SORT_SIZE)
		columns[n++] = (struct column){ .title = "bytes", .is_right = true };
	if (x->sort == INSPECT_SORT_ABS_MAX)
		columns[n++] = (struct column){ .title = "abs-max", .is_right = true };
	if (x->sort == INSPECT_SORT_L2)
		columns[n++] = (struct column){ .title = "l2", .is_right = true };
	if (x->sort == INSPECT_SORT_ZEROS)
		columns[n++] = (struct column){ .title = "zeros", .is_right = true };
	columns[n++] = (struct column){ .title = "min", .is_right = true };
	columns[n++] = (struct column){ .title = "max", .is_right = true };
	columns[n++] = (struct column){ .title = "mean", .is_right = true };
	columns[n++] = (struct column){ .title = "std", .is_right = true };
	columns[n++] = (struct column){ .title = "min to max" };
	columns[n++] = (struct column){ .title = "", .is_alarm = true };
	return n;
}

/* 1.5e-07 as 1.5e-7: the columns are narrow. */
void inspect_print_number(struct output *out, double value)
{
	char digits[32];
	char *exponent;

	if (!isfinite(value)) {
		output_text(out, isnan(value) ? "-" : value > 0 ? "inf" : "-inf");
		return;
	}
	snprintf(digits, sizeof digits, "%.3g", value);
	exponent = strchr(digits, 'e');
	if (!exponent) {
		output_text(out, digits);
		return;
	}
	output_bytes(out, digits, (size_t)(exponent - digits) + 1);
	if (exponent[1] == '-')
		output_char(out, '-');
	for (exponent += 2; *exponent == '0' && exponent[1]; exponent++)
		;
	output_text(out, exponent);
}

static void print_extreme(struct output *out, const struct tensor_figures *f, double value)
{
	if (f->is_integer && fabs(value) < 1e8)
		output_format(out, "%.0f", value);
	else
		inspect_print_number(out, value);
}

void inspect_print_alarm(struct output *out, uint64_t n_nan, uint64_t n_inf)
{
	if (n_nan > 0) {
		output_grouped(out, n_nan);
		output_text(out, " NaN");
	}
	if (n_inf > 0) {
		output_text(out, n_nan > 0 ? " " : "");
		output_grouped(out, n_inf);
		output_text(out, " Inf");
	}
}

static void print_bars(struct output *out, const struct tensor_figures *f, bool has_utf8)
{
	static const char *const blocks[] = { "·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char ascii[] = ".-:=+*xX#";

	for (uint32_t i = 0; i < f->n_bars; i++) {
		if (has_utf8)
			output_text(out, blocks[f->bars[i]]);
		else
			output_char(out, ascii[f->bars[i]]);
	}
}

static void print_sorted_by(struct columns *table, const struct inspection *x,
                            const struct heft_tensor *t, const struct tensor_figures *f)
{
	struct output *cells = &table->cells;

	if (x->sort == INSPECT_SORT_SIZE)
		output_grouped(cells, t->n_bytes);
	else if (x->sort == INSPECT_SORT_ABS_MAX)
		print_extreme(cells, f, f->abs_max);
	else if (x->sort == INSPECT_SORT_L2)
		inspect_print_number(cells, f->l2);
	else if (x->sort == INSPECT_SORT_ZEROS)
		output_grouped(cells, f->n_zero);
	else
		return;
	columns_end_cell(table);
}

void inspect_stats_row(struct columns *table, const struct inspection *x,
                       const struct heft_tensor *t, const struct tensor_figures *f)
{
	struct output *cells = &table->cells;

	print_name_mark(cells, t->name);
	print_name(cells, t->name);
	columns_end_cell(table);
	tensor_words_dtype(cells, t->dtype);
	columns_end_cell(table);
	print_sorted_by(table, x, t, f);
	print_extreme(cells, f, f->min);
	columns_end_cell(table);
	print_extreme(cells, f, f->max);
	columns_end_cell(table);
	inspect_print_number(cells, f->mean);
	columns_end_cell(table);
	inspect_print_number(cells, f->std);
	columns_end_cell(table);
	print_bars(cells, f, term_has_utf8());
	columns_end_cell(table);
	inspect_print_alarm(cells, f->n_nan, f->n_inf);
	columns_end_cell(table);
}

/* --- totals --- */

void figure_total_unite(struct figure_total *total, const struct figure_total *other)
{
	total->n_values += other->n_values;
	total->n_reals += other->n_reals;
	total->n_zero += other->n_zero;
	total->n_nan += other->n_nan;
	total->n_inf += other->n_inf;
	total->squares += other->squares;
}

void figure_total_add(struct figure_total *total, const struct tensor_figures *f)
{
	const struct figure_total one = {
		.n_values = f->is_numeric ? f->n_elements - f->n_nan : 0,
		.n_reals = f->is_numeric && !f->is_integer ? f->n_elements - f->n_nan : 0,
		.n_zero = f->n_zero,
		.n_nan = f->n_nan,
		.n_inf = f->n_inf,
		.squares = f->is_integer ? 0 : f->l2 * f->l2,
	};

	figure_total_unite(total, &one);
}

double figure_total_rms(const struct figure_total *total)
{
	return total->n_reals > 0 ? sqrt(total->squares / (double)total->n_reals) : (double)NAN;
}
