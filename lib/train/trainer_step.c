/* SPDX-License-Identifier: Apache-2.0 */
/* trainer_step.c - one batch: its micro-batches' gradients, which meet in a tree, and the update of
 * every tensor. Written from spec/numerics.md, section 7. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "train/clip.h"
#include "train/trainer_state.h"

uint64_t heft_trainer_steps_per_epoch(const struct heft_trainer *t)
{
	return (t->train.n + t->recipe->batch - 1) / t->recipe->batch;
}

/* --- the gradient of a batch --- */

/* What the micro-batches came to. */
struct batch {
	const uint64_t *samples;
	uint64_t n;
	struct heft_loss_sums sums;
	const void *gradients; /* one array of all, or NULL: they are where `plan` has them */
	struct heft_backprop *plan;
};

static size_t element_size(const struct heft_trainer *t)
{
	return t->dtype == HEFT_DTYPE_F64 ? sizeof(double) : sizeof(float);
}

/* A leaf of the tree: the gradients that a plan has just computed. */
static enum heft_status add_leaf(struct heft_trainer *t, const struct heft_backprop *plan,
                                 struct heft_error *err)
{
	const struct heft_loss_sums sums = { heft_backprop_loss(plan),
		                             heft_backprop_divisor(plan) };
	void *leaf;

	HEFT_TRY(heft_gradient_tree_leaf(t->tree, &leaf, err));
	for (uint32_t i = 0; i < t->n_tensors; i++) {
		const struct heft_trained *row = &t->tensors[i];
		const struct heft_array *g;
		uint8_t *to;

		if (!row->is_trained)
			continue;
		g = heft_backprop_gradient(plan, row->number);
		to = (uint8_t *)leaf + row->first * element_size(t);
		if (g)
			memcpy(to, g->bytes, (size_t)g->n_bytes);
		else
			memset(to, 0, (size_t)row->tensor.n_bytes);
	}
	heft_gradient_tree_add(t->tree, t->team, t->cpu_bits, sums);
	return HEFT_OK;
}

static enum heft_status compute(struct heft_trainer *t, struct batch *b, struct heft_error *err)
{
	const uint64_t most = t->recipe->micro_batch;
	const uint32_t n_micro = (uint32_t)((b->n + most - 1) / most);
	/* a draw's place counts micro-batches of the run */
	const uint64_t per_step = (t->recipe->batch + most - 1) / most;
	const uint32_t first = (uint32_t)(t->step * per_step);

	for (uint32_t k = 0; k < n_micro; k++) {
		const uint64_t at = k * most;
		const uint64_t n = b->n - at < most ? b->n - at : most;

		HEFT_TRY(heft_trainer_run(t, &t->train, b->samples + at, n, (uint32_t)t->epoch,
		                          first + k, &b->plan, err));
		if (n_micro > 1)
			HEFT_TRY(add_leaf(t, b->plan, err));
	}
	if (n_micro > 1) {
		b->gradients = heft_gradient_tree_root(t->tree, t->team, t->cpu_bits, &b->sums);
	} else {
		b->sums.loss = heft_backprop_loss(b->plan);
		b->sums.divisor = heft_backprop_divisor(b->plan);
	}
	return HEFT_OK;
}

/* The gradient of a trained tensor; NULL: the loss does not depend on it. */
static const void *gradient_of(const struct heft_trainer *t, const struct batch *b,
                               const struct heft_trained *row)
{
	const struct heft_array *g = heft_backprop_gradient(b->plan, row->number);

	if (!g)
		return NULL;
	return b->gradients ? (const uint8_t *)b->gradients + row->first * element_size(t)
	                    : g->bytes;
}

/* --- what must be finite --- */

static enum heft_status not_finite(const struct heft_trainer *t, const char *what, const char *name,
                                   struct heft_error *err)
{
	return heft_fail(
		err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		"step %llu: %s%s%.100s%s is not finite; a lower learning rate or a clipped "
		"gradient may help",
		(unsigned long long)(t->step + 1), what, *name ? " '" : "", name, *name ? "'" : "");
}

static bool is_finite(enum heft_dtype dtype, const void *values, uint64_t n)
{
	bool all = true;

	for (uint64_t i = 0; i < n; i++)
		all = all & (dtype == HEFT_DTYPE_F64 ? isfinite(((const double *)values)[i]) != 0
		                                     : isfinite(((const float *)values)[i]) != 0);
	return all;
}

/* The norm of the batch's gradient, where somebody asks for it: it is not finite where one of its
 * elements is not. */
static double norm_of(struct heft_trainer *t, const struct batch *b, double scale)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_tensors; i++) {
		const struct heft_trained *row = &t->tensors[i];
		const void *g = row->is_trained ? gradient_of(t, b, row) : NULL;

		if (g)
			t->norm_rows[n++] = (struct heft_gradient_values){ t->dtype, g,
				                                           row->tensor.n_elements };
	}
	return heft_gradients_norm(t->team, t->cpu_bits, t->norm_rows, n, scale, t->norm_room);
}

static const char *faulty_gradient(const struct heft_trainer *t, const struct batch *b)
{
	for (uint32_t i = 0; i < t->n_tensors; i++) {
		const struct heft_trained *row = &t->tensors[i];
		const void *g = row->is_trained ? gradient_of(t, b, row) : NULL;

		if (g && !is_finite(t->dtype, g, row->tensor.n_elements))
			return row->tensor.name;
	}
	return "";
}

/* --- the update --- */

static enum heft_status update(struct heft_trainer *t, const struct batch *b,
                               struct heft_update_gradient taken, struct heft_step_report *report,
                               struct heft_error *err)
{
	const struct heft_schedule_place at = {
		.step = t->step,
		.n_steps = heft_trainer_steps_per_epoch(t) * t->recipe->epochs,
		.epoch = t->epoch,
	};
	const char *faulty = NULL;

	heft_optimizer_clock_advance(&t->clock, t->recipe);
	for (uint32_t i = 0; i < t->n_tensors; i++) {
		struct heft_trained *row = &t->tensors[i];
		struct heft_parameter_step p = {
			.dtype = t->dtype,
			.n = row->tensor.n_elements,
			.values = row->values,
			.gradient = row->is_trained ? gradient_of(t, b, row) : NULL,
			.weight_decay = row->weight_decay,
			.taken = taken,
		};

		if (!p.gradient)
			continue;
		p.lr = heft_schedule_rate(t->recipe, row->lr, &at);
		memcpy(p.states, row->states, sizeof p.states);
		if (heft_optimizer_step(t->team, t->cpu_bits, t->recipe, &t->clock, &p) != 0 &&
		    !faulty)
			faulty = row->tensor.name;
	}
	report->lr = heft_schedule_rate(t->recipe, t->recipe->lr, &at);
	return faulty ? not_finite(t, "a weight of", faulty, err) : HEFT_OK;
}

/* Looks at the gradient and updates; a step that is not finite ends the run, or is skipped. */
static enum heft_status apply(struct heft_trainer *t, const struct batch *b,
                              struct heft_step_report *report, struct heft_error *err)
{
	const struct heft_recipe *r = t->recipe;
	struct heft_update_gradient taken = {
		.scale = b->sums.divisor > 0 ? 1 / b->sums.divisor : 1,
		.coefficient = 1,
		.limit = r->clip_value,
	};
	bool is_sound = isfinite(b->sums.loss) != 0;

	report->norm = (double)NAN;
	if (is_sound) {
		report->norm = norm_of(t, b, taken.scale);
		is_sound = isfinite(report->norm) != 0;
	}
	if (!is_sound && r->skip_nonfinite) {
		report->was_skipped = true;
		t->n_skipped++;
		return HEFT_OK;
	}
	if (!isfinite(b->sums.loss))
		return not_finite(t, "the loss", "", err);
	if (!is_sound)
		return not_finite(t, "the gradient of", faulty_gradient(t, b), err);
	if (r->clip_norm > 0)
		taken.coefficient = heft_clip_coefficient(report->norm, r->clip_norm);
	return update(t, b, taken, report, err);
}

/* --- a step --- */

static enum heft_status train(struct heft_trainer *t, struct heft_step_report *report,
                              struct heft_error *err)
{
	const uint64_t *order = heft_order_of_epoch(t->order, t->recipe->seed, (uint32_t)t->epoch);
	const uint64_t left = t->train.n - t->position;
	struct batch b = { .samples = order + t->position,
		           .n = left < t->recipe->batch ? left : t->recipe->batch };

	HEFT_TRY(compute(t, &b, err));
	HEFT_TRY(apply(t, &b, report, err));
	t->step++;
	t->position += b.n;
	report->step = t->step;
	report->epoch = t->epoch + 1;
	report->n_done = t->position;
	report->n_all = t->train.n;
	report->loss = b.sums.divisor > 0 ? b.sums.loss / b.sums.divisor : 0;
	report->ends_epoch = t->position == t->train.n;
	if (!report->was_skipped) {
		t->loss_sum += b.sums.loss;
		t->divisor_sum += b.sums.divisor;
	}
	t->last_lr = report->lr;
	return HEFT_OK;
}

/* What is kept for all steps is computed when the first one is asked for. */
static enum heft_status begin(struct heft_trainer *t, struct heft_error *err)
{
	if (t->has_begun)
		return HEFT_OK;
	HEFT_TRY(heft_trainer_keep_features(t, &t->train, err));
	HEFT_TRY(heft_trainer_keep_features(t, &t->val, err));
	t->has_begun = true;
	return HEFT_OK;
}

enum heft_status heft_trainer_step(struct heft_trainer *t, struct heft_step_report *report,
                                   struct heft_error *err)
{
	struct heft_step_report mine = { 0 };
	enum heft_status st;

	if (t->is_over)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the run is over");
	if (t->position == t->train.n)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the epoch is at its end, which heft_trainer_epoch makes");
	HEFT_TRY(begin(t, err));
	st = train(t, &mine, err);
	if (st != HEFT_OK)
		heft_gradient_tree_clear(t->tree);
	else if (report)
		*report = mine;
	return st;
}
