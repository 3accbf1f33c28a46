/* SPDX-License-Identifier: Apache-2.0 */
/* plan_nodes.c - walks the nodes of a plan: what is constant is computed, If is replaced by the
 * branch that is taken, and every other node becomes a step, its inputs widened where it asks. */
#include <string.h>

#include "base/error.h"
#include "graph/kinds.h"
#include "graph/plan.h"

/* A constant that is larger, and much larger than what it is made of, is computed in every run. */
#define MAX_FOLDED ((uint64_t)16 << 20)

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a plan");
}

static enum heft_status add(struct heft_buffer *b, const void *item, size_t size,
                            struct heft_error *err)
{
	heft_buffer_add(b, item, size);
	return b->ok ? HEFT_OK : no_memory(err);
}

/* --- widening --- */

static const struct heft_attr to_f32 = { .name = "to", .kind = HEFT_ATTR_INT, .i = 1 };
static const struct heft_attr to_f16 = { .name = "to", .kind = HEFT_ATTR_INT, .i = 10 };
static const struct heft_attr to_bf16 = { .name = "to", .kind = HEFT_ATTR_INT, .i = 16 };

static enum heft_status add_cast(struct heft_plan *p, uint32_t in, uint32_t out,
                                 struct heft_error *err)
{
	const enum heft_dtype to = heft_plan_slot(p, out)->array.dtype;
	const struct heft_attr *attr = to == HEFT_DTYPE_F32   ? &to_f32
	                               : to == HEFT_DTYPE_F16 ? &to_f16
	                                                      : &to_bf16;

	return heft_plan_add_own(p, heft_op_find("", "Cast"), (struct heft_attrs){ attr, 1 }, in,
	                         out, err);
}

/* The slot with the same elements in F32. */
static enum heft_status widen(struct heft_plan *p, uint32_t slot, uint32_t *wide,
                              struct heft_error *err)
{
	const struct heft_slot s = *heft_plan_slot(p, slot);
	const bool is_known = s.kind == HEFT_SLOT_CONSTANT;
	struct heft_array a = { 0 };

	*wide = s.wide;
	if (s.wide != HEFT_IR_NONE)
		return HEFT_OK;
	HEFT_TRY(heft_array_set(&a, HEFT_DTYPE_F32, s.array.rank, s.array.dims, err));
	if (is_known && a.n_bytes > 0) {
		HEFT_TRY(heft_memory_take(&p->memory, a.n_bytes, &a.bytes, err));
		HEFT_TRY(heft_cast_elements(a.dtype, a.bytes, s.array.dtype, s.array.bytes,
		                            a.n_elements, err));
	}
	HEFT_TRY(heft_plan_add_slot(p, &a, is_known ? HEFT_SLOT_CONSTANT : HEFT_SLOT_STEP, s.value,
	                            wide, err));
	heft_plan_slot(p, slot)->wide = *wide;
	return is_known ? HEFT_OK : add_cast(p, slot, *wide, err);
}

/* --- nodes --- */

static enum heft_status set_outputs(struct heft_plan *p, const struct heft_ir_node *node,
                                    enum heft_slot_kind kind, struct heft_error *err)
{
	const struct heft_array nothing = { 0 };

	for (uint32_t i = 0; i < node->n_out; i++)
		HEFT_TRY(heft_plan_set_value(p, heft_ir_out(p->model, node, i), &nothing, kind,
		                             err));
	return HEFT_OK;
}

/* What a node that runs by dynamic.c reads, inside its blocks too, is kept. */
static void keep_read(struct heft_plan *p, const struct heft_ir_node *node)
{
	const struct heft_model *m = p->model;

	for (uint32_t i = 0; i < node->n_in; i++)
		heft_plan_keep(p, heft_ir_in(m, node, i));
	for (uint32_t i = 0; i < node->attrs.n; i++) {
		const struct heft_ir_block *b;

		if (node->attrs.rows[i].kind != HEFT_ATTR_GRAPH)
			continue;
		b = &m->blocks[node->attrs.rows[i].graph];
		for (uint32_t k = 0; k < b->n_nodes; k++)
			keep_read(p, &m->nodes[m->order[b->order_at + k]]);
		for (uint32_t k = 0; k < b->n_outputs; k++)
			heft_plan_keep(p, m->refs[b->outputs_at + k]);
	}
}

static enum heft_status make_dynamic(struct heft_plan *p, const struct heft_ir_node *node,
                                     struct heft_error *err)
{
	const struct heft_dynamic d = { .node = (uint32_t)(node - p->model->nodes) };

	keep_read(p, node);
	HEFT_TRY(add(&p->dynamic, &d, sizeof d, err));
	return set_outputs(p, node, HEFT_SLOT_DYNAMIC, err);
}

/* The slots that a node reads: whether all of them are there, all constants, any dynamic. */
struct inputs {
	bool are_there;
	bool are_known;
	bool are_dynamic;
};

static struct inputs look_at_inputs(const struct heft_plan *p, const struct heft_ir_node *node)
{
	struct inputs in = { true, true, false };

	for (uint32_t i = 0; i < node->n_in; i++) {
		const uint32_t value = heft_ir_in(p->model, node, i);
		const uint32_t slot = heft_plan_slot_of(p, value);
		enum heft_slot_kind kind;

		if (value == HEFT_IR_NONE)
			continue;
		kind = slot == HEFT_IR_NONE ? HEFT_SLOT_NONE : heft_plan_slot(p, slot)->kind;
		in.are_there = in.are_there && kind != HEFT_SLOT_NONE;
		in.are_known = in.are_known && kind == HEFT_SLOT_CONSTANT;
		in.are_dynamic = in.are_dynamic || kind == HEFT_SLOT_DYNAMIC;
		if (node->op && i < 64 && (node->op->needs >> i & 1) != 0 &&
		    kind != HEFT_SLOT_CONSTANT)
			in.are_dynamic = true;
	}
	return in;
}

/* Arrays for a call of the node, in p->arrays: inputs, then outputs; and which slots the inputs are
 * after widening. */
static enum heft_status fill_arrays(struct heft_plan *p, const struct heft_ir_node *node,
                                    uint32_t *slots, struct heft_error *err)
{
	const struct heft_array nothing = { 0 };

	p->arrays.size = 0;
	for (uint32_t i = 0; i < node->n_in; i++) {
		uint32_t slot = heft_plan_slot_of(p, heft_ir_in(p->model, node, i));
		const struct heft_array *a = &nothing;

		if (slot != HEFT_IR_NONE) {
			a = &heft_plan_slot(p, slot)->array;
			if (heft_op_sees(node->op, a->dtype) != a->dtype)
				HEFT_TRY(widen(p, slot, &slot, err));
			a = &heft_plan_slot(p, slot)->array;
		}
		slots[i] = slot;
		HEFT_TRY(add(&p->arrays, a, sizeof *a, err));
	}
	for (uint32_t i = 0; i < node->n_out; i++)
		HEFT_TRY(add(&p->arrays, &nothing, sizeof nothing, err));
	return HEFT_OK;
}

static enum heft_status fold(struct heft_plan *p, const struct heft_ir_node *node,
                             struct heft_error *err)
{
	const uint32_t n = node->n_in + node->n_out;
	struct heft_array *arrays;

	/* as they are, not widened */
	p->arrays.size = 0;
	heft_buffer_add_zeros(&p->arrays, n * sizeof *arrays);
	if (!p->arrays.ok)
		return no_memory(err);
	arrays = (struct heft_array *)(void *)p->arrays.bytes;
	for (uint32_t i = 0; i < node->n_in; i++) {
		const uint32_t slot = heft_plan_slot_of(p, heft_ir_in(p->model, node, i));

		if (slot != HEFT_IR_NONE)
			arrays[i] = heft_plan_slot(p, slot)->array;
	}
	HEFT_TRY(heft_eval(p->engine, p->model, node, arrays, arrays + node->n_in, 0, &p->memory,
	                   err));
	for (uint32_t i = 0; i < node->n_out; i++)
		HEFT_TRY(heft_plan_set_value(p, heft_ir_out(p->model, node, i),
		                             &arrays[node->n_in + i], HEFT_SLOT_CONSTANT, err));
	return HEFT_OK;
}

static bool is_worth_folding(const struct heft_ir_node *node, const struct heft_array *arrays)
{
	uint64_t n_read = 0;
	uint64_t n_made = 0;

	if (node->op->flags & HEFT_OP_RANDOM)
		return false;
	for (uint32_t i = 0; i < node->n_in; i++)
		n_read += arrays[i].n_bytes / 2;
	for (uint32_t i = 0; i < node->n_out; i++)
		n_made += arrays[node->n_in + i].n_bytes / 8;
	return n_made <= MAX_FOLDED / 8 || n_made <= n_read;
}

/* A step for a node whose call was inferred, its outputs rounded back where its inputs were
 * widened. */
static enum heft_status make_step(struct heft_plan *p, const struct heft_ir_node *node,
                                  const struct heft_call *call, enum heft_dtype narrow,
                                  const uint32_t *in, uint32_t *out, struct heft_error *err)
{
	struct heft_step s = {
		.node = node,
		.op = node->op,
		.opset = node->opset,
		.attrs = node->attrs,
		.seed = call->seed,
		.n_in = node->n_in,
		.n_out = node->n_out,
	};

	for (uint32_t i = 0; i < node->n_out; i++) {
		const uint32_t value = heft_ir_out(p->model, node, i);

		out[i] = HEFT_IR_NONE;
		if (value == HEFT_IR_NONE)
			continue;
		HEFT_TRY(heft_plan_add_slot(p, &call->out[i], HEFT_SLOT_STEP, value, &out[i], err));
		p->slot_of[value] = out[i];
	}
	heft_step_set_label(&s, node->type);
	HEFT_TRY(heft_plan_add_step(p, &s, in, out, err));
	for (uint32_t i = 0; i < node->n_out && narrow != HEFT_DTYPE_NONE; i++) {
		const struct heft_array *wide = &call->out[i];
		struct heft_array a = { 0 };
		uint32_t slot;

		if (out[i] == HEFT_IR_NONE || wide->dtype != HEFT_DTYPE_F32 ||
		    (i < 64 && (node->op->keeps_wide >> i & 1) != 0))
			continue;
		HEFT_TRY(heft_array_set(&a, narrow, wide->rank, wide->dims, err));
		HEFT_TRY(heft_plan_add_slot(p, &a, HEFT_SLOT_STEP, heft_ir_out(p->model, node, i),
		                            &slot, err));
		HEFT_TRY(add_cast(p, out[i], slot, err));
		p->slot_of[heft_ir_out(p->model, node, i)] = slot;
	}
	return HEFT_OK;
}

static enum heft_status plan_call(struct heft_plan *p, const struct heft_ir_node *node,
                                  bool are_known, uint32_t *slots, struct heft_error *err)
{
	struct heft_array *arrays;
	struct heft_call call;
	enum heft_dtype narrow = HEFT_DTYPE_NONE;

	for (uint32_t i = 0; i < node->n_in && narrow == HEFT_DTYPE_NONE; i++) {
		const uint32_t slot = heft_plan_slot_of(p, heft_ir_in(p->model, node, i));

		if (slot != HEFT_IR_NONE)
			narrow = heft_op_narrow(node->op, &heft_plan_slot(p, slot)->array, 1);
	}
	HEFT_TRY(fill_arrays(p, node, slots, err));
	arrays = (struct heft_array *)(void *)p->arrays.bytes;
	heft_call_of_node(p->engine, p->model, node, &call);
	call.in = arrays;
	call.out = arrays + node->n_in;
	HEFT_TRY(heft_call_infer(&call, err));
	if (node->op->run && !heft_is_array(&call.out[0]))
		return make_dynamic(p, node, err);
	if ((are_known || (node->op->flags & HEFT_OP_OF_SHAPES)) && is_worth_folding(node, arrays))
		return fold(p, node, err);
	return make_step(p, node, &call, narrow, slots, slots + node->n_in, err);
}

static enum heft_status walk_if(struct heft_plan *p, const struct heft_ir_node *node,
                                struct heft_error *err)
{
	const struct heft_model *m = p->model;
	const uint32_t condition = heft_plan_slot_of(p, heft_ir_in(m, node, 0));
	const struct heft_array *c = &heft_plan_slot(p, condition)->array;
	const char *branch;
	const struct heft_ir_block *b = NULL;

	if (c->dtype != HEFT_DTYPE_BOOL || c->n_elements != 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the condition is not one BOOL");
	branch = *(const uint8_t *)c->bytes ? "then_branch" : "else_branch";
	for (uint32_t i = 0; i < node->attrs.n; i++) {
		if (node->attrs.rows[i].kind == HEFT_ATTR_GRAPH &&
		    strcmp(node->attrs.rows[i].name, branch) == 0)
			b = &m->blocks[node->attrs.rows[i].graph];
	}
	if (!b || b->n_outputs < node->n_out)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "it has no %s with %u outputs",
		                 branch, node->n_out);
	HEFT_TRY(heft_plan_walk(p, (uint32_t)(b - m->blocks), err));
	for (uint32_t i = 0; i < node->n_out; i++) {
		const uint32_t value = heft_ir_out(m, node, i);
		const uint32_t from = m->refs[b->outputs_at + i];
		const uint32_t slot = heft_plan_slot_of(p, from);
		const struct heft_dynamic d = { HEFT_IR_NONE, from, value };

		if (value == HEFT_IR_NONE)
			continue;
		p->slot_of[value] = slot;
		if (slot != HEFT_IR_NONE && heft_plan_slot(p, slot)->kind == HEFT_SLOT_DYNAMIC)
			HEFT_TRY(add(&p->dynamic, &d, sizeof d, err));
	}
	return HEFT_OK;
}

/* One that cannot be computed leaves its outputs unknown, and what reads them says nothing more. */
static enum heft_status walk_node(struct heft_plan *p, const struct heft_ir_node *node,
                                  struct heft_error *err)
{
	const struct inputs in = look_at_inputs(p, node);
	struct heft_error what = { .code = HEFT_OK };
	void *slots;
	enum heft_status st;

	if (!in.are_there)
		return HEFT_OK;
	if (node->control == HEFT_CONTROL_IF && in.are_known && node->n_in == 1) {
		st = walk_if(p, node, &what);
	} else if (node->control != HEFT_CONTROL_NONE) {
		return make_dynamic(p, node, err);
	} else if (!node->op) {
		st = heft_fail(&what, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		               "no such operator is computed here");
	} else if (in.are_dynamic || !node->op->infer) {
		return make_dynamic(p, node, err);
	} else {
		HEFT_TRY(heft_memory_take(&p->memory, (node->n_in + node->n_out) * sizeof(uint32_t),
		                          &slots, err));
		st = plan_call(p, node, in.are_known, slots, &what);
		heft_memory_give(&p->memory, slots);
	}
	return st == HEFT_OK ? HEFT_OK : heft_plan_problem(p, node, &what, err);
}

enum heft_status heft_plan_walk(struct heft_plan *p, uint32_t block, struct heft_error *err)
{
	const struct heft_ir_block *b = &p->model->blocks[block];

	for (uint32_t i = 0; i < b->n_nodes; i++)
		HEFT_TRY(walk_node(p, &p->model->nodes[p->model->order[b->order_at + i]], err));
	return HEFT_OK;
}
