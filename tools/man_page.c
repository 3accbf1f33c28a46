/* SPDX-License-Identifier: Apache-2.0 */
/* man_page.c - manual pages in the macros of man(7), which every roff has. */
#include "man_page.h"

#include <string.h>

#include "command.h"
#include "heft/file.h"
#include "heft/version.h"
#include "help.h"
#include "utf8_text.h"

#define WIDTH 72          /* of the source, before escapes */
#define DATE "2026-11-24" /* of the version; a page from the same source is always the same */

static const char environment[] =
	"COLUMNS is the width of tables where standard output is no terminal. NO_COLOR, set to\n"
	"anything, keeps colours away. TMPDIR is the folder for temporary files.\n";

/* One character that roff, or a reader who copies it, would take for something else. */
static void print_character(struct output *out, uint32_t c)
{
	static const struct {
		uint32_t c;
		const char *roff;
	} special[] = {
		{ '\\', "\\e" },  { '-', "\\-" },   { '\'', "\\(aq" },
		{ '`', "\\(ga" }, { '^', "\\(ha" }, { '~', "\\(ti" },
	};

	for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
		if (special[i].c == c) {
			output_text(out, special[i].roff);
			return;
		}
	}
	if (c < 0x80)
		output_char(out, (char)c);
	else
		output_format(out, "\\[u%04X]", c);
}

/* Text as it is. At the begin of a line nothing may look like a request. */
static void print_text(struct output *out, const char *text, size_t n)
{
	uint32_t c;

	if (n > 0 && text[0] == '.')
		output_text(out, "\\&");
	while (n > 0) {
		const size_t size = utf8_decode(text, n, &c);

		print_character(out, c);
		text += size;
		n -= size;
	}
}

/* Words that roff fills, in lines of a length that people can read. */
static void print_filled(struct output *out, const char *text, size_t n)
{
	const char *end = text + n;
	struct output word;
	size_t column = 0;

	output_init(&word, -1);
	while (text < end) {
		const size_t size = strcspn(text, " \n");

		output_clear(&word);
		print_text(&word, text, size);
		if (column > 0 && column + 1 + word.n > WIDTH) {
			output_char(out, '\n');
			column = 0;
		} else if (column > 0) {
			output_char(out, ' ');
			column++;
		}
		output_text(out, output_string(&word));
		column += word.n;
		text += size;
		text += strspn(text, " \n");
	}
	output_char(out, '\n');
	output_done(&word);
}

static void print_word(struct output *out, const char *text)
{
	print_text(out, text, strlen(text));
}

static void print_bold(struct output *out, const char *before, const char *text)
{
	output_text(out, "\\fB");
	print_word(out, before);
	print_word(out, text);
	output_text(out, "\\fR");
}

static void print_italic(struct output *out, const char *text)
{
	output_text(out, "\\fI");
	print_word(out, text);
	output_text(out, "\\fR");
}

static void print_title(struct output *out, const char *page)
{
	output_text(out, ".TH \"");
	for (const char *c = page; *c; c++)
		print_character(out, (uint32_t)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c));
	output_format(out, "\" 1 %s \"heft %s\" \"User Commands\"\n.SH NAME\n", DATE,
	              heft_version());
	print_word(out, page);
	output_text(out, " \\- ");
}

/* Lines as they are, without the blanks that they all begin with. */
static const char *print_example(struct output *out, const char *text)
{
	output_text(out, ".EX\n");
	while (*text == ' ') {
		const size_t indent = strspn(text, " ") < 2 ? 1 : 2;
		const size_t n = strcspn(text, "\n");

		print_text(out, text + indent, n - indent);
		output_char(out, '\n');
		text += n + (text[n] == '\n');
	}
	output_text(out, ".EE\n");
	return text;
}

/* Up to the empty line, or the line that begins with a blank, that ends the paragraph. */
static size_t paragraph_size(const char *text)
{
	size_t n = 0;

	while (text[n] && text[n] != '\n' && text[n] != ' ') {
		n += strcspn(text + n, "\n");
		n += text[n] == '\n';
	}
	return n;
}

/* Paragraphs are filled; lines that begin with a blank are not. */
static void print_paragraphs(struct output *out, const char *text)
{
	while (*text) {
		const size_t n = paragraph_size(text);

		if (*text == ' ') {
			text = print_example(out, text);
		} else {
			print_filled(out, text, n);
			text += n;
		}
		if (*text == '\n' && text[1])
			output_text(out, ".PP\n");
		text += strspn(text, "\n");
	}
}

/* ".TP", then "-t, --to FORMAT", then its help. */
static void print_option(struct output *out, const struct opt *opt)
{
	const char letter[] = { opt->letter, '\0' };

	output_text(out, ".TP\n");
	if (opt->letter) {
		print_bold(out, "-", letter);
		output_text(out, ", ");
	}
	print_bold(out, "--", opt->name);
	if (opt->arg) {
		output_text(out, opt->kind == OPT_CHOICE ? "[=" : " ");
		print_italic(out, opt->arg);
		if (opt->kind == OPT_CHOICE)
			output_char(out, ']');
	}
	output_char(out, '\n');
	print_filled(out, opt->help, strlen(opt->help));
}

static void print_exit_status(struct output *out)
{
	const struct help_status *row;

	output_text(out, ".SH EXIT STATUS\n");
	for (size_t i = 0; (row = help_status_at(i)) != NULL; i++) {
		output_text(out, ".TP\n");
		print_bold(out, "", row->status);
		output_char(out, '\n');
		print_filled(out, row->meaning, strlen(row->meaning));
	}
}

/* A line "heft-convert(1)," of SEE ALSO. */
static void print_reference(struct output *out, const char *command, const char *end)
{
	output_text(out, ".BR heft");
	if (command) {
		output_text(out, "\\-");
		print_word(out, command);
	}
	output_format(out, " (1)%s\n", end);
}

static void print_see_also(struct output *out, const struct command *here)
{
	const struct command *command = command_at(0);

	output_text(out, ".SH SEE ALSO\n");
	if (here)
		print_reference(out, NULL, ",");
	for (size_t i = 0; command;) {
		const struct command *next = command_at(++i);

		if (next == here && here)
			next = command_at(++i);
		if (command != here)
			print_reference(out, command->name, next ? "," : "");
		command = next;
	}
}

void man_page_command(struct output *out, const struct command *command)
{
	static const struct opt help = { .letter = 'h', .name = "help", .help = "print help" };
	struct output page;

	output_init(&page, -1);
	output_format(&page, "heft-%s", command->name);
	print_title(out, output_string(&page));
	output_done(&page);
	print_word(out, command->summary);
	output_text(out, "\n.SH SYNOPSIS\n");
	print_bold(out, "heft ", command->name);
	output_text(out, " [\\fIOPTION\\fR]... ");
	print_italic(out, command->operands);
	output_text(out, "\n.SH DESCRIPTION\n");
	print_paragraphs(out, command->details);
	output_text(out, ".SH OPTIONS\n");
	for (const struct opt *opt = command->options; opt->name; opt++)
		print_option(out, opt);
	print_option(out, &help);
	output_text(out, ".SH EXAMPLES\n");
	print_example(out, command->examples);
	print_exit_status(out);
	print_see_also(out, command);
}

static void print_commands(struct output *out)
{
	const struct command *command;

	output_text(out, ".SH COMMANDS\n");
	for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
		output_text(out, ".TP\n");
		print_bold(out, "heft ", command->name);
		output_char(out, ' ');
		print_italic(out, command->operands);
		output_char(out, '\n');
		print_word(out, command->summary);
		output_char(out, '\n');
	}
	output_text(out, ".TP\n\\fBheft help\\fR [\\fICOMMAND\\fR]\nprint help\n");
}

static void print_formats(struct output *out)
{
	const char *extension;
	bool can_write;
	const char *name;

	output_text(out,
	            ".SH FORMATS\n"
	            "They are told by a file\\(aqs content and, for output, by its extension.\n");
	for (uint32_t i = 0; (name = heft_format_at(i, &extension, &can_write, NULL)) != NULL;
	     i++) {
		output_text(out, ".TP\n");
		print_bold(out, "", name);
		output_text(out, "\n");
		print_word(out, extension);
		output_text(out, can_write ? ", read and written\n" : ", read\n");
	}
}

void man_page_overview(struct output *out)
{
	print_title(out, "heft");
	output_text(out,
	            "keep, convert, inspect and verify the weights of models\n"
	            ".SH SYNOPSIS\n"
	            "\\fBheft\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]... \\fIFILE\\fR...\n"
	            ".br\n"
	            "\\fBheft\\fR \\fB\\-\\-version\\fR\n"
	            ".SH DESCRIPTION\n"
	            "Data goes to standard output, words to standard error.\n"
	            "Options may stand anywhere behind the command; \\fB\\-\\-\\fR ends them.\n");
	print_commands(out);
	print_formats(out);
	print_exit_status(out);
	output_text(out, ".SH ENVIRONMENT\n");
	print_paragraphs(out, environment);
	print_see_also(out, NULL);
}
