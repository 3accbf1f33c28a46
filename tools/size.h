/* SPDX-License-Identifier: Apache-2.0 */
/* size.h - sizes as people write and read them. */
#ifndef TOOLS_SIZE_H
#define TOOLS_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "output.h"

/* Parses SIZE: a whole number of bytes, or one with kB MB GB TB (decimal) or KiB MiB GiB TiB. */
bool size_parse(const char *text, uint64_t *size);

/* Parses seconds, as in "2.5", to milliseconds. */
bool size_parse_seconds(const char *text, uint32_t *ms);

/* Parses a whole number from `least` to `most`. */
bool size_parse_count(const char *text, uint64_t least, uint64_t most, uint64_t *count);

/* Prints three digits and a decimal unit: "987 B", "1.23 MB", "45.6 GB". */
void size_print(struct output *out, uint64_t size);

/* Prints a time as "0:07", "12:30" or "1:02:03". */
void size_print_seconds(struct output *out, uint64_t seconds);

#endif
