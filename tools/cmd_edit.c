/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_edit.c - changes the metadata of a file, and the names, ties and number of its tensors. */
#include "command.h"
#include "edit_report.h"
#include "heft/edit.h"
#include "json_out.h"
#include "lock_wait.h"
#include "memory.h"
#include "nearest_tensor.h"
#include "progress_bar.h"
#include "utf8_text.h"

#include <stdlib.h>
#include <string.h>

struct options {
	struct opt_list changes; /* of all options that change, in the order of the command line */
	bool compact;
	bool dry_run;
	uint32_t lock_ms;
	bool no_sync;
	bool keep_links;
	bool quiet;
	uint32_t threads;
};

/* The first rows of the options. */
enum {
	SET,
	SET_JSON,
	UNSET,
	RENAME,
	DELETE,
	TIE,
	UNTIE,
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
	{
		.letter = 'r',
		.name = "rename",
		.arg = "FROM=TO",
		.kind = OPT_LIST,
		.at = offsetof(struct options, changes),
		.help = "rename a tensor, or all that match when both sides have one '*'",
	},
	{
		.letter = 'd',
		.name = "delete",
		.arg = "GLOB",
		.kind = OPT_LIST,
		.at = offsetof(struct options, changes),
		.help = "delete tensors that match; may be repeated",
	},
	{
		.name = "tie",
		.arg = "NAME=FIRST",
		.kind = OPT_LIST,
		.at = offsetof(struct options, changes),
		.help = "make two tensors with the same values one parameter",
	},
	{
		.name = "untie",
		.arg = "NAME",
		.kind = OPT_LIST,
		.at = offsetof(struct options, changes),
		.help = "make a tied tensor a parameter of its own",
	},
	{
		.name = "compact",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, compact),
		.help = "rewrite the heft file afterwards, so that no dead bytes stay",
	},
	{
		.letter = 'n',
		.name = "dry-run",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, dry_run),
		.help = "check the changes and say what they come to; write nothing",
	},
	OPT_ROW_LOCK_TIMEOUT,
	{
		.name = "keep-links",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, keep_links),
		.help = "change a heft file with several hard links under all its names",
	},
	OPT_ROW_NO_SYNC,
	OPT_ROW_THREADS,
	OPT_ROW_QUIET,
	OPT_ROW_END,
};

/* Which of the first rows. */
static size_t kind_of(const struct opt_item *item)
{
	return (size_t)(item->opt - options);
}

static bool has_two_sides(const struct opt_item *item)
{
	return strchr(item->opt->arg, '=') != NULL;
}

static int check_changes(const struct invocation *in)
{
	const struct options *o = in->options;

	if (o->changes.n == 0)
		return report_usage(in->command, "nothing to change: --set, --rename or another "
		                                 "change expected");
	if (o->compact && o->keep_links)
		return report_usage(in->command,
		                    "--compact writes a new file, which --keep-links is to avoid");
	for (uint32_t i = 0; i < o->changes.n; i++) {
		const struct opt_item *item = &o->changes.items[i];

		if (has_two_sides(item) && !strchr(item->value, '='))
			return report_usage(in->command, "--%s: '%s' has no '=': %s expected",
			                    item->opt->name, item->value, item->opt->arg);
		/*
		 * The writer of JSON would replace what is not UTF-8, which is not what was asked
		 * for, and no name is anything else.
		 */
		if (!utf8_is_well_formed(item->value))
			return report_usage(in->command, "--%s: '%s' is not UTF-8", item->opt->name,
			                    item->value);
	}
	return STATUS_DONE;
}

/* --- the changes --- */

static enum heft_status set(struct heft_edit *edit, const struct opt_item *item, const char *key,
                            const char *value, struct heft_error *err)
{
	struct output text;
	struct json_out j;
	enum heft_status st;

	output_init(&text, -1);
	json_out_init_inner(&j, &text, 1);
	if (kind_of(item) == SET)
		json_out_text(&j, value);
	else
		json_out_raw(&j, value);
	st = heft_edit_set_metadata(edit, key, output_string(&text), err);
	output_done(&text);
	return st;
}

/* `left` and `right` are what stands before and behind the first '='; without one, `left` is
 * all. */
static enum heft_status apply_one(struct heft_edit *edit, const struct opt_item *item,
                                  const char *left, const char *right, struct heft_error *err)
{
	switch (kind_of(item)) {
	case UNSET:
		return heft_edit_unset_metadata(edit, left, err);
	case RENAME:
		return heft_edit_rename(edit, left, right, err);
	case DELETE:
		return heft_edit_delete(edit, left, err);
	case TIE:
		return heft_edit_tie(edit, left, right, err);
	case UNTIE:
		return heft_edit_untie(edit, left, err);
	default:
		return set(edit, item, left, right, err);
	}
}

/* What stands before the '=', or all of it; the caller frees it. */
static char *left_of(const struct opt_item *item)
{
	const char *equals = has_two_sides(item) ? strchr(item->value, '=') : NULL;

	return memory_copy_text(item->value,
	                        equals ? (size_t)(equals - item->value) : strlen(item->value));
}

static const char *right_of(const struct opt_item *item)
{
	return has_two_sides(item) ? strchr(item->value, '=') + 1 : NULL;
}

/* On failure *failed is the change that did it. */
static enum heft_status apply(struct heft_edit *edit, const struct opt_list *changes,
                              const struct opt_item **failed, struct heft_error *err)
{
	enum heft_status st = HEFT_OK;

	for (uint32_t i = 0; i < changes->n && st == HEFT_OK; i++) {
		const struct opt_item *item = &changes->items[i];
		char *left = left_of(item);

		st = apply_one(edit, item, left, right_of(item), err);
		*failed = st == HEFT_OK ? NULL : item;
		free(left);
	}
	return st;
}

/* --- one edit --- */

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

static enum heft_status edit_file(const char *path, const struct options *o,
                                  const struct opt_item **failed, struct heft_edit_report *report,
                                  struct heft_error *err)
{
	struct progress_bar bar;
	/* A file with several hard links is copied, and one of another format written anew. */
	const struct heft_run run = progress_bar_start(&bar, "edit", path, o->threads);
	struct heft_edit *edit = NULL;
	enum heft_status st = open_edit(path, o, &run, &edit, err);

	if (st == HEFT_OK)
		st = apply(edit, &o->changes, failed, err);
	if (st == HEFT_OK)
		st = heft_edit_check(edit, report, err);
	if (st == HEFT_OK && !o->dry_run)
		st = heft_edit_commit(edit, err);
	else
		heft_edit_discard(edit);
	progress_bar_done(&bar);
	return st;
}

static enum heft_status compact_file(const char *path, const struct options *o,
                                     struct heft_error *err)
{
	struct heft_edit_options edit_options = { .no_sync = o->no_sync };
	struct progress_bar bar;
	struct lock_wait wait;
	enum heft_status st;

	edit_options.run = progress_bar_start(&bar, "compact", path, o->threads);
	lock_wait_start(&wait, o->lock_ms);
	do {
		edit_options.lock_ms = lock_wait_next(&wait);
		st = heft_compact(path, &edit_options, NULL, err);
	} while (lock_wait_goes_on(&wait, st, err));
	progress_bar_done(&bar);
	return st;
}

/* --- mistakes --- */

/* A name that is near to one of the two that the change speaks of, and the one that it is near
 * to. */
static char *guess(const char *path, const struct opt_item *item)
{
	const size_t kind = kind_of(item);
	char *left;
	char *near;

	if (kind < RENAME)
		return NULL;
	left = left_of(item);
	near = nearest_tensor(path, left);
	free(left);
	return !near && kind == TIE ? nearest_tensor(path, right_of(item)) : near;
}

/* A message of the library that begins with the option says it all. */
static int report_mistake(const struct invocation *in, const struct opt_item *item,
                          const struct heft_error *err)
{
	char *near = guess(in->operands[0], item);
	int status;

	if (strncmp(err->msg, "--", 2) == 0)
		status = report_usage(in->command, "%s", err->msg);
	else if (near)
		status = report_usage(in->command, "--%s '%s': %s; is '%s' meant?", item->opt->name,
		                      item->value, err->msg, near);
	else
		status = report_usage(in->command, "--%s '%s': %s", item->opt->name, item->value,
		                      err->msg);
	free(near);
	return status;
}

/* What the format cannot hold comes with a hint that is for 'heft convert'. */
static void drop_hint(struct heft_error *err)
{
	char *hint = strstr(err->msg, ": --");

	if (hint)
		*hint = '\0';
}

/* --- the command --- */

static int finish(const char *path, const struct options *o, const struct heft_edit_report *report)
{
	struct heft_error err;

	if (report->note[0])
		report_words("%s: %s", path, report->note);
	if (o->dry_run) {
		edit_report_dry(path, report);
		return STATUS_DONE;
	}
	if (!o->quiet)
		edit_report_done(path, report);
	if (o->compact && !report->is_rewrite && compact_file(path, o, &err) != HEFT_OK) {
		report_words("%s: the edit is done; what follows is about --compact", path);
		return report_error(path, &err);
	}
	if (!o->quiet)
		edit_report_dead_bytes(path);
	return STATUS_DONE;
}

static int run(const struct invocation *in)
{
	const struct options *o = in->options;
	const char *path = in->operands[0];
	const struct opt_item *failed = NULL;
	struct heft_edit_report report;
	struct heft_error err;
	enum heft_status st;

	if (check_changes(in) != STATUS_DONE)
		return STATUS_USAGE;
	st = edit_file(path, o, &failed, &report, &err);
	if (st == HEFT_E_USAGE && failed)
		return report_mistake(in, failed, &err);
	if (st != HEFT_OK) {
		drop_hint(&err);
		return report_error(path, &err);
	}
	return finish(path, o, &report);
}

static const char examples[] =
	"  heft edit model.heft --set license=MIT --unset draft\n"
	"  heft edit model.heft --set-json 'labels=[\"cat\", \"dog\"]'\n"
	"  heft edit model.heft --rename 'encoder.*=backbone.*'\n"
	"  heft edit model.heft --delete 'head.*' --compact\n"
	"  heft edit model.heft --rename a=b --rename b=a\n"
	"  heft edit model.safetensors --set format=pt --delete '*.num_batches_tracked'\n";

const struct command command_edit = {
	.name = "edit",
	.summary = "change metadata, rename, delete and tie tensors",
	.operands = "FILE",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.options_size = sizeof(struct options),
	.details =
		"To a heft file the changes are appended, whatever the file's size; what was\n"
		"there stays, so that programs that have the file open go on with what they\n"
		"know. A file of another format is written anew beside itself, as 'heft convert'\n"
		"would write it, and takes its place; what the format cannot hold is said before\n"
		"anything is written. Writers lock the file. A crash leaves it as it was or\n"
		"changed, never half. A set of shards, which goes by its index, is written anew\n"
		"as well: shards, then the index; a crash while they take their places may leave\n"
		"shards without an index. One shard that is left needs none.\n"
		"\n"
		"All changes are made at once. Names and patterns mean the tensors as FILE has\n"
		"them, so that two can change names; of several --rename the first that matches\n"
		"counts, and --delete before all of them. A pattern that matches nothing is a\n"
		"mistake. KEY, FROM and NAME end at the first '='.\n"
		"\n"
		"--tie wants equal types, shapes and values, in a heft file; bytes that were\n"
		"stored twice are dead then. The weights digest stays with metadata and ties,\n"
		"and changes with names and deletions; the artifact digest changes with all.\n",
	.examples = examples,
	.run = run,
};
