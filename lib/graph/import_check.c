/* SPDX-License-Identifier: Apache-2.0 */
/* import_check.c - whether each value of a file's graph comes from one place, which stands before
 * those that read it. Training is passed over: nothing here runs it. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/import_state.h"

static const char *value_name(const struct heft_importer *imp, uint32_t value)
{
	return heft_import_text(imp, heft_onnx_value(imp->g, value)->name);
}

static void find_training(struct heft_importer *imp)
{
	for (uint32_t i = 0; i < heft_onnx_n_scopes(imp->g); i++) {
		const struct heft_onnx_scope *s = heft_onnx_scope(imp->g, i);

		imp->is_training[i] = s->parent == HEFT_ONNX_NONE
		                              ? s->kind == HEFT_ONNX_GRAPH_INITIALIZATION ||
		                                        s->kind == HEFT_ONNX_GRAPH_ALGORITHM
		                              : imp->is_training[s->parent];
	}
}

static enum heft_status name_inputs(struct heft_importer *imp, uint32_t scope)
{
	const struct heft_onnx_scope *s = heft_onnx_scope(imp->g, scope);

	for (uint32_t i = 0; i < s->n_inputs; i++) {
		const uint32_t value = *heft_onnx_ref(imp->g, s->inputs_at + i);

		if (*value_name(imp, value) == '\0')
			return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "input %u of graph '%.60s' has no name", i,
			                 heft_import_text(imp, s->name));
		imp->kinds[value] = HEFT_IMPORT_INPUT;
	}
	return HEFT_OK;
}

static enum heft_status find_kinds(struct heft_importer *imp)
{
	for (uint32_t i = 0; i < heft_onnx_n_values(imp->g); i++) {
		const struct heft_onnx_value *v = heft_onnx_value(imp->g, i);

		if (v->node != HEFT_ONNX_NONE)
			imp->kinds[i] = HEFT_IMPORT_MADE;
		else if (v->is_constant)
			imp->kinds[i] = HEFT_IMPORT_CONSTANT;
	}
	for (uint32_t i = 0; i < heft_onnx_n_scopes(imp->g); i++)
		HEFT_TRY(name_inputs(imp, i));
	return HEFT_OK;
}

/* --- made once --- */

/* Numbers of values, those of a graph behind each other; at[scope] is where they end then. */
static void sort_values(const struct heft_importer *imp, uint32_t *order, uint32_t *at)
{
	const uint32_t n_values = heft_onnx_n_values(imp->g);
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n_values; i++)
		at[heft_onnx_value(imp->g, i)->graph]++;
	for (uint32_t s = 0; s < heft_onnx_n_scopes(imp->g); s++) {
		const uint32_t n = at[s];

		at[s] = sum;
		sum += n;
	}
	for (uint32_t i = 0; i < n_values; i++)
		order[at[heft_onnx_value(imp->g, i)->graph]++] = i;
}

static enum heft_status check_names(struct heft_importer *imp, const uint32_t *order)
{
	for (uint32_t k = 0; k < heft_onnx_n_values(imp->g); k++) {
		const uint32_t i = order[k];
		const struct heft_onnx_value *v = heft_onnx_value(imp->g, i);
		uint32_t *seen = &imp->seen[heft_import_slot(v->name)];

		if (imp->kinds[i] == HEFT_IMPORT_UNKNOWN || imp->is_training[v->graph])
			continue;
		if (*seen == v->graph + 1)
			return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "the graph makes '%.80s' twice", value_name(imp, i));
		*seen = v->graph + 1;
	}
	return HEFT_OK;
}

static enum heft_status check_made_once(struct heft_importer *imp)
{
	const size_t n_values = heft_onnx_n_values(imp->g);
	const size_t n_scopes = heft_onnx_n_scopes(imp->g);
	uint32_t *order = heft_alloc_array(n_values, sizeof *order);
	uint32_t *at = heft_zalloc_array(n_scopes, sizeof *at);
	enum heft_status st;

	if (order && at) {
		sort_values(imp, order, at);
		st = check_names(imp, order);
	} else {
		st = heft_import_no_memory(imp);
	}
	memset(imp->seen, 0, (imp->g->texts.size / 8 + 1) * sizeof *imp->seen);
	heft_free(order);
	heft_free(at);
	return st;
}

/* --- made before it is read --- */

static bool is_unknown(const struct heft_importer *imp, uint32_t ref)
{
	return ref != HEFT_ONNX_NONE && imp->kinds[ref] == HEFT_IMPORT_UNKNOWN;
}

static enum heft_status check_node(const struct heft_importer *imp, uint32_t i)
{
	const struct heft_onnx_node *node = heft_onnx_node(imp->g, i);

	for (uint32_t k = 0; k < node->n_inputs; k++) {
		const uint32_t ref = *heft_onnx_ref(imp->g, node->refs_at + k);

		if (is_unknown(imp, ref))
			return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "node '%.60s' (%.40s) reads '%.80s', which nothing before "
			                 "it makes",
			                 heft_import_text(imp, node->name),
			                 heft_import_text(imp, node->op), value_name(imp, ref));
	}
	return HEFT_OK;
}

static enum heft_status check_outputs(const struct heft_importer *imp, uint32_t scope)
{
	const struct heft_onnx_scope *s = heft_onnx_scope(imp->g, scope);

	for (uint32_t k = 0; k < s->n_outputs; k++) {
		const uint32_t ref = *heft_onnx_ref(imp->g, s->outputs_at + k);

		if (ref == HEFT_ONNX_NONE)
			return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "output %u of graph '%.60s' has no name", k,
			                 heft_import_text(imp, s->name));
		if (is_unknown(imp, ref))
			return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "graph '%.60s' gives '%.80s', which nothing in it makes",
			                 heft_import_text(imp, s->name), value_name(imp, ref));
	}
	return HEFT_OK;
}

enum heft_status heft_import_check(struct heft_importer *imp)
{
	find_training(imp);
	HEFT_TRY(find_kinds(imp));
	HEFT_TRY(check_made_once(imp));
	for (uint32_t i = 0; i < heft_onnx_n_nodes(imp->g); i++) {
		if (!imp->is_training[heft_onnx_node(imp->g, i)->graph])
			HEFT_TRY(check_node(imp, i));
	}
	for (uint32_t i = 0; i < heft_onnx_n_scopes(imp->g); i++) {
		if (!imp->is_training[i])
			HEFT_TRY(check_outputs(imp, i));
	}
	return HEFT_OK;
}
