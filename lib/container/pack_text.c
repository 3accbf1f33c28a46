/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack_text.c - takes the lines of the text form apart (spec/text.md, Words). */
#include "container/pack_text.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

bool heft_pack_next_line(const char **at, const char *end, struct heft_pack_line *line)
{
	const char *stop;

	if (*at == end)
		return false;
	stop = memchr(*at, '\n', (size_t)(end - *at));
	line->at = *at;
	line->end = stop ? stop : end;
	line->number++;
	*at = stop ? stop + 1 : end;
	if (line->end > line->at && line->end[-1] == '\r')
		line->end--;
	return true;
}

bool heft_pack_at_end(struct heft_pack_line *line)
{
	while (line->at < line->end && (*line->at == ' ' || *line->at == '\t'))
		line->at++;
	return line->at == line->end || *line->at == '#';
}

bool heft_pack_take(struct heft_pack_line *line, char c)
{
	if (heft_pack_at_end(line) || *line->at != c)
		return false;
	line->at++;
	return true;
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '+' || c == '-';
}

bool heft_pack_word(struct heft_pack_line *line, const char **word, size_t *size)
{
	if (heft_pack_at_end(line))
		return false;
	*word = line->at;
	while (line->at < line->end && is_word_char(*line->at))
		line->at++;
	*size = (size_t)(line->at - *word);
	return *size > 0;
}

bool heft_pack_word_is(const char *word, size_t size, const char *text)
{
	return strlen(text) == size && memcmp(word, text, size) == 0;
}

enum heft_status heft_pack_need_end(struct heft_pack_line *line, struct heft_error *err)
{
	if (heft_pack_at_end(line))
		return HEFT_OK;
	return heft_fail(err, HEFT_E_CORRUPT, line->number,
	                 "'%.*s' is more than this statement takes",
	                 (int)(line->end - line->at < 40 ? line->end - line->at : 40), line->at);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool heft_pack_word_number(const char *word, size_t size, uint64_t *value)
{
	const unsigned base = size > 2 && word[0] == '0' && word[1] == 'x' ? 16 : 10;
	uint64_t v = 0;

	if (size == 0)
		return false;
	for (size_t i = base == 16 ? 2 : 0; i < size; i++) {
		const int digit = hex_digit(word[i]);

		if (digit < 0 || (unsigned)digit >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (unsigned)digit, &v))
			return false;
	}
	*value = v;
	return true;
}

enum heft_status heft_pack_number(struct heft_pack_line *line, const char *what, uint64_t max,
                                  uint64_t *value, struct heft_error *err)
{
	const char *word;
	size_t size;

	if (!heft_pack_word(line, &word, &size))
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "%s is missing: a number stands here", what);
	if (!heft_pack_word_number(word, size, value) || *value > max)
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "%s '%.*s' is no number from 0 to %llu", what,
		                 (int)(size < 40 ? size : 40), word, (unsigned long long)max);
	return HEFT_OK;
}

/* n hex digits, which are taken; false when they are not there. */
static bool take_hex(struct heft_pack_line *line, unsigned n, uint32_t *value)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < n; i++) {
		const int digit = line->at < line->end ? hex_digit(*line->at) : -1;

		if (digit < 0)
			return false;
		v = v << 4 | (uint32_t)digit;
		line->at++;
	}
	*value = v;
	return true;
}

static void add_utf8(struct heft_buffer *out, uint32_t c)
{
	if (c < 0x80) {
		heft_buffer_add_u8(out, (uint8_t)c);
	} else if (c < 0x800) {
		heft_buffer_add_u8(out, (uint8_t)(0xc0 | c >> 6));
		heft_buffer_add_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		heft_buffer_add_u8(out, (uint8_t)(0xe0 | c >> 12));
		heft_buffer_add_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		heft_buffer_add_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

/* What follows a backslash. \u gives the code point's bytes whatever it is, a lone surrogate
 * too. */
static bool take_escape(struct heft_pack_line *line, struct heft_buffer *out)
{
	static const char plain[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	const char c = line->at < line->end ? *line->at++ : '\0';
	const char *found = c ? strchr(plain, c) : NULL;
	uint32_t value;

	if (found)
		heft_buffer_add_u8(out, (uint8_t)meant[found - plain]);
	else if (c == 'x' && take_hex(line, 2, &value))
		heft_buffer_add_u8(out, (uint8_t)value);
	else if (c == 'u' && take_hex(line, 4, &value))
		add_utf8(out, value);
	else
		return false;
	return true;
}

enum heft_status heft_pack_string(struct heft_pack_line *line, struct heft_buffer *out,
                                  struct heft_error *err)
{
	if (!heft_pack_take(line, '"'))
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "a string in double quotes stands here");
	while (line->at < line->end && *line->at != '"') {
		const char c = *line->at++;

		if (c != '\\')
			heft_buffer_add_u8(out, (uint8_t)c);
		else if (!take_escape(line, out))
			return heft_fail(err, HEFT_E_CORRUPT, line->number,
			                 "an escape is one of "
			                 "\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uHHHH \\xHH");
	}
	if (line->at == line->end)
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "a string has no closing quote");
	line->at++;
	return HEFT_OK;
}
