/* SPDX-License-Identifier: Apache-2.0 */
/* completion_bash.c - the completion script for bash, which needs nothing but bash. */
#include "command.h"
#include "completion.h"

/*
 * The part that is the same for every command. bash also cuts the line at '=', so this cuts words
 * out of the line itself; what it offers must replace bash's word, $cur, and not all of its own.
 */
static const char script[] =
	"_heft()\n"
	"{\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} cur=${COMP_WORDS[COMP_CWORD]}\n"
	"\tlocal word=${line##*[[:space:]]} command=${COMP_WORDS[1]}\n"
	"\tlocal option value prefix takes= words=\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tvalue=$word\n"
	"\tline=${line%\"$word\"}\n"
	"\tline=${line%\"${line##*[![:space:]]}\"}\n"
	"\toption=${line##*[[:space:]]}\n"
	"\tif [[ $word == --*=* ]]; then\n"
	"\t\toption=${word%%=*}=\n"
	"\t\tvalue=${word#*=}\n"
	"\tfi\n"
	"\tif ((COMP_CWORD == 1)); then\n"
	"\t\ttakes=words words=\"$_heft_commands --help --version\"\n"
	"\telif _heft_value \"$command:$option\"; then\n"
	"\t\t:\n"
	"\telif [[ $word == -* ]]; then\n"
	"\t\ttakes=words\n"
	"\t\t_heft_options \"$command\"\n"
	"\telse\n"
	"\t\t_heft_operands \"$command\"\n"
	"\tfi\n"
	"\n"
	"\t# With nothing in COMPREPLY bash offers files.\n"
	"\t[[ $takes == file ]] && return\n"
	"\tcompopt +o default 2>/dev/null\n"
	"\tif [[ $takes == folder ]]; then\n"
	"\t\tcompopt -o dirnames 2>/dev/null\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tif [[ $takes == pair ]]; then\n"
	"\t\t[[ $value == *=* ]] || return\n"
	"\t\tvalue=${value##*=}\n"
	"\tfi\n"
	"\t[[ $cur == '=' ]] && cur=\n"
	"\tprefix=${cur%\"$value\"}\n"
	"\tprefix=${prefix#[\\\"\\']}\n"
	"\tCOMPREPLY=($(compgen -P \"$prefix\" -W \"$words\" -- \"$value\"))\n"
	"}\n"
	"\n"
	"complete -o default -F _heft heft\n";

/* What the value of an option is, as variables of the script. */
static void print_takes(struct output *out, const struct opt *opt)
{
	switch (completion_of_option(opt)) {
	case COMPLETE_FILE:
		output_text(out, "takes=file");
		break;
	case COMPLETE_FOLDER:
		output_text(out, "takes=folder");
		break;
	case COMPLETE_FORMAT:
		output_text(out, "takes=words words=$_heft_formats");
		break;
	case COMPLETE_DTYPE:
		output_text(out, "takes=words words=$_heft_dtypes");
		break;
	case COMPLETE_PAIR_DTYPE:
		output_text(out, "takes=pair words=$_heft_dtypes");
		break;
	case COMPLETE_CHOICE:
		output_text(out, "takes=words words='");
		for (uint32_t i = 0; opt->choices[i]; i++)
			output_format(out, "%s%s", i > 0 ? " " : "", opt->choices[i]);
		output_char(out, '\'');
		break;
	default:
		output_text(out, "takes=nothing");
		break;
	}
}

/*
 * "convert:-t | convert:--to | convert:--to=) takes=... ;;". The value of an OPT_CHOICE is never
 * the next word.
 */
static void print_value(struct output *out, const char *command, const struct opt *opt)
{
	output_char(out, '\t');
	if (opt->kind != OPT_CHOICE && opt->letter)
		output_format(out, "%s:-%c | ", command, opt->letter);
	if (opt->kind != OPT_CHOICE)
		output_format(out, "%s:--%s | ", command, opt->name);
	output_format(out, "%s:--%s=) ", command, opt->name);
	print_takes(out, opt);
	output_text(out, " ;;\n");
}

static void print_options(struct output *out, const struct command *command)
{
	output_format(out, "\t%s) words='", command->name);
	for (const struct opt *opt = command->options; opt->name; opt++) {
		if (opt->letter)
			output_format(out, "-%c ", opt->letter);
		output_format(out, "--%s ", opt->name);
		for (uint32_t i = 0; opt->kind == OPT_CHOICE && opt->choices[i]; i++)
			output_format(out, "--%s=%s ", opt->name, opt->choices[i]);
	}
	output_text(out, "-h --help' ;;\n");
}

/* Only commands whose operands are something else than files have a line. */
static void print_operands(struct output *out, const struct command *command)
{
	const char *at = command->operands;
	struct completion_operand operand;

	while (completion_next_operand(&at, &operand)) {
		if (operand.completion == COMPLETE_COMMAND) {
			output_format(out, "\t%s) takes=words words=$_heft_commands ;;\n",
			              command->name);
		} else if (operand.completion == COMPLETE_WORDS) {
			output_format(out, "\t%s) takes=words words='", command->name);
			for (size_t i = 0; i < operand.size; i++)
				output_char(out, operand.word[i] == '|' ? ' ' : operand.word[i]);
			output_text(out, "' ;;\n");
		}
	}
}

void completion_print_bash(struct output *out)
{
	const struct command *command;

	output_text(out, "# bash completion of heft, made by 'heft completion bash'\n"
	                 "_heft_commands='");
	completion_print_commands(out);
	output_text(out, "'\n_heft_formats='");
	completion_print_formats(out);
	output_text(out, "'\n_heft_dtypes='");
	completion_print_dtypes(out);

	output_text(out, "'\n\n_heft_value()\n{\n\tcase $1 in\n");
	for (size_t i = 0; (command = command_at(i)) != NULL; i++)
		for (const struct opt *opt = command->options; opt->name; opt++)
			if (opt->kind != OPT_FLAG)
				print_value(out, command->name, opt);
	output_text(out, "\t*) return 1 ;;\n\tesac\n}\n\n_heft_options()\n{\n\tcase $1 in\n");
	for (size_t i = 0; (command = command_at(i)) != NULL; i++)
		print_options(out, command);
	output_text(out, "\tesac\n}\n\n_heft_operands()\n{\n\tcase $1 in\n"
	                 "\thelp) takes=words words=$_heft_commands ;;\n");
	for (size_t i = 0; (command = command_at(i)) != NULL; i++)
		print_operands(out, command);
	output_text(out, "\t*) takes=file ;;\n\tesac\n}\n\n");
	output_text(out, script);
}
