/* SPDX-License-Identifier: Apache-2.0 */
/* roles.c - heft_roles: what each tensor of a file does, by its graph or else by its name. */
#include "weights/file.h"

#include "base/error.h"
#include "format/graph_roles.h"

/* *found stays NULL where there is no graph, or one that is too large to be looked at: names then
 * tell what they do of any other file. */
static enum heft_status ask_graph(struct heft_file *file, struct heft_graph_roles **found,
                                  struct heft_error *err)
{
	const void *graph;
	size_t size;
	enum heft_status st = heft_graph(file, &graph, &size, err);

	if (st == HEFT_OK && size > 0)
		st = heft_graph_roles_new(graph, size, found, err);
	return st == HEFT_E_LIMIT ? HEFT_OK : st;
}

enum heft_status heft_roles(struct heft_file *file, enum heft_role *roles, struct heft_error *err)
{
	const uint32_t n = heft_n_tensors(file);
	struct heft_graph_roles *by_graph = NULL;
	enum heft_status st = ask_graph(file, &by_graph, err);
	struct heft_tensor t;

	for (uint32_t i = 0; i < n && st == HEFT_OK; i++) {
		st = heft_tensor_at(file, i, &t, err);
		if (st != HEFT_OK)
			break;
		roles[i] = by_graph ? heft_graph_roles_find(by_graph, t.space, t.name)
		                    : HEFT_ROLE_UNKNOWN;
		if (roles[i] == HEFT_ROLE_UNKNOWN)
			roles[i] = t.role;
	}
	heft_graph_roles_free(by_graph);
	return st;
}
