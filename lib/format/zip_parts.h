/* SPDX-License-Identifier: Apache-2.0 */
/* format/zip_parts.h - what the files that read and write zip archives share. */
#ifndef FORMAT_ZIP_PARTS_H
#define FORMAT_ZIP_PARTS_H

#include <pthread.h>

#include "base/cursor.h"
#include "format/zip.h"

#define HEFT_ZIP_LOCAL_MAGIC UINT32_C(0x04034b50)
#define HEFT_ZIP_ENTRY_MAGIC UINT32_C(0x02014b50)
#define HEFT_ZIP_END_MAGIC UINT32_C(0x06054b50)
#define HEFT_ZIP_END64_MAGIC UINT32_C(0x06064b50)
#define HEFT_ZIP_LOCATOR_MAGIC UINT32_C(0x07064b50)

/* bytes of each without what its sizes count */
#define HEFT_ZIP_LOCAL_SIZE 30u
#define HEFT_ZIP_ENTRY_SIZE 46u
#define HEFT_ZIP_END_SIZE 22u
#define HEFT_ZIP_END64_SIZE 56u
#define HEFT_ZIP_LOCATOR_SIZE 20u

enum heft_zip_flags {
	HEFT_ZIP_ENCRYPTED = 1 << 0,
	HEFT_ZIP_DESCRIPTOR = 1 << 3, /* sizes and CRC follow the data as well */
	HEFT_ZIP_PATCH = 1 << 5,
	HEFT_ZIP_STRONGLY = 1 << 6, /* encrypted */
	HEFT_ZIP_UTF8 = 1 << 11,
	HEFT_ZIP_MASKED = 1 << 13 /* of an encrypted directory */
};

enum heft_zip_method {
	HEFT_ZIP_STORED = 0,
	HEFT_ZIP_DEFLATED = 8,
	HEFT_ZIP_AES = 99
};

#define HEFT_ZIP_EXTRA_ZIP64 0x0001u
#define HEFT_ZIP_EXTRA_NAME 0x7075u /* the name in UTF-8, by Info-ZIP */

/* zip_window.c: bytes of the file, read as they are asked for. */
struct heft_zip_window {
	struct heft_source *src;
	uint8_t *bytes;
	size_t room;
	uint64_t off;
	size_t size;
	size_t ahead; /* read so many at once */
	uint64_t end; /* nothing is read from there on */
};
enum heft_status heft_zip_window_init(struct heft_zip_window *w, struct heft_source *src,
                                      struct heft_error *err);
void heft_zip_window_done(struct heft_zip_window *w);
/* *bytes: n of them at `off`, until the next call. */
enum heft_status heft_zip_window_get(struct heft_zip_window *w, uint64_t off, size_t n,
                                     const char *what, const uint8_t **bytes,
                                     struct heft_error *err);

/* What both headers of a member tell. */
struct heft_zip_header {
	uint64_t at; /* in the file */
	uint16_t flags;
	uint16_t method;
	uint32_t crc;
	uint64_t stored_size;
	uint64_t size;
	uint16_t name_size;
	uint16_t extra_size;
	const uint8_t *name; /* in the window */
	const uint8_t *extra;
	uint64_t extra_at; /* in the file */
};
/* The fields that both kinds of header have in the same order, from the flags on. */
void heft_zip_parse_common(struct heft_cursor *c, struct heft_zip_header *h);

/* zip_end.c: where the directory is. */
struct heft_zip_end {
	uint64_t n_entries;
	uint64_t dir_off; /* in the file */
	uint64_t dir_size;
	uint64_t base; /* in the file, of the byte that the archive's offsets count from */
};
enum heft_status heft_zip_find_end(struct heft_source *src, struct heft_zip_end *end,
                                   struct heft_error *err);

/* Bytes that were read, and their CRC. */
struct heft_zip_run {
	uint64_t begin;
	uint64_t end;
	uint32_t crc;
};

/* What reading a member leaves behind. */
struct heft_zip_progress {
	struct heft_zip_stream *stream; /* NULL: none */
	struct heft_zip_run *runs;      /* ascending, apart from each other */
	uint16_t n_runs;
	uint16_t n_room;
	bool is_checked;
	bool is_damaged;
};

struct heft_zip {
	struct heft_source *src;
	struct heft_zip_member *members;
	char *names;
	uint32_t n_members;
	uint64_t dir_off;
	pthread_mutex_t mutex; /* over the rest */
	pthread_cond_t changed;
	struct heft_zip_progress *progress; /* one a member */
	struct heft_zip_stream *streams;    /* the one used last first */
	uint32_t n_streams;
	size_t n_kept; /* bytes of passed-over blocks, of all streams */
};

/* zip_local.c: reads the local headers, fills data_off of every member. `flags` are those of the
 * directory. */
enum heft_status heft_zip_read_locals(struct heft_zip *z, const struct heft_zip_end *end,
                                      const uint16_t *flags, struct heft_zip_window *window,
                                      struct heft_error *err);

/* zip_stream.c: reads a deflated member; the range lies within it. */
enum heft_status heft_zip_inflate(struct heft_zip *z, uint32_t i, uint64_t off, uint8_t *dst,
                                  size_t n, struct heft_error *err);
void heft_zip_free_streams(struct heft_zip *z);

#endif
