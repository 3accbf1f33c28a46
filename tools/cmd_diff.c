/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_diff.c - says how two files of weights differ. */
#include "command.h"
#include "diff_result.h"
#include "memory.h"
#include "open_options.h"
#include "progress_bar.h"
#include "spool.h"

#include <stdlib.h>
#include <string.h>

struct options {
	bool by_content;
	bool stored;
	bool weights_only;
	bool all;
	bool json;
	bool quiet;
	struct opt_list exclude;
	struct opt_list assume;
	uint32_t threads;
};

static const struct opt options[] = {
	{
		.letter = 'c',
		.name = "by-content",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, by_content),
		.help = "find renamed tensors: match what is only in A with what is only in B by "
			"digest",
	},
	{
		.letter = 's',
		.name = "stored",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, stored),
		.help = "believe two heft files: tensors whose stated digests agree are not read",
	},
	{
		.letter = 'x',
		.name = "exclude",
		.arg = "GLOB",
		.kind = OPT_LIST,
		.at = offsetof(struct options, exclude),
		.help = "leave out tensors that match; may be repeated",
	},
	{
		.name = "weights-only",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, weights_only),
		.help = "leave out the tensors of an optimizer and of other state",
	},
	{
		.letter = 'a',
		.name = "all",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, all),
		.help = "show all rows of each table, not the first 20",
	},
	{
		.name = "json",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, json),
		.help = "print JSON, everything in the order of the files",
	},
	{
		.letter = 'q',
		.name = "quiet",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, quiet),
		.help = "print nothing: the exit status says it",
	},
	OPT_ROW_ASSUME,
	OPT_ROW_THREADS,
	OPT_ROW_END,
};

static void add_difference(void *user, const struct heft_difference *d)
{
	diff_result_add(user, d);
}

/* `failed` is the file that the message is about: 1, 2, or 0 for neither. */
static int report_failure(const struct diff_result *r, uint32_t failed,
                          const struct heft_error *err)
{
	struct output both;
	int status;

	if (failed > 0)
		return report_error(r->name[failed - 1], err);
	output_init(&both, -1);
	output_text(&both, r->name[0]);
	output_text(&both, ", ");
	output_text(&both, r->name[1]);
	status = report_error(output_string(&both), err);
	output_done(&both);
	return status;
}

static enum heft_status compare(const struct invocation *in, struct diff_result *r,
                                uint32_t *failed, struct heft_error *err)
{
	const struct options *o = in->options;
	const char **excludes = memory_new(o->exclude.n, sizeof *excludes);
	struct heft_diff_options diff_options = {
		.by_content = o->by_content,
		.trust_stated = o->stored,
		.weights_only = o->weights_only,
		.include = (const char *const *)in->operands + 2,
		.n_include = in->n_operands - 2,
		.exclude = excludes,
		.n_exclude = o->exclude.n,
	};
	struct progress_bar bar;
	enum heft_status st;

	for (uint32_t i = 0; i < o->exclude.n; i++)
		excludes[i] = o->exclude.items[i].value;
	diff_options.run = progress_bar_start(&bar, "diff", r->name[1], o->threads);
	st = heft_diff(r->file[0], r->file[1], &diff_options, o->quiet ? NULL : add_difference, r,
	               &r->summary, err);
	progress_bar_done(&bar);
	free(excludes);
	*failed = st == HEFT_OK ? 0 : r->summary.failed_file;
	return st;
}

static int diff(const struct invocation *in, struct diff_result *r)
{
	const struct options *o = in->options;
	struct heft_error err;
	uint32_t failed = 0;
	enum heft_status st = compare(in, r, &failed, &err);

	if (st == HEFT_OK && !o->quiet)
		st = diff_result_compare_metadata(r, &failed, &err);
	if (st == HEFT_OK && !o->quiet)
		st = o->json ? diff_json_print(in->out, r, &err)
		             : diff_text_print(in->out, r, o->all, &err);
	if (st != HEFT_OK)
		return report_failure(r, failed, &err);
	return r->summary.is_equal ? STATUS_DONE : STATUS_NO;
}

static int open_and_diff(const struct invocation *in, const struct spool *spools)
{
	const struct options *o = in->options;
	struct diff_result r = { .name = { spools[0].name, spools[1].name } };
	struct open_options open;
	struct heft_error err;
	int status = open_options_init(&open, in->command, &o->assume, NULL);

	for (uint32_t k = 0; k < 2 && status == STATUS_DONE; k++)
		if (heft_open(spools[k].path, &open.options, &r.file[k], &err) != HEFT_OK)
			status = report_error(spools[k].name, &err);
	if (status == STATUS_DONE)
		status = diff(in, &r);
	diff_result_done(&r);
	heft_close(r.file[0]);
	heft_close(r.file[1]);
	open_options_done(&open);
	return status;
}

static int run(const struct invocation *in)
{
	struct spool spools[2];
	int status;

	if (strcmp(in->operands[0], "-") == 0 && strcmp(in->operands[1], "-") == 0)
		return report_usage(in->command, "only one of A and B can be standard input");
	status = spool_open(&spools[0], in->operands[0]);
	if (status != STATUS_DONE)
		return status;
	status = spool_open(&spools[1], in->operands[1]);
	if (status == STATUS_DONE) {
		status = open_and_diff(in, spools);
		spool_close(&spools[1]);
	}
	spool_close(&spools[0]);
	return status;
}

static const char examples[] = "  heft diff base.safetensors tuned.safetensors\n"
			       "  heft diff model.npz model.heft '*.weight' --exclude '*.norm.*'\n"
			       "  heft diff --json a.heft b.heft | jq -r '.changed[].name'\n";

const struct command command_diff = {
	.name = "diff",
	.summary = "say how two files of weights differ",
	.operands = "A B [PATTERN]...",
	.min_operands = 2,
	.max_operands = UINT32_MAX,
	.options = options,
	.options_size = sizeof(struct options),
	.details =
		"Compares tensors of the same name, in files of any two formats; with PATTERN\n"
		"those whose whole name matches one, as in '*.bias'. First the answer and the\n"
		"counts; then the tensors that changed, the most changed first:\n"
		"\n"
		"  relative  length of B - A over the length of A, both as vectors\n"
		"  max, RMS  of the differences; cosine of the angle between A and B\n"
		"  share     of the elements that differ\n"
		"\n"
		"Elements of one dtype differ when their bits do, those of two dtypes when their\n"
		"values do, after a widening without loss. Infinities and NaNs are counted, and\n"
		"stay out of the other measures. Tensors are compared when their shapes are the\n"
		"same but for dimensions of 1.\n"
		"\n"
		"Files are equal when they have the same tensors with the same dtypes, shapes\n"
		"and bytes. Metadata, order and ties do not count, as in 'heft digest'; the\n"
		"summary tells when metadata or ties differ.\n"
		"\n"
		"Exit status 0: equal; 1: different.\n",
	.examples = examples,
	.run = run,
};
