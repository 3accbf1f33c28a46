/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zip_bytes.h - a zip archive in memory, byte by byte, right or wrong.
 *
 *	zip_begin(&z);
 *	zip_add(&z, &(struct zip_part){ .name = "a", .bytes = "hello", .size = 5 });
 *	zip_finish(&z);
 *	zip_done(&z);
 */
#ifndef HEFT_ZIP_BYTES_H
#define HEFT_ZIP_BYTES_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buffer.h"
#include "base/bytes.h"

#define ZIP_MAX_PARTS 8u

struct zip_part {
	const char *name;
	size_t name_size; /* 0: of the text */
	const void *bytes;
	size_t size;
	uint16_t flags;
	bool is_deflated;
	const void *extra; /* of the local header */
	size_t extra_size;
	const void *entry_extra;
	size_t entry_extra_size;
	/* in the local header instead of the truth */
	bool has_local_sizes;
	uint32_t local_stored_size;
	uint32_t local_size;
	uint32_t local_crc;
};

struct zip_bytes {
	struct heft_buffer b;
	struct zip_part parts[ZIP_MAX_PARTS];
	uint32_t crc[ZIP_MAX_PARTS];
	uint32_t stored_size[ZIP_MAX_PARTS];
	/* places in the file */
	size_t local[ZIP_MAX_PARTS];
	size_t data[ZIP_MAX_PARTS];
	size_t entry[ZIP_MAX_PARTS];
	size_t dir;
	size_t end;
	size_t n;
};

static inline void zip_begin(struct zip_bytes *z)
{
	memset(z, 0, sizeof *z);
	heft_buffer_init(&z->b);
}

static inline void zip_done(struct zip_bytes *z)
{
	heft_buffer_done(&z->b);
}

static inline void zip_add_deflated(struct heft_buffer *b, const void *bytes, size_t n)
{
	z_stream s = { .avail_in = (unsigned)n };

	s.next_in = (z_const Bytef *)(uintptr_t)bytes;
	ck_assert_int_eq(deflateInit2(&s, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert(heft_buffer_reserve(b, n + n / 8 + 64));
	s.next_out = b->bytes + b->size;
	s.avail_out = (unsigned)(n + n / 8 + 64);
	ck_assert_int_eq(deflate(&s, Z_FINISH), Z_STREAM_END);
	b->size += s.total_out;
	deflateEnd(&s);
}

static inline void zip_add_common(struct zip_bytes *z, size_t i, uint32_t crc, uint32_t stored_size,
                                  uint32_t size, size_t extra_size)
{
	const struct zip_part *p = &z->parts[i];

	heft_buffer_add_le16(&z->b, 20);
	heft_buffer_add_le16(&z->b, p->flags);
	heft_buffer_add_le16(&z->b, p->is_deflated ? 8 : 0);
	heft_buffer_add_le32(&z->b, 0x00210000);
	heft_buffer_add_le32(&z->b, crc);
	heft_buffer_add_le32(&z->b, stored_size);
	heft_buffer_add_le32(&z->b, size);
	heft_buffer_add_le16(&z->b, (uint16_t)p->name_size);
	heft_buffer_add_le16(&z->b, (uint16_t)extra_size);
}

static inline void zip_add(struct zip_bytes *z, const struct zip_part *part)
{
	const size_t i = z->n++;
	struct zip_part *p = &z->parts[i];
	struct heft_buffer data;

	ck_assert_uint_le(z->n, ZIP_MAX_PARTS);
	*p = *part;
	if (p->name_size == 0)
		p->name_size = strlen(p->name);
	heft_buffer_init(&data);
	if (p->is_deflated)
		zip_add_deflated(&data, p->bytes, p->size);
	else
		heft_buffer_add(&data, p->bytes, p->size);
	z->crc[i] = (uint32_t)crc32(0, p->bytes, (unsigned)p->size);
	z->stored_size[i] = (uint32_t)data.size;
	z->local[i] = z->b.size;
	heft_buffer_add_le32(&z->b, 0x04034b50);
	zip_add_common(z, i, p->has_local_sizes ? p->local_crc : z->crc[i],
	               p->has_local_sizes ? p->local_stored_size : z->stored_size[i],
	               p->has_local_sizes ? p->local_size : (uint32_t)p->size, p->extra_size);
	heft_buffer_add(&z->b, p->name, p->name_size);
	heft_buffer_add(&z->b, p->extra, p->extra_size);
	z->data[i] = z->b.size;
	heft_buffer_add(&z->b, data.bytes, data.size);
	heft_buffer_done(&data);
}

/* Entry i, as the next one of the directory. */
static inline void zip_add_entry(struct zip_bytes *z, size_t i)
{
	const struct zip_part *p = &z->parts[i];

	z->entry[i] = z->b.size;
	heft_buffer_add_le32(&z->b, 0x02014b50);
	heft_buffer_add_le16(&z->b, 20);
	zip_add_common(z, i, z->crc[i], z->stored_size[i], (uint32_t)p->size, p->entry_extra_size);
	heft_buffer_add_zeros(&z->b, 10);
	heft_buffer_add_le32(&z->b, (uint32_t)z->local[i]);
	heft_buffer_add(&z->b, p->name, p->name_size);
	heft_buffer_add(&z->b, p->entry_extra, p->entry_extra_size);
}

/* The zip64 record and its locator. */
static inline void zip_add_end64(struct zip_bytes *z, uint64_t n, uint64_t dir_size,
                                 uint64_t dir_off)
{
	const uint64_t at = z->b.size;

	heft_buffer_add_le32(&z->b, 0x06064b50);
	heft_buffer_add_le64(&z->b, 44);
	heft_buffer_add_le32(&z->b, 0x002d002d);
	heft_buffer_add_le64(&z->b, 0);
	heft_buffer_add_le64(&z->b, n);
	heft_buffer_add_le64(&z->b, n);
	heft_buffer_add_le64(&z->b, dir_size);
	heft_buffer_add_le64(&z->b, dir_off);
	heft_buffer_add_le32(&z->b, 0x07064b50);
	heft_buffer_add_le32(&z->b, 0);
	heft_buffer_add_le64(&z->b, at);
	heft_buffer_add_le32(&z->b, 1);
}

static inline void zip_add_end(struct zip_bytes *z, uint16_t n, uint32_t dir_size, uint32_t dir_off)
{
	z->end = z->b.size;
	heft_buffer_add_le32(&z->b, 0x06054b50);
	heft_buffer_add_le32(&z->b, 0);
	heft_buffer_add_le16(&z->b, n);
	heft_buffer_add_le16(&z->b, n);
	heft_buffer_add_le32(&z->b, dir_size);
	heft_buffer_add_le32(&z->b, dir_off);
	heft_buffer_add_le16(&z->b, 0);
	ck_assert(z->b.ok);
}

static inline void zip_finish(struct zip_bytes *z)
{
	z->dir = z->b.size;
	for (size_t i = 0; i < z->n; i++)
		zip_add_entry(z, i);
	zip_add_end(z, (uint16_t)z->n, (uint32_t)(z->b.size - z->dir), (uint32_t)z->dir);
}

static inline void zip_finish64(struct zip_bytes *z)
{
	size_t dir_size;

	z->dir = z->b.size;
	for (size_t i = 0; i < z->n; i++)
		zip_add_entry(z, i);
	dir_size = z->b.size - z->dir;
	zip_add_end64(z, z->n, dir_size, z->dir);
	zip_add_end(z, UINT16_MAX, UINT32_MAX, UINT32_MAX);
	heft_put_le32(z->b.bytes + z->end + 4, UINT32_MAX); /* both disks */
}

#endif
