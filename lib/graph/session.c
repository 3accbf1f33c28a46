/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - runs a model: checks what is given, plans when shapes change, and calls the steps. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/float_mode.h"
#include "graph/dynamic.h"

_Static_assert(HEFT_RUN_AVX2 == (int)HEFT_CPU_AVX512, "what a mask leaves out");

struct heft_session {
	const struct heft_model *model;
	struct heft_engine engine;
	struct heft_problems problems;
	uint64_t max_bytes;
	struct heft_plan plan;
	bool has_plan;
	bool takes_time;
	struct heft_array *inputs; /* one an input of the model */
	struct heft_array *given;  /* likewise: those of a call, until they are checked */
	struct heft_array *values; /* one a value of the model, for dynamic nodes */
	struct heft_memory run_memory;
	struct heft_value *outputs;
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a session");
}

enum heft_status heft_session_new(const struct heft_model *model,
                                  const struct heft_session_options *options,
                                  struct heft_session **session, struct heft_error *err)
{
	const struct heft_session_options none = { 0 };
	const struct heft_session_options *o = options ? options : &none;
	struct heft_session *s = heft_zalloc(sizeof *s);
	enum heft_status st;

	if (!s)
		return no_memory(err);
	s->model = model;
	s->problems.fn = o->problem;
	s->problems.ctx = o->problem_ctx;
	s->max_bytes = o->max_bytes > 0 ? o->max_bytes : heft_memory_size();
	s->engine.seed = o->seed;
	s->engine.is_plan_only = o->plan_only;
	s->engine.cpu_bits = heft_cpu_bits() & ~o->cpu_mask;
	s->inputs = heft_zalloc_array(model->n_inputs, sizeof *s->inputs);
	s->given = heft_zalloc_array(model->n_inputs, sizeof *s->given);
	s->values = heft_zalloc_array(model->n_values, sizeof *s->values);
	s->outputs = heft_zalloc_array(model->n_outputs, sizeof *s->outputs);
	st = s->inputs && s->given && s->values && s->outputs ? HEFT_OK : no_memory(err);
	if (st == HEFT_OK && o->n_threads != 1)
		st = heft_team_new(o->n_threads, &s->engine.team, err);
	if (st != HEFT_OK) {
		heft_session_free(s);
		return st;
	}
	*session = s;
	return HEFT_OK;
}

void heft_session_free(struct heft_session *session)
{
	if (!session)
		return;
	if (session->has_plan)
		heft_plan_done(&session->plan);
	heft_memory_done(&session->run_memory);
	heft_team_free(session->engine.team);
	heft_free(session->inputs);
	heft_free(session->given);
	heft_free(session->values);
	heft_free(session->outputs);
	heft_free(session);
}

/* --- inputs --- */

/* "F32 [N, 3, 224, 224]" */
static void describe_declared(const struct heft_model *m, uint32_t value, struct heft_buffer *text)
{
	const struct heft_ir_value *v = &m->values[value];

	heft_buffer_addf(text, "%s",
	                 v->dtype == HEFT_DTYPE_NONE ? "any dtype" : heft_dtype_name(v->dtype));
	if (!v->has_shape)
		return;
	heft_buffer_addf(text, " [");
	for (uint32_t d = 0; d < v->rank; d++) {
		const struct heft_ir_dim *dim = &m->dims[v->dims_at + d];

		heft_buffer_addf(text, d > 0 ? ", " : "");
		if (!dim->symbol)
			heft_buffer_addf(text, "%llu", (unsigned long long)dim->size);
		else
			heft_buffer_addf(text, "%.40s", *dim->symbol ? dim->symbol : "?");
	}
	heft_buffer_addf(text, "]");
}

static void describe_given(const struct heft_value *v, struct heft_buffer *text)
{
	heft_buffer_addf(text, "%s [", heft_dtype_name(v->dtype));
	for (uint32_t d = 0; d < v->rank && d < HEFT_VALUE_MAX_RANK; d++)
		heft_buffer_addf(text, "%s%llu", d > 0 ? ", " : "", (unsigned long long)v->dims[d]);
	heft_buffer_addf(text, "]");
}

static bool fits(const struct heft_model *m, uint32_t value, const struct heft_value *given)
{
	const struct heft_ir_value *v = &m->values[value];

	if (v->dtype != HEFT_DTYPE_NONE && v->dtype != given->dtype)
		return false;
	if (!v->has_shape)
		return true;
	if (v->rank != given->rank)
		return false;
	for (uint32_t d = 0; d < v->rank; d++) {
		const struct heft_ir_dim *dim = &m->dims[v->dims_at + d];

		if (!dim->symbol && dim->size != given->dims[d])
			return false;
	}
	return true;
}

static enum heft_status does_not_fit(const struct heft_model *m, uint32_t value,
                                     const struct heft_value *given, struct heft_error *err)
{
	struct heft_buffer expected;
	struct heft_buffer got;
	enum heft_status st;

	heft_buffer_init(&expected);
	heft_buffer_init(&got);
	describe_declared(m, value, &expected);
	describe_given(given, &got);
	heft_buffer_add_u8(&expected, 0);
	heft_buffer_add_u8(&got, 0);
	st = expected.ok && got.ok ? heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                                       "input '%.60s': expected %.70s, given %.70s",
	                                       m->values[value].name, (const char *)expected.bytes,
	                                       (const char *)got.bytes)
	                           : no_memory(err);
	heft_buffer_done(&expected);
	heft_buffer_done(&got);
	return st;
}

static enum heft_status set_input(struct heft_session *s, uint32_t i,
                                  const struct heft_value *given, bool has_bytes,
                                  struct heft_error *err)
{
	const uint32_t value = s->model->inputs[i];
	struct heft_array *a = &s->given[i];

	if (given->rank > HEFT_VALUE_MAX_RANK)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input '%.60s' has %u dimensions", given->name, given->rank);
	if (!fits(s->model, value, given))
		return does_not_fit(s->model, value, given, err);
	*a = (struct heft_array){ 0 };
	HEFT_TRY(heft_array_set(a, given->dtype, given->rank, given->dims, err));
	if (has_bytes && a->n_bytes != given->n_bytes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input '%.60s' is of %llu bytes, and its shape asks for %llu",
		                 given->name, (unsigned long long)given->n_bytes,
		                 (unsigned long long)a->n_bytes);
	a->bytes = has_bytes ? (void *)(uintptr_t)given->bytes : NULL;
	return HEFT_OK;
}

static enum heft_status set_inputs(struct heft_session *s, const struct heft_value *inputs,
                                   uint32_t n_inputs, bool has_bytes, struct heft_error *err)
{
	const struct heft_model *m = s->model;

	memset(s->given, 0, m->n_inputs * sizeof *s->given);
	for (uint32_t i = 0; i < n_inputs; i++) {
		uint32_t k = 0;

		while (k < m->n_inputs && strcmp(m->values[m->inputs[k]].name, inputs[i].name) != 0)
			k++;
		if (k == m->n_inputs)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the model has no input '%.80s'", inputs[i].name);
		HEFT_TRY(set_input(s, k, &inputs[i], has_bytes, err));
	}
	for (uint32_t k = 0; k < m->n_inputs; k++) {
		if (s->given[k].dtype == HEFT_DTYPE_NONE)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "input '%.80s' is not given",
			                 m->values[m->inputs[k]].name);
	}
	return HEFT_OK;
}

/* --- plan --- */

static bool is_planned_for(const struct heft_session *s)
{
	for (uint32_t k = 0; s->has_plan && k < s->model->n_inputs; k++) {
		if (s->inputs[k].dtype != s->given[k].dtype ||
		    !heft_array_same_shape(&s->inputs[k], &s->given[k]))
			return false;
	}
	return s->has_plan;
}

static enum heft_status plan(struct heft_session *s, const struct heft_value *inputs,
                             uint32_t n_inputs, bool has_bytes, struct heft_error *err)
{
	enum heft_status st;

	heft_memory_done(&s->run_memory);
	HEFT_TRY(set_inputs(s, inputs, n_inputs, has_bytes, err));
	if (!is_planned_for(s)) {
		if (s->has_plan)
			heft_plan_done(&s->plan);
		s->has_plan = false;
		st = heft_plan_make(&s->plan, s->model, &s->engine, s->given, NULL, s->max_bytes,
		                    s->problems, err);
		if (st != HEFT_OK)
			return st;
		s->has_plan = true;
	}
	memcpy(s->inputs, s->given, s->model->n_inputs * sizeof *s->inputs);
	return HEFT_OK;
}

enum heft_status heft_session_plan(struct heft_session *session, const struct heft_value *inputs,
                                   uint32_t n_inputs, struct heft_error *err)
{
	const uint64_t before = heft_float_mode_set();
	const enum heft_status st = plan(session, inputs, n_inputs, false, err);

	heft_float_mode_restore(before);
	return st;
}

/* --- run --- */

static void run_steps(struct heft_session *s)
{
	const struct heft_plan *p = &s->plan;
	const struct heft_patch *patches = (const struct heft_patch *)(void *)p->patches.bytes;
	const uint32_t n = heft_plan_n_steps(p);

	for (size_t i = 0; i < p->patches.size / sizeof *patches; i++)
		patches[i].array->bytes = s->inputs[patches[i].input].bytes;
	for (uint32_t i = 0; i < n; i++) {
		struct heft_step *step = heft_plan_step(p, i);
		const uint64_t begin = s->takes_time ? heft_clock() : 0;

		if (step->is_dead)
			continue;
		step->op->forward(step->call);
		if (s->takes_time) {
			step->nanoseconds += heft_clock() - begin;
			step->n_runs++;
		}
	}
}

/* Where a view of a caller's array is an output, it is copied: it has to live as long as the
 * others. */
static enum heft_status set_output(struct heft_session *s, const struct heft_flow *flow, uint32_t i,
                                   struct heft_error *err)
{
	const struct heft_model *m = s->model;
	const uint32_t value = m->outputs[i];
	const uint32_t slot = s->plan.slot_of[value];
	const struct heft_array a = heft_flow_value(flow, value);
	struct heft_value *out = &s->outputs[i];
	void *bytes;

	if (a.dtype == HEFT_DTYPE_NONE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "nothing makes the output '%.80s'", m->values[value].name);
	*out = (struct heft_value){
		.name = m->values[value].name,
		.dtype = a.dtype,
		.rank = a.rank,
		.bytes = a.bytes,
		.n_bytes = a.n_bytes,
	};
	memcpy(out->dims, a.dims, a.rank * sizeof *a.dims);
	if (slot != HEFT_IR_NONE && heft_plan_slot(&s->plan, slot)->kind == HEFT_SLOT_INPUT &&
	    a.n_bytes > 0) {
		HEFT_TRY(heft_memory_take(&s->run_memory, a.n_bytes, &bytes, err));
		memcpy(bytes, a.bytes, (size_t)a.n_bytes);
		out->bytes = bytes;
	}
	return HEFT_OK;
}

static enum heft_status run(struct heft_session *s, const struct heft_value *inputs,
                            uint32_t n_inputs, struct heft_error *err)
{
	struct heft_flow flow = {
		.plan = &s->plan, .inputs = s->inputs, .values = s->values, .memory = &s->run_memory
	};

	HEFT_TRY(plan(s, inputs, n_inputs, true, err));
	s->run_memory.max_bytes = s->max_bytes;
	HEFT_TRY(heft_flow_take_inputs(&flow, err));
	run_steps(s);
	HEFT_TRY(heft_dynamic_run(&flow, err));
	for (uint32_t i = 0; i < s->model->n_outputs; i++)
		HEFT_TRY(set_output(s, &flow, i, err));
	return HEFT_OK;
}

enum heft_status heft_session_run(struct heft_session *session, const struct heft_value *inputs,
                                  uint32_t n_inputs, const struct heft_value **outputs,
                                  uint32_t *n_outputs, struct heft_error *err)
{
	uint64_t before;
	enum heft_status st;

	if (session->engine.is_plan_only)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the session only plans");
	before = heft_float_mode_set();
	st = run(session, inputs, n_inputs, err);
	heft_float_mode_restore(before);
	if (st != HEFT_OK)
		return st;
	*outputs = session->outputs;
	*n_outputs = session->model->n_outputs;
	return HEFT_OK;
}

/* --- what was planned --- */

void heft_session_facts(const struct heft_session *session, struct heft_session_facts *facts)
{
	*facts = (struct heft_session_facts){ 0 };
	if (session->has_plan)
		heft_plan_facts(&session->plan, facts);
}

enum heft_status heft_session_step(const struct heft_session *session, uint32_t i,
                                   struct heft_session_step *step, struct heft_error *err)
{
	if (!session->has_plan)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "step %u of 0", i);
	return heft_plan_describe(&session->plan, i, step, err);
}

void heft_session_set_profile(struct heft_session *session, bool is_on)
{
	session->takes_time = is_on;
}
