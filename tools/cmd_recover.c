/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_recover.c - brings back the newest generation of a damaged heft file that verifies. */
#include "command.h"
#include "heft/edit.h"
#include "lock_wait.h"
#include "print_name.h"
#include "progress_bar.h"

#include <inttypes.h>
#include <unistd.h>

struct options {
	const char *out;
	uint32_t lock_ms;
	uint32_t threads;
	bool no_sync;
	bool quiet;
};

static const struct opt options[] = {
	{
		.letter = 'o',
		.name = "output",
		.arg = "OUT",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, out),
		.help = "write to OUT, which must not exist, and leave FILE as it is",
	},
	OPT_ROW_LOCK_TIMEOUT,
	OPT_ROW_NO_SYNC,
	OPT_ROW_THREADS,
	OPT_ROW_QUIET,
	OPT_ROW_END,
};

static void print_report(const char *file, const struct heft_rewrite_report *r)
{
	struct output line;

	output_init(&line, STDERR_FILENO);
	print_words(&line, file);
	output_format(&line, ": generation %" PRIu32, r->generation);
	if (r->newest > r->generation)
		output_format(&line, " brought back; generation %" PRIu32 " is damaged", r->newest);
	else
		output_text(&line, " is whole");
	if (r->is_untouched) {
		output_text(&line, ", nothing to do\n");
	} else {
		output_text(&line, ", ");
		output_grouped(&line, r->size_after);
		output_text(&line, " bytes written\n");
	}
	output_flush(&line);
	output_done(&line);
}

static int run(const struct invocation *in)
{
	const struct options *o = in->options;
	const char *path = in->operands[0];
	struct heft_edit_options edit_options = { .no_sync = o->no_sync };
	struct heft_rewrite_report report;
	struct progress_bar bar;
	struct lock_wait wait;
	struct heft_error err;
	enum heft_status st;

	edit_options.run = progress_bar_start(&bar, "recover", path, o->threads);
	lock_wait_start(&wait, o->lock_ms);
	do {
		edit_options.lock_ms = lock_wait_next(&wait);
		st = heft_recover(path, o->out, &edit_options, &report, &err);
	} while (lock_wait_goes_on(&wait, st, &err));
	progress_bar_done(&bar);
	if (st != HEFT_OK)
		return report_error(o->out && st == HEFT_E_USAGE ? o->out : path, &err);
	if (!o->quiet)
		print_report(o->out ? o->out : path, &report);
	return STATUS_DONE;
}

static const char examples[] = "  heft recover -o rescued.heft damaged.heft\n";

const struct command command_recover = {
	.name = "recover",
	.summary = "bring back the newest whole generation of a damaged heft file",
	.operands = "FILE",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.options_size = sizeof(struct options),
	.details =
		"An edit appends a generation and leaves the one before. When the newest one is\n"
		"damaged, this finds the newest one of which every byte verifies, and writes it\n"
		"as a fresh file in FILE's place.\n",
	.examples = examples,
	.run = run,
};
