/* SPDX-License-Identifier: Apache-2.0 */
/* trainer_features.c - runs batches of samples; and, where the first layers of a model are frozen,
 * computes what they make of every sample once, and keeps it. The bits are the same, since a row
 * does not depend on the rows beside it. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "train/trainer_state.h"

#define MAX_FEATURES (sizeof((struct heft_trainer_features *)0)->rows / sizeof(uint8_t *))

/* --- batches --- */

/* Where a sample stands among those of its side. */
static uint64_t place_of(const struct heft_trainer_side *side, uint64_t sample)
{
	uint64_t low = 0;
	uint64_t high = side->n;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (side->samples[middle] < sample)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void gather(struct heft_trainer_side *side, const uint64_t *samples, uint64_t n)
{
	struct heft_trainer_features *f = &side->features;

	for (uint32_t k = 0; k < f->n; k++) {
		for (uint64_t i = 0; i < n; i++)
			memcpy(f->batch[k] + i * f->n_bytes[k],
			       f->rows[k] + place_of(side, samples[i]) * f->n_bytes[k],
			       (size_t)f->n_bytes[k]);
	}
}

enum heft_status heft_trainer_run(struct heft_trainer *t, struct heft_trainer_side *side,
                                  const uint64_t *samples, uint64_t n, uint32_t epoch,
                                  uint32_t step, struct heft_backprop **plan,
                                  struct heft_error *err)
{
	struct heft_backprop_run run = { .tensors = t->values, .epoch = epoch, .step = step };
	const void *features[MAX_FEATURES];

	HEFT_TRY(heft_trainer_plan(t, side, n, plan, err));
	HEFT_TRY(heft_feed_fill(side->feed, side->batch, samples, (size_t)n, err));
	run.inputs = side->batch->input_bytes;
	run.target = side->batch->target.bytes;
	if (side->features.n > 0) {
		gather(side, samples, n);
		for (uint32_t k = 0; k < side->features.n; k++)
			features[k] = side->features.batch[k];
		run.features = features;
	}
	heft_backprop_run(*plan, &run);
	return HEFT_OK;
}

/* --- what is kept --- */

void heft_trainer_features_free(struct heft_trainer_features *f)
{
	for (uint32_t k = 0; k < f->n; k++) {
		heft_free(f->rows[k]);
		heft_free(f->batch[k]);
	}
	*f = (struct heft_trainer_features){ 0 };
}

/* Whether every feature has a row for each sample, of the same size whatever the batch. */
static bool have_rows(const struct heft_backprop *a, uint64_t n_a, const struct heft_backprop *b,
                      uint64_t n_b)
{
	const uint32_t n = heft_backprop_n_features(a);

	if (n == 0 || n > MAX_FEATURES || heft_backprop_n_features(b) != n)
		return false;
	for (uint32_t k = 0; k < n; k++) {
		const struct heft_array *x = heft_backprop_feature(a, k);
		const struct heft_array *y = heft_backprop_feature(b, k);

		if (x->rank == 0 || x->rank != y->rank || x->dims[0] != n_a || y->dims[0] != n_b ||
		    x->n_bytes / n_a != y->n_bytes / n_b || x->n_bytes % n_a != 0 ||
		    memcmp(x->dims + 1, y->dims + 1, (x->rank - 1) * sizeof *x->dims) != 0)
			return false;
	}
	return true;
}

/* Whether they are worth keeping, and how large they are; false leaves them out. */
static enum heft_status measure(struct heft_trainer *t, struct heft_trainer_side *side,
                                const struct heft_backprop *plan, uint64_t n, bool *is_worth,
                                struct heft_error *err)
{
	struct heft_backprop *other;
	uint64_t row = 0;
	uint64_t total;

	*is_worth = false;
	if (heft_backprop_prefix_multiply_adds(plan) == 0)
		return HEFT_OK;
	HEFT_TRY(heft_trainer_plan_only(t, side, n + 1, &other, err));
	*is_worth = have_rows(plan, n, other, n + 1);
	heft_backprop_free(other);
	for (uint32_t k = 0; *is_worth && k < heft_backprop_n_features(plan); k++)
		row += heft_backprop_feature(plan, k)->n_bytes / n;
	*is_worth = *is_worth && heft_mul_u64(row, side->n, &total) && total <= t->max_bytes / 2;
	return HEFT_OK;
}

static enum heft_status take_room(struct heft_trainer_side *side, const struct heft_backprop *plan,
                                  uint64_t n, struct heft_error *err)
{
	struct heft_trainer_features *f = &side->features;

	for (uint32_t k = 0; k < heft_backprop_n_features(plan); k++) {
		f->n_bytes[k] = heft_backprop_feature(plan, k)->n_bytes / n;
		f->rows[k] = heft_alloc((size_t)(f->n_bytes[k] * side->n));
		f->batch[k] = heft_alloc((size_t)(f->n_bytes[k] * n));
		f->n = k + 1;
		f->total += f->n_bytes[k] * side->n;
		if (!f->rows[k] || !f->batch[k])
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			                 "no memory for the features of a frozen prefix");
	}
	return HEFT_OK;
}

static enum heft_status compute(struct heft_trainer *t, struct heft_trainer_side *side, uint64_t n,
                                struct heft_error *err)
{
	struct heft_trainer_features *f = &side->features;

	for (uint64_t at = 0; at < side->n; at += n) {
		const uint64_t n_now = side->n - at < n ? side->n - at : n;
		struct heft_backprop_run run = { .tensors = t->values };
		struct heft_backprop *plan;

		HEFT_TRY(heft_trainer_plan(t, side, n_now, &plan, err));
		HEFT_TRY(heft_feed_fill(side->feed, side->batch, side->samples + at, (size_t)n_now,
		                        err));
		run.inputs = side->batch->input_bytes;
		run.target = side->batch->target.bytes;
		heft_backprop_run_prefix(plan, &run);
		for (uint32_t k = 0; k < f->n; k++)
			memcpy(f->rows[k] + at * f->n_bytes[k],
			       heft_backprop_feature(plan, k)->bytes,
			       (size_t)(n_now * f->n_bytes[k]));
		if (t->options.progress &&
		    t->options.progress(t->options.user, at + n_now, side->n))
			return heft_fail(err, HEFT_E_CANCELLED, HEFT_NO_OFFSET, "stopped");
	}
	return HEFT_OK;
}

enum heft_status heft_trainer_keep_features(struct heft_trainer *t, struct heft_trainer_side *side,
                                            struct heft_error *err)
{
	const uint64_t n = t->recipe->micro_batch < side->n ? t->recipe->micro_batch : side->n;
	struct heft_backprop *plan;
	bool is_worth;
	enum heft_status st;

	if (t->options.no_features || side->n == 0 || side->features.n > 0)
		return HEFT_OK;
	HEFT_TRY(heft_trainer_plan(t, side, n, &plan, err));
	HEFT_TRY(measure(t, side, plan, n, &is_worth, err));
	if (!is_worth)
		return HEFT_OK;
	st = take_room(side, plan, n, err);
	if (st == HEFT_OK)
		st = compute(t, side, n, err);
	if (st != HEFT_OK)
		heft_trainer_features_free(&side->features);
	return st;
}
