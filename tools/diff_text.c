/* SPDX-License-Identifier: Apache-2.0 */
/* diff_text.c - shows people how two files differ: the answer, the counts, then tables. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "columns.h"
#include "diff_result.h"
#include "print_name.h"
#include "tensor_words.h"
#include "term.h"

#define ROWS_SHOWN 20
#define MEMBERS_SHOWN 8

static void print_label(struct output *out, const char *label)
{
	output_format(out, "%-12s", label);
}

static void print_answer(struct output *out, const struct diff_result *r)
{
	const bool is_coloured = term_has_colour(STDOUT_FILENO);
	const bool is_equal = r->summary.is_equal;

	output_text(out, !is_coloured ? "" : is_equal ? "\033[32m" : "\033[31m");
	output_text(out, is_equal ? "equal" : "different");
	output_text(out, is_coloured ? "\033[0m\n" : "\n");
	print_label(out, "A");
	print_words(out, r->name[0]);
	output_char(out, '\n');
	print_label(out, "B");
	print_words(out, r->name[1]);
	output_char(out, '\n');
}

/* Adds "3 words" behind what stands there already. */
static void print_part(struct output *out, bool *is_first, uint64_t n, const char *words)
{
	if (n == 0)
		return;
	output_text(out, *is_first ? "" : ", ");
	output_grouped(out, n);
	output_char(out, ' ');
	output_text(out, words);
	*is_first = false;
}

static void print_counts(struct output *out, const struct heft_diff_summary *s)
{
	bool is_first = true;

	print_label(out, "tensors");
	print_part(out, &is_first, s->n_equal, "equal");
	print_part(out, &is_first, s->n_changed, "changed");
	print_part(out, &is_first, s->n_renamed, "renamed");
	print_part(out, &is_first, s->n_only_in_a, "only in A");
	print_part(out, &is_first, s->n_only_in_b, "only in B");
	output_text(out, is_first ? "none\n" : "\n");
	if (s->n_changed == 0)
		return;
	is_first = true;
	print_label(out, "changed");
	print_part(out, &is_first, s->n_values, "in values");
	print_part(out, &is_first, s->n_dtype, "in dtype");
	print_part(out, &is_first, s->n_shape, "in shape");
	output_char(out, '\n');
}

/* Never "100 %" or "0 %" of what is not. */
static void print_share(struct output *out, uint64_t n, uint64_t n_total)
{
	const double percent = n_total > 0 ? 100 * (double)n / (double)n_total : 0;

	if (n == n_total && n > 0)
		output_text(out, "100 %");
	else if (percent >= 99.95)
		output_text(out, ">99.9 %");
	else if (n > 0 && percent < 0.05)
		output_text(out, "<0.1 %");
	else
		output_format(out, n == 0 ? "%.0f %%" : "%.1f %%", percent);
}

static void print_elements(struct output *out, const struct heft_diff_summary *s)
{
	if (s->n_compared == 0)
		return;
	print_label(out, "elements");
	output_grouped(out, s->n_compared);
	output_text(out, " compared, ");
	if (s->n_different == 0) {
		output_text(out, "none is different\n");
		return;
	}
	output_grouped(out, s->n_different);
	output_text(out, s->n_different == 1 ? " is different (" : " are different (");
	print_share(out, s->n_different, s->n_compared);
	output_text(out, ")\n");
}

static void print_ties(struct output *out, const struct heft_diff_summary *s)
{
	if (s->n_tied_otherwise == 0)
		return;
	print_label(out, "ties");
	output_grouped(out, s->n_tied_otherwise);
	output_text(out, s->n_tied_otherwise == 1 ? " tensor is" : " tensors are");
	output_text(out, " tied to others than in A\n");
}

static void print_metadata(struct output *out, const struct diff_metadata *m)
{
	struct output key;

	if (m->n == 0)
		return;
	output_init(&key, -1);
	print_label(out, "metadata");
	for (size_t i = 0; i < m->n && i < MEMBERS_SHOWN; i++) {
		const struct diff_member *item = &m->items[i];

		output_clear(&key);
		output_bytes(&key, item->key, item->key_size);
		output_text(out, i > 0 ? ", " : "");
		print_words(out, output_string(&key));
		output_text(out, !item->is_in_b   ? " only in A"
		                 : !item->is_in_a ? " only in B"
		                                  : " differs");
	}
	if (m->n > MEMBERS_SHOWN) {
		output_text(out, ", and ");
		output_grouped(out, m->n - MEMBERS_SHOWN);
		output_text(out, " more");
	}
	output_char(out, '\n');
	output_done(&key);
}

/* --- the table of changes --- */

static int order(double x, double y)
{
	return x > y ? -1 : x < y;
}

/* What cannot be compared, then what became infinite or NaN, then by how far it moved. */
static int by_change(const void *a, const void *b)
{
	const struct diff_row *x = a;
	const struct diff_row *y = b;
	int o = (int)x->is_compared - (int)y->is_compared;

	o = o ? o : order((double)(x->n_not_finite > 0), (double)(y->n_not_finite > 0));
	o = o ? o : order(x->relative, y->relative);
	o = o ? o : order((double)x->n_different, (double)y->n_different);
	return o ? o : x->a < y->a ? -1 : x->a > y->a;
}

/* "F32 → BF16", or "STR of 2 → 3 bytes" of a dtype that has elements of any size. */
static void print_dtypes(struct output *out, const struct heft_tensor *a,
                         const struct heft_tensor *b)
{
	tensor_words_dtype(out, a->dtype);
	if (a->dtype == b->dtype) {
		output_text(out, " of ");
		output_grouped(out, a->n_elements > 0 ? a->n_bytes / a->n_elements : 0);
		output_text(out, " → ");
		output_grouped(out, b->n_elements > 0 ? b->n_bytes / b->n_elements : 0);
		output_text(out, " bytes");
		return;
	}
	output_text(out, " → ");
	tensor_words_dtype(out, b->dtype);
}

/* "F32 → BF16, [2, 3] → [3, 2], 4 not finite" */
static void print_change(struct output *out, const struct diff_row *row,
                         const struct heft_tensor *a, const struct heft_tensor *b)
{
	const char *comma = "";

	if (row->reasons & HEFT_DIFF_DTYPE) {
		print_dtypes(out, a, b);
		comma = ", ";
	}
	if (row->reasons & HEFT_DIFF_SHAPE) {
		output_text(out, comma);
		tensor_words_shape(out, a);
		output_text(out, " → ");
		tensor_words_shape(out, b);
		comma = ", ";
	}
	if (row->n_not_finite > 0) {
		output_text(out, comma);
		output_grouped(out, row->n_not_finite);
		output_text(out, " not finite");
	}
}

/* With six digits behind the point, or with three that count. */
static void add_measure(struct columns *table, const struct diff_row *row, bool has_point,
                        double value)
{
	struct output *cells = &table->cells;

	if (!row->has_measures)
		output_char(cells, '-');
	else if (isnan(value) || isinf(value))
		output_text(cells, isnan(value) ? "nan" : "inf");
	else if (has_point)
		output_format(cells, "%.6f", value);
	else
		output_format(cells, "%.3g", value);
	columns_end_cell(table);
}

static enum heft_status add_change(struct columns *table, const struct diff_result *r,
                                   const struct diff_row *row, bool has_changes,
                                   struct heft_error *err)
{
	struct output *cells = &table->cells;
	struct heft_tensor a;
	struct heft_tensor b;
	enum heft_status st = heft_tensor_at(r->file[0], row->a, &a, err);

	if (st == HEFT_OK)
		st = heft_tensor_at(r->file[1], row->b, &b, err);
	if (st != HEFT_OK)
		return st;
	print_name_mark(cells, a.name);
	print_name(cells, a.name);
	columns_end_cell(table);
	if (has_changes) {
		print_change(cells, row, &a, &b);
		columns_end_cell(table);
	}
	add_measure(table, row, false, row->relative);
	add_measure(table, row, false, row->max_abs);
	add_measure(table, row, false, row->rms);
	add_measure(table, row, true, row->cosine);
	if (row->is_compared)
		print_share(cells, row->n_different, row->n_compared);
	else
		output_char(cells, '-');
	columns_end_cell(table);
	return HEFT_OK;
}

static size_t choose_columns(const struct diff_result *r, uint32_t n_shown, struct column *columns,
                             bool *has_changes)
{
	size_t n = 0;

	*has_changes = false;
	for (uint32_t i = 0; i < n_shown; i++)
		*has_changes |= (r->rows[i].reasons & ~(uint32_t)HEFT_DIFF_VALUES) != 0 ||
		                r->rows[i].n_not_finite > 0;
	columns[n++] = (struct column){ .title = "changed", .min_width = 12 };
	if (*has_changes)
		columns[n++] = (struct column){ .title = "how", .min_width = 12 };
	columns[n++] = (struct column){ .title = "relative", .is_right = true };
	columns[n++] = (struct column){ .title = "max", .is_right = true };
	columns[n++] = (struct column){ .title = "RMS", .is_right = true };
	columns[n++] = (struct column){ .title = "cosine", .is_right = true };
	columns[n++] = (struct column){ .title = "share", .is_right = true };
	return n;
}

static void print_rest(struct output *out, uint32_t n, uint32_t n_shown)
{
	if (n == n_shown)
		return;
	output_text(out, "and ");
	output_grouped(out, n - n_shown);
	output_text(out, " more; --all shows them\n");
}

static void print_table(struct output *out, struct columns *table)
{
	output_char(out, '\n');
	columns_print(table, out, term_columns(STDOUT_FILENO), term_has_colour(STDOUT_FILENO));
}

static uint32_t count_shown(uint32_t n, bool all_rows)
{
	return all_rows || n < ROWS_SHOWN ? n : ROWS_SHOWN;
}

static enum heft_status print_changes(struct output *out, struct diff_result *r, bool all_rows,
                                      struct heft_error *err)
{
	const uint32_t n_shown = count_shown(r->n_rows, all_rows);
	struct column columns[COLUMNS_MAX];
	struct columns table;
	enum heft_status st = HEFT_OK;
	bool has_changes;
	size_t n_columns;

	if (r->n_rows == 0)
		return HEFT_OK;
	qsort(r->rows, r->n_rows, sizeof *r->rows, by_change);
	n_columns = choose_columns(r, n_shown, columns, &has_changes);
	columns_init(&table, columns, n_columns);
	for (uint32_t i = 0; i < n_shown && st == HEFT_OK; i++)
		st = add_change(&table, r, &r->rows[i], has_changes, err);
	if (st == HEFT_OK)
		print_table(out, &table);
	columns_done(&table);
	if (st == HEFT_OK)
		print_rest(out, r->n_rows, n_shown);
	return st;
}

/* --- what is in one file alone, or renamed --- */

static void add_name(struct columns *table, const struct heft_tensor *t)
{
	print_name_mark(&table->cells, t->name);
	print_name(&table->cells, t->name);
	columns_end_cell(table);
}

/* k: 0 in A, 1 in B. */
static enum heft_status print_only(struct output *out, const struct diff_result *r, uint32_t k,
                                   bool all_rows, struct heft_error *err)
{
	const struct column columns[] = {
		{ .title = k == 0 ? "only in A" : "only in B", .min_width = 12 },
		{ .title = "dtype" },
		{ .title = "shape", .min_width = 8 },
	};
	const struct diff_places *only = &r->only[k];
	const uint32_t n_shown = count_shown(only->n, all_rows);
	enum heft_status st = HEFT_OK;
	struct columns table;
	struct heft_tensor t;

	if (only->n == 0)
		return HEFT_OK;
	columns_init(&table, columns, sizeof columns / sizeof columns[0]);
	for (uint32_t i = 0; i < n_shown && st == HEFT_OK; i++) {
		st = heft_tensor_at(r->file[k], k == 0 ? only->items[i].a : only->items[i].b, &t,
		                    err);
		if (st != HEFT_OK)
			break;
		add_name(&table, &t);
		tensor_words_dtype(&table.cells, t.dtype);
		columns_end_cell(&table);
		tensor_words_shape(&table.cells, &t);
		columns_end_cell(&table);
	}
	if (st == HEFT_OK)
		print_table(out, &table);
	columns_done(&table);
	if (st == HEFT_OK)
		print_rest(out, only->n, n_shown);
	return st;
}

static enum heft_status print_renamed(struct output *out, const struct diff_result *r,
                                      bool all_rows, struct heft_error *err)
{
	static const struct column columns[] = {
		{ .title = "renamed in A", .min_width = 12 },
		{ .title = "in B", .min_width = 12 },
	};
	const uint32_t n_shown = count_shown(r->renamed.n, all_rows);
	enum heft_status st = HEFT_OK;
	struct columns table;
	struct heft_tensor t;

	if (r->renamed.n == 0)
		return HEFT_OK;
	columns_init(&table, columns, sizeof columns / sizeof columns[0]);
	for (uint32_t i = 0; i < n_shown && st == HEFT_OK; i++) {
		st = heft_tensor_at(r->file[0], r->renamed.items[i].a, &t, err);
		if (st == HEFT_OK) {
			add_name(&table, &t);
			st = heft_tensor_at(r->file[1], r->renamed.items[i].b, &t, err);
		}
		if (st == HEFT_OK)
			add_name(&table, &t);
	}
	if (st == HEFT_OK)
		print_table(out, &table);
	columns_done(&table);
	if (st == HEFT_OK)
		print_rest(out, r->renamed.n, n_shown);
	return st;
}

enum heft_status diff_text_print(struct output *out, struct diff_result *r, bool all_rows,
                                 struct heft_error *err)
{
	enum heft_status st;

	print_answer(out, r);
	print_counts(out, &r->summary);
	print_elements(out, &r->summary);
	print_ties(out, &r->summary);
	print_metadata(out, &r->metadata);
	st = print_changes(out, r, all_rows, err);
	if (st == HEFT_OK)
		st = print_renamed(out, r, all_rows, err);
	if (st == HEFT_OK)
		st = print_only(out, r, 0, all_rows, err);
	if (st == HEFT_OK)
		st = print_only(out, r, 1, all_rows, err);
	return st;
}
