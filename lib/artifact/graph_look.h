/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/graph_look.h - short questions to a graph: which weight a value is, what an attribute
 * says, how many read a value. */
#ifndef ARTIFACT_GRAPH_LOOK_H
#define ARTIFACT_GRAPH_LOOK_H

#include "graph/list_state.h"

#define HEFT_LOOK_NUMBERS_MAX 8u

/* The weight that a value is, perhaps through nodes that only pass or transpose it. */
struct heft_looked_weight {
	uint32_t tensor;    /* of the graph's model; HEFT_ONNX_NONE: it is none */
	bool is_transposed; /* its last two dimensions */
	bool is_direct;     /* the value is the weight itself */
};

struct heft_looked_weight heft_look_weight(const struct heft_graph_list *list, uint32_t value);
/* Input k of a node; NONE where it is left out. */
uint32_t heft_look_input(const struct heft_graph_list *list, uint32_t node, uint32_t k);
uint32_t heft_look_output(const struct heft_graph_list *list, uint32_t node, uint32_t k);
const char *heft_look_op(const struct heft_graph_list *list, uint32_t node);
/* What to call a node in a message: its name, or that of its first output. */
const char *heft_look_name(const struct heft_graph_list *list, uint32_t node);
/* A whole number, or a list of at most HEFT_LOOK_NUMBERS_MAX of them; how many. 0: the node has no
 * such attribute, or it says something else. */
uint32_t heft_look_attribute(const struct heft_graph_list *list, uint32_t node, const char *name,
                             int64_t *numbers);
/* The same of a constant that is no weight. */
uint32_t heft_look_constant(const struct heft_graph_list *list, uint32_t value, int64_t *numbers);
/* How many inputs of nodes, and outputs of graphs, a value is. */
uint32_t heft_look_n_uses(const struct heft_graph_list *list, uint32_t value);

#endif
