/* SPDX-License-Identifier: Apache-2.0 */
/* base/buffer.c - bytes that grow, with one check at the end. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/checked.h"

void heft_buffer_init(struct heft_buffer *b)
{
	*b = (struct heft_buffer){ .ok = true };
}

void heft_buffer_done(struct heft_buffer *b)
{
	if (!b)
		return;
	heft_free(b->bytes);
	heft_buffer_init(b);
}

/* Doubles, so that n appends copy at most 2n bytes; the NUL of heft_buffer_take has room always. */
static bool grow(struct heft_buffer *b, size_t n_more)
{
	size_t needed;
	size_t capacity = b->capacity <= SIZE_MAX / 2 ? b->capacity * 2 : SIZE_MAX;
	uint8_t *bytes;

	if (!heft_add_size(b->size, n_more, &needed) || !heft_add_size(needed, 1, &needed))
		return false;
	if (capacity < needed)
		capacity = needed;
	if (capacity < 64)
		capacity = 64;
	bytes = heft_realloc_array(b->bytes, capacity, 1);
	if (!bytes)
		return false;
	b->bytes = bytes;
	b->capacity = capacity;
	return true;
}

bool heft_buffer_reserve(struct heft_buffer *b, size_t n_more)
{
	if (b->ok && (b->capacity == 0 || n_more > b->capacity - b->size - 1))
		b->ok = grow(b, n_more);
	return b->ok;
}

void heft_buffer_add(struct heft_buffer *b, const void *bytes, size_t n)
{
	if (n == 0 || !heft_buffer_reserve(b, n))
		return;
	memcpy(b->bytes + b->size, bytes, n);
	b->size += n;
}

void heft_buffer_add_u8(struct heft_buffer *b, uint8_t v)
{
	heft_buffer_add(b, &v, 1);
}

void heft_buffer_add_le16(struct heft_buffer *b, uint16_t v)
{
	uint8_t bytes[2];

	heft_put_le16(bytes, v);
	heft_buffer_add(b, bytes, sizeof bytes);
}

void heft_buffer_add_le32(struct heft_buffer *b, uint32_t v)
{
	uint8_t bytes[4];

	heft_put_le32(bytes, v);
	heft_buffer_add(b, bytes, sizeof bytes);
}

void heft_buffer_add_le64(struct heft_buffer *b, uint64_t v)
{
	uint8_t bytes[8];

	heft_put_le64(bytes, v);
	heft_buffer_add(b, bytes, sizeof bytes);
}

void heft_buffer_add_zeros(struct heft_buffer *b, size_t n)
{
	if (n == 0 || !heft_buffer_reserve(b, n))
		return;
	memset(b->bytes + b->size, 0, n);
	b->size += n;
}

void heft_buffer_addf(struct heft_buffer *b, const char *fmt, ...)
{
	va_list args;
	va_list again;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	if (n < 0) {
		b->ok = false;
	} else if (heft_buffer_reserve(b, (size_t)n)) {
		vsnprintf((char *)b->bytes + b->size, (size_t)n + 1, fmt, again);
		b->size += (size_t)n;
	}
	va_end(again);
	va_end(args);
}

/* The second character of the short escape for c, or 0. */
static char short_escape(unsigned char c)
{
	switch (c) {
	case '"':
		return '"';
	case '\\':
		return '\\';
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

static void add_json_escape(struct heft_buffer *b, unsigned char c)
{
	const char letter = short_escape(c);

	if (letter)
		heft_buffer_addf(b, "\\%c", letter);
	else
		heft_buffer_addf(b, "\\u%04x", (unsigned)c);
}

void heft_buffer_add_json_string(struct heft_buffer *b, const char *text, size_t n)
{
	size_t start = 0;

	heft_buffer_add_u8(b, '"');
	for (size_t i = 0; i < n; i++) {
		const unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		heft_buffer_add(b, text + start, i - start);
		add_json_escape(b, c);
		start = i + 1;
	}
	if (n > start)
		heft_buffer_add(b, text + start, n - start);
	heft_buffer_add_u8(b, '"');
}

uint8_t *heft_buffer_take(struct heft_buffer *b, size_t *size)
{
	uint8_t *bytes;

	if (!heft_buffer_reserve(b, 0))
		return NULL;
	bytes = b->bytes;
	bytes[b->size] = 0;
	if (size)
		*size = b->size;
	heft_buffer_init(b);
	return bytes;
}
