/* SPDX-License-Identifier: Apache-2.0 */
/* op_row.h - reads a row of op_rows/<group>.txt; how one is written stands in test_graph_ops.c. */
#ifndef HEFT_OP_ROW_H
#define HEFT_OP_ROW_H

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op.h"
#include "kernel/philox.h"
#include "unit.h"

#define ROW_ARRAYS 64
#define ROW_ATTRS 24
#define ROW_LIST 512 /* values of a list */
#define ROW_HELD 256

enum row_check {
	ROW_NOT_CHECKED,
	ROW_CHECKED_NEARLY,
	ROW_CHECKED_EXACTLY
};

struct op_row {
	const char *place; /* file:line */
	const char *at;    /* what is not read yet */
	char name[64];
	char domain[64];
	uint32_t opset;
	uint32_t n_in;
	uint32_t n_out;
	uint32_t n_attrs;
	uint32_t n_expected;
	uint64_t wanted;
	enum heft_status status; /* that infer must give */
	bool is_one_layout;
	bool has_no_end;
	enum row_check check;
	const struct heft_op *op;
	struct heft_array in[ROW_ARRAYS];
	struct heft_array expected[ROW_ARRAYS]; /* NONE: not looked at */
	struct heft_attr attrs[ROW_ATTRS];
	void *held[ROW_HELD];
	uint32_t n_held;
};

/* A list of numbers, texts left out. */
struct row_list {
	uint32_t n;
	bool is_integer;
	int64_t ints[ROW_LIST];
	double floats[ROW_LIST];
};

/* What fills an array: values in turn, or numbers between two bounds. */
struct row_values {
	struct row_list list;
	bool is_given;
	bool is_special;
	double from;
	double to;
};

#define ROW_CHECK(row, holds, what)                                                        \
	do {                                                                               \
		if (!(holds))                                                              \
			ck_abort_msg("%s: %s, at '%.40s'", (row)->place, what, (row)->at); \
	} while (0)

static inline void *row_hold(struct op_row *r, size_t size)
{
	void *p = NULL;

	ROW_CHECK(r, r->n_held < ROW_HELD, "too much in a row");
	ck_assert_int_eq(posix_memalign(&p, 64, size > 0 ? size : 1), 0);
	memset(p, 0, size);
	r->held[r->n_held++] = p;
	return p;
}

static inline void row_done(struct op_row *r)
{
	while (r->n_held > 0)
		free(r->held[--r->n_held]);
}

/* --- letters --- */

static inline bool row_take(struct op_row *r, const char *text)
{
	const size_t n = strlen(text);

	if (strncmp(r->at, text, n) != 0)
		return false;
	r->at += n;
	return true;
}

static inline void row_blanks(struct op_row *r)
{
	while (*r->at == ' ')
		r->at++;
}

/* Whether the part that is read goes on; its ';' is taken. Parts between may be left out. */
static inline bool row_part_goes_on(struct op_row *r)
{
	row_blanks(r);
	return *r->at != 0 && *r->at != '=' && *r->at != '~' && !row_take(r, ";");
}

static inline void row_word(struct op_row *r, char *word, size_t room)
{
	size_t n = 0;

	while (isalnum((unsigned char)r->at[n]) || r->at[n] == '_' || r->at[n] == '.')
		n++;
	ROW_CHECK(r, n > 0 && n < room, "a name is expected");
	memcpy(word, r->at, n);
	word[n] = 0;
	r->at += n;
}

static inline const char *row_text(struct op_row *r)
{
	const char *end = strchr(r->at, '"');
	char *text;

	ROW_CHECK(r, end, "a quote is expected");
	text = row_hold(r, (size_t)(end - r->at) + 1);
	memcpy(text, r->at, (size_t)(end - r->at));
	r->at = end + 1;
	return text;
}

/* A number, which ends in front of "..". */
static inline void row_number(struct op_row *r, struct row_list *list)
{
	const char *dots = strstr(r->at, "..");
	const size_t most = dots ? (size_t)(dots - r->at) : SIZE_MAX;
	char digits[48] = { 0 };
	char *end_i;
	char *end_f;

	ROW_CHECK(r, list->n < ROW_LIST, "too many numbers");
	strncpy(digits, r->at, most < sizeof digits - 1 ? most : sizeof digits - 1);
	list->ints[list->n] = digits[0] == '-' ? strtoll(digits, &end_i, 10)
	                                       : (int64_t)strtoull(digits, &end_i, 10);
	list->floats[list->n] = strtod(digits, &end_f);
	ROW_CHECK(r, end_f > digits, "a number is expected");
	list->is_integer = list->is_integer && end_i == end_f;
	r->at += end_f - digits;
	list->n++;
}

static inline void row_numbers(struct op_row *r, const char *end, struct row_list *list)
{
	list->n = 0;
	list->is_integer = true;
	while (!row_take(r, end)) {
		row_number(r, list);
		row_take(r, ",");
	}
}

/* --- arrays --- */

static inline bool row_is_integer(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return dtype == HEFT_DTYPE_BOOL || (info && info->is_integer);
}

/* Bounds of an integer dtype, what I64 has of them. */
static inline void row_extremes(enum heft_dtype dtype, int64_t *low, int64_t *high)
{
	static const struct {
		enum heft_dtype dtype;
		int64_t low;
		int64_t high;
	} rows[] = {
		{ HEFT_DTYPE_BOOL, 0, 1 },
		{ HEFT_DTYPE_U8, 0, UINT8_MAX },
		{ HEFT_DTYPE_I8, INT8_MIN, INT8_MAX },
		{ HEFT_DTYPE_U16, 0, UINT16_MAX },
		{ HEFT_DTYPE_I16, INT16_MIN, INT16_MAX },
		{ HEFT_DTYPE_U32, 0, UINT32_MAX },
		{ HEFT_DTYPE_I32, INT32_MIN, INT32_MAX },
		{ HEFT_DTYPE_U64, 0, -1 },
	};

	*low = INT64_MIN;
	*high = INT64_MAX;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].dtype == dtype) {
			*low = rows[i].low;
			*high = rows[i].high;
		}
	}
}

static inline void row_special(enum heft_dtype dtype, uint32_t word, int64_t *i, double *f)
{
	static const double floats[] = { NAN,    INFINITY,   -INFINITY, 0.0, -0.0, 0x1p-140,
		                         1.0,    0x1.fp127,  -0x1p-126, 0.5, -2.5, 0x1.8p-70,
		                         0x1p23, -0x1.8p31f, 0x1p63,    1e-5 };
	int64_t ints[4];

	row_extremes(dtype, &ints[0], &ints[1]);
	ints[2] = ints[0] < 0 ? -1 : 0;
	ints[3] = 1;
	*i = ints[word % 4];
	*f = floats[word % 16];
}

static inline void row_drawn(const struct row_values *v, enum heft_dtype dtype,
                             const struct heft_random_place *place, uint32_t k, int64_t *i,
                             double *f)
{
	const uint32_t word = heft_random_below(place, 2 * k, 1U << 24);

	if (v->is_special && word % 2 == 0) {
		row_special(dtype, word / 2, i, f);
		return;
	}
	*i = (int64_t)v->from +
	     (int64_t)heft_random_below(place, 2 * k + 1, (uint32_t)(v->to - v->from) + 1);
	*f = v->from + (v->to - v->from) * (word * 0x1p-24);
}

static inline void row_fill(struct heft_array *a, const struct row_values *v, uint32_t number)
{
	const struct heft_random_place place = { .seed = number, .step = (uint32_t)a->n_elements };
	const struct heft_dtype_info *info = heft_dtype_describe(a->dtype);
	const enum heft_dtype from = row_is_integer(a->dtype) ? HEFT_DTYPE_I64 : HEFT_DTYPE_F64;
	uint8_t *to = a->bytes;

	if (info->is_complex || info->n_elements > 1) {
		for (uint32_t k = 0; k < a->n_bytes; k++)
			to[k] = (uint8_t)heft_random_below(&place, k, 256);
		return;
	}
	for (uint32_t k = 0; k < a->n_elements; k++, to += info->n_bytes) {
		int64_t i;
		double f;

		if (v->is_given) {
			i = v->list.n ? v->list.ints[k % v->list.n] : 0;
			f = v->list.n ? v->list.floats[k % v->list.n] : 0;
		} else {
			row_drawn(v, a->dtype, &place, k, &i, &f);
		}
		if (a->dtype == HEFT_DTYPE_U64)
			memcpy(to, &i, sizeof i);
		else
			heft_cast_elements(a->dtype, to, from,
			                   from == HEFT_DTYPE_I64 ? (const void *)&i
			                                          : (const void *)&f,
			                   1, NULL);
	}
}

static inline void row_values(struct op_row *r, enum heft_dtype dtype, struct row_values *v)
{
	const bool is_integer = row_is_integer(dtype);
	struct row_list *list = &v->list;

	v->from = !is_integer ? -2 : heft_dtype_name(dtype)[0] == 'I' ? -8 : 0;
	v->to = !is_integer ? 2 : dtype == HEFT_DTYPE_BOOL ? 1 : 8;
	if (row_take(r, "{")) {
		v->is_given = true;
		row_numbers(r, "}", list);
	} else if (row_take(r, ":special")) {
		v->is_special = true;
	} else if (row_take(r, ":")) {
		row_number(r, list);
		ROW_CHECK(r, row_take(r, ".."), "'..' is expected");
		row_number(r, list);
		v->from = list->floats[0];
		v->to = list->floats[1];
		ROW_CHECK(r, v->from <= v->to && v->to - v->from < 1e9, "no range");
	}
}

/* dtype[dims]values, or '-'. */
static inline void row_array(struct op_row *r, struct heft_array *a, uint32_t number)
{
	struct row_values *v = row_hold(r, sizeof *v);
	struct row_list *dims = row_hold(r, sizeof *dims);
	uint64_t sizes[HEFT_GRAPH_MAX_RANK] = { 0 };
	char word[16];
	bool is_shaped;
	enum heft_dtype dtype;

	memset(a, 0, sizeof *a);
	if (row_take(r, "-"))
		return;
	row_word(r, word, sizeof word);
	dtype = heft_dtype_from_name(word);
	ROW_CHECK(r, dtype != HEFT_DTYPE_NONE, "no dtype");
	is_shaped = row_take(r, "[");
	if (is_shaped)
		row_numbers(r, "]", dims);
	ROW_CHECK(r, dims->n <= HEFT_GRAPH_MAX_RANK, "too many dimensions");
	row_values(r, dtype, v);
	ROW_CHECK(r, is_shaped || v->is_given, "a shape is expected");
	if (!is_shaped)
		dims->ints[dims->n++] = v->list.n;
	for (uint32_t d = 0; d < dims->n; d++)
		sizes[d] = (uint64_t)dims->ints[d];
	ck_assert_int_eq(heft_array_set(a, dtype, dims->n, sizes, NULL), HEFT_OK);
	a->bytes = a->n_bytes > 0 ? row_hold(r, a->n_bytes) : NULL;
	row_fill(a, v, number);
}

/* --- attributes --- */

static inline void row_attr_list(struct op_row *r, struct heft_attr *a)
{
	struct row_list *list = row_hold(r, sizeof *list);
	int64_t *ints = row_hold(r, sizeof list->ints);
	float *floats = row_hold(r, ROW_LIST * sizeof *floats);

	row_numbers(r, "]", list);
	a->kind = list->is_integer ? HEFT_ATTR_INTS : HEFT_ATTR_FLOATS;
	a->n = list->n;
	for (uint32_t i = 0; i < list->n; i++) {
		ints[i] = list->ints[i];
		floats[i] = (float)list->floats[i];
	}
	if (list->is_integer)
		a->ints = ints;
	else
		a->floats = floats;
}

static inline void row_attr_texts(struct op_row *r, struct heft_attr *a)
{
	const char **texts = row_hold(r, ROW_LIST * sizeof *texts);

	a->kind = HEFT_ATTR_TEXTS;
	a->texts = texts;
	while (row_take(r, "\"")) {
		ROW_CHECK(r, a->n < ROW_LIST, "too many texts");
		texts[a->n++] = row_text(r);
		row_take(r, ",");
	}
	ROW_CHECK(r, row_take(r, "]"), "']' is expected");
}

static inline void row_attr(struct op_row *r)
{
	struct heft_attr *a = &r->attrs[r->n_attrs++];
	struct row_list *list = row_hold(r, sizeof *list);
	char *name = row_hold(r, 64);

	ROW_CHECK(r, r->n_attrs < ROW_ATTRS, "too many attributes");
	row_word(r, name, 64);
	a->name = name;
	ROW_CHECK(r, row_take(r, "="), "'=' is expected");
	if (row_take(r, "\"")) {
		a->kind = HEFT_ATTR_TEXT;
		a->text = row_text(r);
	} else if (strncmp(r->at, "[\"", 2) == 0) {
		r->at++;
		row_attr_texts(r, a);
	} else if (row_take(r, "[")) {
		row_attr_list(r, a);
	} else if (isupper((unsigned char)*r->at)) {
		struct heft_array *tensor = row_hold(r, sizeof *tensor);

		a->kind = HEFT_ATTR_TENSOR;
		row_array(r, tensor, 100);
		a->tensor = tensor;
	} else {
		list->is_integer = true;
		row_number(r, list);
		a->kind = list->is_integer ? HEFT_ATTR_INT : HEFT_ATTR_FLOAT;
		a->i = list->ints[0];
		a->f = (float)list->floats[0];
	}
}

/* --- the row --- */

static inline void row_option(struct op_row *r)
{
	struct row_list *list = row_hold(r, sizeof *list);

	if (row_take(r, "out=")) {
		row_number(r, list);
		r->n_out = (uint32_t)list->ints[0];
	} else if (row_take(r, "wants=[")) {
		row_numbers(r, "]", list);
		r->wanted = 0;
		for (uint32_t i = 0; i < list->n; i++)
			r->wanted |= 1ULL << list->ints[i];
	} else if (row_take(r, "error=USAGE")) {
		r->status = HEFT_E_USAGE;
	} else if (row_take(r, "error=UNSUPPORTED")) {
		r->status = HEFT_E_UNSUPPORTED;
	} else if (row_take(r, "error=LIMIT")) {
		r->status = HEFT_E_LIMIT;
	} else if (row_take(r, "one_layout")) {
		r->is_one_layout = true;
	} else {
		ROW_CHECK(r, row_take(r, "no_end"), "no such option");
		r->has_no_end = true;
	}
}

static inline void row_head(struct op_row *r)
{
	struct row_list *list = row_hold(r, sizeof *list);
	char word[sizeof r->name];
	char *dot;

	row_word(r, word, sizeof word);
	dot = strrchr(word, '.');
	if (dot)
		*dot = 0;
	snprintf(r->domain, sizeof r->domain, "%s", dot ? word : "");
	snprintf(r->name, sizeof r->name, "%s", dot ? dot + 1 : word);
	row_blanks(r);
	row_number(r, list);
	r->opset = (uint32_t)list->ints[0];
}

static inline void row_expected(struct op_row *r)
{
	row_blanks(r);
	if (*r->at == 0)
		return;
	r->check = *r->at == '=' ? ROW_CHECKED_EXACTLY : ROW_CHECKED_NEARLY;
	ROW_CHECK(r, row_take(r, "=") || row_take(r, "~"), "'=' or '~' is expected");
	for (row_blanks(r); *r->at != 0; row_blanks(r)) {
		ROW_CHECK(r, r->n_expected < ROW_ARRAYS, "too many outputs");
		row_array(r, &r->expected[r->n_expected], 0);
		r->n_expected++;
	}
}

static inline void row_read(struct op_row *r, const char *place, const char *text)
{
	memset(r, 0, sizeof *r);
	r->place = place;
	r->at = text;
	r->wanted = UINT64_MAX;
	row_head(r);
	while (row_part_goes_on(r)) {
		ROW_CHECK(r, r->n_in < ROW_ARRAYS, "too many inputs");
		row_array(r, &r->in[r->n_in], r->n_in + 1);
		r->n_in++;
	}
	while (row_part_goes_on(r))
		row_attr(r);
	while (row_part_goes_on(r))
		row_option(r);
	row_expected(r);
	r->op = heft_op_find(r->domain, r->name);
	if (r->op && r->n_out == 0)
		r->n_out = r->op->min_out;
	ROW_CHECK(r, r->n_out <= ROW_ARRAYS, "too many outputs");
	while (r->n_in > 0 && r->in[r->n_in - 1].dtype == HEFT_DTYPE_NONE)
		r->n_in--;
}

#endif
