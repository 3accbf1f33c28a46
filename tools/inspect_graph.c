/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_graph.c - shows people a graph: a line for each node, those of subgraphs indented. */
#include "inspect_graph.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "columns.h"
#include "inspect_cost.h"
#include "memory.h"
#include "print_name.h"
#include "size.h"
#include "tensor_words.h"
#include "term.h"

#define CONSTANT_SIZE 64
#define ATTRIBUTE_SIZE 256
/* A terminal this wide has room for outputs' names and attributes. */
#define WIDE 110
/* What stands before the attributes in a pipe, which are whole there: some exporters make names of
 * hundreds of bytes, and whoever wants those whole asks for JSON. */
#define PIPE_WIDTH 120
#define COSTS_WIDTH ((size_t)28)

struct graph_table {
	const struct inspection *x;
	const struct heft_graph_list *list;
	struct columns columns;
	struct heft_graph_facts facts;
	uint32_t next_part;
	uint32_t n_shown;
	uint32_t n_constants; /* nodes that are not shown, since their values are */
	bool is_wide;
	bool is_pipe;
	bool has_shapes;
	bool has_costs;
	bool is_outer; /* among the nodes of the main graph and those in it */
	struct heft_error *err;
};

/* The next weight among a node's inputs, from *k on; *has is false behind the last one. */
static enum heft_status next_weight(const struct inspection *x, uint32_t node, uint32_t n_inputs,
                                    uint32_t *k, struct heft_tensor *t, bool *has,
                                    struct heft_error *err)
{
	struct heft_graph_value value = { .tensor = HEFT_GRAPH_NONE };
	enum heft_status st = HEFT_OK;

	while (st == HEFT_OK && value.tensor == HEFT_GRAPH_NONE && *k < n_inputs)
		st = heft_graph_list_input(x->graph, node, (*k)++, &value, err);
	*has = false;
	if (st != HEFT_OK || value.tensor == HEFT_GRAPH_NONE)
		return st;
	st = heft_tensor_at(x->file, value.tensor, t, err);
	*has = st == HEFT_OK;
	return st;
}

enum heft_status inspect_graph_parameters(const struct inspection *x, uint32_t node, uint64_t *n,
                                          struct heft_error *err)
{
	struct heft_graph_node described;
	struct heft_tensor t;
	enum heft_status st = heft_graph_list_node(x->graph, node, &described, err);
	bool has = true;

	*n = 0;
	for (uint32_t k = 0; st == HEFT_OK && has;) {
		st = next_weight(x, node, described.n_inputs, &k, &t, &has, err);
		if (has && x->roles[t.index] != HEFT_ROLE_BUFFER)
			*n += t.n_elements;
	}
	return st;
}

static bool is_constant_node(const struct heft_graph_node *node)
{
	return strcmp(node->op, "Constant") == 0 && *node->domain == '\0';
}

/* --- cells --- */

static void print_op(struct output *cells, const struct heft_graph_node *node)
{
	print_words(cells, node->domain);
	output_text(cells, *node->domain ? "::" : "");
	print_words(cells, node->op);
}

static uint32_t indent_of(const struct graph_table *g, uint32_t depth)
{
	return 2 * (depth + !g->is_outer);
}

/* "#12", or the name of a value that no node makes alone; of a constant its numbers. */
static enum heft_status print_input(const struct graph_table *g, struct output *cells,
                                    const struct heft_graph_value *value)
{
	char text[CONSTANT_SIZE] = "";
	struct heft_graph_node maker = { .n_outputs = 0 };
	enum heft_status st = HEFT_OK;

	if (value->index == HEFT_GRAPH_NONE) {
		output_char(cells, '-');
		return HEFT_OK;
	}
	if (value->is_constant)
		st = heft_graph_list_constant(g->list, value->index, text, sizeof text, g->err);
	if (st == HEFT_OK && value->node != HEFT_GRAPH_NONE)
		st = heft_graph_list_node(g->list, value->node, &maker, g->err);
	if (st != HEFT_OK)
		return st;
	if (*text)
		print_words(cells, text);
	else if (maker.n_outputs == 1 && !is_constant_node(&maker))
		output_format(cells, "#%u", value->node);
	else
		print_words(cells, value->name);
	return HEFT_OK;
}

static enum heft_status print_inputs(const struct graph_table *g, struct output *cells,
                                     uint32_t node, uint32_t n_inputs)
{
	struct heft_graph_value value;
	enum heft_status st = HEFT_OK;
	bool is_first = true;

	for (uint32_t k = 0; k < n_inputs && st == HEFT_OK; k++) {
		st = heft_graph_list_input(g->list, node, k, &value, g->err);
		if (st != HEFT_OK || value.tensor != HEFT_GRAPH_NONE)
			continue; /* a weight has a cell of its own */
		output_text(cells, is_first ? "" : ", ");
		is_first = false;
		st = print_input(g, cells, &value);
	}
	return st;
}

/* What the names of a node's weights have in common, up to where a part of them ends: of one, all
 * of it. */
static enum heft_status find_module(const struct graph_table *g, uint32_t node, uint32_t n_inputs,
                                    const char **first, size_t *module_size)
{
	enum heft_status st = HEFT_OK;
	struct heft_tensor t;
	uint32_t k = 0;
	bool has = true;

	*first = "";
	*module_size = 0;
	for (uint32_t n_weights = 0;; n_weights++) {
		size_t n = 0;

		st = next_weight(g->x, node, n_inputs, &k, &t, &has, g->err);
		if (!has)
			return st;
		if (n_weights == 0) {
			*first = t.name;
			*module_size = strlen(t.name);
			continue;
		}
		while (n < *module_size && t.name[n] == (*first)[n])
			n++;
		while (n > 0 && !strchr("./", (*first)[n]))
			n--;
		*module_size = n;
	}
}

/* "encoder.0.norm" where all are in it; else the names. */
static enum heft_status print_weights(const struct graph_table *g, struct output *cells,
                                      uint32_t node, uint32_t n_inputs)
{
	const char *first;
	size_t module_size;
	char *module;
	enum heft_status st = find_module(g, node, n_inputs, &first, &module_size);
	struct heft_tensor t;
	bool is_first = true;
	bool has = true;

	if (st == HEFT_OK && module_size > 0) {
		module = memory_copy_text(first, module_size);
		print_words(cells, module);
		free(module);
		return HEFT_OK;
	}
	for (uint32_t k = 0; st == HEFT_OK && has;) {
		st = next_weight(g->x, node, n_inputs, &k, &t, &has, g->err);
		if (!has)
			break;
		output_text(cells, is_first ? "" : ", ");
		print_words(cells, t.name);
		is_first = false;
	}
	return st;
}

/* "[16, 3, 3, 3]", or "4 x [16]" of as many that are alike. */
static void print_run(struct output *cells, const char *shape, uint32_t n_same, bool is_first)
{
	output_text(cells, is_first ? "" : ", ");
	if (n_same > 1)
		output_format(cells, "%u x ", n_same);
	output_text(cells, shape);
}

/* Of the weights, in their order. */
static enum heft_status print_shapes(const struct graph_table *g, struct output *cells,
                                     uint32_t node, uint32_t n_inputs)
{
	struct output shapes[2]; /* the last one, and the one that comes */
	enum heft_status st = HEFT_OK;
	struct heft_tensor t;
	uint32_t n_same = 0;
	uint32_t n_runs = 0;
	bool has = true;

	output_init(&shapes[0], -1);
	output_init(&shapes[1], -1);
	for (uint32_t k = 0; st == HEFT_OK && has;) {
		st = next_weight(g->x, node, n_inputs, &k, &t, &has, g->err);
		if (!has)
			break;
		output_clear(&shapes[1]);
		tensor_words_shape(&shapes[1], &t);
		if (n_same > 0 &&
		    strcmp(output_string(&shapes[0]), output_string(&shapes[1])) != 0) {
			print_run(cells, output_string(&shapes[0]), n_same, n_runs++ == 0);
			n_same = 0;
		}
		if (n_same++ == 0) {
			output_clear(&shapes[0]);
			output_text(&shapes[0], output_string(&shapes[1]));
		}
	}
	if (n_same > 0)
		print_run(cells, output_string(&shapes[0]), n_same, n_runs == 0);
	output_done(&shapes[0]);
	output_done(&shapes[1]);
	return st;
}

static enum heft_status print_attributes(const struct graph_table *g, struct output *cells,
                                         uint32_t node, uint32_t n_attributes)
{
	char text[ATTRIBUTE_SIZE];
	const char *name;

	for (uint32_t k = 0; k < n_attributes; k++) {
		const enum heft_status st = heft_graph_list_attribute(g->list, node, k, &name, text,
		                                                      sizeof text, g->err);

		if (st != HEFT_OK)
			return st;
		output_text(cells, k > 0 ? ", " : "");
		print_words(cells, name);
		output_char(cells, '=');
		print_words(cells, text);
	}
	return HEFT_OK;
}

/* Nothing where the node takes nothing of its own. */
static void print_cost(struct graph_table *g, const struct node_cost *cost)
{
	struct output *cells = &g->columns.cells;

	if (!g->has_costs)
		return;
	if (cost && cost->n_multiply_adds > 0)
		output_grouped(cells, cost->n_multiply_adds);
	columns_end_cell(&g->columns);
	if (cost && cost->n_output_bytes > 0)
		size_print(cells, cost->n_output_bytes);
	columns_end_cell(&g->columns);
}

static enum heft_status add_cost(struct graph_table *g, uint32_t node, uint32_t n_outputs)
{
	struct heft_graph_value value = { .name = "" };
	enum heft_status st = HEFT_OK;

	if (n_outputs > 0 && g->has_costs)
		st = heft_graph_list_output(g->list, node, 0, &value, g->err);
	print_cost(g, st == HEFT_OK ? inspect_cost_of(g->x->cost, value.name) : NULL);
	return st;
}

/* The first output stands for the node. */
static enum heft_status print_output(struct graph_table *g, uint32_t node, uint32_t n_outputs)
{
	struct output *cells = &g->columns.cells;
	struct heft_graph_value value = { .name = "" };
	enum heft_status st = HEFT_OK;

	if (n_outputs > 0)
		st = heft_graph_list_output(g->list, node, 0, &value, g->err);
	if (st != HEFT_OK)
		return st;
	if (g->is_wide) {
		print_words(cells, value.name);
		if (n_outputs > 1)
			output_format(cells, " +%u", n_outputs - 1);
		columns_end_cell(&g->columns);
	}
	if (g->has_shapes) {
		inspect_graph_shape(cells, &value);
		columns_end_cell(&g->columns);
	}
	return HEFT_OK;
}

/* Costs take their place where it is narrow. */
static bool has_weight_shapes(const struct graph_table *g)
{
	return g->is_wide || !g->has_costs;
}

static enum heft_status add_node(struct graph_table *g, uint32_t i,
                                 const struct heft_graph_node *node)
{
	struct output *cells = &g->columns.cells;
	uint64_t n_parameters;
	enum heft_status st;

	output_format(cells, "%u", i);
	columns_end_cell(&g->columns);
	output_repeat(cells, ' ', indent_of(g, node->depth));
	print_op(cells, node);
	columns_end_cell(&g->columns);
	st = print_output(g, i, node->n_outputs);
	if (st == HEFT_OK)
		st = print_inputs(g, cells, i, node->n_inputs);
	columns_end_cell(&g->columns);
	if (st == HEFT_OK)
		st = print_weights(g, cells, i, node->n_inputs);
	columns_end_cell(&g->columns);
	if (has_weight_shapes(g)) {
		if (st == HEFT_OK)
			st = print_shapes(g, cells, i, node->n_inputs);
		columns_end_cell(&g->columns);
	}
	if (st == HEFT_OK)
		st = inspect_graph_parameters(g->x, i, &n_parameters, g->err);
	if (st == HEFT_OK && n_parameters > 0)
		output_grouped(cells, n_parameters);
	columns_end_cell(&g->columns);
	if (st == HEFT_OK)
		st = add_cost(g, i, node->n_outputs);
	if (!g->is_wide)
		return st;
	if (st == HEFT_OK)
		st = print_attributes(g, cells, i, node->n_attributes);
	columns_end_cell(&g->columns);
	return st;
}

/* --- parts --- */

/* "then_branch:", "pkg::Norm:", "training 0:" */
static void add_part(struct graph_table *g, const struct heft_graph_part *part)
{
	struct output *cells = &g->columns.cells;

	columns_end_cell(&g->columns);
	if (part->kind == HEFT_GRAPH_SUBGRAPH)
		output_repeat(cells, ' ', indent_of(g, part->depth));
	if (part->kind == HEFT_GRAPH_FUNCTION) {
		print_words(cells, part->domain);
		output_text(cells, "::");
		print_words(cells, part->name);
		output_text(cells, *part->overload ? ":" : "");
		print_words(cells, part->overload);
	} else {
		print_words(cells,
		            part->kind == HEFT_GRAPH_TRAINING ? "training" : part->attribute);
	}
	if (part->ordinal != HEFT_GRAPH_NONE)
		output_format(cells, " %u", part->ordinal);
	output_char(cells, ':');
	columns_end_cell(&g->columns);
	for (size_t i = 2; i < g->columns.n_columns; i++)
		columns_end_cell(&g->columns);
}

/* Tells where the parts begin that node i is the first of; i behind the last node: the rest. */
static enum heft_status enter_parts(struct graph_table *g, uint32_t i)
{
	struct heft_graph_part part;

	for (; g->next_part < g->facts.n_parts; g->next_part++) {
		const enum heft_status st = heft_graph_list_part(g->list, g->next_part, &part,
		                                                 g->err);

		if (st != HEFT_OK || part.first_node > i)
			return st;
		if (part.depth == 0)
			g->is_outer = part.kind == HEFT_GRAPH_MAIN;
		if (part.kind != HEFT_GRAPH_MAIN && !g->x->pattern)
			add_part(g, &part);
	}
	return HEFT_OK;
}

/* --- which nodes --- */

static bool matches_text(const char *pattern, const char *text)
{
	return *text && fnmatch(pattern, text, 0) == 0;
}

enum heft_status inspect_graph_matches(const struct inspection *x, uint32_t node, bool *is,
                                       struct heft_error *err)
{
	const char *pattern = x->pattern;
	struct heft_graph_value value;
	struct heft_graph_node n;
	struct heft_tensor t;
	enum heft_status st = heft_graph_list_node(x->graph, node, &n, err);
	bool has = true;

	if (st != HEFT_OK)
		return st;
	*is = !pattern || matches_text(pattern, n.op) || matches_text(pattern, n.name);
	for (uint32_t k = 0; !*is && k < n.n_outputs && st == HEFT_OK; k++) {
		st = heft_graph_list_output(x->graph, node, k, &value, err);
		*is = st == HEFT_OK && matches_text(pattern, value.name);
	}
	for (uint32_t k = 0; !*is && has && st == HEFT_OK;) {
		st = next_weight(x, node, n.n_inputs, &k, &t, &has, err);
		*is = has && matches_text(pattern, t.name);
	}
	return st;
}

static enum heft_status add_nodes(struct graph_table *g)
{
	enum heft_status st = HEFT_OK;
	struct heft_graph_node node;
	bool is_shown;

	for (uint32_t i = 0; i < g->facts.n_nodes && st == HEFT_OK; i++) {
		st = enter_parts(g, i);
		if (st == HEFT_OK)
			st = heft_graph_list_node(g->list, i, &node, g->err);
		if (st == HEFT_OK)
			st = inspect_graph_matches(g->x, i, &is_shown, g->err);
		if (st != HEFT_OK || !is_shown)
			continue;
		if (is_constant_node(&node)) {
			g->n_constants++;
			continue;
		}
		g->n_shown++;
		st = add_node(g, i, &node);
	}
	return st == HEFT_OK ? enter_parts(g, UINT32_MAX) : st;
}

/* In a pipe a weight's name keeps what tells it apart, and shapes and attributes stay whole. */
static size_t choose_columns(const struct graph_table *g, struct column *columns)
{
	const size_t name_width = g->is_pipe ? 28 : 8;
	size_t n = 0;

	columns[n++] = (struct column){ .title = "#", .is_right = true };
	columns[n++] = (struct column){ .title = "operator", .min_width = g->is_wide ? 20 : 10 };
	if (g->is_wide)
		columns[n++] = (struct column){ .title = "output",
			                        .min_width = 8,
			                        .cut = COLUMN_CUT_BEGIN };
	if (g->has_shapes)
		columns[n++] = (struct column){ .title = "shape", .min_width = 8 };
	columns[n++] = (struct column){ .title = "inputs", .min_width = 8 };
	columns[n++] = (struct column){ .title = "weights",
		                        .min_width = name_width,
		                        .cut = COLUMN_CUT_BEGIN };
	if (has_weight_shapes(g))
		columns[n++] = (struct column){ .title = "their shapes",
			                        .min_width = g->is_pipe ? 0 : 8 };
	columns[n++] = (struct column){ .title = "parameters", .is_right = true };
	if (g->has_costs) {
		columns[n++] = (struct column){ .title = "mul-adds", .is_right = true };
		columns[n++] = (struct column){ .title = "activation", .is_right = true };
	}
	if (g->is_wide)
		columns[n++] = (struct column){ .title = "attributes",
			                        .min_width = g->is_pipe ? 0 : 8,
			                        .cut = COLUMN_CUT_END };
	return n;
}

static void print_total(struct output *out, const struct graph_table *g)
{
	output_grouped(out, g->n_shown);
	if (g->n_shown < g->facts.n_nodes) {
		output_text(out, " of ");
		output_grouped(out, g->facts.n_nodes);
	}
	output_text(out, g->facts.n_nodes == 1 ? " node" : " nodes");
	if (g->n_constants > 0) {
		output_text(out, "; ");
		output_grouped(out, g->n_constants);
		output_text(out, g->n_constants == 1
		                         ? " is a Constant and shown where it is used"
		                         : " are Constants and shown where they are used");
	}
	output_char(out, '\n');
	if (!g->has_costs)
		return;
	output_format(out, "a batch of %u: ", g->x->cost->batch);
	output_grouped(out, g->x->cost->n_multiply_adds);
	output_text(out, " multiply-adds, ");
	size_print(out, g->x->cost->n_output_bytes);
	output_text(out, " of activations in ");
	size_print(out, g->x->cost->facts.workspace_bytes);
	output_text(out, " of memory\n");
	if (g->x->cost->n_free > 0)
		output_text(out, "other free dimensions are taken as 1: --size NAME=N\n");
}

/* Whether shapes have a column: where it is narrow only if every other node has one at least. */
static enum heft_status find_shapes(struct graph_table *g)
{
	struct heft_graph_value value;
	struct heft_graph_node node;
	uint32_t n_nodes = 0;
	uint32_t n_shapes = 0;
	enum heft_status st = HEFT_OK;

	for (uint32_t i = 0; i < g->facts.n_nodes && st == HEFT_OK; i++) {
		st = heft_graph_list_node(g->list, i, &node, g->err);
		if (st != HEFT_OK || node.n_outputs == 0 || is_constant_node(&node))
			continue;
		st = heft_graph_list_output(g->list, i, 0, &value, g->err);
		n_nodes++;
		n_shapes += st == HEFT_OK && value.has_shape;
	}
	g->has_shapes = g->is_wide ? n_shapes > 0 : n_shapes >= n_nodes - n_nodes / 2;
	return st;
}

enum heft_status inspect_graph_print(struct output *out, const struct inspection *x,
                                     struct heft_error *err)
{
	size_t width = term_columns(STDOUT_FILENO);
	struct graph_table g = {
		.x = x,
		.list = x->graph,
		.is_wide = width == 0 || width >= WIDE,
		.is_pipe = width == 0,
		.is_outer = true,
		.has_costs = x->cost && x->cost->n_nodes > 0,
		.err = err,
	};
	struct column columns[COLUMNS_MAX];
	enum heft_status st = inspect_graph_print_facts(out, x, err);

	if (st != HEFT_OK)
		return st;
	heft_graph_list_facts(g.list, &g.facts);
	st = find_shapes(&g);
	if (st != HEFT_OK)
		return st;
	columns_init(&g.columns, columns, choose_columns(&g, columns));
	st = add_nodes(&g);
	if (st == HEFT_OK && g.columns.n_cells > 0) {
		output_char(out, '\n');
		if (g.is_pipe)
			width = PIPE_WIDTH + (g.has_costs ? COSTS_WIDTH : 0) +
			        g.columns.widths[g.columns.n_columns - 1];
		columns_print(&g.columns, out, width, term_has_colour(STDOUT_FILENO));
	}
	columns_done(&g.columns);
	if (st == HEFT_OK)
		print_total(out, &g);
	return st;
}
