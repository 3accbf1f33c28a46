/* SPDX-License-Identifier: Apache-2.0 */
/* container/index.h - one generation of a heft file, open: its pages, directory, tables, sections
 * and chunks. Tables are used in place and never parsed. Any number of threads may use an open
 * index. */
#ifndef CONTAINER_INDEX_H
#define CONTAINER_INDEX_H

#include "base/large_bytes.h"
#include "base/source.h"
#include "codec/codec.h"
#include "codec/sha256.h"
#include "container/layout.h"
#include "heft/file.h"

struct heft_index;

struct heft_index_options {
	/* skip hashing and checking the tables; each row is then checked as it is used */
	bool trust;
	/* the generation before the current one; HEFT_E_NOT_FOUND when there is none */
	bool previous;
	uint32_t n_threads; /* 1: start none; else large tables are hashed by a second one */
	struct heft_limits limits;
};

/* What a slot page is (spec 2.1). */
enum heft_page_kind {
	HEFT_PAGE_EMPTY,
	HEFT_PAGE_VALID,
	HEFT_PAGE_BAD
};

struct heft_page {
	enum heft_page_kind kind;
	uint64_t generation;
	uint64_t dir_off;
	uint64_t dir_size;
	uint8_t log2_alignment;
	uint16_t minor;
	uint8_t dir_digest[HEFT_SHA256_SIZE];
};

/* Both pages and which of them is current (spec 2.2): 0 or 1. */
struct heft_pages {
	struct heft_page page[2];
	int current;
	uint64_t file_size;
};

/* NOT_FORMAT, CORRUPT or UNSUPPORTED as spec 2 says. Usable on any open file, for updates too. */
enum heft_status heft_pages_read(struct heft_source *src, struct heft_pages *pages,
                                 struct heft_error *err);

/* `src` is borrowed and must outlive the index. */
enum heft_status heft_index_open(struct heft_source *src, const struct heft_index_options *options,
                                 struct heft_index **out, struct heft_error *err);
void heft_index_close(struct heft_index *ix);
const struct heft_pages *heft_index_pages(const struct heft_index *ix);
const struct heft_page *heft_index_page(const struct heft_index *ix); /* of the open generation */
struct heft_source *heft_index_source(const struct heft_index *ix);

/* --- sections --- */
struct heft_section {
	uint32_t type;
	uint32_t crc;
	uint64_t off;
	uint64_t stored_size;
	uint64_t size;
	uint8_t digest[HEFT_SHA256_SIZE];
};
uint32_t heft_index_n_sections(const struct heft_index *ix);
void heft_index_section(const struct heft_index *ix, uint32_t i, struct heft_section *s);
bool heft_index_find_section(const struct heft_index *ix, uint32_t type, struct heft_section *s);
/* Reads a section's plain bytes (heft_free them; a NUL stands behind), verified by CRC and digest;
 * `max_size` bounds it (HEFT_E_LIMIT). */
enum heft_status heft_index_read_section(struct heft_index *ix, const struct heft_section *s,
                                         uint64_t max_size, uint8_t **bytes,
                                         struct heft_error *err);

/* The same of one that may be too large for the heap; bytes->size counts the NUL. `folder` is for a
 * temporary file, as of heft_scratch_new. */
enum heft_status heft_index_read_large(struct heft_index *ix, const struct heft_section *s,
                                       uint64_t max_size, const char *folder,
                                       struct heft_large_bytes *bytes, struct heft_error *err);

/* --- rows --- */
struct heft_row {
	const char *name; /* in the tables, not NUL-ended */
	uint32_t name_size;
	uint32_t rank;
	uint64_t dims_at; /* entry of DIMS */
	uint16_t dtype;
	uint8_t space;
	bool is_coded;
	uint32_t tie; /* a row */
	uint32_t unit;
	uint32_t chunk_size;
	uint64_t n_chunks;
	uint64_t n_bytes;
	uint64_t first_leaf;
	uint64_t place;
	uint8_t root[HEFT_SHA256_SIZE];
};
uint32_t heft_index_n_tensors(const struct heft_index *ix);
/* Copies row `row_i` out. With a trusted index everything that the row says is checked here
 * (HEFT_E_CORRUPT); otherwise it cannot fail for row_i < n_tensors. */
enum heft_status heft_index_row(struct heft_index *ix, uint32_t row_i, struct heft_row *row,
                                struct heft_error *err);
void heft_index_dims(const struct heft_index *ix, const struct heft_row *row, uint64_t *dims);
/* The row of the i-th tensor in the source's order, and back. */
enum heft_status heft_index_row_at(struct heft_index *ix, uint32_t i, uint32_t *row_i,
                                   struct heft_error *err);
enum heft_status heft_index_position(struct heft_index *ix, uint32_t row_i, uint32_t *i,
                                     struct heft_error *err);
/* HEFT_E_NOT_FOUND when there is none. */
enum heft_status heft_index_find(struct heft_index *ix, uint8_t space, const char *name,
                                 size_t name_size, uint32_t *row_i, struct heft_error *err);

/* --- chunks --- */
struct heft_extent {
	uint64_t off;
	uint32_t stored_size;
	uint32_t crc;
	uint8_t codec;
};
/* Where and how chunk `chunk_i` is stored, checked (spec 4.4); a raw tensor's chunk gives codec
 * raw, crc 0. */
enum heft_status heft_index_extent(struct heft_index *ix, const struct heft_row *row,
                                   uint64_t chunk_i, struct heft_extent *extent,
                                   struct heft_error *err);
/* The stated leaf of a chunk. The first call for a row checks all its leaves against its root, once
 * (spec R4.3-1). */
enum heft_status heft_index_leaf(struct heft_index *ix, uint32_t row_i, const struct heft_row *row,
                                 uint64_t chunk_i, struct heft_sha256 *h, uint8_t *leaf,
                                 struct heft_error *err);

/* What reading chunks needs, kept by each thread: a coder, a hasher, and room for stored bytes,
 * made when first used. */
struct heft_chunk_reader;
enum heft_status heft_chunk_reader_new(struct heft_index *ix, struct heft_chunk_reader **out,
                                       struct heft_error *err);
void heft_chunk_reader_free(struct heft_chunk_reader *r);
/* Reads a whole chunk's logical bytes into dst (row->chunk_size of room is always enough). CRC
 * checked when coded. */
enum heft_status heft_chunk_read(struct heft_chunk_reader *r, const struct heft_row *row,
                                 uint64_t chunk_i, uint8_t *dst, size_t *n, struct heft_error *err);
/* Compares the leaf that was computed of a chunk, once that was read, with the stated one. */
enum heft_status heft_chunk_check(struct heft_chunk_reader *r, uint32_t row_i,
                                  const struct heft_row *row, uint64_t chunk_i, const uint8_t *leaf,
                                  struct heft_error *err);
/* heft_chunk_read, and the chunk's leaf: computed into `leaf` (may be NULL), and, when `verify`,
 * compared with the stated one. */
enum heft_status heft_chunk_read_hashed(struct heft_chunk_reader *r, uint32_t row_i,
                                        const struct heft_row *row, uint64_t chunk_i, bool verify,
                                        uint8_t *dst, size_t *n, uint8_t *leaf,
                                        struct heft_error *err);

/* --- stated digests (spec/digest.md) --- */
enum heft_status heft_index_tensor_digest(struct heft_index *ix, uint32_t row_i,
                                          struct heft_sha256 *h, uint8_t *digest,
                                          struct heft_error *err);
enum heft_status heft_index_weights_digest(struct heft_index *ix, uint8_t *digest,
                                           struct heft_error *err);
enum heft_status heft_index_list_digest(struct heft_index *ix, uint8_t *digest,
                                        struct heft_error *err);
enum heft_status heft_index_artifact_digest(struct heft_index *ix, uint8_t *digest,
                                            struct heft_error *err);

#endif
