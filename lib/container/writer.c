/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c - writes a new, compact heft file (spec/container.md 5 and 8.1): encodes, places and
 * stores its chunks. writer_tables.c writes what follows them. */
#include "container/writer.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "codec/crc32c.h"
#include "container/tail_bits.h"
#include "container/writer_state.h"
#include "tensor/dtype.h"

#define LOG2_ALIGNMENT_MIN 6
#define LOG2_ALIGNMENT_MAX 21

/* --- begin --- */

static enum heft_status set_alignment(struct heft_container_writer *w, uint32_t alignment,
                                      struct heft_error *err)
{
	for (uint8_t bits = LOG2_ALIGNMENT_MIN; bits <= LOG2_ALIGNMENT_MAX; bits++) {
		if (alignment == UINT32_C(1) << bits || alignment == 0) {
			w->log2_alignment = bits;
			return HEFT_OK;
		}
	}
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "alignment %u is not a power of two from 64 to 2,097,152",
	                 (unsigned)alignment);
}

static bool same_layout(const struct heft_listing *l, uint32_t a_i, uint32_t b_i)
{
	const struct heft_listed *a = heft_listing_row(l, a_i);
	const struct heft_listed *b = heft_listing_row(l, b_i);

	return a->dtype == b->dtype && a->rank == b->rank && a->n_bytes == b->n_bytes &&
	       a->unit == b->unit &&
	       (a->rank == 0 || memcmp(heft_listing_dims(l, a_i), heft_listing_dims(l, b_i),
	                               a->rank * sizeof(uint64_t)) == 0);
}

/* spec R4.1-10, R4.1-12: whoever shares or is tied has the same dtype and dimensions, and who is
 * tied shares. */
static enum heft_status check_relations(const struct heft_listing *l, uint32_t i,
                                        struct heft_error *err)
{
	const struct heft_listed *row = heft_listing_row(l, i);
	const uint32_t share = row->share;
	const uint32_t tie = row->tie;

	if (share <= i && heft_listing_row(l, share)->share == share && same_layout(l, i, share) &&
	    tie <= i && heft_listing_row(l, tie)->tie == tie && same_layout(l, i, tie) &&
	    (row->n_bytes == 0 || heft_listing_row(l, tie)->share == share))
		return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "tensor '%.80s' is tied to one of another dtype or shape",
	                 heft_listing_name(l, i));
}

static bool is_coded(const struct heft_write_plan *plan, uint32_t i)
{
	return plan->is_coded ? plan->is_coded[i] : plan->options.compress != HEFT_COMPRESS_NONE;
}

/* Ends of names and dimensions are u32 in TENSORS. */
static enum heft_status check_sizes(const struct heft_listing *l, uint32_t n,
                                    struct heft_error *err)
{
	uint64_t strings_size = 0;
	uint64_t n_dims = 0;

	for (uint32_t i = 0; i < n; i++) {
		strings_size += heft_listing_row(l, i)->name_size;
		n_dims += heft_listing_row(l, i)->rank;
	}
	if (strings_size <= UINT32_MAX && n_dims <= UINT32_MAX)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
	                 "the names have 4 GiB or more, or the shapes 2^32 dimensions");
}

/* Sets up the tensors' entries; tells how many chunks are coded. */
static enum heft_status plan_tensors(struct heft_container_writer *w, uint64_t *n_coded,
                                     struct heft_error *err)
{
	*n_coded = 0;
	for (uint32_t i = 0; i < w->n; i++) {
		const struct heft_listed *row = heft_listing_row(w->tensors, i);
		struct heft_written *t = &w->written[i];

		HEFT_TRY(check_relations(w->tensors, i, err));
		t->first_leaf = UINT64_MAX;
		if (row->share != i || row->n_bytes == 0)
			continue;
		t->is_coded = is_coded(w->plan, i);
		w->n_chunks += heft_listed_n_chunks(row);
		if (t->is_coded) {
			t->place = *n_coded;
			*n_coded += heft_listed_n_chunks(row);
		}
	}
	return HEFT_OK;
}

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a file's tables");
}

static enum heft_status set_up(struct heft_container_writer *w, struct heft_error *err)
{
	uint8_t zeros[HEFT_DATA_START] = { 0 };
	uint64_t n_coded;
	size_t n_extents;

	HEFT_TRY(set_alignment(w, w->plan->options.alignment, err));
	w->written = heft_zalloc_array(w->n, sizeof *w->written);
	if (!w->written)
		return no_memory(err);
	HEFT_TRY(check_sizes(w->tensors, w->n, err));
	HEFT_TRY(plan_tensors(w, &n_coded, err));
	w->has_coded = n_coded > 0;
	if (w->has_coded) {
		if (heft_to_size(n_coded, &n_extents))
			w->extents = heft_zalloc_array(n_extents, sizeof *w->extents);
		if (!w->extents)
			return no_memory(err);
	}
	/* The slot pages' place; what is appended to the sink follows it. */
	return heft_sink_pwrite(w->sink, 0, zeros, sizeof zeros, err);
}

enum heft_status heft_container_begin(const struct heft_write_plan *plan, struct heft_sink *sink,
                                      struct heft_container_writer **out, struct heft_error *err)
{
	struct heft_container_writer *w;
	enum heft_status st;

	if (heft_sink_is_stream(sink))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a heft file cannot be written to standard output");
	w = heft_zalloc(sizeof *w);
	if (!w)
		return no_memory(err);
	w->plan = plan;
	w->tensors = plan->tensors;
	w->sink = sink;
	w->n = heft_listing_n(plan->tensors);
	w->end = HEFT_DATA_START;
	heft_directory_init(&w->directory);
	st = set_up(w, err);
	if (st != HEFT_OK) {
		heft_container_writer_free(w);
		return st;
	}
	*out = w;
	return HEFT_OK;
}

void heft_container_writer_free(struct heft_container_writer *w)
{
	if (!w)
		return;
	heft_directory_done(&w->directory);
	heft_coder_free(w->coder);
	heft_sha256_free(w->table_h);
	heft_sha256_free(w->h);
	heft_free(w->sorted);
	heft_free(w->extents);
	heft_free(w->written);
	heft_free(w);
}

/* --- chunks --- */

size_t heft_container_scratch_size(const struct heft_container_writer *w)
{
	return w->has_coded ? HEFT_CHUNK_MAX : 0;
}

static enum heft_status check_last_byte(const struct heft_container_writer *w,
                                        const struct heft_piece *p, struct heft_error *err)
{
	const struct heft_listed *row = heft_listing_row(w->tensors, p->tensor_i);

	if (p->off + p->n != row->n_bytes ||
	    heft_tail_bits_ok(row->dtype, row->n_elements, p->bytes[p->n - 1]))
		return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "tensor '%.80s': unused bits of the last byte are not 0",
	                 heft_listing_name(w->tensors, p->tensor_i));
}

enum heft_status heft_container_encode(struct heft_container_writer *w, struct heft_piece *p,
                                       struct heft_coder *coder, uint8_t *scratch,
                                       struct heft_error *err)
{
	const enum heft_compress effort = w->plan->options.compress;

	HEFT_TRY(check_last_byte(w, p, err));
	p->stored = p->bytes;
	p->stored_size = p->n;
	p->codec = HEFT_CODEC_RAW;
	p->crc = 0;
	if (!w->written[p->tensor_i].is_coded)
		return HEFT_OK;
	if (effort != HEFT_COMPRESS_NONE)
		p->codec = heft_encode_chunk(coder, (int)effort, p->bytes, p->n, scratch,
		                             HEFT_CHUNK_MAX, &p->stored_size);
	if (p->codec != HEFT_CODEC_RAW)
		p->stored = scratch;
	if (p->codec != HEFT_CODEC_ZERO)
		p->crc = heft_crc32c(p->stored, p->stored_size);
	return heft_coder_check(coder, err);
}

/* A raw run lies in one piece, and its first chunk's place decides. */
static void place_raw(struct heft_container_writer *w, struct heft_written *t, struct heft_piece *p)
{
	if (p->chunk_i == 0)
		t->place = heft_align_up(w->end, UINT64_C(1) << w->log2_alignment);
	p->file_off = t->place + p->off;
	w->end = p->file_off + p->n;
}

static void place_coded(struct heft_container_writer *w, const struct heft_written *t,
                        struct heft_piece *p)
{
	struct heft_extent *e = &w->extents[t->place + p->chunk_i];

	p->file_off = p->stored_size > 0 ? w->end : 0;
	w->end += p->stored_size;
	e->off = p->file_off;
	e->stored_size = (uint32_t)p->stored_size;
	e->codec = p->codec;
	e->crc = p->crc;
}

enum heft_status heft_container_place(struct heft_container_writer *w, struct heft_piece *p,
                                      struct heft_error *err)
{
	struct heft_written *t = &w->written[p->tensor_i];

	assert(heft_listing_row(w->tensors, p->tensor_i)->share == p->tensor_i);
	assert(t->is_coded || p->codec == HEFT_CODEC_RAW);
	if (t->is_coded)
		place_coded(w, t, p);
	else
		place_raw(w, t, p);
	w->n_placed++;
	if (w->end > INT64_MAX)
		return heft_fail(err, HEFT_E_LIMIT, w->end, "the file has 2^63 bytes or more");
	return HEFT_OK;
}

enum heft_status heft_container_store(struct heft_container_writer *w, const struct heft_piece *p,
                                      struct heft_error *err)
{
	if (p->stored_size == 0)
		return HEFT_OK;
	return heft_sink_pwrite(w->sink, p->file_off, p->stored, p->stored_size, err);
}

enum heft_status heft_container_finish(struct heft_container_writer *w, const uint8_t *leaves,
                                       const uint64_t *first_leaf, struct heft_error *err)
{
	if (w->n_placed != w->n_chunks)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the bytes of some tensors are missing");
	return heft_container_finish_file(w, leaves, first_leaf, err);
}
