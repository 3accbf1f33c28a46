/* SPDX-License-Identifier: Apache-2.0 */
/* scan_tensor.c - one TensorProto: what it says, and where its bytes are (spec/foreign/onnx.md,
 * O2-8 to O3-3). */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "onnx/fields.h"
#include "onnx/scan.h"

#define MAX_COUNTED HEFT_WIRE_PEEK /* bytes of packed varints that are looked at */

static const uint8_t tensor_types[32] = {
	[HEFT_TENSOR_DIMS] = HEFT_ONNX_VARINT | HEFT_ONNX_BYTES,
	[HEFT_TENSOR_DATA_TYPE] = HEFT_ONNX_VARINT,
	[HEFT_TENSOR_SEGMENT] = HEFT_ONNX_BYTES,
	[HEFT_TENSOR_FLOAT_DATA] = HEFT_ONNX_FIXED32 | HEFT_ONNX_BYTES,
	[HEFT_TENSOR_INT32_DATA] = HEFT_ONNX_VARINT | HEFT_ONNX_BYTES,
	[HEFT_TENSOR_STRING_DATA] = HEFT_ONNX_BYTES,
	[HEFT_TENSOR_INT64_DATA] = HEFT_ONNX_VARINT | HEFT_ONNX_BYTES,
	[HEFT_TENSOR_NAME] = HEFT_ONNX_BYTES,
	[HEFT_TENSOR_RAW_DATA] = HEFT_ONNX_BYTES,
	[HEFT_TENSOR_DOUBLE_DATA] = HEFT_ONNX_FIXED64 | HEFT_ONNX_BYTES,
	[HEFT_TENSOR_UINT64_DATA] = HEFT_ONNX_VARINT | HEFT_ONNX_BYTES,
	[HEFT_TENSOR_EXTERNAL_DATA] = HEFT_ONNX_BYTES,
	[HEFT_TENSOR_DATA_LOCATION] = HEFT_ONNX_VARINT,
};

/* --- what it says --- */

/* O2-10 */
static enum heft_status add_dim(struct heft_onnx_tensor *t, uint64_t dim, uint64_t at,
                                struct heft_error *err)
{
	if (dim > INT64_MAX)
		return heft_fail(err, HEFT_E_CORRUPT, at, "a dimension is negative");
	if (t->rank == HEFT_MAX_RANK)
		return heft_fail(err, HEFT_E_LIMIT, at, "a tensor has more than %d dimensions",
		                 HEFT_MAX_RANK);
	t->dims[t->rank++] = dim;
	return HEFT_OK;
}

static enum heft_status add_dims(struct heft_onnx_walk *w, struct heft_onnx_tensor *t,
                                 const struct heft_wire_field *field, struct heft_error *err)
{
	struct heft_wire_message run = heft_wire_inner(field);
	uint64_t dim;

	if (field->type == HEFT_WIRE_VARINT)
		return add_dim(t, field->value, field->at, err);
	while (run.at < run.end) {
		HEFT_TRY(heft_wire_varint(w->in, &run, &dim, err));
		HEFT_TRY(add_dim(t, dim, field->at, err));
	}
	return HEFT_OK;
}

void heft_onnx_note_numbers(struct heft_onnx_numbers *numbers, const struct heft_wire_field *field)
{
	if (field->size == 0 && field->number != HEFT_TENSOR_STRING_DATA)
		return;
	if (numbers->field == 0) {
		numbers->field = field->number;
		numbers->at = field->at;
		numbers->off = field->off;
	} else if (numbers->field != field->number) {
		numbers->is_mixed = true;
	}
	numbers->n_runs += numbers->n_runs < UINT32_MAX;
	if (field->type == HEFT_WIRE_BYTES) {
		numbers->packed_size += field->size;
		numbers->odd_sizes |= (uint32_t)field->size & 7;
	} else {
		numbers->n_single++;
	}
}

static enum heft_status note_field(struct heft_onnx_walk *w, struct heft_onnx_tensor *t,
                                   const struct heft_wire_field *field, struct heft_error *err)
{
	switch (field->number) {
	case HEFT_TENSOR_DIMS:
		return add_dims(w, t, field, err);
	case HEFT_TENSOR_DATA_TYPE:
		t->data_type = field->value;
		return HEFT_OK;
	case HEFT_TENSOR_SEGMENT:
		return heft_onnx_once(&t->segment, field, err);
	case HEFT_TENSOR_NAME:
		t->name = heft_onnx_span(field);
		return HEFT_OK;
	case HEFT_TENSOR_RAW_DATA:
		if (field->size > 0 || t->raw.number == 0)
			t->raw = *field;
		t->n_raws += field->size > 0;
		return HEFT_OK;
	case HEFT_TENSOR_EXTERNAL_DATA:
		t->n_entries++;
		return HEFT_OK;
	case HEFT_TENSOR_DATA_LOCATION:
		t->location = field->value;
		return HEFT_OK;
	default:
		heft_onnx_note_numbers(&t->numbers, field);
		return HEFT_OK;
	}
}

enum heft_status heft_onnx_parse_tensor(struct heft_onnx_walk *w,
                                        const struct heft_wire_field *field,
                                        struct heft_onnx_tensor *t, struct heft_error *err)
{
	struct heft_wire_message message = heft_wire_inner(field);
	struct heft_wire_field f;
	bool has;

	*t = (struct heft_onnx_tensor){ .field = *field };
	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, tensor_types, &f, &has, err));
		if (!has)
			return HEFT_OK;
		HEFT_TRY(note_field(w, t, &f, err));
	}
}

/* --- where its bytes are --- */

/* A row of the model that still lacks its place. */
struct placing {
	struct heft_onnx_walk *w;
	const struct heft_onnx_tensor *t;
	struct heft_onnx_weight *weight;
	const char *name;
	uint64_t at;
	uint64_t n_bytes;
};

static enum heft_status fault(const struct placing *p, uint64_t at, const char *what,
                              struct heft_error *err)
{
	return heft_fail(err, HEFT_E_CORRUPT, at, "tensor '%.80s' %s", p->name, what);
}

/* Numbers of 4 or 8 bytes each, little-endian. One run is the bytes themselves. */
static enum heft_status place_fixed(const struct placing *p,
                                    const struct heft_onnx_numbers *numbers, uint64_t width,
                                    struct heft_error *err)
{
	if (numbers->odd_sizes % width != 0 || numbers->packed_size > p->n_bytes ||
	    numbers->n_single > p->n_bytes / width ||
	    numbers->packed_size + numbers->n_single * width != p->n_bytes)
		return fault(p, numbers->at, "has another number of elements than its shape", err);
	p->weight->store = numbers->n_runs == 1 ? HEFT_ONNX_RAW : HEFT_ONNX_FIELDS;
	p->weight->off = numbers->off;
	return HEFT_OK;
}

/* How many varints end in the runs of the field, which are short. */
static enum heft_status count_varints(const struct placing *p, uint64_t *n, struct heft_error *err)
{
	struct heft_wire_message message = heft_wire_inner(&p->t->field);
	const uint8_t *bytes = NULL;
	struct heft_wire_field f;
	bool has;

	for (*n = 0;;) {
		HEFT_TRY(heft_wire_next(p->w->in, &message, &f, &has, err));
		if (!has)
			return HEFT_OK;
		if (f.number != p->t->numbers.field)
			continue;
		HEFT_TRY(heft_wire_peek(p->w->in, f.off, (size_t)f.size, &bytes, err));
		for (size_t i = 0; i < f.size; i++)
			*n += bytes[i] < 0x80;
	}
}

/* To count packed varints is to read them: where they are many, it is told here that there can be
 * as many as the shape says, and decode.c counts them. */
static enum heft_status place_varints(const struct placing *p,
                                      const struct heft_onnx_numbers *numbers, uint64_t n,
                                      struct heft_error *err)
{
	const uint64_t most = numbers->packed_size;
	const uint64_t least = most / HEFT_WIRE_VARINT_MAX + (most % HEFT_WIRE_VARINT_MAX != 0);
	uint64_t found = n;

	if (numbers->n_single > n || n - numbers->n_single < least || n - numbers->n_single > most)
		found = n + 1;
	else if (most > 0 && most <= MAX_COUNTED && numbers->n_runs <= MAX_COUNTED)
		HEFT_TRY(count_varints(p, &found, err));
	if (found != n)
		return fault(p, numbers->at, "has another number of elements than its shape", err);
	p->weight->store = HEFT_ONNX_FIELDS;
	p->weight->off = numbers->off;
	return HEFT_OK;
}

/* O3-3 */
static enum heft_status place_numbers(const struct placing *p, const struct heft_onnx_type *type,
                                      uint64_t n_elements, struct heft_error *err)
{
	const struct heft_onnx_numbers *numbers = &p->t->numbers;

	if (numbers->field != type->field || numbers->is_mixed)
		return fault(p, numbers->at, "has elements in the field of another type", err);
	if (type->field == HEFT_TENSOR_FLOAT_DATA || type->field == HEFT_TENSOR_DOUBLE_DATA)
		return place_fixed(p, numbers, type->number_bits / 8, err);
	return place_varints(p, numbers,
	                     type->number_bits == 6 ? n_elements
	                                            : p->n_bytes / (type->number_bits / 8),
	                     err);
}

/* O3-2 */
static enum heft_status place_raw(const struct placing *p, struct heft_error *err)
{
	const struct heft_wire_field *raw = &p->t->raw;

	if (p->t->n_raws > 1)
		return fault(p, raw->at, "has raw_data twice", err);
	if (raw->size != p->n_bytes)
		return fault(p, raw->at, "has another number of bytes than its shape", err);
	p->weight->store = HEFT_ONNX_RAW;
	p->weight->off = raw->off;
	return HEFT_OK;
}

static enum heft_status place_external(const struct placing *p, struct heft_error *err)
{
	struct heft_onnx_external e;
	enum heft_status st;

	if (p->w->is_graph)
		return HEFT_OK;
	HEFT_TRY(heft_onnx_parse_external(p->w, p->t, p->n_bytes, &e, err));
	if (p->n_bytes == 0) {
		heft_free(e.location);
		return HEFT_OK;
	}
	st = heft_onnx_add_external(p->w, &e, &p->weight->external, err);
	if (st != HEFT_OK)
		heft_free(e.location);
	else
		p->weight->store = HEFT_ONNX_EXTERNAL;
	return st;
}

/* O3-1 */
static enum heft_status check_places(const struct placing *p, struct heft_error *err)
{
	const struct heft_onnx_tensor *t = p->t;
	const bool is_external = t->location != 0;

	if (t->segment.number != 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, t->segment.at,
		                 "tensor '%.80s' is a segment", p->name);
	if (t->location > 1)
		return fault(p, p->at, "has its bytes in a place that nobody knows", err);
	if (t->n_entries > 0 && !is_external)
		return fault(p, p->at, "names external data and does not lie there", err);
	if (is_external + (t->n_raws > 0) + (t->numbers.field != 0) > 1)
		return fault(p, p->at, "has its bytes in two places", err);
	return HEFT_OK;
}

static enum heft_status place(const struct placing *p, const struct heft_onnx_type *type,
                              uint64_t n_elements, struct heft_error *err)
{
	const struct heft_onnx_tensor *t = p->t;

	HEFT_TRY(check_places(p, err));
	if (t->location == 1)
		return place_external(p, err);
	if (t->numbers.field != 0)
		return place_numbers(p, type, n_elements, err);
	if (t->n_raws > 0)
		return place_raw(p, err);
	if (p->n_bytes > 0 && !p->w->is_graph)
		return fault(p, p->at, "has no bytes", err);
	return HEFT_OK;
}

/* What is in no place at all, of no size, stays EMPTY. */
enum heft_status heft_onnx_take_tensor(struct heft_onnx_walk *w, const struct heft_onnx_tensor *t,
                                       bool is_initializer, struct heft_error *err)
{
	const struct heft_onnx_type *type = heft_onnx_type(t->data_type);
	struct placing p = { .w = w, .t = t, .at = t->field.at };
	const struct heft_listed *row;
	uint32_t i;

	if (!type)
		return heft_fail(err, HEFT_E_UNSUPPORTED, t->field.at,
		                 "a tensor has the data type %llu",
		                 (unsigned long long)t->data_type);
	heft_onnx_enter(w, &t->field);
	HEFT_TRY(heft_onnx_add_row(w, (enum heft_dtype)type->dtype, t->rank, t->dims, t->field.at,
	                           &i, err));
	heft_onnx_leave(w);
	row = heft_listing_row(w->model->tensors, i);
	p.name = heft_listing_name(w->model->tensors, i);
	p.weight = &w->model->weights[i];
	p.weight->is_initializer = is_initializer;
	p.n_bytes = row->n_bytes;
	HEFT_TRY(place(&p, type, row->n_elements, err));
	w->has_fields |= p.weight->store == HEFT_ONNX_FIELDS;
	return HEFT_OK;
}

enum heft_status heft_onnx_take_floats(struct heft_onnx_walk *w,
                                       const struct heft_onnx_numbers *numbers, uint64_t n_taken,
                                       struct heft_error *err)
{
	const uint64_t at = w->open[w->n_open - 1].len_off;
	const uint64_t n = numbers->field != 0 ? numbers->packed_size / 4 + numbers->n_single
	                                       : n_taken;
	struct placing p = { .w = w, .at = at, .n_bytes = 4 * n };
	uint32_t i;

	if (n > INT64_MAX / 4)
		return heft_fail(err, HEFT_E_CORRUPT, at, "a Constant has too many floats");
	HEFT_TRY(heft_onnx_add_row(w, HEFT_DTYPE_F32, 1, &n, at, &i, err));
	p.name = heft_listing_name(w->model->tensors, i);
	p.weight = &w->model->weights[i];
	p.weight->is_floats = true;
	if (numbers->field != 0)
		HEFT_TRY(place_fixed(&p, numbers, 4, err));
	w->has_fields |= p.weight->store == HEFT_ONNX_FIELDS;
	return HEFT_OK;
}
