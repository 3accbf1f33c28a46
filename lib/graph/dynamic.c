/* SPDX-License-Identifier: Apache-2.0 */
/* dynamic.c - computes node by node what no plan can hold. */
#include "graph/dynamic.h"

#include <string.h>

#include "base/error.h"
#include "graph/kinds.h"

enum heft_status heft_flow_take_inputs(struct heft_flow *flow, struct heft_error *err)
{
	const struct heft_model *m = flow->plan->model;

	for (uint32_t i = 0; i < m->n_inputs; i++) {
		struct heft_array *a = &flow->values[m->inputs[i]];

		*a = flow->inputs[i];
		if (!heft_is_array(a))
			HEFT_TRY(heft_kind_copy(a, flow->memory, err));
	}
	return HEFT_OK;
}

struct heft_array heft_flow_value(const struct heft_flow *flow, uint32_t value)
{
	const struct heft_array nothing = { 0 };
	const struct heft_slot *s;
	struct heft_array a;

	if (value == HEFT_IR_NONE)
		return nothing;
	if (flow->plan->slot_of[value] == HEFT_IR_NONE)
		return flow->values[value];
	s = heft_plan_slot(flow->plan, flow->plan->slot_of[value]);
	if (s->kind == HEFT_SLOT_DYNAMIC) {
		const struct heft_ir_constant *c = heft_ir_constant(flow->plan->model, value);

		return c ? c->array : flow->values[value];
	}
	a = s->array;
	if (s->kind == HEFT_SLOT_INPUT)
		a.bytes = flow->inputs[s->input].bytes;
	return a;
}

static enum heft_status eval(struct heft_flow *flow, const struct heft_ir_node *node,
                             struct heft_array *arrays, struct heft_error *err)
{
	const struct heft_model *m = flow->plan->model;

	for (uint32_t i = 0; i < node->n_in; i++)
		arrays[i] = heft_flow_value(flow, heft_ir_in(m, node, i));
	HEFT_TRY(heft_eval(flow->plan->engine, m, node, arrays, arrays + node->n_in, 0,
	                   flow->memory, err));
	for (uint32_t i = 0; i < node->n_out; i++) {
		const uint32_t value = heft_ir_out(m, node, i);

		if (value != HEFT_IR_NONE)
			flow->values[value] = arrays[node->n_in + i];
	}
	return HEFT_OK;
}

static enum heft_status run_node(struct heft_flow *flow, const struct heft_ir_node *node,
                                 struct heft_error *err)
{
	void *arrays;
	enum heft_status st;

	if (node->control != HEFT_CONTROL_NONE)
		return heft_control_run(flow, node, err);
	if (!node->op)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "no such operator is computed here");
	HEFT_TRY(heft_memory_take(flow->memory,
	                          (node->n_in + node->n_out) * sizeof(struct heft_array), &arrays,
	                          err));
	st = eval(flow, node, arrays, err);
	heft_memory_give(flow->memory, arrays);
	return st;
}

/* With the node's name in front, but for a failure that one inside it has told already. */
static enum heft_status run_named(struct heft_flow *flow, const struct heft_ir_node *node,
                                  struct heft_error *err)
{
	const struct heft_model *m = flow->plan->model;
	struct heft_error what;
	const enum heft_status st = run_node(flow, node, &what);
	const uint32_t out = heft_ir_out(m, node, 0);
	const char *name = node->name;

	if (st == HEFT_OK)
		return HEFT_OK;
	if (strncmp(what.msg, "node '", 6) == 0) {
		if (err)
			*err = what;
		return st;
	}
	if (*name == '\0' && out != HEFT_IR_NONE)
		name = m->values[out].name;
	return heft_fail(err, st, HEFT_NO_OFFSET, "node '%.60s' (%.40s): %.130s", name, node->type,
	                 what.msg);
}

enum heft_status heft_flow_block(struct heft_flow *flow, uint32_t block, struct heft_error *err)
{
	const struct heft_model *m = flow->plan->model;
	const struct heft_ir_block *b = &m->blocks[block];

	for (uint32_t i = 0; i < b->n_nodes; i++)
		HEFT_TRY(run_named(flow, &m->nodes[m->order[b->order_at + i]], err));
	return HEFT_OK;
}

enum heft_status heft_dynamic_run(struct heft_flow *flow, struct heft_error *err)
{
	const struct heft_plan *p = flow->plan;
	const struct heft_dynamic *all = (const struct heft_dynamic *)(void *)p->dynamic.bytes;

	for (size_t i = 0; i < p->dynamic.size / sizeof *all; i++) {
		if (all[i].node == HEFT_IR_NONE)
			flow->values[all[i].to] = heft_flow_value(flow, all[i].from);
		else
			HEFT_TRY(run_named(flow, &p->model->nodes[all[i].node], err));
	}
	return HEFT_OK;
}
