/* SPDX-License-Identifier: Apache-2.0 */
/* eval.c - calls of operators, and one node computed at once. */
#include "graph/eval.h"

#include <string.h>

#include "base/error.h"
#include "graph/kinds.h"

void heft_call_of_node(const struct heft_engine *e, const struct heft_model *m,
                       const struct heft_ir_node *node, struct heft_call *call)
{
	memset(call, 0, sizeof *call);
	call->op = node->op;
	call->opset = node->opset;
	call->attrs = node->attrs;
	call->n_in = node->n_in;
	call->n_out = node->n_out;
	for (uint32_t i = 0; i < node->n_out && i < 64; i++) {
		if (heft_ir_out(m, node, i) != HEFT_IR_NONE)
			call->wanted |= UINT64_C(1) << i;
	}
	call->seed = e->seed + (uint64_t)(node - m->nodes) * UINT64_C(0x9e3779b97f4a7c15);
	call->trains = e->trains;
	call->team = e->team;
	call->cpu_bits = e->cpu_bits;
}

enum heft_dtype heft_op_narrow(const struct heft_op *op, const struct heft_array *in, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (heft_op_sees(op, in[i].dtype) != in[i].dtype)
			return in[i].dtype;
	}
	return HEFT_DTYPE_NONE;
}

static enum heft_status check_arity(const struct heft_call *c, struct heft_error *err)
{
	const struct heft_op *op = c->op;

	if (c->n_in < op->min_in || c->n_in > op->max_in)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "it has %u inputs", c->n_in);
	if (c->n_out < op->min_out || c->n_out > op->max_out)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "it has %u outputs", c->n_out);
	for (uint32_t i = 0; i < op->min_in; i++) {
		if (!heft_call_has(c, i))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input %u is left out",
			                 i);
	}
	return HEFT_OK;
}

static enum heft_status check_inferred(struct heft_call *c, const char *mistyped,
                                       struct heft_error *err)
{
	c->mistyped = NULL;
	if (mistyped)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "attribute '%.60s' is of another kind than it should be",
		                 mistyped);
	for (uint32_t i = 0; i < c->n_out; i++) {
		if (heft_call_wants(c, i) && c->out[i].dtype == HEFT_DTYPE_NONE)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "it makes no output %u here", i);
	}
	return HEFT_OK;
}

enum heft_status heft_call_infer(struct heft_call *call, struct heft_error *err)
{
	const char *mistyped = NULL;

	HEFT_TRY(check_arity(call, err));
	call->scratch_size = 0;
	call->packed_size = 0;
	call->may_overwrite = 0;
	call->n_multiply_adds = 0;
	call->mistyped = &mistyped;
	HEFT_TRY(call->op->infer(call, err));
	return check_inferred(call, mistyped, err);
}

/* --- one node at once --- */

struct eval {
	struct heft_call call;
	struct heft_memory temporary; /* what widens, and scratch */
	struct heft_array *in;        /* as the operator sees them */
	struct heft_array *out;
	enum heft_dtype narrow;
};

static enum heft_status take(struct heft_memory *memory, struct heft_array *a,
                             struct heft_error *err)
{
	a->bytes = NULL;
	return a->n_bytes > 0 ? heft_memory_take(memory, a->n_bytes, &a->bytes, err) : HEFT_OK;
}

static enum heft_status widen(struct eval *ev, const struct heft_array *in, uint32_t n,
                              struct heft_error *err)
{
	for (uint32_t i = 0; i < n; i++) {
		struct heft_array *a = &ev->in[i];
		const enum heft_dtype sees = heft_op_sees(ev->call.op, in[i].dtype);

		*a = in[i];
		if (sees == in[i].dtype)
			continue;
		HEFT_TRY(heft_array_set(a, sees, in[i].rank, in[i].dims, err));
		HEFT_TRY(take(&ev->temporary, a, err));
		if (a->n_elements > 0)
			HEFT_TRY(heft_cast_elements(sees, a->bytes, in[i].dtype, in[i].bytes,
			                            a->n_elements, err));
	}
	return HEFT_OK;
}

static bool is_narrowed(const struct eval *ev, uint32_t i)
{
	return ev->narrow != HEFT_DTYPE_NONE && ev->out[i].dtype == HEFT_DTYPE_F32 &&
	       (i >= 64 || (ev->call.op->keeps_wide >> i & 1) == 0);
}

/* Room for what the call makes: what is narrowed, or wanted by nobody, is temporary. All inputs are
 * known, so those that are packed are, too. */
static enum heft_status take_outputs(struct eval *ev, uint64_t max_bytes,
                                     struct heft_memory *memory, struct heft_error *err)
{
	for (uint32_t i = 0; i < ev->call.n_out; i++) {
		const bool is_kept = heft_call_wants(&ev->call, i);

		ev->out[i].bytes = NULL;
		if (!is_kept)
			continue;
		if (max_bytes > 0 && ev->out[i].n_bytes > max_bytes)
			return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
			                 "output %u would be of %llu bytes", i,
			                 (unsigned long long)ev->out[i].n_bytes);
		HEFT_TRY(take(is_narrowed(ev, i) ? &ev->temporary : memory, &ev->out[i], err));
	}
	if (ev->call.scratch_size > 0)
		HEFT_TRY(heft_memory_take(&ev->temporary, ev->call.scratch_size, &ev->call.scratch,
		                          err));
	if (ev->call.op->pack && ev->call.packed_size > 0) {
		HEFT_TRY(heft_memory_take(&ev->temporary, ev->call.packed_size, &ev->call.packed,
		                          err));
		ev->call.op->pack(&ev->call);
	}
	return HEFT_OK;
}

static enum heft_status narrow(struct eval *ev, struct heft_array *out, struct heft_memory *memory,
                               struct heft_error *err)
{
	for (uint32_t i = 0; i < ev->call.n_out; i++) {
		out[i] = heft_call_wants(&ev->call, i) ? ev->out[i] : (struct heft_array){ 0 };
		if (out[i].dtype == HEFT_DTYPE_NONE || !is_narrowed(ev, i))
			continue;
		HEFT_TRY(heft_array_set(&out[i], ev->narrow, out[i].rank, out[i].dims, err));
		HEFT_TRY(take(memory, &out[i], err));
		if (out[i].n_elements > 0)
			HEFT_TRY(heft_cast_elements(ev->narrow, out[i].bytes, HEFT_DTYPE_F32,
			                            ev->out[i].bytes, out[i].n_elements, err));
	}
	return HEFT_OK;
}

/* --- values that no plan holds --- */

static bool has_kinds(const struct heft_array *in, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!heft_is_array(&in[i]))
			return true;
	}
	return false;
}

static enum heft_status run_at_once(struct heft_call *c, const struct heft_array *in,
                                    struct heft_array *out, struct heft_memory *memory,
                                    struct heft_error *err)
{
	const char *mistyped = NULL;

	memset(out, 0, c->n_out * sizeof *out);
	c->in = in;
	c->out = out;
	HEFT_TRY(check_arity(c, err));
	c->mistyped = &mistyped;
	HEFT_TRY(c->op->run(c, memory, err));
	return check_inferred(c, mistyped, err);
}

/* --- all of it --- */

static enum heft_status compute(struct eval *ev, const struct heft_array *in,
                                struct heft_array *out, uint64_t max_bytes,
                                struct heft_memory *memory, struct heft_error *err)
{
	const uint32_t n_in = ev->call.n_in;
	const uint32_t n_out = ev->call.n_out;
	void *arrays;

	HEFT_TRY(heft_memory_take(&ev->temporary, (n_in + n_out) * sizeof *ev->in, &arrays, err));
	memset(arrays, 0, (n_in + n_out) * sizeof *ev->in);
	ev->in = arrays;
	ev->out = ev->in + n_in;
	ev->narrow = heft_op_narrow(ev->call.op, in, n_in);
	HEFT_TRY(widen(ev, in, n_in, err));
	ev->call.in = ev->in;
	ev->call.out = ev->out;
	HEFT_TRY(heft_call_infer(&ev->call, err));
	if (ev->call.op->run && !heft_is_array(&ev->out[0]))
		return run_at_once(&ev->call, in, out, memory, err);
	HEFT_TRY(take_outputs(ev, max_bytes, memory, err));
	ev->call.op->forward(&ev->call);
	return narrow(ev, out, memory, err);
}

/* --- strings that are moved --- */

/* An operator that moves elements moves strings as if they were numbers of their size; real ones of
 * that size may not come among them. */
static enum heft_status move_texts(struct eval *ev, const struct heft_array *in,
                                   struct heft_array *out, struct heft_memory *memory,
                                   struct heft_error *err)
{
	const uint32_t n_in = ev->call.n_in;
	struct heft_array *seen;
	void *arrays;

	HEFT_TRY(heft_memory_take(&ev->temporary, n_in * sizeof *seen, &arrays, err));
	seen = arrays;
	for (uint32_t i = 0; i < n_in; i++) {
		seen[i] = in[i];
		if (in[i].dtype == HEFT_KIND_TEXTS)
			seen[i].dtype = HEFT_DTYPE_C128;
		else if (in[i].dtype == HEFT_DTYPE_C128 || !heft_is_array(&in[i]))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input %u is %s", i,
			                 heft_kind_name(in[i].dtype));
	}
	HEFT_TRY(compute(ev, seen, out, 0, memory, err));
	for (uint32_t i = 0; i < ev->call.n_out; i++) {
		if (out[i].dtype == HEFT_DTYPE_C128)
			out[i].dtype = HEFT_KIND_TEXTS;
	}
	return HEFT_OK;
}

static enum heft_status compute_kinds(struct eval *ev, const struct heft_array *in,
                                      struct heft_array *out, struct heft_memory *memory,
                                      struct heft_error *err)
{
	uint32_t i = 0;

	if (ev->call.op->run)
		return run_at_once(&ev->call, in, out, memory, err);
	if (ev->call.op->flags & HEFT_OP_MOVES)
		return move_texts(ev, in, out, memory, err);
	while (heft_is_array(&in[i]))
		i++;
	return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "input %u is %s", i,
	                 heft_kind_name(in[i].dtype));
}

enum heft_status heft_eval(const struct heft_engine *e, const struct heft_model *m,
                           const struct heft_ir_node *node, const struct heft_array *in,
                           struct heft_array *out, uint64_t max_bytes, struct heft_memory *memory,
                           struct heft_error *err)
{
	struct eval ev = { .temporary = { .max_bytes = memory->max_bytes } };
	enum heft_status st;

	heft_call_of_node(e, m, node, &ev.call);
	st = !node->op->infer || has_kinds(in, node->n_in)
	             ? compute_kinds(&ev, in, out, memory, err)
	             : compute(&ev, in, out, max_bytes, memory, err);
	heft_memory_done(&ev.temporary);
	return st;
}
