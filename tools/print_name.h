/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print_name.h - names in lines of text. As with sha256sum, a line that holds an escaped name
 * begins with a backslash; a name can then neither fake a line nor be mistaken for another one.
 */
#ifndef TOOLS_PRINT_NAME_H
#define TOOLS_PRINT_NAME_H

#include "output.h"

/* Prints the backslash that begins the line of a name that is going to be escaped; else nothing. */
void print_name_mark(struct output *out, const char *name);

/* Prints a name, with \\ \n \r \t \uXXXX and, for ill-formed UTF-8, \xXX. */
void print_name(struct output *out, const char *name);

/* Prints words: only what a terminal would obey is escaped, a backslash is not. */
void print_words(struct output *out, const char *text);

#endif
