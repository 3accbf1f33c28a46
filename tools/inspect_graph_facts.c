/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_graph_facts.c - what a graph takes and gives, and which operators it is made of. */
#include "inspect_graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "print_name.h"
#include "term.h"
#include "utf8_text.h"

#define LABEL_WIDTH 12
#define DEFAULT_WIDTH 80
#define N_ENDS_SHOWN 20u /* inputs, or outputs */

void inspect_graph_shape(struct output *out, const struct heft_graph_value *value)
{
	if (!value->has_shape)
		return;
	output_char(out, '[');
	for (uint32_t i = 0; i < value->rank; i++) {
		const struct heft_graph_dim *dim = &value->dims[i];

		output_text(out, i > 0 ? ", " : "");
		if (!dim->symbol)
			output_format(out, "%" PRIu64, dim->size);
		else if (*dim->symbol)
			print_words(out, dim->symbol);
		else
			output_char(out, '?');
	}
	output_char(out, ']');
}

static void print_label(struct output *out, const char *label)
{
	output_format(out, "%-*s", LABEL_WIDTH, label);
}

/* "torch-jit-export, by pytorch 1.3" */
static void print_title(struct output *out, const struct heft_graph_facts *facts)
{
	print_label(out, "graph");
	print_words(out, facts->name);
	if (*facts->producer_name) {
		output_text(out, *facts->name ? ", by " : "by ");
		print_words(out, facts->producer_name);
		output_text(out, *facts->producer_version ? " " : "");
		print_words(out, facts->producer_version);
	}
	output_char(out, '\n');
}

/* "17, com.microsoft 1, IR version 8" */
static enum heft_status print_opsets(struct output *out, const struct heft_graph_list *list,
                                     const struct heft_graph_facts *facts, struct heft_error *err)
{
	struct heft_graph_opset opset;

	print_label(out, "opset");
	for (uint32_t i = 0; i < facts->n_opsets; i++) {
		const enum heft_status st = heft_graph_list_opset(list, i, &opset, err);

		if (st != HEFT_OK)
			return st;
		print_words(out, opset.domain);
		output_format(out, *opset.domain ? " %" PRIu64 ", " : "%" PRIu64 ", ",
		              opset.version);
	}
	output_format(out, "IR version %" PRIu64 "\n", facts->ir_version);
	return HEFT_OK;
}

static void print_end(struct output *out, const char *label, const struct heft_graph_value *value)
{
	print_label(out, label);
	print_words(out, value->name);
	output_text(out, *value->type ? " " : "");
	output_text(out, value->type);
	output_text(out, value->has_shape ? " " : "");
	inspect_graph_shape(out, value);
	output_char(out, '\n');
}

typedef enum heft_status (*end_fn)(const struct heft_graph_list *list, uint32_t part, uint32_t k,
                                   struct heft_graph_value *value, struct heft_error *err);

/* The inputs or the outputs. An input with a weight is one of old models, and not to be given. */
static enum heft_status print_ends(struct output *out, const struct heft_graph_list *list,
                                   uint32_t n, end_fn end, const char *label,
                                   struct heft_error *err)
{
	struct heft_graph_value value;
	uint32_t n_ends = 0;

	for (uint32_t i = 0; i < n; i++) {
		const enum heft_status st = end(list, 0, i, &value, err);

		if (st != HEFT_OK)
			return st;
		if (value.tensor != HEFT_GRAPH_NONE && value.node == HEFT_GRAPH_NONE)
			continue;
		if (n_ends < N_ENDS_SHOWN)
			print_end(out, n_ends == 0 ? label : "", &value);
		n_ends++;
	}
	if (n_ends <= N_ENDS_SHOWN)
		return HEFT_OK;
	print_label(out, "");
	output_grouped(out, n_ends - N_ENDS_SHOWN);
	output_text(out, " more\n");
	return HEFT_OK;
}

/* --- operators --- */

struct op_count {
	const char *domain;
	const char *op;
	uint32_t n;
};

static int by_name(const void *pa, const void *pb)
{
	const struct op_count *a = pa;
	const struct op_count *b = pb;
	const int order = strcmp(a->domain, b->domain);

	return order != 0 ? order : strcmp(a->op, b->op);
}

static int by_count(const void *pa, const void *pb)
{
	const struct op_count *a = pa;
	const struct op_count *b = pb;

	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	return by_name(a, b);
}

static uint32_t unite(struct op_count *ops, uint32_t n)
{
	uint32_t n_united = 0;

	qsort(ops, n, sizeof *ops, by_name);
	for (uint32_t i = 0; i < n; i++) {
		if (n_united > 0 && by_name(&ops[n_united - 1], &ops[i]) == 0)
			ops[n_united - 1].n++;
		else
			ops[n_united++] = ops[i];
	}
	qsort(ops, n_united, sizeof *ops, by_count);
	return n_united;
}

/* "nodes       151 (43 Conv, 35 Relu, …)", in lines that fit. */
static void print_ops(struct output *out, const struct op_count *ops, uint32_t n, uint32_t n_nodes)
{
	const size_t columns = term_columns(STDOUT_FILENO);
	const size_t width = columns == 0 ? DEFAULT_WIDTH : columns;
	struct output item;
	size_t at;

	output_init(&item, -1);
	output_grouped(&item, n_nodes);
	output_text(&item, n > 0 ? " (" : "");
	print_label(out, "nodes");
	output_bytes(out, item.buf, item.n);
	at = LABEL_WIDTH + item.n;
	for (uint32_t i = 0; i < n; i++) {
		output_clear(&item);
		output_grouped(&item, ops[i].n);
		output_char(&item, ' ');
		print_words(&item, ops[i].domain);
		output_text(&item, *ops[i].domain ? "::" : "");
		print_words(&item, ops[i].op);
		output_char(&item, i + 1 < n ? ',' : ')');
		if (i > 0 && at + 1 + utf8_width(item.buf, item.n) > width) {
			output_char(out, '\n');
			print_label(out, "");
			at = LABEL_WIDTH;
		} else if (i > 0) {
			output_char(out, ' ');
			at++;
		}
		output_bytes(out, item.buf, item.n);
		at += utf8_width(item.buf, item.n);
	}
	output_char(out, '\n');
	output_done(&item);
}

static enum heft_status print_operators(struct output *out, const struct heft_graph_list *list,
                                        uint32_t n_nodes, struct heft_error *err)
{
	struct op_count *ops = memory_new(n_nodes, sizeof *ops);
	struct heft_graph_node node;
	enum heft_status st = HEFT_OK;

	for (uint32_t i = 0; i < n_nodes && st == HEFT_OK; i++) {
		st = heft_graph_list_node(list, i, &node, err);
		if (st == HEFT_OK)
			ops[i] = (struct op_count){ node.domain, node.op, 1 };
	}
	if (st == HEFT_OK)
		print_ops(out, ops, unite(ops, n_nodes), n_nodes);
	free(ops);
	return st;
}

enum heft_status inspect_graph_print_facts(struct output *out, const struct inspection *x,
                                           struct heft_error *err)
{
	const struct heft_graph_list *list = x->graph;
	struct heft_graph_facts facts;
	struct heft_graph_part main_part;
	enum heft_status st;

	heft_graph_list_facts(list, &facts);
	st = heft_graph_list_part(list, 0, &main_part, err);
	if (st != HEFT_OK)
		return st;
	print_title(out, &facts);
	st = print_opsets(out, list, &facts, err);
	if (st == HEFT_OK)
		st = print_ends(out, list, main_part.n_inputs, heft_graph_list_part_input, "inputs",
		                err);
	if (st == HEFT_OK)
		st = print_ends(out, list, main_part.n_outputs, heft_graph_list_part_output,
		                "outputs", err);
	return st == HEFT_OK ? print_operators(out, list, facts.n_nodes, err) : st;
}
