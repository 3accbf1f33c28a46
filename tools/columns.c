/* SPDX-License-Identifier: Apache-2.0 */
/* columns.c - a table of text that fits the terminal. */
#include "columns.h"

#include <string.h>

#include "utf8_text.h"

#define GAP 2

void columns_init(struct columns *t, const struct column *columns, size_t n_columns)
{
	*t = (struct columns){ .columns = columns, .n_columns = n_columns };
	output_init(&t->cells, -1);
	for (size_t i = 0; i < n_columns; i++)
		t->widths[i] = utf8_width(columns[i].title, strlen(columns[i].title));
}

void columns_done(struct columns *t)
{
	output_done(&t->cells);
}

void columns_end_cell(struct columns *t)
{
	const size_t i = t->n_cells % t->n_columns;
	const size_t n = t->cells.n - t->cell_at;
	/* Where the first cell is empty there is no text at all yet. */
	const size_t width = n > 0 ? utf8_width(t->cells.buf + t->cell_at, n) : 0;

	if (t->cells.error)
		return;
	if (width > t->widths[i])
		t->widths[i] = width;
	output_char(&t->cells, '\0');
	t->cell_at = t->cells.n;
	t->n_cells++;
}

/* The widest column that may still give way; NULL when none can. */
static size_t *find_widest(struct columns *t)
{
	size_t *widest = NULL;

	for (size_t i = 0; i < t->n_columns; i++) {
		const size_t least = t->columns[i].min_width;

		if (least > 0 && t->widths[i] > least && (!widest || t->widths[i] > *widest))
			widest = &t->widths[i];
	}
	return widest;
}

/* Takes from whichever column is widest until the table fits: names give way before shapes do. */
static void shrink(struct columns *t, size_t width)
{
	size_t total = GAP * (t->n_columns - 1);
	size_t *widest;

	for (size_t i = 0; i < t->n_columns; i++)
		total += t->widths[i];
	while (total > width && (widest = find_widest(t)) != NULL) {
		(*widest)--;
		total--;
	}
}

/* Blanks are owed until something follows them, so that no line ends in blanks. */
static void print_cell(const struct columns *t, struct output *out, size_t i, const char *text,
                       bool is_red, size_t *owed)
{
	static void (*const cut[])(struct output * out, const char *text, size_t width) = {
		[COLUMN_CUT_MIDDLE] = utf8_cut_middle,
		[COLUMN_CUT_BEGIN] = utf8_cut_begin,
		[COLUMN_CUT_END] = utf8_cut_end,
	};
	const size_t text_width = utf8_width(text, strlen(text));
	const size_t pad = text_width < t->widths[i] ? t->widths[i] - text_width : 0;

	if (*text) {
		output_repeat(out, ' ', *owed + (t->columns[i].is_right ? pad : 0));
		output_text(out, is_red ? "\033[31m" : "");
		cut[t->columns[i].cut](out, text, t->widths[i]);
		output_text(out, is_red ? "\033[0m" : "");
		*owed = GAP + (t->columns[i].is_right ? 0 : pad);
	} else {
		*owed += GAP + pad;
	}
}

static void print_titles(const struct columns *t, struct output *out, bool is_bold)
{
	size_t owed = 0;

	if (is_bold)
		output_text(out, "\033[1m");
	for (size_t i = 0; i < t->n_columns; i++)
		print_cell(t, out, i, t->columns[i].title, false, &owed);
	output_text(out, is_bold ? "\033[0m\n" : "\n");
}

void columns_print(struct columns *t, struct output *out, size_t width, bool has_colour)
{
	const char *text = t->cells.buf;
	size_t owed = 0;

	if (t->cells.error) {
		out->error = t->cells.error;
		return;
	}
	if (width > 0)
		shrink(t, width);
	print_titles(t, out, has_colour);
	for (size_t i = 0; i < t->n_cells && !out->error; i++) {
		const size_t column = i % t->n_columns;
		const bool is_last = column == t->n_columns - 1;

		print_cell(t, out, column, text, has_colour && t->columns[column].is_alarm, &owed);
		text += strlen(text) + 1;
		if (is_last) {
			output_char(out, '\n');
			owed = 0;
		}
	}
}
