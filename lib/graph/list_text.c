/* SPDX-License-Identifier: Apache-2.0 */
/* list_text.c - attributes and small constants as short texts. */
#include "graph/list_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "onnx/fields.h"

#define MAX_NUMBERS 8u /* of a list; then how many they are */
#define MAX_STRING 64u

struct writer {
	struct heft_wire_input in;
	char *text;
	size_t size;
	size_t n;
	uint64_t n_numbers; /* of the list that is being written */
	struct heft_error *err;
};

static void add(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct writer *w, const char *fmt, ...)
{
	va_list args;
	int n;

	if (w->n + 1 >= w->size)
		return;
	va_start(args, fmt);
	n = vsnprintf(w->text + w->n, w->size - w->n, fmt, args);
	va_end(args);
	if (n > 0)
		w->n += (size_t)n < w->size - w->n ? (size_t)n : w->size - w->n - 1;
}

static enum heft_status next(struct writer *w, struct heft_wire_message *m,
                             struct heft_wire_field *f, bool *has)
{
	return heft_wire_next(&w->in, m, f, has, w->err);
}

/* --- lists of numbers: one after the other, wherever they come from --- */

/* Whether the next number is to be written, behind its comma. */
static bool begin_number(struct writer *w)
{
	if (w->n_numbers++ >= MAX_NUMBERS)
		return false;
	add(w, w->n_numbers > 1 ? ", " : "");
	return true;
}

static void end_numbers(struct writer *w)
{
	if (w->n_numbers > MAX_NUMBERS)
		add(w, ", … (%" PRIu64 ")", w->n_numbers);
}

static void add_integer(struct writer *w, uint64_t value)
{
	if (begin_number(w))
		add(w, "%" PRId64, (int64_t)value);
}

static void add_real(struct writer *w, double value)
{
	if (begin_number(w))
		add(w, "%g", value);
}

static double real_of(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof f);
	return (double)f;
}

/* Packed or not. */
static enum heft_status add_integers(struct writer *w, const struct heft_wire_field *f)
{
	struct heft_wire_message packed = heft_wire_inner(f);
	uint64_t value;

	if (f->type != HEFT_WIRE_BYTES) {
		add_integer(w, f->value);
		return HEFT_OK;
	}
	while (packed.at < packed.end) {
		HEFT_TRY(heft_wire_varint(&w->in, &packed, &value, w->err));
		add_integer(w, value);
	}
	return HEFT_OK;
}

static enum heft_status add_reals(struct writer *w, const struct heft_wire_field *f)
{
	uint8_t bytes[4];

	if (f->type != HEFT_WIRE_BYTES) {
		add_real(w, real_of((uint32_t)f->value));
		return HEFT_OK;
	}
	for (uint64_t i = 0; i + 4 <= f->size && w->n_numbers < MAX_NUMBERS; i += 4) {
		HEFT_TRY(heft_wire_copy(&w->in, f->off + i, bytes, sizeof bytes, w->err));
		add_real(w, real_of(heft_get_le32(bytes)));
	}
	if (f->size / 4 > w->n_numbers)
		w->n_numbers = f->size / 4;
	return HEFT_OK;
}

/* What begins and does not end in the middle of a character. */
static enum heft_status add_words(struct writer *w, const struct heft_wire_field *f,
                                  const char *quote)
{
	const size_t n = f->size < MAX_STRING ? (size_t)f->size : MAX_STRING;
	char bytes[MAX_STRING + 1];
	size_t shown = n;

	if (f->type != HEFT_WIRE_BYTES)
		return HEFT_OK;
	HEFT_TRY(heft_wire_copy(&w->in, f->off, bytes, n, w->err));
	bytes[n] = '\0';
	while (f->size > MAX_STRING && shown > 0 && ((uint8_t)bytes[shown - 1] & 0xC0) == 0x80)
		shown--;
	if (f->size > MAX_STRING && shown > 0 && (uint8_t)bytes[shown - 1] >= 0xC0)
		shown--;
	add(w, "%s%.*s%s%s", quote, (int)shown, bytes, f->size > MAX_STRING ? "…" : "", quote);
	return HEFT_OK;
}

static enum heft_status add_string(struct writer *w, const struct heft_wire_field *f)
{
	return begin_number(w) ? add_words(w, f, "\"") : HEFT_OK;
}

/* --- tensors in the graph --- */

/* The logical bytes of a tensor whose type is that of most constants. */
static enum heft_status add_raw(struct writer *w, const struct heft_wire_field *f,
                                enum heft_dtype dtype)
{
	const size_t unit = dtype == HEFT_DTYPE_I64 || dtype == HEFT_DTYPE_F64   ? 8
	                    : dtype == HEFT_DTYPE_I32 || dtype == HEFT_DTYPE_F32 ? 4
	                    : dtype == HEFT_DTYPE_BOOL                           ? 1
	                                                                         : 0;
	uint8_t bytes[8] = { 0 };
	double real;
	uint64_t bits;

	if (unit == 0)
		return HEFT_OK;
	for (uint64_t i = 0; i + unit <= f->size && w->n_numbers < MAX_NUMBERS; i += unit) {
		HEFT_TRY(heft_wire_copy(&w->in, f->off + i, bytes, unit, w->err));
		bits = heft_get_le64(bytes);
		memcpy(&real, &bits, sizeof real);
		if (dtype == HEFT_DTYPE_F64)
			add_real(w, real);
		else if (dtype == HEFT_DTYPE_F32)
			add_real(w, real_of((uint32_t)bits));
		else
			add_integer(w, dtype == HEFT_DTYPE_I32 ? (uint64_t)(int64_t)(int32_t)bits
			                                       : bits);
	}
	if (f->size / unit > w->n_numbers)
		w->n_numbers = f->size / unit;
	return HEFT_OK;
}

static enum heft_status add_tensor_numbers(struct writer *w, struct heft_wire_message m,
                                           enum heft_dtype dtype)
{
	struct heft_wire_field f;
	bool has;

	for (;;) {
		HEFT_TRY(next(w, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.number == HEFT_TENSOR_RAW_DATA && f.type == HEFT_WIRE_BYTES)
			HEFT_TRY(add_raw(w, &f, dtype));
		else if (f.number == HEFT_TENSOR_INT32_DATA || f.number == HEFT_TENSOR_INT64_DATA)
			HEFT_TRY(add_integers(w, &f));
		else if (f.number == HEFT_TENSOR_FLOAT_DATA)
			HEFT_TRY(add_reals(w, &f));
		else if (f.number == HEFT_TENSOR_STRING_DATA)
			HEFT_TRY(add_string(w, &f));
	}
}

/* "3", "[1, -1]"; nothing where its numbers are not here. */
static enum heft_status add_tensor(struct writer *w, struct heft_wire_message m)
{
	struct heft_wire_message head = m;
	enum heft_dtype dtype = HEFT_DTYPE_NONE;
	struct heft_wire_field f;
	bool is_scalar = true;
	size_t begin;
	bool has;

	for (;;) {
		HEFT_TRY(next(w, &head, &f, &has));
		if (!has)
			break;
		if (f.number == HEFT_TENSOR_DATA_TYPE && f.type == HEFT_WIRE_VARINT)
			dtype = heft_onnx_dtype(f.value);
		is_scalar = is_scalar && f.number != HEFT_TENSOR_DIMS;
	}
	begin = w->n;
	add(w, is_scalar ? "" : "[");
	HEFT_TRY(add_tensor_numbers(w, m, dtype));
	end_numbers(w);
	add(w, is_scalar ? "" : "]");
	if (w->n_numbers == 0 && w->size > 0) {
		w->n = begin;
		w->text[begin] = '\0';
	}
	return HEFT_OK;
}

/* --- attributes --- */

static enum heft_status add_graph(struct writer *w, struct heft_wire_message m)
{
	struct heft_wire_field f;
	uint64_t n_nodes = 0;
	bool has;

	for (;;) {
		HEFT_TRY(next(w, &m, &f, &has));
		if (!has)
			break;
		n_nodes += f.number == HEFT_GRAPH_NODE && f.type == HEFT_WIRE_BYTES;
	}
	if (begin_number(w))
		add(w, n_nodes == 1 ? "graph of %" PRIu64 " node" : "graph of %" PRIu64 " nodes",
		    n_nodes);
	return HEFT_OK;
}

static enum heft_status add_field(struct writer *w, const struct heft_wire_field *f)
{
	const bool has_bytes = f->type == HEFT_WIRE_BYTES;

	switch (f->number) {
	case HEFT_ATTRIBUTE_F:
	case HEFT_ATTRIBUTE_FLOATS:
		return add_reals(w, f);
	case HEFT_ATTRIBUTE_I:
	case HEFT_ATTRIBUTE_INTS:
		return add_integers(w, f);
	case HEFT_ATTRIBUTE_S:
	case HEFT_ATTRIBUTE_STRINGS:
		return add_string(w, f);
	case HEFT_ATTRIBUTE_T:
		return has_bytes ? add_tensor(w, heft_wire_inner(f)) : HEFT_OK;
	case HEFT_ATTRIBUTE_G:
	case HEFT_ATTRIBUTE_GRAPHS:
		return has_bytes ? add_graph(w, heft_wire_inner(f)) : HEFT_OK;
	default:
		return HEFT_OK;
	}
}

static bool is_list_field(uint32_t number)
{
	return number == HEFT_ATTRIBUTE_FLOATS || number == HEFT_ATTRIBUTE_INTS ||
	       number == HEFT_ATTRIBUTE_STRINGS || number == HEFT_ATTRIBUTE_GRAPHS;
}

/* An empty list leaves no field behind, only the type: FLOATS 6, INTS 7, STRINGS 8, …, 10. */
static enum heft_status find_kind(struct writer *w, struct heft_wire_message m, bool *is_list,
                                  struct heft_wire_field *reference)
{
	struct heft_wire_field f;
	bool has;

	*is_list = false;
	*reference = (struct heft_wire_field){ .number = 0 };
	for (;;) {
		HEFT_TRY(next(w, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		*is_list |= is_list_field(f.number);
		if (f.number == HEFT_ATTRIBUTE_REF_NAME)
			*reference = f;
		if (f.number == HEFT_ATTRIBUTE_TYPE && f.type == HEFT_WIRE_VARINT)
			*is_list |= f.value >= 6 && f.value <= 10;
	}
}

/* "@alpha" is the attribute `alpha` of the function around. */
static enum heft_status add_attribute(struct writer *w, struct heft_wire_message m)
{
	struct heft_wire_field f;
	bool is_list;
	bool has;

	HEFT_TRY(find_kind(w, m, &is_list, &f));
	if (f.number != 0) {
		add(w, "@");
		return add_words(w, &f, "");
	}
	add(w, is_list ? "[" : "");
	for (;;) {
		HEFT_TRY(next(w, &m, &f, &has));
		if (!has)
			break;
		HEFT_TRY(add_field(w, &f));
	}
	if (is_list) {
		end_numbers(w);
		add(w, "]");
	}
	return HEFT_OK;
}

static struct writer writer_of(const struct heft_graph_list *list, char *text, size_t size,
                               struct heft_error *err)
{
	if (size > 0)
		text[0] = '\0';
	return (struct writer){ .in = list->in, .text = text, .size = size, .err = err };
}

enum heft_status heft_graph_list_attribute(const struct heft_graph_list *list, uint32_t node,
                                           uint32_t k, const char **name, char *text,
                                           size_t text_size, struct heft_error *err)
{
	const struct heft_onnx_graph *g = &list->graph;
	struct writer w = writer_of(list, text, text_size, err);
	const struct heft_onnx_attribute *a;

	if (node >= heft_onnx_n_nodes(g) || k >= heft_onnx_node(g, node)->n_attributes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "no attribute %u of node %u", k,
		                 node);
	a = heft_onnx_attribute(g, (size_t)heft_onnx_node(g, node)->attributes_at + k);
	*name = heft_onnx_text(g, a->name);
	return add_attribute(&w, (struct heft_wire_message){ a->off, a->off + a->size });
}

enum heft_status heft_graph_list_constant(const struct heft_graph_list *list, uint32_t value,
                                          char *text, size_t text_size, struct heft_error *err)
{
	const struct heft_onnx_graph *g = &list->graph;
	struct writer w = writer_of(list, text, text_size, err);
	const struct heft_onnx_value *v;
	struct heft_wire_message m;

	if (value >= heft_onnx_n_values(g))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "value %u of %u", value,
		                 heft_onnx_n_values(g));
	v = heft_onnx_value(g, value);
	m = (struct heft_wire_message){ v->off, v->off + v->size };
	if (v->tensor != HEFT_ONNX_NONE)
		return HEFT_OK;
	if (v->at == HEFT_ONNX_AT_TENSOR)
		return add_tensor(&w, m);
	return v->at == HEFT_ONNX_AT_ATTRIBUTE ? add_attribute(&w, m) : HEFT_OK;
}
