/* SPDX-License-Identifier: Apache-2.0 */
/* completion.c - what can be offered for a word of the command line. */
#include "completion.h"

#include <string.h>

#include "command.h"
#include "heft/file.h"

#define PLAIN_DTYPES 0x100 /* those below are not block types */

static bool ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text);

	return n >= strlen(end) && strcmp(text + n - strlen(end), end) == 0;
}

static enum completion of_text(const char *arg)
{
	static const char *const files[] = { "FILE", "IN", "OUT", "[NAME=]FILE[:ARRAY]", NULL };

	if (strcmp(arg, "FORMAT") == 0)
		return COMPLETE_FORMAT;
	if (strcmp(arg, "FOLDER") == 0)
		return COMPLETE_FOLDER;
	for (size_t i = 0; files[i]; i++)
		if (strcmp(arg, files[i]) == 0)
			return COMPLETE_FILE;
	return ends_with(arg, "=DTYPE") ? COMPLETE_PAIR_DTYPE : COMPLETE_NONE;
}

enum completion completion_of_option(const struct opt *opt)
{
	switch (opt->kind) {
	case OPT_FLAG:
		return COMPLETE_FLAG;
	case OPT_TEXT:
	case OPT_LIST:
		return opt->choices ? COMPLETE_CHOICE : of_text(opt->arg);
	case OPT_DTYPE:
		return COMPLETE_DTYPE;
	case OPT_CHOICE:
		return COMPLETE_CHOICE;
	default:
		return COMPLETE_NONE;
	}
}

static bool is_word(const struct completion_operand *operand, const char *word)
{
	return operand->size == strlen(word) && memcmp(operand->word, word, operand->size) == 0;
}

static enum completion of_operand(const struct completion_operand *operand)
{
	if (is_word(operand, "COMMAND"))
		return COMPLETE_COMMAND;
	if (is_word(operand, "PATTERN"))
		return COMPLETE_NONE;
	return memchr(operand->word, '|', operand->size) ? COMPLETE_WORDS : COMPLETE_FILE;
}

bool completion_next_operand(const char **at, struct completion_operand *operand)
{
	*at += strspn(*at, " []");
	*operand = (struct completion_operand){ .word = *at, .size = strcspn(*at, " ].") };
	if (operand->size == 0)
		return false;
	*at += operand->size;
	operand->is_optional = **at == ']';
	*at += operand->is_optional;
	operand->is_repeated = **at == '.';
	*at += strcspn(*at, " ");
	operand->completion = of_operand(operand);
	return true;
}

void completion_print_formats(struct output *out)
{
	const char *before = "";
	bool can_write;
	const char *name;

	for (uint32_t i = 0; (name = heft_format_at(i, NULL, &can_write, NULL)) != NULL; i++) {
		if (!can_write)
			continue;
		output_format(out, "%s%s", before, name);
		before = " ";
	}
}

void completion_print_dtypes(struct output *out)
{
	const char *before = "";

	for (int i = 0; i < PLAIN_DTYPES; i++) {
		const struct heft_dtype_info *dtype = heft_dtype_describe((enum heft_dtype)i);

		if (!dtype || dtype->is_complex)
			continue;
		output_format(out, "%s%s", before, dtype->name);
		before = " ";
	}
}

void completion_print_commands(struct output *out)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)) != NULL; i++)
		output_format(out, "%s ", command->name);
	output_text(out, "help");
}
