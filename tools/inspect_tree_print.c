/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_tree_print.c - shows the modules of a file to people and to scripts. */
#include "inspect_tree.h"

#include <stdlib.h>
#include <unistd.h>

#include "columns.h"
#include "memory.h"
#include "print_name.h"
#include "tensor_words.h"
#include "term.h"

#define N_DTYPES_SHOWN 3

/* What the branches are drawn with. */
struct strokes {
	const char *pass; /* beside what is in a module that others follow */
	const char *blank;
	const char *branch;
	const char *last;
};

struct printing {
	const struct inspection *x;
	const struct tree *tree;
	const struct strokes *strokes;
	struct columns table;
	struct output branches; /* what stands before the lines of the module being printed */
	enum heft_status status;
	struct heft_error *err;
};

/* "F32, F16", "F32, F16, I64 and 2 more" */
static void print_dtypes(struct output *out, const struct inspection *x, uint64_t dtypes)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->n_dtypes && i < 64; i++) {
		if (!(dtypes >> i & 1))
			continue;
		if (n < N_DTYPES_SHOWN) {
			output_text(out, n > 0 ? ", " : "");
			tensor_words_dtype(out, x->dtypes[i].dtype);
		}
		n++;
	}
	if (n > N_DTYPES_SHOWN)
		output_format(out, " and %u more", n - N_DTYPES_SHOWN);
}

/* The dtypes of a module, or the dtype and shape of a tensor. */
static void print_kind(struct printing *p, const struct tree_node *node)
{
	struct output *cells = &p->table.cells;
	struct heft_tensor t;

	if (node->tensor == TREE_NO_TENSOR) {
		print_dtypes(cells, p->x, node->dtypes);
		return;
	}
	p->status = heft_tensor_at(p->x->file, node->tensor, &t, p->err);
	if (p->status != HEFT_OK)
		return;
	tensor_words_dtype(cells, t.dtype);
	output_char(cells, ' ');
	tensor_words_shape(cells, &t);
}

/* `from` is where the label of the first of the modules begins that share the line. */
static void add_line(struct printing *p, const struct tree_node *node, size_t from,
                     const char *branch)
{
	struct output *cells = &p->table.cells;
	char *label = memory_copy_text(node->path + from, node->path_size - from);

	print_name_mark(cells, label);
	output_bytes(cells, p->branches.buf, p->branches.n);
	output_text(cells, branch);
	print_name(cells, label);
	if (node->is_space)
		output_char(cells, ':');
	free(label);
	columns_end_cell(&p->table);
	output_grouped(cells, node->n_tensors);
	columns_end_cell(&p->table);
	output_grouped(cells, node->n_parameters);
	columns_end_cell(&p->table);
	output_grouped(cells, node->n_bytes);
	columns_end_cell(&p->table);
	print_kind(p, node);
	columns_end_cell(&p->table);
}

static struct tree_node *child_of(const struct tree *tree, const struct tree_node *node, uint32_t i)
{
	return tree->order[node->first_child + i];
}

/* Each level but the root's has two lines at least, so that names alone make none deep. */
static void add_children(struct printing *p, const struct tree_node *parent, uint32_t level)
{
	const size_t n_before = p->branches.n;
	const struct strokes *s = p->strokes;

	for (uint32_t i = 0; i < parent->n_children && p->status == HEFT_OK; i++) {
		const struct tree_node *node = child_of(p->tree, parent, i);
		const size_t from = node->label_at;
		const bool is_last = i + 1 == parent->n_children;

		while (node->n_children == 1 && !node->is_space)
			node = child_of(p->tree, node, 0);
		add_line(p, node, from, level == 1 ? "" : is_last ? s->last : s->branch);
		/* The tensors of a module without others in it are told in its line. */
		if (level == p->x->max_depth || (node->n_modules == 0 && !node->is_space))
			continue;
		if (level > 1)
			output_text(&p->branches, is_last ? s->blank : s->pass);
		add_children(p, node, level + 1);
		p->branches.n = n_before;
	}
}

enum heft_status inspect_tree_print(struct output *out, const struct inspection *x,
                                    struct heft_error *err)
{
	static const struct strokes lines = { "│  ", "   ", "├─ ", "└─ " };
	static const struct strokes ascii = { "|  ", "   ", "|- ", "`- " };
	static const struct column columns[] = {
		{ .title = "module", .min_width = 16 },
		{ .title = "tensors", .is_right = true },
		{ .title = "parameters", .is_right = true },
		{ .title = "bytes", .is_right = true },
		{ .title = "dtype", .min_width = 8 },
	};
	struct printing p = { .x = x, .status = HEFT_OK, .err = err };
	struct tree tree;
	const enum heft_status st = tree_build(&tree, x, err);

	if (st != HEFT_OK)
		return st;
	p.tree = &tree;
	p.strokes = term_has_utf8() ? &lines : &ascii;
	output_init(&p.branches, -1);
	columns_init(&p.table, columns, sizeof columns / sizeof *columns);
	add_children(&p, tree.nodes, 1);
	if (p.branches.error)
		out->error = p.branches.error;
	if (p.status == HEFT_OK)
		columns_print(&p.table, out, term_columns(STDOUT_FILENO),
		              term_has_colour(STDOUT_FILENO));
	columns_done(&p.table);
	output_done(&p.branches);
	tree_done(&tree);
	return p.status;
}

/* --- JSON --- */

static void print_json_module(struct json_out *j, const struct inspection *x,
                              const struct tree_node *node, const char *space)
{
	char *path = memory_copy_text(node->path, node->is_space ? 0 : node->path_size);
	struct output word;

	output_init(&word, -1);
	json_out_begin(j, '{');
	json_out_key(j, "path");
	json_out_text(j, path);
	if (space) {
		json_out_key(j, "space");
		json_out_text(j, space);
	}
	json_out_key(j, "depth");
	json_out_u64(j, node->depth - (space != NULL));
	json_out_key(j, "n_tensors");
	json_out_u64(j, node->n_tensors);
	json_out_key(j, "n_parameters");
	json_out_u64(j, node->n_parameters);
	json_out_key(j, "n_bytes");
	json_out_u64(j, node->n_bytes);
	json_out_key(j, "dtypes");
	json_out_begin(j, '[');
	for (uint32_t i = 0; i < x->n_dtypes && i < 64; i++) {
		if (!(node->dtypes >> i & 1))
			continue;
		output_clear(&word);
		tensor_words_dtype(&word, x->dtypes[i].dtype);
		json_out_text(j, output_string(&word));
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
	output_done(&word);
	free(path);
}

/* As deep as names have parts. */
static void print_json_modules(struct json_out *j, const struct inspection *x,
                               const struct tree *tree, const struct tree_node *node,
                               const char *space)
{
	const uint32_t depth = node->depth - (space != NULL);

	if (node->tensor != TREE_NO_TENSOR || (x->max_depth > 0 && depth > x->max_depth) ||
	    j->out->error)
		return;
	print_json_module(j, x, node, space);
	for (uint32_t i = 0; i < node->n_children; i++) {
		const struct tree_node *child = child_of(tree, node, i);

		print_json_modules(j, x, tree, child, child->is_space ? child->path : space);
	}
}

enum heft_status inspect_tree_print_json(struct json_out *j, const struct inspection *x,
                                         struct heft_error *err)
{
	struct tree tree;
	const enum heft_status st = tree_build(&tree, x, err);

	if (st != HEFT_OK)
		return st;
	json_out_key(j, "tree");
	json_out_begin(j, '[');
	print_json_modules(j, x, &tree, tree.nodes, NULL);
	json_out_end(j, ']');
	tree_done(&tree);
	return HEFT_OK;
}
