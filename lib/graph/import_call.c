/* SPDX-License-Identifier: Apache-2.0 */
/* import_call.c - a function of the model in place of a node that calls it. Its values are new ones
 * for every call, but for what it is given and what it gives, which are the caller's. */
#include <string.h>

#include "base/error.h"
#include "graph/import_state.h"

static enum heft_status fail_call(const struct heft_importer *imp, uint32_t node,
                                  enum heft_status status, const char *what)
{
	const struct heft_onnx_node *n = heft_onnx_node(imp->g, node);

	return heft_fail(imp->err, status, HEFT_NO_OFFSET, "node '%.60s' (%.60s) %s",
	                 heft_import_text(imp, n->name), heft_import_text(imp, n->op), what);
}

static enum heft_status check_call(const struct heft_importer *imp, uint32_t node,
                                   const struct heft_import_function *f)
{
	const struct heft_onnx_scope *s = heft_onnx_scope(imp->g, f->scope);
	const struct heft_onnx_node *n = heft_onnx_node(imp->g, node);

	if (f->is_active)
		return fail_call(imp, node, HEFT_E_CORRUPT, "calls a function inside itself");
	if (n->n_inputs > s->n_inputs)
		return fail_call(imp, node, HEFT_E_CORRUPT,
		                 "has more inputs than the function that it calls");
	if (n->n_outputs > s->n_outputs)
		return fail_call(imp, node, HEFT_E_CORRUPT,
		                 "has more outputs than the function that it calls");
	if (imp->at.depth == HEFT_IMPORT_MAX_DEPTH)
		return fail_call(imp, node, HEFT_E_LIMIT, "lies too deep in functions and graphs");
	return HEFT_OK;
}

/* --- what it is given --- */

static bool has_attr(const struct heft_attrs *attrs, const char *name)
{
	for (uint32_t k = 0; k < attrs->n; k++) {
		if (strcmp(attrs->rows[k].name, name) == 0)
			return true;
	}
	return false;
}

/* The call's attributes, and what stands for the others. */
static enum heft_status give_attrs(struct heft_importer *imp, uint32_t node,
                                   const struct heft_import_function *f, struct heft_attrs *given)
{
	struct heft_attrs own;
	struct heft_attr *rows;
	bool has_graphs;

	HEFT_TRY(heft_import_node_attrs(imp, node, &own, &has_graphs));
	if (has_graphs)
		return fail_call(imp, node, HEFT_E_UNSUPPORTED, "gives a graph to a function");
	*given = own;
	if (f->absent.n == 0)
		return HEFT_OK;
	HEFT_TRY(heft_import_charge(imp, ((uint64_t)own.n + 1) * f->absent.n));
	HEFT_TRY(heft_import_take(imp, (size_t)own.n + f->absent.n, sizeof *rows, &rows));
	if (own.n > 0)
		memcpy(rows, own.rows, own.n * sizeof *rows);
	*given = (struct heft_attrs){ rows, own.n };
	for (uint32_t k = 0; k < f->absent.n; k++) {
		if (!has_attr(&own, f->absent.rows[k].name))
			rows[given->n++] = f->absent.rows[k];
	}
	return HEFT_OK;
}

static enum heft_status give_inputs(struct heft_importer *imp, const struct heft_onnx_node *node,
                                    const struct heft_onnx_scope *s)
{
	for (uint32_t k = 0; k < s->n_inputs; k++) {
		const uint32_t from = k < node->n_inputs ? *heft_onnx_ref(imp->g, node->refs_at + k)
		                                         : HEFT_ONNX_NONE;
		const uint32_t to = *heft_onnx_ref(imp->g, s->inputs_at + k);
		uint32_t value = HEFT_IR_NONE;

		HEFT_TRY(heft_import_read_value(imp, from, &value));
		imp->values[to] = value;
	}
	return HEFT_OK;
}

/* --- what it gives --- */

static uint32_t caller_ref(const struct heft_importer *imp, const struct heft_onnx_node *node,
                           uint32_t k)
{
	return *heft_onnx_ref(imp->g, node->refs_at + node->n_inputs + k);
}

/* What a node of the function makes is the caller's value at once. */
static enum heft_status share_outputs(struct heft_importer *imp, const struct heft_onnx_node *node,
                                      const struct heft_onnx_scope *s)
{
	for (uint32_t k = 0; k < node->n_outputs; k++) {
		const uint32_t inner = *heft_onnx_ref(imp->g, s->outputs_at + k);
		uint32_t value = HEFT_IR_NONE;

		HEFT_TRY(heft_import_make_value(imp, caller_ref(imp, node, k), &value));
		if (imp->kinds[inner] == HEFT_IMPORT_MADE && imp->values[inner] == HEFT_IR_NONE)
			imp->values[inner] = value;
	}
	return HEFT_OK;
}

static enum heft_status add_identity(struct heft_importer *imp, uint32_t from, uint32_t to)
{
	const struct heft_ir_node node = {
		.name = "",
		.type = "Identity",
		.domain = "",
		.op = heft_op_find("", "Identity"),
		.opset = 1,
		.block = imp->at.block,
		.refs_at = heft_import_n_ref(imp),
		.n_in = 1,
		.n_out = 1,
	};
	uint32_t added = HEFT_IR_NONE;

	HEFT_TRY(heft_import_add(imp, &imp->ir_refs, &from, sizeof from));
	HEFT_TRY(heft_import_add(imp, &imp->ir_refs, &to, sizeof to));
	return heft_import_add_node(imp, &node, &added);
}

/* What it hands through, and what it gives twice. */
static enum heft_status copy_outputs(struct heft_importer *imp, uint32_t node,
                                     const struct heft_onnx_scope *s)
{
	const struct heft_onnx_node *n = heft_onnx_node(imp->g, node);

	for (uint32_t k = 0; k < n->n_outputs; k++) {
		const uint32_t outer = caller_ref(imp, n, k);
		uint32_t value = HEFT_IR_NONE;

		if (outer == HEFT_ONNX_NONE)
			continue;
		HEFT_TRY(heft_import_read_value(imp, *heft_onnx_ref(imp->g, s->outputs_at + k),
		                                &value));
		if (value == HEFT_IR_NONE)
			return fail_call(imp, node, HEFT_E_CORRUPT,
			                 "wants from a function what was not given to it");
		if (value != imp->values[outer])
			HEFT_TRY(add_identity(imp, value, imp->values[outer]));
	}
	return HEFT_OK;
}

/* --- the call --- */

enum heft_status heft_import_call(struct heft_importer *imp, uint32_t node, uint32_t function)
{
	struct heft_import_function *f = &imp->functions[function];
	const struct heft_onnx_scope *s = heft_onnx_scope(imp->g, f->scope);
	const struct heft_onnx_node *n = heft_onnx_node(imp->g, node);
	const struct heft_import_place outside = imp->at;
	struct heft_attrs given;

	HEFT_TRY(check_call(imp, node, f));
	HEFT_TRY(heft_import_charge(imp, (uint64_t)f->end_value - f->first_value));
	HEFT_TRY(heft_import_read_function(imp, f));
	HEFT_TRY(give_attrs(imp, node, f, &given));
	for (uint32_t i = f->first_value; i < f->end_value; i++)
		imp->values[i] = HEFT_IR_NONE;
	HEFT_TRY(give_inputs(imp, n, s));
	HEFT_TRY(share_outputs(imp, n, s));
	imp->scope_blocks[f->scope] = outside.block;
	imp->at.call = node;
	imp->at.given = given;
	imp->at.depth++;
	if (f->n_opsets > 0) {
		imp->at.opsets = f->opsets;
		imp->at.n_opsets = f->n_opsets;
	}
	f->is_active = true;
	HEFT_TRY(heft_import_scope(imp, f->scope));
	f->is_active = false;
	HEFT_TRY(copy_outputs(imp, node, s));
	imp->at = outside;
	return HEFT_OK;
}
