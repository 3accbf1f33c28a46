/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite.c - puts together again what exporters take apart: runs the patterns of its list over the
 * nodes of a graph. */
#include "graph/rewrite.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

typedef bool pattern_fn(struct heft_match *h);

#define HEFT_REWRITE(name) extern bool heft_rewrite_##name(struct heft_match *h);
#include "graph/rewrite_list.inc"
#undef HEFT_REWRITE

static pattern_fn *const patterns[] = {
#define HEFT_REWRITE(name) heft_rewrite_##name,
#include "graph/rewrite_list.inc"
#undef HEFT_REWRITE
};

struct rewrite {
	struct heft_model *m;
	uint32_t *n_readers; /* of each value */
	bool *is_gone;       /* of each node: nobody reads what it makes any more */
	uint32_t refs_room;
};

/* --- who reads what --- */

static void count_refs(struct rewrite *r, uint32_t at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (r->m->refs[at + i] != HEFT_IR_NONE)
			r->n_readers[r->m->refs[at + i]]++;
	}
}

static void count_readers(struct rewrite *r)
{
	const struct heft_model *m = r->m;

	for (uint32_t b = 0; b < m->n_blocks; b++) {
		const struct heft_ir_block *block = &m->blocks[b];

		for (uint32_t i = 0; i < block->n_nodes; i++) {
			const struct heft_ir_node *n = &m->nodes[m->order[block->order_at + i]];

			count_refs(r, n->refs_at, n->n_in);
		}
		count_refs(r, block->outputs_at, block->n_outputs);
	}
	for (uint32_t i = 0; i < m->n_outputs; i++)
		r->n_readers[m->outputs[i]]++;
}

static void drop_reader(struct rewrite *r, uint32_t value);

/* A node that nobody reads reads nothing itself. */
static void drop_node(struct rewrite *r, uint32_t node)
{
	const struct heft_ir_node *n = &r->m->nodes[node];

	for (uint32_t i = 0; i < n->n_out; i++) {
		const uint32_t out = heft_ir_out(r->m, n, i);

		if (out != HEFT_IR_NONE && r->n_readers[out] > 0)
			return;
	}
	r->is_gone[node] = true;
	for (uint32_t i = 0; i < n->n_in; i++)
		drop_reader(r, heft_ir_in(r->m, n, i));
}

static void drop_reader(struct rewrite *r, uint32_t value)
{
	if (value != HEFT_IR_NONE)
		r->n_readers[value]--;
}

/* --- a match --- */

static uint32_t reads_of(const struct heft_model *m, uint32_t node, uint32_t value)
{
	const struct heft_ir_node *n = &m->nodes[node];
	uint32_t reads = 0;

	for (uint32_t i = 0; i < n->n_in; i++)
		reads += heft_ir_in(m, n, i) == value;
	return reads;
}

/* Whether all who read what members make are members, or the last node; and of that, nobody reads
 * more than the first output. */
static bool is_closed(const struct heft_match *h)
{
	const struct heft_ir_node *last = &h->m->nodes[h->last];

	for (uint32_t i = 1; i < last->n_out; i++) {
		const uint32_t made = heft_ir_out(h->m, last, i);

		if (made != HEFT_IR_NONE && h->n_readers[made] > 0)
			return false;
	}
	for (uint32_t i = 0; i < h->n_members; i++) {
		const uint32_t made = heft_ir_out(h->m, &h->m->nodes[h->members[i]], 0);
		uint32_t reads = reads_of(h->m, h->last, made);

		for (uint32_t k = 0; k < h->n_members; k++)
			reads += reads_of(h->m, h->members[k], made);
		if (reads != h->n_readers[made])
			return false;
	}
	return true;
}

/* Room for n more references. */
static bool grow_refs(struct rewrite *r, uint32_t n)
{
	struct heft_model *m = r->m;
	uint32_t room = r->refs_room;
	uint32_t *refs;

	if (room - m->n_refs >= n)
		return true;
	if (room > UINT32_MAX / 2 - n)
		return false;
	room = 2 * room + n;
	refs = heft_ir_alloc(m, (uint64_t)room * sizeof *refs);
	if (!refs)
		return false;
	memcpy(refs, m->refs, m->n_refs * sizeof *refs);
	m->refs = refs;
	r->refs_room = room;
	return true;
}

static enum heft_status set_refs(struct rewrite *r, struct heft_ir_node *n,
                                 const struct heft_match *h, struct heft_error *err)
{
	const uint32_t out = heft_ir_out(r->m, n, 0);

	for (uint32_t i = 0; i < n->n_in; i++)
		drop_reader(r, heft_ir_in(r->m, n, i));
	if (h->n_in > n->n_in) {
		if (!grow_refs(r, h->n_in + 1))
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			                 "no memory for the graph");
		n->refs_at = r->m->n_refs;
		r->m->n_refs += h->n_in + 1;
	}
	n->n_in = h->n_in;
	n->n_out = 1;
	memcpy(&r->m->refs[n->refs_at], h->in, h->n_in * sizeof *h->in);
	r->m->refs[n->refs_at + h->n_in] = out;
	count_refs(r, n->refs_at, h->n_in);
	return HEFT_OK;
}

/* The last node becomes what the pattern says. */
static enum heft_status apply(struct rewrite *r, const struct heft_match *h,
                              const struct heft_op *op, struct heft_error *err)
{
	struct heft_ir_node *n = &r->m->nodes[h->last];
	struct heft_attr *attrs = heft_ir_alloc(r->m, sizeof h->attrs);

	if (!attrs)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for the graph");
	HEFT_TRY(set_refs(r, n, h, err));
	memcpy(attrs, h->attrs, h->n_attrs * sizeof *attrs);
	n->attrs = (struct heft_attrs){ .rows = attrs, .n = h->n_attrs };
	n->type = op->name;
	n->domain = op->domain;
	n->op = op;
	n->opset = n->opset > h->since ? n->opset : h->since;
	/* members come last first: who reads a value is gone before it is looked at who makes it */
	for (uint32_t changed = 1; changed > 0;) {
		changed = 0;
		for (uint32_t i = 0; i < h->n_members; i++) {
			if (r->is_gone[h->members[i]])
				continue;
			drop_node(r, h->members[i]);
			changed += r->is_gone[h->members[i]];
		}
	}
	return HEFT_OK;
}

/* The first pattern that ends at this node. */
static enum heft_status try_node(struct rewrite *r, uint32_t node, bool *is_changed,
                                 struct heft_error *err)
{
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		struct heft_match h = { .m = r->m, .n_readers = r->n_readers, .last = node };
		const struct heft_op *op;

		/* of F64, arithmetic has more operators than there are whole ones */
		if (!patterns[i](&h) || !is_closed(&h) ||
		    r->m->values[h.in[0]].dtype == HEFT_DTYPE_F64)
			continue;
		op = heft_op_find("", h.type);
		if (!op)
			continue;
		*is_changed = true;
		return apply(r, &h, op, err);
	}
	return HEFT_OK;
}

/* Nodes from behind: what is longest is found first. */
static enum heft_status try_all(struct rewrite *r, bool *is_changed, struct heft_error *err)
{
	for (uint32_t b = 0; b < r->m->n_blocks; b++) {
		const struct heft_ir_block *block = &r->m->blocks[b];

		for (uint32_t i = block->n_nodes; i-- > 0;) {
			const uint32_t node = r->m->order[block->order_at + i];

			if (!r->is_gone[node])
				HEFT_TRY(try_node(r, node, is_changed, err));
		}
	}
	return HEFT_OK;
}

enum heft_status heft_ir_rewrite(struct heft_model *m, struct heft_error *err)
{
	struct rewrite r = {
		.m = m,
		.n_readers = heft_zalloc_array(m->n_values, sizeof *r.n_readers),
		.is_gone = heft_zalloc_array(m->n_nodes, sizeof *r.is_gone),
		.refs_room = m->n_refs,
	};
	enum heft_status st = HEFT_OK;

	if (!r.n_readers || !r.is_gone) {
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for the graph");
	} else {
		bool is_changed = true;

		count_readers(&r);
		while (st == HEFT_OK && is_changed) {
			is_changed = false;
			st = try_all(&r, &is_changed, err);
		}
	}
	heft_free(r.n_readers);
	heft_free(r.is_gone);
	return st;
}
