/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8_text.c - how UTF-8 looks on a terminal. wcwidth(3) would need a locale, which may be
 * missing, and would answer differently from machine to machine; names of tensors deserve neither.
 */
#include "utf8_text.h"

#include <string.h>

#define ELLIPSIS "\xe2\x80\xa6"

struct range {
	uint32_t first;
	uint32_t last;
};

/* Combining marks, joiners and selectors, coarsely: those of the scripts in common use. */
static const struct range zero_wide[] = {
	{ 0x0300, 0x036F }, { 0x0483, 0x0489 },   { 0x0591, 0x05BD }, { 0x0610, 0x061A },
	{ 0x064B, 0x065F }, { 0x0900, 0x0902 },   { 0x093C, 0x093C }, { 0x0941, 0x0948 },
	{ 0x0E31, 0x0E31 }, { 0x0E34, 0x0E3A },   { 0x1AB0, 0x1AFF }, { 0x1DC0, 0x1DFF },
	{ 0x200B, 0x200D }, { 0x20D0, 0x20FF },   { 0xFE00, 0xFE0F }, { 0xFE20, 0xFE2F },
	{ 0xFEFF, 0xFEFF }, { 0xE0100, 0xE01EF },
};

/* East Asian wide characters and emoji. */
static const struct range two_wide[] = {
	{ 0x1100, 0x115F },   { 0x231A, 0x231B },   { 0x2E80, 0x303E },   { 0x3041, 0x33FF },
	{ 0x3400, 0x4DBF },   { 0x4E00, 0x9FFF },   { 0xA000, 0xA4CF },   { 0xA960, 0xA97F },
	{ 0xAC00, 0xD7A3 },   { 0xF900, 0xFAFF },   { 0xFE30, 0xFE6F },   { 0xFF00, 0xFF60 },
	{ 0xFFE0, 0xFFE6 },   { 0x1F300, 0x1F64F }, { 0x1F680, 0x1F6FF }, { 0x1F900, 0x1F9FF },
	{ 0x1FA70, 0x1FAFF }, { 0x20000, 0x3FFFD },
};

/* What would move, hide or reorder the text after it. */
static const struct range unsafe[] = {
	{ 0x0000, 0x001F }, { 0x007F, 0x009F }, { 0x061C, 0x061C },
	{ 0x200E, 0x200F }, { 0x2028, 0x202E }, { 0x2066, 0x2069 },
};

static bool is_in(const struct range *ranges, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

#define IS_IN(ranges, c) is_in(ranges, sizeof(ranges) / sizeof((ranges)[0]), c)

static bool is_continuation(char c)
{
	return ((uint8_t)c & 0xC0) == 0x80;
}

size_t utf8_decode(const char *text, size_t n, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t head = (uint8_t)text[0];
	const size_t size = head < 0x80   ? 1
	                    : head < 0xC2 ? 0
	                    : head < 0xE0 ? 2
	                    : head < 0xF0 ? 3
	                                  : 4;
	uint32_t value = size == 1 ? head : size > 1 ? head & (0x7Fu >> size) : 0;

	*c = UTF8_INVALID;
	if (size == 0 || size > n || head > 0xF4)
		return 1;
	for (size_t i = 1; i < size; i++) {
		if (!is_continuation(text[i]))
			return 1;
		value = value << 6 | ((uint8_t)text[i] & 0x3F);
	}
	if (value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
		return 1;
	*c = value;
	return size;
}

bool utf8_is_well_formed(const char *text)
{
	const size_t n = strlen(text);
	uint32_t c = 0;

	for (size_t i = 0; i < n && c != UTF8_INVALID;)
		i += utf8_decode(text + i, n - i, &c);
	return c != UTF8_INVALID;
}

bool utf8_is_unsafe(uint32_t c)
{
	return IS_IN(unsafe, c);
}

static size_t char_width(uint32_t c)
{
	if (c < 0x300)
		return 1;
	if (IS_IN(zero_wide, c))
		return 0;
	return IS_IN(two_wide, c) ? 2 : 1;
}

size_t utf8_width(const char *text, size_t n)
{
	size_t width = 0;
	uint32_t c;

	for (size_t i = 0; i < n; width += char_width(c))
		i += utf8_decode(text + i, n - i, &c);
	return width;
}

/* Bytes of the longest start of a text that takes at most `width` columns, and those columns. */
static size_t fitting_start(const char *text, size_t n, size_t width, size_t *taken)
{
	size_t i = 0;

	*taken = 0;
	while (i < n) {
		uint32_t c;
		const size_t size = utf8_decode(text + i, n - i, &c);

		if (*taken + char_width(c) > width)
			break;
		*taken += char_width(c);
		i += size;
	}
	return i;
}

void utf8_cut_end(struct output *out, const char *text, size_t width)
{
	const size_t n = strlen(text);
	size_t taken;

	if (utf8_width(text, n) <= width) {
		output_bytes(out, text, n);
	} else if (width > 0) {
		output_bytes(out, text, fitting_start(text, n, width - 1, &taken));
		output_text(out, ELLIPSIS);
	}
}

/* At most `head_width` columns stay before the ellipsis. */
static void cut(struct output *out, const char *text, size_t width, size_t head_width)
{
	const size_t n = strlen(text);
	const size_t total = utf8_width(text, n);
	size_t taken;
	size_t skipped;

	if (total <= width || width == 0) {
		output_bytes(out, text, width == 0 ? 0 : n);
		return;
	}
	const size_t head = fitting_start(text, n, head_width, &taken);
	const size_t tail_width = width - 1 - taken;
	/* Skip so many columns that the rest fits; a wide character may make it one more. */
	size_t tail = fitting_start(text, n, total - tail_width, &skipped);

	while (tail < n && skipped < total - tail_width) {
		uint32_t c;

		tail += utf8_decode(text + tail, n - tail, &c);
		skipped += char_width(c);
	}
	output_bytes(out, text, head);
	output_text(out, ELLIPSIS);
	output_bytes(out, text + tail, n - tail);
}

void utf8_cut_middle(struct output *out, const char *text, size_t width)
{
	cut(out, text, width, width / 2);
}

void utf8_cut_begin(struct output *out, const char *text, size_t width)
{
	cut(out, text, width, 0);
}
