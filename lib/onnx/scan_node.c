/* SPDX-License-Identifier: Apache-2.0 */
/* scan_node.c - the nodes of a graph: those that are Constants, and those that have graphs of their
 * own (spec/foreign/onnx.md, O2-1 and O2-4). */
#include <string.h>

#include "base/error.h"
#include "onnx/fields.h"
#include "onnx/scan.h"

struct node {
	struct heft_onnx_span name;
	struct heft_onnx_span first_output; /* of index 0 */
	struct heft_onnx_span some_output;  /* the first that is not empty */
	struct heft_onnx_span op_type;
	struct heft_onnx_span domain;
	uint64_t n_outputs;
	bool has_attributes;
	bool is_constant;
};

struct attribute {
	struct heft_onnx_span name;
	struct heft_onnx_span ref_name;
	struct heft_wire_field t;
	struct heft_wire_field g;
	struct heft_wire_field sparse;
	struct heft_onnx_numbers floats;
	uint64_t n_taken; /* floats that a graph says were taken out */
	uint64_t n_graphs;
};

static void note_node_field(struct node *node, const struct heft_wire_field *f)
{
	switch (f->number) {
	case HEFT_NODE_OUTPUT:
		if (node->n_outputs++ == 0)
			node->first_output = heft_onnx_span(f);
		if (node->some_output.size == 0)
			node->some_output = heft_onnx_span(f);
		break;
	case HEFT_NODE_NAME:
		node->name = heft_onnx_span(f);
		break;
	case HEFT_NODE_OP_TYPE:
		node->op_type = heft_onnx_span(f);
		break;
	case HEFT_NODE_DOMAIN:
		node->domain = heft_onnx_span(f);
		break;
	default:
		node->has_attributes = true;
	}
}

static enum heft_status look_over_node(struct heft_onnx_walk *w,
                                       const struct heft_wire_field *field, struct node *node,
                                       struct heft_error *err)
{
	static const uint8_t types[32] = {
		[HEFT_NODE_OUTPUT] = HEFT_ONNX_BYTES,    [HEFT_NODE_NAME] = HEFT_ONNX_BYTES,
		[HEFT_NODE_OP_TYPE] = HEFT_ONNX_BYTES,   [HEFT_NODE_DOMAIN] = HEFT_ONNX_BYTES,
		[HEFT_NODE_ATTRIBUTE] = HEFT_ONNX_BYTES,
	};
	struct heft_wire_message message = heft_wire_inner(field);
	struct heft_wire_field f;
	bool is_onnx = true;
	bool has;

	*node = (struct node){ .n_outputs = 0 };
	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, types, &f, &has, err));
		if (!has)
			break;
		note_node_field(node, &f);
	}
	if (!node->has_attributes)
		return HEFT_OK;
	if (node->domain.size > 0)
		HEFT_TRY(heft_onnx_is(w, node->domain, "ai.onnx", &is_onnx, err));
	if (is_onnx)
		HEFT_TRY(heft_onnx_is(w, node->op_type, "Constant", &node->is_constant, err));
	return HEFT_OK;
}

static enum heft_status note_attribute_field(struct attribute *a, const struct heft_wire_field *f,
                                             struct heft_error *err)
{
	switch (f->number) {
	case HEFT_ATTRIBUTE_NAME:
		a->name = heft_onnx_span(f);
		return HEFT_OK;
	case HEFT_ATTRIBUTE_REF_NAME:
		a->ref_name = heft_onnx_span(f);
		return HEFT_OK;
	case HEFT_ATTRIBUTE_T:
		return heft_onnx_once(&a->t, f, err);
	case HEFT_ATTRIBUTE_G:
		return heft_onnx_once(&a->g, f, err);
	case HEFT_ATTRIBUTE_SPARSE_TENSOR:
		return heft_onnx_once(&a->sparse, f, err);
	case HEFT_ATTRIBUTE_GRAPHS:
		a->n_graphs++;
		return HEFT_OK;
	case HEFT_ATTRIBUTE_FLOATS:
		heft_onnx_note_numbers(&a->floats, f);
		return HEFT_OK;
	default: /* HEFT_ONNX_N_FLOATS */
		a->n_taken = f->value;
		return HEFT_OK;
	}
}

static const uint8_t attribute_types[32] = {
	[0] = HEFT_ONNX_VARINT,
	[HEFT_ATTRIBUTE_NAME] = HEFT_ONNX_BYTES,
	[HEFT_ATTRIBUTE_T] = HEFT_ONNX_BYTES,
	[HEFT_ATTRIBUTE_G] = HEFT_ONNX_BYTES,
	[HEFT_ATTRIBUTE_FLOATS] = HEFT_ONNX_FIXED32 | HEFT_ONNX_BYTES,
	[HEFT_ATTRIBUTE_GRAPHS] = HEFT_ONNX_BYTES,
	[HEFT_ATTRIBUTE_REF_NAME] = HEFT_ONNX_BYTES,
	[HEFT_ATTRIBUTE_SPARSE_TENSOR] = HEFT_ONNX_BYTES,
};

static enum heft_status look_over_attribute(struct heft_onnx_walk *w,
                                            const struct heft_wire_field *field,
                                            struct attribute *a, struct heft_error *err)
{
	uint8_t types[32];
	struct heft_wire_message message = heft_wire_inner(field);
	struct heft_wire_field f;
	bool has;

	memcpy(types, attribute_types, sizeof types);
	if (!w->is_graph)
		types[0] = 0;
	*a = (struct attribute){ .n_taken = 0 };
	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, types, &f, &has, err));
		if (!has)
			return HEFT_OK;
		HEFT_TRY(note_attribute_field(a, &f, err));
	}
}

/* O2-4: what stands before the names of a graph that belongs to a node. */
static enum heft_status scan_subgraph(struct heft_onnx_walk *w, const struct heft_wire_field *field,
                                      const struct node *node, const struct attribute *a,
                                      uint32_t graph_i, struct heft_error *err)
{
	const size_t before = w->name.size;
	struct heft_onnx_span label = node->name;

	if (label.size == 0)
		label = node->some_output;
	if (label.size == 0)
		label = node->op_type;
	HEFT_TRY(heft_onnx_name_span(w, label, err));
	heft_onnx_name_text(w, ".");
	HEFT_TRY(heft_onnx_name_span(w, a->name, err));
	heft_onnx_name_text(w, ".");
	if (field->number == HEFT_ATTRIBUTE_GRAPHS) {
		heft_onnx_name_number(w, graph_i);
		heft_onnx_name_text(w, ".");
	}
	HEFT_TRY(heft_onnx_scan_graph(w, field, err));
	w->name.size = before;
	return HEFT_OK;
}

/* Which of an attribute's values are a Constant's weights. */
struct wanted {
	bool value;
	bool floats;
	bool sparse;
};

static enum heft_status what_is_wanted(struct heft_onnx_walk *w, const struct node *node,
                                       const struct attribute *a, struct wanted *wanted,
                                       struct heft_error *err)
{
	*wanted = (struct wanted){ false, false, false };
	if (!node->is_constant || a->ref_name.size > 0)
		return HEFT_OK;
	HEFT_TRY(heft_onnx_is(w, a->name, "value", &wanted->value, err));
	HEFT_TRY(heft_onnx_is(w, a->name, "value_floats", &wanted->floats, err));
	return heft_onnx_is(w, a->name, "sparse_value", &wanted->sparse, err);
}

static enum heft_status scan_floats(struct heft_onnx_walk *w, const struct attribute *a,
                                    struct heft_onnx_span name, struct heft_error *err)
{
	const size_t before = w->name.size;

	HEFT_TRY(heft_onnx_name_span(w, name, err));
	HEFT_TRY(heft_onnx_take_floats(w, &a->floats, a->n_taken, err));
	w->name.size = before;
	return HEFT_OK;
}

/* Goes into the messages of an attribute, in their order. */
static enum heft_status scan_values(struct heft_onnx_walk *w, const struct heft_wire_field *field,
                                    const struct node *node, const struct attribute *a,
                                    const struct wanted *wanted, struct heft_error *err)
{
	const struct heft_onnx_span name = node->first_output.size > 0 ? node->first_output
	                                                               : node->name;
	struct heft_wire_message message = heft_wire_inner(field);
	struct heft_wire_field f;
	uint32_t graph_i = 0;
	bool has;

	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, attribute_types, &f, &has, err));
		if (!has)
			return HEFT_OK;
		if (f.number == HEFT_ATTRIBUTE_G)
			HEFT_TRY(scan_subgraph(w, &f, node, a, 0, err));
		else if (f.number == HEFT_ATTRIBUTE_GRAPHS)
			HEFT_TRY(scan_subgraph(w, &f, node, a, graph_i++, err));
		else if (f.number == HEFT_ATTRIBUTE_T && wanted->value)
			HEFT_TRY(heft_onnx_scan_value(w, &f, name, err));
		else if (f.number == HEFT_ATTRIBUTE_SPARSE_TENSOR && wanted->sparse)
			HEFT_TRY(heft_onnx_scan_sparse(w, &f, &name, err));
	}
}

static enum heft_status scan_attribute(struct heft_onnx_walk *w,
                                       const struct heft_wire_field *field, const struct node *node,
                                       struct heft_error *err)
{
	struct attribute a;
	struct wanted wanted;

	HEFT_TRY(look_over_attribute(w, field, &a, err));
	HEFT_TRY(what_is_wanted(w, node, &a, &wanted, err));
	if (a.g.number == 0 && a.n_graphs == 0 && !wanted.value && !wanted.floats && !wanted.sparse)
		return HEFT_OK;
	heft_onnx_enter(w, field);
	if (wanted.floats)
		HEFT_TRY(scan_floats(w, &a,
		                     node->first_output.size > 0 ? node->first_output : node->name,
		                     err));
	HEFT_TRY(scan_values(w, field, node, &a, &wanted, err));
	heft_onnx_leave(w);
	return HEFT_OK;
}

enum heft_status heft_onnx_scan_node(struct heft_onnx_walk *w, const struct heft_wire_field *field,
                                     struct heft_error *err)
{
	static const uint8_t types[32] = { [HEFT_NODE_ATTRIBUTE] = HEFT_ONNX_BYTES };
	struct heft_wire_message message = heft_wire_inner(field);
	struct heft_wire_field f;
	struct node node;
	bool has;

	w->model->n_nodes++;
	HEFT_TRY(look_over_node(w, field, &node, err));
	if (!node.has_attributes)
		return HEFT_OK;
	heft_onnx_enter(w, field);
	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, types, &f, &has, err));
		if (!has)
			break;
		HEFT_TRY(scan_attribute(w, &f, &node, err));
	}
	heft_onnx_leave(w);
	return HEFT_OK;
}
