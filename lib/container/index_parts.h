/* SPDX-License-Identifier: Apache-2.0 */
/* container/index_parts.h - what struct heft_index holds, for the files that make it up. */
#ifndef CONTAINER_INDEX_PARTS_H
#define CONTAINER_INDEX_PARTS_H

#include "base/table.h"
#include "container/index.h"
#include "container/pager.h"

struct heft_index {
	struct heft_source *src;
	struct heft_pages pages;
	int page_i; /* of the open generation */
	bool is_trusted;
	uint32_t n_threads;        /* as in the options */
	struct heft_limits limits; /* none is 0 */
	uint8_t *dir;
	uint32_t n_sections;
	uint8_t *memory; /* the tables, unless they are used in the map */
	struct heft_table tensors;
	struct heft_table dims;
	struct heft_table order;
	const uint8_t *strings;
	uint64_t strings_size;
	uint64_t tensors_off; /* in the file, for messages */
	uint64_t strings_off;
	uint64_t order_off;
	struct heft_pager leaves;
	struct heft_pager extents;
	atomic_uchar *roots_ok;        /* bit i: row i's leaves give its root */
	_Atomic(uint32_t *) positions; /* ORDER backwards; with a trusted index made when needed */
};

/* --- index.c --- */
/* Opens the generation of a page that is valid; `previous` is passed over. */
enum heft_status heft_index_open_page(struct heft_source *src, const struct heft_pages *pages,
                                      int page_i, const struct heft_index_options *options,
                                      struct heft_index **out, struct heft_error *err);

/* --- section.c --- */
/* Reads and checks the directory of the page (spec 3). */
enum heft_status heft_directory_read(struct heft_index *ix, struct heft_error *err);
#define HEFT_SECTION_NAME_SIZE 16
/* Fills `name` and returns it: "META", or "0x12345678" for a type that has no name. */
const char *heft_section_name(uint32_t type, char *name);
/* "section META why", CORRUPT where it lies. */
enum heft_status heft_section_fail(const struct heft_section *s, const char *why,
                                   struct heft_error *err);
/* Compares the digest that h made with the one that is stated. */
enum heft_status heft_section_compare(const struct heft_section *s, struct heft_sha256 *h,
                                      const uint8_t *digest, struct heft_error *err);
/* Reads the stored bytes piece by piece and checks CRC and, when they are the plain ones, digest.
 * They are kept in `dst`, or, when that is NULL, nowhere. */
enum heft_status heft_section_load(struct heft_index *ix, const struct heft_section *s,
                                   struct heft_sha256 *h, uint8_t *dst, struct heft_error *err);

/* --- index_row.c --- */
/* Copies row `row_i` (below the number of rows) out. NULL, or what is wrong with the row by itself,
 * *at being the field; the row is then only partly filled. */
const char *heft_row_fault(const struct heft_index *ix, uint32_t row_i, struct heft_row *row,
                           uint32_t *at);
/* "row 3 of TENSORS: why" */
enum heft_status heft_fail_row(const struct heft_index *ix, uint32_t row_i, uint32_t at,
                               enum heft_status code, const char *why, struct heft_error *err);
bool heft_rows_same_dims(const struct heft_index *ix, const struct heft_row *a,
                         const struct heft_row *b);
/* Whether they may share a run: all that R4.1-10 names is the same. */
bool heft_rows_share(const struct heft_index *ix, const struct heft_row *a,
                     const struct heft_row *b);
/* R4.1-12 for a row that is right by itself: NULL, or what is wrong. */
const char *heft_tie_fault(const struct heft_index *ix, uint32_t row_i, const struct heft_row *row);
/* The order of rows: by space, then by the bytes of the name. */
int heft_row_key_compare(uint8_t space_a, const void *name_a, size_t size_a, uint8_t space_b,
                         const void *name_b, size_t size_b);

/* --- index_check.c --- */
/* The one pass over the tables: every rule of spec 4 that refuses. Makes the positions. */
enum heft_status heft_index_check(struct heft_index *ix, struct heft_error *err);
/* Fills positions with ORDER backwards: R4.2-1. */
enum heft_status heft_order_invert(const struct heft_index *ix, uint32_t *positions,
                                   struct heft_error *err);

/* --- leaf.c --- */
/* As LEAVES has it, whether or not the root is right. */
enum heft_status heft_index_stated_leaf(struct heft_index *ix, const struct heft_row *row,
                                        uint64_t chunk_i, uint8_t *leaf, struct heft_error *err);
/* R4.3-1, once a row. */
enum heft_status heft_index_check_root(struct heft_index *ix, uint32_t row_i,
                                       const struct heft_row *row, struct heft_sha256 *h,
                                       struct heft_error *err);

/* --- stated.c --- */
/* Runs whose root is not taken from their rows, by ascending first leaf. */
struct heft_other_root {
	uint64_t first_leaf;
	uint8_t root[HEFT_SHA256_SIZE];
};
struct heft_other_roots {
	const struct heft_other_root *roots;
	size_t n;
};
enum heft_status heft_digests_with(struct heft_index *ix, const struct heft_other_roots *others,
                                   uint8_t *weights, uint8_t *artifact, struct heft_error *err);

/* --- chunk.c --- */
static inline uint64_t heft_chunk_bytes(const struct heft_row *row, uint64_t chunk_i)
{
	const uint64_t left = row->n_bytes - chunk_i * row->chunk_size;

	return left < row->chunk_size ? left : row->chunk_size;
}

#endif
