/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - help, made from the tables that the commands are parsed with. */
#include "help.h"

#include <string.h>

#include "command.h"
#include "heft/file.h"
#include "heft/version.h"

#define WIDTH 79
#define OPTION_COLUMN 26
#define STATUS_COLUMN 7

static const struct help_status statuses[] = {
	{ "0", "done" },
	{ "1", "the answer is no: a file does not verify, two files differ" },
	{ "2", "usage; no such file or tensor; what the target cannot hold" },
	{ "3", "a file is of no known format, corrupt, unsupported or over a limit" },
	{ "4", "input or output failed, no memory, or the file is busy; also, without a message, "
	       "when the reader of the output went away" },
	{ "130", "interrupted" },
};

const struct help_status *help_status_at(size_t i)
{
	return i < sizeof statuses / sizeof *statuses ? &statuses[i] : NULL;
}

/* Prints words from column `at` on, wrapped, further lines indented to the same column. */
static void print_wrapped(struct output *out, const char *text, size_t at)
{
	size_t column = at;

	while (*text) {
		const size_t n = strcspn(text, " ");

		if (column > at && column + 1 + n > WIDTH) {
			output_char(out, '\n');
			output_repeat(out, ' ', at);
			column = at;
		} else if (column > at) {
			output_char(out, ' ');
			column++;
		}
		output_bytes(out, text, n);
		column += n;
		text += n;
		text += strspn(text, " ");
	}
	output_char(out, '\n');
}

/* "  -j, --threads N", then its help at a fixed column. */
static void print_option(struct output *out, const struct opt *opt)
{
	struct output head;

	output_init(&head, -1);
	if (opt->letter)
		output_format(&head, "  -%c, --%s", opt->letter, opt->name);
	else
		output_format(&head, "      --%s", opt->name);
	if (opt->arg)
		output_format(&head, opt->kind == OPT_CHOICE ? "[=%s]" : " %s", opt->arg);
	output_text(out, output_string(&head));
	if (head.n + 2 > OPTION_COLUMN) {
		output_char(out, '\n');
		output_repeat(out, ' ', OPTION_COLUMN);
	} else {
		output_repeat(out, ' ', OPTION_COLUMN - head.n);
	}
	output_done(&head);
	print_wrapped(out, opt->help, OPTION_COLUMN);
}

void help_command(struct output *out, const struct command *command)
{
	static const struct opt help = { .letter = 'h', .name = "help", .help = "print this help" };

	output_format(out, "heft %s - %s\n\n", command->name, command->summary);
	output_format(out, "usage: heft %s [OPTION]... %s\n\n", command->name, command->operands);
	output_text(out, command->details);
	output_text(out, "\noptions:\n");
	for (const struct opt *opt = command->options; opt->name; opt++)
		print_option(out, opt);
	print_option(out, &help);
	output_text(out, "\nexamples:\n");
	output_text(out, command->examples);
}

static void print_formats(struct output *out)
{
	const char *extension;
	bool can_write;
	const char *name;

	output_text(out,
	            "\nformats, told by a file's content and, for output, by its extension:\n");
	for (uint32_t i = 0; (name = heft_format_at(i, &extension, &can_write, NULL)) != NULL; i++)
		output_format(out, "  %-20s%-33s%s\n", name, extension,
		              can_write ? "read, write" : "read");
}

void help_overview(struct output *out)
{
	const struct command *command;

	output_text(out, "heft keeps, converts, inspects and verifies the weights of models\n"
	                 "\n"
	                 "usage: heft COMMAND [OPTION]... FILE...\n"
	                 "\n"
	                 "commands:\n");
	for (size_t i = 0; (command = command_at(i)) != NULL; i++)
		output_format(out, "  %-12s%s\n", command->name, command->summary);
	output_text(
		out,
		"\n"
		"'heft COMMAND --help' tells all about a command, 'heft --version' versions.\n");
	print_formats(out);
	output_text(out, "\nexit status:\n");
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		output_format(out, "  %-*s", STATUS_COLUMN - 2, statuses[i].status);
		print_wrapped(out, statuses[i].meaning, STATUS_COLUMN);
	}
	output_text(out, "\nData goes to standard output, words to standard error. NO_COLOR is "
	                 "honoured.\n");
}

void help_version(struct output *out)
{
	output_format(out, "heft %s\ncontainer %d.%d\ndigest %d\n", heft_version(),
	              HEFT_CONTAINER_MAJOR, HEFT_CONTAINER_MINOR, HEFT_DIGEST_VERSION);
}
