/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_dump.c - prints a heft file as text. */
#include "command.h"
#include "heft/text.h"
#include "interrupt.h"
#include "new_file.h"
#include "spool.h"

struct options {
	const char *out;
	bool force;
};

static const struct opt options[] = {
	{
		.letter = 'o',
		.name = "output",
		.arg = "OUT",
		.kind = OPT_TEXT,
		.at = offsetof(struct options, out),
		.help = "write to OUT, not standard output",
	},
	OPT_ROW_FORCE,
	OPT_ROW_END,
};

/* Stops when there is nobody to write to any more. */
static bool take_text(void *user, const char *text, size_t n)
{
	struct output *out = user;

	output_bytes(out, text, n);
	return out->error == 0 && !interrupt_pending();
}

static int dump(const struct spool *spool, struct output *out)
{
	struct heft_error err;
	const enum heft_status st = heft_dump(spool->path, take_text, out, &err);

	/* Whoever ends the output says what happened to it. */
	return st == HEFT_OK || out->error ? STATUS_DONE : report_error(spool->name, &err);
}

static int dump_to_file(const struct spool *spool, const char *path, bool overwrite)
{
	struct new_file f;
	int status = new_file_open(&f, path, overwrite);

	if (status != STATUS_DONE)
		return status;
	interrupt_watch();
	status = dump(spool, &f.out);
	if (status == STATUS_DONE)
		return new_file_commit(&f);
	new_file_discard(&f);
	return status;
}

static int run(const struct invocation *in)
{
	const struct options *o = in->options;
	struct spool spool;
	int status = spool_open(&spool, in->operands[0]);

	if (status != STATUS_DONE)
		return status;
	status = o->out ? dump_to_file(&spool, o->out, o->force) : dump(&spool, in->out);
	spool_close(&spool);
	return status;
}

static const char examples[] = "  heft dump model.heft | less\n"
			       "  heft dump -o model.text model.heft\n";

const struct command command_dump = {
	.name = "dump",
	.summary = "print a heft file as text",
	.operands = "FILE",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.options_size = sizeof(struct options),
	.details = "Prints every field and every byte of a heft file in a form that 'heft pack'\n"
		   "reads back: to review a file, to see what differs, to write a test file by\n"
		   "hand.\n",
	.examples = examples,
	.run = run,
};
