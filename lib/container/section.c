/* SPDX-License-Identifier: Apache-2.0 */
/* section.c - the directory, and the sections that it lists (spec/container.md 3). */
#include "container/index_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "codec/crc32c.h"
#include "codec/digest_tree.h"

#define PIECE_SIZE ((size_t)256 << 10) /* hashed while it is still in the CPU's cache */
/* A block of 128 KiB takes four bytes at the least (RFC 8878, 3.1.1.2). */
#define MAX_FRAME_RATIO 32768u

static const struct {
	uint32_t type;
	const char *name;
} known_sections[] = {
	{ HEFT_SECTION_META, "META" },       { HEFT_SECTION_GRAPH, "GRAPH" },
	{ HEFT_SECTION_LINEAGE, "LINEAGE" }, { HEFT_SECTION_RUN, "RUN" },
	{ HEFT_SECTION_ORIGIN, "ORIGIN" },   { HEFT_SECTION_SIGNATURES, "SIGNATURES" },
	{ HEFT_SECTION_TENSORS, "TENSORS" }, { HEFT_SECTION_DIMS, "DIMS" },
	{ HEFT_SECTION_STRINGS, "STRINGS" }, { HEFT_SECTION_ORDER, "ORDER" },
	{ HEFT_SECTION_LEAVES, "LEAVES" },   { HEFT_SECTION_EXTENTS, "EXTENTS" },
};

static bool is_table(uint32_t type)
{
	return type >= HEFT_SECTION_TENSORS && type <= HEFT_SECTION_EXTENTS;
}

const char *heft_section_name(uint32_t type, char *name)
{
	const char *known = NULL;

	for (size_t i = 0; i < sizeof known_sections / sizeof *known_sections && !known; i++) {
		if (known_sections[i].type == type)
			known = known_sections[i].name;
	}
	if (known)
		snprintf(name, HEFT_SECTION_NAME_SIZE, "%s", known);
	else
		snprintf(name, HEFT_SECTION_NAME_SIZE, "0x%08" PRIx32, type);
	return name;
}

uint32_t heft_index_n_sections(const struct heft_index *ix)
{
	return ix->n_sections;
}

static const uint8_t *dir_row(const struct heft_index *ix, uint32_t i)
{
	return ix->dir + HEFT_DIR_HEAD_SIZE + (size_t)i * HEFT_DIR_ROW_SIZE;
}

void heft_index_section(const struct heft_index *ix, uint32_t i, struct heft_section *s)
{
	const uint8_t *row = dir_row(ix, i);

	s->type = heft_get_le32(row + HEFT_DIR_TYPE);
	s->crc = heft_get_le32(row + HEFT_DIR_CRC);
	s->off = heft_get_le64(row + HEFT_DIR_OFF);
	s->stored_size = heft_get_le64(row + HEFT_DIR_STORED);
	s->size = heft_get_le64(row + HEFT_DIR_SIZE);
	memcpy(s->digest, row + HEFT_DIR_DIGEST, HEFT_SHA256_SIZE);
}

bool heft_index_find_section(const struct heft_index *ix, uint32_t type, struct heft_section *s)
{
	for (uint32_t i = 0; i < ix->n_sections; i++) {
		if (heft_get_le32(dir_row(ix, i) + HEFT_DIR_TYPE) == type) {
			heft_index_section(ix, i, s);
			return true;
		}
	}
	return false;
}

/* --- the directory's rules --- */

/* R3-4 to R3-6: NULL, or what is wrong, *at being the field. */
static const char *section_fault(const struct heft_section *s, uint64_t dir_off, uint32_t *at)
{
	*at = HEFT_DIR_TYPE;
	if ((s->type & ~(HEFT_TYPE_CRITICAL | HEFT_TYPE_LAYOUT | HEFT_TYPE_BOUND)) == 0)
		return "has no number";
	*at = HEFT_DIR_SIZE;
	if (s->size < 1 || s->stored_size < 1)
		return "is empty";
	*at = HEFT_DIR_STORED;
	if (s->stored_size > s->size)
		return "is stored in more bytes than it has";
	if (s->stored_size != s->size && is_table(s->type))
		return "is a compressed table";
	*at = HEFT_DIR_OFF;
	if (s->off % 8 != 0)
		return "does not lie at a multiple of 8";
	if (s->off < HEFT_DATA_START || !heft_in_range(s->off, s->stored_size, dir_off))
		return "does not lie between the slot pages and the directory";
	return NULL;
}

static enum heft_status check_sections(const struct heft_index *ix, uint64_t dir_off,
                                       struct heft_error *err)
{
	uint32_t type_before = 0; /* no section has it */

	for (uint32_t i = 0; i < ix->n_sections; i++) {
		const uint64_t row_off = dir_off + HEFT_DIR_HEAD_SIZE +
		                         (uint64_t)i * HEFT_DIR_ROW_SIZE;
		struct heft_section s;
		const char *fault;
		uint32_t at;

		heft_index_section(ix, i, &s);
		fault = section_fault(&s, dir_off, &at);
		if (fault)
			return heft_fail(err, HEFT_E_CORRUPT, row_off + at, "section 0x%08x %s",
			                 (unsigned)s.type, fault);
		if (s.type <= type_before)
			return heft_fail(err, HEFT_E_CORRUPT, row_off,
			                 "the types of sections do not ascend");
		if ((s.type & HEFT_TYPE_CRITICAL) && !is_table(s.type))
			return heft_fail(err, HEFT_E_UNSUPPORTED, row_off,
			                 "critical section 0x%08x is unknown", (unsigned)s.type);
		type_before = s.type;
	}
	return HEFT_OK;
}

/* R3-1, and of R3-3 what the size says by itself, before anything is read. */
static enum heft_status check_place(const struct heft_page *page, uint64_t page_off,
                                    uint64_t file_size, struct heft_error *err)
{
	const uint64_t max_size = HEFT_DIR_HEAD_SIZE +
	                          (uint64_t)HEFT_MAX_SECTIONS * HEFT_DIR_ROW_SIZE;

	if (page->dir_off % 8 != 0 || page->dir_off < HEFT_DATA_START)
		return heft_fail(err, HEFT_E_CORRUPT, page_off + HEFT_PAGE_DIR_OFF,
		                 "the directory cannot lie at %llu",
		                 (unsigned long long)page->dir_off);
	if (!heft_in_range(page->dir_off, page->dir_size, file_size))
		return heft_fail(err, HEFT_E_CORRUPT, page_off + HEFT_PAGE_DIR_OFF,
		                 "the file ends at %llu, before its directory does",
		                 (unsigned long long)file_size);
	if (page->dir_size < HEFT_DIR_HEAD_SIZE || page->dir_size > max_size ||
	    (page->dir_size - HEFT_DIR_HEAD_SIZE) % HEFT_DIR_ROW_SIZE != 0)
		return heft_fail(err, HEFT_E_CORRUPT, page_off + HEFT_PAGE_DIR_SIZE,
		                 "a directory cannot have %llu bytes",
		                 (unsigned long long)page->dir_size);
	return HEFT_OK;
}

/* R3-2. */
static enum heft_status check_digest(const struct heft_page *page, const uint8_t *dir,
                                     struct heft_error *err)
{
	uint8_t digest[HEFT_SHA256_SIZE];
	struct heft_sha256 *h;
	enum heft_status st;

	HEFT_TRY(heft_sha256_new(&h, err));
	heft_digest_bytes(h, HEFT_DOMAIN_DIRECTORY, dir, (size_t)page->dir_size, digest);
	st = heft_sha256_check(h, err);
	heft_sha256_free(h);
	if (st == HEFT_OK && memcmp(digest, page->dir_digest, sizeof digest) != 0)
		return heft_fail(err, HEFT_E_CORRUPT, page->dir_off,
		                 "the directory does not match its digest");
	return st;
}

enum heft_status heft_directory_read(struct heft_index *ix, struct heft_error *err)
{
	const struct heft_page *page = &ix->pages.page[ix->page_i];

	HEFT_TRY(
		check_place(page, (uint64_t)ix->page_i * HEFT_PAGE_SIZE, ix->pages.file_size, err));
	ix->dir = heft_alloc((size_t)page->dir_size);
	if (!ix->dir)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a directory");
	HEFT_TRY(heft_source_read(ix->src, page->dir_off, ix->dir, (size_t)page->dir_size, err));
	HEFT_TRY(check_digest(page, ix->dir, err));
	ix->n_sections = (uint32_t)((page->dir_size - HEFT_DIR_HEAD_SIZE) / HEFT_DIR_ROW_SIZE);
	if (heft_get_le32(ix->dir) != ix->n_sections || heft_get_le32(ix->dir + 4) != 0)
		return heft_fail(err, HEFT_E_CORRUPT, page->dir_off,
		                 "the directory's head does not fit its size");
	return check_sections(ix, page->dir_off, err);
}

/* --- reading --- */

enum heft_status heft_section_fail(const struct heft_section *s, const char *why,
                                   struct heft_error *err)
{
	char name[HEFT_SECTION_NAME_SIZE];

	return heft_fail(err, HEFT_E_CORRUPT, s->off, "section %s %s",
	                 heft_section_name(s->type, name), why);
}

/* R3-8, for the plain bytes. */
enum heft_status heft_section_compare(const struct heft_section *s, struct heft_sha256 *h,
                                      const uint8_t *digest, struct heft_error *err)
{
	HEFT_TRY(heft_sha256_check(h, err));
	if (memcmp(digest, s->digest, HEFT_SHA256_SIZE) != 0)
		return heft_section_fail(s, "does not match its digest", err);
	return HEFT_OK;
}

/* Reads into dst, or piece after piece into `piece` when dst is NULL. */
static enum heft_status load_pieces(struct heft_index *ix, const struct heft_section *s,
                                    struct heft_sha256 *h, uint8_t *dst, uint8_t *piece,
                                    struct heft_error *err)
{
	const bool is_plain = s->stored_size == s->size;
	uint8_t digest[HEFT_SHA256_SIZE];
	uint32_t crc = 0;

	heft_sha256_begin(h);
	heft_sha256_add_u8(h, HEFT_DOMAIN_SECTION);
	heft_sha256_add_le32(h, s->type);
	for (uint64_t at = 0; at < s->stored_size; at += PIECE_SIZE) {
		const uint64_t left = s->stored_size - at;
		const size_t n = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
		uint8_t *to = dst ? dst + at : piece;

		HEFT_TRY(heft_source_read(ix->src, s->off + at, to, n, err));
		crc = heft_crc32c_add(crc, to, n);
		if (is_plain)
			heft_sha256_add(h, to, n);
	}
	heft_sha256_end(h, digest);
	if (crc != s->crc)
		return heft_section_fail(s, "does not match its CRC", err);
	return is_plain ? heft_section_compare(s, h, digest, err) : HEFT_OK;
}

enum heft_status heft_section_load(struct heft_index *ix, const struct heft_section *s,
                                   struct heft_sha256 *h, uint8_t *dst, struct heft_error *err)
{
	uint8_t *piece = NULL;
	enum heft_status st;

	if (!dst) {
		piece = heft_alloc(s->stored_size < PIECE_SIZE ? (size_t)s->stored_size
		                                               : PIECE_SIZE);
		if (!piece)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			                 "no memory to read a section");
	}
	st = load_pieces(ix, s, h, dst, piece, err);
	heft_free(piece);
	return st;
}

static enum heft_status decode_frame(const struct heft_section *s, const uint8_t *stored,
                                     struct heft_sha256 *h, uint8_t *bytes, struct heft_error *err)
{
	uint8_t digest[HEFT_SHA256_SIZE];
	struct heft_coder *coder;
	enum heft_status st;

	HEFT_TRY(heft_coder_new(&coder, err));
	st = heft_zstd_decode(coder, stored, (size_t)s->stored_size, bytes, (size_t)s->size, s->off,
	                      err);
	heft_coder_free(coder);
	if (st != HEFT_OK)
		return st;
	heft_digest_section(h, s->type, bytes, (size_t)s->size, digest);
	return heft_section_compare(s, h, digest, err);
}

static enum heft_status load_frame(struct heft_index *ix, const struct heft_section *s,
                                   struct heft_sha256 *h, uint8_t *bytes, struct heft_error *err)
{
	uint8_t *stored = heft_alloc((size_t)s->stored_size);
	enum heft_status st;

	if (!stored)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to read a section");
	st = heft_section_load(ix, s, h, stored, err);
	if (st == HEFT_OK)
		st = decode_frame(s, stored, h, bytes, err);
	heft_free(stored);
	return st;
}

/* Before memory is taken: what is in the file warrants it. */
static enum heft_status check_size(const struct heft_section *s, uint64_t max_size, size_t *size,
                                   struct heft_error *err)
{
	char name[HEFT_SECTION_NAME_SIZE];

	if (s->size > max_size || !heft_to_size(s->size, size) || *size == SIZE_MAX)
		return heft_fail(err, HEFT_E_LIMIT, s->off,
		                 "section %s has %llu bytes, more than the limit allows",
		                 heft_section_name(s->type, name), (unsigned long long)s->size);
	if (s->size / MAX_FRAME_RATIO > s->stored_size)
		return heft_section_fail(s, "states a size that its stored bytes cannot give", err);
	return HEFT_OK;
}

/* `plain` has room for a byte more. */
static enum heft_status read_plain(struct heft_index *ix, const struct heft_section *s,
                                   uint8_t *plain, struct heft_error *err)
{
	struct heft_sha256 *h;
	enum heft_status st;

	HEFT_TRY(heft_sha256_new(&h, err));
	st = s->stored_size == s->size ? heft_section_load(ix, s, h, plain, err)
	                               : load_frame(ix, s, h, plain, err);
	heft_sha256_free(h);
	plain[s->size] = '\0';
	return st;
}

enum heft_status heft_index_read_section(struct heft_index *ix, const struct heft_section *s,
                                         uint64_t max_size, uint8_t **bytes, struct heft_error *err)
{
	uint8_t *plain;
	enum heft_status st;
	size_t size;

	HEFT_TRY(check_size(s, max_size, &size, err));
	plain = heft_alloc(size + 1);
	if (!plain)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to read a section");
	st = read_plain(ix, s, plain, err);
	if (st != HEFT_OK) {
		heft_free(plain);
		return st;
	}
	*bytes = plain;
	return HEFT_OK;
}

enum heft_status heft_index_read_large(struct heft_index *ix, const struct heft_section *s,
                                       uint64_t max_size, const char *folder,
                                       struct heft_large_bytes *bytes, struct heft_error *err)
{
	struct heft_large_bytes plain;
	enum heft_status st;
	size_t size;

	HEFT_TRY(check_size(s, max_size, &size, err));
	HEFT_TRY(heft_large_bytes_init(&plain, (uint64_t)size + 1, folder, err));
	st = read_plain(ix, s, plain.bytes, err);
	if (st != HEFT_OK) {
		heft_large_bytes_done(&plain);
		return st;
	}
	*bytes = plain;
	return HEFT_OK;
}
