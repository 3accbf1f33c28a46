/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.c - chunks on their way from an open file into a new one. Each thread reads, hashes,
 * codes and stores its own; only their places are given in turn, so the bytes never depend on the
 * threads. */
#include "weights/transfer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "codec/digest_tree.h"
#include "weights/cast_chunk.h"
#include "weights/chunk_source.h"

struct worker {
	struct heft_chunk_source *source;
	struct heft_chunk_source *other; /* of the transfer's other file */
	struct heft_write_worker *write;
	struct heft_cast_room room;
};

struct job {
	const struct heft_transfer *t;
	/* The writer's chunks with the file's tensor numbers as ids; shares everything else with
	 * them. */
	struct heft_chunk_plan source_chunks;
	struct heft_turn *turn;
	struct heft_pool *pool;
	struct worker *workers;
};

static enum heft_status worker_init(struct job *job, struct worker *w, struct heft_error *err)
{
	if (!w->source)
		HEFT_TRY(heft_chunk_source_new(job->t->file, true, &w->source, err));
	if (job->t->other && !w->other)
		HEFT_TRY(heft_chunk_source_new(job->t->other, true, &w->other, err));
	if (job->t->has_casts && !w->room.bytes) {
		w->room.bytes = heft_alloc(HEFT_GROUP_BYTES);
		if (!w->room.bytes)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			                 "no memory for a worker");
	}
	return heft_write_worker_new(job->t->writer, &w->write, err);
}

static enum heft_status read_chunk(struct job *job, struct worker *w,
                                   const struct heft_plan_chunk *c, uint8_t *dst, uint8_t *leaf,
                                   struct heft_error *err)
{
	const struct heft_transfer *t = job->t;
	const uint32_t i = t->writer->chunks.tensors[c->tensor].id;
	const struct heft_listed *row = heft_listing_row(t->writer->tensors, i);
	const struct heft_cast cast = {
		.tensor = t->source[i],
		.from = t->source_dtype[i],
		.to = row->dtype,
		.n_elements = row->n_elements,
	};

	const uint8_t way = t->ways ? t->ways[i] : HEFT_WAY_FILE;

	if (way == HEFT_WAY_OTHER || (way == HEFT_WAY_FILE && cast.from == cast.to))
		return heft_chunk_source_read_one(way == HEFT_WAY_OTHER ? w->other : w->source,
		                                  cast.tensor, c->chunk_i, c->off, c->n, dst, leaf,
		                                  err);
	if (way == HEFT_WAY_TRANSPOSED)
		heft_transposed_read(t->transposed, i, c->off, dst, c->n);
	else
		HEFT_TRY(heft_cast_chunk(w->source, &cast, c->off, &w->room, dst, err));
	heft_digest_bytes(w->write->sha, HEFT_DOMAIN_LEAF, dst, c->n, leaf);
	return heft_sha256_check(w->write->sha, err);
}

/* A group in which something may be cast, or come from elsewhere, is read chunk by chunk. */
static enum heft_status read_each(struct job *job, struct worker *w, uint64_t group_i,
                                  uint32_t *n_chunks, struct heft_error *err)
{
	struct heft_write_worker *ww = w->write;
	struct heft_group_walk walk;
	uint8_t *to = ww->bytes;
	uint32_t n = 0;

	heft_group_begin(&walk, &job->t->writer->chunks, group_i);
	for (; heft_group_next(&walk, &ww->chunks[n]); n++) {
		HEFT_TRY(read_chunk(job, w, &ww->chunks[n], to,
		                    ww->leaves + (size_t)n * HEFT_SHA256_SIZE, err));
		to += ww->chunks[n].n;
	}
	*n_chunks = n;
	return HEFT_OK;
}

static enum heft_status move_group(void *ctx, uint64_t i, uint32_t worker_i, struct heft_error *err)
{
	struct job *job = ctx;
	struct worker *w = &job->workers[worker_i];
	uint64_t n_bytes = 0;
	uint32_t n = 0;
	enum heft_status st = w->write ? HEFT_OK : worker_init(job, w, err);

	if (st == HEFT_OK && (job->t->has_casts || job->t->ways))
		st = read_each(job, w, i, &n, err);
	else if (st == HEFT_OK)
		st = heft_chunk_source_read(w->source, &job->source_chunks, i, w->write->bytes,
		                            w->write->chunks, &n, w->write->leaves, err);
	if (st != HEFT_OK) {
		heft_turn_fail(job->turn, i);
		return st;
	}
	HEFT_TRY(heft_writer_group(job->t->writer, w->write, n, job->turn, i, err));
	for (uint32_t k = 0; k < n; k++)
		n_bytes += w->write->chunks[k].n;
	return heft_meter_add(job->t->meter, n_bytes, err);
}

static enum heft_status run(struct job *job, struct heft_error *err)
{
	const struct heft_chunk_plan *chunks = &job->t->writer->chunks;

	job->source_chunks = *chunks;
	job->source_chunks.tensors = heft_alloc_array(chunks->n_tensors, sizeof *chunks->tensors);
	if (!job->source_chunks.tensors)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors",
		                 chunks->n_tensors);
	for (uint32_t k = 0; k < chunks->n_tensors; k++) {
		job->source_chunks.tensors[k] = chunks->tensors[k];
		job->source_chunks.tensors[k].id = job->t->source[chunks->tensors[k].id];
	}
	HEFT_TRY(heft_turn_new(&job->turn, err));
	HEFT_TRY(heft_pool_new(chunks->n_groups > 1 ? job->t->n_threads : 1, &job->pool, err));
	job->workers = heft_zalloc_array(heft_pool_n_threads(job->pool), sizeof *job->workers);
	if (!job->workers)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for workers");
	return heft_pool_run(job->pool, chunks->n_groups, move_group, job, err);
}

static void job_done(struct job *job)
{
	const uint32_t n = job->workers ? heft_pool_n_threads(job->pool) : 0;

	for (uint32_t i = 0; i < n; i++) {
		heft_chunk_source_free(job->workers[i].source);
		heft_chunk_source_free(job->workers[i].other);
		heft_write_worker_free(job->workers[i].write);
		heft_free(job->workers[i].room.bytes);
	}
	heft_free(job->workers);
	heft_pool_free(job->pool);
	heft_turn_free(job->turn);
	heft_free(job->source_chunks.tensors);
}

enum heft_status heft_transfer_run(const struct heft_transfer *t, struct heft_error *err)
{
	struct job job = { .t = t };
	const enum heft_status st = run(&job, err);

	job_done(&job);
	return st;
}
