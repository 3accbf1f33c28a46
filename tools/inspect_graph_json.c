/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_graph_json.c - shows scripts a graph; keys are only ever added, and those of which the
 * file says nothing are absent. */
#include "inspect_cost.h"
#include "inspect_graph.h"

#define TEXT_SIZE 1024

struct graph_printing {
	struct json_out *j;
	const struct inspection *x;
	const struct heft_graph_list *list;
	struct heft_error *err;
};

static void print_text(struct json_out *j, const char *key, const char *text)
{
	if (!*text)
		return;
	json_out_key(j, key);
	json_out_text(j, text);
}

static void print_number(struct json_out *j, const char *key, uint64_t value)
{
	json_out_key(j, key);
	json_out_u64(j, value);
}

/* A size, a name, or null. */
static void print_shape(struct json_out *j, const struct heft_graph_value *value)
{
	json_out_key(j, "shape");
	json_out_begin(j, '[');
	for (uint32_t i = 0; i < value->rank; i++) {
		const struct heft_graph_dim *dim = &value->dims[i];

		if (!dim->symbol)
			json_out_u64(j, dim->size);
		else
			json_out_text(j, *dim->symbol ? dim->symbol : NULL);
	}
	json_out_end(j, ']');
}

/* null where it is left out */
static enum heft_status print_value(const struct graph_printing *p,
                                    const struct heft_graph_value *value)
{
	struct json_out *j = p->j;
	char text[TEXT_SIZE] = "";
	struct heft_tensor t;
	enum heft_status st = HEFT_OK;

	if (value->index == HEFT_GRAPH_NONE) {
		json_out_text(j, NULL);
		return HEFT_OK;
	}
	json_out_begin(j, '{');
	json_out_key(j, "name");
	json_out_text(j, value->name);
	print_text(j, "type", value->type);
	if (value->has_shape)
		print_shape(j, value);
	if (value->node != HEFT_GRAPH_NONE)
		print_number(j, "node", value->node);
	if (value->is_constant)
		st = heft_graph_list_constant(p->list, value->index, text, sizeof text, p->err);
	print_text(j, "constant", text);
	if (st == HEFT_OK && value->tensor != HEFT_GRAPH_NONE) {
		st = heft_tensor_at(p->x->file, value->tensor, &t, p->err);
		json_out_key(j, "tensor");
		json_out_text(j, st == HEFT_OK ? t.name : NULL);
	}
	json_out_end(j, '}');
	return st;
}

typedef enum heft_status (*value_fn)(const struct heft_graph_list *list, uint32_t i, uint32_t k,
                                     struct heft_graph_value *value, struct heft_error *err);

static enum heft_status print_values(const struct graph_printing *p, const char *key, value_fn get,
                                     uint32_t i, uint32_t n)
{
	struct heft_graph_value value;
	enum heft_status st = HEFT_OK;

	json_out_key(p->j, key);
	json_out_begin(p->j, '[');
	for (uint32_t k = 0; k < n && st == HEFT_OK; k++) {
		st = get(p->list, i, k, &value, p->err);
		if (st == HEFT_OK)
			st = print_value(p, &value);
	}
	json_out_end(p->j, ']');
	return st;
}

static enum heft_status print_attributes(const struct graph_printing *p, uint32_t i, uint32_t n)
{
	enum heft_status st = HEFT_OK;
	char text[TEXT_SIZE];
	const char *name;

	if (n == 0)
		return HEFT_OK;
	json_out_key(p->j, "attributes");
	json_out_begin(p->j, '{');
	for (uint32_t k = 0; k < n && st == HEFT_OK; k++) {
		st = heft_graph_list_attribute(p->list, i, k, &name, text, sizeof text, p->err);
		if (st != HEFT_OK)
			break;
		json_out_key(p->j, name);
		json_out_text(p->j, text);
	}
	json_out_end(p->j, '}');
	return st;
}

/* Of a run with the batch that "cost" tells; nodes that take nothing of their own have none. */
static enum heft_status print_cost(const struct graph_printing *p, uint32_t node)
{
	struct heft_graph_value value;
	const enum heft_status st = heft_graph_list_output(p->list, node, 0, &value, p->err);
	const struct node_cost *cost = st == HEFT_OK ? inspect_cost_of(p->x->cost, value.name)
	                                             : NULL;

	if (!cost)
		return st;
	print_number(p->j, "n_multiply_adds", cost->n_multiply_adds);
	print_number(p->j, "n_output_bytes", cost->n_output_bytes);
	return HEFT_OK;
}

static void print_costs(const struct graph_printing *p)
{
	const struct inspect_cost *cost = p->x->cost;

	if (cost->n_nodes == 0)
		return;
	json_out_key(p->j, "cost");
	json_out_begin(p->j, '{');
	print_number(p->j, "batch", cost->batch);
	print_number(p->j, "n_multiply_adds", cost->n_multiply_adds);
	print_number(p->j, "n_output_bytes", cost->n_output_bytes);
	print_number(p->j, "workspace_bytes", cost->facts.workspace_bytes);
	print_number(p->j, "packed_bytes", cost->facts.packed_bytes);
	json_out_end(p->j, '}');
}

static enum heft_status print_node(const struct graph_printing *p, uint32_t i)
{
	struct json_out *j = p->j;
	struct heft_graph_node node;
	uint64_t n_parameters;
	bool is_shown;
	enum heft_status st = inspect_graph_matches(p->x, i, &is_shown, p->err);

	if (st == HEFT_OK)
		st = heft_graph_list_node(p->list, i, &node, p->err);
	if (st != HEFT_OK || !is_shown)
		return st;
	json_out_begin(j, '{');
	print_number(j, "index", i);
	json_out_key(j, "op");
	json_out_text(j, node.op);
	print_text(j, "domain", node.domain);
	print_text(j, "overload", node.overload);
	print_text(j, "name", node.name);
	print_number(j, "part", node.part);
	st = print_values(p, "inputs", heft_graph_list_input, i, node.n_inputs);
	if (st == HEFT_OK)
		st = print_values(p, "outputs", heft_graph_list_output, i, node.n_outputs);
	if (st == HEFT_OK)
		st = print_attributes(p, i, node.n_attributes);
	if (st == HEFT_OK)
		st = inspect_graph_parameters(p->x, i, &n_parameters, p->err);
	if (st == HEFT_OK)
		print_number(j, "n_parameters", n_parameters);
	if (st == HEFT_OK && node.n_outputs > 0)
		st = print_cost(p, i);
	json_out_end(j, '}');
	return st;
}

static enum heft_status print_part(const struct graph_printing *p, uint32_t i)
{
	static const char *const kinds[] = {
		[HEFT_GRAPH_MAIN] = "main",
		[HEFT_GRAPH_SUBGRAPH] = "subgraph",
		[HEFT_GRAPH_FUNCTION] = "function",
		[HEFT_GRAPH_TRAINING] = "training",
	};
	struct heft_graph_part part;
	struct json_out *j = p->j;
	enum heft_status st = heft_graph_list_part(p->list, i, &part, p->err);

	if (st != HEFT_OK)
		return st;
	json_out_begin(j, '{');
	json_out_key(j, "kind");
	json_out_text(j, kinds[part.kind]);
	print_text(j, "name", part.name);
	print_text(j, "domain", part.domain);
	print_text(j, "overload", part.overload);
	print_text(j, "attribute", part.attribute);
	if (part.ordinal != HEFT_GRAPH_NONE)
		print_number(j, "ordinal", part.ordinal);
	if (part.node != HEFT_GRAPH_NONE)
		print_number(j, "node", part.node);
	print_number(j, "depth", part.depth);
	print_number(j, "n_nodes", part.n_nodes);
	st = print_values(p, "inputs", heft_graph_list_part_input, i, part.n_inputs);
	if (st == HEFT_OK)
		st = print_values(p, "outputs", heft_graph_list_part_output, i, part.n_outputs);
	json_out_end(j, '}');
	return st;
}

static enum heft_status print_opsets(const struct graph_printing *p, uint32_t n)
{
	struct heft_graph_opset opset;

	json_out_key(p->j, "opsets");
	json_out_begin(p->j, '[');
	for (uint32_t i = 0; i < n; i++) {
		const enum heft_status st = heft_graph_list_opset(p->list, i, &opset, p->err);

		if (st != HEFT_OK)
			return st;
		json_out_begin(p->j, '{');
		json_out_key(p->j, "domain");
		json_out_text(p->j, opset.domain);
		print_number(p->j, "version", opset.version);
		json_out_end(p->j, '}');
	}
	json_out_end(p->j, ']');
	return HEFT_OK;
}

static enum heft_status print_items(const struct graph_printing *p, const char *key,
                                    enum heft_status (*print)(const struct graph_printing *p,
                                                              uint32_t i),
                                    uint32_t n)
{
	enum heft_status st = HEFT_OK;

	json_out_key(p->j, key);
	json_out_begin(p->j, '[');
	for (uint32_t i = 0; i < n && st == HEFT_OK && !p->j->out->error; i++)
		st = print(p, i);
	json_out_end(p->j, ']');
	return st;
}

enum heft_status inspect_graph_print_json(struct json_out *j, const struct inspection *x,
                                          struct heft_error *err)
{
	const struct graph_printing p = { .j = j, .x = x, .list = x->graph, .err = err };
	const uint32_t line_depth = j->line_depth;
	struct heft_graph_facts facts;
	enum heft_status st;

	heft_graph_list_facts(x->graph, &facts);
	j->line_depth++; /* a line for each node */
	json_out_key(j, "graph");
	json_out_begin(j, '{');
	json_out_key(j, "name");
	json_out_text(j, facts.name);
	print_text(j, "domain", facts.domain);
	print_text(j, "producer_name", facts.producer_name);
	print_text(j, "producer_version", facts.producer_version);
	print_number(j, "model_version", facts.model_version);
	print_number(j, "ir_version", facts.ir_version);
	print_costs(&p);
	st = print_opsets(&p, facts.n_opsets);
	if (st == HEFT_OK)
		st = print_items(&p, "parts", print_part, facts.n_parts);
	if (st == HEFT_OK)
		st = print_items(&p, "nodes", print_node, facts.n_nodes);
	json_out_end(j, '}');
	j->line_depth = line_depth;
	return st;
}
