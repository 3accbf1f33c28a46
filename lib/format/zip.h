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
	bool is_deflated;     /* else stored */
	uint32_t crc;         /* as stated */
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
const struct heft_zip_member *heft_zip_member(const struct heft_zip *z, uint32_t i);

/* Reads unpacked bytes [off, off + n) of member i, which lie within it. Any thread, any order; in
 * ascending order, also by several threads that are a few mebibytes apart, a deflated member is
 * unpacked once. What was read of a member is put together, and when that is all of it, its CRC is
 * compared: CORRUPT. A member that unpacks to more or fewer bytes than stated is CORRUPT. */
enum heft_status heft_zip_read(struct heft_zip *z, uint32_t i, uint64_t off, void *dst, size_t n,
                               struct heft_error *err);

/* --- writing --- */

struct heft_zip_writer;

/* Members come one after the other, in the order in which they are begun. Every date is 1980-01-01,
 * every entry zip64, as numpy.savez writes them. The sink is not a stream. */
enum heft_status heft_zip_writer_new(struct heft_sink *sink, struct heft_zip_writer **out,
                                     struct heft_error *err);
void heft_zip_writer_free(struct heft_zip_writer *w); /* takes NULL */
/* Begins a member whose first bytes are `head`. *data_off: where the byte behind `head` lies in the
 * file when it is stored: a multiple of `alignment` (1 to 4,096), by padding in the local header's
 * extra field. */
enum heft_status heft_zip_writer_begin(struct heft_zip_writer *w, const char *name, bool deflate,
                                       const void *head, size_t head_size, uint32_t alignment,
                                       uint64_t *data_off, struct heft_error *err);
/* Counts a piece of the member that was begun last: `size` unpacked bytes with that CRC, which take
 * stored_size bytes in the file at *off. The caller writes them there. */
void heft_zip_writer_piece(struct heft_zip_writer *w, uint32_t crc, uint64_t size,
                           uint64_t stored_size, uint64_t *off);
/* Ends the member that was begun last: its local header is completed. */
enum heft_status heft_zip_writer_end(struct heft_zip_writer *w, struct heft_error *err);
/* The directory. */
enum heft_status heft_zip_writer_finish(struct heft_zip_writer *w, struct heft_error *err);

/* Packs a piece by itself, so that pieces can be packed by any thread and put behind one another:
 * level 1 to 9; is_last closes the stream. dst has room for heft_zip_deflate_bound(n). */
size_t heft_zip_deflate_bound(size_t n);
enum heft_status heft_zip_deflate(int level, const void *src, size_t n, bool is_last, uint8_t *dst,
                                  size_t *dst_size, struct heft_error *err);
uint32_t heft_zip_crc(uint32_t crc, const void *bytes, size_t n); /* begins with 0 */

#endif
