/* SPDX-License-Identifier: Apache-2.0 */
/* role_calls.c - lists of each node's subgraphs and of the graphs that end at a node, and a hash of
 * the model's functions. */
#include "onnx/role_calls.h"

#include "base/alloc.h"
#include "base/error.h"

static size_t slot_of(const struct heft_onnx_calls *calls, uint32_t domain, uint32_t name,
                      uint32_t overload)
{
	const uint32_t key[3] = { domain, name, overload };

	return (size_t)heft_siphash(&calls->seed, 0, key, sizeof key);
}

static void add_function(struct heft_onnx_calls *calls, const struct heft_onnx_scope *scope,
                         uint32_t graph)
{
	size_t at = slot_of(calls, scope->domain, scope->name, scope->attribute);

	while (calls->functions[at & (calls->n_slots - 1)] != HEFT_ONNX_NONE)
		at++;
	calls->functions[at & (calls->n_slots - 1)] = graph;
}

static void fill(uint32_t *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		items[i] = HEFT_ONNX_NONE;
}

/* From the last graph to the first, so that lists have the first one in front. */
static void link_graphs(struct heft_onnx_calls *calls, const struct heft_onnx_graph *g)
{
	for (uint32_t i = heft_onnx_n_scopes(g); i-- > 0;) {
		const struct heft_onnx_scope *scope = heft_onnx_scope(g, i);

		calls->next_ending[i] = calls->endings[scope->end_node];
		calls->endings[scope->end_node] = i;
		calls->next_body[i] = HEFT_ONNX_NONE;
		if (scope->owner != HEFT_ONNX_NONE) {
			calls->next_body[i] = calls->bodies[scope->owner];
			calls->bodies[scope->owner] = i;
		}
		if (scope->kind == HEFT_ONNX_GRAPH_FUNCTION)
			add_function(calls, scope, i);
	}
}

enum heft_status heft_onnx_calls_init(struct heft_onnx_calls *calls,
                                      const struct heft_onnx_graph *g, struct heft_error *err)
{
	const uint32_t n_nodes = heft_onnx_n_nodes(g);
	const uint32_t n_graphs = heft_onnx_n_scopes(g);

	*calls = (struct heft_onnx_calls){ .n_slots = 4 };
	heft_sip_seed_init(&calls->seed, calls);
	for (uint32_t i = 0; i < n_graphs; i++)
		calls->n_functions += heft_onnx_scope(g, i)->kind == HEFT_ONNX_GRAPH_FUNCTION;
	while (calls->n_slots < 2 * (size_t)calls->n_functions)
		calls->n_slots *= 2;
	calls->bodies = heft_alloc_array(n_nodes, sizeof *calls->bodies);
	calls->endings = heft_alloc_array((size_t)n_nodes + 1, sizeof *calls->endings);
	calls->next_body = heft_alloc_array(n_graphs, sizeof *calls->next_body);
	calls->next_ending = heft_alloc_array(n_graphs, sizeof *calls->next_ending);
	calls->functions = heft_alloc_array(calls->n_slots, sizeof *calls->functions);
	if (!calls->bodies || !calls->endings || !calls->next_body || !calls->next_ending ||
	    !calls->functions)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for roles");
	fill(calls->bodies, n_nodes);
	fill(calls->endings, (size_t)n_nodes + 1);
	fill(calls->functions, calls->n_slots);
	link_graphs(calls, g);
	return HEFT_OK;
}

void heft_onnx_calls_done(struct heft_onnx_calls *calls)
{
	heft_free(calls->bodies);
	heft_free(calls->endings);
	heft_free(calls->next_body);
	heft_free(calls->next_ending);
	heft_free(calls->functions);
}

uint32_t heft_onnx_calls_find(const struct heft_onnx_calls *calls, const struct heft_onnx_graph *g,
                              const struct heft_onnx_node *node)
{
	if (calls->n_functions == 0)
		return HEFT_ONNX_NONE;
	for (size_t at = slot_of(calls, node->domain, node->op, node->overload);; at++) {
		const uint32_t graph = calls->functions[at & (calls->n_slots - 1)];
		const struct heft_onnx_scope *scope;

		if (graph == HEFT_ONNX_NONE)
			return HEFT_ONNX_NONE;
		scope = heft_onnx_scope(g, graph);
		if (scope->domain == node->domain && scope->name == node->op &&
		    scope->attribute == node->overload)
			return graph;
	}
}
