/* SPDX-License-Identifier: Apache-2.0 */
/* tune_result.c - writes what a training came to: the weights, and how they were made. */
#include <string.h>

#include "artifact/tune.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "train/trainer_state.h"

/* A tensor's bytes as the trainer has them. */
static enum heft_status result_bytes(void *user, const struct heft_tensor *tensor,
                                     const void **bytes, struct heft_error *err)
{
	(void)err;
	*bytes = heft_trainer_result(user, tensor);
	return HEFT_OK;
}

/* Names of the tensors that were trained, or were not. */
static const char **names_of(const struct heft_trainer *t, bool trained, uint32_t *n)
{
	const char **names = heft_alloc_array(t->n_tensors + 1, sizeof *names);

	*n = 0;
	for (uint32_t i = 0; names && i < t->n_tensors; i++) {
		if (t->tensors[i].is_trained == trained)
			names[(*n)++] = t->tensors[i].tensor.name;
	}
	return names;
}

static enum heft_status write(struct heft_tuning *u, struct heft_lineage_step *step,
                              struct heft_error *err)
{
	const struct heft_trainer *t = u->trainer;
	const struct heft_epochs epochs = heft_course_epochs(&u->course);
	struct heft_lineage_link *links = (struct heft_lineage_link *)(void *)u->course.links.bytes;

	heft_trainer_result_at(t, &step->kept_epoch, &step->kept_step);
	step->n_links = heft_course_n_links(&u->course);
	HEFT_TRY(heft_lineage_chain(step->recipe, t->start_digest, links, step->n_links, err));
	step->links = links;
	return heft_tuned_write(u->base, u->path, result_bytes, u->trainer, step, &epochs,
	                        &u->options.target, u->report->weights_digest, err);
}

enum heft_status heft_tuning_write(struct heft_tuning *u, struct heft_error *err)
{
	const struct heft_trainer *t = u->trainer;
	const bool keeps_best = t->recipe->keep == HEFT_KEEP_BEST && t->val.n > 0;
	struct heft_trainer_facts facts;
	struct heft_lineage_rewrite strip = { .what = "strip" };
	struct heft_lineage_step step = {
		.kind = HEFT_LINEAGE_TUNE,
		.numerics = HEFT_LINEAGE_NUMERICS,
		.seed = t->recipe->seed,
		.data = u->data,
		.n_data = u->n_data,
		.metrics = u->course.metrics,
		.n_metrics = u->course.n_metrics,
		.kept = keeps_best ? "best" : "last",
	};
	const char **changed = names_of(t, true, &step.n_changed);
	const char **frozen = names_of(t, false, &step.n_frozen);
	struct heft_buffer recipe;
	enum heft_status st;

	heft_trainer_facts(t, &facts);
	if (facts.stripped) {
		strip.where = facts.stripped;
		step.rewrites = &strip;
		step.n_rewrites = 1;
	}
	heft_buffer_init(&recipe);
	heft_recipe_add_text(t->recipe, 0, &recipe);
	heft_buffer_add_u8(&recipe, 0);
	step.recipe = (const char *)recipe.bytes;
	step.changed = changed;
	step.frozen = frozen;
	st = changed && frozen && recipe.ok
	             ? write(u, &step, err)
	             : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a lineage");
	heft_buffer_done(&recipe);
	heft_free(changed);
	heft_free(frozen);
	u->report->kept_epoch = step.kept_epoch;
	u->report->kept_step = step.kept_step;
	u->report->is_best = keeps_best && step.kept_epoch != t->epoch;
	return st;
}
