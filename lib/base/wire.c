/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - protobuf's wire format, read field by field and in place, and what writes it. */
#include "base/wire.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"

#define VARINT_MAX HEFT_WIRE_VARINT_MAX
#define HEAD_MAX (2 * HEFT_WIRE_VARINT_MAX) /* a tag, and a length or a number */
#define MAX_NUMBER ((UINT32_C(1) << 29) - 1)
/* A file is read through a window of this size where it is read in order, and by the page where a
 * weight was passed over, whose bytes nobody asked for. */
#define WINDOW_SIZE (UINT32_C(64) << 10)

/* --- where bytes come from --- */

void heft_wire_input_memory(struct heft_wire_input *in, const void *bytes, uint64_t size)
{
	*in = (struct heft_wire_input){ .bytes = size > 0 ? bytes : (const uint8_t *)"",
		                        .size = size };
}

enum heft_status heft_wire_input_source(struct heft_wire_input *in, struct heft_source *src,
                                        struct heft_error *err)
{
	*in = (struct heft_wire_input){ .size = heft_source_size(src), .src = src };
	in->window = heft_alloc(WINDOW_SIZE);
	if (!in->window)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a window");
	return HEFT_OK;
}

void heft_wire_input_done(struct heft_wire_input *in)
{
	heft_free(in->window);
	*in = (struct heft_wire_input){ .size = 0 };
}

static bool is_in_window(const struct heft_wire_input *in, uint64_t off, size_t n)
{
	return off >= in->window_off && heft_in_range(off - in->window_off, n, in->window_size);
}

static enum heft_status fill_window(struct heft_wire_input *in, uint64_t off,
                                    struct heft_error *err)
{
	const bool is_next = is_in_window(in, off, 0);
	const size_t want = is_next ? WINDOW_SIZE : HEFT_WIRE_PEEK;
	const uint64_t left = in->size - off;
	const size_t n = left < want ? (size_t)left : want;

	in->window_size = 0;
	HEFT_TRY(heft_source_read(in->src, off, in->window, n, err));
	in->window_off = off;
	in->window_size = n;
	return HEFT_OK;
}

/* n is at most HEFT_WIRE_PEEK. */
static enum heft_status look(struct heft_wire_input *in, uint64_t off, size_t n,
                             const uint8_t **bytes, struct heft_error *err)
{
	if (!heft_in_range(off, n, in->size))
		return heft_fail(err, HEFT_E_CORRUPT, in->size, "the file ends too early");
	if (in->bytes) {
		*bytes = in->bytes + off;
		return HEFT_OK;
	}
	if (!is_in_window(in, off, n))
		HEFT_TRY(fill_window(in, off, err));
	*bytes = in->window + (off - in->window_off);
	return HEFT_OK;
}

enum heft_status heft_wire_peek(struct heft_wire_input *in, uint64_t off, size_t n,
                                const uint8_t **bytes, struct heft_error *err)
{
	if (n > HEFT_WIRE_PEEK)
		return heft_fail(err, HEFT_E_LIMIT, off, "%zu bytes at once are too many", n);
	return look(in, off, n, bytes, err);
}

enum heft_status heft_wire_copy(struct heft_wire_input *in, uint64_t off, void *dst, size_t n,
                                struct heft_error *err)
{
	if (!heft_in_range(off, n, in->size))
		return heft_fail(err, HEFT_E_CORRUPT, in->size, "the file ends too early");
	if (n == 0)
		return HEFT_OK;
	if (in->bytes)
		memcpy(dst, in->bytes + off, n);
	else if (is_in_window(in, off, n))
		memcpy(dst, in->window + (off - in->window_off), n);
	else
		return heft_source_read(in->src, off, dst, n, err);
	return HEFT_OK;
}

/* --- fields --- */

unsigned heft_wire_get_varint(const uint8_t *bytes, size_t n, uint64_t *value)
{
	const size_t most = n < VARINT_MAX ? n : VARINT_MAX;
	uint64_t v = 0;

	for (size_t i = 0; i < most; i++) {
		v |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
		if (bytes[i] < 0x80) {
			if (i == VARINT_MAX - 1 && bytes[i] > 1)
				return 0; /* the 65th bit */
			*value = v;
			return (unsigned)i + 1;
		}
	}
	return 0;
}

static enum heft_status fail_varint(uint64_t off, size_t n, struct heft_error *err)
{
	if (n < VARINT_MAX)
		return heft_fail(err, HEFT_E_CORRUPT, off,
		                 "a number ends past the end of its message");
	return heft_fail(err, HEFT_E_CORRUPT, off, "a number has more than 64 bits");
}

/* How many of the bytes left in the message a look at `most` may see. */
static size_t within(const struct heft_wire_message *message, size_t most)
{
	const uint64_t left = message->end - message->at;

	return left < most ? (size_t)left : most;
}

enum heft_status heft_wire_varint(struct heft_wire_input *in, struct heft_wire_message *message,
                                  uint64_t *value, struct heft_error *err)
{
	const size_t n = within(message, VARINT_MAX);
	const uint8_t *bytes = NULL;
	unsigned used;

	HEFT_TRY(look(in, message->at, n, &bytes, err));
	used = heft_wire_get_varint(bytes, n, value);
	if (used == 0)
		return fail_varint(message->at, n, err);
	message->at += used;
	return HEFT_OK;
}

/* The value behind the tag, of which n bytes are to be seen. Of BYTES that is the length. */
static enum heft_status get_value(const uint8_t *bytes, size_t n, struct heft_wire_field *field,
                                  struct heft_error *err)
{
	const bool is_varint = field->type == HEFT_WIRE_VARINT || field->type == HEFT_WIRE_BYTES;
	const size_t fixed = field->type == HEFT_WIRE_FIXED64 ? 8 : 4;

	if (is_varint) {
		field->size = heft_wire_get_varint(bytes, n, &field->value);
		return field->size > 0 ? HEFT_OK : fail_varint(field->off, n, err);
	}
	if (n < fixed)
		return heft_fail(err, HEFT_E_CORRUPT, field->at,
		                 "a field ends past the end of its message");
	field->value = fixed == 8 ? heft_get_le64(bytes) : heft_get_le32(bytes);
	field->size = fixed;
	return HEFT_OK;
}

static enum heft_status get_tag(const uint8_t *bytes, size_t n, struct heft_wire_field *field,
                                struct heft_error *err)
{
	uint64_t tag;
	const unsigned used = heft_wire_get_varint(bytes, n, &tag);

	if (used == 0)
		return fail_varint(field->at, n, err);
	if (tag >> 3 == 0 || tag >> 3 > MAX_NUMBER)
		return heft_fail(err, HEFT_E_CORRUPT, field->at, "%llu is no field's number",
		                 (unsigned long long)(tag >> 3));
	field->number = (uint32_t)(tag >> 3);
	field->type = tag & 7;
	field->off = field->at + used;
	if (field->type == 3 || field->type == 4)
		return heft_fail(err, HEFT_E_CORRUPT, field->at, "field %u is a group",
		                 field->number);
	if (field->type > HEFT_WIRE_FIXED32)
		return heft_fail(err, HEFT_E_CORRUPT, field->at, "field %u has the wire type %u",
		                 field->number, field->type);
	return HEFT_OK;
}

enum heft_status heft_wire_next(struct heft_wire_input *in, struct heft_wire_message *message,
                                struct heft_wire_field *field, bool *has, struct heft_error *err)
{
	const size_t n = within(message, HEAD_MAX);
	struct heft_wire_field f = { .at = message->at };
	const uint8_t *bytes = NULL;
	size_t tag_size;

	*has = n > 0;
	if (n == 0)
		return HEFT_OK;
	HEFT_TRY(look(in, f.at, n, &bytes, err));
	HEFT_TRY(get_tag(bytes, n, &f, err));
	tag_size = (size_t)(f.off - f.at);
	HEFT_TRY(get_value(bytes + tag_size, n - tag_size, &f, err));
	if (f.type == HEFT_WIRE_BYTES) {
		f.len_off = f.off;
		f.off += f.size;
		f.size = f.value;
		f.value = 0;
		if (f.size > message->end - f.off)
			return heft_fail(err, HEFT_E_CORRUPT, f.at,
			                 "field %u ends past the end of %s", f.number,
			                 message->end == in->size ? "the file" : "its message");
	}
	message->at = f.off + f.size;
	*field = f;
	return HEFT_OK;
}

/* --- writing --- */

unsigned heft_wire_varint_size(uint64_t value)
{
	unsigned n = 1;

	while (value >= 0x80) {
		value >>= 7;
		n++;
	}
	return n;
}

unsigned heft_wire_put_varint(uint8_t *dst, uint64_t value)
{
	unsigned n = 0;

	while (value >= 0x80) {
		dst[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	dst[n++] = (uint8_t)value;
	return n;
}

void heft_wire_add_varint(struct heft_buffer *b, uint64_t value)
{
	uint8_t bytes[VARINT_MAX];

	heft_buffer_add(b, bytes, heft_wire_put_varint(bytes, value));
}

void heft_wire_add_tag(struct heft_buffer *b, uint32_t number, enum heft_wire_type type)
{
	heft_wire_add_varint(b, (uint64_t)number << 3 | type);
}

void heft_wire_add_uint(struct heft_buffer *b, uint32_t number, uint64_t value)
{
	heft_wire_add_tag(b, number, HEFT_WIRE_VARINT);
	heft_wire_add_varint(b, value);
}

void heft_wire_add_bytes(struct heft_buffer *b, uint32_t number, const void *bytes, size_t n)
{
	heft_wire_add_tag(b, number, HEFT_WIRE_BYTES);
	heft_wire_add_varint(b, n);
	heft_buffer_add(b, bytes, n);
}
