/* SPDX-License-Identifier: Apache-2.0 */
/* help.h - help, made from the tables that the commands are parsed with. */
#ifndef TOOLS_HELP_H
#define TOOLS_HELP_H

#include <stddef.h>

#include "output.h"

struct command;

/* A row of the table of exit statuses. */
struct help_status {
	const char *status;
	const char *meaning;
};
const struct help_status *help_status_at(size_t i); /* NULL past the last */

void help_overview(struct output *out);
void help_command(struct output *out, const struct command *command);
void help_version(struct output *out);

#endif
