/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_digest.c - prints the identity of weights, in lines as sha256sum prints them. */
#include "command.h"
#include "heft/digest.h"
#include "memory.h"
#include "open_options.h"
#include "print_name.h"
#include "progress_bar.h"
#include "spool.h"

#include <stdlib.h>

struct options {
	struct opt_list assume;
	bool tensors;
	bool stored;
	bool artifact;
	uint32_t threads;
};

static const struct opt options[] = {
	{
		.letter = 't',
		.name = "tensors",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, tensors),
		.help = "print the digest of every tensor too, in the file's order",
	},
	{
		.letter = 's',
		.name = "stored",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, stored),
		.help = "print what a heft file states; its data is not read",
	},
	{
		.letter = 'a',
		.name = "artifact",
		.kind = OPT_FLAG,
		.at = offsetof(struct options, artifact),
		.help = "print the artifact digest of a heft file, from what it states; it covers "
			"order, ties and metadata as well",
	},
	OPT_ROW_ASSUME,
	OPT_ROW_THREADS,
	OPT_ROW_END,
};

static void print_line(struct output *out, const uint8_t *digest, const char *name)
{
	print_name_mark(out, name);
	output_hex(out, digest, HEFT_DIGEST_SIZE);
	output_text(out, "  ");
	print_name(out, name);
	output_char(out, '\n');
}

static enum heft_status file_digest(struct heft_file *file, const struct options *o,
                                    const struct heft_run *run, uint8_t *digest,
                                    struct heft_error *err)
{
	if (o->artifact)
		return heft_artifact_digest(file, digest, err);
	if (o->stored)
		return heft_stated_weights_digest(file, digest, err);
	return heft_weights_digest(file, run, digest, err);
}

/* Fills 32 bytes a tensor. */
static enum heft_status tensor_digests(struct heft_file *file, const struct options *o,
                                       const struct heft_run *run, uint8_t *digests,
                                       struct heft_error *err)
{
	enum heft_status st = HEFT_OK;
	struct heft_tensor t;

	if (!o->stored)
		return heft_tensor_digests(file, run, digests, err);
	for (uint32_t i = 0; i < heft_n_tensors(file) && st == HEFT_OK; i++) {
		st = heft_tensor_at(file, i, &t, err);
		if (st == HEFT_OK)
			st = heft_stated_tensor_digest(file, &t,
			                               digests + (size_t)i * HEFT_DIGEST_SIZE, err);
	}
	return st;
}

static enum heft_status print_tensors(struct output *out, struct heft_file *file,
                                      const uint8_t *digests, struct heft_error *err)
{
	enum heft_status st = HEFT_OK;
	struct heft_tensor t;

	for (uint32_t i = 0; i < heft_n_tensors(file) && st == HEFT_OK && !out->error; i++) {
		st = heft_tensor_at(file, i, &t, err);
		if (st == HEFT_OK)
			print_line(out, digests + (size_t)i * HEFT_DIGEST_SIZE, t.name);
	}
	return st;
}

/* All is computed before the first line: a file that fails half way prints nothing. */
static enum heft_status digest_file(const struct invocation *in, struct heft_file *file,
                                    const char *name, struct heft_error *err)
{
	const struct options *o = in->options;
	uint8_t digest[HEFT_DIGEST_SIZE];
	uint8_t *digests = NULL;
	struct progress_bar bar;
	const struct heft_run run = progress_bar_start(&bar, "digest", name, o->threads);
	enum heft_status st = file_digest(file, o, &run, digest, err);

	if (st == HEFT_OK && o->tensors) {
		digests = memory_new(heft_n_tensors(file), HEFT_DIGEST_SIZE);
		st = tensor_digests(file, o, &run, digests, err);
	}
	progress_bar_done(&bar);
	if (st == HEFT_OK)
		print_line(in->out, digest, name);
	if (st == HEFT_OK && o->tensors)
		st = print_tensors(in->out, file, digests, err);
	free(digests);
	return st;
}

static int digest_operand(const struct invocation *in, const struct open_options *open,
                          const char *operand)
{
	struct heft_file *file;
	struct heft_error err;
	struct spool spool;
	int status = spool_open(&spool, operand);

	if (status != STATUS_DONE)
		return status;
	enum heft_status st = heft_open(spool.path, &open->options, &file, &err);

	if (st == HEFT_OK) {
		st = digest_file(in, file, spool.name, &err);
		heft_close(file);
	}
	if (st != HEFT_OK)
		status = report_error(spool.name, &err);
	spool_close(&spool);
	return status;
}

/* One bad file does not keep the others from being looked at; the worst makes the status. */
static int run(const struct invocation *in)
{
	const struct options *o = in->options;
	struct open_options open;
	int worst;

	if (o->artifact && o->tensors)
		return report_usage(in->command, "--artifact and --tensors exclude each other");
	worst = open_options_init(&open, in->command, &o->assume, NULL);
	if (worst != STATUS_DONE) {
		open_options_done(&open);
		return worst;
	}
	for (uint32_t i = 0; i < in->n_operands && worst < 128 && !in->out->error; i++) {
		const int status = digest_operand(in, &open, in->operands[i]);

		if (status > worst)
			worst = status;
	}
	open_options_done(&open);
	return worst;
}

static const char examples[] = "  heft digest model.safetensors model.heft\n"
			       "  heft digest --tensors model.safetensors | grep attention\n";

const struct command command_digest = {
	.name = "digest",
	.summary = "print the digest of weights, which is the same in every format",
	.operands = "FILE...",
	.min_operands = 1,
	.max_operands = UINT32_MAX,
	.options = options,
	.options_size = sizeof(struct options),
	.details =
		"Prints a line a file: 64 hexadecimal digits, two blanks, the file's name. The\n"
		"weights digest depends on the names, dtypes, shapes and values of the tensors\n"
		"and on nothing else: the same model has the same digest in any format, with any\n"
		"compression. It is computed from the data, every byte of which is read.\n"
		"\n"
		"A line that begins with a backslash holds a name with \\\\, \\n or \\uXXXX in\n"
		"it.\n",
	.examples = examples,
	.run = run,
};
