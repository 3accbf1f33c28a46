/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_edit.c - changes the metadata of a heft file in place. */
#include "command.h"
#include "heft/edit.h"
#include "json_out.h"
#include "lock_wait.h"
#include "memory.h"
#include "print_name.h"
#include "progress_bar.h"
#include "utf8_text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	struct opt_list changes; /* of all three options, in the order of the command line */
	uint32_t lock_ms;
	bool no_sync;
	bool keep_links;
	bool quiet;
};

/* The first rows of the options. */
enum {
	SET,
	SET_JSON,
	UNSET,
};

static const struct opt options[] = {
	{
		.letter = 's',
		.name = "set",
		.arg = "KEY=TEXT",
		.kind = OPT_LIST,
		.at = offsetof(struct options, changes),
		.help = "set a member of the metadata to a text; may be repeated",
	},
	{
		.name = "set-json",
		.arg = "KEY=JSON",
		.kind = OPT_LIST,
		.at = offsetof(struct options, changes),
		.help = "set a member of the metadata to any JSON value; may be repeated",
	},
	{
		.letter = 'u',
		.name = "unset",
		.arg = "KEY",
		.kind = OPT_LIST,
		.at = offsetof(struct options, changes),
		.help = "remove a member of the metadata; may be repeated",
	},
	OPT_ROW_LOCK_TIMEOUT,
	{
		.name = "keep-links",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, keep_links),
		.help = "change a file with several hard links under all its names",
	},
	OPT_ROW_NO_SYNC,
	OPT_ROW_QUIET,
	OPT_ROW_END,
};

static int check_changes(const struct invocation *in)
{
	const struct options *o = in->options;

	if (o->changes.n == 0)
		return report_usage(in->command,
		                    "nothing to change: --set, --set-json or --unset expected");
	for (uint32_t i = 0; i < o->changes.n; i++) {
		const struct opt_item *item = &o->changes.items[i];

		if (item->opt != &options[UNSET] && !strchr(item->value, '='))
			return report_usage(in->command, "--%s: '%s' has no '=': %s expected",
			                    item->opt->name, item->value, item->opt->arg);
		/*
		 * The writer of JSON would replace what is not UTF-8, which is not what was asked
		 * for.
		 */
		if (!utf8_is_well_formed(item->value))
			return report_usage(in->command, "--%s: '%s' is not UTF-8", item->opt->name,
			                    item->value);
	}
	return STATUS_DONE;
}

static enum heft_status set(struct heft_edit *edit, const struct opt_item *item,
                            struct heft_error *err)
{
	const char *equals = strchr(item->value, '=');
	char *key = memory_copy_text(item->value, (size_t)(equals - item->value));
	struct output text;
	struct json_out j;
	enum heft_status st;

	output_init(&text, -1);
	json_out_init_inner(&j, &text, 1);
	if (item->opt == &options[SET])
		json_out_text(&j, equals + 1);
	else
		json_out_raw(&j, equals + 1);
	st = heft_edit_set_metadata(edit, key, output_string(&text), err);
	output_done(&text);
	free(key);
	return st;
}

/* On failure *failed is the change that did it. */
static enum heft_status apply(struct heft_edit *edit, const struct opt_list *changes,
                              const struct opt_item **failed, struct heft_error *err)
{
	enum heft_status st = HEFT_OK;

	for (uint32_t i = 0; i < changes->n && st == HEFT_OK; i++) {
		const struct opt_item *item = &changes->items[i];

		if (item->opt == &options[UNSET])
			st = heft_edit_unset_metadata(edit, item->value, err);
		else
			st = set(edit, item, err);
		*failed = st == HEFT_OK ? NULL : item;
	}
	return st;
}

/* Every edit leaves bytes behind that no generation needs; say so before they pile up. */
static void print_dead_bytes(const char *path)
{
	struct heft_file *file;
	struct output line;

	if (heft_open(path, NULL, &file, NULL) != HEFT_OK)
		return;
	const uint64_t n_dead_bytes = heft_file_state(file).n_dead_bytes;

	heft_close(file);
	if (n_dead_bytes == 0)
		return;
	output_init(&line, STDERR_FILENO);
	print_words(&line, path);
	output_text(&line, ": ");
	output_grouped(&line, n_dead_bytes);
	output_text(&line, " dead bytes; 'heft compact' frees them\n");
	output_flush(&line);
	output_done(&line);
}

static enum heft_status open_edit(const char *path, const struct options *o,
                                  const struct heft_run *run, struct heft_edit **edit,
                                  struct heft_error *err)
{
	struct heft_edit_options edit_options = {
		.no_sync = o->no_sync,
		.keep_links = o->keep_links,
		.run = *run,
	};
	struct lock_wait wait;
	enum heft_status st;

	lock_wait_start(&wait, o->lock_ms);
	do {
		edit_options.lock_ms = lock_wait_next(&wait);
		st = heft_edit_open(path, &edit_options, edit, err);
	} while (lock_wait_goes_on(&wait, st, err));
	return st;
}

static int run(const struct invocation *in)
{
	const struct options *o = in->options;
	const char *path = in->operands[0];
	const struct opt_item *failed = NULL;
	struct progress_bar bar;
	struct heft_run run;
	struct heft_edit *edit;
	struct heft_error err;
	enum heft_status st;

	if (check_changes(in) != STATUS_DONE)
		return STATUS_USAGE;
	/* A file with several hard links is copied, which may take a while. */
	run = progress_bar_start(&bar, "edit", path, 0);
	st = open_edit(path, o, &run, &edit, &err);
	if (st == HEFT_OK) {
		st = apply(edit, &o->changes, &failed, &err);
		if (st == HEFT_OK)
			st = heft_edit_commit(edit, &err);
		else
			heft_edit_discard(edit);
	}
	progress_bar_done(&bar);
	if (st == HEFT_E_USAGE && failed)
		return report_usage(in->command, "--%s '%s': %s", failed->opt->name, failed->value,
		                    err.msg);
	if (st != HEFT_OK)
		return report_error(path, &err);
	if (!o->quiet)
		print_dead_bytes(path);
	return STATUS_DONE;
}

static const char examples[] = "  heft edit model.heft --set license=MIT --unset draft\n"
			       "  heft edit model.heft --set-json 'labels=[\"cat\", \"dog\"]'\n";

const struct command command_edit = {
	.name = "edit",
	.summary = "change the metadata of a heft file in place",
	.operands = "FILE",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.options_size = sizeof(struct options),
	.details =
		"Appends the change to FILE, whatever the file's size; what was there stays, so\n"
		"that programs that have the file open go on with what they know. Writers lock\n"
		"the file. A crash leaves the file as it was or changed, never half.\n"
		"\n"
		"KEY ends at the first '='. The weights digest stays, the artifact digest\n"
		"changes.\n",
	.examples = examples,
	.run = run,
};
