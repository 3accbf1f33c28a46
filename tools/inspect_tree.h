/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_tree.h - the shown tensors grouped by module: the parts of their names, which '.' and '/'
 * separate, with sums. */
#ifndef TOOLS_INSPECT_TREE_H
#define TOOLS_INSPECT_TREE_H

#include "inspect_text.h"
#include "json_out.h"

#define TREE_NO_TENSOR UINT32_MAX

/* A module, or a tensor in one. A parent stands before what is in it. */
struct tree_node {
	const char *path; /* borrowed from the file: as much of a tensor's name as path_size says */
	size_t path_size;
	size_t label_at;          /* in the path, where the node's own part begins */
	struct tree_node *parent; /* NULL: the root */
	uint32_t depth;           /* of the root: 0 */
	uint32_t tensor;          /* index in the file; TREE_NO_TENSOR: a module */
	uint32_t first;           /* the earliest of its tensors, as a place in x->shown */
	uint32_t n_tensors;
	uint32_t n_modules; /* directly in it */
	uint32_t n_children;
	uint32_t first_child; /* in tree->order */
	bool is_space;        /* stands for a whole space, whose name its path is */
	bool has_numbers;     /* its children are numbered */
	uint64_t n_parameters;
	uint64_t n_bytes;
	uint64_t dtypes; /* a bit for each of the first of x->dtypes, the last for the others */
};

struct tree {
	struct tree_node *nodes; /* the first one is the root */
	uint32_t n_nodes;
	struct tree_node **order; /* all but the root: children of one parent together, sorted */
};

/* Groups x->shown and sorts what is in each module by x->sort: in the file's order, numbers by
 * their value; by name; or the largest first. */
enum heft_status tree_build(struct tree *tree, const struct inspection *x, struct heft_error *err);
void tree_done(struct tree *tree);

/* Prints a line for each module, or for a tensor that has others or modules beside it, x->max_depth
 * levels deep (0: all). Modules that have but one thing in them share its line. */
enum heft_status inspect_tree_print(struct output *out, const struct inspection *x,
                                    struct heft_error *err);
/* Prints the key "tree" and an array of all modules, parents first. */
enum heft_status inspect_tree_print_json(struct json_out *j, const struct inspection *x,
                                         struct heft_error *err);

#endif
