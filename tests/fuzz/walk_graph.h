/* SPDX-License-Identifier: Apache-2.0 */
/* walk_graph.h - asks an open file all there is to ask of its graph. */
#ifndef HEFT_FUZZ_WALK_GRAPH_H
#define HEFT_FUZZ_WALK_GRAPH_H

#include <stdlib.h>
#include <string.h>

#include "heft/graph.h"

#define WALK_VALUES 256u /* of a node; more are passed over */

static inline void must_be(bool ok)
{
	if (!ok)
		abort();
}

static inline void walk_value(const struct heft_graph_list *list, struct heft_file *file,
                              const struct heft_graph_value *v)
{
	const uint32_t n_tensors = heft_n_tensors(file);
	size_t n_bytes = strlen(v->name) + strlen(v->type);
	char text[40];

	must_be(v->tensor == HEFT_GRAPH_NONE || v->tensor < n_tensors);
	for (uint32_t i = 0; i < v->rank; i++)
		n_bytes += v->dims[i].symbol ? strlen(v->dims[i].symbol) : 1;
	if (v->index != HEFT_GRAPH_NONE &&
	    heft_graph_list_constant(list, v->index, text, sizeof text, NULL) == HEFT_OK)
		must_be(strlen(text) < sizeof text);
	must_be(n_bytes < SIZE_MAX);
}

static inline void walk_node(const struct heft_graph_list *list, struct heft_file *file, uint32_t i,
                             const struct heft_graph_facts *facts)
{
	struct heft_graph_node node;
	struct heft_graph_value v;
	const char *name;
	char text[40];

	must_be(heft_graph_list_node(list, i, &node, NULL) == HEFT_OK);
	must_be(node.part < facts->n_parts);
	for (uint32_t k = 0; k < node.n_inputs && k < WALK_VALUES; k++) {
		must_be(heft_graph_list_input(list, i, k, &v, NULL) == HEFT_OK);
		walk_value(list, file, &v);
	}
	for (uint32_t k = 0; k < node.n_outputs && k < WALK_VALUES; k++) {
		must_be(heft_graph_list_output(list, i, k, &v, NULL) == HEFT_OK);
		must_be(v.index == HEFT_GRAPH_NONE || v.node == i);
		walk_value(list, file, &v);
	}
	for (uint32_t k = 0; k < node.n_attributes && k < WALK_VALUES; k++) {
		if (heft_graph_list_attribute(list, i, k, &name, text, sizeof text, NULL) ==
		    HEFT_OK)
			must_be(strlen(text) < sizeof text && strlen(name) < SIZE_MAX);
	}
}

static inline void walk_part(const struct heft_graph_list *list, struct heft_file *file, uint32_t i,
                             const struct heft_graph_facts *facts)
{
	struct heft_graph_part part;
	struct heft_graph_value v;

	must_be(heft_graph_list_part(list, i, &part, NULL) == HEFT_OK);
	must_be(part.first_node <= part.end_node && part.end_node <= facts->n_nodes);
	must_be(part.node == HEFT_GRAPH_NONE || part.node < part.first_node);
	for (uint32_t k = 0; k < part.n_inputs && k < WALK_VALUES; k++) {
		must_be(heft_graph_list_part_input(list, i, k, &v, NULL) == HEFT_OK);
		walk_value(list, file, &v);
	}
	for (uint32_t k = 0; k < part.n_outputs && k < WALK_VALUES; k++) {
		must_be(heft_graph_list_part_output(list, i, k, &v, NULL) == HEFT_OK);
		walk_value(list, file, &v);
	}
}

static inline void walk_roles(struct heft_file *file)
{
	const uint32_t n = heft_n_tensors(file);
	enum heft_role *roles = malloc(n > 0 ? n * sizeof *roles : 1);

	must_be(roles != NULL);
	if (heft_roles(file, roles, NULL) == HEFT_OK)
		for (uint32_t i = 0; i < n; i++)
			must_be(roles[i] <= HEFT_ROLE_BUFFER);
	free(roles);
}

static inline void walk_graph_list(struct heft_file *file)
{
	struct heft_graph_list *list;
	struct heft_graph_facts facts;

	walk_roles(file);
	if (heft_graph_list_open(file, &list, NULL) != HEFT_OK)
		return;
	heft_graph_list_facts(list, &facts);
	for (uint32_t i = 0; i < facts.n_parts; i++)
		walk_part(list, file, i, &facts);
	for (uint32_t i = 0; i < facts.n_nodes; i++)
		walk_node(list, file, i, &facts);
	heft_graph_list_close(list);
}

#endif
