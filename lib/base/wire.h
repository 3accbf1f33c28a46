/* SPDX-License-Identifier: Apache-2.0 */
/* base/wire.h - protobuf's wire format, read field by field and in place: bounded, aware of where
 * in the file it is, and without a copy of what is passed over; and what writes it. */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include "base/buffer.h"
#include "base/source.h"

/* Where bytes come from: memory, or a file through a window. One thread's. */
struct heft_wire_input {
	const uint8_t *bytes; /* all of them, where they are in memory */
	uint64_t size;
	struct heft_source *src; /* else */
	uint8_t *window;
	uint64_t window_off;
	size_t window_size;
};

void heft_wire_input_memory(struct heft_wire_input *in, const void *bytes, uint64_t size);
/* Borrows `src`, and reads it through a window. Not through a map: a file that somebody cuts short
 * meanwhile is to be an error and no signal; and the window is as fast. */
enum heft_status heft_wire_input_source(struct heft_wire_input *in, struct heft_source *src,
                                        struct heft_error *err);
void heft_wire_input_done(struct heft_wire_input *in);
/* *bytes: n of them at `off`, at most HEFT_WIRE_PEEK, borrowed until the next call with `in`. */
#define HEFT_WIRE_PEEK 4096u
enum heft_status heft_wire_peek(struct heft_wire_input *in, uint64_t off, size_t n,
                                const uint8_t **bytes, struct heft_error *err);
/* Copies n bytes at `off`. */
enum heft_status heft_wire_copy(struct heft_wire_input *in, uint64_t off, void *dst, size_t n,
                                struct heft_error *err);

enum heft_wire_type {
	HEFT_WIRE_VARINT = 0,
	HEFT_WIRE_FIXED64 = 1,
	HEFT_WIRE_BYTES = 2,
	HEFT_WIRE_FIXED32 = 5
};

/* A message, or what is left of it: the file's bytes [at, end). */
struct heft_wire_message {
	uint64_t at;
	uint64_t end;
};

struct heft_wire_field {
	uint32_t number;
	uint8_t type;     /* enum heft_wire_type */
	uint64_t at;      /* of the tag */
	uint64_t len_off; /* BYTES: of the varint of the length */
	uint64_t off;     /* of the value; BYTES: of the content */
	uint64_t size;    /* of the value; BYTES: of the content. The field ends at off + size. */
	uint64_t value;   /* of the three other types */
};

/* Reads the next field and moves message->at behind it; *has is false at the message's end.
 * CORRUPT: a field past the message's end, number 0, a varint of more than 10 bytes or 64 bits, a
 * group or an unknown wire type. */
enum heft_status heft_wire_next(struct heft_wire_input *in, struct heft_wire_message *message,
                                struct heft_wire_field *field, bool *has, struct heft_error *err);
/* The message that a field of BYTES is. */
static inline struct heft_wire_message heft_wire_inner(const struct heft_wire_field *field)
{
	return (struct heft_wire_message){ field->off, field->off + field->size };
}
/* One varint at message->at, as inside a packed field; CORRUPT as above. */
enum heft_status heft_wire_varint(struct heft_wire_input *in, struct heft_wire_message *message,
                                  uint64_t *value, struct heft_error *err);

/* One varint at the first of n bytes: how many it takes, 0 where it is cut or has more than 64
 * bits. */
#define HEFT_WIRE_VARINT_MAX 10u
unsigned heft_wire_get_varint(const uint8_t *bytes, size_t n, uint64_t *value);

/* --- writing --- */

unsigned heft_wire_varint_size(uint64_t value);
unsigned heft_wire_put_varint(uint8_t *dst, uint64_t value); /* room for 10; how many it took */
void heft_wire_add_varint(struct heft_buffer *b, uint64_t value);
void heft_wire_add_tag(struct heft_buffer *b, uint32_t number, enum heft_wire_type type);
void heft_wire_add_uint(struct heft_buffer *b, uint32_t number, uint64_t value);
void heft_wire_add_bytes(struct heft_buffer *b, uint32_t number, const void *bytes, size_t n);

#endif
