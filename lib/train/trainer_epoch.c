/* SPDX-License-Identifier: Apache-2.0 */
/* trainer_epoch.c - evaluates on the validation data, and decides at an epoch's end what is best
 * and whether training goes on. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "train/trainer_state.h"

#define N_WORSE 3 /* epochs in a row before it is said */

/* --- evaluation --- */

/* Adds a batch, whose plan has just run, to what is counted. */
static void count(struct heft_trainer *t, const struct heft_backprop *plan,
                  const struct heft_feed_batch *batch)
{
	const struct heft_array *y = heft_backprop_prediction(plan);
	uint64_t n_inner = 1;

	if (t->outcomes.kind != HEFT_OUTCOME_CLASSES) {
		heft_outcomes_add(&t->outcomes, y->dtype, y->bytes, batch->target.bytes, batch->n,
		                  y->n_elements / batch->n);
		return;
	}
	for (uint32_t d = 2; d < y->rank; d++)
		n_inner *= y->dims[d];
	heft_outcomes_add_classes(&t->outcomes, y->dtype, y->bytes, y->dims[0], n_inner,
	                          batch->target.bytes);
}

static void add_metrics(const struct heft_trainer *t, struct heft_evaluation *e)
{
	const struct heft_metric *m;

	for (uint32_t i = 0; (m = heft_metric_at(i)) != NULL; i++) {
		if (heft_metric_applies(m, &t->outcomes) && e->n_metrics < HEFT_TRAIN_MAX_METRICS)
			e->metrics[e->n_metrics++] = (struct heft_metric_value){
				m->name, m->value(&t->outcomes)
			};
	}
}

enum heft_status heft_trainer_evaluate(struct heft_trainer *t, struct heft_evaluation *evaluation,
                                       struct heft_error *err)
{
	const uint64_t most = t->recipe->micro_batch;
	double loss = 0;
	double divisor = 0;

	if (t->val.n == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "there is no validation data");
	heft_outcomes_clear(&t->outcomes);
	for (uint64_t at = 0; at < t->val.n; at += most) {
		const uint64_t n = t->val.n - at < most ? t->val.n - at : most;
		struct heft_backprop *plan;

		HEFT_TRY(heft_trainer_run(t, &t->val, t->val.samples + at, n, 0, 0, &plan, err));
		loss += heft_backprop_loss(plan);
		divisor += heft_backprop_divisor(plan);
		count(t, plan, t->val.batch);
	}
	*evaluation = (struct heft_evaluation){ .n = t->val.n };
	evaluation->loss = divisor > 0 ? loss / divisor : 0;
	add_metrics(t, evaluation);
	return HEFT_OK;
}

/* --- the end of an epoch --- */

static double monitored(const struct heft_trainer *t, const struct heft_epoch_report *r)
{
	if (t->monitor.is_of_training || r->val.n == 0)
		return r->train_loss;
	if (!t->monitor.metric)
		return r->val.loss;
	for (uint32_t i = 0; i < r->val.n_metrics; i++) {
		if (strcmp(r->val.metrics[i].name, t->monitor.metric->name) == 0)
			return r->val.metrics[i].value;
	}
	return r->val.loss;
}

static void keep_best(struct heft_trainer *t)
{
	for (uint32_t i = 0; i < t->n_tensors; i++) {
		struct heft_trained *row = &t->tensors[i];

		if (row->best)
			memcpy(row->best, row->values, (size_t)row->tensor.n_bytes);
	}
}

static void decide(struct heft_trainer *t, struct heft_epoch_report *r)
{
	const bool has_last = t->epoch > 1;

	r->monitored = monitored(t, r);
	r->is_best = t->best_epoch == 0 ||
	             heft_monitor_is_better(&t->monitor, r->monitored, t->best);
	if (r->is_best) {
		t->best = r->monitored;
		t->best_epoch = t->epoch;
		t->best_step = t->step;
		keep_best(t);
	}
	t->n_bad = r->is_best ? 0 : t->n_bad + 1;
	t->n_worse = has_last && r->val.n > 0 && r->val.loss > t->last_val &&
	                             r->train_loss < t->last_train
	                     ? t->n_worse + 1
	                     : 0;
	t->last_train = r->train_loss;
	t->last_val = r->val.loss;
	r->worsens = t->n_worse >= N_WORSE;
	r->is_stopped = t->recipe->patience > 0 && t->n_bad >= t->recipe->patience;
	r->is_last = r->is_stopped || t->epoch >= t->recipe->epochs;
	t->is_over = r->is_last;
}

static enum heft_status end_epoch(struct heft_trainer *t, struct heft_epoch_report *r,
                                  struct heft_error *err)
{
	if (t->val.n > 0)
		HEFT_TRY(heft_trainer_evaluate(t, &r->val, err));
	HEFT_TRY(heft_trainer_digest(t, r->weights_digest, err));
	r->train_loss = t->divisor_sum > 0 ? t->loss_sum / t->divisor_sum : 0;
	t->epoch++;
	t->position = 0;
	t->loss_sum = 0;
	t->divisor_sum = 0;
	r->epoch = t->epoch;
	r->step = t->step;
	r->lr = t->last_lr;
	r->n_skipped = t->n_skipped;
	decide(t, r);
	return HEFT_OK;
}

enum heft_status heft_trainer_epoch(struct heft_trainer *t, struct heft_epoch_report *report,
                                    struct heft_error *err)
{
	*report = (struct heft_epoch_report){ 0 };
	if (t->is_over)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the run is over");
	while (t->position < t->train.n) {
		HEFT_TRY(heft_trainer_step(t, &t->last_step, err));
		if (t->options.progress &&
		    t->options.progress(t->options.user, t->position, t->train.n))
			return heft_fail(err, HEFT_E_CANCELLED, HEFT_NO_OFFSET, "stopped");
	}
	return end_epoch(t, report, err);
}

const struct heft_step_report *heft_trainer_last_step(const struct heft_trainer *t)
{
	return &t->last_step;
}
