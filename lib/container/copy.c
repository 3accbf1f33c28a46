/* SPDX-License-Identifier: Apache-2.0 */
/* copy.c - copies a generation's chunks, each verified, into a fresh file; many threads. */
#include "container/copy.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/meter.h"
#include "base/pool.h"
#include "codec/crc32c.h"
#include "codec/digest_tree.h"
#include "container/copy_plan.h"
#include "container/tail_bits.h"
#include "container/writer.h"
#include "tensor/dtype.h"

/* What a thread works with. */
struct worker {
	struct heft_sha256 *h;
	struct heft_coder *coder;
	uint8_t *stored; /* of a group */
	uint8_t *plain;  /* of a chunk */
	struct heft_piece *pieces;
};

struct copy {
	struct heft_index *ix;
	const struct heft_copy_options *options;
	struct heft_copy_plan plan;
	struct heft_sink *sink;
	struct heft_container_writer *writer;
	uint8_t *leaves;
	struct heft_pool *pool;
	struct heft_turn *turn;
	struct heft_meter meter;
	struct worker *workers;
	uint32_t n_workers;
};

/* --- one chunk --- */

struct chunk {
	const struct heft_listed *listed;
	struct heft_row row;
	uint32_t row_i;
	uint64_t i;
	size_t n; /* logical bytes */
	struct heft_extent extent;
};

static enum heft_status fault(const struct chunk *k, const char *what, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_CORRUPT, k->extent.off, "tensor '%.*s', chunk %llu: %s",
	                 k->row.name_size < 80 ? (int)k->row.name_size : 80, k->row.name,
	                 (unsigned long long)k->i, what);
}

/* Reads the stored bytes, and finds the logical ones: those, or w->plain. What is verified is what
 * is written. */
static enum heft_status read_chunk(struct copy *c, struct worker *w, const struct chunk *k,
                                   uint8_t *stored, const uint8_t **plain, struct heft_error *err)
{
	const struct heft_extent *e = &k->extent;
	const struct heft_codec *codec = heft_codec_find(e->codec);

	if (!codec)
		return heft_fail(err, HEFT_E_UNSUPPORTED, e->off, "codec %u is unknown", e->codec);
	if (e->stored_size > k->n || (e->codec == HEFT_CODEC_RAW && e->stored_size != k->n))
		return fault(k, "stores another number of bytes than it holds", err);
	HEFT_TRY(heft_source_read(heft_index_source(c->ix), e->off, stored, e->stored_size, err));
	if (k->row.is_coded && e->stored_size > 0 && heft_crc32c(stored, e->stored_size) != e->crc)
		return fault(k, "does not match its CRC", err);
	*plain = e->codec == HEFT_CODEC_RAW ? stored : w->plain;
	if (e->codec == HEFT_CODEC_RAW)
		return HEFT_OK;
	return codec->decode(w->coder, stored, e->stored_size, w->plain, k->n, e->off, err);
}

static enum heft_status check_chunk(struct copy *c, struct worker *w, const struct chunk *k,
                                    const uint8_t *plain, uint8_t *leaf, struct heft_error *err)
{
	uint8_t stated[HEFT_LEAF_SIZE];

	heft_digest_bytes(w->h, HEFT_DOMAIN_LEAF, plain, k->n, leaf);
	HEFT_TRY(heft_index_leaf(c->ix, k->row_i, &k->row, k->i, w->h, stated, err));
	HEFT_TRY(heft_sha256_check(w->h, err));
	if (memcmp(leaf, stated, sizeof stated) != 0)
		return fault(k, "does not match its digest", err);
	if (k->i + 1 == k->row.n_chunks &&
	    !heft_tail_bits_ok(k->row.dtype, k->listed->n_elements, plain[k->n - 1]))
		return fault(k, "unused bits of the last byte are not 0", err);
	return HEFT_OK;
}

static enum heft_status take_chunk(struct copy *c, struct worker *w, struct chunk *k,
                                   uint32_t tensor_i, uint8_t *stored, struct heft_piece *p,
                                   struct heft_error *err)
{
	const uint64_t off = k->i * k->row.chunk_size;
	const uint64_t left = k->row.n_bytes - off;
	const uint8_t *plain = NULL;

	k->n = left < k->row.chunk_size ? (size_t)left : k->row.chunk_size;
	HEFT_TRY(heft_index_extent(c->ix, &k->row, k->i, &k->extent, err));
	HEFT_TRY(read_chunk(c, w, k, stored, &plain, err));
	*p = (struct heft_piece){
		.tensor_i = tensor_i,
		.chunk_i = k->i,
		.off = off,
		.n = k->n,
		.stored = stored,
		.stored_size = k->extent.stored_size,
		.crc = k->extent.crc,
		.codec = k->extent.codec,
	};
	return check_chunk(c, w, k, plain,
	                   c->leaves + (c->plan.first_leaf[tensor_i] + k->i) * HEFT_LEAF_SIZE, err);
}

/* --- a group --- */

static enum heft_status begin_tensor(struct copy *c, uint32_t tensor_i, struct chunk *k,
                                     struct heft_error *err)
{
	k->listed = heft_listing_row(c->plan.tensors, tensor_i);
	k->row_i = (uint32_t)k->listed->data_off;
	return heft_index_row(c->ix, k->row_i, &k->row, err);
}

static enum heft_status read_group(struct copy *c, struct worker *w,
                                   const struct heft_copy_group *g, struct heft_error *err)
{
	struct chunk k = { .i = g->chunk_i };
	uint32_t tensor_i = g->tensor_i;
	uint8_t *stored = w->stored;

	HEFT_TRY(begin_tensor(c, tensor_i, &k, err));
	for (uint32_t n = 0; n < g->n_chunks; n++, k.i++) {
		if (k.i == k.row.n_chunks) {
			tensor_i = heft_copy_plan_next(&c->plan, tensor_i + 1);
			HEFT_TRY(begin_tensor(c, tensor_i, &k, err));
			k.i = 0;
		}
		HEFT_TRY(take_chunk(c, w, &k, tensor_i, stored, &w->pieces[n], err));
		stored += w->pieces[n].stored_size;
	}
	return HEFT_OK;
}

static enum heft_status place_group(struct copy *c, struct worker *w, uint32_t n,
                                    struct heft_error *err)
{
	uint64_t n_bytes = 0;

	for (uint32_t i = 0; i < n; i++) {
		HEFT_TRY(heft_container_place(c->writer, &w->pieces[i], err));
		n_bytes += w->pieces[i].n;
	}
	return heft_meter_add(&c->meter, n_bytes, err);
}

static enum heft_status store_group(struct copy *c, struct worker *w, uint32_t n,
                                    struct heft_error *err)
{
	for (uint32_t i = 0; i < n; i++)
		HEFT_TRY(heft_container_store(c->writer, &w->pieces[i], err));
	return HEFT_OK;
}

/* What recovery cannot read is damaged; nothing else may pass for damage. */
static enum heft_status judge(const struct copy *c, enum heft_status st, struct heft_error *err)
{
	if (st != HEFT_E_IO || !c->options->is_recovery)
		return st;
	if (err)
		err->code = HEFT_E_CORRUPT;
	return HEFT_E_CORRUPT;
}

static enum heft_status copy_group(void *ctx, uint64_t i, uint32_t worker_i, struct heft_error *err)
{
	struct copy *c = ctx;
	struct worker *w = &c->workers[worker_i];
	const struct heft_copy_group *g = &c->plan.groups[i];
	enum heft_status st = judge(c, read_group(c, w, g, err), err);

	if (st == HEFT_OK && !heft_turn_wait(c->turn, i))
		return HEFT_E_CANCELLED; /* one below failed, and that one is told */
	if (st == HEFT_OK)
		st = place_group(c, w, g->n_chunks, err);
	if (st != HEFT_OK) {
		heft_turn_fail(c->turn, i);
		return st;
	}
	heft_turn_leave(c->turn);
	return store_group(c, w, g->n_chunks, err);
}

/* --- the whole --- */

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to copy the file");
}

static enum heft_status worker_init(struct worker *w, struct heft_error *err)
{
	HEFT_TRY(heft_sha256_new(&w->h, err));
	HEFT_TRY(heft_coder_new(&w->coder, err));
	w->stored = heft_alloc(HEFT_CHUNK_MAX);
	w->plain = heft_alloc(HEFT_CHUNK_MAX);
	w->pieces = heft_alloc_array(HEFT_COPY_GROUP_CHUNKS, sizeof *w->pieces);
	return w->stored && w->plain && w->pieces ? HEFT_OK : no_memory(err);
}

static void worker_done(struct worker *w)
{
	heft_free(w->pieces);
	heft_free(w->plain);
	heft_free(w->stored);
	heft_coder_free(w->coder);
	heft_sha256_free(w->h);
}

static enum heft_status make_workers(struct copy *c, struct heft_error *err)
{
	HEFT_TRY(heft_pool_new(c->options->run.n_threads, &c->pool, err));
	HEFT_TRY(heft_turn_new(&c->turn, err));
	c->n_workers = heft_pool_n_threads(c->pool);
	c->workers = heft_zalloc_array(c->n_workers, sizeof *c->workers);
	if (!c->workers) {
		c->n_workers = 0;
		return no_memory(err);
	}
	for (uint32_t i = 0; i < c->n_workers; i++)
		HEFT_TRY(worker_init(&c->workers[i], err));
	return HEFT_OK;
}

static enum heft_status make_leaves(struct copy *c, struct heft_error *err)
{
	c->leaves = heft_alloc_array((size_t)c->plan.n_leaves, HEFT_LEAF_SIZE);
	return c->leaves ? HEFT_OK : no_memory(err);
}

static enum heft_status copy_chunks(struct copy *c, struct heft_error *err)
{
	enum heft_status st;

	HEFT_TRY(make_workers(c, err));
	HEFT_TRY(make_leaves(c, err));
	HEFT_TRY(heft_container_begin(&c->plan.write, c->sink, &c->writer, err));
	heft_meter_init(&c->meter, &c->options->run, c->plan.n_bytes);
	st = heft_pool_run(c->pool, c->plan.n_groups, copy_group, c, err);
	heft_meter_done(&c->meter);
	if (st != HEFT_OK)
		return st;
	return heft_container_finish(c->writer, c->leaves, c->plan.first_leaf, err);
}

static void copy_done(struct copy *c)
{
	for (uint32_t i = 0; i < c->n_workers; i++)
		worker_done(&c->workers[i]);
	heft_free(c->workers);
	heft_turn_free(c->turn);
	heft_pool_free(c->pool);
	heft_container_writer_free(c->writer);
	heft_free(c->leaves);
	heft_copy_plan_done(&c->plan);
}

static enum heft_status copy_into(struct copy *c, struct heft_error *err)
{
	HEFT_TRY(judge(c, heft_copy_plan_init(&c->plan, c->ix, err), err));
	return copy_chunks(c, err);
}

enum heft_status heft_copy_generation(struct heft_index *ix, const char *path,
                                      const struct heft_copy_options *options, uint64_t *size,
                                      struct heft_error *err)
{
	const struct heft_sink_options sink_options = { .overwrite = options->overwrite,
		                                        .no_sync = options->no_sync };
	struct copy c = { .ix = ix, .options = options };
	enum heft_status st;

	HEFT_TRY(heft_sink_open(path, &sink_options, &c.sink, err));
	st = copy_into(&c, err);
	if (st == HEFT_OK)
		st = heft_fd_size(heft_sink_fd(c.sink), size, err);
	copy_done(&c);
	if (st != HEFT_OK) {
		heft_sink_discard(c.sink);
		return st;
	}
	return heft_sink_commit(c.sink, err);
}
