/* SPDX-License-Identifier: Apache-2.0 */
/* tune_show.c - tells of a training while it runs. */
#include "tune_show.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "json_out.h"
#include "print_name.h"
#include "report.h"
#include "term.h"

#define BETWEEN 0.1 /* seconds from one live line to the next */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void tune_show_wipe(struct tune_show *show)
{
	if (show->drawn > 0)
		fputs("\r\033[K", stderr);
	fflush(stderr);
	show->drawn = 0;
}

static void print_time(double seconds, char *text, size_t room)
{
	const uint64_t s = seconds > 0 && seconds < 1e9 ? (uint64_t)(seconds + 0.5) : 0;

	if (s >= 3600)
		snprintf(text, room, "%" PRIu64 ":%02u:%02u", s / 3600, (unsigned)(s / 60 % 60),
		         (unsigned)(s % 60));
	else
		snprintf(text, room, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
}

/* --- before --- */

static void begin(void *user, const struct heft_trainer *trainer)
{
	struct tune_show *show = user;
	struct heft_trainer_facts facts;
	const char *note;

	heft_trainer_facts(trainer, &facts);
	tune_show_wipe(show);
	for (uint32_t i = 0; !show->is_quiet && (note = heft_trainer_note(trainer, i)) != NULL; i++)
		report_words("%s", note);
	show->n_train = facts.n_train;
	show->n_steps = facts.n_steps;
	show->first_step = UINT64_MAX;
	show->began = now();
	show->epoch_began = show->began;
}

/* --- a step --- */

static void draw(const struct tune_show *show, const struct heft_step_report *r, double at)
{
	const double share = r->n_all > 0 ? (double)r->n_done / (double)r->n_all : 1;
	const double seconds = at - show->began;
	const double steps = (double)(r->step - show->first_step);
	char left[32] = "-";

	if (steps > 0 && seconds > 0)
		print_time(seconds / steps * (double)(show->n_steps - r->step), left, sizeof left);
	fprintf(stderr,
	        "\repoch %" PRIu64 " %3.0f %%  loss %.4g  lr %.3g  %.0f samples/s  %s left\033[K",
	        r->epoch, share * 100, r->loss, r->lr,
	        at > show->epoch_began ? (double)r->n_done / (at - show->epoch_began) : 0, left);
	fflush(stderr);
}

static bool step(void *user, const struct heft_step_report *r)
{
	struct tune_show *show = user;
	const double at = show->is_live ? now() : 0;

	if (show->first_step == UINT64_MAX)
		show->first_step = r->step - 1;
	if (show->is_live && at >= show->drawn + BETWEEN) {
		draw(show, r, at);
		show->drawn = at;
	}
	return interrupt_pending();
}

static bool features(void *user, uint64_t n_done, uint64_t n_all)
{
	struct tune_show *show = user;
	const double at = show->is_live ? now() : 0;

	if (show->is_live && at >= show->drawn + BETWEEN) {
		fprintf(stderr, "\rfrozen layers: %" PRIu64 " of %" PRIu64 " samples\033[K", n_done,
		        n_all);
		fflush(stderr);
		show->drawn = at;
	}
	return interrupt_pending();
}

/* --- an epoch --- */

/* Finite numbers only: JSON has no others. */
static void add_real(struct json_out *j, double value)
{
	if (isnan(value))
		json_out_text(j, NULL);
	else
		json_out_real(j, value);
}

static void json_epoch(struct tune_show *show, const struct heft_epoch_report *r, double rate)
{
	struct json_out j;

	json_out_init(&j, show->out);
	j.line_depth = 0;
	json_out_begin(&j, '{');
	json_out_key(&j, "epoch");
	json_out_u64(&j, r->epoch);
	json_out_key(&j, "step");
	json_out_u64(&j, r->step);
	json_out_key(&j, "train_loss");
	add_real(&j, r->train_loss);
	json_out_key(&j, "val_loss");
	add_real(&j, r->val.n > 0 ? r->val.loss : NAN);
	json_out_key(&j, "metrics");
	json_out_begin(&j, '{');
	for (uint32_t i = 0; i < r->val.n_metrics; i++) {
		json_out_key(&j, r->val.metrics[i].name);
		add_real(&j, r->val.metrics[i].value);
	}
	json_out_end(&j, '}');
	json_out_key(&j, "lr");
	add_real(&j, r->lr);
	json_out_key(&j, "samples_per_s");
	add_real(&j, rate);
	json_out_key(&j, "best");
	json_out_bool(&j, r->is_best);
	json_out_end(&j, '}');
	output_flush(show->out);
}

static uint32_t n_shown(const struct heft_epoch_report *r)
{
	return r->val.n_metrics < TUNE_SHOW_METRICS ? r->val.n_metrics : TUNE_SHOW_METRICS;
}

static void print_titles(const struct heft_epoch_report *r)
{
	fprintf(stderr, "%5s  %10s", "epoch", "train loss");
	if (r->val.n > 0)
		fprintf(stderr, "  %10s", "val loss");
	for (uint32_t i = 0; i < n_shown(r); i++)
		fprintf(stderr, "  %10s", r->val.metrics[i].name);
	fprintf(stderr, "  %9s  %7s\n", "lr", "time");
}

static void print_row(const struct heft_epoch_report *r, double seconds)
{
	char time[32];

	print_time(seconds, time, sizeof time);
	fprintf(stderr, "%5" PRIu64 "  %10.5g", r->epoch, r->train_loss);
	if (r->val.n > 0)
		fprintf(stderr, "  %10.5g", r->val.loss);
	for (uint32_t i = 0; i < n_shown(r); i++)
		fprintf(stderr, "  %10.4f", r->val.metrics[i].value);
	fprintf(stderr, "  %9.3g  %7s%s\n", r->lr, time, r->is_best ? " *" : "");
}

static void epoch(void *user, const struct heft_epoch_report *r)
{
	struct tune_show *show = user;
	const double at = now();
	const double seconds = at - show->epoch_began;

	tune_show_wipe(show);
	if (show->out) {
		json_epoch(show, r, seconds > 0 ? (double)show->n_train / seconds : 0);
	} else if (!show->is_quiet) {
		if (!show->has_titles)
			print_titles(r);
		show->has_titles = true;
		print_row(r, seconds);
	}
	if (r->worsens && !show->has_warned) {
		report_words(
			"validation has worsened for three epochs while training improved: the "
			"model learns its samples by heart");
		show->has_warned = true;
	}
	if (r->is_stopped && !show->is_quiet)
		report_words("no better epoch for as long as patience says: the run ends");
	show->epoch_began = at;
}

static void warn(void *user, const char *words)
{
	tune_show_wipe(user);
	report_words("%s", words);
}

struct heft_tune_calls tune_show_calls(struct tune_show *show)
{
	show->is_live = !show->is_quiet && term_can_redraw(STDERR_FILENO);
	return (struct heft_tune_calls){
		.begin = begin,
		.step = step,
		.features = features,
		.epoch = epoch,
		.warn = warn,
		.user = show,
	};
}

/* --- the end --- */

static void json_end(struct tune_show *show, const char *path, const struct heft_tune_report *r)
{
	struct json_out j;

	json_out_init(&j, show->out);
	j.line_depth = 0;
	json_out_begin(&j, '{');
	json_out_key(&j, "weights_digest");
	json_out_hex(&j, r->weights_digest, HEFT_DIGEST_SIZE);
	json_out_key(&j, "artifact_digest");
	if (r->has_artifact_digest)
		json_out_hex(&j, r->artifact_digest, HEFT_DIGEST_SIZE);
	else
		json_out_text(&j, NULL);
	json_out_key(&j, "out");
	json_out_text(&j, path);
	json_out_end(&j, '}');
}

void tune_show_end(struct tune_show *show, const char *path, const struct heft_tune_report *r)
{
	struct output out;

	tune_show_wipe(show);
	if (show->out)
		json_end(show, path, r);
	if (show->out || show->is_quiet)
		return;
	output_init(&out, STDERR_FILENO);
	print_words(&out, path);
	output_format(&out,
	              ": weights of epoch %" PRIu64 ", the %s one, of %" PRIu64 "\nweights digest ",
	              r->kept_epoch, r->is_best ? "best" : "last", r->n_epochs);
	output_hex(&out, r->weights_digest, HEFT_DIGEST_SIZE);
	output_text(&out, "\n'heft log' tells how it was made, 'heft verify' checks it\n");
	output_flush(&out);
	output_done(&out);
}
