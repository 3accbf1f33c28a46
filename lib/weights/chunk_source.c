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
	/* A heft file's chunks come through its own reader. */
	struct heft_chunk_reader *reader;
	struct heft_row row;
	uint32_t row_i;
	uint32_t row_of; /* the tensor whose row that is; UINT32_MAX: none */
	/* Of the group that is read: its chunks, each hashed once for both uses, and room for their
	 * leaves where the caller wants none. */
	struct heft_sha256_input inputs[HEFT_GROUP_CHUNKS];
	uint8_t leaves[HEFT_GROUP_CHUNKS * HEFT_SHA256_SIZE];
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

static enum heft_status find_row(struct heft_chunk_source *s, uint32_t tensor,
                                 struct heft_error *err)
{
	struct heft_index *ix = heft_file_index(s->file);

	if (s->row_of == tensor)
		return HEFT_OK;
	s->row_of = UINT32_MAX;
	HEFT_TRY(heft_index_row_at(ix, tensor, &s->row_i, err));
	HEFT_TRY(heft_index_row(ix, s->row_i, &s->row, err));
	s->row_of = tensor;
	return HEFT_OK;
}

static enum heft_status check_found(size_t found, size_t n, struct heft_error *err)
{
	if (found == n)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET, "a chunk has %zu bytes, not %zu",
	                 found, n);
}

static enum heft_status read_native(struct heft_chunk_source *s, uint32_t tensor, uint64_t chunk_i,
                                    uint8_t *dst, size_t n, struct heft_error *err)
{
	size_t found;

	HEFT_TRY(find_row(s, tensor, err));
	HEFT_TRY(heft_chunk_read(s->reader, &s->row, chunk_i, dst, &found, err));
	return check_found(found, n, err);
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

/* Of the first n chunks of the group, those that were read. */
static enum heft_status hash_all(struct heft_chunk_source *s, const uint8_t *bytes,
                                 const struct heft_plan_chunk *chunks, uint32_t n, uint8_t *leaves,
                                 struct heft_error *err)
{
	for (uint32_t i = 0; i < n; i++) {
		s->inputs[i] = (struct heft_sha256_input){
			.bytes = bytes,
			.n = chunks[i].n,
			.digest = leaves + (size_t)i * HEFT_SHA256_SIZE,
		};
		bytes += chunks[i].n;
	}
	heft_digest_leaves(s->sha, s->inputs, n);
	return heft_sha256_check(s->sha, err);
}

static enum heft_status check_all(struct heft_chunk_source *s, const struct heft_chunk_plan *plan,
                                  const struct heft_plan_chunk *chunks, uint32_t n,
                                  const uint8_t *leaves, struct heft_error *err)
{
	for (uint32_t i = 0; i < n; i++) {
		HEFT_TRY(find_row(s, plan->tensors[chunks[i].tensor].id, err));
		HEFT_TRY(heft_chunk_check(s->reader, s->row_i, &s->row, chunks[i].chunk_i,
		                          leaves + (size_t)i * HEFT_SHA256_SIZE, err));
	}
	return HEFT_OK;
}

enum heft_status heft_chunk_source_read(struct heft_chunk_source *s,
                                        const struct heft_chunk_plan *plan, uint64_t group_i,
                                        uint8_t *dst, struct heft_plan_chunk *chunks,
                                        uint32_t *n_chunks, uint8_t *leaves, struct heft_error *err)
{
	const bool checks = s->reader && s->verify;
	uint8_t *hashes = leaves || !checks ? leaves : s->leaves;
	enum heft_status st = HEFT_OK;
	struct heft_group_walk walk;
	uint8_t *to = dst;
	uint32_t n = 0;

	heft_group_begin(&walk, plan, group_i);
	s->run_size = 0;
	while (heft_group_next(&walk, &chunks[n])) {
		const struct heft_plan_chunk *c = &chunks[n];
		const uint32_t tensor = plan->tensors[c->tensor].id;

		st = s->reader ? read_native(s, tensor, c->chunk_i, to, c->n, err)
		               : read_foreign(s, tensor, c, to, err);
		if (st != HEFT_OK)
			break;
		to += c->n;
		n++;
	}
	if (st == HEFT_OK)
		st = flush_run(s, err);
	/* What is wrong with a chunk is told before what is wrong with the next. */
	if (hashes && (st == HEFT_OK || checks))
		HEFT_TRY(hash_all(s, dst, chunks, n, hashes, err));
	if (checks)
		HEFT_TRY(check_all(s, plan, chunks, n, hashes, err));
	if (st == HEFT_OK)
		*n_chunks = n;
	return st;
}

enum heft_status heft_chunk_source_read_one(struct heft_chunk_source *s, uint32_t tensor,
                                            uint64_t chunk_i, uint64_t off, size_t n, uint8_t *dst,
                                            uint8_t *leaf, struct heft_error *err)
{
	size_t found;

	if (s->reader && (leaf || s->verify)) {
		HEFT_TRY(find_row(s, tensor, err));
		HEFT_TRY(heft_chunk_read_hashed(s->reader, s->row_i, &s->row, chunk_i, s->verify,
		                                dst, &found, leaf, err));
		return check_found(found, n, err);
	}
	if (s->reader)
		return read_native(s, tensor, chunk_i, dst, n, err);
	HEFT_TRY(s->file->format->read(s->file->st, tensor, off, dst, n, err));
	if (!leaf)
		return HEFT_OK;
	heft_digest_bytes(s->sha, HEFT_DOMAIN_LEAF, dst, n, leaf);
	return heft_sha256_check(s->sha, err);
}
