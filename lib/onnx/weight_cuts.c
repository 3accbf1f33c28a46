/* SPDX-License-Identifier: Apache-2.0 */
/* weight_cuts.c - walks through the fields that hold the bytes of a model's weights. */
#include "onnx/weight_cuts.h"

#include "base/error.h"
#include "onnx/fields.h"

#define LOCATION_EXTERNAL 1

void heft_weight_cuts_rewind(void *ctx)
{
	struct heft_weight_cuts *c = ctx;

	c->n_passed = 0;
	c->is_inside = false;
}

/* A field of another wire type is an unknown one. */
static bool is_numbers(const struct heft_wire_field *f, enum heft_wire_type type)
{
	return f->type == (uint8_t)type || f->type == HEFT_WIRE_BYTES;
}

static bool is_location(const struct heft_wire_field *f, bool takes_location)
{
	if (f->number == HEFT_TENSOR_DATA_LOCATION)
		return f->type == HEFT_WIRE_VARINT &&
		       (takes_location || f->value == LOCATION_EXTERNAL);
	return f->number == HEFT_TENSOR_EXTERNAL_DATA && f->type == HEFT_WIRE_BYTES;
}

static bool is_tensor_data(const struct heft_wire_field *f)
{
	switch (f->number) {
	case HEFT_TENSOR_FLOAT_DATA:
		return is_numbers(f, HEFT_WIRE_FIXED32);
	case HEFT_TENSOR_INT32_DATA:
	case HEFT_TENSOR_INT64_DATA:
	case HEFT_TENSOR_UINT64_DATA:
		return is_numbers(f, HEFT_WIRE_VARINT);
	case HEFT_TENSOR_DOUBLE_DATA:
		return is_numbers(f, HEFT_WIRE_FIXED64);
	case HEFT_TENSOR_RAW_DATA:
		return f->type == HEFT_WIRE_BYTES;
	default:
		return false;
	}
}

static bool is_float_data(const struct heft_wire_field *f)
{
	return (f->number == HEFT_ATTRIBUTE_FLOATS && is_numbers(f, HEFT_WIRE_FIXED32)) ||
	       (f->number == HEFT_ONNX_N_FLOATS && f->type == HEFT_WIRE_VARINT);
}

static bool has_bytes(const struct heft_weight_cuts *c, uint32_t i)
{
	return heft_listing_row(c->model->tensors, i)->n_bytes > 0;
}

/* What has no elements keeps its empty fields, and leaves no file that it might name. */
static bool is_data(const struct heft_weight_cuts *c, uint32_t i, const struct heft_wire_field *f)
{
	if (c->model->weights[i].is_floats)
		return has_bytes(c, i) && is_float_data(f);
	if (is_location(f, c->takes_location && c->takes_location[i]))
		return true;
	return has_bytes(c, i) && is_tensor_data(f);
}

static enum heft_status fill(struct heft_weight_cuts *c, uint32_t i, struct heft_cut *cut,
                             struct heft_error *err)
{
	c->is_filled = true;
	cut->weight = i;
	return c->fill(c->ctx, i, cut, err);
}

/* The next cut of weight i. A graph that somebody else made may have no field at all for it, whose
 * bytes then come last. */
static enum heft_status next_field(struct heft_weight_cuts *c, uint32_t i, struct heft_cut *cut,
                                   bool *has, struct heft_error *err)
{
	struct heft_wire_field f;

	*cut = (struct heft_cut){ .frame = c->model->weights[i].frame };
	for (;;) {
		HEFT_TRY(heft_wire_next(c->in, &c->rest, &f, has, err));
		if (!*has)
			break;
		if (!is_data(c, i, &f))
			continue;
		cut->off = f.at;
		cut->n = f.off + f.size - f.at;
		return c->is_filled ? HEFT_OK : fill(c, i, cut, err);
	}
	if (c->is_filled)
		return HEFT_OK;
	*has = true;
	cut->off = c->rest.end;
	return fill(c, i, cut, err);
}

static void enter(struct heft_weight_cuts *c, uint32_t i)
{
	const struct heft_onnx_frame *frame = &c->model->frames[c->model->weights[i].frame];

	c->rest = (struct heft_wire_message){ frame->off, frame->off + frame->size };
	c->is_inside = true;
	c->is_filled = !has_bytes(c, i);
}

enum heft_status heft_weight_cuts_next(void *ctx, struct heft_cut *cut, bool *has,
                                       struct heft_error *err)
{
	struct heft_weight_cuts *c = ctx;
	const uint32_t n = heft_listing_n(c->model->tensors);

	for (;;) {
		if (c->is_inside) {
			HEFT_TRY(next_field(c, c->n_passed, cut, has, err));
			if (*has)
				return HEFT_OK;
			c->is_inside = false;
			c->n_passed++;
		}
		if (c->n_passed == n) {
			*has = false;
			return HEFT_OK;
		}
		enter(c, c->n_passed);
	}
}
