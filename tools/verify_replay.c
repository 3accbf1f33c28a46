/* SPDX-License-Identifier: Apache-2.0 */
/* verify_replay.c - does a training again, and says what came out. */
#include "verify_replay.h"

#include <inttypes.h>

#include "print_name.h"
#include "progress_bar.h"

static int replay(const struct verify_replay *how, const struct train_inputs *inputs,
                  struct heft_file *file, struct heft_replay_report *report)
{
	struct heft_replay_options options = {
		.trainer = { .n_threads = how->n_threads },
		.checkpoint = how->checkpoint,
		.n_links = how->n_links,
		.beside = how->beside,
	};
	struct progress_bar bar;
	struct heft_error err;
	enum heft_status st;
	struct heft_run run = progress_bar_start(&bar, "replay", how->name, how->n_threads);

	options.run.n_threads = how->n_threads;
	train_inputs_set(inputs, &options.trainer);
	options.trainer.progress = run.progress;
	options.trainer.user = run.user;
	st = heft_replay(file, inputs->model, inputs->train, inputs->val, &options, report, &err);
	progress_bar_done(&bar);
	if (st != HEFT_OK)
		return report_error(how->name, &err);
	return report->is_same ? STATUS_DONE : STATUS_NO;
}

int verify_replay_run(const struct invocation *in, const struct verify_replay *how,
                      struct heft_file *file, struct heft_replay_report *report)
{
	struct train_inputs inputs;
	int status = train_inputs_open(&inputs, in, &how->words);

	if (status == STATUS_DONE)
		status = replay(how, &inputs, file, report);
	train_inputs_done(&inputs);
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
