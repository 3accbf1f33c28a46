/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - does a training again and compares its weights link by link. */
#include "heft/replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "artifact/headed.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/hex.h"
#include "heft/digest.h"
#include "train/trainer_state.h"

#define HEX_SIZE (2 * HEFT_DIGEST_SIZE + 1)

struct replay {
	const struct heft_replay_options *o;
	struct heft_replay_report *report;
	struct heft_lineage *lineage;
	struct heft_lineage_step step;
	struct heft_recipe *recipe;
	struct heft_file *tuned;
	struct heft_file *base;   /* what is trained: the caller's, or `headed` */
	struct heft_file *headed; /* NULL: the recipe asks for no new head */
	struct heft_trainer *trainer;
};

/* --- what it is made from --- */

static enum heft_status another(const char *what, const uint8_t *want, const uint8_t *is,
                                struct heft_error *err)
{
	char a[HEX_SIZE];
	char b[HEX_SIZE];

	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "the %s has digest %.64s, and the run had %.64s", what,
	                 heft_hex(is, HEFT_DIGEST_SIZE, a), heft_hex(want, HEFT_DIGEST_SIZE, b));
}

static enum heft_status read_step(struct replay *r, struct heft_error *err)
{
	uint32_t n;

	HEFT_TRY(heft_lineage_read(r->tuned, &r->lineage, err));
	n = heft_lineage_n_steps(r->lineage);
	HEFT_TRY(heft_lineage_step_at(r->lineage, n - 1, &r->step, err));
	if (r->step.kind != HEFT_LINEAGE_TUNE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the last step of its lineage is no training");
	if (r->step.numerics != HEFT_LINEAGE_NUMERICS)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "it was computed by version %" PRIu32
		                 " of the numerics, and this is version %d",
		                 r->step.numerics, HEFT_LINEAGE_NUMERICS);
	HEFT_TRY(heft_recipe_new(&r->recipe, err));
	return heft_recipe_parse(r->recipe, r->step.recipe, strlen(r->step.recipe), err);
}

static enum heft_status give_head(struct replay *r, struct heft_error *err)
{
	const char *beside = r->o->beside ? r->o->beside : "replay";

	HEFT_TRY(heft_headed_open(r->base, beside, r->recipe, &r->o->run, &r->headed, err));
	r->base = r->headed;
	return HEFT_OK;
}

/* The base of a run with a new head is what that was given to. */
static enum heft_status check_base(struct replay *r, struct heft_error *err)
{
	const uint32_t n = heft_lineage_n_steps(r->lineage);
	struct heft_lineage_step before = { .kind = HEFT_LINEAGE_TUNE };
	const uint8_t *want = r->step.parent_digest;
	uint8_t digest[HEFT_DIGEST_SIZE];

	if (r->recipe->head > 0 && n > 1) {
		HEFT_TRY(heft_lineage_step_at(r->lineage, n - 2, &before, err));
		want = before.parent_digest;
	}
	HEFT_TRY(heft_weights_digest(r->base, &r->o->run, digest, err));
	if (memcmp(digest, want, sizeof digest) != 0)
		return another("base", want, digest, err);
	return r->recipe->head > 0 ? give_head(r, err) : HEFT_OK;
}

static enum heft_status check_data(const struct replay *r, const char *use,
                                   struct heft_dataset *data, struct heft_error *err)
{
	uint8_t digest[HEFT_DIGEST_SIZE];
	char what[32];

	for (uint32_t i = 0; i < r->step.n_data; i++) {
		if (strcmp(r->step.data[i].use, use) != 0)
			continue;
		HEFT_TRY(heft_dataset_digest(data, &r->o->run, digest, err));
		snprintf(what, sizeof what, "%s data", use);
		if (memcmp(digest, r->step.data[i].digest, sizeof digest) != 0)
			return another(what, r->step.data[i].digest, digest, err);
		return HEFT_OK;
	}
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the run had no %s data", use);
}

/* --- the run --- */

/* Whether the weights of link i are those of now. */
static void compare(struct replay *r, uint32_t i, const uint8_t *digest)
{
	const struct heft_lineage_link *link = &r->step.links[i];
	struct heft_replay_report *report = r->report;

	if (report->bad_link > 0)
		return;
	if (memcmp(link->weights_digest, digest, HEFT_DIGEST_SIZE) == 0) {
		report->n_links++;
		report->good_step = link->n_steps;
		return;
	}
	report->is_same = false;
	report->bad_link = i + 1;
	report->bad_step = link->n_steps;
	snprintf(report->msg, sizeof report->msg,
	         "the weights first differ between step %" PRIu64 " and step %" PRIu64
	         ", link %" PRIu32,
	         report->good_step, link->n_steps, i + 1);
}

/* To the end of this link; an epoch that ends there is ended. */
static enum heft_status run_to(struct replay *r, uint32_t i, struct heft_error *err)
{
	const struct heft_lineage_link *link = &r->step.links[i];
	struct heft_trainer *t = r->trainer;
	const struct heft_trainer_options *o = &r->o->trainer;
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_epoch_report epoch;

	while (t->step < link->n_steps && !t->is_over) {
		HEFT_TRY(heft_trainer_step(t, NULL, err));
		r->report->n_steps++;
		if (o->progress &&
		    o->progress(o->user, t->step, r->step.links[r->step.n_links - 1].n_steps))
			return heft_fail(err, HEFT_E_CANCELLED, HEFT_NO_OFFSET, "stopped");
		if (t->position < t->train.n)
			continue;
		HEFT_TRY(heft_trainer_epoch(t, &epoch, err));
	}
	HEFT_TRY(heft_trainer_digest(t, digest, err));
	compare(r, i, digest);
	return HEFT_OK;
}

/* A checkpoint's own weights must be those of its link, else it proves nothing. */
static enum heft_status begin(struct replay *r, struct heft_error *err)
{
	struct heft_trainer *t = r->trainer;
	struct heft_epoch_report epoch;
	uint8_t digest[HEFT_DIGEST_SIZE];

	if (!r->o->checkpoint)
		return HEFT_OK;
	HEFT_TRY(heft_trainer_resume(t, r->o->checkpoint, err));
	if (t->position == t->train.n) /* it was stopped behind an epoch's last step */
		HEFT_TRY(heft_trainer_epoch(t, &epoch, err));
	HEFT_TRY(heft_trainer_digest(t, digest, err));
	for (uint32_t i = 0; i < r->step.n_links; i++) {
		if (r->step.links[i].n_steps == t->step)
			compare(r, i, digest);
	}
	if (r->report->n_links == 0 && r->report->bad_link == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the checkpoint is of step %" PRIu64
		                 ", behind which the lineage has no link",
		                 t->step);
	return HEFT_OK;
}

static enum heft_status run(struct replay *r, struct heft_error *err)
{
	const uint32_t n = r->o->n_links > 0 ? r->o->n_links : r->step.n_links;
	const uint64_t first = r->trainer->step;

	for (uint32_t i = 0; i < n; i++) {
		if (r->step.links[i].n_steps > first)
			HEFT_TRY(run_to(r, i, err));
	}
	r->report->was_whole = n == r->step.n_links;
	return HEFT_OK;
}

/* --- the result --- */

static void differ(struct heft_replay_report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void differ(struct heft_replay_report *report, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(report->msg, sizeof report->msg, format, args);
	va_end(args);
	report->is_same = false;
}

static enum heft_status compare_tensor(struct replay *r, const struct heft_tensor *tensor,
                                       bool *is_same, struct heft_error *err)
{
	const void *want = heft_trainer_result(r->trainer, tensor);
	struct heft_tensor found;
	enum heft_status st;
	void *bytes;

	*is_same = true;
	if (!want)
		return HEFT_OK;
	HEFT_TRY(heft_find(r->tuned, tensor->name, &found, err));
	*is_same = found.n_bytes == tensor->n_bytes;
	if (!*is_same)
		return HEFT_OK;
	bytes = heft_alloc((size_t)found.n_bytes + 1);
	if (!bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a tensor");
	st = heft_read(r->tuned, &found, 0, bytes, (size_t)found.n_bytes, err);
	*is_same = st == HEFT_OK && memcmp(bytes, want, (size_t)found.n_bytes) == 0;
	heft_free(bytes);
	return st;
}

/* Frozen weights are in a link's digest: the one of what was kept has the result's. */
static void compare_kept(struct replay *r)
{
	const struct heft_lineage_step *step = &r->step;
	uint64_t epoch;
	uint64_t at;
	bool is_told = false;

	heft_trainer_result_at(r->trainer, &epoch, &at);
	for (uint32_t i = 0; i < step->n_links; i++)
		is_told = is_told || (step->links[i].n_steps == at &&
		                      memcmp(step->links[i].weights_digest, step->result_digest,
		                             HEFT_DIGEST_SIZE) == 0);
	if (!r->trainer->is_over)
		differ(r->report, "the lineage ends at epoch %" PRIu64 ", and the run does not",
		       r->trainer->epoch);
	else if (epoch != step->kept_epoch || at != step->kept_step)
		differ(r->report,
		       "the weights that are kept are those of step %" PRIu64
		       ", and the lineage tells step %" PRIu64,
		       at, step->kept_step);
	else if (!is_told)
		differ(r->report, "the result is not the weights of step %" PRIu64, at);
}

static enum heft_status compare_result(struct replay *r, struct heft_error *err)
{
	struct heft_replay_report *report = r->report;
	bool is_same = true;

	for (uint32_t i = 0; i < r->trainer->n_tensors && is_same; i++) {
		const struct heft_tensor *tensor = &r->trainer->tensors[i].tensor;

		HEFT_TRY(compare_tensor(r, tensor, &is_same, err));
		if (!is_same)
			snprintf(report->tensor, sizeof report->tensor, "%s", tensor->name);
	}
	if (report->bad_link > 0)
		return HEFT_OK;
	if (!is_same)
		differ(report,
		       "every link agrees, and tensor '%.100s' of the file is not what came out",
		       report->tensor);
	else
		compare_kept(r);
	return HEFT_OK;
}

static enum heft_status replay(struct replay *r, struct heft_dataset *train,
                               struct heft_dataset *val, struct heft_error *err)
{
	struct heft_trainer_options options = r->o->trainer;

	options.progress = NULL;
	HEFT_TRY(read_step(r, err));
	if (r->o->n_links > r->step.n_links)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "its lineage has %" PRIu32 " links", r->step.n_links);
	HEFT_TRY(check_data(r, "train", train, err));
	if (val)
		HEFT_TRY(check_data(r, "val", val, err));
	HEFT_TRY(check_base(r, err));
	HEFT_TRY(heft_trainer_new(r->base, r->recipe, train, val, &options, &r->trainer, err));
	HEFT_TRY(begin(r, err));
	HEFT_TRY(run(r, err));
	return r->report->was_whole ? compare_result(r, err) : HEFT_OK;
}

enum heft_status heft_replay(struct heft_file *tuned, struct heft_file *base,
                             struct heft_dataset *train, struct heft_dataset *val,
                             const struct heft_replay_options *options,
                             struct heft_replay_report *report, struct heft_error *err)
{
	static const struct heft_replay_options none;
	struct replay r = {
		.o = options ? options : &none, .report = report, .tuned = tuned, .base = base
	};
	enum heft_status st;

	*report = (struct heft_replay_report){ .is_same = true };
	st = replay(&r, train, val, err);
	heft_trainer_free(r.trainer);
	heft_recipe_free(r.recipe);
	heft_lineage_free(r.lineage);
	heft_close(r.headed);
	return st;
}
