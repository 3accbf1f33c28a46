/* SPDX-License-Identifier: Apache-2.0 */
/* base/cursor.h - reads a stranger's bytes in order: bounded, little-endian, sticky, and aware of
 * where in the file it is. After a read past the end `ok` is false and stays so, and every value is
 * 0. One read per statement. */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heft_cursor {
	const uint8_t *bytes;
	size_t size;
	size_t pos;
	uint64_t file_off; /* of bytes[0] */
	bool ok;
};

void heft_cursor_init(struct heft_cursor *c, const void *bytes, size_t size, uint64_t file_off);
uint64_t heft_cursor_at(const struct heft_cursor *c); /* file offset of the next byte */
size_t heft_cursor_left(const struct heft_cursor *c); /* 0 when !ok */
uint8_t heft_cursor_u8(struct heft_cursor *c);
uint16_t heft_cursor_u16(struct heft_cursor *c);
uint32_t heft_cursor_u32(struct heft_cursor *c);
uint64_t heft_cursor_u64(struct heft_cursor *c);
const uint8_t *heft_cursor_bytes(struct heft_cursor *c, size_t n); /* NULL past the end */
/* n bytes that must be zero. False past the end (then !ok), and at a byte that is not zero, where
 * the cursor stays. */
bool heft_cursor_zeros(struct heft_cursor *c, size_t n);

#endif
