/* SPDX-License-Identifier: Apache-2.0 */
/* head_graph.c - a graph with another number of classes: the messages that state shapes, cut out
 * and put in anew (onnx/splice.h). */
#include "artifact/head_graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "onnx/fields.h"
#include "onnx/splice.h"

enum type_field {
	VALUE_INFO_NAME = 1,
	VALUE_INFO_TYPE = 2,
	TYPE_TENSOR = 1,
	TENSOR_ELEM_TYPE = 1,
	TENSOR_SHAPE = 2,
	SHAPE_DIM = 1,
	DIM_VALUE = 1,
	DIM_PARAM = 2
};

/* Cuts as they come; `bytes_at` is in the job's `texts`, which may still move. */
struct planned_cut {
	uint64_t off;
	uint64_t n;
	size_t bytes_at;
	size_t bytes_size;
	uint32_t frame;
};

struct job {
	const struct heft_graph_list *list;
	const struct heft_head_layer *layer;
	uint64_t n_classes;
	struct heft_wire_input in;
	struct heft_buffer cuts; /* struct planned_cut */
	struct heft_buffer texts;
	uint32_t graph_frame; /* of the main graph */
	size_t n_passed;
	struct heft_error *err;
};

static enum heft_status no_memory(const struct job *job)
{
	return heft_fail(job->err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a graph");
}

static void add_cut(struct job *job, uint64_t off, uint64_t n, uint32_t frame, size_t bytes_at)
{
	const struct planned_cut cut = { .off = off,
		                         .n = n,
		                         .frame = frame,
		                         .bytes_at = bytes_at,
		                         .bytes_size = job->texts.size - bytes_at };

	heft_buffer_add(&job->cuts, &cut, sizeof cut);
}

/* --- the tensors --- */

/* The dimensions, where the first of them was; the other fields that state some go. */
static enum heft_status cut_dims(struct job *job, uint32_t tensor, uint32_t axis)
{
	const struct heft_onnx_model *model = &job->list->model;
	const uint32_t frame_i = model->weights[tensor].frame;
	const struct heft_onnx_frame *frame = &model->frames[frame_i];
	struct heft_wire_message m = { frame->off, frame->off + frame->size };
	const uint64_t *dims = heft_listing_dims(model->tensors, tensor);
	bool is_first = true;
	struct heft_wire_field f;
	bool has;

	for (;;) {
		const size_t at = job->texts.size;

		HEFT_TRY(heft_wire_next(&job->in, &m, &f, &has, job->err));
		if (!has)
			return HEFT_OK;
		if (f.number != HEFT_TENSOR_DIMS)
			continue;
		for (uint32_t d = 0; is_first && d < heft_listing_row(model->tensors, tensor)->rank;
		     d++)
			heft_wire_add_uint(&job->texts, HEFT_TENSOR_DIMS,
			                   d == axis ? job->n_classes : dims[d]);
		is_first = false;
		add_cut(job, f.at, f.off + f.size - f.at, frame_i, at);
	}
}

/* --- what the graph states of values --- */

static void add_dim(struct heft_buffer *shape, uint64_t size, const char *symbol)
{
	struct heft_buffer dim;

	heft_buffer_init(&dim);
	if (!symbol)
		heft_wire_add_uint(&dim, DIM_VALUE, size);
	else if (symbol[0])
		heft_wire_add_bytes(&dim, DIM_PARAM, symbol, strlen(symbol));
	heft_wire_add_bytes(shape, SHAPE_DIM, dim.bytes, dim.size);
	shape->ok = shape->ok && dim.ok;
	heft_buffer_done(&dim);
}

/* A ValueInfoProto with the shape of `v`, whose dimension `axis` is the new number of classes. */
static void add_value_info(struct job *job, uint32_t number, const struct heft_graph_value *v,
                           uint32_t axis)
{
	struct heft_buffer shape;
	struct heft_buffer tensor;
	struct heft_buffer type;
	struct heft_buffer info;

	heft_buffer_init(&shape);
	heft_buffer_init(&tensor);
	heft_buffer_init(&type);
	heft_buffer_init(&info);
	for (uint32_t d = 0; d < v->rank; d++)
		add_dim(&shape, d == axis ? job->n_classes : v->dims[d].size,
		        d == axis ? NULL : v->dims[d].symbol);
	heft_wire_add_uint(&tensor, TENSOR_ELEM_TYPE, heft_onnx_data_type(v->dtype));
	heft_wire_add_bytes(&tensor, TENSOR_SHAPE, shape.bytes, shape.size);
	heft_wire_add_bytes(&type, TYPE_TENSOR, tensor.bytes, tensor.size);
	heft_wire_add_bytes(&info, VALUE_INFO_NAME, v->name, strlen(v->name));
	heft_wire_add_bytes(&info, VALUE_INFO_TYPE, type.bytes, type.size);
	heft_wire_add_bytes(&job->texts, number, info.bytes, info.size);
	job->texts.ok = job->texts.ok && shape.ok && tensor.ok && type.ok && info.ok;
	heft_buffer_done(&shape);
	heft_buffer_done(&tensor);
	heft_buffer_done(&type);
	heft_buffer_done(&info);
}

static enum heft_status name_is(struct job *job, const struct heft_wire_field *field,
                                const char *name, bool *is)
{
	struct heft_wire_message m = heft_wire_inner(field);
	const size_t n = strlen(name);
	struct heft_wire_field f;
	const uint8_t *bytes;
	bool has;

	*is = false;
	for (;;) {
		HEFT_TRY(heft_wire_next(&job->in, &m, &f, &has, job->err));
		if (!has)
			return HEFT_OK;
		if (f.number != VALUE_INFO_NAME || f.type != HEFT_WIRE_BYTES)
			continue;
		*is = f.size == n && n <= HEFT_WIRE_PEEK;
		if (!*is || n == 0)
			return HEFT_OK;
		HEFT_TRY(heft_wire_peek(&job->in, f.off, n, &bytes, job->err));
		*is = memcmp(bytes, name, n) == 0;
		return HEFT_OK;
	}
}

/* A weight or bias that is an input of the graph as well: its shape is stated there too. */
static enum heft_status cut_input(struct job *job, const struct heft_wire_field *f, uint32_t tensor,
                                  uint32_t axis)
{
	const size_t at = job->texts.size;
	struct heft_graph_dim dims[HEFT_MAX_RANK];
	const uint64_t *sizes;
	struct heft_graph_value v;
	const struct heft_listed *row;
	bool is;

	if (tensor == HEFT_ONNX_NONE)
		return HEFT_OK;
	row = heft_listing_row(job->list->model.tensors, tensor);
	sizes = heft_listing_dims(job->list->model.tensors, tensor);
	HEFT_TRY(name_is(job, f, heft_listing_name(job->list->model.tensors, tensor), &is));
	if (!is)
		return HEFT_OK;
	for (uint32_t d = 0; d < row->rank; d++)
		dims[d] = (struct heft_graph_dim){ .size = sizes[d] };
	v = (struct heft_graph_value){ .name = heft_listing_name(job->list->model.tensors, tensor),
		                       .dtype = (enum heft_dtype)row->dtype,
		                       .rank = row->rank,
		                       .dims = dims };
	if (f->number == HEFT_GRAPH_INPUT)
		add_value_info(job, HEFT_GRAPH_INPUT, &v, axis);
	add_cut(job, f->at, f->off + f->size - f->at, job->graph_frame, at);
	return HEFT_OK;
}

/* L6-3: the output's declared shape has the classes where the layer's output has them. */
static enum heft_status cut_output(struct job *job, const struct heft_wire_field *f)
{
	const size_t at = job->texts.size;
	struct heft_graph_value v;
	uint32_t axis;

	HEFT_TRY(heft_graph_list_part_output(job->list, 0, 0, &v, job->err));
	if (!v.has_shape || v.dtype == HEFT_DTYPE_NONE)
		return HEFT_OK;
	axis = job->layer->class_axis == HEFT_HEAD_LAST ? v.rank - 1 : job->layer->class_axis;
	if (v.rank == 0 || axis >= v.rank ||
	    (!v.dims[axis].symbol && v.dims[axis].size != job->layer->n_old))
		return heft_fail(job->err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "no new head: output '%.100s' is declared without the %llu "
		                 "classes of the last linear layer",
		                 v.name, (unsigned long long)job->layer->n_old);
	add_value_info(job, HEFT_GRAPH_OUTPUT, &v, axis);
	add_cut(job, f->at, f->off + f->size - f->at, job->graph_frame, at);
	return HEFT_OK;
}

/* value_info is a help and no part of the meaning: what it states of values that change goes. */
static enum heft_status cut_value_info(struct job *job, const struct heft_wire_field *f)
{
	const struct heft_onnx_graph *g = &job->list->graph;

	for (uint32_t i = 0; i < job->layer->n_path; i++) {
		const uint32_t value = job->layer->path[i];
		bool is;

		HEFT_TRY(name_is(job, f, heft_onnx_text(g, heft_onnx_value(g, value)->name), &is));
		if (!is)
			continue;
		add_cut(job, f->at, f->off + f->size - f->at, job->graph_frame, job->texts.size);
		return HEFT_OK;
	}
	return HEFT_OK;
}

static enum heft_status cut_field(struct job *job, const struct heft_wire_field *f)
{
	const struct heft_head_layer *l = job->layer;

	if (f->type != HEFT_WIRE_BYTES)
		return HEFT_OK;
	if (f->number == HEFT_GRAPH_OUTPUT)
		return cut_output(job, f);
	if (f->number == HEFT_GRAPH_VALUE_INFO)
		HEFT_TRY(cut_value_info(job, f));
	if (f->number != HEFT_GRAPH_INPUT && f->number != HEFT_GRAPH_VALUE_INFO)
		return HEFT_OK;
	HEFT_TRY(cut_input(job, f, l->weight, l->weight_axis));
	return cut_input(job, f, l->bias, l->bias_axis);
}

static enum heft_status plan_cuts(struct job *job)
{
	const struct heft_onnx_model *model = &job->list->model;
	const struct heft_onnx_frame *graph;
	struct heft_wire_message m;
	struct heft_wire_field f;
	bool has;

	job->graph_frame = model->weights[job->layer->weight].frame;
	while (model->frames[job->graph_frame].parent != HEFT_ONNX_NONE)
		job->graph_frame = model->frames[job->graph_frame].parent;
	graph = &model->frames[job->graph_frame];
	m = (struct heft_wire_message){ graph->off, graph->off + graph->size };
	HEFT_TRY(cut_dims(job, job->layer->weight, job->layer->weight_axis));
	if (job->layer->bias != HEFT_ONNX_NONE)
		HEFT_TRY(cut_dims(job, job->layer->bias, job->layer->bias_axis));
	for (;;) {
		HEFT_TRY(heft_wire_next(&job->in, &m, &f, &has, job->err));
		if (!has)
			return HEFT_OK;
		HEFT_TRY(cut_field(job, &f));
	}
}

/* --- the copy --- */

static int by_place(const void *a, const void *b)
{
	const struct planned_cut *x = a;
	const struct planned_cut *y = b;

	return (x->off > y->off) - (x->off < y->off);
}

static void rewind_cuts(void *ctx)
{
	((struct job *)ctx)->n_passed = 0;
}

static enum heft_status next_cut(void *ctx, struct heft_cut *cut, bool *has, struct heft_error *err)
{
	struct job *job = ctx;
	const struct planned_cut *planned =
		(const struct planned_cut *)(const void *)job->cuts.bytes + job->n_passed;

	(void)err;
	*has = job->n_passed < job->cuts.size / sizeof *planned;
	if (!*has)
		return HEFT_OK;
	job->n_passed++;
	*cut = (struct heft_cut){ .off = planned->off,
		                  .n = planned->n,
		                  .bytes = planned->bytes_size > 0
		                                   ? job->texts.bytes + planned->bytes_at
		                                   : NULL,
		                  .bytes_size = planned->bytes_size,
		                  .weight = HEFT_ONNX_NONE,
		                  .frame = planned->frame };
	return HEFT_OK;
}

struct target {
	struct job *job;
	struct heft_buffer *graph;
};

static enum heft_status take_piece(void *ctx, const struct heft_splice_piece *piece,
                                   struct heft_error *err)
{
	struct target *t = ctx;
	const size_t n = (size_t)piece->size;

	if (!heft_buffer_reserve(t->graph, n))
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a graph");
	if (piece->bytes)
		memcpy(t->graph->bytes + t->graph->size, piece->bytes, n);
	else
		HEFT_TRY(heft_wire_copy(&t->job->in, piece->from, t->graph->bytes + t->graph->size,
		                        n, err));
	t->graph->size += n;
	return HEFT_OK;
}

static enum heft_status splice(struct job *job, struct heft_buffer *graph)
{
	const struct heft_cut_source source = { rewind_cuts, next_cut, job };
	struct target target = { job, graph };
	struct heft_splice s;
	enum heft_status st;

	if (!job->cuts.ok || !job->texts.ok)
		return no_memory(job);
	qsort(job->cuts.bytes, job->cuts.size / sizeof(struct planned_cut),
	      sizeof(struct planned_cut), by_place);
	HEFT_TRY(heft_splice_init(&s, &job->in, &job->list->model, &source, job->err));
	st = heft_splice_walk(&s, take_piece, &target, job->err);
	heft_splice_done(&s);
	return st;
}

enum heft_status heft_head_graph(const struct heft_graph_list *list,
                                 const struct heft_head_layer *layer, uint64_t n_classes,
                                 struct heft_buffer *graph, struct heft_error *err)
{
	struct job job = { .list = list, .layer = layer, .n_classes = n_classes, .err = err };
	enum heft_status st;

	heft_wire_input_memory(&job.in, list->in.bytes, list->in.size);
	heft_buffer_init(&job.cuts);
	heft_buffer_init(&job.texts);
	st = plan_cuts(&job);
	if (st == HEFT_OK)
		st = splice(&job, graph);
	heft_buffer_done(&job.cuts);
	heft_buffer_done(&job.texts);
	heft_wire_input_done(&job.in);
	return st;
}
