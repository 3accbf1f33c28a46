/* SPDX-License-Identifier: Apache-2.0 */
/* term.h - what is known about the terminal, if there is one. */
#ifndef TOOLS_TERM_H
#define TOOLS_TERM_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The columns that a table on `fd` may take: the terminal's, else what COLUMNS says, else 0: as
 * many as it needs, since a pipe wants whole names.
 */
size_t term_columns(int fd);

/* Whether `fd` is a terminal that can move its cursor: the condition for a progress bar. */
bool term_can_redraw(int fd);

/* A process in the background must not write over the one in the foreground. */
bool term_is_in_foreground(void);

/* Whether to print colours on `fd`: a terminal, and NO_COLOR is not set. */
bool term_has_colour(int fd);

/* Whether the locale, as LC_ALL, LC_CTYPE or LANG name it, writes UTF-8. */
bool term_has_utf8(void);

#endif
