/* SPDX-License-Identifier: Apache-2.0 */
/* import_tensor.c - the bytes of a TensorProto that stayed in the graph: a constant that is no
 * weight, or an attribute. */
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "graph/import_state.h"
#include "graph/kinds.h"
#include "onnx/fields.h"

#define STRING_TYPE 8u

struct tensor {
	uint64_t data_type;
	uint64_t location;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t rank;
	struct heft_wire_field raw; /* number 0: none */
	uint32_t number_field;      /* that is not empty; 0 */
	bool is_mixed;
};

static enum heft_status corrupt(struct heft_importer *imp, const char *what)
{
	return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET, "a constant %s", what);
}

/* A rank that is too large is counted, and its dimensions are not kept. */
static enum heft_status add_dim(struct heft_importer *imp, struct tensor *t, uint64_t dim)
{
	if (dim > INT64_MAX)
		return corrupt(imp, "has a negative dimension");
	if (t->rank < HEFT_GRAPH_MAX_RANK)
		t->dims[t->rank] = dim;
	t->rank += t->rank < UINT32_MAX;
	return HEFT_OK;
}

static enum heft_status add_dims(struct heft_importer *imp, struct tensor *t,
                                 const struct heft_wire_field *f)
{
	struct heft_wire_message run = heft_wire_inner(f);
	uint64_t dim;

	if (f->type == HEFT_WIRE_VARINT)
		return add_dim(imp, t, f->value);
	while (f->type == HEFT_WIRE_BYTES && run.at < run.end) {
		HEFT_TRY(heft_wire_varint(&imp->in, &run, &dim, imp->err));
		HEFT_TRY(add_dim(imp, t, dim));
	}
	return HEFT_OK;
}

static enum heft_status note_field(struct heft_importer *imp, struct tensor *t,
                                   const struct heft_wire_field *f)
{
	switch (f->number) {
	case HEFT_TENSOR_DIMS:
		return add_dims(imp, t, f);
	case HEFT_TENSOR_DATA_TYPE:
		t->data_type = f->value;
		return HEFT_OK;
	case HEFT_TENSOR_DATA_LOCATION:
		t->location = f->value;
		return HEFT_OK;
	case HEFT_TENSOR_RAW_DATA:
		if (f->type == HEFT_WIRE_BYTES && f->size > 0)
			t->raw = *f;
		return HEFT_OK;
	case HEFT_TENSOR_FLOAT_DATA:
	case HEFT_TENSOR_INT32_DATA:
	case HEFT_TENSOR_INT64_DATA:
	case HEFT_TENSOR_DOUBLE_DATA:
	case HEFT_TENSOR_UINT64_DATA:
		if (f->size == 0)
			return HEFT_OK;
		t->is_mixed |= t->number_field != 0 && t->number_field != f->number;
		t->number_field = f->number;
		return HEFT_OK;
	default:
		return HEFT_OK;
	}
}

/* --- numbers of a typed field --- */

static enum heft_status add_number(struct heft_importer *imp, uint64_t number)
{
	return heft_import_add(imp, &imp->numbers, &number, sizeof number);
}

static enum heft_status add_fixed_run(struct heft_importer *imp, struct heft_wire_message run,
                                      unsigned width)
{
	uint8_t bytes[8];

	if ((run.end - run.at) % width != 0)
		return corrupt(imp, "has a number that is cut short");
	for (; run.at < run.end; run.at += width) {
		HEFT_TRY(heft_wire_copy(&imp->in, run.at, bytes, width, imp->err));
		HEFT_TRY(add_number(imp, width == 4 ? heft_get_le32(bytes) : heft_get_le64(bytes)));
	}
	return HEFT_OK;
}

static enum heft_status add_run(struct heft_importer *imp, const struct heft_wire_field *f)
{
	struct heft_wire_message run = heft_wire_inner(f);
	uint64_t number;

	if (f->type != HEFT_WIRE_BYTES)
		return add_number(imp, f->value);
	if (f->number == HEFT_TENSOR_FLOAT_DATA || f->number == HEFT_TENSOR_DOUBLE_DATA)
		return add_fixed_run(imp, run, f->number == HEFT_TENSOR_FLOAT_DATA ? 4 : 8);
	while (run.at < run.end) {
		HEFT_TRY(heft_wire_varint(&imp->in, &run, &number, imp->err));
		HEFT_TRY(add_number(imp, number));
	}
	return HEFT_OK;
}

static void pack(uint8_t *dst, const struct heft_buffer *numbers, unsigned bits)
{
	for (size_t i = 0; i < numbers->size / sizeof(uint64_t); i++) {
		uint64_t v;

		memcpy(&v, numbers->bytes + i * sizeof v, sizeof v);
		if (bits == 8)
			dst[i] = (uint8_t)v;
		else if (bits == 16)
			heft_put_le16(dst + 2 * i, (uint16_t)v);
		else if (bits == 32)
			heft_put_le32(dst + 4 * i, (uint32_t)v);
		else
			heft_put_le64(dst + 8 * i, v);
	}
}

static enum heft_status read_numbers(struct heft_importer *imp, struct heft_wire_message m,
                                     const struct heft_onnx_type *type, struct heft_array *array)
{
	const unsigned bits = type->number_bits;
	struct heft_wire_field f;
	bool has;

	imp->numbers.size = 0;
	for (;;) {
		HEFT_TRY(heft_wire_next(&imp->in, &m, &f, &has, imp->err));
		if (!has)
			break;
		if (f.number == type->field)
			HEFT_TRY(add_run(imp, &f));
	}
	if (array->n_bytes % (bits / 8) != 0 ||
	    imp->numbers.size / sizeof(uint64_t) != array->n_bytes / (bits / 8))
		return corrupt(imp, "has another number of elements than its shape");
	HEFT_TRY(heft_import_take(imp, (size_t)array->n_bytes, 1, &array->bytes));
	pack(array->bytes, &imp->numbers, bits);
	return HEFT_OK;
}

/* --- strings --- */

/* How many there are is told by the file, so as many are made as it has. */
static enum heft_status count_texts(struct heft_importer *imp, struct heft_wire_message m,
                                    uint64_t *n)
{
	struct heft_wire_field f;
	bool has;

	for (*n = 0;;) {
		HEFT_TRY(heft_wire_next(&imp->in, &m, &f, &has, imp->err));
		if (!has)
			return HEFT_OK;
		*n += f.number == HEFT_TENSOR_STRING_DATA && f.type == HEFT_WIRE_BYTES;
	}
}

static enum heft_status read_texts(struct heft_importer *imp, struct heft_wire_message m,
                                   const struct tensor *t, struct heft_array *array)
{
	struct heft_text *texts;
	struct heft_wire_field f;
	uint64_t n;
	bool has = true;

	HEFT_TRY(heft_array_set(array, HEFT_KIND_TEXTS, t->rank, t->dims, imp->err));
	HEFT_TRY(count_texts(imp, m, &n));
	if (n != array->n_elements)
		return corrupt(imp, "has another number of elements than its shape");
	HEFT_TRY(heft_import_take(imp, (size_t)n, sizeof *texts, &texts));
	array->bytes = texts;
	while (has) {
		char *bytes;

		HEFT_TRY(heft_wire_next(&imp->in, &m, &f, &has, imp->err));
		if (!has || f.number != HEFT_TENSOR_STRING_DATA || f.type != HEFT_WIRE_BYTES)
			continue;
		HEFT_TRY(heft_import_take(imp, (size_t)f.size + 1, 1, &bytes));
		HEFT_TRY(heft_wire_copy(&imp->in, f.off, bytes, (size_t)f.size, imp->err));
		texts->bytes = bytes;
		texts->n_bytes = f.size;
		texts++;
	}
	return HEFT_OK;
}

/* --- the whole --- */

static enum heft_import_fault fault_of(const struct tensor *t, const struct heft_onnx_type *type)
{
	if (t->data_type == STRING_TYPE && t->location == 0)
		return t->rank > HEFT_GRAPH_MAX_RANK ? HEFT_IMPORT_IS_DEEP : HEFT_IMPORT_IS_STRINGS;
	if (!type || type->number_bits % 8 != 0)
		return HEFT_IMPORT_IS_FOREIGN;
	if (t->location != 0)
		return HEFT_IMPORT_IS_EXTERNAL;
	return t->rank > HEFT_GRAPH_MAX_RANK ? HEFT_IMPORT_IS_DEEP : HEFT_IMPORT_NO_FAULT;
}

static enum heft_status read_bytes(struct heft_importer *imp, struct heft_wire_message m,
                                   const struct tensor *t, const struct heft_onnx_type *type,
                                   struct heft_array *array)
{
	if (t->is_mixed || (t->number_field != 0 && t->number_field != type->field) ||
	    (t->number_field != 0 && t->raw.number != 0))
		return corrupt(imp, "has elements in the field of another type");
	if (t->number_field != 0)
		return read_numbers(imp, m, type, array);
	if (t->raw.size != array->n_bytes)
		return corrupt(imp, "has another number of bytes than its shape");
	if (array->n_bytes == 0)
		return HEFT_OK;
	HEFT_TRY(heft_import_take(imp, (size_t)array->n_bytes, 1, &array->bytes));
	return heft_wire_copy(&imp->in, t->raw.off, array->bytes, (size_t)array->n_bytes, imp->err);
}

enum heft_status heft_import_tensor(struct heft_importer *imp, struct heft_wire_message m,
                                    struct heft_array *array, enum heft_import_fault *fault)
{
	struct heft_wire_message fields = m;
	struct tensor t = { .rank = 0 };
	const struct heft_onnx_type *type;
	struct heft_wire_field f;
	bool has;

	*array = (struct heft_array){ .dtype = HEFT_DTYPE_NONE };
	for (;;) {
		HEFT_TRY(heft_wire_next(&imp->in, &fields, &f, &has, imp->err));
		if (!has)
			break;
		HEFT_TRY(note_field(imp, &t, &f));
	}
	type = heft_onnx_type(t.data_type);
	*fault = fault_of(&t, type);
	if (*fault == HEFT_IMPORT_IS_STRINGS)
		return read_texts(imp, m, &t, array);
	if (*fault != HEFT_IMPORT_NO_FAULT)
		return HEFT_OK;
	HEFT_TRY(heft_array_set(array, (enum heft_dtype)type->dtype, t.rank, t.dims, imp->err));
	return read_bytes(imp, m, &t, type, array);
}
