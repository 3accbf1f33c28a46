/* SPDX-License-Identifier: Apache-2.0 */
/* trainer_plan.c - the loss of a trainer, and plans for batches of every size that comes up. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/ir.h"
#include "train/loss_rule.h"
#include "train/trainer_state.h"

static void set_options(const struct heft_trainer *t, const struct heft_trainer_side *side,
                        struct heft_backprop_options *o)
{
	*o = (struct heft_backprop_options){
		.tensors = t->numbers,
		.n_tensors = t->n_trained,
		.output = t->options.output,
		.loss = t->loss_op,
		.loss_attrs = { t->loss_attrs.rows, t->loss_attrs.n },
		.class_weights = t->class_weights.bytes ? &t->class_weights : NULL,
		.takes_scores = t->recipe->loss->outcome != HEFT_OUTCOME_REALS,
		.forward_only = !side->plans.trains,
		.trains = side->plans.trains && t->recipe->dropout,
		.n_threads = 1,
		.cpu_mask = t->options.cpu_mask,
		.seed = t->recipe->seed,
		.max_bytes = t->max_bytes,
		.team = t->team,
		.problem = t->options.problem,
		.problem_ctx = t->options.problem_ctx,
	};
}

/* A row of the prediction for each sample: else the graph was made for another number of them. */
static enum heft_status check_rows(const struct heft_trainer *t, const struct heft_backprop *b,
                                   uint64_t n, struct heft_error *err)
{
	const struct heft_array *y = heft_backprop_prediction(b);

	if (y->rank > 0 && y->dims[0] == n)
		return HEFT_OK;
	return heft_fail(
		err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		"the model is made for batches of another size: of %llu samples, its output "
		"'%.60s' has %llu rows",
		(unsigned long long)n, t->model->values[t->model->outputs[t->options.output]].name,
		(unsigned long long)(y->rank > 0 ? y->dims[0] : 0));
}

/* The batch that an input was exported for, where that is not n; 0: none is fixed so. */
static uint64_t fixed_batch(const struct heft_model *m, uint64_t n)
{
	for (uint32_t i = 0; i < m->n_inputs; i++) {
		const struct heft_ir_value *v = &m->values[m->inputs[i]];
		const struct heft_ir_dim *dim = &m->dims[v->dims_at];

		if (v->has_shape && v->rank > 0 && !dim->symbol && dim->size != n)
			return dim->size;
	}
	return 0;
}

/* What a node says of another number of samples than the graph was made for is explained. */
static enum heft_status explain(const struct heft_model *m, uint64_t n, enum heft_status st,
                                struct heft_error *err)
{
	const uint64_t fixed = fixed_batch(m, n);
	const struct heft_error what = err ? *err : (struct heft_error){ 0 };

	if (fixed == 0 || st != HEFT_E_USAGE)
		return st;
	return heft_fail(err, st, HEFT_NO_OFFSET,
	                 "the graph is exported for batches of %llu, and of %llu: %.150s",
	                 (unsigned long long)fixed, (unsigned long long)n, what.msg);
}

static enum heft_status make(struct heft_trainer *t, const struct heft_trainer_side *side,
                             uint64_t n, bool plan_only, struct heft_backprop **plan,
                             struct heft_error *err)
{
	struct heft_value *inputs = heft_zalloc_array(t->model->n_inputs, sizeof *inputs);
	struct heft_backprop_options o;
	struct heft_value target;
	enum heft_status st;

	if (!inputs)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to train with");
	set_options(t, side, &o);
	o.plan_only = plan_only;
	for (uint32_t i = 0; i < t->model->n_inputs; i++)
		heft_feed_describe_input(side->feed, i, n, &inputs[i]);
	heft_feed_describe_target(side->feed, n, &target);
	st = heft_backprop_new(t->model, &o, inputs, &target, plan, err);
	heft_free(inputs);
	if (st != HEFT_OK)
		return explain(t->model, n, st, err);
	st = check_rows(t, *plan, n, err);
	if (st != HEFT_OK)
		heft_backprop_free(*plan);
	return st;
}

enum heft_status heft_trainer_plan_only(struct heft_trainer *t,
                                        const struct heft_trainer_side *side, uint64_t n,
                                        struct heft_backprop **plan, struct heft_error *err)
{
	return make(t, side, n, true, plan, err);
}

enum heft_status heft_trainer_plan(struct heft_trainer *t, struct heft_trainer_side *side,
                                   uint64_t n, struct heft_backprop **plan, struct heft_error *err)
{
	struct heft_trainer_plans *p = &side->plans;
	struct heft_backprop *made;

	for (uint32_t i = 0; i < p->n; i++) {
		if (p->sizes[i] == n) {
			*plan = p->plans[i];
			return HEFT_OK;
		}
	}
	HEFT_TRY(make(t, side, n, false, &made, err));
	if (p->n == HEFT_TRAINER_MAX_PLANS)
		heft_backprop_free(p->plans[--p->n]);
	p->sizes[p->n] = n;
	p->plans[p->n++] = made;
	*plan = made;
	return HEFT_OK;
}

void heft_trainer_plans_free(struct heft_trainer_plans *plans)
{
	while (plans->n > 0)
		heft_backprop_free(plans->plans[--plans->n]);
}

/* --- the loss --- */

/* Weights of classes, or of positive answers, in the dtype of what they weigh. */
static enum heft_status set_weights(struct heft_trainer *t, const struct heft_reals *weights,
                                    struct heft_error *err)
{
	const uint64_t dims[1] = { weights->n };
	struct heft_array *a = &t->class_weights;

	if (weights->n == 0)
		return HEFT_OK;
	HEFT_TRY(heft_array_set(a, t->dtype, 1, dims, err));
	a->bytes = heft_alloc((size_t)a->n_bytes);
	if (!a->bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to train with");
	return heft_cast_elements(t->dtype, a->bytes, HEFT_DTYPE_F64, weights->values, weights->n,
	                          err);
}

/* What is counted beside the loss: classes, answers, or elements of a sample. */
static enum heft_status set_outcomes(struct heft_trainer *t, const struct heft_array *y, uint64_t n,
                                     struct heft_error *err)
{
	const enum heft_outcome kind = t->recipe->loss->outcome;
	uint64_t n_each = y->n_elements / n;

	if (kind == HEFT_OUTCOME_CLASSES) {
		if (y->rank < 2)
			return heft_fail(
				err, HEFT_E_USAGE, HEFT_NO_OFFSET,
				"the output has one number for each sample, and cross-entropy "
				"wants a score for each class");
		n_each = y->dims[1];
		t->n_classes = n_each;
	}
	HEFT_TRY(heft_outcomes_init(&t->outcomes, kind, n_each, t->recipe->ignore_index, err));
	t->has_outcomes = true;
	return HEFT_OK;
}

enum heft_status heft_trainer_set_loss(struct heft_trainer *t, struct heft_error *err)
{
	struct heft_recipe *r = t->recipe;
	const bool are_classes = heft_feed_target_kind(t->train.feed) == HEFT_TARGET_CLASSES;
	const uint64_t n = r->micro_batch < t->train.n ? r->micro_batch : t->train.n;
	struct heft_backprop *plan;

	if (heft_feed_target_kind(t->train.feed) == HEFT_TARGET_NONE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the data has no target: none of its arrays is called y, label or "
		                 "target, and none is left over");
	if (!r->loss)
		r->loss = heft_loss_rule_default(are_classes);
	snprintf(t->loss_op, sizeof t->loss_op, "heft.%s", r->loss->op_name);
	heft_loss_attrs_init(&t->loss_attrs, r);
	HEFT_TRY(set_weights(t,
	                     r->loss->outcome == HEFT_OUTCOME_BINARY ? &r->pos_weight
	                                                             : &r->class_weights,
	                     err));
	HEFT_TRY(heft_trainer_plan(t, &t->train, n, &plan, err));
	if (heft_backprop_stripped(plan))
		heft_trainer_add_note(t,
		                      "the last node, %s, is left out for the loss, which takes "
		                      "scores",
		                      heft_backprop_stripped(plan));
	return set_outcomes(t, heft_backprop_prediction(plan), n, err);
}
