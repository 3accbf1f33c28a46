/* SPDX-License-Identifier: Apache-2.0 */
/* plan_facts.c - what is told of a plan: sizes, and its steps. */
#include <string.h>

#include "base/error.h"
#include "graph/plan.h"

static bool is_shown(const struct heft_step *s)
{
	return !s->is_dead;
}

void heft_plan_facts(const struct heft_plan *p, struct heft_session_facts *facts)
{
	*facts = (struct heft_session_facts){ 0 };
	for (uint32_t i = 0; i < heft_plan_n_steps(p); i++)
		facts->n_steps += is_shown(heft_plan_step(p, i));
	facts->n_dynamic = (uint32_t)(p->dynamic.size / sizeof(struct heft_dynamic));
	facts->workspace_bytes = p->arena_bytes;
	facts->packed_bytes = p->packed_bytes;
	facts->n_multiply_adds = p->n_multiply_adds;
}

static const char *first_value(const struct heft_model *m, const struct heft_ir_node *node)
{
	const uint32_t value = node ? heft_ir_out(m, node, 0) : HEFT_IR_NONE;

	return value != HEFT_IR_NONE ? m->values[value].name : "";
}

static void describe(const struct heft_model *m, const struct heft_step *s,
                     struct heft_session_step *step)
{
	const struct heft_call *c = s->call;

	*step = (struct heft_session_step){
		.node = s->node ? s->node->name : "",
		.op = s->label,
		.value = first_value(m, s->node),
		.n_runs = s->n_runs,
		.nanoseconds = s->nanoseconds,
		.n_multiply_adds = c->n_multiply_adds,
	};
	for (uint32_t i = 0; i < c->n_in; i++)
		step->n_bytes += c->in[i].n_bytes;
	for (uint32_t i = 0; i < c->n_out; i++) {
		if (heft_call_wants(c, i))
			step->n_output_bytes += c->out[i].n_bytes;
	}
	step->n_bytes += step->n_output_bytes;
	if (c->end.residual)
		step->n_bytes += c->end.residual->n_bytes;
	if (c->n_out > 0) {
		step->rank = c->out[0].rank;
		memcpy(step->dims, c->out[0].dims, sizeof c->out[0].dims);
	}
}

enum heft_status heft_plan_describe(const struct heft_plan *p, uint32_t i,
                                    struct heft_session_step *step, struct heft_error *err)
{
	uint32_t k = 0;

	for (uint32_t at = 0; at < heft_plan_n_steps(p); at++) {
		const struct heft_step *s = heft_plan_step(p, at);

		if (!is_shown(s) || k++ < i)
			continue;
		describe(p->model, s, step);
		return HEFT_OK;
	}
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "step %u of %u", i, k);
}
