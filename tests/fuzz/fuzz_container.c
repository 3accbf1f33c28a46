/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_container.c - bytes as a heft file whose digests were made right first, so that what is
 * changed reaches the checks that stand behind them: tables, sections, chunks, a verification. */
#include "fuzz.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/source.h"
#include "codec/crc32c.h"
#include "codec/digest_tree.h"
#include "container/verify.h"
#include "tensor/dtype.h"

#define MAX_SIZE ((size_t)1 << 20)
#define MAX_ROWS 256
#define MAX_LOGICAL_BYTES (UINT64_C(64) << 20)

struct file {
	uint8_t *bytes;
	size_t size;
	struct heft_sha256 *h;
};

/* The n bytes at off, or NULL. */
static uint8_t *at(const struct file *f, uint64_t off, uint64_t n)
{
	return heft_in_range(off, n, f->size) ? f->bytes + off : NULL;
}

/* --- making digests right ------------------------------------------------------------------- */

static void seal_section(const struct file *f, uint8_t *row)
{
	const uint64_t stored = heft_get_le64(row + HEFT_DIR_STORED);
	const uint8_t *bytes = at(f, heft_get_le64(row + HEFT_DIR_OFF), stored);

	if (!bytes)
		return;
	heft_put_le32(row + HEFT_DIR_CRC, heft_crc32c(bytes, (size_t)stored));
	if (stored == heft_get_le64(row + HEFT_DIR_SIZE))
		heft_digest_section(f->h, heft_get_le32(row + HEFT_DIR_TYPE), bytes, (size_t)stored,
		                    row + HEFT_DIR_DIGEST);
}

/* CRCs of the stored chunks, in EXTENTS as the directory says where it lies. */
static void seal_extents(const struct file *f, uint64_t off, uint64_t size)
{
	uint8_t *table = at(f, off, size);

	for (uint64_t i = 0; table && i + HEFT_EXTENT_SIZE <= size; i += HEFT_EXTENT_SIZE) {
		const uint32_t stored = heft_get_le32(table + i + HEFT_EXTENT_STORED);
		const uint8_t *bytes = at(f, heft_get_le64(table + i + HEFT_EXTENT_OFF), stored);

		if (bytes && table[i + HEFT_EXTENT_CODEC] != HEFT_CODEC_ZERO)
			heft_put_le32(table + i + HEFT_EXTENT_CRC, heft_crc32c(bytes, stored));
	}
}

static void seal_directory(const struct file *f, uint8_t *page)
{
	const uint64_t size = heft_get_le64(page + HEFT_PAGE_DIR_SIZE);
	uint8_t *dir = at(f, heft_get_le64(page + HEFT_PAGE_DIR_OFF), size);

	if (!dir || size > HEFT_DIR_HEAD_SIZE + HEFT_MAX_SECTIONS * HEFT_DIR_ROW_SIZE)
		return;
	for (uint64_t i = HEFT_DIR_HEAD_SIZE; i + HEFT_DIR_ROW_SIZE <= size;
	     i += HEFT_DIR_ROW_SIZE) {
		if (heft_get_le32(dir + i + HEFT_DIR_TYPE) == HEFT_SECTION_EXTENTS)
			seal_extents(f, heft_get_le64(dir + i + HEFT_DIR_OFF),
			             heft_get_le64(dir + i + HEFT_DIR_SIZE));
	}
	for (uint64_t i = HEFT_DIR_HEAD_SIZE; i + HEFT_DIR_ROW_SIZE <= size; i += HEFT_DIR_ROW_SIZE)
		seal_section(f, dir + i);
	heft_digest_bytes(f->h, HEFT_DOMAIN_DIRECTORY, dir, (size_t)size,
	                  page + HEFT_PAGE_DIR_DIGEST);
}

static void seal_page(const struct file *f, uint64_t off)
{
	uint8_t *page = at(f, off, HEFT_PAGE_SIZE);

	if (!page || memcmp(page, HEFT_MAGIC, HEFT_MAGIC_SIZE) != 0)
		return;
	seal_directory(f, page);
	heft_digest_bytes(f->h, HEFT_DOMAIN_PAGE, page, HEFT_PAGE_CHECK, page + HEFT_PAGE_CHECK);
}

/* --- using everything ----------------------------------------------------------------------- */

static void use_row(struct heft_index *ix, struct heft_chunk_reader *r, uint32_t row_i,
                    uint8_t *chunk)
{
	const uint64_t tail_i = UINT64_MAX;
	uint64_t dims[HEFT_MAX_RANK];
	struct heft_row row;
	uint32_t found;
	size_t n;

	heft_index_row_at(ix, row_i, &found, NULL);
	heft_index_position(ix, row_i, &found, NULL);
	if (heft_index_row(ix, row_i, &row, NULL) != HEFT_OK)
		return;
	heft_index_dims(ix, &row, dims);
	heft_index_find(ix, row.space, row.name, row.name_size, &found, NULL);
	for (uint64_t i = 0; i < row.n_chunks && i < 3; i++)
		heft_chunk_read_hashed(r, row_i, &row, i, true, chunk, &n, NULL, NULL);
	heft_chunk_read(r, &row, row.n_chunks - 1, chunk, &n, NULL);
	heft_chunk_read(r, &row, tail_i, chunk, &n, NULL);
}

static void use_sections(struct heft_index *ix)
{
	struct heft_section s;
	uint8_t *bytes;

	for (uint32_t i = 0; i < heft_index_n_sections(ix); i++) {
		heft_index_section(ix, i, &s);
		if (heft_index_read_section(ix, &s, MAX_SIZE, &bytes, NULL) == HEFT_OK)
			heft_free(bytes);
	}
}

static void use_index(struct heft_index *ix, uint8_t *chunk)
{
	const struct heft_verify_options options = { .strict = true, .run = { .n_threads = 1 } };
	struct heft_verify_report report;
	struct heft_chunk_reader *r;
	uint8_t digest[HEFT_SHA256_SIZE];
	uint64_t n_dead;

	if (heft_chunk_reader_new(ix, &r, NULL) != HEFT_OK)
		abort();
	for (uint32_t i = 0; i < heft_index_n_tensors(ix) && i < MAX_ROWS; i++)
		use_row(ix, r, i, chunk);
	heft_chunk_reader_free(r);
	use_sections(ix);
	heft_index_artifact_digest(ix, digest, NULL);
	heft_index_dead_bytes(ix, &n_dead, NULL);
	heft_index_verify(ix, &options, NULL, NULL, &report, NULL);
}

static void use_file(const struct file *f, bool may_map, bool trust, bool previous, uint8_t *chunk)
{
	const struct heft_index_options options = {
		.trust = trust,
		.previous = previous,
		.limits = { .max_logical_bytes = MAX_LOGICAL_BYTES },
	};
	struct heft_error err = { .code = HEFT_OK };
	struct heft_source *src;
	struct heft_index *ix;

	if (heft_source_open_fd(fuzz_file_open(f->bytes, f->size), may_map, &src, NULL) != HEFT_OK)
		abort();
	if (heft_index_open(src, &options, &ix, &err) == HEFT_OK) {
		use_index(ix, chunk);
		heft_index_close(ix);
	} else if (err.code == HEFT_OK || err.msg[0] == '\0') {
		abort(); /* a failure that says nothing */
	}
	heft_source_close(src);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct file f = { .size = n };
	uint8_t *chunk = malloc(HEFT_CHUNK_MAX);

	f.bytes = malloc(n > 0 ? n : 1);
	if (!chunk || !f.bytes || heft_sha256_new(&f.h, NULL) != HEFT_OK)
		abort();
	if (n > 0 && n <= MAX_SIZE) {
		memcpy(f.bytes, bytes, n);
		seal_page(&f, 0);
		seal_page(&f, HEFT_PAGE_SIZE);
		use_file(&f, true, false, false, chunk);
		use_file(&f, true, true, false, chunk);
		use_file(&f, false, true, true, chunk);
	}
	heft_sha256_free(f.h);
	free(f.bytes);
	free(chunk);
	return 0;
}
