/* SPDX-License-Identifier: Apache-2.0 */
/* chunk_writer.c - takes chunks through a format's stages, and keeps their leaves. */
#include "weights/chunk_writer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/lock.h"
#include "codec/digest_tree.h"
#include "tensor/dtype.h"
#include "weights/weights_tree.h"

/* Whether tensor i's bytes come: a sharing one's do only where the format stores them again. */
static bool is_stored(const struct heft_writer *w, uint32_t i)
{
	const struct heft_listed *row = heft_listing_row(w->tensors, i);

	return row->share == i || !(w->format->caps & HEFT_FORMAT_TIES);
}

static enum heft_status cut_chunks(struct heft_writer *w, const uint32_t *order,
                                   struct heft_error *err)
{
	const uint32_t n = heft_listing_n(w->tensors);
	uint32_t k = 0;

	HEFT_TRY(heft_chunk_plan_init(&w->chunks, n, err));
	for (uint32_t j = 0; j < n; j++) {
		const struct heft_listed *row = heft_listing_row(w->tensors, order[j]);

		if (!is_stored(w, order[j]))
			continue;
		w->chunks.tensors[k++] = (struct heft_plan_tensor){ .id = order[j],
			                                            .unit = row->unit,
			                                            .n_bytes = row->n_bytes };
	}
	w->chunks.n_tensors = k;
	/* Coding takes longer than hashing, and would need twice the scratch. */
	w->chunks.has_pairs = w->format->scratch_size(w->w) == 0;
	return heft_chunk_plan_cut(&w->chunks, err);
}

/* Leaves lie in the order of the tensors' indexes; a sharing tensor's are its share's. */
static enum heft_status number_leaves(struct heft_writer *w, struct heft_error *err)
{
	const uint32_t n = heft_listing_n(w->tensors);
	uint64_t first = 0;

	HEFT_TRY(heft_leaf_table_init(&w->table, n, w->chunks.n_chunks, err));
	for (uint32_t i = 0; i < n; i++) {
		const struct heft_listed *row = heft_listing_row(w->tensors, i);

		if (!is_stored(w, i)) {
			w->table.first_leaf[i] = w->table.first_leaf[row->share];
			continue;
		}
		w->table.first_leaf[i] = first;
		first += row->n_bytes ? heft_n_chunks(row->n_bytes, row->unit) : 0;
	}
	return HEFT_OK;
}

enum heft_status heft_writer_begin(struct heft_writer *w, struct heft_error *err)
{
	const uint32_t n = heft_listing_n(w->tensors);
	uint32_t *order;
	enum heft_status st;

	w->plan.tensors = w->tensors;
	w->plan.metadata = w->metadata;
	HEFT_TRY(w->format->check(&w->plan, err));
	order = heft_alloc_array(n, sizeof *order);
	if (!order)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors", n);
	st = w->format->begin(&w->plan, w->sink, order, &w->w, err);
	if (st == HEFT_OK)
		st = cut_chunks(w, order, err);
	if (st == HEFT_OK)
		st = number_leaves(w, err);
	heft_free(order);
	return st;
}

enum heft_status heft_write_worker_new(struct heft_writer *w, struct heft_write_worker **out,
                                       struct heft_error *err)
{
	const size_t scratch_size = w->format->scratch_size(w->w);
	struct heft_write_worker *worker = heft_zalloc(sizeof *worker);
	enum heft_status st;

	if (!worker)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a worker");
	worker->bytes = heft_alloc(w->chunks.has_pairs ? HEFT_PAIR_BYTES : HEFT_GROUP_BYTES);
	worker->scratch = scratch_size ? heft_alloc(scratch_size) : NULL;
	worker->leaves = heft_alloc_array(HEFT_GROUP_CHUNKS, HEFT_SHA256_SIZE);
	worker->pieces = heft_alloc_array(HEFT_GROUP_CHUNKS, sizeof *worker->pieces);
	worker->chunks = heft_alloc_array(HEFT_GROUP_CHUNKS, sizeof *worker->chunks);
	st = heft_sha256_new(&worker->sha, err);
	if (st == HEFT_OK && w->plan.options.compress != HEFT_COMPRESS_NONE)
		st = heft_coder_new(&worker->coder, err);
	if (st == HEFT_OK && (!worker->bytes || (scratch_size && !worker->scratch) ||
	                      !worker->leaves || !worker->pieces || !worker->chunks))
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a worker");
	if (st != HEFT_OK) {
		heft_write_worker_free(worker);
		return st;
	}
	*out = worker;
	return HEFT_OK;
}

void heft_write_worker_free(struct heft_write_worker *worker)
{
	if (!worker)
		return;
	heft_sha256_free(worker->sha);
	heft_coder_free(worker->coder);
	heft_free(worker->bytes);
	heft_free(worker->scratch);
	heft_free(worker->leaves);
	heft_free(worker->pieces);
	heft_free(worker->chunks);
	heft_free(worker);
}

/* Codes each chunk of the group behind the coded ones before it. A chunk that is stored as it is
 * takes no scratch, and coding never makes one longer, so the scratch of one full chunk has room
 * for a group; a format whose coding may make one longer asks for as much more. */
static enum heft_status encode_group(struct heft_writer *w, struct heft_write_worker *worker,
                                     uint32_t n, struct heft_error *err)
{
	const uint8_t *bytes = worker->bytes;
	uint8_t *scratch = worker->scratch;

	for (uint32_t k = 0; k < n; k++) {
		const struct heft_plan_chunk *c = &worker->chunks[k];
		struct heft_piece *p = &worker->pieces[k];

		*p = (struct heft_piece){
			.tensor_i = w->chunks.tensors[c->tensor].id,
			.chunk_i = c->chunk_i,
			.off = c->off,
			.bytes = bytes,
			.n = c->n,
		};
		HEFT_TRY(w->format->encode(w->w, p, worker->coder, scratch, err));
		if (p->stored != p->bytes && scratch)
			scratch += p->stored_size;
		bytes += c->n;
		memcpy(heft_leaf_at(&w->table, p->tensor_i, p->chunk_i),
		       worker->leaves + (size_t)k * HEFT_SHA256_SIZE, HEFT_SHA256_SIZE);
	}
	return HEFT_OK;
}

/* Pieces that lie behind one another both in memory and in the file are stored at once. */
static enum heft_status store_group(struct heft_writer *w, const struct heft_write_worker *worker,
                                    uint32_t n, struct heft_error *err)
{
	for (uint32_t k = 0; k < n;) {
		struct heft_piece run = worker->pieces[k];

		for (k++; k < n; k++) {
			const struct heft_piece *p = &worker->pieces[k];

			if (p->stored != run.stored + run.stored_size ||
			    p->file_off != run.file_off + run.stored_size)
				break;
			run.stored_size += p->stored_size;
		}
		if (run.stored_size)
			HEFT_TRY(w->format->store(w->w, &run, err));
	}
	return HEFT_OK;
}

static enum heft_status place_group(struct heft_writer *w, struct heft_write_worker *worker,
                                    uint32_t n, struct heft_error *err)
{
	for (uint32_t k = 0; k < n; k++)
		HEFT_TRY(w->format->place(w->w, &worker->pieces[k], err));
	return heft_sink_is_stream(w->sink) ? store_group(w, worker, n, err) : HEFT_OK;
}

enum heft_status heft_writer_group(struct heft_writer *w, struct heft_write_worker *worker,
                                   uint32_t n_chunks, struct heft_turn *turn, uint64_t group_i,
                                   struct heft_error *err)
{
	enum heft_status st = encode_group(w, worker, n_chunks, err);

	if (turn && st == HEFT_OK && !heft_turn_wait(turn, group_i))
		return heft_fail(err, HEFT_E_CANCELLED, HEFT_NO_OFFSET, "an earlier piece failed");
	if (st == HEFT_OK)
		st = place_group(w, worker, n_chunks, err);
	if (turn) {
		if (st == HEFT_OK)
			heft_turn_leave(turn);
		else
			heft_turn_fail(turn, group_i);
	}
	if (st != HEFT_OK || heft_sink_is_stream(w->sink))
		return st;
	return store_group(w, worker, n_chunks, err);
}

static void tensor_digest(const struct heft_writer *w, uint32_t i, struct heft_sha256 *h,
                          uint8_t *digest)
{
	const struct heft_listed *row = heft_listing_row(w->tensors, i);
	uint8_t root[HEFT_DIGEST_SIZE];

	heft_tree_root_of(h, HEFT_DOMAIN_NODE, heft_leaf_at(&w->table, i, 0),
	                  row->n_bytes ? heft_n_chunks(row->n_bytes, row->unit) : 0, root);
	heft_digest_tensor(h, row->dtype, row->rank, heft_listing_dims(w->tensors, i), row->n_bytes,
	                   root, digest);
}

enum heft_status heft_writer_tensor_digests(const struct heft_writer *w, uint8_t *digests,
                                            struct heft_error *err)
{
	struct heft_sha256 *h;
	enum heft_status st;

	HEFT_TRY(heft_sha256_new(&h, err));
	for (uint32_t i = 0; i < heft_listing_n(w->tensors); i++)
		tensor_digest(w, i, h, digests + (size_t)i * HEFT_DIGEST_SIZE);
	st = heft_sha256_check(h, err);
	heft_sha256_free(h);
	return st;
}

static enum heft_status weights_digest(const struct heft_writer *w, uint8_t *digest,
                                       struct heft_error *err)
{
	const uint32_t n = heft_listing_n(w->tensors);
	uint8_t *digests = heft_alloc_array(n, HEFT_DIGEST_SIZE);
	enum heft_status st;

	if (!digests)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u digests", n);
	st = heft_writer_tensor_digests(w, digests, err);
	if (st == HEFT_OK)
		st = heft_weights_tree_of(w->tensors, digests, digest, err);
	heft_free(digests);
	return st;
}

enum heft_status heft_writer_finish(struct heft_writer *w, uint8_t *digest, struct heft_error *err)
{
	HEFT_TRY(w->format->finish(w->w, w->table.leaves, w->table.first_leaf, err));
	return digest ? weights_digest(w, digest, err) : HEFT_OK;
}

enum heft_status heft_writer_commit(struct heft_writer *w, struct heft_error *err)
{
	struct heft_sink *sink = w->sink;
	enum heft_status st;

	w->sink = NULL;
	st = heft_sink_commit(sink, err);
	heft_discard(w);
	return st;
}
