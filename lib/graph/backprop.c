/* SPDX-License-Identifier: Apache-2.0 */
/* backprop.c - plans and runs a model with its loss and its gradients. */
#include "graph/backprop.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/float_mode.h"
#include "graph/plan.h"

struct feature {
	uint32_t slot;
	struct heft_array array;
};

struct heft_backprop {
	const struct heft_model *model;
	struct heft_engine engine;
	struct heft_learning learning;
	struct heft_plan plan;
	struct heft_team *team; /* its own; NULL: the caller's, or none */
	struct heft_array *inputs;
	struct feature *features;
	uint32_t n_features;
	bool takes_time;
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for gradients");
}

/* --- parameters --- */

static int by_tensor(const void *a, const void *b)
{
	const uint32_t x = ((const struct heft_param *)a)->tensor;
	const uint32_t y = ((const struct heft_param *)b)->tensor;

	return (x > y) - (x < y);
}

static bool may_be_trained(const struct heft_ir_constant *c)
{
	return c->tensor != HEFT_IR_NONE &&
	       (c->array.dtype == HEFT_DTYPE_F32 || c->array.dtype == HEFT_DTYPE_F64);
}

enum heft_status heft_model_params(const struct heft_model *m, struct heft_param **params,
                                   uint32_t *n, struct heft_error *err)
{
	struct heft_param *rows = heft_zalloc_array(m->n_constants, sizeof *rows);
	uint32_t n_rows = 0;
	uint32_t n_kept = 0;

	if (!rows)
		return no_memory(err);
	for (uint32_t i = 0; i < m->n_constants; i++) {
		if (may_be_trained(&m->constants[i]))
			rows[n_rows++] = (struct heft_param){ m->constants[i].tensor,
				                              m->constants[i].array };
	}
	if (n_rows > 0)
		qsort(rows, n_rows, sizeof *rows, by_tensor);
	for (uint32_t i = 0; i < n_rows; i++) {
		if (n_kept == 0 || rows[n_kept - 1].tensor != rows[i].tensor)
			rows[n_kept++] = rows[i];
	}
	*params = rows;
	*n = n_kept;
	return HEFT_OK;
}

/* --- the plan --- */

static enum heft_status set_array(struct heft_array *a, const struct heft_value *v,
                                  struct heft_error *err)
{
	*a = (struct heft_array){ 0 };
	return heft_array_set(a, v->dtype, v->rank, v->dims, err);
}

/* Slots that the prefix makes and the rest reads: each once. */
static enum heft_status find_features(struct heft_backprop *b, struct heft_error *err)
{
	const struct heft_plan *p = &b->plan;
	bool *is_made = heft_zalloc_array(heft_plan_n_slots(p), sizeof *is_made);

	b->features = heft_zalloc_array(heft_plan_n_slots(p), sizeof *b->features);
	if (!is_made || !b->features) {
		heft_free(is_made);
		return no_memory(err);
	}
	for (uint32_t t = 0; t < heft_plan_n_steps(p); t++) {
		const struct heft_step *s = heft_plan_step(p, t);

		for (uint32_t k = 0; s->is_prefix && k < s->n_out; k++) {
			if (s->slots[s->n_in + k] != HEFT_IR_NONE)
				is_made[s->slots[s->n_in + k]] = true;
		}
		for (uint32_t k = 0; !s->is_prefix && k <= s->n_in; k++) {
			const uint32_t slot = k < s->n_in ? s->slots[k] : s->residual;

			if (slot == HEFT_IR_NONE || !is_made[slot] ||
			    heft_plan_slot(p, slot)->kind != HEFT_SLOT_STEP)
				continue;
			is_made[slot] = false;
			b->features[b->n_features++] = (struct feature){
				slot, heft_plan_slot(p, slot)->array
			};
		}
	}
	heft_free(is_made);
	return HEFT_OK;
}

static enum heft_status set_learning(struct heft_backprop *b, const struct heft_backprop_options *o,
                                     const struct heft_value *target, struct heft_error *err)
{
	struct heft_learning *l = &b->learning;

	*l = (struct heft_learning){
		.tensors = o->tensors,
		.n_tensors = o->n_tensors,
		.output = o->output,
		.loss = o->loss,
		.loss_attrs = o->loss_attrs,
		.class_weights = o->class_weights,
		.takes_scores = o->takes_scores,
		.forward_only = o->forward_only,
	};
	if (o->output >= b->model->n_outputs)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "output %u of %u", o->output,
		                 b->model->n_outputs);
	l->gradients = heft_alloc_array(o->n_tensors, sizeof *l->gradients);
	if (!l->gradients)
		return no_memory(err);
	return set_array(&l->target, target, err);
}

static enum heft_status make(struct heft_backprop *b, const struct heft_backprop_options *o,
                             const struct heft_value *inputs, const struct heft_value *target,
                             struct heft_error *err)
{
	const struct heft_problems problems = { .fn = o->problem, .ctx = o->problem_ctx };
	const uint64_t before = heft_float_mode_set();
	enum heft_status st = HEFT_OK;

	b->inputs = heft_zalloc_array(b->model->n_inputs, sizeof *b->inputs);
	if (!b->inputs)
		st = no_memory(err);
	for (uint32_t i = 0; i < b->model->n_inputs && st == HEFT_OK; i++)
		st = set_array(&b->inputs[i], &inputs[i], err);
	if (st == HEFT_OK)
		st = set_learning(b, o, target, err);
	if (st == HEFT_OK && !o->team && o->n_threads != 1)
		st = heft_team_new(o->n_threads, &b->team, err);
	b->engine.team = o->team ? o->team : b->team;
	if (st == HEFT_OK)
		st = heft_plan_make(&b->plan, b->model, &b->engine, b->inputs, &b->learning,
		                    o->max_bytes > 0 ? o->max_bytes : heft_memory_size(), problems,
		                    err);
	if (st == HEFT_OK)
		st = find_features(b, err);
	heft_float_mode_restore(before);
	return st;
}

enum heft_status heft_backprop_new(const struct heft_model *model,
                                   const struct heft_backprop_options *options,
                                   const struct heft_value *inputs, const struct heft_value *target,
                                   struct heft_backprop **b, struct heft_error *err)
{
	struct heft_backprop *made = heft_zalloc(sizeof *made);
	enum heft_status st;

	if (!made)
		return no_memory(err);
	made->model = model;
	made->engine.seed = options->seed;
	made->engine.trains = options->trains;
	made->engine.is_plan_only = options->plan_only;
	made->engine.cpu_bits = heft_cpu_bits() & ~options->cpu_mask;
	st = make(made, options, inputs, target, err);
	if (st != HEFT_OK) {
		heft_backprop_free(made);
		return st;
	}
	*b = made;
	return HEFT_OK;
}

void heft_backprop_free(struct heft_backprop *b)
{
	if (!b)
		return;
	if (b->plan.model)
		heft_plan_done(&b->plan);
	heft_team_free(b->team);
	heft_free(b->learning.gradients);
	heft_free(b->features);
	heft_free(b->inputs);
	heft_free(b);
}

/* --- running it --- */

static void set_bytes(struct heft_backprop *b, const struct heft_backprop_run *run)
{
	const struct heft_patch *patches = (const struct heft_patch *)(void *)b->plan.patches.bytes;
	const uint32_t n_inputs = b->model->n_inputs;
	const uint32_t n_tensors = b->learning.n_tensors;

	for (size_t i = 0; i < b->plan.patches.size / sizeof *patches; i++) {
		const uint32_t k = patches[i].input;
		const void *bytes;

		if (k < n_inputs)
			bytes = run->inputs ? run->inputs[k] : NULL;
		else if (k < n_inputs + n_tensors)
			bytes = run->tensors ? run->tensors[k - n_inputs] : NULL;
		else
			bytes = run->target;
		patches[i].array->bytes = (void *)(uintptr_t)bytes;
	}
}

static void run_step(struct heft_backprop *b, struct heft_step *s,
                     const struct heft_backprop_run *run)
{
	const uint64_t begin = b->takes_time ? heft_clock() : 0;

	if (s->op->flags & HEFT_OP_RANDOM) {
		s->call->epoch = run->epoch;
		s->call->step = run->step;
	}
	s->op->forward(s->call);
	if (b->takes_time) {
		s->nanoseconds += heft_clock() - begin;
		s->n_runs++;
	}
}

static void run_steps(struct heft_backprop *b, const struct heft_backprop_run *run, bool prefix,
                      bool rest)
{
	const uint64_t before = heft_float_mode_set();

	set_bytes(b, run);
	for (uint32_t t = 0; t < heft_plan_n_steps(&b->plan); t++) {
		struct heft_step *s = heft_plan_step(&b->plan, t);

		if (!s->is_dead && (s->is_prefix ? prefix : rest))
			run_step(b, s, run);
	}
	heft_float_mode_restore(before);
}

void heft_backprop_run(struct heft_backprop *b, const struct heft_backprop_run *run)
{
	for (uint32_t i = 0; run->features && i < b->n_features; i++) {
		const struct heft_array *a = heft_backprop_feature(b, i);

		if (a->n_bytes > 0)
			memcpy(a->bytes, run->features[i], (size_t)a->n_bytes);
	}
	run_steps(b, run, !run->features, true);
}

void heft_backprop_run_prefix(struct heft_backprop *b, const struct heft_backprop_run *run)
{
	run_steps(b, run, true, false);
}

/* --- results --- */

static double number(const struct heft_backprop *b, uint32_t slot)
{
	return *(const double *)heft_plan_slot(&b->plan, slot)->array.bytes;
}

double heft_backprop_loss(const struct heft_backprop *b)
{
	return number(b, b->learning.loss_sum);
}

double heft_backprop_divisor(const struct heft_backprop *b)
{
	return number(b, b->learning.divisor);
}

const struct heft_array *heft_backprop_gradient(const struct heft_backprop *b, uint32_t i)
{
	const uint32_t slot = b->learning.gradients[i];

	return slot == HEFT_IR_NONE ? NULL : &heft_plan_slot(&b->plan, slot)->array;
}

const struct heft_array *heft_backprop_prediction(const struct heft_backprop *b)
{
	return &heft_plan_slot(&b->plan, b->learning.prediction)->array;
}

const char *heft_backprop_stripped(const struct heft_backprop *b)
{
	return b->learning.stripped;
}

uint32_t heft_backprop_n_features(const struct heft_backprop *b)
{
	return b->n_features;
}

const struct heft_array *heft_backprop_feature(const struct heft_backprop *b, uint32_t i)
{
	return &heft_plan_slot(&b->plan, b->features[i].slot)->array;
}

uint64_t heft_backprop_prefix_multiply_adds(const struct heft_backprop *b)
{
	uint64_t n = 0;

	for (uint32_t t = 0; t < heft_plan_n_steps(&b->plan); t++) {
		const struct heft_step *s = heft_plan_step(&b->plan, t);

		if (!s->is_dead && s->is_prefix)
			n += s->call->n_multiply_adds;
	}
	return n;
}

void heft_backprop_facts(const struct heft_backprop *b, struct heft_session_facts *facts)
{
	heft_plan_facts(&b->plan, facts);
}

enum heft_status heft_backprop_step(const struct heft_backprop *b, uint32_t i,
                                    struct heft_session_step *step, struct heft_error *err)
{
	return heft_plan_describe(&b->plan, i, step, err);
}

void heft_backprop_set_profile(struct heft_backprop *b, bool is_on)
{
	b->takes_time = is_on;
}
