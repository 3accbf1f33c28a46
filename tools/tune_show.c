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
#include "size.h"
#include "term.h"
#include "utf8_text.h"

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
	show->began = now();
	show->epoch_began = show->began;
}

/* --- a step --- */

/* One line, never longer than the terminal is wide: a wrapped one cannot be wiped. */
static void draw(struct tune_show *show, struct output *text, double at)
{
	const size_t columns = term_columns(STDERR_FILENO);
	struct output line;

	output_init(&line, STDERR_FILENO);
	output_char(&line, '\r');
	utf8_cut_end(&line, output_string(text), columns > 1 ? columns - 1 : 1);
	output_text(&line, "\033[K");
	output_flush(&line);
	output_done(&line);
	output_done(text);
	show->drawn = at;
}

static bool is_draw_due(const struct tune_show *show, double at)
{
	return show->is_live && at >= show->drawn + BETWEEN && term_is_in_foreground();
}

static void print_step(const struct tune_show *show, struct output *text,
                       const struct heft_step_report *r, double at)
{
	const double share = r->n_all > 0 ? (double)r->n_done / (double)r->n_all : 1;
	const double seconds = at - show->began;
	const double steps = (double)(r->step - show->first_step);
	const double in_epoch = at - show->epoch_began;

	output_format(text, "epoch %" PRIu64 " %3.0f %%  loss %.4g  lr %.3g", r->epoch, share * 100,
	              r->loss, r->lr);
	if (in_epoch > 0)
		output_format(text, "  %.0f samples/s",
		              (double)(r->n_done - show->n_before) / in_epoch);
	if (steps > 0 && seconds > 0) {
		output_text(text, "  ");
		size_print_seconds(text,
		                   (uint64_t)(seconds / steps * (double)(show->n_steps - r->step)));
		output_text(text, " left");
	}
}

static bool step(void *user, const struct heft_step_report *r)
{
	struct tune_show *show = user;
	const double at = now();

	if (!show->has_begun && r->step > 1) { /* resumed: what was done before is not its speed */
		show->first_step = r->step;
		show->n_before = r->n_done;
		show->began = at;
		show->epoch_began = at;
	}
	show->has_begun = true;
	if (is_draw_due(show, at)) {
		struct output text;

		output_init(&text, -1);
		print_step(show, &text, r, at);
		draw(show, &text, at);
	}
	return interrupt_pending();
}

static bool features(void *user, uint64_t n_done, uint64_t n_all)
{
	struct tune_show *show = user;
	const double at = now();

	if (is_draw_due(show, at)) {
		struct output text;

		output_init(&text, -1);
		output_format(&text, "frozen layers: %" PRIu64 " of %" PRIu64 " samples", n_done,
		              n_all);
		draw(show, &text, at);
	}
	show->began = at;
	show->epoch_began = at;
	return interrupt_pending();
}

/* --- an epoch --- */

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
	json_out_real_or_null(&j, r->train_loss);
	json_out_key(&j, "val_loss");
	json_out_real_or_null(&j, r->val.n > 0 ? r->val.loss : NAN);
	json_out_key(&j, "metrics");
	json_out_begin(&j, '{');
	for (uint32_t i = 0; i < r->val.n_metrics; i++) {
		json_out_key(&j, r->val.metrics[i].name);
		json_out_real_or_null(&j, r->val.metrics[i].value);
	}
	json_out_end(&j, '}');
	json_out_key(&j, "lr");
	json_out_real_or_null(&j, r->lr);
	json_out_key(&j, "samples_per_s");
	json_out_real_or_null(&j, rate);
	json_out_key(&j, "best");
	json_out_bool(&j, r->is_best);
	json_out_end(&j, '}');
	output_flush(show->out);
}

static uint32_t n_shown(const struct heft_epoch_report *r)
{
	return r->val.n_metrics < TUNE_SHOW_METRICS ? r->val.n_metrics : TUNE_SHOW_METRICS;
}

static void print_titles(struct output *out, const struct heft_epoch_report *r)
{
	output_format(out, "%5s  %10s", "epoch", "train loss");
	if (r->val.n > 0)
		output_format(out, "  %10s", "val loss");
	for (uint32_t i = 0; i < n_shown(r); i++)
		output_format(out, "  %10s", r->val.metrics[i].name);
	output_format(out, "  %9s  %7s\n", "lr", "time");
}

static void print_row(struct output *out, const struct heft_epoch_report *r, double seconds)
{
	struct output time;

	output_init(&time, -1);
	size_print_seconds(&time, (uint64_t)(seconds + 0.5));
	output_format(out, "%5" PRIu64 "  %10.5g", r->epoch, r->train_loss);
	if (r->val.n > 0)
		output_format(out, "  %10.5g", r->val.loss);
	for (uint32_t i = 0; i < n_shown(r); i++)
		output_format(out, "  %10.4f", r->val.metrics[i].value);
	output_format(out, "  %9.3g  %7s%s\n", r->lr, output_string(&time), r->is_best ? " *" : "");
	output_done(&time);
}

/* In one write, so that nothing stands between. */
static void print_epoch(struct tune_show *show, const struct heft_epoch_report *r, double seconds)
{
	struct output out;

	output_init(&out, STDERR_FILENO);
	if (!show->has_titles)
		print_titles(&out, r);
	show->has_titles = true;
	print_row(&out, r, seconds);
	output_flush(&out);
	output_done(&out);
}

static void epoch(void *user, const struct heft_epoch_report *r)
{
	struct tune_show *show = user;
	const double at = now();
	const double seconds = at - show->epoch_began;

	tune_show_wipe(show);
	if (show->out) {
		json_epoch(show, r,
		           seconds > 0 ? (double)(show->n_train - show->n_before) / seconds : 0);
	} else if (!show->is_quiet) {
		print_epoch(show, r, seconds);
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
	show->n_before = 0;
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
