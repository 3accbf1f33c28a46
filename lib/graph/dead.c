/* SPDX-License-Identifier: Apache-2.0 */
/* dead.c - which nodes of a graph are there for nothing: found from its outputs backwards, so that
 * each value is looked at once. */
#include "base/alloc.h"
#include "base/error.h"
#include "graph/ir.h"

struct walk {
	struct heft_model *m;
	bool *is_wanted; /* one a value */
	uint32_t *stack; /* values that are wanted, and what makes them is still to be seen */
	uint32_t n;
};

static void want(struct walk *w, uint32_t value)
{
	if (value == HEFT_IR_NONE || w->is_wanted[value])
		return;
	w->is_wanted[value] = true;
	w->stack[w->n++] = value;
}

static void want_outputs(struct walk *w, const struct heft_ir_block *block)
{
	for (uint32_t i = 0; i < block->n_outputs; i++)
		want(w, w->m->refs[block->outputs_at + i]);
}

/* All outputs of a node's graphs are wanted with it. */
static void revive(struct walk *w, struct heft_ir_node *node)
{
	node->is_dead = false;
	for (uint32_t i = 0; i < node->n_in; i++)
		want(w, heft_ir_in(w->m, node, i));
	for (uint32_t i = 0; i < node->attrs.n; i++) {
		if (node->attrs.rows[i].kind == HEFT_ATTR_GRAPH)
			want_outputs(w, &w->m->blocks[node->attrs.rows[i].graph]);
	}
}

static void find_live(struct walk *w)
{
	struct heft_model *m = w->m;

	for (uint32_t i = 0; i < m->n_nodes; i++)
		m->nodes[i].is_dead = true;
	want_outputs(w, &m->blocks[0]);
	while (w->n > 0) {
		const uint32_t node = m->values[w->stack[--w->n]].node;

		if (node != HEFT_IR_NONE && m->nodes[node].is_dead)
			revive(w, &m->nodes[node]);
	}
}

static void take_out(struct heft_model *m)
{
	for (uint32_t b = 0; b < m->n_blocks; b++) {
		struct heft_ir_block *block = &m->blocks[b];
		uint32_t *order = m->order + block->order_at;
		uint32_t n = 0;

		for (uint32_t k = 0; k < block->n_nodes; k++) {
			if (!m->nodes[order[k]].is_dead)
				order[n++] = order[k];
		}
		block->n_nodes = n;
	}
}

enum heft_status heft_ir_drop_dead(struct heft_model *m, struct heft_error *err)
{
	struct walk w = {
		.m = m,
		.is_wanted = heft_zalloc_array(m->n_values, sizeof *w.is_wanted),
		.stack = heft_alloc_array(m->n_values, sizeof *w.stack),
	};
	const bool ok = w.is_wanted && w.stack;

	if (ok) {
		find_live(&w);
		take_out(m);
	}
	heft_free(w.is_wanted);
	heft_free(w.stack);
	return ok ? HEFT_OK : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a graph");
}
