/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_pack.c - writes the heft file that a text describes. */
#include "command.h"
#include "heft/text.h"
#include "interrupt.h"
#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct options {
	bool force;
};

static const struct opt options[] = {
	OPT_ROW_FORCE,
	OPT_ROW_END,
};

/* A text is read whole: heft_pack looks ahead in it, and people wrote it. */
static int read_all(struct output *text, int fd, const char *name)
{
	char piece[16384];
	ssize_t n;

	while ((n = read(fd, piece, sizeof piece)) != 0) {
		if (n < 0 && interrupt_pending())
			return interrupt_status();
		if (n < 0 && errno != EINTR)
			return report_system(name, "cannot read", errno);
		if (n > 0)
			output_bytes(text, piece, (size_t)n);
		if (text->error)
			return report_system(name, "cannot read", text->error);
	}
	return STATUS_DONE;
}

static int read_file(struct output *text, const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	int status;

	if (fd < 0) {
		const bool is_missing = errno == ENOENT;

		report_system(path, "cannot open", errno);
		return is_missing ? STATUS_USAGE : STATUS_SYSTEM;
	}
	status = read_all(text, fd, path);
	close(fd);
	return status;
}

/* A fault in the text has a line number, where other errors have an offset. */
static int report_pack(const char *text_name, const char *out_path, const struct heft_error *err)
{
	if (err->code != HEFT_E_CORRUPT)
		return report_error(err->code == HEFT_E_NOMEM ? text_name : out_path, err);
	if (err->offset == HEFT_NO_OFFSET)
		report_words("%s: %s", text_name, err->msg);
	else
		report_words("%s:%" PRIu64 ": %s", text_name, err->offset, err->msg);
	return STATUS_BAD_DATA;
}

static int run(const struct invocation *in)
{
	const struct options *o = in->options;
	const char *text_path = in->operands[0];
	const char *out_path = in->operands[1];
	struct heft_error err;
	struct output text;
	int status;

	if (new_file_check(out_path, o->force) != STATUS_DONE)
		return STATUS_USAGE;
	output_init(&text, -1);
	if (strcmp(text_path, "-") == 0)
		status = read_all(&text, STDIN_FILENO, "standard input");
	else
		status = read_file(&text, text_path);
	if (status == STATUS_DONE) {
		const char *string = output_string(&text);

		if (heft_pack(string, text.n, out_path, o->force, &err) != HEFT_OK)
			status = report_pack(text_path, out_path, &err);
	}
	output_done(&text);
	return status;
}

static const char examples[] = "  heft dump model.heft | heft pack - copy.heft\n";

const struct command command_pack = {
	.name = "pack",
	.summary = "write the heft file that a text describes",
	.operands = "TEXTFILE OUT",
	.min_operands = 2,
	.max_operands = 2,
	.options = options,
	.options_size = sizeof(struct options),
	.details = "Reads what 'heft dump' prints, or a text written by hand; '-' is standard\n"
		   "input. A text may state any field, right or wrong, which makes test files of\n"
		   "any kind; what it leaves out is computed. A mistake in the text is reported\n"
		   "with its line.\n",
	.examples = examples,
	.run = run,
};
