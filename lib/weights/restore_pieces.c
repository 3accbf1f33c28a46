/* SPDX-License-Identifier: Apache-2.0 */
/* restore_pieces.c - reads the pieces that a recipe puts together. */
#include "weights/restore_pieces.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "tensor/dtype.h"
#include "tensor/order.h"

enum heft_status heft_piece_reader_init(struct heft_piece_reader *r, struct heft_file *file,
                                        struct heft_error *err)
{
	r->file = file;
	HEFT_TRY(heft_chunk_source_new(file, true, &r->source, err));
	r->chunk = heft_alloc(HEFT_GROUP_BYTES);
	if (!r->chunk)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a worker");
	return HEFT_OK;
}

void heft_piece_reader_done(struct heft_piece_reader *r)
{
	heft_chunk_source_free(r->source);
	heft_free(r->chunk);
}

/* Reads n logical bytes of the piece's tensor from `at` on. What is a whole chunk is read in place;
 * of any other its chunk is read, verified, and cut: a piece need not begin where a chunk does. */
static enum heft_status read_range(struct heft_piece_reader *r, const struct heft_restore_piece *p,
                                   uint64_t at, size_t n, uint8_t *dst, struct heft_error *err)
{
	const uint32_t chunk_size = heft_chunk_size(p->unit);

	while (n > 0) {
		const size_t skip = (size_t)(at % chunk_size);
		const uint64_t left = p->tensor_size - (at - skip);
		const size_t size = left < chunk_size ? (size_t)left : chunk_size;
		const size_t part = size - skip < n ? size - skip : n;

		HEFT_TRY(heft_chunk_source_read_one(r->source, p->tensor, at / chunk_size,
		                                    at - skip, size, part == size ? dst : r->chunk,
		                                    NULL, err));
		if (part != size)
			memcpy(dst, r->chunk + skip, part);
		at += part;
		dst += part;
		n -= part;
	}
	return HEFT_OK;
}

/* --- column-major --- */

static bool is_column_major(const struct heft_origin_piece *from)
{
	return !from->literal && from->size > 0 && (from->transform & HEFT_TRANSFORM_COLUMN_MAJOR);
}

bool heft_pieces_need_scratch(const struct heft_restore_file *f)
{
	for (uint32_t k = 0; k < f->plan.n_tensors; k++)
		if (is_column_major(&f->recipe->pieces[k]))
			return true;
	return false;
}

/* The tensor's logical bytes, verified, to scratch[off]. */
static enum heft_status fill_scratch(struct heft_piece_reader *r,
                                     const struct heft_restore_piece *p, uint64_t off,
                                     struct heft_error *err)
{
	const uint32_t chunk_size = heft_chunk_size(p->unit);
	uint8_t *bytes = heft_alloc(HEFT_GROUP_BYTES);
	enum heft_status st = HEFT_OK;

	if (!bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a chunk");
	for (uint64_t at = 0; st == HEFT_OK && at < p->tensor_size; at += chunk_size) {
		const uint64_t left = p->tensor_size - at;
		const size_t n = left < chunk_size ? (size_t)left : chunk_size;

		st = read_range(r, p, at, n, bytes, err);
		if (st == HEFT_OK)
			st = heft_scratch_write(r->scratch, off + at, bytes, n, err);
	}
	heft_free(bytes);
	return st;
}

/* Row-major at scratch[from] becomes column-major at scratch[to]: what is row-major of the
 * dimensions is column-major of the reversed ones, and the other way round. */
static enum heft_status turn(struct heft_scratch *scratch, const struct heft_tensor *t,
                             uint64_t from, uint64_t to, struct heft_error *err)
{
	uint64_t reversed[HEFT_MAX_RANK];
	uint8_t *src;
	uint8_t *dst;
	enum heft_status st;

	for (uint32_t d = 0; d < t->rank; d++)
		reversed[d] = t->dims[t->rank - 1 - d];
	HEFT_TRY(heft_scratch_map(scratch, from, t->n_bytes, &src, err));
	st = heft_scratch_map(scratch, to, t->n_bytes, &dst, err);
	if (st == HEFT_OK) {
		heft_to_row_major(dst, src, t->rank, reversed,
		                  (size_t)(t->n_bytes / t->n_elements));
		heft_scratch_unmap(dst, t->n_bytes);
	}
	heft_scratch_unmap(src, t->n_bytes);
	return st;
}

static enum heft_status reorder(struct heft_piece_reader *r, struct heft_restore_piece *p,
                                struct heft_error *err)
{
	struct heft_tensor t;
	uint64_t logical_off;
	enum heft_status st;

	HEFT_TRY(heft_tensor_at(r->file, p->tensor, &t, err));
	HEFT_TRY(heft_scratch_add(r->scratch, t.n_bytes, &p->scratch_off, err));
	HEFT_TRY(heft_scratch_add(r->scratch, t.n_bytes, &logical_off, err));
	st = fill_scratch(r, p, logical_off, err);
	if (st == HEFT_OK)
		st = turn(r->scratch, &t, logical_off, p->scratch_off, err);
	heft_scratch_drop(r->scratch, logical_off, t.n_bytes);
	return st;
}

enum heft_status heft_pieces_reorder(struct heft_piece_reader *r, struct heft_restore_file *f,
                                     struct heft_error *err)
{
	for (uint32_t k = 0; k < f->plan.n_tensors; k++)
		if (is_column_major(&f->recipe->pieces[k]))
			HEFT_TRY(reorder(r, &f->pieces[k], err));
	return HEFT_OK;
}

void heft_pieces_drop(struct heft_piece_reader *r, const struct heft_restore_file *f)
{
	for (uint32_t k = 0; k < f->plan.n_tensors; k++)
		if (is_column_major(&f->recipe->pieces[k]))
			heft_scratch_drop(r->scratch, f->pieces[k].scratch_off,
			                  f->recipe->pieces[k].size);
}

/* --- any piece --- */

enum heft_status heft_piece_read(struct heft_piece_reader *r, const struct heft_restore_file *f,
                                 uint32_t k, uint64_t at, size_t n, uint8_t *dst,
                                 struct heft_error *err)
{
	const struct heft_origin_piece *from = &f->recipe->pieces[k];
	const struct heft_restore_piece *p = &f->pieces[k];
	struct heft_tensor t;

	if (from->literal) {
		memcpy(dst, from->literal + at, n);
		return HEFT_OK;
	}
	if (is_column_major(from))
		HEFT_TRY(heft_scratch_read(r->scratch, p->scratch_off + at, dst, n, err));
	else
		HEFT_TRY(read_range(r, p, from->first + at, n, dst, err));
	if (from->transform & HEFT_TRANSFORM_SWAPPED) {
		HEFT_TRY(heft_tensor_at(r->file, p->tensor, &t, err));
		heft_swap_bytes(dst, n, heft_swap_size(t.dtype));
	}
	return HEFT_OK;
}
