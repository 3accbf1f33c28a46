/* SPDX-License-Identifier: Apache-2.0 */
/* chunk_source.c - reads groups of chunks for one thread. */
#include "weights/chunk_source.h"

#include "base/alloc.h"
#include "base/error.h"
#include "codec/digest_tree.h"
#include "container/index.h"

struct heft_chunk_source {
	struct heft_file *file;
	struct heft_sha256 *sha;
	bool verify;
	/* A heft file's chunks come through its own reader, which hashes each once for both
	 * uses. */
	struct heft_chunk_reader *reader;
	struct heft_row row;
	uint32_t row_i;
	uint32_t row_of; /* the tensor whose row that is; UINT32_MAX: none */
	/* Another file's raw bytes that follow one another are read at once. */
	struct heft_source *run_src;
	uint64_t run_off;
	uint8_t *run_dst;
	size_t run_size;
};

enum heft_status heft_chunk_source_new(struct heft_file *file, bool verify,
                                       struct heft_chunk_source **out, struct heft_error *err)
{
	struct heft_chunk_source *s = heft_zalloc(sizeof *s);
	struct heft_index *ix = heft_file_index(file);
	enum heft_status st;

	if (!s)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a reader");
	s->file = file;
	s->verify = verify;
	s->row_of = UINT32_MAX;
	st = heft_sha256_new(&s->sha, err);
	if (st == HEFT_OK && ix)
		st = heft_chunk_reader_new(ix, &s->reader, err);
	if (st != HEFT_OK) {
		heft_chunk_source_free(s);
		return st;
	}
	*out = s;
	return HEFT_OK;
}

void heft_chunk_source_free(struct heft_chunk_source *s)
{
	if (!s)
		return;
	heft_chunk_reader_free(s->reader);
	heft_sha256_free(s->sha);
	heft_free(s);
}

static enum heft_status read_native(struct heft_chunk_source *s, uint32_t tensor, uint64_t chunk_i,
                                    uint8_t *dst, size_t n, uint8_t *leaf, struct heft_error *err)
{
	struct heft_index *ix = heft_file_index(s->file);
	size_t found;

	if (s->row_of != tensor) {
		s->row_of = UINT32_MAX;
		HEFT_TRY(heft_index_row_at(ix, tensor, &s->row_i, err));
		HEFT_TRY(heft_index_row(ix, s->row_i, &s->row, err));
		s->row_of = tensor;
	}
	if (leaf || s->verify)
		HEFT_TRY(heft_chunk_read_hashed(s->reader, s->row_i, &s->row, chunk_i, s->verify,
		                                dst, &found, leaf, err));
	else
		HEFT_TRY(heft_chunk_read(s->reader, &s->row, chunk_i, dst, &found, err));
	if (found != n)
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "a chunk has %zu bytes, not %zu", found, n);
	return HEFT_OK;
}

static enum heft_status flush_run(struct heft_chunk_source *s, struct heft_error *err)
{
	const size_t n = s->run_size;

	s->run_size = 0;
	return n ? heft_source_read(s->run_src, s->run_off, s->run_dst, n, err) : HEFT_OK;
}

static enum heft_status read_foreign(struct heft_chunk_source *s, uint32_t tensor,
                                     const struct heft_plan_chunk *c, uint8_t *dst,
                                     struct heft_error *err)
{
	const struct heft_format *format = s->file->format;
	struct heft_place place;
	uint64_t off;

	if ((format->caps & HEFT_FORMAT_CHECKS_READS) ||
	    format->locate(s->file->st, tensor, &place, NULL) != HEFT_OK || place.transform) {
		HEFT_TRY(flush_run(s, err));
		return format->read(s->file->st, tensor, c->off, dst, c->n, err);
	}
	off = place.off + c->off;
	if (s->run_size && s->run_src == place.src && s->run_off + s->run_size == off) {
		s->run_size += c->n;
		return HEFT_OK;
	}
	HEFT_TRY(flush_run(s, err));
	s->run_src = place.src;
	s->run_off = off;
	s->run_dst = dst;
	s->run_size = c->n;
	return HEFT_OK;
}

static void hash_all(struct heft_chunk_source *s, const uint8_t *bytes,
                     const struct heft_plan_chunk *chunks, uint32_t n, uint8_t *leaves)
{
	for (uint32_t i = 0; i < n; i++) {
		heft_digest_bytes(s->sha, HEFT_DOMAIN_LEAF, bytes, chunks[i].n,
		                  leaves + (size_t)i * HEFT_SHA256_SIZE);
		bytes += chunks[i].n;
	}
}

enum heft_status heft_chunk_source_read(struct heft_chunk_source *s,
                                        const struct heft_chunk_plan *plan, uint64_t group_i,
                                        uint8_t *dst, struct heft_plan_chunk *chunks,
                                        uint32_t *n_chunks, uint8_t *leaves, struct heft_error *err)
{
	struct heft_group_walk walk;
	uint8_t *to = dst;
	uint32_t n = 0;

	heft_group_begin(&walk, plan, group_i);
	s->run_size = 0;
	for (; heft_group_next(&walk, &chunks[n]); n++) {
		const struct heft_plan_chunk *c = &chunks[n];
		const uint32_t tensor = plan->tensors[c->tensor].id;

		if (s->reader)
			HEFT_TRY(read_native(s, tensor, c->chunk_i, to, c->n,
			                     leaves ? leaves + (size_t)n * HEFT_SHA256_SIZE : NULL,
			                     err));
		else
			HEFT_TRY(read_foreign(s, tensor, c, to, err));
		to += c->n;
	}
	HEFT_TRY(flush_run(s, err));
	if (leaves && !s->reader) {
		hash_all(s, dst, chunks, n, leaves);
		HEFT_TRY(heft_sha256_check(s->sha, err));
	}
	*n_chunks = n;
	return HEFT_OK;
}

enum heft_status heft_chunk_source_read_one(struct heft_chunk_source *s, uint32_t tensor,
                                            uint64_t chunk_i, uint64_t off, size_t n, uint8_t *dst,
                                            uint8_t *leaf, struct heft_error *err)
{
	if (s->reader)
		return read_native(s, tensor, chunk_i, dst, n, leaf, err);
	HEFT_TRY(s->file->format->read(s->file->st, tensor, off, dst, n, err));
	if (!leaf)
		return HEFT_OK;
	heft_digest_bytes(s->sha, HEFT_DOMAIN_LEAF, dst, n, leaf);
	return heft_sha256_check(s->sha, err);
}
