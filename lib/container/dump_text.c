/* SPDX-License-Identifier: Apache-2.0 */
/* container/dump_text.c - how bytes look in the text form: as strings, hex, fills and values. */
#include "container/dump_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/utf8.h"

#define HEX_PER_LINE 32u
#define TEXT_PER_LINE 80u
#define VALUES_PER_LINE 8u
#define LEAST_TEXT 16u /* bytes of text among others that are worth it */
#define LEAST_FILL 64u /* equal bytes that are worth a line of their own */

/* --- strings --- */

/* The code point at p, which is well-formed, and its bytes. */
static uint32_t code_point(const uint8_t *p, size_t *size)
{
	if (p[0] < 0x80) {
		*size = 1;
		return p[0];
	}
	if (p[0] < 0xe0) {
		*size = 2;
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	}
	if (p[0] < 0xf0) {
		*size = 3;
		return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	}
	*size = 4;
	return 0x10000; /* none of the planes above the first is escaped */
}

/* Controls, separators of lines, and what changes the direction of text or has no width. */
static bool needs_escape(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == '"' || c == '\\' ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0x061c;
}

static void add_escape(struct heft_buffer *out, uint32_t c)
{
	static const char names[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *found = c != 0 && c < 0x80 ? strchr(names, (int)c) : NULL;

	if (found)
		heft_buffer_addf(out, "\\%c", letters[found - names]);
	else
		heft_buffer_addf(out, "\\u%04x", (unsigned)c);
}

void heft_dump_string(struct heft_buffer *out, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	size_t n_good = 0; /* well-formed from here on */

	heft_buffer_add_u8(out, '"');
	for (size_t i = 0, size; i < n; i += size) {
		if (i == n_good)
			n_good = i + heft_utf8_span(p + i, n - i);
		if (i == n_good) {
			heft_buffer_addf(out, "\\x%02x", (unsigned)p[i]);
			size = 1;
			n_good = i + 1;
			continue;
		}
		const uint32_t c = code_point(p + i, &size);

		if (needs_escape(c))
			add_escape(out, c);
		else
			heft_buffer_add(out, p + i, size);
	}
	heft_buffer_add_u8(out, '"');
}

bool heft_dump_is_plain(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	size_t size;

	if (!heft_utf8_ok(p, n))
		return false;
	for (size_t i = 0; i < n; i += size) {
		const uint32_t c = code_point(p + i, &size);

		if (needs_escape(c) && c != '"' && c != '\\')
			return false;
	}
	return true;
}

/* --- bytes --- */

/* How many bytes are equal to the first. */
static size_t equal_bytes(const uint8_t *bytes, size_t n)
{
	size_t i = 1;

	while (i < n && bytes[i] == bytes[0])
		i++;
	return i;
}

static void add_hex(struct heft_buffer *out, const char *lead, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char text[3 * HEX_PER_LINE];
	size_t size = 0;

	for (size_t i = 0; i < n; i++) {
		if (i % 4 == 0)
			text[size++] = ' ';
		text[size++] = digits[bytes[i] >> 4];
		text[size++] = digits[bytes[i] & 15];
	}
	heft_buffer_addf(out, "%shex", lead);
	heft_buffer_add(out, text, size);
	heft_buffer_add_u8(out, '\n');
}

/* A fill of whole units, when the bytes begin with one that is worth it. */
static size_t add_fill(struct heft_buffer *out, const char *lead, const uint8_t *bytes, size_t n,
                       size_t unit)
{
	const size_t n_equal = equal_bytes(bytes, n) / unit * unit;

	if (n_equal < LEAST_FILL)
		return 0;
	heft_buffer_addf(out, "%sfill %02x x%zu\n", lead, (unsigned)bytes[0], n_equal);
	return n_equal;
}

void heft_dump_bytes(struct heft_buffer *out, const char *lead, const uint8_t *bytes, size_t n)
{
	size_t i = 0;

	while (i < n) {
		const size_t left = n - i < HEX_PER_LINE ? n - i : HEX_PER_LINE;
		const size_t filled = add_fill(out, lead, bytes + i, n - i, 1);

		if (filled == 0)
			add_hex(out, lead, bytes + i, left);
		i += filled > 0 ? filled : left;
	}
}

/* --- text --- */

static bool is_text_byte(uint8_t c)
{
	return (c >= 0x20 && c != 0x7f) || c == '\n' || c == '\r' || c == '\t';
}

/* Bytes of text from the start; within other bytes only ASCII counts. */
static size_t text_span(const uint8_t *bytes, size_t n, bool ascii_only)
{
	size_t i = 0;

	while (i < n && is_text_byte(bytes[i]) && (!ascii_only || bytes[i] < 0x80))
		i++;
	return i;
}

/* Lines that end where those of the text do, or where they get long. */
static void add_text(struct heft_buffer *out, const char *lead, const uint8_t *bytes, size_t n)
{
	size_t begin = 0;
	size_t size;

	for (size_t i = 0; i < n; i += size) {
		const uint32_t c = code_point(bytes + i, &size);
		const size_t end = i + size;

		if (c != '\n' && end - begin < TEXT_PER_LINE && end < n)
			continue;
		heft_buffer_addf(out, "%stext ", lead);
		heft_dump_string(out, bytes + begin, end - begin);
		heft_buffer_add_u8(out, '\n');
		begin = end;
	}
}

void heft_dump_text(struct heft_buffer *out, const char *lead, const uint8_t *bytes, size_t n)
{
	const bool is_whole = text_span(bytes, n, false) == n && heft_utf8_ok(bytes, n);
	size_t n_other = 0; /* behind the last text */
	size_t span;

	for (size_t i = 0; i<n; i += span> 0 ? span : 1) {
		span = is_whole ? n : text_span(bytes + i, n - i, true);
		if (!is_whole && span < LEAST_TEXT)
			continue;
		heft_dump_bytes(out, lead, bytes + n_other, i - n_other);
		add_text(out, lead, bytes + i, span);
		n_other = i + span;
	}
	heft_dump_bytes(out, lead, bytes + n_other, n - n_other);
}

/* --- values --- */

static double get_double(const uint8_t *bytes)
{
	const uint64_t bits = heft_get_le64(bytes);
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static void put_double(uint8_t *bytes, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	heft_put_le64(bytes, bits);
}

/* Whether %g fell back on an exponent for a number that people read without one. */
static bool is_clumsy(const char *text, double value)
{
	return strchr(text, 'e') && fabs(value) < 1e7 && fabs(value) >= 1;
}

/* The fewest digits that give the value back. Types of a byte or less are written exactly: rounded
 * to one digit, the largest F6, 28, would read as 3e+01. */
static void add_float(struct heft_buffer *out, enum heft_dtype dtype,
                      const struct heft_dtype_info *info, const uint8_t *value)
{
	const enum heft_dtype same_as = info->n_bytes * 8 / info->n_elements > 8 ? dtype
	                                                                         : HEFT_DTYPE_F64;
	uint8_t want[8] = { 0 };
	uint8_t got[8] = { 0 };
	char text[40];

	heft_cast_elements(same_as, want, HEFT_DTYPE_F64, value, 1, NULL);
	for (int digits = dtype == HEFT_DTYPE_F64   ? 15
	                  : dtype == HEFT_DTYPE_F32 ? 6
	                                            : 1;
	     digits <= 17; digits++) {
		uint8_t back[8];

		snprintf(text, sizeof text, "%.*g", digits, get_double(value));
		put_double(back, strtod(text, NULL));
		heft_cast_elements(same_as, got, HEFT_DTYPE_F64, back, 1, NULL);
		if (memcmp(want, got, sizeof want) == 0 && !is_clumsy(text, get_double(value)))
			break;
	}
	heft_buffer_addf(out, " %s", text);
}

static void add_wide(struct heft_buffer *out, enum heft_dtype dtype, const uint8_t *bytes,
                     size_t n_elements)
{
	for (size_t i = 0; i < n_elements; i++) {
		const uint64_t value = heft_get_le64(bytes + 8 * i);

		if (dtype == HEFT_DTYPE_I64)
			heft_buffer_addf(out, " %" PRId64, (int64_t)value);
		else
			heft_buffer_addf(out, " %" PRIu64, value);
	}
}

/* Whether the elements are numbers that come back as the same bytes; `values` gets them as
 * binary64. */
static bool take_values(enum heft_dtype dtype, const uint8_t *bytes, size_t n, size_t n_elements,
                        uint8_t *values)
{
	uint8_t back[VALUES_PER_LINE * 8];

	if (heft_cast_elements(HEFT_DTYPE_F64, values, dtype, bytes, n_elements, NULL) != HEFT_OK ||
	    heft_cast_elements(dtype, back, HEFT_DTYPE_F64, values, n_elements, NULL) != HEFT_OK)
		return false;
	for (size_t i = 0; i < n_elements; i++) {
		if (isnan(get_double(values + 8 * i)))
			return false;
	}
	return memcmp(back, bytes, n) == 0;
}

static void add_values(struct heft_buffer *out, enum heft_dtype dtype,
                       const struct heft_dtype_info *info, const uint8_t *bytes, size_t n,
                       size_t n_elements)
{
	const bool is_wide = info->is_integer && info->n_bytes == 8;
	uint8_t values[VALUES_PER_LINE * 8];

	if (!is_wide && !take_values(dtype, bytes, n, n_elements, values)) {
		add_hex(out, "  ", bytes, n);
		return;
	}
	heft_buffer_addf(out, "  values");
	if (is_wide)
		add_wide(out, dtype, bytes, n_elements);
	for (size_t i = 0; !is_wide && i < n_elements; i++) {
		if (info->is_float)
			add_float(out, dtype, info, values + 8 * i);
		else
			heft_buffer_addf(out, " %.0f", get_double(values + 8 * i));
	}
	heft_buffer_add_u8(out, '\n');
}

void heft_dump_values(struct heft_buffer *out, enum heft_dtype dtype, const uint8_t *bytes,
                      size_t n, uint64_t n_elements)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);
	size_t i = 0;

	if (!info || info->is_complex || info->is_block) {
		heft_dump_bytes(out, "  ", bytes, n);
		return;
	}
	/* Eight elements of any type fill whole bytes. */
	while (i < n) {
		const size_t line = VALUES_PER_LINE * info->n_bytes / info->n_elements;
		const size_t filled = add_fill(out, "  ", bytes + i, n - i, info->n_bytes);
		const size_t size = filled > 0 ? filled : n - i < line ? n - i : line;
		const uint64_t count = size < n - i ? size * info->n_elements / info->n_bytes
		                                    : n_elements;

		if (filled == 0)
			add_values(out, dtype, info, bytes + i, size, (size_t)count);
		n_elements -= count;
		i += size;
	}
}
