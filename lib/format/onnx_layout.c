/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_layout.c - lays a new ONNX model out, with its graph or without one (spec/foreign/onnx.md,
 * section 5). */
#include "format/onnx_layout.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/utf8.h"
#include "format/onnx_match.h"
#include "format/shared.h"
#include "onnx/fill.h"
#include "onnx/plain.h"

/* O5-5 */
#define MODEL_MAX (UINT64_C(1) << 31)
#define EXTERNAL_SUFFIX ".data"
#define EXTERNAL_MIN 1024
#define EXTERNAL_ALIGNMENT 4096
/* Pieces are gathered so that heads of tensors are not written one by one, and with them what is to
 * hold a small tensor: its bytes come later. */
#define GATHER_SIZE ((size_t)64 << 10)
#define SMALL_HOLE 4096

struct layout {
	const struct heft_write_plan *plan;
	struct heft_sink *sink;
	struct heft_onnx_place *places;

	/* With a graph; without one, weights below are the plan's tensors. */
	struct heft_wire_input graph;
	struct heft_onnx_model model;
	uint32_t *tensor_of; /* of each weight; NULL: it is the tensor of its number */

	const struct heft_listing *weights;
	struct heft_buffer props;
	bool has_props; /* with a graph: they replace its own */
	uint64_t *external_off;
	bool is_external; /* some weight is */
	struct heft_buffer location;
	struct heft_onnx_fill fill;
	struct heft_onnx_plain plain;
	uint64_t size;

	uint8_t *gathered;
	uint64_t gathered_off;
	size_t n_gathered;
};

/* --- what is written --- */

static enum heft_status read_graph(struct layout *l, struct heft_error *err)
{
	const struct heft_limits limits = heft_format_limits(NULL);
	uint32_t n;

	heft_wire_input_memory(&l->graph, l->plan->graph, l->plan->graph_size);
	HEFT_TRY(heft_onnx_scan(&l->graph, &limits, true, &l->model, err));
	l->weights = l->model.tensors;
	n = heft_listing_n(l->weights);
	l->tensor_of = heft_alloc_array(n, sizeof *l->tensor_of);
	if (!l->tensor_of)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u weights", n);
	return heft_onnx_match(l->weights, l->plan->tensors, l->tensor_of, err);
}

static enum heft_status read_plan(struct layout *l, struct heft_error *err)
{
	l->weights = l->plan->tensors;
	if (l->plan->graph_size > 0)
		HEFT_TRY(read_graph(l, err));
	return heft_onnx_props(l->plan->metadata, l->model.metadata, &l->props, &l->has_props, err);
}

static uint32_t tensor_of(const struct layout *l, uint32_t weight)
{
	return l->tensor_of ? l->tensor_of[weight] : weight;
}

/* --- how large it becomes --- */

static enum heft_status measure_fill(struct layout *l, struct heft_error *err)
{
	heft_onnx_fill_done(&l->fill);
	l->fill = (struct heft_onnx_fill){
		.in = &l->graph,
		.model = &l->model,
		.external_off = l->is_external ? l->external_off : NULL,
		.location = (const char *)l->location.bytes,
	};
	if (l->has_props) {
		l->fill.props = l->props.size > 0 ? l->props.bytes : (const uint8_t *)"";
		l->fill.props_size = l->props.size;
	}
	HEFT_TRY(heft_onnx_fill_init(&l->fill, err));
	l->size = l->fill.splice.size;
	return HEFT_OK;
}

static enum heft_status measure_plain(struct layout *l, struct heft_error *err)
{
	heft_onnx_plain_done(&l->plain);
	l->plain = (struct heft_onnx_plain){
		.tensors = l->weights,
		.props = l->props.bytes,
		.props_size = l->props.size,
		.external_off = l->is_external ? l->external_off : NULL,
		.location = (const char *)l->location.bytes,
	};
	HEFT_TRY(heft_onnx_plain_init(&l->plain, err));
	l->size = l->plain.size;
	return HEFT_OK;
}

static enum heft_status measure(struct layout *l, struct heft_error *err)
{
	return l->plan->graph_size > 0 ? measure_fill(l, err) : measure_plain(l, err);
}

/* --- external data --- */

/* O3-4 refuses other locations. */
static enum heft_status build_location(struct layout *l, struct heft_error *err)
{
	const char *name = heft_sink_name(l->sink);

	if (!heft_utf8_ok(name, strlen(name)) || strchr(name, '\\'))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a model of this name has no external data: the name is no UTF-8, "
		                 "or has a backslash");
	heft_buffer_add(&l->location, name, strlen(name));
	heft_buffer_add(&l->location, EXTERNAL_SUFFIX, sizeof EXTERNAL_SUFFIX);
	if (!l->location.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a name");
	return HEFT_OK;
}

static bool may_be_external(const struct layout *l, uint32_t i)
{
	return heft_listing_row(l->weights, i)->n_bytes >= EXTERNAL_MIN &&
	       (l->plan->graph_size == 0 || l->model.weights[i].is_initializer);
}

static enum heft_status place_external(struct layout *l, struct heft_error *err)
{
	const uint32_t n = heft_listing_n(l->weights);
	uint64_t at = 0;

	l->external_off = heft_alloc_array(n, sizeof *l->external_off);
	if (!l->external_off)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u weights", n);
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t n_bytes = heft_listing_row(l->weights, i)->n_bytes;

		l->external_off[i] = HEFT_ONNX_INSIDE;
		if (!may_be_external(l, i))
			continue;
		if (at > INT64_MAX - EXTERNAL_ALIGNMENT - n_bytes)
			return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
			                 "the external data would have 2^63 bytes or more");
		l->external_off[i] = at;
		at = heft_align_up(at + n_bytes, EXTERNAL_ALIGNMENT);
		l->is_external = true;
	}
	return HEFT_OK;
}

/* O5-5: where it was asked for, or where the model would be too large. */
static enum heft_status settle(struct layout *l, struct heft_error *err)
{
	if (!l->plan->options.external_data) {
		HEFT_TRY(measure(l, err));
		if (l->size < MODEL_MAX)
			return HEFT_OK;
	}
	HEFT_TRY(build_location(l, err));
	HEFT_TRY(place_external(l, err));
	HEFT_TRY(measure(l, err));
	if (l->size >= MODEL_MAX)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the model without its external data would have %llu bytes, and "
		                 "ONNX allows 2147483647",
		                 (unsigned long long)l->size);
	return HEFT_OK;
}

/* --- what is around the tensors --- */

static enum heft_status flush(struct layout *l, struct heft_error *err)
{
	if (l->n_gathered > 0)
		HEFT_TRY(heft_sink_pwrite(l->sink, l->gathered_off, l->gathered, l->n_gathered,
		                          err));
	l->gathered_off += l->n_gathered;
	l->n_gathered = 0;
	return HEFT_OK;
}

/* The next n bytes of the model; NULL: zeros, until they are known. */
static enum heft_status gather(struct layout *l, const uint8_t *bytes, size_t n,
                               struct heft_error *err)
{
	while (n > 0) {
		const size_t room = GATHER_SIZE - l->n_gathered;
		const size_t k = n < room ? n : room;
		uint8_t *to = l->gathered + l->n_gathered;

		if (bytes)
			memcpy(to, bytes, k);
		else
			memset(to, 0, k);
		bytes = bytes ? bytes + k : NULL;
		n -= k;
		l->n_gathered += k;
		if (k == room)
			HEFT_TRY(flush(l, err));
	}
	return HEFT_OK;
}

static enum heft_status leave_hole(struct layout *l, const struct heft_splice_piece *piece,
                                   struct heft_error *err)
{
	struct heft_onnx_place *place = &l->places[tensor_of(l, piece->weight)];

	place->off = piece->to;
	place->is_floats = l->plan->graph_size > 0 && l->model.weights[piece->weight].is_floats;
	if (piece->size <= SMALL_HOLE)
		return gather(l, NULL, (size_t)piece->size, err);
	HEFT_TRY(flush(l, err));
	l->gathered_off += piece->size;
	return HEFT_OK;
}

static enum heft_status write_piece(void *ctx, const struct heft_splice_piece *piece,
                                    struct heft_error *err)
{
	struct layout *l = ctx;

	if (piece->weight != HEFT_ONNX_NONE)
		return leave_hole(l, piece, err);
	if (piece->bytes)
		return gather(l, piece->bytes, (size_t)piece->size, err);
	return gather(l, l->graph.bytes + piece->from, (size_t)piece->size, err);
}

static enum heft_status write_model(struct layout *l, struct heft_error *err)
{
	l->gathered = heft_alloc(GATHER_SIZE);
	if (!l->gathered)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a model");
	if (l->plan->graph_size > 0)
		HEFT_TRY(heft_onnx_fill_walk(&l->fill, write_piece, l, err));
	else
		HEFT_TRY(heft_onnx_plain_walk(&l->plain, write_piece, l, err));
	return flush(l, err);
}

/* Tensors go one behind the other through both files. */
static void note_places(struct layout *l, uint32_t *order)
{
	for (uint32_t i = 0; i < heft_listing_n(l->weights); i++) {
		const uint32_t t = tensor_of(l, i);

		order[i] = t;
		if (!l->is_external || l->external_off[i] == HEFT_ONNX_INSIDE)
			continue;
		l->places[t].off = l->external_off[i];
		l->places[t].is_external = true;
	}
}

static enum heft_status lay_out(struct layout *l, uint32_t *order, struct heft_sink **data,
                                struct heft_error *err)
{
	HEFT_TRY(read_plan(l, err));
	HEFT_TRY(settle(l, err));
	if (l->is_external)
		HEFT_TRY(heft_sink_add_companion(l->sink, EXTERNAL_SUFFIX, data, err));
	note_places(l, order);
	return write_model(l, err);
}

static void layout_done(struct layout *l)
{
	heft_onnx_fill_done(&l->fill);
	heft_onnx_plain_done(&l->plain);
	heft_onnx_model_done(&l->model);
	heft_wire_input_done(&l->graph);
	heft_buffer_done(&l->props);
	heft_buffer_done(&l->location);
	heft_free(l->tensor_of);
	heft_free(l->external_off);
	heft_free(l->gathered);
}

enum heft_status heft_onnx_lay_out(const struct heft_write_plan *plan, struct heft_sink *sink,
                                   struct heft_onnx_place *places, uint32_t *order,
                                   struct heft_sink **data, struct heft_error *err)
{
	struct layout l = { .plan = plan, .sink = sink, .places = places };
	enum heft_status st;

	heft_buffer_init(&l.props);
	heft_buffer_init(&l.location);
	*data = NULL;
	st = lay_out(&l, order, data, err);
	layout_done(&l);
	return st;
}
