/* SPDX-License-Identifier: Apache-2.0 */
/* import_nodes.c - the walk through a file's graph: each node becomes one of the model's, each
 * graph in a node a block, and each Constant a constant. */
#include "base/error.h"
#include "graph/import_state.h"

/* --- values --- */

static enum heft_status add_value(struct heft_importer *imp, uint32_t ref, uint32_t constant,
                                  uint32_t *value)
{
	const struct heft_onnx_value *v = heft_onnx_value(imp->g, ref);
	const struct heft_graph_type *type = &imp->list->types[ref];
	struct heft_ir_value made = {
		.name = heft_import_text(imp, v->name),
		.node = HEFT_IR_NONE,
		.block = imp->scope_blocks[v->graph],
		.constant = constant,
		.dtype = (enum heft_dtype)type->dtype,
		.has_shape = type->has_shape && type->rank <= HEFT_GRAPH_MAX_RANK,
	};

	if (made.has_shape) {
		made.rank = type->rank;
		made.dims_at = type->dims_at;
	}
	*value = heft_import_n_value(imp);
	imp->values[ref] = *value;
	return heft_import_add(imp, &imp->ir_values, &made, sizeof made);
}

/* An input that a function is not given stays NONE. */
enum heft_status heft_import_read_value(struct heft_importer *imp, uint32_t ref, uint32_t *value)
{
	uint32_t constant = HEFT_IR_NONE;

	*value = ref == HEFT_ONNX_NONE ? HEFT_IR_NONE : imp->values[ref];
	if (ref == HEFT_ONNX_NONE || *value != HEFT_IR_NONE ||
	    imp->kinds[ref] != HEFT_IMPORT_CONSTANT)
		return HEFT_OK;
	HEFT_TRY(heft_import_constant_of(imp, ref, &constant));
	return add_value(imp, ref, constant, value);
}

/* What a function gives is there already, as what its call makes. */
enum heft_status heft_import_make_value(struct heft_importer *imp, uint32_t ref, uint32_t *value)
{
	*value = ref == HEFT_ONNX_NONE ? HEFT_IR_NONE : imp->values[ref];
	if (ref == HEFT_ONNX_NONE || *value != HEFT_IR_NONE)
		return HEFT_OK;
	return add_value(imp, ref, HEFT_IR_NONE, value);
}

/* The ends of the file's refs [at, at + n) that are left out are not counted. */
static uint32_t count_refs(const struct heft_importer *imp, uint32_t at, uint32_t n)
{
	while (n > 0 && *heft_onnx_ref(imp->g, at + n - 1) == HEFT_ONNX_NONE)
		n--;
	return n;
}

enum heft_status heft_import_add_node(struct heft_importer *imp, const struct heft_ir_node *node,
                                      uint32_t *i)
{
	*i = heft_import_n_node(imp);
	HEFT_TRY(heft_import_add(imp, &imp->ir_nodes, node, sizeof *node));
	for (uint32_t k = 0; k < node->n_out; k++) {
		const uint32_t value = *heft_import_ref(imp, node->refs_at + node->n_in + k);

		if (value != HEFT_IR_NONE)
			heft_import_value(imp, value)->node = *i;
	}
	return HEFT_OK;
}

/* --- graphs --- */

/* Values of [at, at + n) of the file's refs become refs of the model's. */
static enum heft_status add_refs(struct heft_importer *imp, uint32_t at, uint32_t n, bool are_made)
{
	for (uint32_t k = 0; k < n; k++) {
		const uint32_t ref = *heft_onnx_ref(imp->g, at + k);
		uint32_t value = HEFT_IR_NONE;

		HEFT_TRY(are_made ? heft_import_make_value(imp, ref, &value)
		                  : heft_import_read_value(imp, ref, &value));
		HEFT_TRY(heft_import_add(imp, &imp->ir_refs, &value, sizeof value));
	}
	return HEFT_OK;
}

static enum heft_status add_outputs(struct heft_importer *imp, const struct heft_onnx_scope *s,
                                    uint32_t block)
{
	const uint32_t at = heft_import_n_ref(imp);

	HEFT_TRY(add_refs(imp, s->outputs_at, s->n_outputs, false));
	heft_import_block(imp, block)->outputs_at = at;
	heft_import_block(imp, block)->n_outputs = s->n_outputs;
	for (uint32_t k = 0; k < s->n_outputs; k++) {
		if (*heft_import_ref(imp, at + k) == HEFT_IR_NONE)
			return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "output %u of graph '%.60s' is nothing", k,
			                 heft_import_text(imp, s->name));
	}
	return HEFT_OK;
}

/* A graph of node `owner` of the model. */
static enum heft_status add_block(struct heft_importer *imp, uint32_t scope, uint32_t owner,
                                  uint32_t *i)
{
	const struct heft_onnx_scope *s = heft_onnx_scope(imp->g, scope);
	const struct heft_import_place outside = imp->at;
	const struct heft_ir_block block = { .node = owner,
		                             .inputs_at = heft_import_n_ref(imp),
		                             .n_inputs = s->n_inputs };

	if (imp->at.depth == HEFT_IMPORT_MAX_DEPTH)
		return heft_fail(imp->err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "graphs and functions lie more than %u deep",
		                 HEFT_IMPORT_MAX_DEPTH);
	HEFT_TRY(heft_import_charge(imp, (uint64_t)s->n_inputs + s->n_outputs));
	*i = heft_import_n_block(imp);
	HEFT_TRY(heft_import_add(imp, &imp->ir_blocks, &block, sizeof block));
	imp->scope_blocks[scope] = *i;
	imp->at.block = *i;
	imp->at.depth++;
	HEFT_TRY(add_refs(imp, s->inputs_at, s->n_inputs, true));
	HEFT_TRY(heft_import_scope(imp, scope));
	HEFT_TRY(add_outputs(imp, s, *i));
	imp->at = outside;
	return HEFT_OK;
}

/* --- nodes --- */

static const char *node_name(const struct heft_importer *imp, const struct heft_onnx_node *node)
{
	if (node->name == 0 && imp->at.call != HEFT_ONNX_NONE)
		return heft_import_text(imp, heft_onnx_node(imp->g, imp->at.call)->name);
	return heft_import_text(imp, node->name);
}

/* Rows that are graphs belong to this node alone. */
static enum heft_status add_blocks(struct heft_importer *imp, uint32_t node,
                                   const struct heft_attrs *attrs)
{
	struct heft_attr *rows;
	uint32_t block = 0;

	HEFT_TRY(heft_import_take(imp, attrs->n, sizeof *rows, &rows));
	for (uint32_t k = 0; k < attrs->n; k++) {
		rows[k] = attrs->rows[k];
		if (rows[k].kind != HEFT_ATTR_GRAPH)
			continue;
		HEFT_TRY(add_block(imp, attrs->rows[k].graph, node, &block));
		rows[k].graph = block;
	}
	heft_import_node(imp, node)->attrs.rows = rows;
	return heft_import_check_control(imp, node);
}

static enum heft_status add_node(struct heft_importer *imp, uint32_t i,
                                 const struct heft_import_callee *callee)
{
	const struct heft_onnx_node *node = heft_onnx_node(imp->g, i);
	struct heft_ir_node made = {
		.name = node_name(imp, node),
		.type = heft_import_text(imp, callee->type),
		.domain = heft_import_text(imp, callee->domain),
		.control = callee->control,
		.block = imp->at.block,
		.refs_at = heft_import_n_ref(imp),
		.n_in = count_refs(imp, node->refs_at, node->n_inputs),
		.n_out = count_refs(imp, node->refs_at + node->n_inputs, node->n_outputs),
	};
	bool has_graphs;
	uint32_t added = HEFT_IR_NONE;

	made.opset = heft_import_opset(imp, made.domain);
	if (callee->op && made.opset >= 1 && callee->op->since <= made.opset)
		made.op = callee->op;
	HEFT_TRY(heft_import_node_attrs(imp, i, &made.attrs, &has_graphs));
	HEFT_TRY(add_refs(imp, node->refs_at, made.n_in, false));
	HEFT_TRY(add_refs(imp, node->refs_at + node->n_inputs, made.n_out, true));
	HEFT_TRY(heft_import_add_node(imp, &made, &added));
	if (has_graphs)
		return add_blocks(imp, added, &made.attrs);
	return heft_import_check_control(imp, added);
}

static enum heft_status add_constant(struct heft_importer *imp, uint32_t i)
{
	const struct heft_onnx_node *node = heft_onnx_node(imp->g, i);
	const uint32_t ref = node->n_outputs == 1
	                             ? *heft_onnx_ref(imp->g, node->refs_at + node->n_inputs)
	                             : HEFT_ONNX_NONE;
	uint32_t constant = HEFT_IR_NONE;
	uint32_t value = HEFT_IR_NONE;

	if (node->n_outputs != 1)
		return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "Constant '%.80s' has %u outputs", node_name(imp, node),
		                 node->n_outputs);
	if (ref == HEFT_ONNX_NONE)
		return HEFT_OK;
	HEFT_TRY(heft_import_constant_of(imp, ref, &constant));
	HEFT_TRY(heft_import_make_value(imp, ref, &value));
	heft_import_value(imp, value)->constant = constant;
	return HEFT_OK;
}

static enum heft_status add_any(struct heft_importer *imp, uint32_t i)
{
	const struct heft_onnx_node *node = heft_onnx_node(imp->g, i);
	struct heft_import_callee callee;

	HEFT_TRY(heft_import_charge(imp, UINT64_C(1) + node->n_inputs + node->n_outputs));
	HEFT_TRY(heft_import_find_callee(imp, node, &callee));
	if (callee.is_constant)
		return add_constant(imp, i);
	if (callee.function != HEFT_ONNX_NONE)
		return heft_import_call(imp, i, callee.function);
	return add_node(imp, i, &callee);
}

/* Nodes of graphs in a node stand behind it. */
static uint32_t next_node(const struct heft_importer *imp, uint32_t i)
{
	uint32_t next = i + 1;

	for (uint32_t s = imp->first_scope[i]; s != HEFT_ONNX_NONE; s = imp->next_scope[s]) {
		if (heft_onnx_scope(imp->g, s)->end_node > next)
			next = heft_onnx_scope(imp->g, s)->end_node;
	}
	return next;
}

enum heft_status heft_import_scope(struct heft_importer *imp, uint32_t scope)
{
	const struct heft_onnx_scope *s = heft_onnx_scope(imp->g, scope);

	for (uint32_t i = s->first_node; i < s->end_node; i = next_node(imp, i))
		HEFT_TRY(add_any(imp, i));
	return HEFT_OK;
}

/* --- the main graph --- */

/* What is declared of an input that somebody must give. */
static enum heft_status check_input(const struct heft_importer *imp, uint32_t ref)
{
	const struct heft_graph_type *type = &imp->list->types[ref];
	const char *name = heft_import_text(imp, heft_onnx_value(imp->g, ref)->name);
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t n_bytes;

	if (!type->has_shape)
		return HEFT_OK;
	if (type->rank > HEFT_GRAPH_MAX_RANK)
		return heft_fail(imp->err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "input '%.80s' has %u dimensions, and more than %d are not "
		                 "computed",
		                 name, type->rank, HEFT_GRAPH_MAX_RANK);
	for (uint32_t d = 0; d < type->rank; d++) {
		const struct heft_ir_dim *dim = &imp->m->dims[type->dims_at + d];

		dims[d] = dim->symbol ? 1 : dim->size;
	}
	if (type->dtype == HEFT_DTYPE_NONE ||
	    heft_tensor_size((enum heft_dtype)type->dtype, type->rank, dims, NULL, &n_bytes,
	                     NULL) == HEFT_OK)
		return HEFT_OK;
	return heft_fail(imp->err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
	                 "input '%.80s' has 2^63 bytes or more", name);
}

/* What is asked of who runs it, or has its usual value, or was given one. */
static enum heft_status add_input(struct heft_importer *imp, uint32_t ref)
{
	uint32_t constant = HEFT_IR_NONE;
	uint32_t value = HEFT_IR_NONE;

	if (imp->constants[ref] != HEFT_IR_NONE || heft_onnx_value(imp->g, ref)->is_constant)
		HEFT_TRY(heft_import_constant_of(imp, ref, &constant));
	else
		HEFT_TRY(check_input(imp, ref));
	HEFT_TRY(add_value(imp, ref, constant, &value));
	return heft_import_add(imp, &imp->ir_refs, &value, sizeof value);
}

enum heft_status heft_import_graph(struct heft_importer *imp)
{
	const struct heft_onnx_scope *s = heft_onnx_scope(imp->g, 0);
	const struct heft_ir_block block = { .node = HEFT_IR_NONE, .n_inputs = s->n_inputs };

	HEFT_TRY(heft_import_add(imp, &imp->ir_blocks, &block, sizeof block));
	for (uint32_t k = 0; k < s->n_inputs; k++)
		HEFT_TRY(add_input(imp, *heft_onnx_ref(imp->g, s->inputs_at + k)));
	HEFT_TRY(heft_import_scope(imp, 0));
	return add_outputs(imp, s, 0);
}
