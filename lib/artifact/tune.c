/* SPDX-License-Identifier: Apache-2.0 */
/* tune.c - goes through a training: a new head, steps, epochs, checkpoints, and the result. */
#include "artifact/tune.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifact/headed.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "heft/digest.h"
#include "train/trainer_state.h"

/* Between checkpoints of a recipe that does not ask for any. */
#define USUAL_NANOSECONDS (UINT64_C(60) * 1000000000)

static char *path_with(const char *path, const char *suffix)
{
	const size_t n = strlen(path);
	const size_t n_suffix = strlen(suffix);
	char *made = heft_alloc_array(n + n_suffix + 1, 1);

	if (made) {
		memcpy(made, path, n);
		memcpy(made + n, suffix, n_suffix + 1);
	}
	return made;
}

/* --- before the first step --- */

/* Says which of the files it is that `err` is about, which is not the model. */
static enum heft_status name_file(const char *path, struct heft_error *err)
{
	const struct heft_error found = *err;

	return heft_fail(err, found.code, found.offset, "'%.200s': %.260s", path, found.msg);
}

/* Nobody trains for an hour to hear it then. */
static enum heft_status check_target(const struct heft_tuning *u, struct heft_error *err)
{
	char *folder = path_with(u->path, "");
	char *slash = folder ? strrchr(folder, '/') : NULL;
	enum heft_status st = HEFT_OK;
	struct stat s;

	if (slash)
		slash[slash == folder] = '\0';
	if (!folder)
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
	else if (!u->options.target.write.overwrite && stat(u->path, &s) == 0)
		st = heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the file exists already");
	else if (access(slash ? folder : ".", W_OK) != 0)
		st = heft_fail_errno(err, errno, HEFT_NO_OFFSET, "its folder cannot be written to");
	heft_free(folder);
	return st == HEFT_OK ? HEFT_OK : name_file(u->path, err);
}

static enum heft_status prepare(struct heft_tuning *u, const struct heft_recipe *recipe,
                                struct heft_error *err)
{
	struct heft_trainer_options options = u->options.trainer;

	options.progress = u->options.calls.features;
	options.user = u->options.calls.user;
	if (!u->options.dry_run)
		HEFT_TRY(check_target(u, err));
	if (recipe->head > 0) {
		HEFT_TRY(heft_headed_open(u->base, u->path, recipe, &u->options.target.run,
		                          &u->headed, err));
		u->base = u->headed;
	}
	HEFT_TRY(heft_trainer_new(u->base, recipe, u->train, u->val, &options, &u->trainer, err));
	if (u->options.dry_run)
		return HEFT_OK;
	HEFT_TRY(heft_tuning_describe_data(u, err));
	if (!u->options.resume)
		return HEFT_OK;
	if (heft_trainer_resume(u->trainer, u->options.resume, err) != HEFT_OK ||
	    heft_course_recall(&u->course, u->data, u->n_data, u->trainer, err) != HEFT_OK)
		return name_file(u->options.resume, err);
	return HEFT_OK;
}

/* --- checkpoints --- */

static enum heft_status save(struct heft_tuning *u, struct heft_error *err)
{
	HEFT_TRY(heft_course_keep(&u->course, u->data, u->n_data, u->trainer, err));
	HEFT_TRY(heft_trainer_save(u->trainer, u->checkpoint, err));
	u->saved_at = heft_clock();
	u->saved_step = u->trainer->step;
	u->report->has_checkpoint = true;
	return HEFT_OK;
}

/* A checkpoint that cannot be written does not end a run that could still end well. */
static void save_or_warn(struct heft_tuning *u)
{
	struct heft_error err;
	char words[400];

	if (save(u, &err) == HEFT_OK)
		return;
	u->saved_at = heft_clock();
	snprintf(words, sizeof words, "no checkpoint behind step %llu: %.300s",
	         (unsigned long long)u->trainer->step, err.msg);
	if (u->options.calls.warn)
		u->options.calls.warn(u->options.calls.user, words);
}

static bool is_checkpoint_due(const struct heft_tuning *u, bool ends_epoch)
{
	const struct heft_checkpoint_every *every = &u->trainer->recipe->checkpoint_every;
	const uint64_t n = every->n >= 1 ? (uint64_t)every->n : 1;

	switch (every->unit) {
	case HEFT_EVERY_STEPS:
		return u->trainer->step % n == 0 && u->trainer->step != u->saved_step;
	case HEFT_EVERY_EPOCHS:
		return ends_epoch && u->trainer->epoch % n == 0;
	case HEFT_EVERY_MINUTES:
		return (double)(heft_clock() - u->saved_at) >= every->n * 60e9;
	default:
		return ends_epoch && heft_clock() - u->saved_at >= USUAL_NANOSECONDS;
	}
}

/* --- the run --- */

static enum heft_status stopped(struct heft_tuning *u, struct heft_error *err)
{
	if (u->saved_step != u->trainer->step)
		HEFT_TRY(save(u, err));
	return heft_fail(err, HEFT_E_CANCELLED, HEFT_NO_OFFSET, "stopped behind step %llu",
	                 (unsigned long long)u->trainer->step);
}

static enum heft_status step(struct heft_tuning *u, struct heft_error *err)
{
	struct heft_step_report report;
	bool stops;

	HEFT_TRY(heft_trainer_step(u->trainer, &report, err));
	if (heft_course_is_due(u->trainer))
		HEFT_TRY(heft_course_add_step(&u->course, u->trainer, err));
	if (!report.ends_epoch && is_checkpoint_due(u, false))
		save_or_warn(u);
	stops = u->options.calls.step && u->options.calls.step(u->options.calls.user, &report);
	return stops ? stopped(u, err) : HEFT_OK;
}

static enum heft_status end_epoch(struct heft_tuning *u, bool *is_last, struct heft_error *err)
{
	struct heft_epoch_report report;

	HEFT_TRY(heft_trainer_epoch(u->trainer, &report, err));
	HEFT_TRY(heft_course_add_epoch(&u->course, u->trainer, &report, err));
	*is_last = report.is_last;
	if (!report.is_last && is_checkpoint_due(u, true))
		save_or_warn(u);
	if (u->options.calls.epoch)
		u->options.calls.epoch(u->options.calls.user, &report);
	return HEFT_OK;
}

static enum heft_status train(struct heft_tuning *u, struct heft_error *err)
{
	bool is_last = u->trainer->is_over;

	u->saved_at = heft_clock();
	u->saved_step = u->options.resume ? u->trainer->step : UINT64_MAX;
	while (!is_last) {
		while (u->trainer->position < u->trainer->train.n)
			HEFT_TRY(step(u, err));
		HEFT_TRY(end_epoch(u, &is_last, err));
	}
	return HEFT_OK;
}

/* A result that cannot be written is not lost: the checkpoint has it. */
static enum heft_status finish(struct heft_tuning *u, struct heft_error *err)
{
	const enum heft_status st = heft_tuning_write(u, err);

	if (st != HEFT_OK) {
		save_or_warn(u);
		return name_file(u->path, err);
	}
	if (!u->options.keep_checkpoint && u->report->has_checkpoint) {
		unlink(u->checkpoint);
		u->report->has_checkpoint = false;
	}
	return HEFT_OK;
}

static enum heft_status digest_result(struct heft_tuning *u, struct heft_error *err)
{
	struct heft_error found;
	struct heft_file *file;

	HEFT_TRY(heft_open(u->path, NULL, &file, err));
	u->report->has_artifact_digest = heft_artifact_digest(file, u->report->artifact_digest,
	                                                      &found) == HEFT_OK;
	heft_close(file);
	return HEFT_OK;
}

static enum heft_status run(struct heft_tuning *u, const struct heft_recipe *recipe,
                            struct heft_error *err)
{
	enum heft_status st;

	HEFT_TRY(prepare(u, recipe, err));
	if (u->options.calls.begin)
		u->options.calls.begin(u->options.calls.user, u->trainer);
	if (u->options.dry_run)
		return HEFT_OK;
	/* the one that it goes on from is replaced, and taken away, as one of its own */
	u->report->has_checkpoint = u->options.resume &&
	                            strcmp(u->options.resume, u->checkpoint) == 0;
	st = train(u, err);
	if (st == HEFT_OK)
		st = finish(u, err);
	u->report->n_epochs = u->trainer->epoch;
	u->report->n_steps = u->trainer->step;
	return st == HEFT_OK ? digest_result(u, err) : st;
}

enum heft_status heft_tune(struct heft_file *model, const char *path,
                           const struct heft_recipe *recipe, struct heft_dataset *train_data,
                           struct heft_dataset *val, const struct heft_tune_options *options,
                           struct heft_tune_report *report, struct heft_error *err)
{
	struct heft_tuning u = {
		.path = path, .train = train_data, .val = val, .base = model, .report = report
	};
	enum heft_status st;

	*report = (struct heft_tune_report){ 0 };
	if (options)
		u.options = *options;
	u.checkpoint = u.options.checkpoint ? path_with(u.options.checkpoint, "")
	                                    : path_with(path, ".ckpt");
	heft_course_init(&u.course);
	st = u.checkpoint ? run(&u, recipe, err)
	                  : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
	heft_tuning_forget_data(&u);
	heft_trainer_free(u.trainer);
	heft_course_done(&u.course);
	heft_close(u.headed);
	heft_free(u.checkpoint);
	return st;
}
