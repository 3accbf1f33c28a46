/* SPDX-License-Identifier: Apache-2.0 */
/* man_page.h - manual pages, made from the tables that the commands are parsed with. */
#ifndef TOOLS_MAN_PAGE_H
#define TOOLS_MAN_PAGE_H

#include "output.h"

struct command;

void man_page_overview(struct output *out); /* heft(1) */
void man_page_command(struct output *out, const struct command *command);

#endif
