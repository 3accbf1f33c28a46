/* SPDX-License-Identifier: Apache-2.0 */
/* chunk.c - where a chunk is stored (spec/container.md 4.4), and its logical bytes read back. */
#include "container/index_parts.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "codec/crc32c.h"
#include "codec/digest_tree.h"
#include "container/tail_bits.h"
#include "tensor/dtype.h"

struct heft_chunk_reader {
	struct heft_index *ix;
	struct heft_coder *coder; /* these three are made when they are first used */
	struct heft_sha256 *h;
	uint8_t *stored;
	size_t stored_room;
};

static enum heft_status fail_chunk(const struct heft_row *row, uint64_t chunk_i,
                                   enum heft_status code, uint64_t off, const char *why,
                                   struct heft_error *err)
{
	return heft_fail(err, code, off, "chunk %llu of tensor '%.*s' %s",
	                 (unsigned long long)chunk_i, (int)row->name_size, row->name, why);
}

/* --- extents --- */

/* R4.4-1 to R4.4-3: NULL, or what is wrong. */
static const char *extent_fault(const uint8_t *p, const struct heft_extent *e, uint64_t n_logical,
                                uint64_t dir_off)
{
	static const uint8_t zeros[3];

	if (memcmp(p + HEFT_EXTENT_ZERO, zeros, 3) != 0 ||
	    heft_get_le32(p + HEFT_EXTENT_ZERO2) != 0)
		return "has reserved bytes that are not 0";
	if (e->codec == HEFT_CODEC_ZERO)
		return e->off == 0 && e->stored_size == 0 && e->crc == 0
		               ? NULL
		               : "of codec zero states stored bytes";
	if (e->off < HEFT_DATA_START || !heft_in_range(e->off, e->stored_size, dir_off))
		return "does not lie between the slot pages and the directory";
	if (e->codec == HEFT_CODEC_RAW)
		return e->stored_size == n_logical ? NULL : "of codec raw has another size";
	if (e->stored_size < 1 || e->stored_size >= n_logical)
		return "is stored in no bytes, or in no fewer than it has";
	return NULL;
}

static enum heft_status coded_extent(struct heft_index *ix, const struct heft_row *row,
                                     uint64_t chunk_i, struct heft_extent *extent,
                                     struct heft_error *err)
{
	const uint64_t row_i = row->place + chunk_i;
	struct heft_extent e;
	const uint8_t *p;
	const char *fault;
	uint64_t n;

	HEFT_TRY(heft_pager_rows(&ix->extents, row_i, &p, &n, err));
	e.off = heft_get_le64(p + HEFT_EXTENT_OFF);
	e.stored_size = heft_get_le32(p + HEFT_EXTENT_STORED);
	e.crc = heft_get_le32(p + HEFT_EXTENT_CRC);
	e.codec = p[HEFT_EXTENT_CODEC];
	fault = extent_fault(p, &e, heft_chunk_bytes(row, chunk_i), heft_index_page(ix)->dir_off);
	if (fault)
		return fail_chunk(row, chunk_i, HEFT_E_CORRUPT,
		                  ix->extents.off + row_i * HEFT_EXTENT_SIZE, fault, err);
	*extent = e;
	return HEFT_OK;
}

enum heft_status heft_index_extent(struct heft_index *ix, const struct heft_row *row,
                                   uint64_t chunk_i, struct heft_extent *extent,
                                   struct heft_error *err)
{
	if (chunk_i >= row->n_chunks)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "there is no chunk %llu",
		                 (unsigned long long)chunk_i);
	if (row->is_coded)
		return coded_extent(ix, row, chunk_i, extent, err);
	*extent = (struct heft_extent){
		.off = row->place + chunk_i * row->chunk_size,
		.stored_size = (uint32_t)heft_chunk_bytes(row, chunk_i),
		.codec = HEFT_CODEC_RAW,
	};
	return HEFT_OK;
}

/* --- the reader --- */

enum heft_status heft_chunk_reader_new(struct heft_index *ix, struct heft_chunk_reader **out,
                                       struct heft_error *err)
{
	struct heft_chunk_reader *r = heft_zalloc(sizeof *r);

	if (!r)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a reader");
	r->ix = ix;
	*out = r;
	return HEFT_OK;
}

void heft_chunk_reader_free(struct heft_chunk_reader *r)
{
	if (!r)
		return;
	heft_coder_free(r->coder);
	heft_sha256_free(r->h);
	heft_free(r->stored);
	heft_free(r);
}

/* Room for n stored bytes, which are fewer than a chunk's. */
static enum heft_status need_stored(struct heft_chunk_reader *r, size_t n, struct heft_error *err)
{
	if (n > r->stored_room) {
		heft_free(r->stored);
		r->stored = heft_alloc(n);
		r->stored_room = r->stored ? n : 0;
	}
	if (!r->stored && n > 0)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to read a chunk");
	return r->coder ? HEFT_OK : heft_coder_new(&r->coder, err);
}

/* R4.4-4. */
static enum heft_status read_stored(struct heft_chunk_reader *r, const struct heft_row *row,
                                    uint64_t chunk_i, const struct heft_extent *e, uint8_t *to,
                                    struct heft_error *err)
{
	HEFT_TRY(heft_source_read(r->ix->src, e->off, to, e->stored_size, err));
	if (heft_crc32c(to, e->stored_size) != e->crc)
		return fail_chunk(row, chunk_i, HEFT_E_CORRUPT, e->off, "does not match its CRC",
		                  err);
	return HEFT_OK;
}

static enum heft_status read_coded(struct heft_chunk_reader *r, const struct heft_row *row,
                                   uint64_t chunk_i, uint8_t *dst, size_t n, struct heft_error *err)
{
	const struct heft_codec *codec;
	struct heft_extent e;

	HEFT_TRY(coded_extent(r->ix, row, chunk_i, &e, err));
	if (e.codec == HEFT_CODEC_RAW)
		return read_stored(r, row, chunk_i, &e, dst, err);
	HEFT_TRY(need_stored(r, e.stored_size, err));
	HEFT_TRY(read_stored(r, row, chunk_i, &e, r->stored, err));
	codec = heft_codec_find(e.codec);
	if (!codec)
		return fail_chunk(row, chunk_i, HEFT_E_UNSUPPORTED, e.off,
		                  "is stored by a codec that is unknown", err);
	return codec->decode(r->coder, r->stored, e.stored_size, dst, n, e.off, err);
}

/* R4.1-14, for the last chunk. */
static enum heft_status check_last_byte(const struct heft_index *ix, const struct heft_row *row,
                                        uint8_t last, struct heft_error *err)
{
	uint64_t dims[HEFT_MAX_RANK];
	uint64_t n_elements;

	heft_index_dims(ix, row, dims);
	if (heft_dims_product(row->rank, dims, &n_elements) &&
	    heft_tail_bits_ok(row->dtype, n_elements, last))
		return HEFT_OK;
	return fail_chunk(row, row->n_chunks - 1, HEFT_E_CORRUPT,
	                  row->is_coded ? HEFT_NO_OFFSET : row->place + row->n_bytes - 1,
	                  "has bits behind its last element that are not 0", err);
}

enum heft_status heft_chunk_read(struct heft_chunk_reader *r, const struct heft_row *row,
                                 uint64_t chunk_i, uint8_t *dst, size_t *n, struct heft_error *err)
{
	size_t size;

	if (chunk_i >= row->n_chunks)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "there is no chunk %llu",
		                 (unsigned long long)chunk_i);
	size = (size_t)heft_chunk_bytes(row, chunk_i);
	if (row->is_coded)
		HEFT_TRY(read_coded(r, row, chunk_i, dst, size, err));
	else
		HEFT_TRY(heft_source_read(r->ix->src, row->place + chunk_i * row->chunk_size, dst,
		                          size, err));
	if (chunk_i == row->n_chunks - 1)
		HEFT_TRY(check_last_byte(r->ix, row, dst[size - 1], err));
	*n = size;
	return HEFT_OK;
}

/* R4.3-2. */
enum heft_status heft_chunk_check(struct heft_chunk_reader *r, uint32_t row_i,
                                  const struct heft_row *row, uint64_t chunk_i, const uint8_t *leaf,
                                  struct heft_error *err)
{
	uint8_t stated[HEFT_LEAF_SIZE];
	struct heft_extent e;

	if (!r->h)
		HEFT_TRY(heft_sha256_new(&r->h, err));
	HEFT_TRY(heft_index_leaf(r->ix, row_i, row, chunk_i, r->h, stated, err));
	if (memcmp(leaf, stated, sizeof stated) == 0)
		return HEFT_OK;
	HEFT_TRY(heft_index_extent(r->ix, row, chunk_i, &e, err));
	return fail_chunk(row, chunk_i, HEFT_E_CORRUPT, e.off > 0 ? e.off : HEFT_NO_OFFSET,
	                  "does not match its digest", err);
}

enum heft_status heft_chunk_read_hashed(struct heft_chunk_reader *r, uint32_t row_i,
                                        const struct heft_row *row, uint64_t chunk_i, bool verify,
                                        uint8_t *dst, size_t *n, uint8_t *leaf,
                                        struct heft_error *err)
{
	uint8_t computed[HEFT_LEAF_SIZE];
	size_t size = 0;

	if (!r->h)
		HEFT_TRY(heft_sha256_new(&r->h, err));
	HEFT_TRY(heft_chunk_read(r, row, chunk_i, dst, &size, err));
	heft_digest_bytes(r->h, HEFT_DOMAIN_LEAF, dst, size, computed);
	HEFT_TRY(heft_sha256_check(r->h, err));
	if (verify)
		HEFT_TRY(heft_chunk_check(r, row_i, row, chunk_i, computed, err));
	if (leaf)
		memcpy(leaf, computed, sizeof computed);
	*n = size;
	return HEFT_OK;
}
