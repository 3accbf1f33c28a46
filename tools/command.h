/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - what a command is. A new one is a file cmd_<verb>.c that ends with its struct
 * command, and one word in tools/meson.build.
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include "opt.h"
#include "output.h"
#include "report.h"

/* What stands on the command line: the operands, and the options as the command's own struct. */
struct invocation {
	const struct command *command;
	const void *options; /* of command->options_size bytes, zeroed before parsing */
	char *const *operands;
	uint32_t n_operands;
	struct output *out; /* standard output */
};

struct command {
	const char *name;
	const char *summary;  /* a line's end, as in "write a file in another format" */
	const char *operands; /* as in "IN OUT" */
	uint32_t min_operands;
	uint32_t max_operands;
	const struct opt *options; /* ends with a row without name */
	size_t options_size;
	const char *details;  /* lines of at most 79 columns */
	const char *examples; /* likewise, commands that work as they stand */
	int (*run)(const struct invocation *in);
};

/* Walks through all commands, 0, 1, … until NULL. */
const struct command *command_at(size_t i);

#endif
