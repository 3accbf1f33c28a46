/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_verify.c - says whether a file is what it states. */
#include "command.h"
#include "heft/digest.h"
#include "heft/lineage.h"
#include "json_out.h"
#include "open_options.h"
#include "print_name.h"
#include "progress_bar.h"
#include "spool.h"
#include "term.h"
#include "verify_replay.h"

#include <inttypes.h>
#include <unistd.h>

struct options {
	struct opt_list assume;
	struct opt_list input;
	struct opt_list pin;
	const char *base;
	const char *data;
	const char *val;
	const char *target;
	const char *checkpoint;
	uint32_t segment;
	bool replay;
	bool strict;
	bool previous;
	bool json;
	uint32_t threads;
};

static const struct opt options[] = {
	{
		.letter = 's',
		.name = "strict",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, strict),
		.help = "refuse a heft file that is not compact, as well",
	},
	{
		.letter = 'p',
		.name = "previous",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, previous),
		.help = "verify the generation before the current one",
	},
	{
		.name = "json",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, json),
		.help = "print JSON",
	},
	{
		.letter = 'r',
		.name = "replay",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, replay),
		.help = "do the training that FILE tells of again, and compare the weights",
	},
	{
		.name = "base",
		.arg = "MODEL",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, base),
		.help = "of --replay: what the training began from",
	},
	{
		.name = "data",
		.arg = "DATA",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, data),
		.help = "of --replay: the samples that it trained with",
	},
	{
		.name = "val",
		.arg = "DATA",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, val),
		.help = "of --replay: the samples that it validated with",
	},
	{
		.name = "target",
		.arg = "ARRAY",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, target),
		.help = "of --replay: as it was given to 'heft tune'",
	},
	{
		.name = "input",
		.arg = "NAME=ARRAY",
		.kind = OPT_LIST,
		.at = offsetof(struct options, input),
		.help = "likewise",
	},
	{
		.name = "pin",
		.arg = "NAME=VALUE",
		.kind = OPT_LIST,
		.at = offsetof(struct options, pin),
		.help = "likewise",
	},
	{
		.name = "checkpoint",
		.arg = "PATH",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, checkpoint),
		.help = "of --replay: begin from this checkpoint of the run",
	},
	{
		.name = "segment",
		.arg = "K",
		.kind = OPT_COUNT,
		.at = offsetof(struct options, segment),
		.help = "of --replay: go no further than link K of the lineage",
	},
	OPT_ROW_ASSUME,
	OPT_ROW_THREADS,
	OPT_ROW_END,
};

/* Faults are kept until the bar is off the terminal and the answer is known. */
struct collector {
	const char *file;
	struct output text;
	struct json_out json;
	bool is_json;
};

static void add_json_fault(struct json_out *j, const struct heft_fault *fault)
{
	json_out_begin(j, '{');
	json_out_key(j, "what");
	json_out_text(j, fault->what);
	json_out_key(j, "name");
	json_out_text(j, fault->name);
	json_out_key(j, "offset");
	if (fault->offset == HEFT_NO_OFFSET)
		json_out_text(j, NULL);
	else
		json_out_u64(j, fault->offset);
	json_out_key(j, "msg");
	json_out_text(j, fault->msg);
	json_out_end(j, '}');
}

static void add_fault(void *user, const struct heft_fault *fault)
{
	struct collector *c = user;

	if (c->is_json) {
		add_json_fault(&c->json, fault);
		return;
	}
	print_words(&c->text, c->file);
	output_text(&c->text, ": ");
	print_words(&c->text, fault->msg);
	if (fault->offset != HEFT_NO_OFFSET)
		output_format(&c->text, " (at byte %" PRIu64 ")", fault->offset);
	output_char(&c->text, '\n');
}

static const char *const lineage_words[] = {
	[HEFT_LINEAGE_NONE] = NULL,
	[HEFT_LINEAGE_AGREES] = "agrees",
	[HEFT_LINEAGE_DIFFERS] = "differs",
};

static void json_replay(struct json_out *j, const struct heft_replay_report *r)
{
	json_out_key(j, "replay");
	json_out_begin(j, '{');
	json_out_key(j, "same");
	json_out_bool(j, r->is_same);
	json_out_key(j, "n_steps");
	json_out_u64(j, r->n_steps);
	json_out_key(j, "n_links");
	json_out_u64(j, r->n_links);
	json_out_key(j, "whole");
	json_out_bool(j, r->was_whole);
	json_out_key(j, "good_step");
	json_out_u64(j, r->good_step);
	json_out_key(j, "bad_step");
	json_out_u64(j, r->bad_step);
	json_out_key(j, "tensor");
	json_out_text(j, r->tensor[0] != '\0' ? r->tensor : NULL);
	json_out_end(j, '}');
}

static void print_json(struct output *out, struct collector *c, const struct heft_verify_report *r,
                       const struct heft_lineage_report *lineage,
                       const struct heft_replay_report *replay)
{
	struct json_out j;

	json_out_init(&j, out);
	json_out_begin(&j, '{');
	json_out_key(&j, "file");
	json_out_text(&j, c->file);
	json_out_key(&j, "ok");
	json_out_bool(&j, r->ok);
	json_out_key(&j, "weights_digest");
	json_out_hex(&j, r->weights_digest, HEFT_DIGEST_SIZE);
	json_out_key(&j, "artifact_digest");
	if (r->has_artifact_digest)
		json_out_hex(&j, r->artifact_digest, HEFT_DIGEST_SIZE);
	else
		json_out_text(&j, NULL);
	json_out_key(&j, "n_dead_bytes");
	json_out_u64(&j, r->n_dead_bytes);
	json_out_key(&j, "lineage");
	json_out_text(&j, lineage_words[lineage->answer]);
	if (replay)
		json_replay(&j, replay);
	json_out_key(&j, "signatures");
	json_out_raw(&j, "[]");
	json_out_key(&j, "bad");
	json_out_raw(&j, output_string(&c->text));
	json_out_end(&j, '}');
}

static void print_coloured(struct output *out, const char *colour, const char *text)
{
	const bool is_coloured = term_has_colour(STDOUT_FILENO);

	output_text(out, is_coloured ? colour : "");
	output_text(out, text);
	output_text(out, is_coloured ? "\033[0m" : "");
}

static void print_lineage(struct output *out, const struct heft_lineage_report *lineage)
{
	if (lineage->answer != HEFT_LINEAGE_AGREES)
		return;
	output_format(out, "  lineage   agrees: %" PRIu32 " %s", lineage->n_steps,
	              lineage->n_steps == 1 ? "step" : "steps");
	if (lineage->n_links > 0)
		output_format(out, ", %" PRIu64 " %s of digests", lineage->n_links,
		              lineage->n_links == 1 ? "link" : "links");
	output_char(out, '\n');
}

static void print_answer(struct output *out, const struct collector *c,
                         const struct heft_verify_report *r,
                         const struct heft_lineage_report *lineage)
{
	output_bytes(out, c->text.buf, c->text.n);
	print_words(out, c->file);
	output_text(out, ": ");
	if (!r->ok) {
		print_coloured(out, "\033[31m", "does not verify");
		output_format(out, " (%" PRIu64 " %s)\n", r->n_faults,
		              r->n_faults == 1 ? "fault" : "faults");
		return;
	}
	print_coloured(out, "\033[32m", "ok");
	output_text(out, "\n  weights   ");
	output_hex(out, r->weights_digest, HEFT_DIGEST_SIZE);
	if (r->has_artifact_digest) {
		output_text(out, "\n  artifact  ");
		output_hex(out, r->artifact_digest, HEFT_DIGEST_SIZE);
	}
	output_char(out, '\n');
	print_lineage(out, lineage);
	if (r->n_dead_bytes > 0) {
		output_text(out, "  ");
		output_grouped(out, r->n_dead_bytes);
		output_text(out, " dead bytes; 'heft compact' frees them\n");
	}
}

/* What the file tells of its past is looked at where its weights are whole. */
static enum heft_status verify_lineage(struct heft_file *file, struct collector *c,
                                       struct heft_verify_report *report,
                                       struct heft_lineage_report *lineage, struct heft_error *err)
{
	struct heft_fault fault = { .what = "lineage", .offset = HEFT_NO_OFFSET };
	enum heft_status st;

	if (!report->ok)
		return HEFT_OK;
	st = heft_lineage_verify(file, report->weights_digest, lineage, err);
	if (st != HEFT_OK || lineage->answer != HEFT_LINEAGE_DIFFERS)
		return st;
	fault.name = "LINEAGE";
	fault.msg = lineage->msg;
	add_fault(c, &fault);
	report->ok = false;
	report->n_faults++;
	return HEFT_OK;
}

/* Done again only where the file is what it states. */
static int replay(const struct invocation *in, const struct collector *c, const char *path,
                  struct heft_file *file, struct heft_replay_report *report)
{
	const struct options *o = in->options;
	const struct verify_replay how = {
		.name = c->file,
		.words = { .path = o->base,
		           .name = o->base,
		           .data = o->data,
		           .val = o->val,
		           .target = o->target,
		           .input = &o->input,
		           .pin = &o->pin,
		           .assume = &o->assume },
		.checkpoint = o->checkpoint,
		.beside = path,
		.n_links = o->segment,
		.n_threads = o->threads,
	};

	return verify_replay_run(in, &how, file, report);
}

static enum heft_status verify(const struct invocation *in, struct collector *c, const char *path,
                               struct heft_file *file, int *status, struct heft_error *err)
{
	const struct options *o = in->options;
	struct heft_verify_options verify_options = { .strict = o->strict };
	struct heft_lineage_report lineage = { .answer = HEFT_LINEAGE_NONE };
	struct heft_replay_report replayed = { 0 };
	struct heft_verify_report report;
	struct progress_bar bar;

	verify_options.run = progress_bar_start(&bar, "verify", c->file, o->threads);

	enum heft_status st = heft_verify(file, &verify_options, add_fault, c, &report, err);

	progress_bar_done(&bar);
	if (st == HEFT_OK)
		st = verify_lineage(file, c, &report, &lineage, err);
	if (st != HEFT_OK)
		return st;
	*status = report.ok ? STATUS_DONE : STATUS_NO;
	if (o->replay && report.ok) {
		*status = replay(in, c, path, file, &replayed);
		if (*status != STATUS_DONE && *status != STATUS_NO)
			return st;
		report.ok = replayed.is_same;
	}
	if (o->json) {
		json_out_end(&c->json, ']');
		print_json(in->out, c, &report, &lineage, o->replay ? &replayed : NULL);
		return st;
	}
	if (replayed.is_same || !o->replay || report.n_faults > 0)
		print_answer(in->out, c, &report, &lineage);
	if (o->replay && report.n_faults == 0)
		verify_replay_print(in->out, c->file, &replayed);
	return st;
}

static int verify_file(const struct invocation *in, const struct spool *spool,
                       const struct open_options *open)
{
	const struct options *o = in->options;
	struct collector c = { .file = spool->name, .is_json = o->json };
	struct heft_file *file;
	struct heft_error err;
	int status = STATUS_NO;
	enum heft_status st = heft_open(spool->path, &open->options, &file, &err);

	if (st != HEFT_OK)
		return report_error(spool->name, &err);
	output_init(&c.text, -1);
	json_out_init_inner(&c.json, &c.text, 1);
	if (o->json)
		json_out_begin(&c.json, '[');
	st = verify(in, &c, spool->path, file, &status, &err);
	heft_close(file);
	output_done(&c.text);
	if (st != HEFT_OK)
		return report_error(spool->name, &err);
	return status;
}

static int run(const struct invocation *in)
{
	const struct options *o = in->options;
	struct open_options open;
	struct spool spool;
	int status;

	if (o->replay && (!o->base || !o->data))
		return report_usage(in->command, "--replay wants --base MODEL and --data DATA");
	if (!o->replay && (o->base || o->data || o->val || o->segment > 0 || o->checkpoint))
		return report_usage(in->command, "--base, --data, --val, --checkpoint and "
		                                 "--segment go with --replay");
	status = open_options_init(&open, in->command, &o->assume, NULL);
	open.options.flags = o->previous ? HEFT_OPEN_PREVIOUS : 0;
	if (status == STATUS_DONE)
		status = spool_open(&spool, in->operands[0]);
	if (status == STATUS_DONE) {
		status = verify_file(in, &spool, &open);
		spool_close(&spool);
	}
	open_options_done(&open);
	return status;
}

static const char examples[] = "  heft verify model.heft\n"
			       "  heft verify --json model.heft | jq .ok\n";

const struct command command_verify = {
	.name = "verify",
	.summary = "check everything that a file states about itself",
	.operands = "FILE",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.options_size = sizeof(struct options),
	.details =
		"Of a heft file: both slot pages, the tables, every section, every chunk and\n"
		"every padding byte; one flipped bit anywhere is found. Other formats state no\n"
		"digests: of them every tensor is read. What a file tells of its lineage must\n"
		"agree with itself and with the weights. The faults are listed, one a line.\n"
		"\n"
		"With --replay the training is done again from --base, by the recipe that FILE\n"
		"tells; the weights must be the same at every link of its lineage and at the\n"
		"end. Where they are not, it is said between which steps they first differ.\n"
		"\n"
		"Exit status 0: FILE verifies; 1: it opens and something does not verify; 3: it\n"
		"does not open.\n",
	.examples = examples,
	.run = run,
};
