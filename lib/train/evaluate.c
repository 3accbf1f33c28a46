/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate.c - how well a model does on data as it is: a trainer's validation, without a training.
 * Every weight is a constant of the plan. */
#include <string.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "train/trainer_state.h"

struct heft_evaluated {
	struct heft_evaluation numbers;
	struct heft_outcomes outcomes;
	const char *loss;
	char notes[HEFT_TRAINER_MAX_NOTES][HEFT_TRAINER_NOTE_SIZE];
	uint32_t n_notes;
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to evaluate with");
}

/* The numbers of a loss are those of the output: the dtype of the model's weights. */
static enum heft_status take_dtype(struct heft_trainer *t, struct heft_error *err)
{
	struct heft_param *params;
	uint32_t n;

	HEFT_TRY(heft_model_params(t->model, &params, &n, err));
	t->dtype = n > 0 ? params[0].array.dtype : HEFT_DTYPE_F32;
	heft_free(params);
	return HEFT_OK;
}

/* All samples, on the side that heft_trainer_evaluate looks at. */
static enum heft_status take_side(struct heft_trainer *t, struct heft_dataset *data,
                                  struct heft_error *err)
{
	const uint64_t micro = t->recipe->micro_batch;

	HEFT_TRY(heft_split_new(heft_dataset_n_samples(data), 0, 0, &t->split, err));
	HEFT_TRY(heft_trainer_open_side(t, data, &t->train, err));
	t->train.samples = t->split.train;
	t->train.n = t->split.n_train;
	HEFT_TRY(heft_trainer_set_loss(t, err));
	t->val = t->train;
	t->train = (struct heft_trainer_side){ 0 };
	for (uint32_t i = 0; heft_feed_note(t->val.feed, i) != NULL; i++)
		heft_trainer_add_note(t, "%s", heft_feed_note(t->val.feed, i));
	HEFT_TRY(heft_trainer_check_side(t, &t->val, "data", err));
	return heft_feed_batch_new(t->val.feed, micro < t->val.n ? micro : t->val.n, &t->val.batch,
	                           err);
}

static enum heft_status evaluate(struct heft_trainer *t, struct heft_dataset *data,
                                 struct heft_evaluated *e, struct heft_error *err)
{
	HEFT_TRY(heft_recipe_resolve(t->recipe, err));
	if (t->options.n_threads != 1)
		HEFT_TRY(heft_team_new(t->options.n_threads, &t->team, err));
	HEFT_TRY(heft_trainer_import(t, err));
	HEFT_TRY(take_dtype(t, err));
	HEFT_TRY(take_side(t, data, err));
	HEFT_TRY(heft_trainer_evaluate(t, &e->numbers, err));
	e->outcomes = t->outcomes;
	t->has_outcomes = false;
	e->loss = t->recipe->loss->name;
	e->n_notes = t->n_notes;
	memcpy(e->notes, t->notes, sizeof e->notes);
	return HEFT_OK;
}

enum heft_status heft_evaluate(struct heft_file *file, const struct heft_recipe *recipe,
                               struct heft_dataset *data,
                               const struct heft_trainer_options *options,
                               struct heft_evaluated **evaluated, struct heft_error *err)
{
	struct heft_evaluated *e = heft_zalloc(sizeof *e);
	struct heft_trainer *t = heft_zalloc(sizeof *t);
	enum heft_status st = e && t ? HEFT_OK : no_memory(err);

	if (st == HEFT_OK) {
		t->file = file;
		heft_buffer_init(&t->history);
		if (options)
			t->options = *options;
		t->cpu_bits = heft_cpu_bits() & ~t->options.cpu_mask;
		t->max_bytes = t->options.max_bytes > 0 ? t->options.max_bytes : heft_memory_size();
		st = heft_recipe_copy(recipe, &t->recipe, err);
	}
	if (st == HEFT_OK)
		st = evaluate(t, data, e, err);
	heft_trainer_free(t);
	if (st != HEFT_OK) {
		heft_evaluated_free(e);
		return st;
	}
	*evaluated = e;
	return HEFT_OK;
}

void heft_evaluated_free(struct heft_evaluated *evaluated)
{
	if (!evaluated)
		return;
	heft_outcomes_done(&evaluated->outcomes);
	heft_free(evaluated);
}

const struct heft_evaluation *heft_evaluated_numbers(const struct heft_evaluated *e)
{
	return &e->numbers;
}

const char *heft_evaluated_loss(const struct heft_evaluated *evaluated)
{
	return evaluated->loss;
}

const char *heft_evaluated_note(const struct heft_evaluated *evaluated, uint32_t i)
{
	return i < evaluated->n_notes ? evaluated->notes[i] : NULL;
}

uint32_t heft_evaluated_n_classes(const struct heft_evaluated *evaluated)
{
	return evaluated->outcomes.confusion.n_classes;
}

enum heft_status heft_evaluated_class(const struct heft_evaluated *evaluated, uint32_t k,
                                      struct heft_class_report *report, struct heft_error *err)
{
	const struct heft_confusion *c = &evaluated->outcomes.confusion;

	if (k >= c->n_classes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "class %u of %u", k,
		                 c->n_classes);
	*report = (struct heft_class_report){
		.n = c->of_target[k],
		.n_guessed = c->of_guess[k],
		.n_correct = c->of_correct[k],
		.precision = heft_confusion_precision(c, k),
		.recall = heft_confusion_recall(c, k),
		.f1 = heft_confusion_f1(c, k),
	};
	return HEFT_OK;
}

const uint64_t *heft_evaluated_confusion(const struct heft_evaluated *evaluated, uint32_t k)
{
	const struct heft_confusion *c = &evaluated->outcomes.confusion;

	return c->matrix && k < c->n_classes ? c->matrix + (size_t)k * c->n_classes : NULL;
}
