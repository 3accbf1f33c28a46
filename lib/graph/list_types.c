/* SPDX-License-Identifier: Apache-2.0 */
/* list_types.c - types and shapes of a graph's values, as far as the file tells them. Nothing is
 * inferred. */
#include "graph/list_state.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "onnx/fields.h"

#define STRING_TYPE 8u
#define UNNAMED 0u /* in `symbols`: "" */

/* The fields of TypeProto and of what is in it. */
enum type_field {
	TYPE_TENSOR = 1,
	TYPE_SEQUENCE = 4,
	TYPE_MAP = 5,
	TYPE_SPARSE = 8,
	TYPE_OPTIONAL = 9,
	TYPE_ELEMENT = 1, /* of TypeProto.Tensor, and of SparseTensor */
	TYPE_SHAPE = 2,
	SHAPE_DIM = 1, /* of TensorShapeProto */
	DIM_VALUE = 1, /* of its Dimension */
	DIM_PARAM = 2
};

struct typist {
	struct heft_graph_list *list;
	struct heft_wire_input in;
	struct heft_error *err;
};

static enum heft_status next(struct typist *t, struct heft_wire_message *m,
                             struct heft_wire_field *f, bool *has)
{
	return heft_wire_next(&t->in, m, f, has, t->err);
}

static uint32_t n_dims(const struct heft_graph_list *list)
{
	return (uint32_t)(list->dims.size / sizeof(struct heft_graph_dim));
}

/* Until all are there a name is where it stands in `symbols`, as the size; the pointer says that
 * there is one. */
static enum heft_status add_dim(struct typist *t, uint64_t size, bool is_named)
{
	struct heft_graph_list *list = t->list;
	const struct heft_graph_dim dim = { .size = size, .symbol = is_named ? "" : NULL };

	if (list->dims.size + list->symbols.size > list->max_room)
		return heft_fail(t->err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the graph has too many dimensions");
	heft_buffer_add(&list->dims, &dim, sizeof dim);
	if (!list->dims.ok || !list->symbols.ok)
		return heft_fail(t->err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for shapes");
	return HEFT_OK;
}

static enum heft_status add_symbol(struct typist *t, const struct heft_wire_field *f, uint64_t *at)
{
	struct heft_buffer *symbols = &t->list->symbols;
	const uint8_t *bytes;

	if (f->size > HEFT_ONNX_MAX_TEXT)
		return heft_fail(t->err, HEFT_E_LIMIT, f->off, "a name has more than %u bytes",
		                 HEFT_ONNX_MAX_TEXT);
	HEFT_TRY(heft_wire_peek(&t->in, f->off, (size_t)f->size, &bytes, t->err));
	*at = symbols->size;
	heft_buffer_add(symbols, bytes, (size_t)f->size);
	heft_buffer_add_u8(symbols, '\0');
	return HEFT_OK;
}

/* A dimension without a value, or with one that is negative, is not known. */
static enum heft_status read_dim(struct typist *t, struct heft_wire_message m)
{
	bool is_named = true;
	uint64_t size = UNNAMED;
	struct heft_wire_field f;
	bool has;

	for (;;) {
		HEFT_TRY(next(t, &m, &f, &has));
		if (!has)
			return add_dim(t, size, is_named);
		if (f.number == DIM_VALUE && f.type == HEFT_WIRE_VARINT) {
			is_named = f.value > INT64_MAX;
			size = is_named ? UNNAMED : f.value;
		} else if (f.number == DIM_PARAM && f.type == HEFT_WIRE_BYTES) {
			is_named = true;
			HEFT_TRY(add_symbol(t, &f, &size));
		}
	}
}

static enum heft_status read_shape(struct typist *t, struct heft_wire_message m,
                                   struct heft_graph_type *type)
{
	struct heft_wire_field f;
	bool has;

	type->has_shape = true;
	type->dims_at = n_dims(t->list);
	for (;;) {
		HEFT_TRY(next(t, &m, &f, &has));
		if (!has)
			break;
		if (f.number == SHAPE_DIM && f.type == HEFT_WIRE_BYTES)
			HEFT_TRY(read_dim(t, heft_wire_inner(&f)));
	}
	type->rank = n_dims(t->list) - type->dims_at;
	return HEFT_OK;
}

static void set_element(struct heft_graph_type *type, uint64_t data_type)
{
	type->dtype = (uint16_t)heft_onnx_dtype(data_type);
	type->name = type->dtype != HEFT_DTYPE_NONE ? heft_dtype_name((enum heft_dtype)type->dtype)
	             : data_type == STRING_TYPE     ? "STRING"
	                                            : "";
}

static enum heft_status read_tensor_type(struct typist *t, struct heft_wire_message m,
                                         struct heft_graph_type *type)
{
	struct heft_wire_field f;
	bool has;

	for (;;) {
		HEFT_TRY(next(t, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.number == TYPE_ELEMENT && f.type == HEFT_WIRE_VARINT)
			set_element(type, f.value);
		else if (f.number == TYPE_SHAPE && f.type == HEFT_WIRE_BYTES)
			HEFT_TRY(read_shape(t, heft_wire_inner(&f), type));
	}
}

static enum heft_status read_type(struct typist *t, struct heft_wire_message m,
                                  struct heft_graph_type *type)
{
	struct heft_wire_field f;
	bool has;

	for (;;) {
		HEFT_TRY(next(t, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.type != HEFT_WIRE_BYTES)
			continue;
		if (f.number == TYPE_TENSOR || f.number == TYPE_SPARSE)
			HEFT_TRY(read_tensor_type(t, heft_wire_inner(&f), type));
		else if (f.number == TYPE_SEQUENCE)
			type->name = "sequence";
		else if (f.number == TYPE_MAP)
			type->name = "map";
		else if (f.number == TYPE_OPTIONAL)
			type->name = "optional";
	}
}

/* Of a constant that is no weight: dims may be packed or not. */
static enum heft_status read_constant(struct typist *t, struct heft_wire_message m,
                                      struct heft_graph_type *type)
{
	struct heft_wire_message packed;
	struct heft_wire_field f;
	uint64_t dim;
	bool has;

	type->has_shape = true;
	type->dims_at = n_dims(t->list);
	for (;;) {
		HEFT_TRY(next(t, &m, &f, &has));
		if (!has)
			break;
		if (f.number == HEFT_TENSOR_DATA_TYPE && f.type == HEFT_WIRE_VARINT)
			set_element(type, f.value);
		if (f.number != HEFT_TENSOR_DIMS)
			continue;
		if (f.type == HEFT_WIRE_VARINT)
			HEFT_TRY(add_dim(t, f.value, false));
		packed = heft_wire_inner(&f);
		while (f.type == HEFT_WIRE_BYTES && packed.at < packed.end) {
			HEFT_TRY(heft_wire_varint(&t->in, &packed, &dim, t->err));
			HEFT_TRY(add_dim(t, dim, false));
		}
	}
	type->rank = n_dims(t->list) - type->dims_at;
	return HEFT_OK;
}

/* The other values of a Constant are told by which field they are in. */
static enum heft_status read_plain_constant(struct typist *t, struct heft_wire_message m,
                                            struct heft_graph_type *type)
{
	static const uint64_t data_types[] = {
		[HEFT_ATTRIBUTE_F] = 1,           [HEFT_ATTRIBUTE_I] = 7,
		[HEFT_ATTRIBUTE_S] = STRING_TYPE, [HEFT_ATTRIBUTE_FLOATS] = 1,
		[HEFT_ATTRIBUTE_INTS] = 7,        [HEFT_ATTRIBUTE_STRINGS] = STRING_TYPE
	};
	struct heft_wire_field f;
	bool has;

	for (;;) {
		HEFT_TRY(next(t, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.number >= sizeof data_types / sizeof *data_types || !data_types[f.number])
			continue;
		set_element(type, data_types[f.number]);
		type->has_shape = f.number <= HEFT_ATTRIBUTE_S;
	}
}

static enum heft_status copy_weight(struct typist *t, uint32_t tensor, struct heft_graph_type *type)
{
	const struct heft_listing *tensors = t->list->model.tensors;
	const struct heft_listed *row = heft_listing_row(tensors, tensor);

	type->dtype = row->dtype;
	type->name = heft_dtype_name((enum heft_dtype)row->dtype);
	type->has_shape = true;
	type->dims_at = n_dims(t->list);
	type->rank = row->rank;
	for (uint32_t i = 0; i < row->rank; i++)
		HEFT_TRY(add_dim(t, heft_listing_dims(tensors, tensor)[i], false));
	return HEFT_OK;
}

static enum heft_status read_value(struct typist *t, uint32_t i)
{
	const struct heft_onnx_value *v = heft_onnx_value(&t->list->graph, i);
	const struct heft_wire_message m = { v->off, v->off + v->size };
	struct heft_graph_type *type = &t->list->types[i];

	type->name = "";
	type->dtype = HEFT_DTYPE_NONE;
	if (v->tensor != HEFT_ONNX_NONE && !v->is_sparse)
		return copy_weight(t, v->tensor, type);
	switch ((enum heft_onnx_at)v->at) {
	case HEFT_ONNX_AT_TYPE:
		return read_type(t, m, type);
	case HEFT_ONNX_AT_TENSOR:
		return read_constant(t, m, type);
	case HEFT_ONNX_AT_ATTRIBUTE:
		return read_plain_constant(t, m, type);
	default:
		return HEFT_OK;
	}
}

static void point_at_symbols(struct heft_graph_list *list)
{
	struct heft_graph_dim *dims = (struct heft_graph_dim *)(void *)list->dims.bytes;

	for (uint32_t i = 0; i < n_dims(list); i++) {
		if (!dims[i].symbol)
			continue;
		dims[i].symbol = (const char *)list->symbols.bytes + dims[i].size;
		dims[i].size = 0;
	}
}

enum heft_status heft_graph_list_read_types(struct heft_graph_list *list, struct heft_error *err)
{
	const uint32_t n_values = heft_onnx_n_values(&list->graph);
	struct typist t = { .list = list, .in = list->in, .err = err };

	list->types = heft_zalloc_array(n_values, sizeof *list->types);
	heft_buffer_add_u8(&list->symbols, '\0');
	if (!list->types || !list->symbols.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for shapes");
	for (uint32_t i = 0; i < n_values; i++)
		HEFT_TRY(read_value(&t, i));
	point_at_symbols(list);
	return HEFT_OK;
}
