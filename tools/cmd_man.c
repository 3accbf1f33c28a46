/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_man.c - prints manual pages, which the build installs. */
#include <string.h>

#include "command.h"
#include "man_page.h"

struct options {
	char none; /* a struct has a member */
};

static const struct opt options[] = {
	OPT_ROW_END,
};

static int run(const struct invocation *in)
{
	const struct command *command;

	if (in->n_operands == 0) {
		man_page_overview(in->out);
		return STATUS_DONE;
	}
	for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
		if (strcmp(in->operands[0], command->name) != 0)
			continue;
		man_page_command(in->out, command);
		return STATUS_DONE;
	}
	return report_usage(in->command, "there is no command '%s'", in->operands[0]);
}

const struct command command_man = {
	.name = "man",
	.summary = "print a manual page in roff",
	.operands = "[COMMAND]",
	.min_operands = 0,
	.max_operands = 1,
	.options = options,
	.options_size = sizeof(struct options),
	.details = "Prints the page of a command, or heft(1). They say what 'heft COMMAND --help'\n"
		   "says. An installed heft has them all: try 'man heft-convert'.\n",
	.examples = "  heft man convert | man -l -\n",
	.run = run,
};
