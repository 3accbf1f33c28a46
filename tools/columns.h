/* SPDX-License-Identifier: Apache-2.0 */
/*
 * columns.h - a table of text that fits the terminal: collected row by row, then printed with
 * aligned columns, of which the named ones give way when the terminal is narrow.
 */
#ifndef TOOLS_COLUMNS_H
#define TOOLS_COLUMNS_H

#include "output.h"

#define COLUMNS_MAX 12

/* Where a cell is shortened. */
enum column_cut {
	COLUMN_CUT_MIDDLE,
	COLUMN_CUT_BEGIN,
	COLUMN_CUT_END
};

struct column {
	const char *title;
	bool is_right;    /* aligned to the right, as numbers are */
	size_t min_width; /* how far it may be shortened; 0: never */
	enum column_cut cut;
	bool is_alarm; /* its cells are red where there are colours */
};

struct columns {
	const struct column *columns;
	size_t n_columns;
	size_t n_cells;
	size_t widths[COLUMNS_MAX];
	struct output cells; /* texts that end with NUL */
	size_t cell_at;      /* where the current one begins */
};

void columns_init(struct columns *t, const struct column *columns, size_t n_columns);
void columns_done(struct columns *t);

/* Print the next cell to t->cells, then end it. */
void columns_end_cell(struct columns *t);

/*
 * Prints the table, at most `width` columns wide if that can be (0: no limit), titles in bold and
 * alarms in red or not.
 */
void columns_print(struct columns *t, struct output *out, size_t width, bool has_colour);

#endif
