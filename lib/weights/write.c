/* SPDX-License-Identifier: Apache-2.0 */
/* write.c - heft_create to heft_commit: a new file from bytes that the caller puts in order. */
#include "heft/write.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/lock.h"
#include "codec/digest_tree.h"
#include "container/layout.h"
#include "container/meta.h"
#include "tensor/dtype.h"
#include "weights/chunk_writer.h"

#define LOCK_MS 10000

static enum heft_status check_options(const struct heft_format *f, const char *path,
                                      const struct heft_write_options *o, struct heft_error *err)
{
	const uint32_t a = o->alignment;

	if (!(f->caps & HEFT_FORMAT_WRITE))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s files are only read",
		                 f->name);
	if (strcmp(path, "-") == 0 && !(f->caps & HEFT_FORMAT_STREAM))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%s cannot be written to a pipe", f->name);
	if (o->compress > HEFT_COMPRESS_BEST)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "no such compression");
	if (o->compress != HEFT_COMPRESS_NONE && !(f->caps & HEFT_FORMAT_COMPRESSES))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s files are not compressed",
		                 f->name);
	if (o->external_data && !(f->caps & HEFT_FORMAT_EXTERNAL))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%s files have no external data", f->name);
	if (a && (a < 64 || a > UINT32_C(1) << 21 || (a & (a - 1))))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the alignment is no power of two from 64 to 2097152");
	return HEFT_OK;
}

/* Whoever replaces a heft file holds its lock meanwhile, so that no update gets lost (spec
 * R8.2-5). */
static enum heft_status lock_replaced(struct heft_writer *w, const char *path,
                                      struct heft_error *err)
{
	const struct heft_format *old;
	struct heft_source *src;
	enum heft_status st;

	if (!w->plan.options.overwrite)
		return HEFT_OK;
	st = heft_source_open(path, false, &src, NULL);
	if (st == HEFT_OK) {
		st = heft_format_probe(src, &old, NULL);
		heft_source_close(src);
	}
	if (st == HEFT_E_NOMEM)
		return heft_fail(err, st, HEFT_NO_OFFSET, "no memory to look at the old file");
	return st == HEFT_OK && old->index ? heft_lock_open_read(path, LOCK_MS, &w->lock_fd, err)
	                                   : HEFT_OK;
}

enum heft_status heft_create(const char *path, const char *format,
                             const struct heft_write_options *options, struct heft_writer **writer,
                             struct heft_error *err)
{
	const struct heft_write_options none = { .compress = HEFT_COMPRESS_NONE };
	const struct heft_format *f = heft_format_by_name(format);
	struct heft_sink_options sink_options;
	struct heft_writer *w;
	enum heft_status st;

	if (!options)
		options = &none;
	if (!f)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "no format is called '%s'",
		                 format);
	HEFT_TRY(check_options(f, path, options, err));
	w = heft_zalloc(sizeof *w);
	if (!w)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a writer");
	w->format = f;
	w->lock_fd = -1;
	w->plan.options = *options;
	sink_options = (struct heft_sink_options){ .overwrite = options->overwrite,
		                                   .no_sync = options->no_sync };
	st = heft_listing_new(&w->tensors, err);
	if (st == HEFT_OK && strcmp(path, "-") != 0)
		st = lock_replaced(w, path, err);
	if (st == HEFT_OK)
		st = heft_sink_open(path, &sink_options, &w->sink, err);
	if (st != HEFT_OK) {
		heft_discard(w);
		return st;
	}
	*writer = w;
	return HEFT_OK;
}

static enum heft_status note(struct heft_writer *w, enum heft_status st)
{
	if (st != HEFT_OK)
		w->has_failed = true;
	return st;
}

/* What every call but heft_discard begins with. */
static enum heft_status check_usable(struct heft_writer *w, bool before_data,
                                     struct heft_error *err)
{
	if (w->has_failed)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the writer has failed before");
	if (before_data && w->w)
		return note(w, heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                         "data has been put already"));
	return HEFT_OK;
}

static enum heft_status declare(struct heft_writer *w, const struct heft_tensor *t,
                                struct heft_error *err)
{
	const struct heft_listed row = {
		.dtype = (uint16_t)t->dtype,
		.space = (uint8_t)t->space,
		.rank = (uint8_t)t->rank,
		.unit = t->alignment,
		.n_bytes = t->n_bytes,
	};

	if (t->rank > HEFT_MAX_RANK || (unsigned)t->dtype > UINT16_MAX ||
	    (unsigned)t->space > UINT8_MAX)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tensor '%s' has no such dtype, space or rank", t->name);
	return heft_listing_add(w->tensors, t->name, strlen(t->name), t->dims, &row, HEFT_E_USAGE,
	                        HEFT_NO_OFFSET, err);
}

enum heft_status heft_declare(struct heft_writer *writer, const struct heft_tensor *tensor,
                              struct heft_error *err)
{
	HEFT_TRY(check_usable(writer, true, err));
	return note(writer, declare(writer, tensor, err));
}

static enum heft_status tie(struct heft_writer *w, uint32_t i, struct heft_error *err)
{
	const uint32_t last = heft_listing_n(w->tensors) - 1;
	struct heft_listed *row = heft_listing_row_mut(w->tensors, last);
	const struct heft_listed *first;

	if (i >= last)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "tensor %u was not declared",
		                 i);
	first = heft_listing_row(w->tensors, i);
	if (first->dtype != row->dtype || first->rank != row->rank ||
	    first->n_bytes != row->n_bytes || first->unit != row->unit ||
	    memcmp(heft_listing_dims(w->tensors, i), heft_listing_dims(w->tensors, last),
	           row->rank * sizeof(uint64_t)) != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tied tensors '%s' and '%s' differ in dtype or shape",
		                 heft_listing_name(w->tensors, i),
		                 heft_listing_name(w->tensors, last));
	row->tie = first->tie;
	row->share = first->share;
	return HEFT_OK;
}

enum heft_status heft_declare_tied(struct heft_writer *writer, const struct heft_tensor *tensor,
                                   uint32_t i, struct heft_error *err)
{
	HEFT_TRY(check_usable(writer, true, err));
	/* They would be read back from what was written (put_tied). */
	if (!(writer->format->caps & HEFT_FORMAT_TIES) &&
	    (heft_sink_is_stream(writer->sink) ||
	     writer->plan.options.compress != HEFT_COMPRESS_NONE))
		return note(writer, heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                              "a %s file in a pipe, or compressed, has no tied "
		                              "tensors",
		                              writer->format->name));
	HEFT_TRY(note(writer, declare(writer, tensor, err)));
	return note(writer, tie(writer, i, err));
}

enum heft_status heft_set_metadata(struct heft_writer *writer, const char *json,
                                   struct heft_error *err)
{
	char *copy = NULL;

	HEFT_TRY(check_usable(writer, true, err));
	if (json) {
		HEFT_TRY(note(writer, heft_meta_check(json, strlen(json), HEFT_E_USAGE,
		                                      HEFT_NO_OFFSET, err)));
		copy = heft_strdup(json);
		if (!copy)
			return note(writer, heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			                              "no memory for metadata"));
	}
	heft_free(writer->metadata);
	writer->metadata = copy;
	return HEFT_OK;
}

enum heft_status heft_set_graph(struct heft_writer *writer, const void *graph, size_t size,
                                struct heft_error *err)
{
	uint8_t *copy = NULL;

	HEFT_TRY(check_usable(writer, true, err));
	if (size > 0 && !(writer->format->caps & HEFT_FORMAT_GRAPH))
		return note(writer,
		            heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                      "%s files have no place for a graph", writer->format->name));
	if (size > HEFT_GRAPH_MAX)
		return note(writer, heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                              "the graph has more than 2^30 bytes"));
	if (size > 0) {
		copy = heft_alloc(size);
		if (!copy)
			return note(writer, heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			                              "no memory for a graph"));
		memcpy(copy, graph, size);
	}
	heft_free(writer->graph);
	writer->graph = copy;
	writer->plan.graph = copy;
	writer->plan.graph_size = size;
	return HEFT_OK;
}

/* --- data --- */

static bool is_in_order(const struct heft_writer *w)
{
	for (uint32_t k = 1; k < w->chunks.n_tensors; k++)
		if (w->chunks.tensors[k].id < w->chunks.tensors[k - 1].id)
			return false;
	return true;
}

static enum heft_status put_begin(struct heft_writer *w, struct heft_error *err)
{
	const uint32_t n = heft_listing_n(w->tensors);

	if (w->worker)
		return HEFT_OK;
	HEFT_TRY(heft_writer_begin(w, err));
	if (heft_sink_is_stream(w->sink) && !is_in_order(w))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a pipe takes tensors of these dtypes only in the order of their "
		                 "element sizes");
	w->position = heft_alloc_array(n, sizeof *w->position);
	w->stored_off = heft_zalloc_array(n, sizeof *w->stored_off);
	if (!w->position || !w->stored_off)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors", n);
	for (uint32_t i = 0; i < n; i++)
		w->position[i] = UINT32_MAX;
	for (uint32_t k = 0; k < w->chunks.n_tensors; k++)
		w->position[w->chunks.tensors[k].id] = k;
	return heft_write_worker_new(w, &w->worker, err);
}

/* Writes the chunk of tensor i that lies in the worker's buffer and ends at put_off. */
static enum heft_status put_chunk(struct heft_writer *w, uint32_t i, struct heft_error *err)
{
	struct heft_write_worker *worker = w->worker;
	const uint32_t position = w->position[i];
	const uint32_t chunk_size = heft_chunk_size(w->chunks.tensors[position].unit);
	const uint64_t chunk_i = (w->put_off - 1) / chunk_size;

	worker->chunks[0] = (struct heft_plan_chunk){ .tensor = position,
		                                      .chunk_i = chunk_i,
		                                      .off = chunk_i * chunk_size,
		                                      .n = w->put_size };
	heft_digest_bytes(worker->sha, HEFT_DOMAIN_LEAF, worker->bytes, w->put_size,
	                  worker->leaves);
	HEFT_TRY(heft_sha256_check(worker->sha, err));
	w->put_size = 0;
	HEFT_TRY(heft_writer_group(w, worker, 1, NULL, 0, err));
	if (chunk_i == 0)
		w->stored_off[i] = worker->pieces[0].file_off;
	return HEFT_OK;
}

/* The next tensor whose bytes are awaited, from put_tensor on: those that are empty, or not stored,
 * need none. */
static void skip_unput(struct heft_writer *w)
{
	const uint32_t n = heft_listing_n(w->tensors);

	for (; w->put_tensor < n; w->put_tensor++) {
		const struct heft_listed *row = heft_listing_row(w->tensors, w->put_tensor);

		if (row->share == w->put_tensor && row->n_bytes > w->put_off)
			return;
		w->put_off = 0;
	}
}

static enum heft_status put(struct heft_writer *w, uint32_t i, const uint8_t *bytes, size_t n,
                            struct heft_error *err)
{
	const struct heft_listed *row;

	HEFT_TRY(put_begin(w, err));
	if (n == 0)
		return HEFT_OK;
	skip_unput(w);
	if (i != w->put_tensor || i >= heft_listing_n(w->tensors))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "bytes of tensor %u come out of order", i);
	row = heft_listing_row(w->tensors, i);
	if (n > row->n_bytes - w->put_off)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tensor '%s' gets more bytes than it has",
		                 heft_listing_name(w->tensors, i));
	while (n) {
		const size_t room = heft_chunk_size(row->unit) - w->put_size;
		const size_t k = n < room ? n : room;

		memcpy(w->worker->bytes + w->put_size, bytes, k);
		w->put_size += k;
		w->put_off += k;
		bytes += k;
		n -= k;
		if (k == room || w->put_off == row->n_bytes)
			HEFT_TRY(put_chunk(w, i, err));
	}
	return HEFT_OK;
}

enum heft_status heft_put(struct heft_writer *writer, uint32_t i, const void *bytes, size_t n,
                          struct heft_error *err)
{
	HEFT_TRY(check_usable(writer, false, err));
	return note(writer, put(writer, i, bytes, n, err));
}

/* From where they were stored. */
static enum heft_status read_back(struct heft_writer *w, uint32_t share, uint64_t off, size_t n,
                                  struct heft_error *err)
{
	size_t n_read;

	if (w->format->read_back)
		return w->format->read_back(w->w, share, off, w->worker->bytes, n, err);
	HEFT_TRY(heft_fd_pread(heft_sink_fd(w->sink), w->stored_off[share] + off, w->worker->bytes,
	                       n, &n_read, err));
	if (n_read != n)
		return heft_fail(err, HEFT_E_IO, HEFT_NO_OFFSET,
		                 "the new file cannot be read back");
	return HEFT_OK;
}

/* A format without ties stores a tied tensor's bytes again. */
static enum heft_status put_tied(struct heft_writer *w, uint32_t i, struct heft_error *err)
{
	const struct heft_listed *row = heft_listing_row(w->tensors, i);

	for (w->put_off = 0; w->put_off < row->n_bytes;) {
		const uint64_t left = row->n_bytes - w->put_off;
		const uint32_t chunk_size = heft_chunk_size(row->unit);
		const size_t n = left < chunk_size ? (size_t)left : chunk_size;

		HEFT_TRY(read_back(w, row->share, w->put_off, n, err));
		w->put_size = n;
		w->put_off += n;
		HEFT_TRY(put_chunk(w, i, err));
	}
	return HEFT_OK;
}

static enum heft_status put_all_tied(struct heft_writer *w, struct heft_error *err)
{
	const uint32_t n = heft_listing_n(w->tensors);

	if (w->format->caps & HEFT_FORMAT_TIES)
		return HEFT_OK;
	for (uint32_t i = 0; i < n; i++)
		if (heft_listing_row(w->tensors, i)->share != i)
			HEFT_TRY(put_tied(w, i, err));
	return HEFT_OK;
}

static enum heft_status finish_put(struct heft_writer *w, uint8_t *weights_digest,
                                   struct heft_error *err)
{
	HEFT_TRY(check_usable(w, false, err));
	HEFT_TRY(put_begin(w, err));
	skip_unput(w);
	if (w->put_tensor < heft_listing_n(w->tensors))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "bytes of tensor '%s' are missing",
		                 heft_listing_name(w->tensors, w->put_tensor));
	HEFT_TRY(put_all_tied(w, err));
	return heft_writer_finish(w, weights_digest, err);
}

enum heft_status heft_commit(struct heft_writer *writer, uint8_t *weights_digest,
                             struct heft_error *err)
{
	enum heft_status st = finish_put(writer, weights_digest, err);

	if (st == HEFT_OK)
		return heft_writer_commit(writer, err);
	heft_discard(writer);
	return st;
}

void heft_discard(struct heft_writer *writer)
{
	if (!writer)
		return;
	if (writer->w)
		writer->format->writer_free(writer->w);
	if (writer->sink)
		heft_sink_discard(writer->sink);
	heft_write_worker_free(writer->worker);
	heft_leaf_table_done(&writer->table);
	heft_chunk_plan_done(&writer->chunks);
	heft_listing_free(writer->tensors);
	heft_free(writer->metadata);
	heft_free(writer->graph);
	heft_free(writer->position);
	heft_free(writer->stored_off);
	if (writer->lock_fd >= 0)
		heft_lock_close(writer->lock_fd);
	heft_free(writer);
}
