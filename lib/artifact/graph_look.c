/* SPDX-License-Identifier: Apache-2.0 */
/* graph_look.c - answers about a graph that new heads and first values ask for. */
#include "artifact/graph_look.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE 256
#define PASSED_MAX 8u /* nodes between a weight and its use */

uint32_t heft_look_input(const struct heft_graph_list *list, uint32_t node, uint32_t k)
{
	const struct heft_onnx_node *n = heft_onnx_node(&list->graph, node);

	return k < n->n_inputs ? *heft_onnx_ref(&list->graph, (size_t)n->refs_at + k)
	                       : HEFT_ONNX_NONE;
}

uint32_t heft_look_output(const struct heft_graph_list *list, uint32_t node, uint32_t k)
{
	const struct heft_onnx_node *n = heft_onnx_node(&list->graph, node);

	return k < n->n_outputs ? *heft_onnx_ref(&list->graph, (size_t)n->refs_at + n->n_inputs + k)
	                        : HEFT_ONNX_NONE;
}

const char *heft_look_op(const struct heft_graph_list *list, uint32_t node)
{
	return heft_onnx_text(&list->graph, heft_onnx_node(&list->graph, node)->op);
}

const char *heft_look_name(const struct heft_graph_list *list, uint32_t node)
{
	const struct heft_onnx_node *n = heft_onnx_node(&list->graph, node);
	const uint32_t output = heft_look_output(list, node, 0);

	if (n->name != 0 || output == HEFT_ONNX_NONE)
		return heft_onnx_text(&list->graph, n->name);
	return heft_onnx_text(&list->graph, heft_onnx_value(&list->graph, output)->name);
}

/* "3", "[3, 3]"; a list that is cut, or anything else, is none. */
static uint32_t read_numbers(const char *text, int64_t *numbers)
{
	uint32_t n = 0;
	char *end;

	text += *text == '[';
	while (n < HEFT_LOOK_NUMBERS_MAX) {
		numbers[n] = strtoll(text, &end, 10);
		if (end == text)
			return 0;
		n++;
		if (*end == '\0' || *end == ']')
			return n;
		if (strncmp(end, ", ", 2) != 0)
			return 0;
		text = end + 2;
	}
	return 0;
}

uint32_t heft_look_attribute(const struct heft_graph_list *list, uint32_t node, const char *name,
                             int64_t *numbers)
{
	const uint32_t n = heft_onnx_node(&list->graph, node)->n_attributes;
	char text[TEXT_SIZE];

	for (uint32_t k = 0; k < n; k++) {
		const char *found;

		if (heft_graph_list_attribute(list, node, k, &found, text, sizeof text, NULL) ==
		            HEFT_OK &&
		    strcmp(found, name) == 0)
			return read_numbers(text, numbers);
	}
	return 0;
}

uint32_t heft_look_constant(const struct heft_graph_list *list, uint32_t value, int64_t *numbers)
{
	char text[TEXT_SIZE];

	if (heft_graph_list_constant(list, value, text, sizeof text, NULL) != HEFT_OK)
		return 0;
	return read_numbers(text, numbers);
}

/* Whether a Transpose swaps the last two dimensions and leaves the others. */
static bool swaps_last_two(const struct heft_graph_list *list, uint32_t node, uint32_t rank)
{
	int64_t perm[HEFT_LOOK_NUMBERS_MAX];
	const uint32_t n = heft_look_attribute(list, node, "perm", perm);

	if (n == 0)
		return rank == 2;
	if (n != rank || n < 2)
		return false;
	for (uint32_t i = 0; i + 2 < n; i++)
		if (perm[i] != (int64_t)i)
			return false;
	return perm[n - 2] == (int64_t)n - 1 && perm[n - 1] == (int64_t)n - 2;
}

static uint32_t rank_of(const struct heft_graph_list *list, uint32_t tensor)
{
	return heft_listing_row(list->model.tensors, tensor)->rank;
}

struct heft_looked_weight heft_look_weight(const struct heft_graph_list *list, uint32_t value)
{
	struct heft_looked_weight w = { .tensor = HEFT_ONNX_NONE, .is_direct = true };
	uint32_t n_swaps = 0;
	bool has_odd = false; /* a Transpose of another kind */

	for (uint32_t i = 0; i < PASSED_MAX && value != HEFT_ONNX_NONE; i++) {
		const struct heft_onnx_value *v = heft_onnx_value(&list->graph, value);
		const char *op;

		if (v->tensor != HEFT_ONNX_NONE) {
			if (v->is_sparse || has_odd ||
			    (n_swaps > 0 && rank_of(list, v->tensor) < 2))
				return w;
			w.tensor = v->tensor;
			w.is_transposed = n_swaps % 2 == 1;
			w.is_direct = i == 0;
			return w;
		}
		if (v->node == HEFT_ONNX_NONE)
			return w;
		op = heft_look_op(list, v->node);
		if (strcmp(op, "Transpose") == 0) {
			const uint32_t input = heft_look_input(list, v->node, 0);
			const uint32_t tensor =
				input == HEFT_ONNX_NONE
					? HEFT_ONNX_NONE
					: heft_onnx_value(&list->graph, input)->tensor;

			has_odd = has_odd || tensor == HEFT_ONNX_NONE ||
			          !swaps_last_two(list, v->node, rank_of(list, tensor));
			n_swaps++;
		} else if (strcmp(op, "Identity") != 0 && strcmp(op, "Cast") != 0) {
			return w;
		}
		value = heft_look_input(list, v->node, 0);
	}
	return w;
}

uint32_t heft_look_n_uses(const struct heft_graph_list *list, uint32_t value)
{
	const struct heft_onnx_graph *g = &list->graph;
	uint32_t n = 0;

	for (uint32_t i = 0; i < heft_onnx_n_nodes(g); i++)
		for (uint32_t k = 0; k < heft_onnx_node(g, i)->n_inputs; k++)
			n += heft_look_input(list, i, k) == value;
	for (uint32_t i = 0; i < heft_onnx_n_scopes(g); i++) {
		const struct heft_onnx_scope *s = heft_onnx_scope(g, i);

		for (uint32_t k = 0; k < s->n_outputs; k++)
			n += *heft_onnx_ref(g, (size_t)s->outputs_at + k) == value;
	}
	return n;
}
