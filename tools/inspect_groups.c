/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_groups.c - totals for each group of tensors. A group is those whose names have the same
 * first part, up to a '.' or '/'; what all shown names begin with does not count as a part, so that
 * a model in which everything begins with "model." has groups, and so has a PATTERN's choice.
 */
#include "inspect_stats.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "print_name.h"
#include "term.h"
#include "utf8_text.h"

#include <unistd.h>

#define N_GROUPS_SHOWN 20

struct group {
	const char *name; /* not ended by NUL */
	size_t name_size;
	uint32_t first; /* its first tensor, among those shown */
	uint32_t n_tensors;
	struct tensor_total size;
	struct figure_total total;
};

static bool is_separator(char c)
{
	return c == '.' || c == '/';
}

static void shorten(const char *prefix, size_t *size, const char *name)
{
	size_t n = 0;

	while (n < *size && name[n] == prefix[n] && name[n] != '\0')
		n++;
	while (n > 0 && !is_separator(prefix[n - 1]))
		n--;
	*size = n;
}

static size_t group_size(const char *name, size_t prefix_size)
{
	size_t n = prefix_size;

	while (name[n] != '\0' && !is_separator(name[n]))
		n++;
	return n;
}

static int by_name(const void *pa, const void *pb)
{
	const struct group *a = pa;
	const struct group *b = pb;
	const size_t shorter = a->name_size < b->name_size ? a->name_size : b->name_size;
	const int order = memcmp(a->name, b->name, shorter);

	if (order != 0)
		return order;
	if (a->name_size != b->name_size)
		return a->name_size < b->name_size ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

static int by_size(const void *pa, const void *pb)
{
	const struct group *a = pa;
	const struct group *b = pb;

	if (a->size.n_bytes != b->size.n_bytes)
		return a->size.n_bytes > b->size.n_bytes ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

/* A group a tensor, at first. */
static enum heft_status collect(const struct inspection *x, struct group *groups,
                                struct heft_error *err)
{
	struct heft_tensor t;
	size_t prefix_size = 0;
	const char *prefix = NULL;

	for (uint32_t i = 0; i < x->n_shown; i++) {
		const enum heft_status st = heft_tensor_at(x->file, x->shown[i], &t, err);

		if (st != HEFT_OK)
			return st;
		if (!prefix) {
			prefix = t.name;
			prefix_size = strlen(t.name);
		}
		shorten(prefix, &prefix_size, t.name);
		groups[i] = (struct group){
			.name = t.name,
			.first = i,
			.n_tensors = 1,
			.size = { .n_elements = t.n_elements, .n_bytes = t.n_bytes },
		};
		figure_total_add(&groups[i].total, &x->figures[i]);
	}
	for (uint32_t i = 0; i < x->n_shown; i++)
		groups[i].name_size = group_size(groups[i].name, prefix_size);
	return HEFT_OK;
}

/* Sorted by name, those of one name become one. */
static uint32_t unite(struct group *groups, uint32_t n)
{
	uint32_t n_united = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct group *last = n_united > 0 ? &groups[n_united - 1] : NULL;

		if (!last || last->name_size != groups[i].name_size ||
		    memcmp(last->name, groups[i].name, last->name_size) != 0) {
			groups[n_united++] = groups[i];
			continue;
		}
		last->n_tensors++;
		last->size.n_elements += groups[i].size.n_elements;
		last->size.n_bytes += groups[i].size.n_bytes;
		figure_total_unite(&last->total, &groups[i].total);
	}
	return n_united;
}

static void print_share(struct output *out, uint64_t part, uint64_t whole)
{
	const double percent = whole > 0 ? 100.0 * (double)part / (double)whole : 0;

	if (part == 0)
		output_char(out, '0');
	else
		output_format(out, percent < 0.1 ? "<0.1 %%" : "%.1f %%", percent);
}

static void add_row(struct columns *table, const struct group *g)
{
	struct output *cells = &table->cells;
	char *name = memory_copy_text(g->name, g->name_size);

	print_name_mark(cells, name);
	print_name(cells, name);
	free(name);
	columns_end_cell(table);
	output_grouped(cells, g->n_tensors);
	columns_end_cell(table);
	output_grouped(cells, g->size.n_elements);
	columns_end_cell(table);
	output_grouped(cells, g->size.n_bytes);
	columns_end_cell(table);
	print_share(cells, g->total.n_zero, g->total.n_values);
	columns_end_cell(table);
	inspect_print_number(cells, figure_total_rms(&g->total));
	columns_end_cell(table);
	inspect_print_alarm(cells, g->total.n_nan, g->total.n_inf);
	columns_end_cell(table);
}

static void print_groups(struct output *out, const struct group *groups, uint32_t n)
{
	static const struct column columns[] = {
		{ .title = "group", .min_width = 8 },      { .title = "tensors", .is_right = true },
		{ .title = "elements", .is_right = true }, { .title = "bytes", .is_right = true },
		{ .title = "zeros", .is_right = true },    { .title = "rms", .is_right = true },
		{ .title = "", .is_alarm = true },
	};
	const uint32_t n_shown = n < N_GROUPS_SHOWN ? n : N_GROUPS_SHOWN;
	struct columns table;

	output_char(out, '\n');
	columns_init(&table, columns, sizeof columns / sizeof *columns);
	for (uint32_t i = 0; i < n_shown; i++)
		add_row(&table, &groups[i]);
	columns_print(&table, out, term_columns(STDOUT_FILENO), term_has_colour(STDOUT_FILENO));
	columns_done(&table);
	if (n > n_shown) {
		output_grouped(out, n - n_shown);
		output_text(out, n - n_shown == 1 ? " smaller group is left out\n"
		                                  : " smaller groups are left out\n");
	}
}

enum heft_status inspect_groups_print(struct output *out, const struct inspection *x,
                                      struct heft_error *err)
{
	struct group *groups = memory_new(x->n_shown, sizeof *groups);
	const enum heft_status st = collect(x, groups, err);
	uint32_t n;

	if (st == HEFT_OK) {
		qsort(groups, x->n_shown, sizeof *groups, by_name);
		n = unite(groups, x->n_shown);
		qsort(groups, n, sizeof *groups, by_size);
		/* One group is the total, and groups of one are the table again. */
		if (n > 1 && n < x->n_shown)
			print_groups(out, groups, n);
	}
	free(groups);
	return st;
}
