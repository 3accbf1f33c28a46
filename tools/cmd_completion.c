/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_completion.c - prints the script that completes heft's words in a shell. */
#include <string.h>

#include "command.h"
#include "completion.h"

struct options {
	char none; /* a struct has a member */
};

static const struct opt options[] = {
	OPT_ROW_END,
};

static int run(const struct invocation *in)
{
	static const struct {
		const char *name;
		void (*print)(struct output *out);
	} shells[] = {
		{ "bash", completion_print_bash },
		{ "zsh", completion_print_zsh },
	};

	for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
		if (strcmp(in->operands[0], shells[i].name) != 0)
			continue;
		shells[i].print(in->out);
		return STATUS_DONE;
	}
	return report_usage(in->command,
	                    "'%s' is not a shell that there is a script for: %s expected",
	                    in->operands[0], in->command->operands);
}

const struct command command_completion = {
	.name = "completion",
	.summary = "print a script that completes words for bash or zsh",
	.operands = "bash|zsh",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.options_size = sizeof(struct options),
	.details = "The Tab key then offers commands, options and their values. An installed heft\n"
		   "needs no more: the scripts lie where the shells look for them. Else put the\n"
		   "first line below into ~/.bashrc, or the second one into ~/.zshrc, behind\n"
		   "'compinit'.\n",
	.examples = "  source <(heft completion bash)\n"
		    "  source <(heft completion zsh)\n",
	.run = run,
};
