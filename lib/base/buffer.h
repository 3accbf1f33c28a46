/* SPDX-License-Identifier: Apache-2.0 */
/* base/buffer.h - bytes that grow. Sticky: after a failed append `ok` is false and stays so,
 * appends do nothing, and one check at the end is enough. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heft_buffer {
	uint8_t *bytes;
	size_t size;
	size_t capacity;
	bool ok;
};

void heft_buffer_init(struct heft_buffer *b);
void heft_buffer_done(struct heft_buffer *b);
/* room for n_more bytes beyond size */
bool heft_buffer_reserve(struct heft_buffer *b, size_t n_more);
void heft_buffer_add(struct heft_buffer *b, const void *bytes, size_t n);
void heft_buffer_add_u8(struct heft_buffer *b, uint8_t v);
void heft_buffer_add_le16(struct heft_buffer *b, uint16_t v);
void heft_buffer_add_le32(struct heft_buffer *b, uint32_t v);
void heft_buffer_add_le64(struct heft_buffer *b, uint64_t v);
void heft_buffer_add_zeros(struct heft_buffer *b, size_t n);
void heft_buffer_addf(struct heft_buffer *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Appends text as a JSON string with its quotes. Escapes only what JSON requires: ", \ and bytes
 * below 0x20. */
void heft_buffer_add_json_string(struct heft_buffer *b, const char *text, size_t n);
/* Hands the bytes over (heft_free); the buffer is empty again. NULL when !ok. A NUL is put behind
 * them. */
uint8_t *heft_buffer_take(struct heft_buffer *b, size_t *size);

#endif
