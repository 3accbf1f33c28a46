/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8_text.h - how UTF-8 looks on a terminal: how wide it is, where to cut it, what it must not
 * show.
 */
#ifndef TOOLS_UTF8_TEXT_H
#define TOOLS_UTF8_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output.h"

#define UTF8_INVALID UINT32_MAX

/* Decodes one character of a text of `n` > 0 bytes and gives its size; ill-formed: 1 byte. */
size_t utf8_decode(const char *text, size_t n, uint32_t *c);

bool utf8_is_well_formed(const char *text);

/* Whether a terminal would obey the character and not show it: control, bidi, line separator. */
bool utf8_is_unsafe(uint32_t c);

/* Columns of a text. */
size_t utf8_width(const char *text, size_t n);

/* Prints a text in at most `width` columns; of a wider one "…" replaces begin, middle or end. */
void utf8_cut_begin(struct output *out, const char *text, size_t width);
void utf8_cut_end(struct output *out, const char *text, size_t width);
void utf8_cut_middle(struct output *out, const char *text, size_t width);

#endif
