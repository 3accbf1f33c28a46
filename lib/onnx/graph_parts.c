/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_parts.c - reads a graph: its nodes, and what they read and make. It is gone through three
 * times, since its inputs and initializers may stand behind the nodes that use them, and what is
 * told of its values does: what lies in a message is passed over by its length, so that no byte is
 * looked at more often than graphs have passes.
 */
#include <string.h>

#include "base/error.h"
#include "onnx/fields.h"
#include "onnx/graph_reader.h"

#define FUNCTION_VALUE_INFO 12u /* since IR version 10 */

/* Where a graph's parts are in its message, which is a GraphProto or a FunctionProto. */
struct layout {
	uint32_t node;
	uint32_t input;
	uint32_t output;
	uint32_t value_info;
	bool has_names_alone; /* inputs and outputs are names, without a type */
};

static const struct layout graph_layout = { HEFT_GRAPH_NODE, HEFT_GRAPH_INPUT, HEFT_GRAPH_OUTPUT,
	                                    HEFT_GRAPH_VALUE_INFO, false };
static const struct layout function_layout = { HEFT_FUNCTION_NODE, HEFT_FUNCTION_INPUT,
	                                       HEFT_FUNCTION_OUTPUT, FUNCTION_VALUE_INFO, true };

/* The tensor whose message begins at `off`, or NONE. */
static uint32_t tensor_at(const struct heft_onnx_reader *r, uint64_t off)
{
	const struct heft_onnx_frame *frames = r->model->frames;
	uint32_t from = 0;
	uint32_t to = r->model->n_frames;

	while (from < to) {
		const uint32_t middle = from + (to - from) / 2;

		if (frames[middle].off < off)
			from = middle + 1;
		else
			to = middle;
	}
	return from < r->model->n_frames && frames[from].off == off ? r->frame_tensors[from]
	                                                            : HEFT_ONNX_NONE;
}

/* --- values --- */

static enum heft_status add_value(struct heft_onnx_reader *r, uint32_t name, uint32_t graph,
                                  uint32_t node, uint32_t *value)
{
	const struct heft_onnx_value v = {
		.name = name, .node = node, .graph = graph, .tensor = HEFT_ONNX_NONE
	};

	*value = heft_onnx_n_values(r->g);
	return heft_onnx_reader_add(r, &r->g->values, &v, sizeof v);
}

/* Adds a value that the name means from here on. */
static enum heft_status declare(struct heft_onnx_reader *r, uint32_t name, uint32_t graph,
                                uint32_t *value)
{
	HEFT_TRY(add_value(r, name, graph, HEFT_ONNX_NONE, value));
	return heft_onnx_names_set(&r->names, name, *value, r->err);
}

/* The value that the name means, or a new one of which nothing is known. */
static enum heft_status look_up(struct heft_onnx_reader *r, uint32_t name, uint32_t graph,
                                uint32_t *value)
{
	*value = heft_onnx_names_get(&r->names, name);
	return *value != HEFT_ONNX_NONE || name == 0 ? HEFT_OK : declare(r, name, graph, value);
}

static enum heft_status add_ref(struct heft_onnx_reader *r, uint32_t value)
{
	return heft_onnx_reader_add(r, &r->g->refs, &value, sizeof value);
}

static uint32_t n_refs(const struct heft_onnx_reader *r)
{
	return heft_onnx_n_refs(r->g);
}

static void set_place(struct heft_onnx_value *v, enum heft_onnx_at at,
                      const struct heft_wire_message *m)
{
	if (m->end - m->at > UINT32_MAX)
		return;
	v->at = (uint8_t)at;
	v->off = m->at;
	v->size = (uint32_t)(m->end - m->at);
}

static void set_tensor(struct heft_onnx_reader *r, uint32_t value, uint32_t tensor)
{
	if (tensor == HEFT_ONNX_NONE)
		return;
	heft_onnx_value(r->g, value)->tensor = tensor;
	r->g->tensor_values[tensor] = value;
}

/* A TensorProto that is the value: a weight, or a constant that stays in the graph. */
static void set_constant(struct heft_onnx_reader *r, uint32_t value,
                         const struct heft_wire_message *m)
{
	struct heft_onnx_value *v = heft_onnx_value(r->g, value);

	v->is_constant = true;
	set_place(v, HEFT_ONNX_AT_TENSOR, m);
	set_tensor(r, value, tensor_at(r, m->at));
}

static enum heft_status find_message(struct heft_onnx_reader *r, struct heft_wire_message m,
                                     uint32_t number, struct heft_wire_message *inner)
{
	struct heft_wire_field f;
	bool has;

	*inner = (struct heft_wire_message){ 0, 0 };
	for (;;) {
		HEFT_TRY(heft_onnx_reader_next(r, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.number == number && f.type == HEFT_WIRE_BYTES)
			*inner = heft_wire_inner(&f);
	}
}

static enum heft_status set_sparse(struct heft_onnx_reader *r, uint32_t value,
                                   struct heft_wire_message m)
{
	struct heft_wire_message values;
	struct heft_wire_message indices;
	uint32_t tensor;

	HEFT_TRY(find_message(r, m, HEFT_SPARSE_VALUES, &values));
	HEFT_TRY(find_message(r, m, HEFT_SPARSE_INDICES, &indices));
	heft_onnx_value(r->g, value)->is_constant = true;
	heft_onnx_value(r->g, value)->is_sparse = true;
	tensor = tensor_at(r, indices.at);
	if (tensor != HEFT_ONNX_NONE)
		r->g->tensor_values[tensor] = value;
	set_tensor(r, value, tensor_at(r, values.at));
	return HEFT_OK;
}

static enum heft_status add_initializer(struct heft_onnx_reader *r, const struct heft_wire_field *f,
                                        uint32_t graph)
{
	struct heft_wire_message m = heft_wire_inner(f);
	struct heft_wire_message values;
	uint32_t name;
	uint32_t value;

	if (f->number == HEFT_GRAPH_INITIALIZER) {
		HEFT_TRY(heft_onnx_reader_find_text(r, m, HEFT_TENSOR_NAME, &name));
	} else {
		HEFT_TRY(find_message(r, m, HEFT_SPARSE_VALUES, &values));
		HEFT_TRY(heft_onnx_reader_find_text(r, values, HEFT_TENSOR_NAME, &name));
	}
	value = heft_onnx_names_get(&r->names, name);
	/* It may be an input too, which it is then the usual value of. */
	if (value == HEFT_ONNX_NONE || heft_onnx_value(r->g, value)->graph != graph)
		HEFT_TRY(declare(r, name, graph, &value));
	if (f->number == HEFT_GRAPH_SPARSE_INITIALIZER)
		return set_sparse(r, value, m);
	set_constant(r, value, &m);
	return HEFT_OK;
}

/* ValueInfoProto: name = 1, type = 2. */
static enum heft_status read_value_info(struct heft_onnx_reader *r, const struct heft_wire_field *f,
                                        uint32_t *name, struct heft_wire_message *type)
{
	HEFT_TRY(heft_onnx_reader_find_text(r, heft_wire_inner(f), 1, name));
	return find_message(r, heft_wire_inner(f), 2, type);
}

static void set_type(struct heft_onnx_reader *r, uint32_t value,
                     const struct heft_wire_message *type)
{
	struct heft_onnx_value *v = heft_onnx_value(r->g, value);

	if (v->at == HEFT_ONNX_AT_NOTHING && type->end > type->at)
		set_place(v, HEFT_ONNX_AT_TYPE, type);
}

/* --- nodes --- */

static enum heft_status read_subgraph(struct heft_onnx_reader *r, const struct heft_wire_field *f,
                                      uint32_t node, uint32_t attribute, uint32_t ordinal)
{
	const uint32_t parent = heft_onnx_node(r->g, node)->graph;
	struct heft_onnx_scope scope = {
		.attribute = attribute,
		.ordinal = ordinal,
		.owner = node,
		.parent = parent,
		.depth = heft_onnx_scope(r->g, parent)->depth + 1,
		.kind = HEFT_ONNX_GRAPH_SUB,
	};
	size_t mark;

	if (scope.depth > HEFT_ONNX_GRAPH_MAX_DEPTH)
		return heft_fail(r->err, HEFT_E_LIMIT, f->at, "subgraphs lie more than %u deep",
		                 HEFT_ONNX_GRAPH_MAX_DEPTH);
	mark = heft_onnx_names_mark(&r->names);
	HEFT_TRY(heft_onnx_reader_graph(r, heft_wire_inner(f), &scope));
	heft_onnx_names_back(&r->names, mark);
	return HEFT_OK;
}

/* Of a Constant: its first output is what its attribute says. */
static enum heft_status set_constant_node(struct heft_onnx_reader *r,
                                          const struct heft_wire_field *f,
                                          const struct heft_onnx_attribute *a, uint32_t value)
{
	const struct heft_wire_message inner = heft_wire_inner(f);
	const struct heft_wire_message whole = { a->off, a->off + a->size };
	struct heft_onnx_value *v = heft_onnx_value(r->g, value);

	v->is_constant = true;
	if (f->number == HEFT_ATTRIBUTE_T && f->type == HEFT_WIRE_BYTES)
		set_constant(r, value, &inner);
	else if (f->number == HEFT_ATTRIBUTE_SPARSE_TENSOR && f->type == HEFT_WIRE_BYTES)
		return set_sparse(r, value, inner);
	else if (v->at == HEFT_ONNX_AT_NOTHING) {
		set_place(v, HEFT_ONNX_AT_ATTRIBUTE, &whole);
		set_tensor(r, value, tensor_at(r, a->off));
	}
	return HEFT_OK;
}

static enum heft_status read_attribute(struct heft_onnx_reader *r, uint32_t node, uint32_t i,
                                       uint32_t value)
{
	const struct heft_onnx_attribute a = *heft_onnx_attribute(r->g, i);
	struct heft_wire_message m = { a.off, a.off + a.size };
	struct heft_wire_field f;
	uint32_t n_graphs = 0;
	bool has;

	for (;;) {
		HEFT_TRY(heft_onnx_reader_next(r, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.number == HEFT_ATTRIBUTE_G && f.type == HEFT_WIRE_BYTES)
			HEFT_TRY(read_subgraph(r, &f, node, a.name, HEFT_ONNX_NONE));
		else if (f.number == HEFT_ATTRIBUTE_GRAPHS && f.type == HEFT_WIRE_BYTES)
			HEFT_TRY(read_subgraph(r, &f, node, a.name, n_graphs++));
		else if (value != HEFT_ONNX_NONE && f.number != HEFT_ATTRIBUTE_NAME)
			HEFT_TRY(set_constant_node(r, &f, &a, value));
	}
}

static enum heft_status add_attribute(struct heft_onnx_reader *r, const struct heft_wire_field *f)
{
	struct heft_onnx_attribute a = { .off = f->off, .size = (uint32_t)f->size };

	if (f->size > UINT32_MAX)
		return heft_fail(r->err, HEFT_E_LIMIT, f->at, "an attribute is too large");
	HEFT_TRY(heft_onnx_reader_find_text(r, heft_wire_inner(f), HEFT_ATTRIBUTE_NAME, &a.name));
	return heft_onnx_reader_add(r, &r->g->attributes, &a, sizeof a);
}

/* All but the outputs. */
static enum heft_status read_node_parts(struct heft_onnx_reader *r, struct heft_wire_message m,
                                        struct heft_onnx_node *node)
{
	struct heft_wire_field f;
	uint32_t text;
	uint32_t value;
	bool has;

	for (;;) {
		HEFT_TRY(heft_onnx_reader_next(r, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.type != HEFT_WIRE_BYTES)
			continue;
		if (f.number == HEFT_NODE_INPUT) {
			HEFT_TRY(heft_onnx_reader_text(r, &f, &text));
			HEFT_TRY(look_up(r, text, node->graph, &value));
			HEFT_TRY(add_ref(r, value));
			node->n_inputs++;
		} else if (f.number == HEFT_NODE_ATTRIBUTE) {
			HEFT_TRY(add_attribute(r, &f));
			node->n_attributes++;
		} else if (f.number == HEFT_NODE_NAME) {
			HEFT_TRY(heft_onnx_reader_text(r, &f, &node->name));
		} else if (f.number == HEFT_NODE_OP_TYPE) {
			HEFT_TRY(heft_onnx_reader_text(r, &f, &node->op));
		} else if (f.number == HEFT_NODE_DOMAIN) {
			HEFT_TRY(heft_onnx_reader_text(r, &f, &node->domain));
		} else if (f.number == HEFT_NODE_OVERLOAD) {
			HEFT_TRY(heft_onnx_reader_text(r, &f, &node->overload));
		}
	}
}

static enum heft_status read_node_outputs(struct heft_onnx_reader *r, struct heft_wire_message m,
                                          struct heft_onnx_node *node, uint32_t node_i)
{
	struct heft_wire_field f;
	uint32_t text;
	uint32_t value;
	bool has;

	for (;;) {
		HEFT_TRY(heft_onnx_reader_next(r, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.number != HEFT_NODE_OUTPUT || f.type != HEFT_WIRE_BYTES)
			continue;
		HEFT_TRY(heft_onnx_reader_text(r, &f, &text));
		value = HEFT_ONNX_NONE;
		if (text != 0)
			HEFT_TRY(add_value(r, text, node->graph, node_i, &value));
		HEFT_TRY(add_ref(r, value));
		node->n_outputs++;
	}
}

static bool is_constant_node(const struct heft_onnx_graph *g, const struct heft_onnx_node *node)
{
	const char *domain = heft_onnx_text(g, node->domain);

	return strcmp(heft_onnx_text(g, node->op), "Constant") == 0 &&
	       (*domain == '\0' || strcmp(domain, "ai.onnx") == 0);
}

/* The names of a node's outputs mean something behind it, and not in its subgraphs. */
static enum heft_status read_node(struct heft_onnx_reader *r, const struct heft_wire_field *f,
                                  uint32_t graph)
{
	const uint32_t node_i = heft_onnx_n_nodes(r->g);
	struct heft_onnx_node node = {
		.graph = graph,
		.refs_at = n_refs(r),
		.attributes_at = heft_onnx_n_attributes(r->g),
	};
	uint32_t constant = HEFT_ONNX_NONE;

	HEFT_TRY(read_node_parts(r, heft_wire_inner(f), &node));
	HEFT_TRY(read_node_outputs(r, heft_wire_inner(f), &node, node_i));
	HEFT_TRY(heft_onnx_reader_add(r, &r->g->nodes, &node, sizeof node));
	heft_onnx_scope(r->g, graph)->n_nodes++;
	if (is_constant_node(r->g, &node) && node.n_outputs > 0)
		constant = *heft_onnx_ref(r->g, node.refs_at + node.n_inputs);
	for (uint32_t i = 0; i < node.n_attributes; i++)
		HEFT_TRY(read_attribute(r, node_i, node.attributes_at + i, constant));
	for (uint32_t i = 0; i < node.n_outputs; i++) {
		const uint32_t value = *heft_onnx_ref(r->g, node.refs_at + node.n_inputs + i);

		if (value != HEFT_ONNX_NONE)
			HEFT_TRY(heft_onnx_names_set(&r->names, heft_onnx_value(r->g, value)->name,
			                             value, r->err));
	}
	return HEFT_OK;
}

/* --- graphs --- */

static enum heft_status add_input(struct heft_onnx_reader *r, const struct layout *at,
                                  const struct heft_wire_field *f, uint32_t graph)
{
	struct heft_wire_message type = { 0, 0 };
	uint32_t name;
	uint32_t value;

	if (at->has_names_alone)
		HEFT_TRY(heft_onnx_reader_text(r, f, &name));
	else
		HEFT_TRY(read_value_info(r, f, &name, &type));
	HEFT_TRY(declare(r, name, graph, &value));
	set_type(r, value, &type);
	return add_ref(r, value);
}

/* The inputs, in their order, before the initializers, which may give them values. */
static enum heft_status read_inputs(struct heft_onnx_reader *r, struct heft_wire_message m,
                                    const struct layout *at, uint32_t graph)
{
	struct heft_wire_field f;
	uint32_t n = 0;
	bool has;

	heft_onnx_scope(r->g, graph)->inputs_at = n_refs(r);
	for (;;) {
		HEFT_TRY(heft_onnx_reader_next(r, &m, &f, &has));
		if (!has)
			break;
		if (f.number != at->input || f.type != HEFT_WIRE_BYTES)
			continue;
		HEFT_TRY(add_input(r, at, &f, graph));
		n++;
	}
	heft_onnx_scope(r->g, graph)->n_inputs = n;
	return HEFT_OK;
}

static enum heft_status read_initializers(struct heft_onnx_reader *r, struct heft_wire_message m,
                                          uint32_t graph)
{
	struct heft_wire_field f;
	bool has;

	for (;;) {
		HEFT_TRY(heft_onnx_reader_next(r, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.type == HEFT_WIRE_BYTES && (f.number == HEFT_GRAPH_INITIALIZER ||
		                                  f.number == HEFT_GRAPH_SPARSE_INITIALIZER))
			HEFT_TRY(add_initializer(r, &f, graph));
	}
}

static enum heft_status read_nodes(struct heft_onnx_reader *r, struct heft_wire_message m,
                                   const struct layout *at, uint32_t graph)
{
	struct heft_wire_field f;
	bool has;

	for (;;) {
		HEFT_TRY(heft_onnx_reader_next(r, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.number == at->node && f.type == HEFT_WIRE_BYTES)
			HEFT_TRY(read_node(r, &f, graph));
	}
}

static enum heft_status read_value(struct heft_onnx_reader *r, const struct layout *at,
                                   const struct heft_wire_field *f, uint32_t graph)
{
	const bool is_output = f->number == at->output;
	struct heft_wire_message type = { 0, 0 };
	uint32_t name;
	uint32_t value;

	if (is_output && at->has_names_alone)
		HEFT_TRY(heft_onnx_reader_text(r, f, &name));
	else
		HEFT_TRY(read_value_info(r, f, &name, &type));
	if (is_output)
		HEFT_TRY(look_up(r, name, graph, &value));
	else
		value = heft_onnx_names_get(&r->names, name);
	if (value != HEFT_ONNX_NONE && heft_onnx_value(r->g, value)->graph == graph)
		set_type(r, value, &type);
	if (!is_output)
		return HEFT_OK;
	heft_onnx_scope(r->g, graph)->n_outputs++;
	return add_ref(r, value);
}

/* The outputs, in their order, and the types of values. */
static enum heft_status read_values(struct heft_onnx_reader *r, struct heft_wire_message m,
                                    const struct layout *at, uint32_t graph)
{
	struct heft_wire_field f;
	bool has;

	heft_onnx_scope(r->g, graph)->outputs_at = n_refs(r);
	for (;;) {
		HEFT_TRY(heft_onnx_reader_next(r, &m, &f, &has));
		if (!has)
			return HEFT_OK;
		if (f.type == HEFT_WIRE_BYTES &&
		    (f.number == at->output || f.number == at->value_info))
			HEFT_TRY(read_value(r, at, &f, graph));
	}
}

static enum heft_status read_graph_names(struct heft_onnx_reader *r, struct heft_wire_message m,
                                         struct heft_onnx_scope *scope)
{
	if (scope->kind != HEFT_ONNX_GRAPH_FUNCTION)
		return heft_onnx_reader_find_text(r, m, HEFT_GRAPH_NAME, &scope->name);
	HEFT_TRY(heft_onnx_reader_find_text(r, m, HEFT_FUNCTION_NAME, &scope->name));
	HEFT_TRY(heft_onnx_reader_find_text(r, m, HEFT_FUNCTION_DOMAIN, &scope->domain));
	return heft_onnx_reader_find_text(r, m, HEFT_FUNCTION_OVERLOAD, &scope->attribute);
}

enum heft_status heft_onnx_reader_graph(struct heft_onnx_reader *r, struct heft_wire_message m,
                                        struct heft_onnx_scope *scope)
{
	const bool is_function = scope->kind == HEFT_ONNX_GRAPH_FUNCTION;
	const struct layout *at = is_function ? &function_layout : &graph_layout;
	const uint32_t graph = heft_onnx_n_scopes(r->g);

	HEFT_TRY(read_graph_names(r, m, scope));
	scope->first_node = heft_onnx_n_nodes(r->g);
	HEFT_TRY(heft_onnx_reader_add(r, &r->g->scopes, scope, sizeof *scope));
	HEFT_TRY(read_inputs(r, m, at, graph));
	if (!is_function)
		HEFT_TRY(read_initializers(r, m, graph));
	HEFT_TRY(read_nodes(r, m, at, graph));
	HEFT_TRY(read_values(r, m, at, graph));
	heft_onnx_scope(r->g, graph)->end_node = heft_onnx_n_nodes(r->g);
	return HEFT_OK;
}
