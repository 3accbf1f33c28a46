/* SPDX-License-Identifier: Apache-2.0 */
/* print_name.c - escapes what in a name would break a line or be obeyed by a terminal. */
#include "print_name.h"

#include <string.h>

#include "utf8_text.h"

static bool is_escaped(uint32_t c)
{
	return c == '\\' || c == UTF8_INVALID || utf8_is_unsafe(c);
}

void print_name_mark(struct output *out, const char *name)
{
	const size_t n = strlen(name);
	uint32_t c;

	for (size_t i = 0; i < n;) {
		i += utf8_decode(name + i, n - i, &c);
		if (is_escaped(c)) {
			output_char(out, '\\');
			return;
		}
	}
}

static void print_escaped(struct output *out, uint32_t c, uint8_t byte)
{
	if (c == '\\')
		output_text(out, "\\\\");
	else if (c == '\n')
		output_text(out, "\\n");
	else if (c == '\r')
		output_text(out, "\\r");
	else if (c == '\t')
		output_text(out, "\\t");
	else if (c == UTF8_INVALID)
		output_format(out, "\\x%02x", byte);
	else
		output_format(out, "\\u%04x", c);
}

static void print_text(struct output *out, const char *text, bool escapes_backslash)
{
	const size_t n = strlen(text);
	uint32_t c;

	for (size_t i = 0; i < n;) {
		const size_t size = utf8_decode(text + i, n - i, &c);

		if (is_escaped(c) && (c != '\\' || escapes_backslash))
			print_escaped(out, c, (uint8_t)text[i]);
		else
			output_bytes(out, text + i, size);
		i += size;
	}
}

void print_name(struct output *out, const char *name)
{
	print_text(out, name, true);
}

void print_words(struct output *out, const char *text)
{
	print_text(out, text, false);
}
