/* SPDX-License-Identifier: Apache-2.0 */
/* help.h - help, made from the tables that the commands are parsed with. */
#ifndef TOOLS_HELP_H
#define TOOLS_HELP_H

#include "output.h"

struct command;

void help_overview(struct output *out);
void help_command(struct output *out, const struct command *command);
void help_version(struct output *out);

#endif
