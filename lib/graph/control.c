/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - If and Loop while a model runs, and what Scan shares with Loop: blocks are run as
 * often as their nodes say. What an iteration makes lives until the next one is done, so that a
 * loop needs no more memory the longer it runs. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "graph/kinds.h"
#include "graph/loop.h"
#include "tensor/cast.h"

const struct heft_ir_block *heft_control_block(const struct heft_model *m,
                                               const struct heft_ir_node *node, const char *name)
{
	for (uint32_t i = 0; i < node->attrs.n; i++) {
		const struct heft_attr *a = &node->attrs.rows[i];

		if (a->kind == HEFT_ATTR_GRAPH && strcmp(a->name, name) == 0)
			return &m->blocks[a->graph];
	}
	return NULL;
}

uint32_t heft_control_in(const struct heft_model *m, const struct heft_ir_block *b, uint32_t i)
{
	return m->refs[b->inputs_at + i];
}

uint32_t heft_control_out(const struct heft_model *m, const struct heft_ir_block *b, uint32_t i)
{
	return m->refs[b->outputs_at + i];
}

enum heft_status heft_control_no_block(const char *name, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "its %s is missing, or has other inputs or outputs than it needs", name);
}

static enum heft_status truth(const struct heft_array *a, bool *is_true, struct heft_error *err)
{
	if (a->dtype != HEFT_DTYPE_BOOL || a->n_elements != 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the condition is not one BOOL");
	*is_true = *(const uint8_t *)a->bytes != 0;
	return HEFT_OK;
}

static enum heft_status run_if(struct heft_flow *flow, const struct heft_ir_node *node,
                               struct heft_error *err)
{
	const struct heft_model *m = flow->plan->model;
	const struct heft_array condition = heft_flow_value(flow, heft_ir_in(m, node, 0));
	const struct heft_ir_block *b;
	bool is_true = false;

	HEFT_TRY(truth(&condition, &is_true, err));
	b = heft_control_block(m, node, is_true ? "then_branch" : "else_branch");
	if (!b || b->n_outputs < node->n_out)
		return heft_control_no_block(is_true ? "then_branch" : "else_branch", err);
	HEFT_TRY(heft_flow_block(flow, (uint32_t)(b - m->blocks), err));
	for (uint32_t i = 0; i < node->n_out; i++) {
		if (heft_ir_out(m, node, i) != HEFT_IR_NONE)
			flow->values[heft_ir_out(m, node, i)] =
				heft_flow_value(flow, heft_control_out(m, b, i));
	}
	return HEFT_OK;
}

/* --- what Loop and Scan share --- */

/* Input i of those from first_given on. */
struct heft_array heft_loop_given(const struct heft_loop *l, uint32_t i)
{
	return l->given ? l->given[i]
	                : heft_flow_value(l->flow, heft_ir_in(l->flow->plan->model, l->node,
	                                                      l->first_given + i));
}

enum heft_status heft_loop_open(struct heft_loop *l, struct heft_error *err)
{
	void *bytes;

	l->outer = l->flow->memory;
	l->memories[0].max_bytes = l->outer->max_bytes;
	l->memories[1].max_bytes = l->outer->max_bytes;
	HEFT_TRY(heft_memory_take(l->outer, l->n_collected * sizeof *l->collected, &bytes, err));
	l->collected = bytes;
	memset(bytes, 0, l->n_collected * sizeof *l->collected);
	for (uint32_t i = 0; i < l->n_collected; i++)
		heft_buffer_init(&l->collected[i].bytes);
	for (uint32_t i = 0; i < l->n_carried; i++)
		l->flow->values[heft_control_in(l->flow->plan->model, l->body, l->first_in + i)] =
			heft_loop_given(l, i);
	return HEFT_OK;
}

void heft_loop_close(struct heft_loop *l)
{
	l->flow->memory = l->outer;
	for (uint32_t i = 0; l->collected && i < l->n_collected; i++)
		heft_buffer_done(&l->collected[i].bytes);
	heft_memory_give(l->outer, l->collected);
	heft_memory_done(&l->memories[0]);
	heft_memory_done(&l->memories[1]);
}

/* A copy of a carried value in the memory of the run. */
static enum heft_status copy(struct heft_loop *l, struct heft_array *a, struct heft_error *err)
{
	return heft_kind_carry(a, l->flow->memory, l->memories, 2, err);
}

/* Parts of an array are found by their bytes. */
enum heft_status heft_loop_check_bytes(const struct heft_array *a, struct heft_error *err)
{
	if (a->dtype != HEFT_KIND_TEXTS && heft_is_array(a) && heft_element_bits(a->dtype) % 8 != 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "elements of %s are not cut apart or stacked",
		                 heft_kind_name(a->dtype));
	return HEFT_OK;
}

static enum heft_status collect(struct heft_collected *c, struct heft_array *a,
                                struct heft_memory *outer, struct heft_error *err)
{
	if (!heft_is_array(a) && a->dtype != HEFT_KIND_TEXTS)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "an iteration makes %s, which cannot be stacked",
		                 heft_kind_name(a->dtype));
	HEFT_TRY(heft_loop_check_bytes(a, err));
	if (a->dtype == HEFT_KIND_TEXTS)
		HEFT_TRY(heft_kind_copy(a, outer, err));
	if (c->n == 0)
		c->first = *a;
	else if (a->dtype != c->first.dtype || !heft_array_same_shape(a, &c->first))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "iterations make values of different shapes");
	heft_buffer_add(&c->bytes, a->bytes ? a->bytes : "", (size_t)a->n_bytes);
	c->n++;
	return c->bytes.ok ? HEFT_OK
	                   : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a loop");
}

/* One iteration: the body's inputs are set. */
enum heft_status heft_loop_iterate(struct heft_loop *l, uint64_t i, struct heft_error *err)
{
	const struct heft_model *m = l->flow->plan->model;

	l->flow->memory = &l->memories[i % 2];
	heft_memory_done(l->flow->memory);
	HEFT_TRY(heft_flow_block(l->flow, (uint32_t)(l->body - m->blocks), err));
	for (uint32_t k = 0; k < l->n_collected; k++) {
		struct heft_array a = heft_flow_value(
			l->flow, heft_control_out(m, l->body, l->first_out + l->n_carried + k));

		HEFT_TRY(collect(&l->collected[k], &a, l->outer, err));
	}
	return HEFT_OK;
}

/* What the body made of the carried values is what it gets next. An output may be an input of the
 * body as it is, whose bytes are older than the iteration, so all are copied. */
enum heft_status heft_loop_carry(struct heft_loop *l, struct heft_error *err)
{
	const struct heft_model *m = l->flow->plan->model;
	void *bytes;
	struct heft_array *next;

	HEFT_TRY(heft_memory_take(l->flow->memory, l->n_carried * sizeof *next, &bytes, err));
	next = bytes;
	for (uint32_t k = 0; k < l->n_carried; k++) {
		next[k] = heft_flow_value(l->flow, heft_control_out(m, l->body, l->first_out + k));
		HEFT_TRY(copy(l, &next[k], err));
	}
	for (uint32_t k = 0; k < l->n_carried; k++)
		l->flow->values[heft_control_in(m, l->body, l->first_in + k)] = next[k];
	return HEFT_OK;
}

/* The node's outputs: the carried values as they are now. */
enum heft_status heft_loop_finish(struct heft_loop *l, struct heft_error *err)
{
	const struct heft_model *m = l->flow->plan->model;

	l->flow->memory = l->outer;
	for (uint32_t k = 0; k < l->n_carried && k < l->node->n_out; k++) {
		struct heft_array a = l->flow->values[heft_control_in(m, l->body, l->first_in + k)];

		HEFT_TRY(copy(l, &a, err));
		if (heft_ir_out(m, l->node, k) != HEFT_IR_NONE)
			l->flow->values[heft_ir_out(m, l->node, k)] = a;
	}
	return HEFT_OK;
}

/* An output of collected values, stacked along a new dimension `axis`; backwards if `reversed`. */
enum heft_status heft_loop_stack(struct heft_loop *l, uint32_t k, int64_t axis, bool reversed,
                                 struct heft_error *err)
{
	const struct heft_collected *c = &l->collected[k];
	const struct heft_array *one = &c->first;
	const uint32_t value = heft_ir_out(l->flow->plan->model, l->node, l->n_carried + k);
	uint64_t dims[HEFT_GRAPH_MAX_RANK + 1];
	uint64_t n_outer = 1;
	uint64_t inner;
	uint32_t at;
	struct heft_array a = { 0 };

	if (value == HEFT_IR_NONE)
		return HEFT_OK;
	if (c->n == 0) {
		const struct heft_ir_value *v = &l->flow->plan->model->values[heft_control_out(
			l->flow->plan->model, l->body, l->first_out + l->n_carried + k)];

		/* of no iteration: only what the body declares tells the dtype */
		if (v->dtype == HEFT_DTYPE_NONE)
			return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
			                 "no iteration runs, and the body does not declare output "
			                 "%u",
			                 k);
		dims[0] = 0;
		for (uint32_t d = 0; v->has_shape && d < v->rank && d < HEFT_GRAPH_MAX_RANK; d++)
			dims[d + 1] = l->flow->plan->model->dims[v->dims_at + d].symbol
			                      ? 0
			                      : l->flow->plan->model->dims[v->dims_at + d].size;
		HEFT_TRY(heft_array_set(&a, v->dtype, v->has_shape ? v->rank + 1 : 1, dims, err));
		l->flow->values[value] = a;
		return HEFT_OK;
	}
	HEFT_TRY(heft_call_axis(axis, one->rank + 1, false, &at, err));
	for (uint32_t d = 0; d <= one->rank; d++)
		dims[d] = d == at ? c->n : one->dims[d > at ? d - 1 : d];
	HEFT_TRY(heft_array_set(&a, one->dtype, one->rank + 1, dims, err));
	if (a.n_bytes > 0)
		HEFT_TRY(heft_memory_take(l->outer, a.n_bytes, &a.bytes, err));
	for (uint32_t d = 0; d < at; d++)
		n_outer *= one->dims[d];
	inner = n_outer == 0 ? 0 : one->n_bytes / n_outer;
	for (uint64_t i = 0; i < c->n; i++) {
		const uint64_t to = reversed ? c->n - 1 - i : i;

		for (uint64_t o = 0; o < n_outer && inner > 0; o++)
			memcpy((uint8_t *)a.bytes + (o * c->n + to) * inner,
			       c->bytes.bytes + i * one->n_bytes + o * inner, (size_t)inner);
	}
	l->flow->values[value] = a;
	return HEFT_OK;
}

/* --- Loop --- */

static enum heft_status loop_until(struct heft_loop *l, struct heft_error *err)
{
	const struct heft_model *m = l->flow->plan->model;
	const struct heft_array trips = heft_flow_value(l->flow, heft_ir_in(m, l->node, 0));
	struct heft_array condition = heft_flow_value(l->flow, heft_ir_in(m, l->node, 1));
	const uint64_t one = 1;
	int64_t n_trips = INT64_MAX;
	bool goes_on = true;
	uint8_t yes = 1;

	if (trips.dtype != HEFT_DTYPE_NONE) {
		if (trips.dtype != HEFT_DTYPE_I64 || trips.n_elements != 1)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the trip count is not one I64");
		n_trips = *(const int64_t *)trips.bytes;
	}
	if (condition.dtype != HEFT_DTYPE_NONE)
		HEFT_TRY(truth(&condition, &goes_on, err));
	for (int64_t i = 0; i < n_trips && goes_on; i++) {
		struct heft_array number = { 0 };
		struct heft_array given = { 0 };

		HEFT_TRY(heft_array_set(&number, HEFT_DTYPE_I64, 0, &one, err));
		HEFT_TRY(heft_array_set(&given, HEFT_DTYPE_BOOL, 0, &one, err));
		number.bytes = &i;
		given.bytes = &yes;
		l->flow->values[heft_control_in(m, l->body, 0)] = number;
		l->flow->values[heft_control_in(m, l->body, 1)] = given;
		HEFT_TRY(heft_loop_iterate(l, (uint64_t)i, err));
		condition = heft_flow_value(l->flow, heft_control_out(m, l->body, 0));
		HEFT_TRY(truth(&condition, &goes_on, err));
		HEFT_TRY(heft_loop_carry(l, err));
	}
	HEFT_TRY(heft_loop_finish(l, err));
	for (uint32_t k = 0; k < l->n_collected; k++)
		HEFT_TRY(heft_loop_stack(l, k, 0, false, err));
	return HEFT_OK;
}

static enum heft_status run_loop(struct heft_flow *flow, const struct heft_ir_node *node,
                                 struct heft_error *err)
{
	struct heft_loop l = {
		.flow = flow, .node = node, .first_in = 2, .first_out = 1, .first_given = 2
	};
	enum heft_status st;

	l.body = heft_control_block(flow->plan->model, node, "body");
	if (!l.body || l.body->n_inputs < 2 || l.body->n_inputs < node->n_in ||
	    l.body->n_outputs < l.body->n_inputs - 1 || l.body->n_outputs - 1 < node->n_out)
		return heft_control_no_block("body", err);
	l.n_carried = l.body->n_inputs - 2;
	l.n_collected = l.body->n_outputs - 1 - l.n_carried;
	st = heft_loop_open(&l, err);
	if (st == HEFT_OK)
		st = loop_until(&l, err);
	heft_loop_close(&l);
	return st;
}

enum heft_status heft_control_run(struct heft_flow *flow, const struct heft_ir_node *node,
                                  struct heft_error *err)
{
	switch (node->control) {
	case HEFT_CONTROL_SEQUENCE_MAP:
		return heft_sequence_map_run(flow, node, err);
	case HEFT_CONTROL_IF:
		return run_if(flow, node, err);
	case HEFT_CONTROL_LOOP:
		return run_loop(flow, node, err);
	default:
		return heft_scan_run(flow, node, err);
	}
}
