/* SPDX-License-Identifier: Apache-2.0 */
/* update_rows.c - gathers what an update makes of the rows of TENSORS. */
#include "container/update_rows.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "container/index_parts.h"

#define QUOTED 80

static int quoted(const struct heft_row *row)
{
	return row->name_size < QUOTED ? (int)row->name_size : QUOTED;
}

/* A tie names the first row of its group, which comes before. */
static enum heft_status fill(struct heft_row_changes *c, struct heft_error *err)
{
	for (uint32_t i = 0; i < c->n; i++) {
		struct heft_row row;

		HEFT_TRY(heft_index_row(c->ix, i, &row, err));
		c->rows[i].group = row.tie;
		c->rows[i].run = i;
		c->rows[i].next = i;
		if (row.tie != i) {
			c->rows[i].next = c->rows[row.tie].next;
			c->rows[row.tie].next = i;
		}
	}
	return HEFT_OK;
}

enum heft_status heft_row_changes_new(struct heft_index *ix, struct heft_row_changes **out,
                                      struct heft_error *err)
{
	struct heft_row_changes *c = heft_zalloc(sizeof *c);
	enum heft_status st = HEFT_E_NOMEM;

	if (c) {
		c->ix = ix;
		c->rows = heft_zalloc_array(heft_index_n_tensors(ix), sizeof *c->rows);
	}
	if (c && c->rows) {
		c->n = heft_index_n_tensors(ix);
		st = fill(c, err);
	} else {
		heft_fail(err, st, HEFT_NO_OFFSET, "no memory for changes");
	}
	if (st != HEFT_OK) {
		heft_row_changes_free(c);
		return st;
	}
	*out = c;
	return HEFT_OK;
}

void heft_row_changes_free(struct heft_row_changes *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->n; i++)
		heft_free(c->rows[i].name);
	heft_free(c->rows);
	heft_free(c);
}

enum heft_status heft_row_rename(struct heft_row_changes *c, uint32_t row_i, const char *name,
                                 struct heft_error *err)
{
	char *copy = heft_strdup(name);

	if (!copy)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a name");
	heft_free(c->rows[row_i].name);
	c->rows[row_i].name = copy;
	c->rows[row_i].name_size = (uint32_t)strlen(copy);
	return HEFT_OK;
}

void heft_row_keep_name(struct heft_row_changes *c, uint32_t row_i)
{
	heft_free(c->rows[row_i].name);
	c->rows[row_i].name = NULL;
}

void heft_row_delete(struct heft_row_changes *c, uint32_t row_i)
{
	c->rows[row_i].is_deleted = true;
}

/* R8.2-7 */
static enum heft_status check_equal(const struct heft_row_changes *c, uint32_t row_i,
                                    uint32_t first_i, struct heft_error *err)
{
	struct heft_row a;
	struct heft_row b;

	HEFT_TRY(heft_index_row(c->ix, row_i, &a, err));
	HEFT_TRY(heft_index_row(c->ix, first_i, &b, err));
	if (a.dtype != b.dtype || a.unit != b.unit || a.n_bytes != b.n_bytes ||
	    !heft_rows_same_dims(c->ix, &a, &b))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'%.*s' and '%.*s' differ in dtype or shape", quoted(&a), a.name,
		                 quoted(&b), b.name);
	if (memcmp(a.root, b.root, sizeof a.root) != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the values of '%.*s' and '%.*s' differ", quoted(&a), a.name,
		                 quoted(&b), b.name);
	return HEFT_OK;
}

enum heft_status heft_row_tie(struct heft_row_changes *c, uint32_t row_i, uint32_t first_i,
                              struct heft_error *err)
{
	struct heft_row_change *rows = c->rows;
	const uint32_t next = rows[row_i].next;
	uint32_t i = row_i;

	if (rows[row_i].group == rows[first_i].group)
		return HEFT_OK;
	HEFT_TRY(check_equal(c, row_i, first_i, err));
	do {
		rows[i].group = rows[first_i].group;
		rows[i].run = rows[first_i].run;
		i = rows[i].next;
	} while (i != row_i);
	/* two rings become one when two of their rows change places as to what follows */
	rows[row_i].next = rows[first_i].next;
	rows[first_i].next = next;
	return HEFT_OK;
}

/* A group goes by the number of one of its rows: when that row leaves, by another. */
static void leave_group(struct heft_row_changes *c, uint32_t row_i)
{
	struct heft_row_change *rows = c->rows;
	const uint32_t next = rows[row_i].next;
	const bool is_named_so = rows[row_i].group == row_i;
	uint32_t last = next;

	for (uint32_t i = next; i != row_i; i = rows[i].next) {
		if (is_named_so)
			rows[i].group = next;
		last = i;
	}
	rows[last].next = next;
	rows[row_i].next = row_i;
	rows[row_i].group = row_i;
}

enum heft_status heft_row_untie(struct heft_row_changes *c, uint32_t row_i, struct heft_error *err)
{
	struct heft_row row;

	HEFT_TRY(heft_index_row(c->ix, row_i, &row, err));
	if (c->rows[row_i].next == row_i)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "'%.*s' is tied to no other",
		                 quoted(&row), row.name);
	leave_group(c, row_i);
	return HEFT_OK;
}
