/* SPDX-License-Identifier: Apache-2.0 */
/* trainer.c - makes a trainer from a model, a recipe and data, and tells of it. */
#include "heft/train.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "train/trainer_state.h"

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to train with");
}

/* --- the model and the data --- */

enum heft_status heft_trainer_import(struct heft_trainer *t, struct heft_error *err)
{
	const struct heft_import_options o = {
		.pins = t->options.pins,
		.n_pins = t->options.n_pins,
		.keep_dropout = true,
		.problem = t->options.problem,
		.problem_ctx = t->options.problem_ctx,
	};

	return heft_model_import(t->file, &o, &t->model, err);
}

static enum heft_feed_target target_of(const struct heft_recipe *r)
{
	if (!r->loss)
		return HEFT_TARGET_BY_DTYPE;
	return r->loss->outcome == HEFT_OUTCOME_CLASSES ? HEFT_TARGET_CLASSES : HEFT_TARGET_VALUES;
}

enum heft_status heft_trainer_open_side(struct heft_trainer *t, struct heft_dataset *ds,
                                        struct heft_trainer_side *side, struct heft_error *err)
{
	const struct heft_trainer_options *o = &t->options;
	struct heft_feed_bind *binds = heft_alloc_array(o->n_binds + 1, sizeof *binds);
	const struct heft_feed_options options = {
		.binds = binds,
		.n_binds = o->n_binds,
		.output = o->output,
		.target = o->target,
		.target_as = target_of(t->recipe),
		.normalize = &t->recipe->normalize,
	};
	enum heft_status st;

	if (!binds)
		return no_memory(err);
	for (uint32_t i = 0; i < o->n_binds; i++)
		binds[i] = (struct heft_feed_bind){ o->binds[i].input, o->binds[i].array };
	st = heft_feed_new(t->model, ds, &options, &side->feed, err);
	heft_free(binds);
	return st;
}

/* Which samples train and which validate. */
static enum heft_status divide(struct heft_trainer *t, struct heft_dataset *train,
                               struct heft_dataset *val, struct heft_error *err)
{
	const uint64_t n = heft_dataset_n_samples(train);
	const double share = val ? 0 : t->recipe->split;

	HEFT_TRY(heft_split_new(n, share, t->recipe->seed, &t->split, err));
	HEFT_TRY(heft_trainer_open_side(t, train, &t->train, err));
	t->train.samples = t->split.train;
	t->train.n = t->split.n_train;
	t->train.plans.trains = true;
	if (!val && t->split.n_val == 0)
		return HEFT_OK;
	HEFT_TRY(heft_trainer_open_side(t, val ? val : train, &t->val, err));
	t->val.samples = t->split.val;
	t->val.n = t->split.n_val;
	if (!val)
		return HEFT_OK;
	HEFT_TRY(heft_split_new(heft_dataset_n_samples(val), 0, t->recipe->seed, &t->val_all, err));
	t->val.samples = t->val_all.train;
	t->val.n = t->val_all.n_train;
	return HEFT_OK;
}

enum heft_status heft_trainer_check_side(struct heft_trainer *t,
                                         const struct heft_trainer_side *side, const char *what,
                                         struct heft_error *err)
{
	const struct heft_feed_check check = {
		.samples = side->samples,
		.n_samples = side->n,
		.n_classes = t->n_classes,
		.has_ignored = true,
		.must_be_shares = t->recipe->loss->outcome == HEFT_OUTCOME_BINARY,
		.ignored = t->recipe->ignore_index,
		.run = { .n_threads = t->options.n_threads },
	};
	struct heft_feed_report report;

	HEFT_TRY(heft_feed_check(side->feed, &check, &report, err));
	if (*report.note)
		heft_trainer_add_note(t, "%s: %s", what, report.note);
	heft_feed_report_done(&report);
	return HEFT_OK;
}

static enum heft_status check_data(struct heft_trainer *t, struct heft_error *err)
{
	const char *note;

	for (uint32_t i = 0; (note = heft_feed_note(t->train.feed, i)) != NULL; i++)
		heft_trainer_add_note(t, "%s", note);
	HEFT_TRY(heft_trainer_check_side(t, &t->train, "training data", err));
	return t->val.n > 0 ? heft_trainer_check_side(t, &t->val, "validation data", err) : HEFT_OK;
}

/* --- room for steps --- */

static enum heft_status take_room(struct heft_trainer *t, struct heft_error *err)
{
	const uint64_t micro = t->recipe->micro_batch;
	uint64_t n_room = 0;
	uint32_t n = 0;

	t->norm_rows = heft_zalloc_array(t->n_trained, sizeof *t->norm_rows);
	if (!t->norm_rows)
		return no_memory(err);
	for (uint32_t i = 0; i < t->n_tensors; i++) {
		if (t->tensors[i].is_trained)
			t->norm_rows[n++] = (struct heft_gradient_values){
				.dtype = t->dtype, .n = t->tensors[i].tensor.n_elements
			};
	}
	n_room = heft_gradients_room(t->norm_rows, n);
	t->norm_room = heft_alloc_array((size_t)n_room + 1, sizeof *t->norm_room);
	if (!t->norm_room)
		return no_memory(err);
	HEFT_TRY(heft_gradient_tree_new(t->dtype, t->n_elements, &t->tree, err));
	HEFT_TRY(heft_order_new(t->train.samples, t->train.n, &t->order, err));
	HEFT_TRY(heft_feed_batch_new(t->train.feed, micro < t->train.n ? micro : t->train.n,
	                             &t->train.batch, err));
	if (t->val.n > 0)
		HEFT_TRY(heft_feed_batch_new(t->val.feed, micro < t->val.n ? micro : t->val.n,
		                             &t->val.batch, err));
	heft_optimizer_clock_init(&t->clock);
	t->best = (double)NAN;
	return HEFT_OK;
}

static enum heft_status check_recipe(struct heft_trainer *t, struct heft_error *err)
{
	struct heft_recipe *r = t->recipe;

	if (!heft_monitor_find(heft_recipe_monitor(r), &t->monitor))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "there is no '%.60s' to monitor", heft_recipe_monitor(r));
	if (t->val.n == 0 && r->patience > 0 && !t->monitor.is_of_training)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "patience wants validation data, or monitor train_loss");
	return HEFT_OK;
}

static enum heft_status make(struct heft_trainer *t, struct heft_dataset *train,
                             struct heft_dataset *val, struct heft_error *err)
{
	HEFT_TRY(heft_recipe_resolve(t->recipe, err));
	if (t->options.n_threads != 1)
		HEFT_TRY(heft_team_new(t->options.n_threads, &t->team, err));
	HEFT_TRY(heft_trainer_import(t, err));
	HEFT_TRY(heft_trainer_select(t, err));
	HEFT_TRY(divide(t, train, val, err));
	HEFT_TRY(check_recipe(t, err));
	HEFT_TRY(heft_trainer_set_loss(t, err));
	HEFT_TRY(check_data(t, err));
	HEFT_TRY(take_room(t, err));
	return heft_trainer_digest_start(t, err);
}

enum heft_status heft_trainer_new(struct heft_file *file, const struct heft_recipe *recipe,
                                  struct heft_dataset *train, struct heft_dataset *val,
                                  const struct heft_trainer_options *options,
                                  struct heft_trainer **t, struct heft_error *err)
{
	struct heft_trainer *made = heft_zalloc(sizeof *made);
	enum heft_status st;

	if (!made)
		return no_memory(err);
	made->file = file;
	heft_buffer_init(&made->history);
	if (options)
		made->options = *options;
	made->cpu_bits = heft_cpu_bits() & ~made->options.cpu_mask;
	made->max_bytes = made->options.max_bytes > 0 ? made->options.max_bytes
	                                              : heft_memory_size();
	st = heft_recipe_copy(recipe, &made->recipe, err);
	if (st == HEFT_OK)
		st = make(made, train, val, err);
	if (st != HEFT_OK) {
		heft_trainer_free(made);
		return st;
	}
	*t = made;
	return HEFT_OK;
}

static void free_side(struct heft_trainer_side *side)
{
	heft_trainer_plans_free(&side->plans);
	heft_trainer_features_free(&side->features);
	heft_feed_batch_free(side->batch);
	heft_feed_free(side->feed);
}

void heft_trainer_free(struct heft_trainer *t)
{
	if (!t)
		return;
	free_side(&t->train);
	free_side(&t->val);
	heft_buffer_done(&t->history);
	heft_trainer_tensors_free(t);
	heft_split_done(&t->split);
	heft_split_done(&t->val_all);
	heft_order_free(t->order);
	heft_gradient_tree_free(t->tree);
	heft_free(t->norm_rows);
	heft_free(t->norm_room);
	heft_free(t->class_weights.bytes);
	heft_free(t->tensor_digests);
	if (t->has_outcomes)
		heft_outcomes_done(&t->outcomes);
	heft_model_free(t->model);
	heft_recipe_free(t->recipe);
	heft_team_free(t->team);
	heft_free(t);
}

/* --- what is told --- */

void heft_trainer_facts(const struct heft_trainer *t, struct heft_trainer_facts *facts)
{
	const uint32_t n_states = t->recipe->optimizer->n_states(t->recipe);
	const uint64_t copies = 1 + n_states + (t->recipe->keep == HEFT_KEEP_BEST);
	struct heft_session_facts plan;

	heft_backprop_facts(t->train.plans.plans[0], &plan);
	*facts = (struct heft_trainer_facts){
		.n_tensors = t->n_tensors,
		.n_trained_tensors = t->n_trained,
		.n_train = t->train.n,
		.n_val = t->val.n,
		.steps_per_epoch = heft_trainer_steps_per_epoch(t),
		.workspace_bytes = plan.workspace_bytes + plan.packed_bytes,
		.feature_bytes = t->train.features.total + t->val.features.total,
		.n_multiply_adds = plan.n_multiply_adds,
		.n_classes = t->n_classes,
		.loss = t->recipe->loss->name,
		.stripped = heft_backprop_stripped(t->train.plans.plans[0]),
		.train_array = heft_feed_target_array(t->train.feed),
	};
	facts->n_steps = facts->steps_per_epoch * t->recipe->epochs;
	for (uint32_t i = 0; i < t->n_tensors; i++) {
		const struct heft_tensor *tensor = &t->tensors[i].tensor;

		facts->n_params += tensor->n_elements;
		if (!t->tensors[i].is_trained)
			continue;
		facts->n_trained += tensor->n_elements;
		facts->state_bytes += copies * tensor->n_bytes;
	}
}

const char *heft_trainer_note(const struct heft_trainer *t, uint32_t i)
{
	return i < t->n_notes ? t->notes[i] : NULL;
}

enum heft_status heft_trainer_tensor_at(const struct heft_trainer *t, uint32_t i,
                                        struct heft_trainer_tensor *tensor, struct heft_error *err)
{
	if (i >= t->n_tensors)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "tensor %u of %u", i,
		                 t->n_tensors);
	*tensor = (struct heft_trainer_tensor){
		.tensor = t->tensors[i].tensor,
		.is_trained = t->tensors[i].is_trained,
		.lr = t->tensors[i].lr,
		.weight_decay = t->tensors[i].weight_decay,
	};
	return HEFT_OK;
}

const struct heft_recipe *heft_trainer_recipe(const struct heft_trainer *t)
{
	return t->recipe;
}

const void *heft_trainer_result(const struct heft_trainer *t, const struct heft_tensor *tensor)
{
	for (uint32_t i = 0; i < t->n_tensors; i++) {
		const struct heft_trained *row = &t->tensors[i];

		if (row->tensor.index == tensor->index)
			return !row->is_trained ? NULL : row->best ? row->best : row->values;
	}
	return NULL;
}

void heft_trainer_result_at(const struct heft_trainer *t, uint64_t *epoch, uint64_t *step)
{
	const bool is_best = t->recipe->keep == HEFT_KEEP_BEST;

	*epoch = is_best ? t->best_epoch : t->epoch;
	*step = is_best ? t->best_step : t->step;
}
