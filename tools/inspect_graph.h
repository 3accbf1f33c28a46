/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_graph.h - how `heft inspect --graph` shows a graph. */
#ifndef TOOLS_INSPECT_GRAPH_H
#define TOOLS_INSPECT_GRAPH_H

#include "heft/graph.h"
#include "inspect_text.h"
#include "json_out.h"

/* Elements of the parameters among a node's inputs. */
enum heft_status inspect_graph_parameters(const struct inspection *x, uint32_t node, uint64_t *n,
                                          struct heft_error *err);
/* Whether x->pattern is that of the node: of its operator, its name, one of its outputs or weights;
 * NULL is of all. */
enum heft_status inspect_graph_matches(const struct inspection *x, uint32_t node, bool *is,
                                       struct heft_error *err);
/* Prints "[1, N, ?]"; nothing where the shape is not known. */
void inspect_graph_shape(struct output *out, const struct heft_graph_value *value);

/* Facts, then a table of the nodes that match. */
enum heft_status inspect_graph_print(struct output *out, const struct inspection *x,
                                     struct heft_error *err);
/* Prints the key "graph" and an object: the nodes that match, with all that is known. */
enum heft_status inspect_graph_print_json(struct json_out *j, const struct inspection *x,
                                          struct heft_error *err);

/* Prints the graph's inputs and outputs, opsets and how many nodes of which operator it has. */
enum heft_status inspect_graph_print_facts(struct output *out, const struct inspection *x,
                                           struct heft_error *err);

#endif
