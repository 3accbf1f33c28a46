/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - If, Loop and Scan while a model runs: their blocks are run as often as they say. What
 * an iteration makes lives until the next one is done, so that a loop needs no more memory the
 * longer it runs. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "graph/dynamic.h"

static const struct heft_ir_block *block_of(const struct heft_model *m,
                                            const struct heft_ir_node *node, const char *name)
{
	for (uint32_t i = 0; i < node->attrs.n; i++) {
		const struct heft_attr *a = &node->attrs.rows[i];

		if (a->kind == HEFT_ATTR_GRAPH && strcmp(a->name, name) == 0)
			return &m->blocks[a->graph];
	}
	return NULL;
}

static uint32_t block_in(const struct heft_model *m, const struct heft_ir_block *b, uint32_t i)
{
	return m->refs[b->inputs_at + i];
}

static uint32_t block_out(const struct heft_model *m, const struct heft_ir_block *b, uint32_t i)
{
	return m->refs[b->outputs_at + i];
}

static enum heft_status no_block(const char *name, struct heft_error *err)
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

/* A copy of a value in the memory of the run. */
static enum heft_status copy(struct heft_flow *flow, struct heft_array *a, struct heft_error *err)
{
	const void *from = a->bytes;

	if (a->n_bytes == 0)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(flow->memory, a->n_bytes, &a->bytes, err));
	memcpy(a->bytes, from, (size_t)a->n_bytes);
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
	b = block_of(m, node, is_true ? "then_branch" : "else_branch");
	if (!b || b->n_outputs < node->n_out)
		return no_block(is_true ? "then_branch" : "else_branch", err);
	HEFT_TRY(heft_flow_block(flow, (uint32_t)(b - m->blocks), err));
	for (uint32_t i = 0; i < node->n_out; i++) {
		if (heft_ir_out(m, node, i) != HEFT_IR_NONE)
			flow->values[heft_ir_out(m, node, i)] = heft_flow_value(flow,
			                                                        block_out(m, b, i));
	}
	return HEFT_OK;
}

/* --- what Loop and Scan share --- */

/* An output that every iteration adds to. */
struct collected {
	struct heft_buffer bytes;
	struct heft_array first; /* of one iteration; dtype NONE: there was none */
	uint64_t n;
};

struct loop {
	struct heft_flow *flow;
	const struct heft_ir_node *node;
	const struct heft_ir_block *body;
	uint32_t n_carried;   /* values that go from one iteration to the next */
	uint32_t first_in;    /* of the body: the first carried one */
	uint32_t first_out;   /* of the body */
	uint32_t first_given; /* of the node's inputs */
	struct heft_memory *outer;
	struct heft_memory memories[2];
	struct collected *collected;
	uint32_t n_collected;
};

static enum heft_status loop_open(struct loop *l, struct heft_error *err)
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
		l->flow->values[block_in(l->flow->plan->model, l->body, l->first_in + i)] =
			heft_flow_value(l->flow, heft_ir_in(l->flow->plan->model, l->node,
		                                            l->first_given + i));
	return HEFT_OK;
}

static void loop_close(struct loop *l)
{
	l->flow->memory = l->outer;
	for (uint32_t i = 0; l->collected && i < l->n_collected; i++)
		heft_buffer_done(&l->collected[i].bytes);
	heft_memory_give(l->outer, l->collected);
	heft_memory_done(&l->memories[0]);
	heft_memory_done(&l->memories[1]);
}

static enum heft_status collect(struct collected *c, const struct heft_array *a,
                                struct heft_error *err)
{
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
static enum heft_status iterate(struct loop *l, uint64_t i, struct heft_error *err)
{
	const struct heft_model *m = l->flow->plan->model;

	l->flow->memory = &l->memories[i % 2];
	heft_memory_done(l->flow->memory);
	HEFT_TRY(heft_flow_block(l->flow, (uint32_t)(l->body - m->blocks), err));
	for (uint32_t k = 0; k < l->n_collected; k++) {
		const struct heft_array a = heft_flow_value(
			l->flow, block_out(m, l->body, l->first_out + l->n_carried + k));

		HEFT_TRY(collect(&l->collected[k], &a, err));
	}
	return HEFT_OK;
}

/* What the body made of the carried values is what it gets next. An output may be an input of the
 * body as it is, whose bytes are older than the iteration, so all are copied. */
static enum heft_status carry(struct loop *l, struct heft_error *err)
{
	const struct heft_model *m = l->flow->plan->model;
	void *bytes;
	struct heft_array *next;

	HEFT_TRY(heft_memory_take(l->flow->memory, l->n_carried * sizeof *next, &bytes, err));
	next = bytes;
	for (uint32_t k = 0; k < l->n_carried; k++) {
		next[k] = heft_flow_value(l->flow, block_out(m, l->body, l->first_out + k));
		HEFT_TRY(copy(l->flow, &next[k], err));
	}
	for (uint32_t k = 0; k < l->n_carried; k++)
		l->flow->values[block_in(m, l->body, l->first_in + k)] = next[k];
	return HEFT_OK;
}

/* The node's outputs: the carried values as they are now. */
static enum heft_status finish(struct loop *l, struct heft_error *err)
{
	const struct heft_model *m = l->flow->plan->model;

	l->flow->memory = l->outer;
	for (uint32_t k = 0; k < l->n_carried && k < l->node->n_out; k++) {
		struct heft_array a = l->flow->values[block_in(m, l->body, l->first_in + k)];

		HEFT_TRY(copy(l->flow, &a, err));
		if (heft_ir_out(m, l->node, k) != HEFT_IR_NONE)
			l->flow->values[heft_ir_out(m, l->node, k)] = a;
	}
	return HEFT_OK;
}

/* An output of collected values, stacked along a new dimension `axis`; backwards if `reversed`. */
static enum heft_status stack(struct loop *l, uint32_t k, int64_t axis, bool reversed,
                              struct heft_error *err)
{
	const struct collected *c = &l->collected[k];
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
		const struct heft_ir_value *v = &l->flow->plan->model->values[block_out(
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

static enum heft_status loop_until(struct loop *l, struct heft_error *err)
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
		l->flow->values[block_in(m, l->body, 0)] = number;
		l->flow->values[block_in(m, l->body, 1)] = given;
		HEFT_TRY(iterate(l, (uint64_t)i, err));
		condition = heft_flow_value(l->flow, block_out(m, l->body, 0));
		HEFT_TRY(truth(&condition, &goes_on, err));
		HEFT_TRY(carry(l, err));
	}
	HEFT_TRY(finish(l, err));
	for (uint32_t k = 0; k < l->n_collected; k++)
		HEFT_TRY(stack(l, k, 0, false, err));
	return HEFT_OK;
}

static enum heft_status run_loop(struct heft_flow *flow, const struct heft_ir_node *node,
                                 struct heft_error *err)
{
	struct loop l = {
		.flow = flow, .node = node, .first_in = 2, .first_out = 1, .first_given = 2
	};
	enum heft_status st;

	l.body = block_of(flow->plan->model, node, "body");
	if (!l.body || l.body->n_inputs < 2 || l.body->n_inputs < node->n_in ||
	    l.body->n_outputs < l.body->n_inputs - 1 || l.body->n_outputs - 1 < node->n_out)
		return no_block("body", err);
	l.n_carried = l.body->n_inputs - 2;
	l.n_collected = l.body->n_outputs - 1 - l.n_carried;
	st = loop_open(&l, err);
	if (st == HEFT_OK)
		st = loop_until(&l, err);
	loop_close(&l);
	return st;
}

/* --- Scan --- */

/* Item i of `a` along `axis`. */
static enum heft_status item(struct heft_flow *flow, const struct heft_array *a, uint32_t axis,
                             uint64_t i, struct heft_array *to, struct heft_error *err)
{
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t n_outer = 1;
	uint64_t inner;

	for (uint32_t d = 0; d + 1 < a->rank; d++)
		dims[d] = a->dims[d < axis ? d : d + 1];
	*to = (struct heft_array){ 0 };
	HEFT_TRY(heft_array_set(to, a->dtype, a->rank - 1, dims, err));
	if (to->n_bytes == 0)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(flow->memory, to->n_bytes, &to->bytes, err));
	for (uint32_t d = 0; d < axis; d++)
		n_outer *= a->dims[d];
	inner = to->n_bytes / n_outer;
	for (uint64_t o = 0; o < n_outer; o++)
		memcpy((uint8_t *)to->bytes + o * inner,
		       (const uint8_t *)a->bytes + (o * a->dims[axis] + i) * inner, (size_t)inner);
	return HEFT_OK;
}

static int64_t nth(const int64_t *values, uint32_t n, uint32_t i)
{
	return i < n ? values[i] : 0;
}

struct scan {
	struct loop l;
	uint32_t n_scanned;
	const int64_t *axes;
	const int64_t *directions;
	uint32_t n_axes;
	uint32_t n_directions;
};

static enum heft_status scan_length(const struct scan *s, uint64_t *length, struct heft_error *err)
{
	const struct heft_model *m = s->l.flow->plan->model;

	for (uint32_t k = 0; k < s->n_scanned; k++) {
		const struct heft_array a = heft_flow_value(s->l.flow,
		                                            heft_ir_in(m, s->l.node,
		                                                       s->l.n_carried + k));
		uint32_t axis;

		HEFT_TRY(heft_call_axis(nth(s->axes, s->n_axes, k), a.rank, false, &axis, err));
		if (k > 0 && a.dims[axis] != *length)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "what it scans is of different lengths");
		*length = a.dims[axis];
	}
	return HEFT_OK;
}

static enum heft_status scan_all(struct scan *s, struct heft_error *err)
{
	const struct heft_call c = { .attrs = s->l.node->attrs };
	const struct heft_model *m = s->l.flow->plan->model;
	uint64_t length = 0;
	uint32_t n_axes;
	uint32_t n_directions;
	const int64_t *axes = heft_call_ints(&c, "scan_output_axes", &n_axes);
	const int64_t *directions = heft_call_ints(&c, "scan_output_directions", &n_directions);

	HEFT_TRY(scan_length(s, &length, err));
	for (uint64_t i = 0; i < length; i++) {
		for (uint32_t k = 0; k < s->n_scanned; k++) {
			const struct heft_array a = heft_flow_value(s->l.flow,
			                                            heft_ir_in(m, s->l.node,
			                                                       s->l.n_carried + k));
			const bool back = nth(s->directions, s->n_directions, k) != 0;
			uint32_t axis;

			HEFT_TRY(heft_call_axis(nth(s->axes, s->n_axes, k), a.rank, false, &axis,
			                        err));
			s->l.flow->memory = &s->l.memories[(i + 1) % 2];
			HEFT_TRY(
				item(s->l.flow, &a, axis, back ? length - 1 - i : i,
			             &s->l.flow->values[block_in(m, s->l.body, s->l.n_carried + k)],
			             err));
		}
		HEFT_TRY(iterate(&s->l, i, err));
		HEFT_TRY(carry(&s->l, err));
	}
	HEFT_TRY(finish(&s->l, err));
	for (uint32_t k = 0; k < s->l.n_collected; k++)
		HEFT_TRY(stack(&s->l, k, nth(axes, n_axes, k),
		               nth(directions, n_directions, k) != 0, err));
	return HEFT_OK;
}

static enum heft_status run_scan(struct heft_flow *flow, const struct heft_ir_node *node,
                                 struct heft_error *err)
{
	const struct heft_call c = { .attrs = node->attrs };
	const int64_t n = heft_call_int(&c, "num_scan_inputs", 0);
	struct scan s = { .l = { .flow = flow, .node = node } };
	enum heft_status st;

	if (node->opset < 9)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "its form of opset 8, with a batch, is not computed");
	s.l.body = block_of(flow->plan->model, node, "body");
	if (!s.l.body || n < 1 || n > node->n_in || s.l.body->n_inputs != node->n_in ||
	    s.l.body->n_outputs < node->n_in - (uint32_t)n || s.l.body->n_outputs < node->n_out)
		return no_block("body", err);
	s.n_scanned = (uint32_t)n;
	s.l.n_carried = node->n_in - s.n_scanned;
	s.l.n_collected = s.l.body->n_outputs - s.l.n_carried;
	s.axes = heft_call_ints(&c, "scan_input_axes", &s.n_axes);
	s.directions = heft_call_ints(&c, "scan_input_directions", &s.n_directions);
	st = loop_open(&s.l, err);
	if (st == HEFT_OK)
		st = scan_all(&s, err);
	loop_close(&s.l);
	return st;
}

enum heft_status heft_control_run(struct heft_flow *flow, const struct heft_ir_node *node,
                                  struct heft_error *err)
{
	switch (node->control) {
	case HEFT_CONTROL_IF:
		return run_if(flow, node, err);
	case HEFT_CONTROL_LOOP:
		return run_loop(flow, node, err);
	default:
		return run_scan(flow, node, err);
	}
}
