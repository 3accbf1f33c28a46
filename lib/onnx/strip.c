/* SPDX-License-Identifier: Apache-2.0 */
/* strip.c - a model without the bytes of its weights (spec/foreign/onnx.md, section 4). */
#include "onnx/strip.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "onnx/fields.h"

/* O4-1: "where the first of them was stands an empty one"; behind that of floats, which have no
 * dims, how many there were. */
static enum heft_status fill_empty(void *ctx, uint32_t i, struct heft_cut *cut,
                                   struct heft_error *err)
{
	struct heft_onnx_stripper *s = ctx;
	const struct heft_onnx_model *model = s->cuts.model;
	const bool is_floats = model->weights[i].is_floats;
	const uint32_t number = is_floats ? HEFT_ATTRIBUTE_FLOATS : HEFT_TENSOR_RAW_DATA;

	s->empty.size = 0;
	heft_wire_add_bytes(&s->empty, number, NULL, 0);
	if (is_floats)
		heft_wire_add_uint(&s->empty, HEFT_ONNX_N_FLOATS,
		                   heft_listing_row(model->tensors, i)->n_elements);
	if (!s->empty.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a graph");
	cut->bytes = s->empty.bytes;
	cut->bytes_size = s->empty.size;
	return HEFT_OK;
}

enum heft_status heft_onnx_stripper_init(struct heft_onnx_stripper *s, struct heft_wire_input *in,
                                         const struct heft_onnx_model *model,
                                         struct heft_error *err)
{
	const struct heft_cut_source cuts = { heft_weight_cuts_rewind, heft_weight_cuts_next,
		                              &s->cuts };

	*s = (struct heft_onnx_stripper){
		.cuts = { .in = in, .model = model, .fill = fill_empty, .ctx = s }
	};
	heft_buffer_init(&s->empty);
	HEFT_TRY(heft_splice_init(&s->splice, in, model, &cuts, err));
	if (s->splice.size > HEFT_ONNX_GRAPH_MAX) /* O4-3 */
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the graph without its weights has %llu bytes, and may have %llu",
		                 (unsigned long long)s->splice.size,
		                 (unsigned long long)HEFT_ONNX_GRAPH_MAX);
	return HEFT_OK;
}

void heft_onnx_stripper_done(struct heft_onnx_stripper *s)
{
	heft_splice_done(&s->splice);
	heft_buffer_done(&s->empty);
}

struct target {
	const struct heft_onnx_stripper *s;
	uint8_t *graph;
};

static enum heft_status write_piece(void *ctx, const struct heft_splice_piece *piece,
                                    struct heft_error *err)
{
	const struct target *t = ctx;
	uint8_t *to = t->graph + piece->to;

	if (!heft_in_range(piece->to, piece->size, t->s->splice.size))
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "the model changes while it is read");
	if (!piece->bytes)
		return heft_wire_copy(t->s->cuts.in, piece->from, to, (size_t)piece->size, err);
	memcpy(to, piece->bytes, (size_t)piece->size);
	return HEFT_OK;
}

enum heft_status heft_onnx_stripper_write(struct heft_onnx_stripper *s, uint8_t *graph,
                                          struct heft_error *err)
{
	struct target t = { s, graph };

	return heft_splice_walk(&s->splice, write_piece, &t, err);
}

static enum heft_status append(struct heft_onnx_stripper *s, struct heft_buffer *graph,
                               struct heft_error *err)
{
	const size_t size = (size_t)s->splice.size;

	if (!heft_buffer_reserve(graph, size))
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a graph");
	HEFT_TRY(heft_onnx_stripper_write(s, graph->bytes + graph->size, err));
	graph->size += size;
	return HEFT_OK;
}

enum heft_status heft_onnx_strip(struct heft_wire_input *in, const struct heft_onnx_model *model,
                                 struct heft_buffer *graph, struct heft_error *err)
{
	struct heft_onnx_stripper s;
	enum heft_status st = heft_onnx_stripper_init(&s, in, model, err);

	if (st == HEFT_OK)
		st = append(&s, graph, err);
	heft_onnx_stripper_done(&s);
	return st;
}
