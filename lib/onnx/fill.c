/* SPDX-License-Identifier: Apache-2.0 */
/* fill.c - a graph and its weights become a model again. */
#include "onnx/fill.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

#define LOCATION_EXTERNAL 1

/* --- what comes in a weight's place --- */

static void add_entry(struct heft_buffer *b, const char *key, const char *value)
{
	const size_t key_size = strlen(key);
	const size_t value_size = strlen(value);

	heft_wire_add_tag(b, HEFT_TENSOR_EXTERNAL_DATA, HEFT_WIRE_BYTES);
	heft_wire_add_varint(b, 2 + heft_wire_varint_size(key_size) + key_size +
	                                heft_wire_varint_size(value_size) + value_size);
	heft_wire_add_bytes(b, HEFT_ENTRY_KEY, key, key_size);
	heft_wire_add_bytes(b, HEFT_ENTRY_VALUE, value, value_size);
}

void heft_onnx_add_location(struct heft_buffer *b, const char *location, uint64_t off,
                            uint64_t n_bytes)
{
	char number[24];

	add_entry(b, "location", location);
	snprintf(number, sizeof number, "%llu", (unsigned long long)off);
	add_entry(b, "offset", number);
	snprintf(number, sizeof number, "%llu", (unsigned long long)n_bytes);
	add_entry(b, "length", number);
	heft_wire_add_uint(b, HEFT_TENSOR_DATA_LOCATION, LOCATION_EXTERNAL);
}

static bool is_external(const struct heft_onnx_fill *f, uint32_t i)
{
	return f->external_off && f->external_off[i] != HEFT_ONNX_INSIDE;
}

static enum heft_status fill_external(struct heft_onnx_fill *f, uint32_t i, struct heft_cut *cut,
                                      struct heft_error *err)
{
	struct heft_buffer *b = &f->external_data;

	b->size = 0;
	heft_onnx_add_location(b, f->location, f->external_off[i],
	                       heft_listing_row(f->model->tensors, i)->n_bytes);
	if (!b->ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a weight");
	cut->bytes = b->bytes;
	cut->bytes_size = b->size;
	return HEFT_OK;
}

static enum heft_status fill_weight(void *ctx, uint32_t i, struct heft_cut *cut,
                                    struct heft_error *err)
{
	struct heft_onnx_fill *f = ctx;
	const struct heft_listed *row = heft_listing_row(f->model->tensors, i);

	if (is_external(f, i))
		return fill_external(f, i, cut, err);
	cut->hole_size = row->n_bytes;
	if (f->model->weights[i].is_floats) {
		cut->hole_size = row->n_elements * HEFT_ONNX_FLOAT_SIZE;
		return HEFT_OK;
	}
	f->head[0] = HEFT_TENSOR_RAW_DATA << 3 | HEFT_WIRE_BYTES;
	cut->bytes = f->head;
	cut->bytes_size = 1 + heft_wire_put_varint(f->head + 1, row->n_bytes);
	return HEFT_OK;
}

/* --- the model's metadata --- */

/* O5-2: those of the graph go, and the new ones come behind the other fields of the model. */
static enum heft_status next_props(struct heft_onnx_fill *f, struct heft_cut *cut, bool *has,
                                   struct heft_error *err)
{
	struct heft_wire_field field;

	*cut = (struct heft_cut){ .weight = HEFT_ONNX_NONE, .frame = HEFT_ONNX_NONE };
	for (;;) {
		HEFT_TRY(heft_wire_next(f->in, &f->rest, &field, has, err));
		if (!*has)
			break;
		if (field.number != HEFT_MODEL_METADATA_PROPS || field.type != HEFT_WIRE_BYTES)
			continue;
		cut->off = field.at;
		cut->n = field.off + field.size - field.at;
		return HEFT_OK;
	}
	*has = f->has_props;
	f->has_props = false;
	cut->off = f->rest.end;
	cut->bytes = f->props;
	cut->bytes_size = f->props_size;
	return HEFT_OK;
}

/* --- all cuts in order --- */

static void rewind_all(void *ctx)
{
	struct heft_onnx_fill *f = ctx;

	heft_weight_cuts_rewind(&f->cuts);
	f->rest = (struct heft_wire_message){ 0, f->props ? f->in->size : 0 };
	f->has_props = f->props != NULL;
	f->next_weight.is_known = false;
	f->next_props.is_known = false;
}

static enum heft_status look(struct heft_onnx_fill *f, struct heft_error *err)
{
	struct heft_next_cut *weight = &f->next_weight;
	struct heft_next_cut *props = &f->next_props;

	if (!weight->is_known)
		HEFT_TRY(heft_weight_cuts_next(&f->cuts, &weight->cut, &weight->has, err));
	weight->is_known = true;
	if (!props->is_known)
		HEFT_TRY(next_props(f, &props->cut, &props->has, err));
	props->is_known = true;
	return HEFT_OK;
}

static enum heft_status next_of_all(void *ctx, struct heft_cut *cut, bool *has,
                                    struct heft_error *err)
{
	struct heft_onnx_fill *f = ctx;
	struct heft_next_cut *next = &f->next_weight;

	HEFT_TRY(look(f, err));
	if (!next->has || (f->next_props.has && f->next_props.cut.off < next->cut.off))
		next = &f->next_props;
	*cut = next->cut;
	*has = next->has;
	next->is_known = false;
	return HEFT_OK;
}

/* --- */

/* A data_location that says DEFAULT, behind the one that says EXTERNAL, would count. */
static enum heft_status take_locations(struct heft_onnx_fill *f, struct heft_error *err)
{
	const uint32_t n = heft_listing_n(f->model->tensors);

	f->takes_location = heft_alloc_array(n, sizeof *f->takes_location);
	if (!f->takes_location)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u weights", n);
	for (uint32_t i = 0; i < n; i++)
		f->takes_location[i] = is_external(f, i);
	f->cuts.takes_location = f->takes_location;
	return HEFT_OK;
}

enum heft_status heft_onnx_fill_init(struct heft_onnx_fill *f, struct heft_error *err)
{
	const struct heft_cut_source all = { rewind_all, next_of_all, f };

	f->splice = (struct heft_splice){ .size = 0 };
	f->cuts = (struct heft_weight_cuts){
		.in = f->in, .model = f->model, .fill = fill_weight, .ctx = f
	};
	f->takes_location = NULL;
	heft_buffer_init(&f->external_data);
	if (f->external_off)
		HEFT_TRY(take_locations(f, err));
	return heft_splice_init(&f->splice, f->in, f->model, &all, err);
}

void heft_onnx_fill_done(struct heft_onnx_fill *f)
{
	heft_splice_done(&f->splice);
	heft_buffer_done(&f->external_data);
	heft_free(f->takes_location);
	f->takes_location = NULL;
}

enum heft_status heft_onnx_fill_walk(struct heft_onnx_fill *f, heft_splice_fn fn, void *ctx,
                                     struct heft_error *err)
{
	return heft_splice_walk(&f->splice, fn, ctx, err);
}
