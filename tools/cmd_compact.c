/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_compact.c - rewrites a heft file without dead bytes. */
#include "command.h"
#include "heft/edit.h"
#include "lock_wait.h"
#include "print_name.h"
#include "progress_bar.h"

#include <unistd.h>

struct options {
	uint32_t lock_ms;
	uint32_t threads;
	bool no_sync;
	bool quiet;
};

static const struct opt options[] = {
	OPT_ROW_LOCK_TIMEOUT, OPT_ROW_NO_SYNC, OPT_ROW_THREADS, OPT_ROW_QUIET, OPT_ROW_END,
};

static void print_report(const char *file, const struct heft_rewrite_report *r)
{
	struct output line;

	output_init(&line, STDERR_FILENO);
	print_words(&line, file);
	output_text(&line, ": ");
	output_grouped(&line, r->size_after);
	output_text(&line, " bytes");
	if (r->size_after < r->size_before) {
		output_text(&line, ", ");
		output_grouped(&line, r->size_before - r->size_after);
		output_text(&line, " freed");
	}
	output_char(&line, '\n');
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

	edit_options.run = progress_bar_start(&bar, "compact", path, o->threads);
	lock_wait_start(&wait, o->lock_ms);
	do {
		edit_options.lock_ms = lock_wait_next(&wait);
		st = heft_compact(path, &edit_options, &report, &err);
	} while (lock_wait_goes_on(&wait, st, &err));
	progress_bar_done(&bar);
	if (st != HEFT_OK)
		return report_error(path, &err);
	if (!o->quiet)
		print_report(path, &report);
	return STATUS_DONE;
}

static const char examples[] = "  heft compact model.heft\n";

const struct command command_compact = {
	.name = "compact",
	.summary = "rewrite a heft file without the dead bytes that edits leave",
	.operands = "FILE",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.options_size = sizeof(struct options),
	.details =
		"Copies what is live to a new file, checking every chunk, and puts it in FILE's\n"
		"place. The file then has one generation and the same artifact digest. When a\n"
		"chunk does not verify FILE stays as it is.\n",
	.examples = examples,
	.run = run,
};
