/* SPDX-License-Identifier: Apache-2.0 */
/* dataset_csv.c - a data set in a CSV file: columns of numbers, and a target. The file is read
 * three times: for its columns, for what is in them, and for the numbers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"
#include "train/csv.h"
#include "train/csv_classes.h"
#include "train/csv_number.h"
#include "train/dataset.h"

#define QUOTED 40 /* bytes of a text in a message */
#define F32_SIZE 4u

struct table {
	const struct heft_dataset_options *options;
	struct heft_source *src;
	char **names; /* of the columns; those without a header are their numbers */
	uint32_t n_columns;
	uint32_t target; /* from 0 */
	uint64_t n_rows;
	/* of all of the target */
	bool is_whole;
	bool is_number;
	struct heft_csv_classes classes;
	/* of the pass */
	struct heft_csv *csv;
	struct heft_large_bytes x;
	struct heft_large_bytes y;
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a data set");
}

static bool ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text);
	const size_t n_end = strlen(end);

	return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

static enum heft_status csv_probe(const struct heft_dataset_place *place, unsigned *sure,
                                  struct heft_error *err)
{
	(void)err;
	if (place->is_file &&
	    (ends_with(place->path, ".csv") || ends_with(place->path, ".tsv") ||
	     ends_with(place->path, ".csv.gz") || ends_with(place->path, ".tsv.gz")))
		*sure = 16;
	return HEFT_OK;
}

/* --- columns --- */

static enum heft_status begin_pass(struct table *t, struct heft_error *err)
{
	return heft_csv_new(t->src, t->options->separator, &t->csv, err);
}

static void end_pass(struct table *t)
{
	heft_csv_free(t->csv);
	t->csv = NULL;
}

static enum heft_status add_name(struct table *t, const struct heft_csv_field *f,
                                 struct heft_error *err)
{
	char number[16];
	char **more = t->names;

	/* Doubled each time that it is full. */
	if ((t->n_columns & (t->n_columns - 1)) == 0)
		more = heft_realloc_array(t->names, t->n_columns > 0 ? 2 * (size_t)t->n_columns : 1,
		                          sizeof *more);
	if (!more)
		return no_memory(err);
	t->names = more;
	snprintf(number, sizeof number, "%u", f->column);
	more[t->n_columns] = heft_strdup(t->options->no_header ? number : f->text);
	if (!more[t->n_columns])
		return no_memory(err);
	t->n_columns++;
	return HEFT_OK;
}

static enum heft_status read_columns(struct table *t, struct heft_error *err)
{
	struct heft_csv_field f;

	HEFT_TRY(begin_pass(t, err));
	do {
		HEFT_TRY(heft_csv_next(t->csv, &f, err));
		if (!f.text)
			return heft_fail(err, HEFT_E_UNSUPPORTED, 0, "there is nothing in it");
		HEFT_TRY(add_name(t, &f, err));
	} while (!f.is_last);
	end_pass(t);
	if (t->n_columns == 1)
		return heft_fail(err, HEFT_E_UNSUPPORTED, 0,
		                 "there is but one column, '%.*s', where a target and something "
		                 "to tell it from are needed",
		                 QUOTED, t->names[0]);
	return HEFT_OK;
}

static enum heft_status no_target(const struct table *t, struct heft_error *err)
{
	struct heft_buffer list;
	enum heft_status st;

	heft_buffer_init(&list);
	for (uint32_t i = 0; i < t->n_columns && list.size < 120; i++)
		heft_buffer_addf(&list, "%s%.40s", i > 0 ? ", " : "", t->names[i]);
	st = heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	               "no column is called '%.*s', nor is it a number from 1 to %u; there are "
	               "%.*s%s",
	               QUOTED, t->options->target, t->n_columns, (int)list.size,
	               list.size > 0 ? (const char *)list.bytes : "",
	               list.size < 120 ? "" : ", ...");
	heft_buffer_done(&list);
	return st;
}

static enum heft_status find_target(struct table *t, struct heft_error *err)
{
	const char *name = t->options->target;
	uint32_t n = 0;
	int64_t number;

	t->target = t->n_columns - 1;
	if (!name)
		return HEFT_OK;
	for (uint32_t i = 0; i < t->n_columns; i++)
		if (strcmp(t->names[i], name) == 0) {
			t->target = i;
			n++;
		}
	if (n > 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%u columns are called '%.*s': the target's number, from 1 to %u, "
		                 "tells which",
		                 n, QUOTED, name, t->n_columns);
	if (n == 1)
		return HEFT_OK;
	if (!heft_csv_whole(name, strlen(name), &number) || number < 1 || number > t->n_columns)
		return no_target(t, err);
	t->target = (uint32_t)number - 1;
	return HEFT_OK;
}

/* --- rows --- */

static enum heft_status bad_field(const struct table *t, const struct heft_csv_field *f,
                                  const char *why, struct heft_error *err)
{
	if (f->size == 0)
		return heft_fail(err, HEFT_E_CORRUPT, f->off,
		                 "line %llu, column %u ('%.*s') is empty",
		                 (unsigned long long)f->line, f->column, QUOTED,
		                 t->names[f->column - 1]);
	return heft_fail(err, HEFT_E_CORRUPT, f->off, "line %llu, column %u ('%.*s'): '%.*s' %s",
	                 (unsigned long long)f->line, f->column, QUOTED, t->names[f->column - 1],
	                 QUOTED, f->text, why);
}

/* A row of the last pass, or of the one before, which has no room for it. */
static enum heft_status take_number(const struct table *t, const struct heft_csv_field *f,
                                    uint8_t *dst, struct heft_error *err)
{
	double value;
	uint32_t bits;
	float narrow;

	if (!heft_csv_real(f->text, f->size, &value))
		return bad_field(t, f, "is no number, and only the target may be text", err);
	narrow = (float)value;
	if (!isfinite(narrow))
		return bad_field(t, f, "is too large for F32", err);
	memcpy(&bits, &narrow, sizeof bits);
	if (dst)
		heft_put_le32(dst, bits);
	return HEFT_OK;
}

/* What the target is: the least of what its values allow. */
static enum heft_status look_at_target(struct table *t, const struct heft_csv_field *f,
                                       struct heft_error *err)
{
	int64_t whole;
	double value;

	if (f->size == 0)
		return bad_field(t, f, "", err);
	t->is_whole = t->is_whole && heft_csv_whole(f->text, f->size, &whole);
	t->is_number = t->is_number && heft_csv_real(f->text, f->size, &value);
	return HEFT_OK;
}

static enum heft_status take_class(struct table *t, const struct heft_csv_field *f, uint64_t *class,
                                   struct heft_error *err)
{
	const bool is_given = t->options->n_class_names > 0;
	uint32_t found;

	if (heft_csv_classes_find(&t->classes, f->text, &found)) {
		*class = found;
		return HEFT_OK;
	}
	if (is_given)
		return bad_field(t, f, "is none of the classes that are known", err);
	if (t->classes.n == HEFT_CSV_MAX_CLASSES)
		return bad_field(t, f, "is one class more than the target may have", err);
	*class = t->classes.n;
	return heft_csv_classes_add(&t->classes, f->text, err);
}

static enum heft_status take_target(struct table *t, const struct heft_csv_field *f, uint64_t row,
                                    struct heft_error *err)
{
	int64_t whole = 0;
	uint64_t class = 0;

	if (!t->y.bytes)
		return look_at_target(t, f, err);
	if (!t->is_whole && t->is_number)
		return take_number(t, f, t->y.bytes + row * F32_SIZE, err);
	if (!t->is_number)
		HEFT_TRY(take_class(t, f, &class, err));
	else if (!heft_csv_whole(f->text, f->size, &whole))
		return bad_field(t, f, "was a whole number before", err);
	heft_put_le64(t->y.bytes + row * 8, t->is_number ? (uint64_t)whole : class);
	return HEFT_OK;
}

static enum heft_status take_row(struct table *t, struct heft_csv_field *f, uint64_t row,
                                 struct heft_error *err)
{
	const uint64_t row_size = (uint64_t)(t->n_columns - 1) * F32_SIZE;
	uint8_t *dst = t->x.bytes ? t->x.bytes + row * row_size : NULL;
	uint64_t line = f->line;

	for (;;) {
		const uint32_t i = f->column - 1;

		if (i >= t->n_columns)
			return heft_fail(err, HEFT_E_CORRUPT, f->off,
			                 "line %llu has more than %u columns, which the first line "
			                 "has",
			                 (unsigned long long)line, t->n_columns);
		if (i == t->target) {
			HEFT_TRY(take_target(t, f, row, err));
		} else {
			HEFT_TRY(take_number(t, f, dst, err));
			dst = dst ? dst + F32_SIZE : NULL;
		}
		if (f->is_last)
			break;
		HEFT_TRY(heft_csv_next(t->csv, f, err));
	}
	if (f->column == t->n_columns)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_CORRUPT, f->off, "line %llu has %u columns, the first line %u",
	                 (unsigned long long)line, f->column, t->n_columns);
}

static enum heft_status skip_header(struct table *t, struct heft_error *err)
{
	struct heft_csv_field f;

	do {
		HEFT_TRY(heft_csv_next(t->csv, &f, err));
	} while (f.text && !f.is_last);
	return HEFT_OK;
}

/* Every row, once: of at most `most`, which is what there is room for. */
static enum heft_status read_rows(struct table *t, uint64_t most, uint64_t *n_rows,
                                  struct heft_error *err)
{
	struct heft_csv_field f;
	uint64_t n = 0;

	HEFT_TRY(begin_pass(t, err));
	if (!t->options->no_header)
		HEFT_TRY(skip_header(t, err));
	for (;; n++) {
		HEFT_TRY(heft_csv_next(t->csv, &f, err));
		if (!f.text)
			break;
		if (n == most)
			return heft_fail(err, HEFT_E_CORRUPT, f.off,
			                 "the file grew while it was read");
		HEFT_TRY(take_row(t, &f, n, err));
	}
	end_pass(t);
	*n_rows = n;
	return HEFT_OK;
}

/* --- the kind --- */

static enum heft_status add_arrays(struct table *t, struct heft_dataset *ds, struct heft_error *err)
{
	const uint64_t dims[] = { t->n_rows, t->n_columns - 1 };
	const bool is_real = t->is_number && !t->is_whole;

	HEFT_TRY(heft_dataset_add(ds, "x", HEFT_DTYPE_F32, 2, dims, false, HEFT_NO_OFFSET, err));
	HEFT_TRY(heft_dataset_add(ds, "y", is_real ? HEFT_DTYPE_F32 : HEFT_DTYPE_I64, 1, dims,
	                          false, HEFT_NO_OFFSET, err));
	HEFT_TRY(heft_large_bytes_init(&t->x, ds->parts[0].n_bytes, ds->scratch_folder, err));
	return heft_large_bytes_init(&t->y, ds->parts[1].n_bytes, ds->scratch_folder, err);
}

static enum heft_status keep_class_names(struct table *t, struct heft_error *err)
{
	const struct heft_dataset_options *o = t->options;

	for (uint32_t i = 0; i < o->n_class_names; i++) {
		uint32_t found;

		if (heft_csv_classes_find(&t->classes, o->class_names[i], &found))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "class %u and class %u are both called '%.*s'", found, i,
			                 QUOTED, o->class_names[i]);
		HEFT_TRY(heft_csv_classes_add(&t->classes, o->class_names[i], err));
	}
	return HEFT_OK;
}

static enum heft_status read_table(struct table *t, struct heft_dataset *ds, struct heft_error *err)
{
	uint64_t n_read;

	HEFT_TRY(read_columns(t, err));
	HEFT_TRY(find_target(t, err));
	HEFT_TRY(keep_class_names(t, err));
	t->is_number = t->options->n_class_names == 0;
	t->is_whole = t->is_number;
	HEFT_TRY(read_rows(t, UINT64_MAX, &t->n_rows, err));
	if (t->n_rows == 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "there are no lines behind the first");
	HEFT_TRY(add_arrays(t, ds, err));
	HEFT_TRY(read_rows(t, t->n_rows, &n_read, err));
	if (n_read != t->n_rows)
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "the file became shorter while it was read");
	heft_dataset_set_bytes(ds, 0, &t->x);
	heft_dataset_set_bytes(ds, 1, &t->y);
	ds->class_names = heft_csv_classes_take(&t->classes, &ds->n_class_names);
	return HEFT_OK;
}

static void table_done(struct table *t)
{
	for (uint32_t i = 0; i < t->n_columns; i++)
		heft_free(t->names[i]);
	heft_free(t->names);
	heft_csv_classes_done(&t->classes);
	heft_large_bytes_done(&t->x);
	heft_large_bytes_done(&t->y);
	heft_csv_free(t->csv);
	heft_source_close(t->src);
}

static enum heft_status csv_open(const struct heft_dataset_place *place,
                                 const struct heft_dataset_options *options,
                                 struct heft_dataset *ds, void **st, struct heft_error *err)
{
	struct table t = { .options = options };
	enum heft_status result;

	(void)st;
	HEFT_TRY(heft_source_open(place->path, false, &t.src, err));
	result = read_table(&t, ds, err);
	table_done(&t);
	return result;
}

const struct heft_dataset_kind heft_dataset_kind_csv = {
	.name = "csv",
	.probe = csv_probe,
	.open = csv_open,
};
