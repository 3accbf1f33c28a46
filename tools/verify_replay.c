/* SPDX-License-Identifier: Apache-2.0 */
/* verify_replay.c - does a training again, and says what came out. */
#include "verify_replay.h"

#include <inttypes.h>

#include "print_name.h"
#include "progress_bar.h"
#include "run_inputs.h"
#include "train_options.h"

struct opened {
	struct heft_file *base;
	struct heft_dataset *train;
	struct heft_dataset *val;
	struct train_binds binds;
	struct run_inputs pins;
};

static int open_all(const struct invocation *in, const struct verify_replay *how,
                    struct opened *opened)
{
	struct heft_error err;
	int status = train_data_open(how->data, how->target, NULL, &opened->train);

	if (status == STATUS_DONE && how->val)
		status = train_data_open(how->val, how->target, opened->train, &opened->val);
	if (status != STATUS_DONE)
		return status;
	if (heft_open(how->base, NULL, &opened->base, &err) != HEFT_OK)
		return report_error(how->base, &err);
	status = run_pins_read(&opened->pins, in, opened->base, how->base, how->pin);
	return status == STATUS_DONE ? train_binds_read(&opened->binds, in->command, how->input)
	                             : status;
}

static int replay(const struct verify_replay *how, const struct opened *opened,
                  struct heft_file *file, struct heft_replay_report *report)
{
	struct heft_replay_options options = {
		.trainer = { .n_threads = how->n_threads,
		             .binds = opened->binds.rows,
		             .n_binds = opened->binds.n,
		             .target = train_target(opened->train, how->target),
		             .pins = opened->pins.values,
		             .n_pins = opened->pins.n },
		.checkpoint = how->checkpoint,
		.n_links = how->n_links,
		.beside = how->beside,
	};
	struct progress_bar bar;
	struct heft_error err;
	enum heft_status st;
	struct heft_run run = progress_bar_start(&bar, "replay", how->name, how->n_threads);

	options.run.n_threads = how->n_threads;
	options.trainer.progress = run.progress;
	options.trainer.user = run.user;
	st = heft_replay(file, opened->base, opened->train, opened->val, &options, report, &err);
	progress_bar_done(&bar);
	if (st != HEFT_OK)
		return report_error(how->name, &err);
	return report->is_same ? STATUS_DONE : STATUS_NO;
}

int verify_replay_run(const struct invocation *in, const struct verify_replay *how,
                      struct heft_file *file, struct heft_replay_report *report)
{
	struct opened opened = { 0 };
	int status = open_all(in, how, &opened);

	if (status == STATUS_DONE)
		status = replay(how, &opened, file, report);
	train_binds_done(&opened.binds);
	run_inputs_done(&opened.pins);
	heft_dataset_close(opened.val);
	heft_dataset_close(opened.train);
	heft_close(opened.base);
	return status;
}

void verify_replay_print(struct output *out, const char *name, const struct heft_replay_report *r)
{
	if (!r->is_same) {
		print_words(out, name);
		output_text(out, ": the replay differs: ");
		print_words(out, r->msg);
		output_char(out, '\n');
		if (r->tensor[0] != '\0') {
			output_text(out, "  tensor    ");
			print_words(out, r->tensor);
			output_char(out, '\n');
		}
		return;
	}
	output_format(out, "  replay    the same weights: %" PRIu64 " %s, %" PRIu32 " %s%s\n",
	              r->n_steps, r->n_steps == 1 ? "step" : "steps", r->n_links,
	              r->n_links == 1 ? "link" : "links", r->was_whole ? ", and the result" : "");
}
