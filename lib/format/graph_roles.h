/* SPDX-License-Identifier: Apache-2.0 */
/* format/graph_roles.h - what a graph tells of the tensors that are its weights. */
#ifndef FORMAT_GRAPH_ROLES_H
#define FORMAT_GRAPH_ROLES_H

#include "heft/file.h"

struct heft_graph_roles;

/* Reads a graph as heft_graph gives it. LIMIT: it is too large to be looked at. */
enum heft_status heft_graph_roles_new(const void *graph, size_t size, struct heft_graph_roles **out,
                                      struct heft_error *err);
void heft_graph_roles_free(struct heft_graph_roles *roles);
/* UNKNOWN where the graph has no such weight or uses it for nothing that tells. */
enum heft_role heft_graph_roles_find(const struct heft_graph_roles *roles, enum heft_space space,
                                     const char *name);

#endif
