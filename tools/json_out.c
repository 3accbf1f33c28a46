/* SPDX-License-Identifier: Apache-2.0 */
/* json_out.c - writes JSON as it comes, without a tree. */
#include "json_out.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8_text.h"

/* Members of the outermost object and items one deeper begin a line. */
#define LINE_DEPTH 2

void json_out_init(struct json_out *j, struct output *out)
{
	*j = (struct json_out){ .out = out, .line_depth = LINE_DEPTH, .is_first = true };
}

void json_out_init_inner(struct json_out *j, struct output *out, uint32_t depth)
{
	*j = (struct json_out){
		.out = out, .depth = depth, .line_depth = LINE_DEPTH, .has_key = true
	};
}

static void begin_line(struct json_out *j)
{
	output_char(j->out, '\n');
	output_repeat(j->out, ' ', 2 * (size_t)j->depth);
}

/* What stands before a key, or before a value without one. */
static void separate(struct json_out *j)
{
	if (j->depth > 0 && !j->is_first)
		output_char(j->out, ',');
	if (j->depth > 0 && j->depth <= j->line_depth)
		begin_line(j);
	else if (j->depth > 0 && !j->is_first)
		output_char(j->out, ' ');
	j->is_first = false;
}

static void begin_value(struct json_out *j)
{
	if (!j->has_key)
		separate(j);
	j->has_key = false;
}

void json_out_begin(struct json_out *j, char bracket)
{
	begin_value(j);
	output_char(j->out, bracket);
	j->depth++;
	j->is_first = true;
}

void json_out_end(struct json_out *j, char bracket)
{
	const bool has_lines = j->depth <= j->line_depth && !j->is_first;

	j->depth--;
	if (has_lines)
		begin_line(j);
	output_char(j->out, bracket);
	j->is_first = false;
	if (j->depth == 0)
		output_char(j->out, '\n');
}

static void print_char(struct output *out, uint32_t c, const char *bytes, size_t n)
{
	static const char letters[] = "b\bf\fn\nr\rt\t\"\"\\\\";

	if (c == UTF8_INVALID) {
		output_text(out, "\xef\xbf\xbd");
		return;
	}
	for (size_t i = 0; letters[i]; i += 2) {
		if (c == (uint8_t)letters[i + 1]) {
			output_char(out, '\\');
			output_char(out, letters[i]);
			return;
		}
	}
	/* Bidi and line separators too: JSON is looked at on terminals. */
	if (utf8_is_unsafe(c))
		output_format(out, "\\u%04" PRIx32, c);
	else
		output_bytes(out, bytes, n);
}

static void print_string(struct output *out, const char *text)
{
	const size_t n = strlen(text);
	uint32_t c;

	output_char(out, '"');
	for (size_t i = 0; i < n;) {
		const size_t size = utf8_decode(text + i, n - i, &c);

		print_char(out, c, text + i, size);
		i += size;
	}
	output_char(out, '"');
}

void json_out_key(struct json_out *j, const char *key)
{
	separate(j);
	print_string(j->out, key);
	output_text(j->out, ": ");
	j->has_key = true;
}

void json_out_text(struct json_out *j, const char *text)
{
	begin_value(j);
	if (text)
		print_string(j->out, text);
	else
		output_text(j->out, "null");
}

void json_out_u64(struct json_out *j, uint64_t value)
{
	begin_value(j);
	output_format(j->out, "%" PRIu64, value);
}

void json_out_bool(struct json_out *j, bool value)
{
	begin_value(j);
	output_text(j->out, value ? "true" : "false");
}

void json_out_real(struct json_out *j, double value)
{
	char digits[32];

	if (!isfinite(value)) {
		json_out_text(j, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
		return;
	}
	/* The fewest digits that read back as the same number. */
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(digits, sizeof digits, "%.*g", precision, value);
		if (strtod(digits, NULL) == value)
			break;
	}
	begin_value(j);
	output_text(j->out, digits);
}

void json_out_real_or_null(struct json_out *j, double value)
{
	if (isnan(value))
		json_out_text(j, NULL);
	else
		json_out_real(j, value);
}

void json_out_raw(struct json_out *j, const char *json)
{
	begin_value(j);
	output_text(j->out, json);
}

void json_out_hex(struct json_out *j, const uint8_t *bytes, size_t n)
{
	begin_value(j);
	output_char(j->out, '"');
	output_hex(j->out, bytes, n);
	output_char(j->out, '"');
}
