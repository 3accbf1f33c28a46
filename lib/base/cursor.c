/* SPDX-License-Identifier: Apache-2.0 */
/* base/cursor.c - reads a stranger's bytes in order. */
#include "base/cursor.h"

#include "base/bytes.h"

void heft_cursor_init(struct heft_cursor *c, const void *bytes, size_t size, uint64_t file_off)
{
	/* Never NULL, so that NULL from heft_cursor_bytes means one thing only. */
	*c = (struct heft_cursor){ .bytes = bytes ? bytes : (const void *)"",
		                   .size = size,
		                   .file_off = file_off,
		                   .ok = true };
}

uint64_t heft_cursor_at(const struct heft_cursor *c)
{
	return c->file_off + c->pos;
}

size_t heft_cursor_left(const struct heft_cursor *c)
{
	return c->ok ? c->size - c->pos : 0;
}

const uint8_t *heft_cursor_bytes(struct heft_cursor *c, size_t n)
{
	const uint8_t *bytes;

	if (!c->ok || n > c->size - c->pos) {
		c->ok = false;
		return NULL;
	}
	bytes = c->bytes + c->pos;
	c->pos += n;
	return bytes;
}

uint8_t heft_cursor_u8(struct heft_cursor *c)
{
	const uint8_t *p = heft_cursor_bytes(c, 1);

	return p ? *p : 0;
}

uint16_t heft_cursor_u16(struct heft_cursor *c)
{
	const uint8_t *p = heft_cursor_bytes(c, 2);

	return p ? heft_get_le16(p) : 0;
}

uint32_t heft_cursor_u32(struct heft_cursor *c)
{
	const uint8_t *p = heft_cursor_bytes(c, 4);

	return p ? heft_get_le32(p) : 0;
}

uint64_t heft_cursor_u64(struct heft_cursor *c)
{
	const uint8_t *p = heft_cursor_bytes(c, 8);

	return p ? heft_get_le64(p) : 0;
}

bool heft_cursor_zeros(struct heft_cursor *c, size_t n)
{
	if (!c->ok || n > c->size - c->pos) {
		c->ok = false;
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (c->bytes[c->pos] != 0)
			return false;
		c->pos++;
	}
	return true;
}
