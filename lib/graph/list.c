/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - a graph for whoever wants to look at it: heft/graph.h on top of what lib/onnx reads. */
#include "graph/list_state.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "format/shared.h"

#define MAX_SIZE ((size_t)40 << 20) /* some 400,000 nodes */
#define MAX_ROOM ((size_t)16 << 20)

/* The file's tensor of each of the graph's weights. */
static enum heft_status bind_tensors(struct heft_graph_list *list, struct heft_file *file,
                                     struct heft_error *err)
{
	const struct heft_listing *tensors = list->model.tensors;
	const uint32_t n = heft_listing_n(tensors);
	struct heft_tensor t;

	list->tensors = heft_alloc_array(n, sizeof *list->tensors);
	if (!list->tensors)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a graph");
	for (uint32_t i = 0; i < n; i++) {
		const enum heft_space space = (enum heft_space)heft_listing_row(tensors, i)->space;
		const enum heft_status st = heft_find_in(file, space, heft_listing_name(tensors, i),
		                                         &t, err);

		if (st != HEFT_OK && st != HEFT_E_NOT_FOUND)
			return st;
		list->tensors[i] = st == HEFT_OK ? t.index : HEFT_GRAPH_NONE;
	}
	return HEFT_OK;
}

static enum heft_status read_list(struct heft_graph_list *list, struct heft_file *file,
                                  size_t max_size, struct heft_error *err)
{
	const struct heft_limits limits = heft_format_limits(NULL);
	const void *graph;
	size_t size;

	HEFT_TRY(heft_graph(file, &graph, &size, err));
	if (size == 0)
		return heft_fail(err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET, "the file has no graph");
	heft_wire_input_memory(&list->in, graph, size);
	HEFT_TRY(heft_onnx_scan(&list->in, &limits, true, &list->model, err));
	list->has_model = true;
	HEFT_TRY(heft_onnx_graph_read(&list->in, &list->model, max_size, &list->graph, err));
	list->has_graph = true;
	HEFT_TRY(bind_tensors(list, file, err));
	return heft_graph_list_read_types(list, err);
}

enum heft_status heft_graph_list_read(struct heft_file *file, size_t max_size, size_t max_room,
                                      struct heft_graph_list **list, struct heft_error *err)
{
	struct heft_graph_list *l = heft_zalloc(sizeof *l);
	enum heft_status st;

	if (!l)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a graph");
	heft_buffer_init(&l->dims);
	heft_buffer_init(&l->symbols);
	l->max_room = max_room;
	st = read_list(l, file, max_size, err);
	if (st != HEFT_OK) {
		heft_graph_list_close(l);
		return st;
	}
	*list = l;
	return HEFT_OK;
}

enum heft_status heft_graph_list_open(struct heft_file *file, struct heft_graph_list **list,
                                      struct heft_error *err)
{
	return heft_graph_list_read(file, MAX_SIZE, MAX_ROOM, list, err);
}

void heft_graph_list_close(struct heft_graph_list *list)
{
	if (!list)
		return;
	if (list->has_graph)
		heft_onnx_graph_done(&list->graph);
	if (list->has_model)
		heft_onnx_model_done(&list->model);
	heft_buffer_done(&list->dims);
	heft_buffer_done(&list->symbols);
	heft_free(list->tensors);
	heft_free(list->types);
	heft_free(list);
}

void heft_graph_list_facts(const struct heft_graph_list *list, struct heft_graph_facts *facts)
{
	const struct heft_onnx_graph *g = &list->graph;

	*facts = (struct heft_graph_facts){
		.name = heft_onnx_text(g, heft_onnx_scope(g, 0)->name),
		.domain = heft_onnx_text(g, g->domain),
		.producer_name = heft_onnx_text(g, g->producer_name),
		.producer_version = heft_onnx_text(g, g->producer_version),
		.model_version = g->model_version,
		.ir_version = list->model.ir_version,
		.n_opsets = heft_onnx_n_opsets(g),
		.n_parts = heft_onnx_n_scopes(g),
		.n_nodes = heft_onnx_n_nodes(g),
	};
	for (uint32_t i = 0; i < facts->n_parts; i++)
		facts->n_functions += heft_onnx_scope(g, i)->kind == HEFT_ONNX_GRAPH_FUNCTION;
}

static enum heft_status check_index(uint32_t i, uint32_t n, const char *what,
                                    struct heft_error *err)
{
	if (i < n)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s %u of %u", what, i, n);
}

enum heft_status heft_graph_list_opset(const struct heft_graph_list *list, uint32_t i,
                                       struct heft_graph_opset *opset, struct heft_error *err)
{
	const struct heft_onnx_graph *g = &list->graph;

	HEFT_TRY(check_index(i, heft_onnx_n_opsets(g), "operator set", err));
	*opset = (struct heft_graph_opset){
		.domain = heft_onnx_text(g, heft_onnx_opset(g, i)->domain),
		.version = heft_onnx_opset(g, i)->version,
	};
	return HEFT_OK;
}

static enum heft_graph_part_kind part_kind(enum heft_onnx_graph_kind kind)
{
	switch (kind) {
	case HEFT_ONNX_GRAPH_MAIN:
		return HEFT_GRAPH_MAIN;
	case HEFT_ONNX_GRAPH_SUB:
		return HEFT_GRAPH_SUBGRAPH;
	case HEFT_ONNX_GRAPH_FUNCTION:
		return HEFT_GRAPH_FUNCTION;
	default:
		return HEFT_GRAPH_TRAINING;
	}
}

enum heft_status heft_graph_list_part(const struct heft_graph_list *list, uint32_t i,
                                      struct heft_graph_part *part, struct heft_error *err)
{
	const struct heft_onnx_graph *g = &list->graph;
	const struct heft_onnx_scope *s;
	bool is_function;

	HEFT_TRY(check_index(i, heft_onnx_n_scopes(g), "part", err));
	s = heft_onnx_scope(g, i);
	is_function = s->kind == HEFT_ONNX_GRAPH_FUNCTION;
	*part = (struct heft_graph_part){
		.name = heft_onnx_text(g, s->name),
		.domain = heft_onnx_text(g, s->domain),
		.overload = heft_onnx_text(g, is_function ? s->attribute : 0),
		.attribute = heft_onnx_text(g, is_function ? 0 : s->attribute),
		.kind = part_kind((enum heft_onnx_graph_kind)s->kind),
		.ordinal = s->ordinal,
		.node = s->owner,
		.depth = s->depth,
		.first_node = s->first_node,
		.end_node = s->end_node,
		.n_nodes = s->n_nodes,
		.n_inputs = s->n_inputs,
		.n_outputs = s->n_outputs,
	};
	return HEFT_OK;
}

enum heft_status heft_graph_list_node(const struct heft_graph_list *list, uint32_t i,
                                      struct heft_graph_node *node, struct heft_error *err)
{
	const struct heft_onnx_graph *g = &list->graph;
	const struct heft_onnx_node *n;

	HEFT_TRY(check_index(i, heft_onnx_n_nodes(g), "node", err));
	n = heft_onnx_node(g, i);
	*node = (struct heft_graph_node){
		.name = heft_onnx_text(g, n->name),
		.op = heft_onnx_text(g, n->op),
		.domain = heft_onnx_text(g, n->domain),
		.overload = heft_onnx_text(g, n->overload),
		.part = n->graph,
		.depth = heft_onnx_scope(g, n->graph)->depth,
		.n_inputs = n->n_inputs,
		.n_outputs = n->n_outputs,
		.n_attributes = n->n_attributes,
	};
	return HEFT_OK;
}

/* --- values --- */

static void describe(const struct heft_graph_list *list, uint32_t ref,
                     struct heft_graph_value *value)
{
	const struct heft_onnx_graph *g = &list->graph;
	const struct heft_graph_type *type;
	const struct heft_onnx_value *v;

	*value = (struct heft_graph_value){
		.name = "",
		.type = "",
		.dtype = HEFT_DTYPE_NONE,
		.index = HEFT_GRAPH_NONE,
		.node = HEFT_GRAPH_NONE,
		.tensor = HEFT_GRAPH_NONE,
	};
	if (ref == HEFT_ONNX_NONE)
		return;
	v = heft_onnx_value(g, ref);
	type = &list->types[ref];
	value->name = heft_onnx_text(g, v->name);
	value->type = type->name;
	value->dtype = (enum heft_dtype)type->dtype;
	value->has_shape = type->has_shape;
	value->is_constant = v->is_constant;
	value->rank = type->rank;
	if (type->rank > 0)
		value->dims = (const struct heft_graph_dim *)(const void *)list->dims.bytes +
		              type->dims_at;
	value->index = ref;
	value->node = v->node;
	if (v->tensor != HEFT_ONNX_NONE)
		value->tensor = list->tensors[v->tensor];
}

static enum heft_status describe_ref(const struct heft_graph_list *list, uint32_t at, uint32_t k,
                                     uint32_t n, const char *what, struct heft_graph_value *value,
                                     struct heft_error *err)
{
	HEFT_TRY(check_index(k, n, what, err));
	describe(list, *heft_onnx_ref(&list->graph, (size_t)at + k), value);
	return HEFT_OK;
}

enum heft_status heft_graph_list_part_input(const struct heft_graph_list *list, uint32_t part,
                                            uint32_t k, struct heft_graph_value *value,
                                            struct heft_error *err)
{
	const struct heft_onnx_scope *s;

	HEFT_TRY(check_index(part, heft_onnx_n_scopes(&list->graph), "part", err));
	s = heft_onnx_scope(&list->graph, part);
	return describe_ref(list, s->inputs_at, k, s->n_inputs, "input", value, err);
}

enum heft_status heft_graph_list_part_output(const struct heft_graph_list *list, uint32_t part,
                                             uint32_t k, struct heft_graph_value *value,
                                             struct heft_error *err)
{
	const struct heft_onnx_scope *s;

	HEFT_TRY(check_index(part, heft_onnx_n_scopes(&list->graph), "part", err));
	s = heft_onnx_scope(&list->graph, part);
	return describe_ref(list, s->outputs_at, k, s->n_outputs, "output", value, err);
}

enum heft_status heft_graph_list_input(const struct heft_graph_list *list, uint32_t node,
                                       uint32_t k, struct heft_graph_value *value,
                                       struct heft_error *err)
{
	const struct heft_onnx_node *n;

	HEFT_TRY(check_index(node, heft_onnx_n_nodes(&list->graph), "node", err));
	n = heft_onnx_node(&list->graph, node);
	return describe_ref(list, n->refs_at, k, n->n_inputs, "input", value, err);
}

enum heft_status heft_graph_list_output(const struct heft_graph_list *list, uint32_t node,
                                        uint32_t k, struct heft_graph_value *value,
                                        struct heft_error *err)
{
	const struct heft_onnx_node *n;

	HEFT_TRY(check_index(node, heft_onnx_n_nodes(&list->graph), "node", err));
	n = heft_onnx_node(&list->graph, node);
	return describe_ref(list, n->refs_at + n->n_inputs, k, n->n_outputs, "output", value, err);
}
