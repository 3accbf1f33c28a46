/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c - reads the nodes of a model: its graph, then its training runs, which see the names of
 * that, then its functions, which see their own. */
#include "onnx/graph.h"

#include "base/alloc.h"
#include "base/error.h"
#include "onnx/fields.h"
#include "onnx/graph_reader.h"

enum heft_status heft_onnx_reader_add(struct heft_onnx_reader *r, struct heft_buffer *b,
                                      const void *item, size_t size)
{
	const struct heft_onnx_graph *g = r->g;
	const size_t taken = g->texts.size + g->scopes.size + g->nodes.size + g->values.size +
	                     g->refs.size + g->attributes.size;

	if (taken + size > r->max_size)
		return heft_fail(r->err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the graph has too many nodes");
	heft_buffer_add(b, item, size);
	if (!b->ok)
		return heft_fail(r->err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a graph");
	return HEFT_OK;
}

enum heft_status heft_onnx_reader_next(struct heft_onnx_reader *r, struct heft_wire_message *m,
                                       struct heft_wire_field *f, bool *has)
{
	return heft_wire_next(r->in, m, f, has, r->err);
}

enum heft_status heft_onnx_reader_text(struct heft_onnx_reader *r, const struct heft_wire_field *f,
                                       uint32_t *text)
{
	return heft_onnx_names_add(&r->names, r->in, f, text, r->err);
}

enum heft_status heft_onnx_reader_find_text(struct heft_onnx_reader *r, struct heft_wire_message m,
                                            uint32_t number, uint32_t *text)
{
	struct heft_wire_field f;
	bool has;

	*text = 0;
	for (;;) {
		HEFT_TRY(heft_onnx_reader_next(r, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.number == number)
			HEFT_TRY(heft_onnx_reader_text(r, &f, text));
	}
}

static enum heft_status index_frames(struct heft_onnx_reader *r)
{
	const struct heft_onnx_model *model = r->model;
	const uint32_t n = heft_listing_n(model->tensors);

	r->frame_tensors = heft_alloc_array(model->n_frames, sizeof *r->frame_tensors);
	r->g->tensor_values = heft_alloc_array(n, sizeof *r->g->tensor_values);
	if (!r->frame_tensors || !r->g->tensor_values)
		return heft_fail(r->err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a graph");
	for (uint32_t i = 0; i < model->n_frames; i++)
		r->frame_tensors[i] = HEFT_ONNX_NONE;
	for (uint32_t i = 0; i < n; i++) {
		r->g->tensor_values[i] = HEFT_ONNX_NONE;
		if (model->weights[i].frame < model->n_frames)
			r->frame_tensors[model->weights[i].frame] = i;
	}
	return HEFT_OK;
}

/* --- the model --- */

static enum heft_status read_outer_graph(struct heft_onnx_reader *r,
                                         const struct heft_wire_field *f,
                                         enum heft_onnx_graph_kind kind, uint32_t ordinal)
{
	struct heft_onnx_scope scope = {
		.ordinal = ordinal,
		.owner = HEFT_ONNX_NONE,
		.parent = HEFT_ONNX_NONE,
		.kind = (uint8_t)kind,
	};

	return heft_onnx_reader_graph(r, heft_wire_inner(f), &scope);
}

static enum heft_status read_opset(struct heft_onnx_reader *r, struct heft_wire_message m)
{
	struct heft_onnx_opset opset = { .version = 0 };
	struct heft_wire_field f;
	bool has;

	HEFT_TRY(heft_onnx_reader_find_text(r, m, 1, &opset.domain));
	for (;;) {
		HEFT_TRY(heft_onnx_reader_next(r, &m, &f, &has));
		if (!has)
			return heft_onnx_reader_add(r, &r->g->opsets, &opset, sizeof opset);
		if (f.number == 2 && f.type == HEFT_WIRE_VARINT)
			opset.version = f.value;
	}
}

static enum heft_status read_model_field(struct heft_onnx_reader *r,
                                         const struct heft_wire_field *f)
{
	struct heft_onnx_graph *g = r->g;

	if (f->number == HEFT_MODEL_VERSION && f->type == HEFT_WIRE_VARINT)
		g->model_version = f->value;
	if (f->type != HEFT_WIRE_BYTES)
		return HEFT_OK;
	switch (f->number) {
	case HEFT_MODEL_PRODUCER_NAME:
		return heft_onnx_reader_text(r, f, &g->producer_name);
	case HEFT_MODEL_PRODUCER_VERSION:
		return heft_onnx_reader_text(r, f, &g->producer_version);
	case HEFT_MODEL_DOMAIN:
		return heft_onnx_reader_text(r, f, &g->domain);
	case HEFT_MODEL_OPSET_IMPORT:
		return read_opset(r, heft_wire_inner(f));
	case HEFT_MODEL_GRAPH:
		return read_outer_graph(r, f, HEFT_ONNX_GRAPH_MAIN, HEFT_ONNX_NONE);
	default:
		return HEFT_OK;
	}
}

/* The algorithm sees what the model's graph has. */
static enum heft_status read_training(struct heft_onnx_reader *r, struct heft_wire_message m,
                                      uint32_t ordinal)
{
	struct heft_wire_field f;
	bool has;

	for (;;) {
		HEFT_TRY(heft_onnx_reader_next(r, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.type != HEFT_WIRE_BYTES || (f.number != HEFT_TRAINING_INITIALIZATION &&
		                                  f.number != HEFT_TRAINING_ALGORITHM))
			continue;
		HEFT_TRY(read_outer_graph(r, &f,
		                          f.number == HEFT_TRAINING_INITIALIZATION
		                                  ? HEFT_ONNX_GRAPH_INITIALIZATION
		                                  : HEFT_ONNX_GRAPH_ALGORITHM,
		                          ordinal));
	}
}

/* Each function sees its own names only. */
static enum heft_status read_repeated(struct heft_onnx_reader *r, uint32_t number)
{
	struct heft_wire_message m = { 0, r->in->size };
	struct heft_wire_field f;
	uint32_t n = 0;
	bool has;

	for (;;) {
		HEFT_TRY(heft_onnx_reader_next(r, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.number != number || f.type != HEFT_WIRE_BYTES)
			continue;
		if (number == HEFT_MODEL_TRAINING_INFO) {
			HEFT_TRY(read_training(r, heft_wire_inner(&f), n++));
			continue;
		}
		heft_onnx_names_back(&r->names, 0);
		HEFT_TRY(read_outer_graph(r, &f, HEFT_ONNX_GRAPH_FUNCTION, HEFT_ONNX_NONE));
	}
}

static enum heft_status read_model(struct heft_onnx_reader *r)
{
	struct heft_wire_message m = { 0, r->in->size };
	struct heft_wire_field f;
	bool has;

	HEFT_TRY(index_frames(r));
	for (;;) {
		HEFT_TRY(heft_onnx_reader_next(r, &m, &f, &has));
		if (!has)
			break;
		HEFT_TRY(read_model_field(r, &f));
	}
	HEFT_TRY(read_repeated(r, HEFT_MODEL_TRAINING_INFO));
	return read_repeated(r, HEFT_MODEL_FUNCTIONS);
}

enum heft_status heft_onnx_graph_read(struct heft_wire_input *in,
                                      const struct heft_onnx_model *model, size_t max_size,
                                      struct heft_onnx_graph *graph, struct heft_error *err)
{
	struct heft_onnx_graph g = { .tensor_values = NULL };
	struct heft_onnx_reader r = {
		.in = in, .model = model, .g = &g, .max_size = max_size, .err = err
	};
	enum heft_status st;

	heft_buffer_init(&g.texts);
	heft_buffer_init(&g.scopes);
	heft_buffer_init(&g.nodes);
	heft_buffer_init(&g.values);
	heft_buffer_init(&g.refs);
	heft_buffer_init(&g.attributes);
	heft_buffer_init(&g.opsets);
	st = heft_onnx_names_init(&r.names, &g.texts, err);
	/* A node without inputs and outputs points at none of them, and not at nothing. */
	if (st == HEFT_OK && !heft_buffer_reserve(&g.refs, sizeof(uint32_t)))
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a graph");
	if (st == HEFT_OK)
		st = read_model(&r);
	heft_onnx_names_done(&r.names);
	heft_free(r.frame_tensors);
	if (st != HEFT_OK) {
		heft_onnx_graph_done(&g);
		return st;
	}
	*graph = g;
	return HEFT_OK;
}

void heft_onnx_graph_done(struct heft_onnx_graph *graph)
{
	heft_buffer_done(&graph->texts);
	heft_buffer_done(&graph->scopes);
	heft_buffer_done(&graph->nodes);
	heft_buffer_done(&graph->values);
	heft_buffer_done(&graph->refs);
	heft_buffer_done(&graph->attributes);
	heft_buffer_done(&graph->opsets);
	heft_free(graph->tensor_values);
}
