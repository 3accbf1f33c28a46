/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_init.c - gives a model first values to train from, or a new last layer. */
#include "command.h"
#include "heft/tuned.h"
#include "memory.h"
#include "new_file.h"
#include "print_name.h"
#include "progress_bar.h"
#include "spool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	struct opt_list only;
	struct opt_list keep;
	const char *first;
	const char *seed;
	const char *head;
	uint32_t threads;
	bool force;
	bool quiet;
	bool no_sync;
};

static const char *const first_words[] = { "he", "xavier", "normal:", "zero", NULL };

static const struct opt options[] = {
	{
		.letter = 'i',
		.name = "init",
		.arg = "HOW",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, first),
		.choices = first_words,
		.help = "he (as it is without this option), xavier, normal:DEVIATION or zero",
	},
	{
		.letter = 's',
		.name = "seed",
		.arg = "S",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, seed),
		.help = "draw the numbers of seed S (default: 0)",
	},
	{
		.name = "head",
		.arg = "N",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, head),
		.help = "replace the last linear layer alone, by one for N classes",
	},
	{
		.name = "only",
		.arg = "GLOB",
		.kind = OPT_LIST,
		.at = offsetof(struct options, only),
		.help = "only tensors whose names match; may be repeated",
	},
	{
		.letter = 'k',
		.name = "keep",
		.arg = "GLOB",
		.kind = OPT_LIST,
		.at = offsetof(struct options, keep),
		.help = "not tensors whose names match; may be repeated",
	},
	OPT_ROW_FORCE,
	OPT_ROW_QUIET,
	OPT_ROW_NO_SYNC,
	OPT_ROW_THREADS,
	OPT_ROW_END,
};

/* What the options say, as the library wants it. */
struct wish {
	enum heft_first_values first;
	double deviation;
	uint64_t seed;
	uint64_t n_classes; /* 0: no new head */
};

static int read_count(const struct invocation *in, const char *option, const char *text,
                      uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0')
		return STATUS_DONE;
	return report_usage(in->command, "--%s: '%s' is no whole number", option, text);
}

static int read_first(const struct invocation *in, const char *text, struct wish *wish)
{
	char *end;

	if (strcmp(text, "he") == 0 || strcmp(text, "zero") == 0 || strcmp(text, "xavier") == 0) {
		wish->first = text[0] == 'h'   ? HEFT_FIRST_HE
		              : text[0] == 'z' ? HEFT_FIRST_ZERO
		                               : HEFT_FIRST_XAVIER;
		return STATUS_DONE;
	}
	if (strncmp(text, "normal:", 7) != 0)
		return report_usage(in->command,
		                    "--init: '%s' is none of he, xavier, normal:DEVIATION, zero",
		                    text);
	wish->first = HEFT_FIRST_NORMAL;
	wish->deviation = strtod(text + 7, &end);
	if (end == text + 7 || *end != '\0' || !(wish->deviation > 0 && wish->deviation < 1e30))
		return report_usage(in->command,
		                    "--init: normal:DEVIATION wants a number above 0, as in "
		                    "normal:0.02");
	return STATUS_DONE;
}

static int read_wish(const struct invocation *in, struct wish *wish)
{
	const struct options *o = in->options;
	int status = STATUS_DONE;

	*wish = (struct wish){ .first = HEFT_FIRST_HE };
	if (o->first)
		status = read_first(in, o->first, wish);
	if (status == STATUS_DONE && o->seed)
		status = read_count(in, "seed", o->seed, &wish->seed);
	if (status == STATUS_DONE && o->head)
		status = read_count(in, "head", o->head, &wish->n_classes);
	if (status != STATUS_DONE || !o->head)
		return status;
	if (wish->n_classes == 0)
		return report_usage(in->command, "--head: a head has at least one class");
	if (o->only.n > 0 || o->keep.n > 0)
		return report_usage(in->command, "--head excludes --only and --keep");
	if (wish->first == HEFT_FIRST_NORMAL)
		return report_usage(in->command, "--head begins with he, xavier or zero");
	return STATUS_DONE;
}

static const char **patterns_of(const struct opt_list *list)
{
	const char **patterns = memory_new(list->n, sizeof *patterns);

	for (uint32_t i = 0; i < list->n; i++)
		patterns[i] = list->items[i].value;
	return patterns;
}

static void print_digest(struct output *out, const uint8_t *digest)
{
	output_text(out, "\nweights digest ");
	output_hex(out, digest, HEFT_DIGEST_SIZE);
	output_char(out, '\n');
}

static void print_init(const char *path, const struct heft_init_report *r)
{
	struct output out;

	output_init(&out, STDERR_FILENO);
	print_words(&out, path);
	output_text(&out, ": ");
	output_grouped(&out, r->n_values);
	output_format(&out, " new values: %" PRIu32 " weights, %" PRIu32 " biases and scales",
	              r->n_weights, r->n_constants);
	if (r->n_kept > 0)
		output_format(&out, "; %" PRIu32 " tensors as they were", r->n_kept);
	print_digest(&out, r->weights_digest);
	output_flush(&out);
	output_done(&out);
}

static void print_head(const char *path, uint64_t n_classes, const struct heft_head_report *r)
{
	struct output out;

	output_init(&out, STDERR_FILENO);
	print_words(&out, path);
	output_format(&out, ": %s '", r->layer_op);
	print_words(&out, r->weight);
	output_text(&out, "' has ");
	output_grouped(&out, n_classes);
	output_text(&out, " classes, and had ");
	output_grouped(&out, r->n_old);
	print_digest(&out, r->weights_digest);
	output_flush(&out);
	output_done(&out);
}

static enum heft_status write_init(const struct invocation *in, struct heft_file *file,
                                   const struct wish *wish, const struct heft_tuned_options *target,
                                   struct heft_init_report *report, struct heft_error *err)
{
	const struct options *o = in->options;
	const char **only = patterns_of(&o->only);
	const char **keep = patterns_of(&o->keep);
	const struct heft_init_options wanted = {
		.first = wish->first,
		.deviation = wish->deviation,
		.seed = wish->seed,
		.only = only,
		.n_only = o->only.n,
		.keep = keep,
		.n_keep = o->keep.n,
		.target = *target,
	};
	const enum heft_status st = heft_init_write(file, in->operands[1], &wanted, report, err);

	free(only);
	free(keep);
	return st;
}

/* What is wrong with the model belongs to it, and so does a pattern that matches nothing. */
static int report_failure(const struct invocation *in, const char *source,
                          const struct heft_error *err)
{
	const bool is_source = report_status(err->code) == STATUS_BAD_DATA ||
	                       err->code == HEFT_E_NOT_FOUND ||
	                       strncmp(err->msg, "no tensor ", 10) == 0;

	return report_error(is_source ? source : in->operands[1], err);
}

static int init_open(const struct invocation *in, const char *source, struct heft_file *file,
                     const struct wish *wish)
{
	const struct options *o = in->options;
	const char *path = in->operands[1];
	struct heft_tuned_options target = { .write = { .overwrite = o->force,
		                                        .no_sync = o->no_sync } };
	struct heft_init_report init = { 0 };
	struct heft_head_report head = { 0 };
	struct progress_bar bar;
	struct heft_error err;
	enum heft_status st;

	target.run = progress_bar_start(&bar, "init", source, o->threads);
	if (wish->n_classes > 0) {
		const struct heft_head_options wanted = { .n_classes = wish->n_classes,
			                                  .first = wish->first,
			                                  .seed = wish->seed,
			                                  .target = target };

		st = heft_head_write(file, path, &wanted, &head, &err);
	} else {
		st = write_init(in, file, wish, &target, &init, &err);
	}
	progress_bar_done(&bar);
	if (st != HEFT_OK)
		return report_failure(in, source, &err);
	if (!o->quiet && wish->n_classes > 0)
		print_head(path, wish->n_classes, &head);
	else if (!o->quiet)
		print_init(path, &init);
	return STATUS_DONE;
}

static int run(const struct invocation *in)
{
	const struct options *o = in->options;
	struct heft_file *file;
	struct heft_error err;
	struct spool spool;
	struct wish wish;
	int status = read_wish(in, &wish);

	if (status == STATUS_DONE)
		status = new_file_check(in->operands[1], o->force);
	if (status == STATUS_DONE)
		status = spool_open(&spool, in->operands[0]);
	if (status != STATUS_DONE)
		return status;
	if (heft_open(spool.path, NULL, &file, &err) == HEFT_OK) {
		status = init_open(in, spool.name, file, &wish);
		heft_close(file);
	} else {
		status = report_error(spool.name, &err);
	}
	spool_close(&spool);
	return status;
}

const struct command command_init = {
	.name = "init",
	.summary = "give a model first values to train from, or a new last layer",
	.operands = "MODEL OUT",
	.min_operands = 2,
	.max_operands = 2,
	.options = options,
	.options_size = sizeof(struct options),
	.details =
		"MODEL is an ONNX model or a heft file with a graph; OUT is either, by its\n"
		"extension. Each weight gets small numbers drawn by its fan in, the number of\n"
		"products that one output is the sum of: he draws normal numbers of deviation\n"
		"sqrt(2 / fan in), xavier uniform ones up to sqrt(6 / (fan in + fan out)).\n"
		"Tables of embeddings get normal numbers of deviation 0.02, biases 0, scales of\n"
		"normalisations 1, running means 0 and variances 1. The same seed gives the same\n"
		"numbers on every machine. A tensor whose use tells no first values is named,\n"
		"and nothing is written: --keep leaves it as it is.\n"
		"\n"
		"With --head N only the linear layer nearest to the output is new: it has N\n"
		"outputs, a new weight and a bias of zeros, and the rest of the model stays.\n"
		"\n"
		"A heft file tells what was done ('heft log').\n",
	.examples = "  heft init --seed 7 model.onnx fresh.heft\n"
		    "  heft init --head 5 model.onnx five.onnx\n"
		    "  heft init --keep 'encoder.*' model.heft restart.heft\n",
	.run = run,
};
