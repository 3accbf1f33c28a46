/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - one pass over a model that finds every weight in it (spec/foreign/onnx.md, sections 1
 * and 2): its graphs, functions and training runs. A message whose parts may come in any order is
 * looked over first, without going into them. */
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/error.h"
#include "onnx/fields.h"
#include "onnx/scan.h"

/* O1-4: the model's own graph is no subgraph. */
enum heft_status heft_onnx_scan_graph(struct heft_onnx_walk *w, const struct heft_wire_field *field,
                                      struct heft_error *err)
{
	static const uint8_t types[32] = { [HEFT_GRAPH_NODE] = HEFT_ONNX_BYTES,
		                           [HEFT_GRAPH_INITIALIZER] = HEFT_ONNX_BYTES,
		                           [HEFT_GRAPH_SPARSE_INITIALIZER] = HEFT_ONNX_BYTES };
	struct heft_wire_message message = heft_wire_inner(field);
	struct heft_wire_field f;
	bool has;

	if (w->depth > HEFT_ONNX_MAX_DEPTH)
		return heft_fail(err, HEFT_E_LIMIT, field->at, "subgraphs are more than %u deep",
		                 HEFT_ONNX_MAX_DEPTH);
	w->depth++;
	heft_onnx_enter(w, field);
	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, types, &f, &has, err));
		if (!has)
			break;
		if (f.number == HEFT_GRAPH_NODE)
			HEFT_TRY(heft_onnx_scan_node(w, &f, err));
		else if (f.number == HEFT_GRAPH_INITIALIZER)
			HEFT_TRY(heft_onnx_scan_initializer(w, &f, err));
		else
			HEFT_TRY(heft_onnx_scan_sparse(w, &f, NULL, err));
	}
	heft_onnx_leave(w);
	w->depth--;
	return HEFT_OK;
}

/* --- the model --- */

/* O2-4 */
static enum heft_status name_function(struct heft_onnx_walk *w, const struct heft_wire_field *field,
                                      struct heft_error *err)
{
	static const uint8_t types[32] = { [HEFT_FUNCTION_NAME] = HEFT_ONNX_BYTES,
		                           [HEFT_FUNCTION_DOMAIN] = HEFT_ONNX_BYTES,
		                           [HEFT_FUNCTION_OVERLOAD] = HEFT_ONNX_BYTES };
	struct heft_onnx_span spans[32] = { { 0, 0 } };
	struct heft_wire_message message = heft_wire_inner(field);
	struct heft_wire_field f;
	bool has;

	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, types, &f, &has, err));
		if (!has)
			break;
		spans[f.number] = heft_onnx_span(&f);
	}
	HEFT_TRY(heft_onnx_name_span(w, spans[HEFT_FUNCTION_DOMAIN], err));
	heft_onnx_name_text(w, "::");
	HEFT_TRY(heft_onnx_name_span(w, spans[HEFT_FUNCTION_NAME], err));
	if (spans[HEFT_FUNCTION_OVERLOAD].size > 0)
		heft_onnx_name_text(w, ":");
	HEFT_TRY(heft_onnx_name_span(w, spans[HEFT_FUNCTION_OVERLOAD], err));
	heft_onnx_name_text(w, ".");
	return HEFT_OK;
}

static enum heft_status scan_function(struct heft_onnx_walk *w, const struct heft_wire_field *field,
                                      struct heft_error *err)
{
	static const uint8_t types[32] = { [HEFT_FUNCTION_NODE] = HEFT_ONNX_BYTES };
	struct heft_wire_message message = heft_wire_inner(field);
	struct heft_wire_field f;
	bool has;

	HEFT_TRY(name_function(w, field, err));
	w->is_main = false;
	w->depth = 1; /* as in a graph */
	heft_onnx_enter(w, field);
	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, types, &f, &has, err));
		if (!has)
			break;
		HEFT_TRY(heft_onnx_scan_node(w, &f, err));
	}
	heft_onnx_leave(w);
	w->depth = 0;
	w->name.size = 0;
	return HEFT_OK;
}

/* O2-5 */
static enum heft_status scan_training(struct heft_onnx_walk *w, const struct heft_wire_field *field,
                                      uint32_t training_i, struct heft_error *err)
{
	static const uint8_t types[32] = { [HEFT_TRAINING_INITIALIZATION] = HEFT_ONNX_BYTES,
		                           [HEFT_TRAINING_ALGORITHM] = HEFT_ONNX_BYTES };
	struct heft_wire_field seen[3] = { { .number = 0 } };
	struct heft_wire_message message = heft_wire_inner(field);
	struct heft_wire_field f;
	bool has;

	w->is_main = false;
	w->space = HEFT_SPACE_OPTIMIZER;
	heft_onnx_enter(w, field);
	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, types, &f, &has, err));
		if (!has)
			break;
		HEFT_TRY(heft_onnx_once(&seen[f.number], &f, err));
		heft_onnx_name_text(w, "training.");
		heft_onnx_name_number(w, training_i);
		heft_onnx_name_text(w, f.number == HEFT_TRAINING_INITIALIZATION ? ".initialization."
		                                                                : ".algorithm.");
		HEFT_TRY(heft_onnx_scan_graph(w, &f, err));
		w->name.size = 0;
	}
	heft_onnx_leave(w);
	w->space = HEFT_SPACE_WEIGHTS;
	return HEFT_OK;
}

static enum heft_status scan_model(struct heft_onnx_walk *w, struct heft_error *err)
{
	static const uint8_t types[32] = { [HEFT_MODEL_IR_VERSION] = HEFT_ONNX_VARINT,
		                           [HEFT_MODEL_GRAPH] = HEFT_ONNX_BYTES,
		                           [HEFT_MODEL_TRAINING_INFO] = HEFT_ONNX_BYTES,
		                           [HEFT_MODEL_FUNCTIONS] = HEFT_ONNX_BYTES };
	struct heft_wire_message message = { 0, w->in->size };
	struct heft_wire_field graph = { .number = 0 };
	struct heft_wire_field f;
	uint32_t training_i = 0;
	bool has;

	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, types, &f, &has, err));
		if (!has)
			break;
		if (f.number == HEFT_MODEL_IR_VERSION) {
			w->model->ir_version = f.value;
		} else if (f.number == HEFT_MODEL_GRAPH) {
			HEFT_TRY(heft_onnx_once(&graph, &f, err));
			w->is_main = true;
			HEFT_TRY(heft_onnx_scan_graph(w, &f, err));
		} else if (f.number == HEFT_MODEL_FUNCTIONS) {
			HEFT_TRY(scan_function(w, &f, err));
		} else {
			HEFT_TRY(scan_training(w, &f, training_i++, err));
		}
	}
	if (graph.number == 0)
		return heft_fail(err, HEFT_E_CORRUPT, w->in->size, "the model has no graph");
	return HEFT_OK;
}

static enum heft_status scan_all(struct heft_onnx_walk *w, struct heft_error *err)
{
	HEFT_TRY(heft_listing_new(&w->model->tensors, err));
	HEFT_TRY(scan_model(w, err));
	HEFT_TRY(heft_onnx_parse_metadata(w, &w->model->metadata, err));
	if (!w->has_fields)
		return HEFT_OK;
	w->model->marks = heft_zalloc_array(heft_listing_n(w->model->tensors),
	                                    sizeof *w->model->marks);
	if (!w->model->marks)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for the list of weights");
	return HEFT_OK;
}

enum heft_status heft_onnx_scan(struct heft_wire_input *in, const struct heft_limits *limits,
                                bool is_graph, struct heft_onnx_model *model,
                                struct heft_error *err)
{
	struct heft_onnx_model found = { .n_nodes = 0 };
	struct heft_onnx_walk *w = heft_zalloc(sizeof *w);
	enum heft_status st;

	if (!w)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a scan");
	w->in = in;
	w->limits = limits;
	w->model = &found;
	w->is_graph = is_graph;
	w->space = HEFT_SPACE_WEIGHTS;
	heft_buffer_init(&w->name);
	st = scan_all(w, err);
	heft_buffer_done(&w->name);
	heft_free(w->n_same);
	heft_free(w);
	if (st == HEFT_OK)
		*model = found;
	else
		heft_onnx_model_done(&found);
	return st;
}

void heft_onnx_model_done(struct heft_onnx_model *model)
{
	for (uint32_t i = 0; model->marks && i < heft_listing_n(model->tensors); i++)
		heft_free(atomic_load(&model->marks[i]));
	heft_free(model->marks);
	for (uint32_t i = 0; i < model->n_externals; i++)
		heft_free(model->externals[i].location);
	heft_free(model->externals);
	heft_free(model->frames);
	heft_free(model->weights);
	heft_free(model->metadata);
	heft_listing_free(model->tensors);
	*model = (struct heft_onnx_model){ .n_nodes = 0 };
}
