/* SPDX-License-Identifier: Apache-2.0 */
/* zip_write.c - writes a zip archive (spec/foreign/zip.md, section 6). */
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"
#include "format/zip_parts.h"

#define VERSION 45               /* needed: zip64 */
#define MADE_BY (3 << 8 | 45)    /* a Unix */
#define FIRST_DAY 0x0021         /* 1980-01-01 */
#define ATTRIBUTES (0600u << 16) /* what numpy.savez gives */
#define ZIP64_SIZE 20u           /* the field with both sizes, of every local header */
/* A field of zeros behind the alignment that they make, as Apache Commons has it. */
#define EXTRA_ALIGNMENT 0xa11eu
#define ALIGNMENT_MIN 6u /* bytes of such a field */
#define FLUSH_SIZE ((size_t)64 << 10)

static const uint8_t last_block[] = { 3, 0 }; /* of a deflate stream: empty */

struct member {
	uint64_t name_at;
	uint64_t header_off;
	uint64_t data_off;
	uint64_t stored_size; /* so far */
	uint64_t size;        /* unpacked, so far */
	uint32_t crc;
	uint16_t name_size;
	uint16_t padding; /* of the local header's extra field */
	bool is_packed;
	bool has_ended;
	uint64_t told_size; /* of a stored one */
};

struct heft_zip_writer {
	struct heft_sink *sink;
	struct member *members;
	uint32_t n_members;
	size_t n_room;
	struct heft_buffer names;
	struct heft_buffer bytes; /* on their way */
	uint64_t end;             /* of the last member */
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a zip archive");
}

enum heft_status heft_zip_writer_new(struct heft_sink *sink, struct heft_zip_writer **out,
                                     struct heft_error *err)
{
	struct heft_zip_writer *w = heft_zalloc(sizeof *w);

	if (!w)
		return no_memory(err);
	w->sink = sink;
	heft_buffer_init(&w->names);
	heft_buffer_init(&w->bytes);
	*out = w;
	return HEFT_OK;
}

void heft_zip_writer_free(struct heft_zip_writer *w)
{
	if (!w)
		return;
	heft_buffer_done(&w->names);
	heft_buffer_done(&w->bytes);
	heft_free(w->members);
	heft_free(w);
}

static const uint8_t *name_of(const struct heft_zip_writer *w, const struct member *m)
{
	return w->names.bytes + m->name_at;
}

static uint16_t flags_of(const struct heft_zip_writer *w, const struct member *m)
{
	const uint8_t *name = name_of(w, m);

	for (size_t i = 0; i < m->name_size; i++)
		if (name[i] >= 0x80)
			return HEFT_ZIP_UTF8;
	return 0;
}

static uint32_t low(uint64_t size)
{
	return size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}

/* What both headers have, from the flags to the sizes. */
static void add_common(struct heft_zip_writer *w, const struct member *m, uint32_t stored_size,
                       uint32_t size)
{
	struct heft_buffer *b = &w->bytes;

	heft_buffer_add_le16(b, VERSION);
	heft_buffer_add_le16(b, flags_of(w, m));
	heft_buffer_add_le16(b, m->is_packed ? HEFT_ZIP_DEFLATED : HEFT_ZIP_STORED);
	heft_buffer_add_le16(b, 0); /* midnight */
	heft_buffer_add_le16(b, FIRST_DAY);
	heft_buffer_add_le32(b, m->crc);
	heft_buffer_add_le32(b, stored_size);
	heft_buffer_add_le32(b, size);
	heft_buffer_add_le16(b, m->name_size);
}

/* All but the padding. */
static void add_local(struct heft_zip_writer *w, const struct member *m)
{
	struct heft_buffer *b = &w->bytes;

	heft_buffer_add_le32(b, HEFT_ZIP_LOCAL_MAGIC);
	add_common(w, m, UINT32_MAX, UINT32_MAX);
	heft_buffer_add_le16(b, (uint16_t)(ZIP64_SIZE + m->padding));
	heft_buffer_add(b, name_of(w, m), m->name_size);
	heft_buffer_add_le16(b, HEFT_ZIP_EXTRA_ZIP64);
	heft_buffer_add_le16(b, ZIP64_SIZE - 4);
	heft_buffer_add_le64(b, m->is_packed ? m->size : m->told_size);
	heft_buffer_add_le64(b, m->is_packed ? m->stored_size : m->told_size);
}

static void add_padding(struct heft_zip_writer *w, uint16_t padding, uint32_t alignment)
{
	struct heft_buffer *b = &w->bytes;

	if (padding == 0)
		return;
	heft_buffer_add_le16(b, EXTRA_ALIGNMENT);
	heft_buffer_add_le16(b, (uint16_t)(padding - 4));
	heft_buffer_add_le16(b, (uint16_t)alignment);
	heft_buffer_add_zeros(b, padding - ALIGNMENT_MIN);
}

static enum heft_status flush(struct heft_zip_writer *w, uint64_t off, struct heft_error *err)
{
	const size_t n = w->bytes.size;

	if (!w->bytes.ok || !w->names.ok)
		return no_memory(err);
	w->bytes.size = 0;
	return heft_sink_pwrite(w->sink, off, w->bytes.bytes, n, err);
}

/* Whole fields alone, so none or at least ALIGNMENT_MIN bytes. */
static uint16_t padding_for(uint64_t off, uint32_t alignment)
{
	const uint32_t n = (uint32_t)(heft_align_up(off, alignment) - off);

	if (n == 0)
		return 0;
	return (uint16_t)(n < ALIGNMENT_MIN ? n + heft_align_up(ALIGNMENT_MIN - n, alignment) : n);
}

static enum heft_status add_member(struct heft_zip_writer *w, const struct heft_zip_new *from,
                                   struct member **out, struct heft_error *err)
{
	struct member *m;

	if (from->name_size > UINT16_MAX)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a zip archive has no names above 65535 bytes");
	if (w->n_members == w->n_room) {
		const size_t n_room = w->n_room ? 2 * w->n_room : 64;
		void *members = heft_realloc_array(w->members, n_room, sizeof *w->members);

		if (!members)
			return no_memory(err);
		w->members = members;
		w->n_room = n_room;
	}
	m = &w->members[w->n_members];
	*m = (struct member){
		.name_at = w->names.size,
		.name_size = (uint16_t)from->name_size,
		.header_off = w->end,
		.is_packed = from->packer != NULL,
		.told_size = from->size,
	};
	heft_buffer_add(&w->names, from->name, from->name_size);
	if (!w->names.ok)
		return no_memory(err);
	w->n_members++;
	*out = m;
	return HEFT_OK;
}

/* Puts the head behind the local header. */
static enum heft_status add_head(struct heft_zip_writer *w, struct member *m,
                                 const struct heft_zip_new *from, struct heft_error *err)
{
	struct heft_buffer *b = &w->bytes;
	size_t size;

	m->size = from->head_size;
	m->stored_size = from->head_size;
	m->crc = heft_zip_crc(0, from->head, from->head_size);
	if (!m->is_packed) {
		heft_buffer_add(b, from->head, from->head_size);
		return HEFT_OK;
	}
	if (!heft_buffer_reserve(b, heft_zip_pack_bound(from->head_size)))
		return no_memory(err);
	HEFT_TRY(heft_zip_pack(from->packer, from->head, from->head_size, b->bytes + b->size, &size,
	                       err));
	b->size += size;
	m->stored_size = size;
	return HEFT_OK;
}

enum heft_status heft_zip_writer_begin(struct heft_zip_writer *w, const struct heft_zip_new *from,
                                       struct heft_error *err)
{
	const uint64_t fixed = HEFT_ZIP_LOCAL_SIZE + ZIP64_SIZE + from->name_size;
	struct member *m = NULL;

	HEFT_TRY(add_member(w, from, &m, err));
	if (!m->is_packed)
		m->padding = padding_for(m->header_off + fixed + from->head_size, from->alignment);
	m->data_off = m->header_off + fixed + m->padding;
	add_local(w, m);
	add_padding(w, m->padding, from->alignment);
	HEFT_TRY(add_head(w, m, from, err));
	w->end = m->data_off + (m->is_packed ? m->stored_size : m->told_size);
	return flush(w, m->header_off, err);
}

void heft_zip_writer_piece(struct heft_zip_writer *w, uint32_t i, uint32_t crc, uint64_t size,
                           uint64_t stored_size, uint64_t *off)
{
	struct member *m = &w->members[i];

	*off = m->data_off + m->stored_size;
	m->crc = (uint32_t)crc32_combine(m->crc, crc, (z_off_t)size);
	m->size += size;
	m->stored_size += stored_size;
}

enum heft_status heft_zip_writer_end(struct heft_zip_writer *w, uint32_t i, struct heft_error *err)
{
	struct member *m = &w->members[i];

	if (m->is_packed) {
		HEFT_TRY(heft_sink_pwrite(w->sink, m->data_off + m->stored_size, last_block,
		                          sizeof last_block, err));
		m->stored_size += sizeof last_block;
		w->end = m->data_off + m->stored_size;
	} else if (m->size != m->told_size) {
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%llu bytes of a member were written of %llu that were announced",
		                 (unsigned long long)m->size, (unsigned long long)m->told_size);
	}
	m->has_ended = true;
	add_local(w, m);
	return flush(w, m->header_off, err);
}

/* --- the directory --- */

static void add_entry(struct heft_zip_writer *w, const struct member *m)
{
	const bool is_large = m->size >= UINT32_MAX || m->stored_size >= UINT32_MAX;
	const bool is_far = m->header_off >= UINT32_MAX;
	const uint16_t zip64_size = (uint16_t)((is_large ? 16 : 0) + (is_far ? 8 : 0));
	struct heft_buffer *b = &w->bytes;

	heft_buffer_add_le32(b, HEFT_ZIP_ENTRY_MAGIC);
	heft_buffer_add_le16(b, MADE_BY);
	add_common(w, m, is_large ? UINT32_MAX : (uint32_t)m->stored_size,
	           is_large ? UINT32_MAX : (uint32_t)m->size);
	heft_buffer_add_le16(b, zip64_size ? (uint16_t)(4 + zip64_size) : 0);
	heft_buffer_add_le16(b, 0); /* comment */
	heft_buffer_add_le16(b, 0); /* disk */
	heft_buffer_add_le16(b, 0); /* inner attributes */
	heft_buffer_add_le32(b, ATTRIBUTES);
	heft_buffer_add_le32(b, low(m->header_off));
	heft_buffer_add(b, name_of(w, m), m->name_size);
	if (zip64_size == 0)
		return;
	heft_buffer_add_le16(b, HEFT_ZIP_EXTRA_ZIP64);
	heft_buffer_add_le16(b, zip64_size);
	if (is_large) {
		heft_buffer_add_le64(b, m->size);
		heft_buffer_add_le64(b, m->stored_size);
	}
	if (is_far)
		heft_buffer_add_le64(b, m->header_off);
}

static void add_end64(struct heft_zip_writer *w, uint64_t dir_off, uint64_t dir_end)
{
	struct heft_buffer *b = &w->bytes;

	heft_buffer_add_le32(b, HEFT_ZIP_END64_MAGIC);
	heft_buffer_add_le64(b, HEFT_ZIP_END64_SIZE - 12);
	heft_buffer_add_le16(b, MADE_BY);
	heft_buffer_add_le16(b, VERSION);
	heft_buffer_add_le32(b, 0); /* this disk */
	heft_buffer_add_le32(b, 0); /* the directory's */
	heft_buffer_add_le64(b, w->n_members);
	heft_buffer_add_le64(b, w->n_members);
	heft_buffer_add_le64(b, dir_end - dir_off);
	heft_buffer_add_le64(b, dir_off);
	heft_buffer_add_le32(b, HEFT_ZIP_LOCATOR_MAGIC);
	heft_buffer_add_le32(b, 0);
	heft_buffer_add_le64(b, dir_end);
	heft_buffer_add_le32(b, 1); /* disks */
}

static void add_end(struct heft_zip_writer *w, uint64_t dir_off, uint64_t dir_end)
{
	const uint16_t n = w->n_members < UINT16_MAX ? (uint16_t)w->n_members : UINT16_MAX;
	struct heft_buffer *b = &w->bytes;

	if (w->n_members >= UINT16_MAX || dir_off >= UINT32_MAX || dir_end - dir_off >= UINT32_MAX)
		add_end64(w, dir_off, dir_end);
	heft_buffer_add_le32(b, HEFT_ZIP_END_MAGIC);
	heft_buffer_add_le16(b, 0); /* this disk */
	heft_buffer_add_le16(b, 0); /* the directory's */
	heft_buffer_add_le16(b, n);
	heft_buffer_add_le16(b, n);
	heft_buffer_add_le32(b, low(dir_end - dir_off));
	heft_buffer_add_le32(b, low(dir_off));
	heft_buffer_add_le16(b, 0); /* comment */
}

enum heft_status heft_zip_writer_finish(struct heft_zip_writer *w, struct heft_error *err)
{
	const uint64_t dir_off = w->end;
	uint64_t at = dir_off;

	for (uint32_t i = 0; i < w->n_members; i++) {
		if (!w->members[i].has_ended)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "bytes of member %u are missing", i);
		add_entry(w, &w->members[i]);
		if (w->bytes.size >= FLUSH_SIZE) {
			const uint64_t to = at;

			at += w->bytes.size;
			HEFT_TRY(flush(w, to, err));
		}
	}
	add_end(w, dir_off, at + w->bytes.size);
	return flush(w, at, err);
}
