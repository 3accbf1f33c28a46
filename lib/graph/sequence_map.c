/* SPDX-License-Identifier: Apache-2.0 */
/* sequence_map.c - SequenceMap: its block once for every item of input 0, and of the other inputs
 * that are sequences. */
#include <string.h>

#include "base/error.h"
#include "graph/dynamic.h"
#include "graph/kinds.h"
#include "graph/loop.h"

struct map {
	struct heft_flow *flow;
	const struct heft_ir_node *node;
	const struct heft_ir_block *body;
	struct heft_memory *outer;
	struct heft_memory inner; /* of one item */
	struct heft_array *outs;  /* sequences, one an output of the node */
	uint64_t n;
};

static uint32_t body_in(const struct map *m, uint32_t i)
{
	return heft_control_in(m->flow->plan->model, m->body, i);
}

static uint32_t body_out(const struct map *m, uint32_t i)
{
	return heft_control_out(m->flow->plan->model, m->body, i);
}

static struct heft_array given(const struct map *m, uint32_t i)
{
	return heft_flow_value(m->flow, heft_ir_in(m->flow->plan->model, m->node, i));
}

static enum heft_status set_inputs(struct map *m, uint64_t i, struct heft_error *err)
{
	for (uint32_t k = 0; k < m->node->n_in; k++) {
		struct heft_array a = given(m, k);

		if (a.dtype == HEFT_KIND_SEQUENCE) {
			const struct heft_sequence *s = heft_sequence_of(&a);

			if (s->n != m->n)
				return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
				                 "inputs 0 and %u have %llu and %llu items", k,
				                 (unsigned long long)m->n,
				                 (unsigned long long)s->n);
			a = s->items[i];
		}
		m->flow->values[body_in(m, k)] = a;
	}
	return HEFT_OK;
}

/* Output k of the block becomes item i of output k. */
static enum heft_status put_item(struct map *m, uint32_t k, uint64_t i, struct heft_error *err)
{
	struct heft_sequence *s = m->outs[k].bytes;
	struct heft_array *to = &s->items[i];

	*to = heft_flow_value(m->flow, body_out(m, k));
	if (to->dtype == HEFT_DTYPE_NONE || (!heft_is_array(to) && to->dtype != HEFT_KIND_TEXTS))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "output %u of its body is no array", k);
	if (i > 0 && s->dtype != to->dtype)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "output %u of its body is %s and then %s", k,
		                 heft_kind_name(s->dtype), heft_kind_name(to->dtype));
	s->dtype = to->dtype;
	return heft_kind_copy(to, m->outer, err);
}

static enum heft_status map_all(struct map *m, struct heft_error *err)
{
	struct heft_sequence *s;
	void *outs;

	HEFT_TRY(heft_memory_take(m->outer, m->node->n_out * sizeof *m->outs, &outs, err));
	memset(outs, 0, m->node->n_out * sizeof *m->outs);
	m->outs = outs;
	for (uint32_t k = 0; k < m->node->n_out; k++)
		HEFT_TRY(heft_sequence_new(m->n, m->flow->plan->model->values[body_out(m, k)].dtype,
		                           m->outer, &m->outs[k], &s, err));
	for (uint64_t i = 0; i < m->n; i++) {
		HEFT_TRY(set_inputs(m, i, err));
		m->flow->memory = &m->inner;
		HEFT_TRY(heft_flow_block(m->flow,
		                         (uint32_t)(m->body - m->flow->plan->model->blocks), err));
		for (uint32_t k = 0; k < m->node->n_out; k++)
			HEFT_TRY(put_item(m, k, i, err));
		heft_memory_done(&m->inner);
	}
	for (uint32_t k = 0; k < m->node->n_out; k++) {
		const uint32_t value = heft_ir_out(m->flow->plan->model, m->node, k);

		if (value != HEFT_IR_NONE)
			m->flow->values[value] = m->outs[k];
	}
	return HEFT_OK;
}

enum heft_status heft_sequence_map_run(struct heft_flow *flow, const struct heft_ir_node *node,
                                       struct heft_error *err)
{
	struct map m = { .flow = flow, .node = node, .outer = flow->memory };
	const struct heft_array first = heft_flow_value(flow,
	                                                heft_ir_in(flow->plan->model, node, 0));
	enum heft_status st;

	m.body = heft_control_block(flow->plan->model, node, "body");
	if (!m.body || node->opset < 17)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "it has no body, or the model is older than SequenceMap");
	if (first.dtype != HEFT_KIND_SEQUENCE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input 0 is %s and not a sequence", heft_kind_name(first.dtype));
	m.n = heft_sequence_of(&first)->n;
	m.inner.max_bytes = m.outer->max_bytes;
	st = map_all(&m, err);
	flow->memory = m.outer;
	heft_memory_done(&m.inner);
	return st;
}
