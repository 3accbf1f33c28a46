/* SPDX-License-Identifier: Apache-2.0 */
/* array_text.c - values of an array as text. */
#include "array_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_WHOLE 50 /* elements */
#define EDGE 3         /* shown at either end of a dimension of more */

bool array_is_real(const struct heft_value *v)
{
	const struct heft_dtype_info *info = heft_dtype_describe(v->dtype);

	return info && info->n_elements == 1 && !info->is_block && !info->is_complex;
}

static const uint8_t *element_at(const struct heft_value *v, uint64_t i)
{
	return (const uint8_t *)v->bytes + i * heft_dtype_describe(v->dtype)->n_bytes;
}

/* The fewest digits that give the same element again. */
static void print_real(enum heft_dtype dtype, const uint8_t *element, size_t size, double value,
                       char *text)
{
	for (int precision = 1; precision <= 17; precision++) {
		uint8_t back[8];
		double read;

		snprintf(text, ELEMENT_TEXT_SIZE, "%.*g", precision, value);
		read = strtod(text, NULL);
		heft_cast_elements(dtype, back, HEFT_DTYPE_F64, &read, 1, NULL);
		if (memcmp(back, element, size) == 0)
			return;
	}
}

/* "1" as "1.", "1e-05" as "1.e-05": NumPy's sign of a floating number. */
static void add_point(char *text)
{
	char *end = text + strcspn(text, ".e");

	if (*end == '.' || strlen(text) + 2 > ELEMENT_TEXT_SIZE)
		return;
	memmove(end + 1, end, strlen(end) + 1);
	*end = '.';
}

static void print_integer(enum heft_dtype dtype, const uint8_t *element, char *text)
{
	uint64_t wide;
	int64_t value;

	if (dtype == HEFT_DTYPE_U64) {
		memcpy(&wide, element, sizeof wide);
		snprintf(text, ELEMENT_TEXT_SIZE, "%" PRIu64, wide);
		return;
	}
	heft_cast_elements(HEFT_DTYPE_I64, &value, dtype, element, 1, NULL);
	snprintf(text, ELEMENT_TEXT_SIZE, "%" PRId64, value);
}

void array_element(const struct heft_value *v, uint64_t i, bool is_json, char *text)
{
	const struct heft_dtype_info *info = heft_dtype_describe(v->dtype);
	const uint8_t *element = element_at(v, i);
	double value;

	if (v->dtype == HEFT_DTYPE_BOOL) {
		snprintf(text, ELEMENT_TEXT_SIZE, "%s",
		         *element ? (is_json ? "true" : "True") : (is_json ? "false" : "False"));
		return;
	}
	if (info->is_integer) {
		print_integer(v->dtype, element, text);
		return;
	}
	heft_cast_elements(HEFT_DTYPE_F64, &value, v->dtype, element, 1, NULL);
	if (!isfinite(value)) {
		const char *quote = is_json ? "\"" : "";

		snprintf(text, ELEMENT_TEXT_SIZE, "%s%s%s", quote,
		         isnan(value) ? "nan"
		         : value > 0  ? "inf"
		                      : "-inf",
		         quote);
		return;
	}
	print_real(v->dtype, element, info->n_bytes, value, text);
	if (!is_json)
		add_point(text);
}

/* --- in brackets --- */

struct array_printing {
	struct output *out;
	struct json_out *j; /* NULL: for people */
	const struct heft_value *v;
	bool is_whole;
	uint64_t next; /* element */
};

static uint64_t elements_below(const struct heft_value *v, uint32_t axis)
{
	uint64_t n = 1;

	for (uint32_t d = axis + 1; d < v->rank; d++)
		n *= v->dims[d];
	return n;
}

/* As NumPy: a blank between numbers, a line for each row, an empty one between matrices. */
static void separate(const struct array_printing *p, uint32_t axis)
{
	if (axis + 1 == p->v->rank) {
		output_char(p->out, ' ');
		return;
	}
	output_repeat(p->out, '\n', p->v->rank - axis - 1);
	output_repeat(p->out, ' ', (size_t)axis + 1);
}

static void print_axis(struct array_printing *p, uint32_t axis)
{
	char text[ELEMENT_TEXT_SIZE];

	if (axis == p->v->rank) {
		array_element(p->v, p->next++, false, text);
		output_text(p->out, text);
		return;
	}
	const uint64_t n = p->v->dims[axis];

	output_char(p->out, '[');
	for (uint64_t i = 0; i < n; i++) {
		if (i > 0)
			separate(p, axis);
		if (!p->is_whole && n > 2 * EDGE && i == EDGE) {
			output_text(p->out, "...");
			p->next += (n - 2 * EDGE) * elements_below(p->v, axis);
			i = n - EDGE;
			separate(p, axis);
		}
		print_axis(p, axis + 1);
	}
	output_char(p->out, ']');
}

static void print_axis_json(struct array_printing *p, uint32_t axis)
{
	char text[ELEMENT_TEXT_SIZE];

	if (axis == p->v->rank) {
		array_element(p->v, p->next++, true, text);
		json_out_raw(p->j, text);
		return;
	}
	json_out_begin(p->j, '[');
	for (uint64_t i = 0; i < p->v->dims[axis] && !p->j->out->error; i++)
		print_axis_json(p, axis + 1);
	json_out_end(p->j, ']');
}

/* In one line: of images and the like, rows and columns would fill the screen. */
static void print_ends(struct array_printing *p, uint64_t n)
{
	char text[ELEMENT_TEXT_SIZE];

	for (uint64_t i = 0; i < n; i++) {
		output_char(p->out, i == 0 ? '[' : ' ');
		if (i == EDGE) {
			output_text(p->out, "... ");
			i = n - EDGE;
		}
		array_element(p->v, i, false, text);
		output_text(p->out, text);
	}
	output_char(p->out, ']');
}

void array_print(struct output *out, const struct heft_value *v)
{
	struct array_printing p = { .out = out, .v = v };
	uint64_t n = 1;

	for (uint32_t d = 0; d < v->rank; d++)
		n *= v->dims[d];
	p.is_whole = n <= SHOWN_WHOLE;
	if (!array_is_real(v))
		output_text(out, "(no numbers)");
	else if (n == 0)
		output_text(out, "[]");
	else if (p.is_whole || v->rank <= 2)
		print_axis(&p, 0);
	else
		print_ends(&p, n);
	output_char(out, '\n');
}

void array_print_json(struct json_out *j, const struct heft_value *v)
{
	struct array_printing p = { .j = j, .v = v };

	if (array_is_real(v))
		print_axis_json(&p, 0);
	else
		json_out_text(j, NULL);
}

void array_print_shape(struct output *out, uint32_t rank, const uint64_t *dims)
{
	output_char(out, '[');
	for (uint32_t d = 0; d < rank; d++)
		output_format(out, "%s%" PRIu64, d > 0 ? ", " : "", dims[d]);
	output_char(out, ']');
}

void array_json_shape(struct json_out *j, uint32_t rank, const uint64_t *dims)
{
	json_out_begin(j, '[');
	for (uint32_t d = 0; d < rank; d++)
		json_out_u64(j, dims[d]);
	json_out_end(j, ']');
}
