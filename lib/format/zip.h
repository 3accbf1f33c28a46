/* SPDX-License-Identifier: Apache-2.0 */
/* format/zip.h - a zip archive as the formats that are one need it: its directory, checked against
 * the headers in front of the members; the bytes of a stored or deflated member from any place and
 * any thread, checked by their CRC; and a writer. Rules: spec/foreign/zip.md. Not a general
 * unpacker: nothing is ever written to a path that an archive names. */
#ifndef FORMAT_ZIP_H
#define FORMAT_ZIP_H

#include "base/buffer.h"
#include "base/sink.h"
#include "base/source.h"

struct heft_zip; /* an archive that is open for reading */

struct heft_zip_limits {
	uint64_t max_members; /* 0: 2^31 - 1 */
	uint64_t max_size;    /* 0: 2^63 - 1; of all members together, unpacked */
};

struct heft_zip_member {
	const char *name; /* borrowed; ends with NUL; well-formed UTF-8 */
	uint32_t name_size;
	uint32_t crc;         /* as stated */
	bool is_deflated;     /* else stored */
	uint64_t entry_off;   /* of the directory's entry in the file */
	uint64_t header_off;  /* of the local header in the file */
	uint64_t data_off;    /* of the member's bytes in the file */
	uint64_t stored_size; /* there */
	uint64_t size;        /* unpacked */
};

/* `src` is borrowed and outlives the archive. Reads the directory and every local header, no data.
 * CORRUPT, UNSUPPORTED (encryption, another method, several disks), LIMIT: with the offset. */
enum heft_status heft_zip_open(struct heft_source *src, const struct heft_zip_limits *limits,
                               struct heft_zip **out, struct heft_error *err);
void heft_zip_close(struct heft_zip *z); /* takes NULL */
uint32_t heft_zip_n_members(const struct heft_zip *z);
/* Members are numbered as the directory lists them. */
const struct heft_zip_member *heft_zip_member(const struct heft_zip *z, uint32_t i);
/* Where the directory begins in the file: behind every member. */
uint64_t heft_zip_directory_off(const struct heft_zip *z);

/* Reads unpacked bytes [off, off + n) of member i, which lie within it. Any thread, any order; in
 * ascending order, also by several threads that are a few mebibytes apart, a deflated member is
 * unpacked once. What was read of a member is put together, and when that is all of it, its CRC is
 * compared: CORRUPT, now and for every later read. A member that unpacks to more or fewer bytes
 * than stated is CORRUPT. */
enum heft_status heft_zip_read(struct heft_zip *z, uint32_t i, uint64_t off, void *dst, size_t n,
                               struct heft_error *err);

/* --- writing --- */

/* Packs pieces by themselves, so that any thread can pack them and they can be put behind one
 * another: raw deflate, each ended by a full flush. Any thread. */
struct heft_zip_packer;
enum heft_status heft_zip_packer_new(int level, struct heft_zip_packer **out,
                                     struct heft_error *err); /* level 1 to 9 */
void heft_zip_packer_free(struct heft_zip_packer *p);         /* takes NULL */
size_t heft_zip_pack_bound(size_t n);
/* dst has room for heft_zip_pack_bound(n). */
enum heft_status heft_zip_pack(struct heft_zip_packer *p, const void *src, size_t n, uint8_t *dst,
                               size_t *dst_size, struct heft_error *err);
uint32_t heft_zip_crc(uint32_t crc, const void *bytes, size_t n); /* begins with 0 */

struct heft_zip_writer;

/* A member that is to be written: `head`, and bytes that come in pieces. */
struct heft_zip_new {
	const char *name;
	size_t name_size;
	struct heft_zip_packer *packer; /* NULL: stored */
	const void *head;
	size_t head_size;
	uint64_t size; /* of a stored member, the head included */
	/* 1 to 4,096, a power of two: the byte behind a stored member's head lies at a multiple of
	 * it, by padding in the extra field of the local header */
	uint32_t alignment;
};

/* Members lie in the order in which they are begun. Every date is 1980-01-01, every local header
 * has zip64 sizes, as numpy.savez writes them. The sink is not a stream. One thread at a time. */
enum heft_status heft_zip_writer_new(struct heft_sink *sink, struct heft_zip_writer **out,
                                     struct heft_error *err);
void heft_zip_writer_free(struct heft_zip_writer *w); /* takes NULL */
/* Begins a member, numbered from 0, and writes its head. Stored ones, whose size is known, may be
 * begun all at once; a packed one must have ended before the next begins. */
enum heft_status heft_zip_writer_begin(struct heft_zip_writer *w, const struct heft_zip_new *m,
                                       struct heft_error *err);
/* Counts the next piece of member i: `size` unpacked bytes with that CRC, which take stored_size
 * bytes in the file at *off. The caller writes them there. */
void heft_zip_writer_piece(struct heft_zip_writer *w, uint32_t i, uint32_t crc, uint64_t size,
                           uint64_t stored_size, uint64_t *off);
/* Ends member i: its local header is completed. */
enum heft_status heft_zip_writer_end(struct heft_zip_writer *w, uint32_t i, struct heft_error *err);
/* The directory. */
enum heft_status heft_zip_writer_finish(struct heft_zip_writer *w, struct heft_error *err);

#endif
