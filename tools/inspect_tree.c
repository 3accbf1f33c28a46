/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_tree.c - groups tensors by module. Their names are sorted first: those of one module then
 * stand together, and a stack of the modules that are open makes the tree in one pass, whatever the
 * names are.
 */
#include "inspect_tree.h"

#include <stdlib.h>
#include <string.h>

#include "inspect_sort.h"
#include "memory.h"

#define MAX_DTYPE_BIT 63

struct entry {
	const char *name;
	uint32_t place; /* in x->shown */
	uint32_t space;
};

struct builder {
	const struct inspection *x;
	struct tree *tree;
	uint32_t capacity;
	uint32_t *open; /* the modules around the last tensor, from the root inwards */
	uint32_t n_open;
	uint32_t open_capacity;
};

static bool is_separator(char c)
{
	return c == '.' || c == '/';
}

/* Whether a module's path ends before name[at]: a separator at a name's begin or end, and all but
 * the first of several, belong to the part beside them. */
static bool splits(const char *name, size_t at)
{
	return is_separator(name[at]) && at > 0 && !is_separator(name[at - 1]) &&
	       name[at + 1] != '\0';
}

static int by_space_and_name(const void *pa, const void *pb)
{
	const struct entry *a = pa;
	const struct entry *b = pb;

	if (a->space != b->space)
		return a->space < b->space ? -1 : 1;
	return strcmp(a->name, b->name);
}

static enum heft_status collect(const struct inspection *x, struct entry *entries,
                                struct heft_error *err)
{
	struct heft_tensor t;

	for (uint32_t i = 0; i < x->n_shown; i++) {
		const enum heft_status st = heft_tensor_at(x->file, x->shown[i], &t, err);

		if (st != HEFT_OK)
			return st;
		entries[i] = (struct entry){ .name = t.name, .place = i, .space = t.space };
	}
	qsort(entries, x->n_shown, sizeof *entries, by_space_and_name);
	return HEFT_OK;
}

/* --- making the nodes; until they are all there, `parent` is not known as a pointer --- */

static uint32_t add_node(struct builder *b, const struct tree_node *node)
{
	struct tree *tree = b->tree;

	if (tree->n_nodes == b->capacity) {
		b->capacity = b->capacity > 0 ? b->capacity * 2 : 64;
		tree->nodes = memory_resize(tree->nodes, b->capacity, sizeof *tree->nodes);
	}
	tree->nodes[tree->n_nodes] = *node;
	tree->nodes[tree->n_nodes].depth = b->n_open;
	return tree->n_nodes++;
}

static void open_module(struct builder *b, const struct tree_node *node)
{
	const uint32_t i = add_node(b, node);

	if (b->n_open == b->open_capacity) {
		b->open_capacity = b->open_capacity > 0 ? b->open_capacity * 2 : 16;
		b->open = memory_resize(b->open, b->open_capacity, sizeof *b->open);
	}
	b->open[b->n_open++] = i;
}

/* Leaves the modules that the next name is not in. */
static void close_modules(struct builder *b, const char *name, size_t n_common)
{
	while (b->n_open > 0) {
		const struct tree_node *node = &b->tree->nodes[b->open[b->n_open - 1]];

		if (node->path_size == 0 || node->is_space ||
		    (node->path_size < n_common && splits(name, node->path_size)))
			return;
		b->n_open--;
	}
}

static uint64_t dtype_bit(const struct inspection *x, enum heft_dtype dtype)
{
	uint32_t i = 0;

	while (i < MAX_DTYPE_BIT && x->dtypes[i].dtype != dtype)
		i++;
	return UINT64_C(1) << i;
}

static enum heft_status add_tensor(struct builder *b, const struct entry *e, struct heft_error *err)
{
	const struct inspection *x = b->x;
	const struct tree_node *around = &b->tree->nodes[b->open[b->n_open - 1]];
	size_t label_at = around->path_size == 0 || around->is_space ? 0 : around->path_size + 1;
	struct heft_tensor t;
	const enum heft_status st = heft_tensor_at(x->file, x->shown[e->place], &t, err);

	if (st != HEFT_OK)
		return st;
	for (size_t at = label_at; t.name[at]; at++) {
		if (!splits(t.name, at))
			continue;
		open_module(b, &(struct tree_node){ .path = t.name,
		                                    .path_size = at,
		                                    .label_at = label_at,
		                                    .tensor = TREE_NO_TENSOR,
		                                    .first = UINT32_MAX });
		label_at = at + 1;
	}
	add_node(b, &(struct tree_node){
			    .path = t.name,
			    .path_size = strlen(t.name),
			    .label_at = label_at,
			    .tensor = t.index,
			    .first = e->place,
			    .n_tensors = 1,
			    .n_parameters = inspection_parameters(x, &t),
			    .n_bytes = t.n_bytes,
			    .dtypes = dtype_bit(x, t.dtype),
		    });
	return HEFT_OK;
}

static void open_space(struct builder *b, uint32_t space)
{
	const char *name = heft_space_name((enum heft_space)space);

	b->n_open = 1;
	open_module(b, &(struct tree_node){ .path = name,
	                                    .path_size = strlen(name),
	                                    .tensor = TREE_NO_TENSOR,
	                                    .first = UINT32_MAX,
	                                    .is_space = true });
}

static size_t common_size(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

static enum heft_status add_all(struct builder *b, const struct entry *entries,
                                struct heft_error *err)
{
	enum heft_status st = HEFT_OK;

	open_module(b, &(struct tree_node){
			       .path = "", .tensor = TREE_NO_TENSOR, .first = UINT32_MAX });
	for (uint32_t i = 0; i < b->x->n_shown && st == HEFT_OK; i++) {
		const bool is_next = i > 0 && entries[i].space == entries[i - 1].space;

		if (is_next)
			close_modules(b, entries[i].name,
			              common_size(entries[i - 1].name, entries[i].name));
		else if (b->x->has_spaces)
			open_space(b, entries[i].space);
		st = add_tensor(b, &entries[i], err);
	}
	return st;
}

/* --- what follows from them --- */

/* A node's parent is the last one before it that is one less deep. */
static void set_parents(struct tree *tree)
{
	struct tree_node *last = tree->nodes;

	for (uint32_t i = 1; i < tree->n_nodes; i++) {
		struct tree_node *node = &tree->nodes[i];

		while (last->depth >= node->depth)
			last = last->parent;
		node->parent = last;
		last = node;
	}
}

static bool is_number(const struct tree_node *node)
{
	for (size_t i = node->label_at; i < node->path_size; i++) {
		if (node->path[i] < '0' || node->path[i] > '9')
			return false;
	}
	return node->path_size > node->label_at;
}

/* From the innermost outwards, since parents stand first. */
static void add_up(struct tree *tree)
{
	for (uint32_t i = 0; i < tree->n_nodes; i++)
		tree->nodes[i].has_numbers = tree->nodes[i].tensor == TREE_NO_TENSOR;
	for (uint32_t i = tree->n_nodes - 1; i > 0; i--) {
		const struct tree_node *node = &tree->nodes[i];
		struct tree_node *parent = node->parent;

		parent->n_children++;
		parent->n_modules += node->tensor == TREE_NO_TENSOR;
		parent->n_tensors += node->n_tensors;
		parent->n_parameters += node->n_parameters;
		parent->n_bytes += node->n_bytes;
		parent->dtypes |= node->dtypes;
		parent->has_numbers &= is_number(node);
		if (node->first < parent->first)
			parent->first = node->first;
	}
}

/* --- order --- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Compares the runs of digits at *a and *b as numbers, and moves both behind them. */
static int compare_numbers(const char **a, const char *a_end, const char **b, const char *b_end)
{
	const char *from_a;
	const char *from_b;
	int order;

	while (*a < a_end && **a == '0')
		(*a)++;
	while (*b < b_end && **b == '0')
		(*b)++;
	from_a = *a;
	from_b = *b;
	while (*a < a_end && is_digit(**a))
		(*a)++;
	while (*b < b_end && is_digit(**b))
		(*b)++;
	if (*a - from_a != *b - from_b)
		return *a - from_a < *b - from_b ? -1 : 1;
	order = memcmp(from_a, from_b, (size_t)(*a - from_a));
	return order;
}

/* "layer2" before "layer10". */
static int compare_labels(const struct tree_node *na, const struct tree_node *nb)
{
	const char *a = na->path + na->label_at;
	const char *b = nb->path + nb->label_at;
	const char *const a_end = na->path + na->path_size;
	const char *const b_end = nb->path + nb->path_size;

	while (a < a_end && b < b_end) {
		if (is_digit(*a) && is_digit(*b)) {
			const int order = compare_numbers(&a, a_end, &b, b_end);

			if (order != 0)
				return order;
			continue;
		}
		if (*a != *b)
			return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
		a++;
		b++;
	}
	return (a < a_end) - (b < b_end);
}

static int by_place(const struct tree_node *a, const struct tree_node *b)
{
	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a < b ? -1 : a > b;
}

static int in_file_order(const void *pa, const void *pb)
{
	const struct tree_node *a = *(struct tree_node *const *)pa;
	const struct tree_node *b = *(struct tree_node *const *)pb;
	int order = 0;

	if (a->parent == b->parent && a->parent->has_numbers)
		order = compare_labels(a, b);
	return order != 0 ? order : by_place(a, b);
}

static int in_name_order(const void *pa, const void *pb)
{
	const struct tree_node *a = *(struct tree_node *const *)pa;
	const struct tree_node *b = *(struct tree_node *const *)pb;
	const int order = a->parent == b->parent ? compare_labels(a, b) : 0;

	return order != 0 ? order : by_place(a, b);
}

static int in_size_order(const void *pa, const void *pb)
{
	const struct tree_node *a = *(struct tree_node *const *)pa;
	const struct tree_node *b = *(struct tree_node *const *)pb;

	if (a->parent == b->parent && a->n_bytes != b->n_bytes)
		return a->n_bytes > b->n_bytes ? -1 : 1;
	return by_place(a, b);
}

static void sort_children(struct tree *tree, uint32_t sort)
{
	const uint32_t n = tree->n_nodes - 1;

	tree->order = memory_new(n, sizeof *tree->order);
	for (uint32_t i = 0; i < n; i++)
		tree->order[i] = &tree->nodes[i + 1];
	qsort(tree->order, n, sizeof *tree->order,
	      sort == INSPECT_SORT_SIZE   ? in_size_order
	      : sort == INSPECT_SORT_NAME ? in_name_order
	                                  : in_file_order);
	for (uint32_t i = n; i > 0; i--)
		tree->order[i - 1]->parent->first_child = i - 1;
}

enum heft_status tree_build(struct tree *tree, const struct inspection *x, struct heft_error *err)
{
	struct entry *entries = memory_new(x->n_shown, sizeof *entries);
	struct builder b = { .x = x, .tree = tree };
	enum heft_status st;

	*tree = (struct tree){ .nodes = NULL };
	st = collect(x, entries, err);
	if (st == HEFT_OK)
		st = add_all(&b, entries, err);
	if (st == HEFT_OK) {
		set_parents(tree);
		add_up(tree);
		sort_children(tree, x->sort);
	}
	free(entries);
	free(b.open);
	if (st != HEFT_OK)
		tree_done(tree);
	return st;
}

void tree_done(struct tree *tree)
{
	free(tree->nodes);
	free(tree->order);
}
