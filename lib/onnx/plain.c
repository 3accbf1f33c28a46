/* SPDX-License-Identifier: Apache-2.0 */
/* plain.c - writes a model of initializers alone, around their bytes. */
#include "onnx/plain.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "onnx/fields.h"
#include "onnx/fill.h"

#define PRODUCER "heft"
#define GRAPH_NAME "weights"

/* What a reader must know: as onnx.proto says which version brought a type, and the operators'
 * definitions which opset takes it. */
static const struct version {
	uint16_t dtype; /* 0: all others */
	uint8_t ir;
	uint8_t opset;
} versions[] = {
	{ 0, 10, 21 },
	{ HEFT_DTYPE_F4, 11, 23 },
	{ HEFT_DTYPE_F8_E8M0, 12, 24 },
	{ HEFT_DTYPE_U2, 13, 25 },
	{ HEFT_DTYPE_I2, 13, 25 },
	{ HEFT_DTYPE_F6_E2M3, 14, 28 },
	{ HEFT_DTYPE_F6_E3M2, 14, 28 },
};

/* The least one that has every tensor's type. */
static const struct version *version_of(const struct heft_listing *tensors)
{
	const struct version *v = &versions[0];

	for (uint32_t i = 0; i < heft_listing_n(tensors); i++) {
		const uint16_t dtype = heft_listing_row(tensors, i)->dtype;

		for (size_t k = 1; k < sizeof versions / sizeof *versions; k++)
			if (versions[k].dtype == dtype && versions[k].ir > v->ir)
				v = &versions[k];
	}
	return v;
}

/* --- a tensor --- */

static bool is_external(const struct heft_onnx_plain *p, uint32_t i)
{
	return p->external_off && p->external_off[i] != HEFT_ONNX_INSIDE;
}

/* How many bytes of the message come behind what build_head gives. */
static uint64_t hole_size(const struct heft_onnx_plain *p, uint32_t i)
{
	return is_external(p, i) ? 0 : heft_listing_row(p->tensors, i)->n_bytes;
}

/* The initializer up to its bytes, in p->head. */
static enum heft_status build_head(struct heft_onnx_plain *p, uint32_t i, struct heft_error *err)
{
	const struct heft_listed *row = heft_listing_row(p->tensors, i);
	const uint64_t *dims = heft_listing_dims(p->tensors, i);
	struct heft_buffer *b = &p->content;

	b->size = 0;
	for (uint32_t d = 0; d < row->rank; d++)
		heft_wire_add_uint(b, HEFT_TENSOR_DIMS, dims[d]);
	heft_wire_add_uint(b, HEFT_TENSOR_DATA_TYPE,
	                   heft_onnx_data_type((enum heft_dtype)row->dtype));
	heft_wire_add_bytes(b, HEFT_TENSOR_NAME, heft_listing_name(p->tensors, i), row->name_size);
	if (is_external(p, i)) {
		heft_onnx_add_location(b, p->location, p->external_off[i], row->n_bytes);
	} else {
		heft_wire_add_tag(b, HEFT_TENSOR_RAW_DATA, HEFT_WIRE_BYTES);
		heft_wire_add_varint(b, row->n_bytes);
	}
	p->head.size = 0;
	heft_wire_add_tag(&p->head, HEFT_GRAPH_INITIALIZER, HEFT_WIRE_BYTES);
	heft_wire_add_varint(&p->head, b->size + hole_size(p, i));
	heft_buffer_add(&p->head, b->bytes, b->size);
	if (!b->ok || !p->head.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a model");
	return HEFT_OK;
}

/* --- what is around them --- */

static enum heft_status build_begin(struct heft_onnx_plain *p, struct heft_error *err)
{
	struct heft_buffer *b = &p->head;

	b->size = 0;
	heft_wire_add_uint(b, HEFT_MODEL_IR_VERSION, version_of(p->tensors)->ir);
	heft_wire_add_bytes(b, HEFT_MODEL_PRODUCER_NAME, PRODUCER, sizeof PRODUCER - 1);
	heft_wire_add_tag(b, HEFT_MODEL_GRAPH, HEFT_WIRE_BYTES);
	heft_wire_add_varint(b, p->graph_size);
	heft_wire_add_bytes(b, HEFT_GRAPH_NAME, GRAPH_NAME, sizeof GRAPH_NAME - 1);
	if (!b->ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a model");
	return HEFT_OK;
}

/* An operator set of the domain "", which is the default, and the metadata. */
static enum heft_status build_end(struct heft_onnx_plain *p, struct heft_error *err)
{
	struct heft_buffer *b = &p->head;

	p->content.size = 0;
	heft_wire_add_bytes(&p->content, HEFT_OPSET_DOMAIN, NULL, 0);
	heft_wire_add_uint(&p->content, HEFT_OPSET_VERSION, version_of(p->tensors)->opset);
	b->size = 0;
	heft_wire_add_bytes(b, HEFT_MODEL_OPSET_IMPORT, p->content.bytes, p->content.size);
	heft_buffer_add(b, p->props, p->props_size);
	if (!p->content.ok || !b->ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a model");
	return HEFT_OK;
}

static enum heft_status add_size(uint64_t *size, uint64_t n, struct heft_error *err)
{
	if (!heft_add_u64(*size, n, size) || *size > INT64_MAX)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the model would have 2^63 bytes or more");
	return HEFT_OK;
}

static enum heft_status count(struct heft_onnx_plain *p, struct heft_error *err)
{
	p->graph_size = 2 + sizeof GRAPH_NAME - 1;
	for (uint32_t i = 0; i < heft_listing_n(p->tensors); i++) {
		HEFT_TRY(build_head(p, i, err));
		HEFT_TRY(add_size(&p->graph_size, p->head.size, err));
		HEFT_TRY(add_size(&p->graph_size, hole_size(p, i), err));
	}
	p->size = p->graph_size - (2 + sizeof GRAPH_NAME - 1); /* which build_begin has as well */
	HEFT_TRY(build_begin(p, err));
	HEFT_TRY(add_size(&p->size, p->head.size, err));
	HEFT_TRY(build_end(p, err));
	return add_size(&p->size, p->head.size, err);
}

enum heft_status heft_onnx_plain_init(struct heft_onnx_plain *p, struct heft_error *err)
{
	heft_buffer_init(&p->content);
	heft_buffer_init(&p->head);
	return count(p, err);
}

void heft_onnx_plain_done(struct heft_onnx_plain *p)
{
	heft_buffer_done(&p->content);
	heft_buffer_done(&p->head);
}

/* --- pieces --- */

struct walk {
	const struct heft_onnx_plain *p;
	heft_splice_fn fn;
	void *ctx;
	uint64_t to;
};

static enum heft_status give_head(struct walk *w, struct heft_error *err)
{
	const struct heft_splice_piece piece = { .to = w->to,
		                                 .size = w->p->head.size,
		                                 .bytes = w->p->head.bytes,
		                                 .weight = HEFT_ONNX_NONE };

	w->to += piece.size;
	return w->fn(w->ctx, &piece, err);
}

static enum heft_status give_hole(struct walk *w, uint32_t i, struct heft_error *err)
{
	const struct heft_splice_piece piece = { .to = w->to,
		                                 .size = hole_size(w->p, i),
		                                 .weight = i };

	w->to += piece.size;
	return piece.size > 0 ? w->fn(w->ctx, &piece, err) : HEFT_OK;
}

enum heft_status heft_onnx_plain_walk(struct heft_onnx_plain *p, heft_splice_fn fn, void *ctx,
                                      struct heft_error *err)
{
	struct walk w = { .p = p, .fn = fn, .ctx = ctx };

	HEFT_TRY(build_begin(p, err));
	HEFT_TRY(give_head(&w, err));
	for (uint32_t i = 0; i < heft_listing_n(p->tensors); i++) {
		HEFT_TRY(build_head(p, i, err));
		HEFT_TRY(give_head(&w, err));
		HEFT_TRY(give_hole(&w, i, err));
	}
	HEFT_TRY(build_end(p, err));
	return give_head(&w, err);
}
