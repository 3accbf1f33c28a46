/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_text.c - how JSON writes strings and numbers. */
#include "base/json_text.h"

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/utf8.h"

/* The value of four hex digits, or -1. */
static int32_t hex4(const char *text, size_t size, size_t pos)
{
	int32_t v = 0;

	if (pos > size || size - pos < 4)
		return -1;
	for (size_t i = pos; i < pos + 4; i++) {
		const char c = text[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return v;
}

static size_t put_utf8(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* "\uXXXX", or two of them where they are a pair of surrogates; one alone is no character, so it is
 * refused. */
static size_t unescape_u(const char *text, size_t size, size_t *pos, char *out)
{
	const int32_t first = hex4(text, size, *pos + 2);
	int32_t second;

	if (first < 0 || (first >= 0xdc00 && first <= 0xdfff))
		return 0;
	if (first < 0xd800 || first > 0xdfff) {
		*pos += 6;
		return put_utf8((uint32_t)first, out);
	}
	if (size - *pos < 8 || text[*pos + 6] != '\\' || text[*pos + 7] != 'u')
		return 0;
	second = hex4(text, size, *pos + 8);
	if (second < 0xdc00 || second > 0xdfff)
		return 0;
	*pos += 12;
	return put_utf8(0x10000 + ((uint32_t)(first - 0xd800) << 10) + (uint32_t)(second - 0xdc00),
	                out);
}

size_t heft_json_unescape(const char *text, size_t size, size_t *pos,
                          char out[HEFT_JSON_ESCAPE_SIZE_MAX])
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	const char *letter;

	if (size - *pos < 2)
		return 0;
	if (text[*pos + 1] == 'u')
		return unescape_u(text, size, pos, out);
	letter = memchr(letters, text[*pos + 1], sizeof letters - 1);
	if (!letter)
		return 0;
	out[0] = meanings[letter - letters];
	*pos += 2;
	return 1;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Bytes of eight, from the first on, that are ASCII and stand for themselves. A byte that does not
 * gets its top bit set in `marks`; x - 1 borrows only from a byte above one that is marked, so the
 * lowest mark is always right. */
static unsigned plain_of_eight(const char *p)
{
	const uint64_t v = heft_get_le64((const uint8_t *)p);
	const uint64_t quote = v ^ EACH('"');
	const uint64_t backslash = v ^ EACH('\\');
	const uint64_t marks = (v | (v - EACH(0x20)) | (quote - EACH(1)) | (backslash - EACH(1))) &
	                       EACH(0x80);

	return marks ? (unsigned)__builtin_ctzll(marks) / 8 : 8;
}

static size_t plain_ascii_span(const char *text, size_t size)
{
	size_t i = 0;

	while (size - i >= 8) {
		const unsigned n = plain_of_eight(text + i);

		i += n;
		if (n < 8)
			return i;
	}
	while (i < size) {
		const unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == '"' || c == '\\' || c >= 0x80)
			break;
		i++;
	}
	return i;
}

/* Bytes from text[0] on that are not ASCII. */
static size_t high_span(const char *text, size_t size)
{
	size_t i = 0;

	while (i < size && (unsigned char)text[i] >= 0x80)
		i++;
	return i;
}

size_t heft_json_plain_span(const char *text, size_t size)
{
	size_t i = 0;

	for (;;) {
		size_t n_high;
		size_t n_ok;

		i += plain_ascii_span(text + i, size - i);
		n_high = high_span(text + i, size - i);
		if (n_high == 0)
			return i;
		n_ok = heft_utf8_span(text + i, n_high);
		i += n_ok;
		if (n_ok < n_high)
			return i;
	}
}

static bool is_digit(const char *text, size_t size, size_t i)
{
	return i < size && text[i] >= '0' && text[i] <= '9';
}

static size_t skip_digits(const char *text, size_t size, size_t i)
{
	while (is_digit(text, size, i))
		i++;
	return i;
}

/* What may not follow a number, since it would be part of it: "01", "1.", "0x10", "1e". */
static bool goes_on(const char *text, size_t size, size_t i)
{
	return i < size &&
	       (is_digit(text, size, i) || text[i] == '.' || text[i] == '+' || text[i] == '-' ||
	        (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z'));
}

size_t heft_json_number_span(const char *text, size_t size)
{
	size_t i = size > 0 && text[0] == '-' ? 1 : 0;

	if (!is_digit(text, size, i))
		return 0;
	i = text[i] == '0' ? i + 1 : skip_digits(text, size, i);
	if (i < size && text[i] == '.') {
		if (!is_digit(text, size, ++i))
			return 0;
		i = skip_digits(text, size, i);
	}
	if (i < size && (text[i] == 'e' || text[i] == 'E')) {
		i++;
		if (i < size && (text[i] == '+' || text[i] == '-'))
			i++;
		if (!is_digit(text, size, i))
			return 0;
		i = skip_digits(text, size, i);
	}
	return goes_on(text, size, i) ? 0 : i;
}
