/* SPDX-License-Identifier: Apache-2.0 */
/* completion_zsh.c - the completion script for zsh: a list of _arguments for every command. */
#include <string.h>

#include "command.h"
#include "completion.h"

/* Behind the functions: the file may be found by its name, sourced, or evaluated. */
static const char tail[] = "_heft_pair()\n"
			   "{\n"
			   "\tcompset -P '*=' && compadd -- $=_heft_dtypes\n"
			   "}\n"
			   "\n"
			   "_heft()\n"
			   "{\n"
			   "\tlocal curcontext=$curcontext context state state_descr line\n"
			   "\ttypeset -A opt_args\n"
			   "\n"
			   "\t_arguments -C \\\n"
			   "\t\t'(- *)'{-h,--help}'[print help]' \\\n"
			   "\t\t'(- *)'{-V,--version}'[print versions]' \\\n"
			   "\t\t'1:command:_heft_commands' \\\n"
			   "\t\t'*::argument:->argument' && return\n"
			   "\t[[ $state == argument ]] && _heft_arguments\n"
			   "}\n"
			   "\n"
			   "if [[ $funcstack[1] == _heft ]]; then\n"
			   "\t_heft \"$@\"\n"
			   "else\n"
			   "\tcompdef _heft heft\n"
			   "fi\n";

/* A text within a specification of _arguments, which stands in single quotes. */
static void print_escaped(struct output *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\'') {
			output_text(out, "'\\''");
			continue;
		}
		if (memchr("[]:\\", text[i], 4))
			output_char(out, '\\');
		output_char(out, text[i]);
	}
}

/* "(fast best)", "_files", ...: what stands behind the last colon. */
static void print_action(struct output *out, const struct opt *opt)
{
	switch (completion_of_option(opt)) {
	case COMPLETE_FILE:
		output_text(out, "_files");
		break;
	case COMPLETE_FOLDER:
		output_text(out, "_files -/");
		break;
	case COMPLETE_FORMAT:
		output_char(out, '(');
		completion_print_formats(out);
		output_char(out, ')');
		break;
	case COMPLETE_DTYPE:
		output_char(out, '(');
		completion_print_dtypes(out);
		output_char(out, ')');
		break;
	case COMPLETE_PAIR_DTYPE:
		output_text(out, "_heft_pair");
		break;
	case COMPLETE_CHOICE:
		for (uint32_t i = 0; opt->choices[i]; i++)
			output_format(out, "%c%s", i > 0 ? ' ' : '(', opt->choices[i]);
		output_char(out, ')');
		break;
	default:
		output_char(out, ' ');
		break;
	}
}

/*
 * The names of an option, each with how its value follows: "-t+" in the same word or the next one,
 * "--to=" likewise, "-c-" and "--compress=-" in the same word only.
 */
static void print_names(struct output *out, const struct opt *opt)
{
	const char *letter_end = "";
	const char *name_end = "";

	if (opt->kind == OPT_CHOICE) {
		letter_end = "-";
		name_end = "=-";
	} else if (opt->kind != OPT_FLAG) {
		letter_end = "+";
		name_end = "=";
	}
	if (opt->kind == OPT_LIST)
		output_text(out, "'*'");
	else if (opt->letter)
		output_format(out, "'(-%c --%s)'", opt->letter, opt->name);
	if (opt->letter)
		output_format(out, "{-%c%s,--%s%s}", opt->letter, letter_end, opt->name, name_end);
	else
		output_format(out, "--%s%s", opt->name, name_end);
}

static void print_option(struct output *out, const struct opt *opt)
{
	output_text(out, "\t\t\t");
	print_names(out, opt);
	output_text(out, "'[");
	print_escaped(out, opt->help, strlen(opt->help));
	output_char(out, ']');
	if (opt->kind != OPT_FLAG) {
		output_text(out, opt->kind == OPT_CHOICE ? "::" : ":");
		print_escaped(out, opt->arg, strlen(opt->arg));
		output_char(out, ':');
		print_action(out, opt);
	}
	output_text(out, "' \\\n");
}

static void print_operand(struct output *out, const struct completion_operand *operand)
{
	output_text(out, " \\\n\t\t\t'");
	if (operand->is_repeated)
		output_text(out, "*:");
	else
		output_text(out, operand->is_optional ? "::" : ":");
	print_escaped(out, operand->word, operand->size);
	output_char(out, ':');
	if (operand->completion == COMPLETE_FILE) {
		output_text(out, "_files");
	} else if (operand->completion == COMPLETE_COMMAND) {
		output_text(out, "_heft_commands");
	} else if (operand->completion == COMPLETE_WORDS) {
		output_char(out, '(');
		for (size_t i = 0; i < operand->size; i++)
			output_char(out, operand->word[i] == '|' ? ' ' : operand->word[i]);
		output_char(out, ')');
	} else {
		output_char(out, ' ');
	}
	output_char(out, '\'');
}

static void print_command(struct output *out, const struct command *command)
{
	const char *at = command->operands;
	struct completion_operand operand;

	output_format(out, "\t%s)\n\t\t_arguments -s -S \\\n", command->name);
	for (const struct opt *opt = command->options; opt->name; opt++)
		print_option(out, opt);
	output_text(out, "\t\t\t'(- *)'{-h,--help}'[print this help]'");
	while (completion_next_operand(&at, &operand))
		print_operand(out, &operand);
	output_text(out, "\n\t\t;;\n");
}

static void print_summaries(struct output *out)
{
	const struct command *command;

	output_text(out, "_heft_commands()\n{\n\tlocal -a commands=(\n");
	for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
		output_format(out, "\t\t'%s:", command->name);
		print_escaped(out, command->summary, strlen(command->summary));
		output_text(out, "'\n");
	}
	output_text(out, "\t\t'help:print help'\n\t)\n\n\t_describe command commands\n}\n\n");
}

void completion_print_zsh(struct output *out)
{
	const struct command *command;

	output_text(out, "#compdef heft\n# zsh completion of heft, made by 'heft completion zsh'\n"
	                 "typeset -g _heft_dtypes='");
	completion_print_dtypes(out);
	output_text(out, "'\n\n");
	print_summaries(out);
	output_text(out, "_heft_arguments()\n{\n\tcase $words[1] in\n");
	for (size_t i = 0; (command = command_at(i)) != NULL; i++)
		print_command(out, command);
	output_text(out,
	            "\thelp)\n\t\t_arguments ':COMMAND:_heft_commands'\n\t\t;;\n\tesac\n}\n\n");
	output_text(out, tail);
}
