/* SPDX-License-Identifier: Apache-2.0 */
/* restore.c - writes a source file back byte for byte: literal bytes and pieces of tensors, cut
 * into parts that threads take; then opens what was written and compares it with the file. */
#include "weights/restore.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "container/index.h"
#include "tensor/dtype.h"
#include "weights/chunk_source.h"
#include "weights/unit.h"

/* A part of the new file: within one piece, and within one chunk of its tensor. */
struct part {
	uint64_t piece;
	uint64_t at; /* byte of the piece */
	uint32_t n_bytes;
};

/* Consecutive parts of at most HEFT_GROUP_BYTES together. */
struct group {
	uint64_t first_part;
	uint64_t off; /* in the new file */
	uint32_t n_parts;
	uint32_t n_bytes;
};

struct worker {
	struct heft_chunk_source *source;
	uint8_t *chunk;
	uint8_t *bytes;
};

struct job {
	const struct heft_restore_request *request;
	struct heft_origin origin;
	const struct heft_origin_file *target;
	/* Of each piece, the tensor as the file numbers it and its chunks; from the recipe's
	 * rows. */
	uint32_t *tensor;
	uint32_t *unit;
	uint64_t *n_bytes;
	struct part *parts;
	struct group *groups;
	uint64_t n_parts;
	uint64_t n_groups;
	struct heft_pool *pool;
	struct heft_turn *turn;
	struct worker *workers;
	struct heft_meter meter;
};

/* --- the recipe --- */

static void say(const struct heft_restore_request *r, const char *why)
{
	if (r->note)
		snprintf(r->note, r->note_size, "not restored byte for byte: %s", why);
}

/* Whether the tensors and the metadata are those that the recipe was made from. */
static enum heft_status recipe_holds(struct heft_index *ix, const struct heft_origin *o,
                                     const char **why, struct heft_error *err)
{
	uint8_t digest[HEFT_DIGEST_SIZE] = { 0 };
	struct heft_section meta;

	*why = NULL;
	if (heft_index_find_section(ix, HEFT_SECTION_META, &meta))
		memcpy(digest, meta.digest, sizeof digest);
	if (memcmp(digest, o->meta_digest, sizeof digest) != 0)
		*why = "the metadata has changed since";
	HEFT_TRY(heft_index_list_digest(ix, digest, err));
	if (memcmp(digest, o->list_digest, sizeof digest) != 0)
		*why = "the tensors have changed since";
	return HEFT_OK;
}

static enum heft_status find_stated_recipe(struct job *job, struct heft_index *ix, bool *is_found,
                                           struct heft_error *err)
{
	const struct heft_restore_request *r = job->request;
	struct heft_section s;
	const char *why;
	uint8_t *bytes;
	enum heft_status st;

	*is_found = false;
	if (!heft_index_find_section(ix, HEFT_SECTION_ORIGIN, &s))
		return HEFT_OK;
	HEFT_TRY(heft_index_read_section(ix, &s, UINT64_MAX, &bytes, err));
	st = heft_origin_parse(bytes, (size_t)s.size, s.off, &job->origin, NULL);
	if (st != HEFT_OK) {
		heft_free(bytes);
		say(r, "the recipe is damaged");
		return HEFT_OK;
	}
	if (strcmp(job->origin.format, r->format->name) != 0 || job->origin.n_files != 1)
		return HEFT_OK;
	HEFT_TRY(recipe_holds(ix, &job->origin, &why, err));
	if (why)
		say(r, why);
	*is_found = !why;
	return HEFT_OK;
}

/* A heft file's recipe is in its ORIGIN; a file of the target's own format knows one for itself. */
static enum heft_status find_recipe(struct job *job, bool *is_found, struct heft_error *err)
{
	struct heft_file *file = job->request->file;
	struct heft_index *ix = heft_file_index(file);

	*is_found = false;
	if (ix)
		return find_stated_recipe(job, ix, is_found, err);
	if (file->format != job->request->format || !file->format->origin)
		return HEFT_OK;
	HEFT_TRY(file->format->origin(file->st, file->path, &job->origin, err));
	*is_found = job->origin.n_files == 1;
	return HEFT_OK;
}

/* False, with a word about it, when a piece reaches past its tensor. */
static enum heft_status resolve_pieces(struct job *job, bool *is_sound, struct heft_error *err)
{
	struct heft_file *file = job->request->file;
	struct heft_index *ix = heft_file_index(file);
	const uint64_t n = job->target->n_pieces;
	struct heft_tensor t;

	*is_sound = false;
	for (uint64_t k = 0; k < n; k++) {
		const struct heft_origin_piece *p = &job->target->pieces[k];
		uint32_t i = p->tensor;

		if (p->literal)
			continue;
		if (i >= heft_n_tensors(file)) {
			say(job->request, "the recipe is damaged");
			return HEFT_OK;
		}
		if (ix)
			HEFT_TRY(heft_index_position(ix, p->tensor, &i, err));
		HEFT_TRY(heft_tensor_at(file, i, &t, err));
		if (!heft_in_range(p->first, p->size, t.n_bytes)) {
			say(job->request, "the recipe is damaged");
			return HEFT_OK;
		}
		job->tensor[k] = i;
		job->n_bytes[k] = t.n_bytes;
		HEFT_TRY(heft_tensor_unit(file, &t, &job->unit[k], err));
	}
	*is_sound = true;
	return HEFT_OK;
}

/* --- cutting into parts --- */

static uint32_t next_part(const struct job *job, uint64_t k, uint64_t at)
{
	const struct heft_origin_piece *p = &job->target->pieces[k];
	uint64_t room = HEFT_GROUP_BYTES;

	if (!p->literal) {
		const uint32_t chunk = heft_chunk_size(job->unit[k]);

		room = chunk - (p->first + at) % chunk;
	}
	return (uint32_t)(p->size - at < room ? p->size - at : room);
}

/* Counts, and fills where the arrays are there. */
static void cut_parts(struct job *job)
{
	uint64_t off = 0;
	uint64_t room = 0;
	uint32_t n;

	job->n_parts = 0;
	job->n_groups = 0;
	for (uint64_t k = 0; k < job->target->n_pieces; k++) {
		for (uint64_t at = 0; at < job->target->pieces[k].size; at += n) {
			n = next_part(job, k, at);
			if (n > room) {
				if (job->groups)
					job->groups[job->n_groups] = (struct group){
						.first_part = job->n_parts, .off = off
					};
				job->n_groups++;
				room = HEFT_GROUP_BYTES;
			}
			if (job->parts) {
				job->parts[job->n_parts] = (struct part){ .piece = k,
					                                  .at = at,
					                                  .n_bytes = n };
				job->groups[job->n_groups - 1].n_parts++;
				job->groups[job->n_groups - 1].n_bytes += n;
			}
			job->n_parts++;
			room -= n;
			off += n;
		}
	}
}

/* --- writing --- */

static enum heft_status worker_init(struct job *job, struct worker *w, struct heft_error *err)
{
	HEFT_TRY(heft_chunk_source_new(job->request->file, true, &w->source, err));
	w->chunk = heft_alloc(HEFT_GROUP_BYTES);
	w->bytes = heft_alloc(HEFT_GROUP_BYTES);
	if (!w->chunk || !w->bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a worker");
	return HEFT_OK;
}

/* A part that is a whole chunk is read in place; of any other its chunk is read, verified, and
 * cut. */
static enum heft_status read_part(struct job *job, struct worker *w, const struct part *part,
                                  uint8_t *dst, struct heft_error *err)
{
	const struct heft_origin_piece *p = &job->target->pieces[part->piece];
	const uint64_t k = part->piece;
	uint64_t at;
	uint64_t chunk_off;
	uint64_t left;
	uint32_t chunk;
	size_t n;

	if (p->literal) {
		memcpy(dst, p->literal + part->at, part->n_bytes);
		return HEFT_OK;
	}
	chunk = heft_chunk_size(job->unit[k]);
	at = p->first + part->at;
	chunk_off = at - at % chunk;
	left = job->n_bytes[k] - chunk_off;
	n = left < chunk ? (size_t)left : chunk;
	if (n == part->n_bytes)
		return heft_chunk_source_read_one(w->source, job->tensor[k], chunk_off / chunk,
		                                  chunk_off, n, dst, err);
	HEFT_TRY(heft_chunk_source_read_one(w->source, job->tensor[k], chunk_off / chunk, chunk_off,
	                                    n, w->chunk, err));
	memcpy(dst, w->chunk + (at - chunk_off), part->n_bytes);
	return HEFT_OK;
}

static enum heft_status fill_group(struct job *job, struct worker *w, const struct group *g,
                                   struct heft_error *err)
{
	uint8_t *to = w->bytes;

	if (!w->bytes)
		HEFT_TRY(worker_init(job, w, err));
	to = w->bytes;
	for (uint64_t k = 0; k < g->n_parts; k++) {
		const struct part *part = &job->parts[g->first_part + k];

		HEFT_TRY(read_part(job, w, part, to, err));
		to += part->n_bytes;
	}
	return HEFT_OK;
}

static enum heft_status restore_group(void *ctx, uint64_t i, uint32_t worker_i,
                                      struct heft_error *err)
{
	struct job *job = ctx;
	struct worker *w = &job->workers[worker_i];
	const struct group *g = &job->groups[i];
	struct heft_sink *sink = job->request->sink;
	enum heft_status st = fill_group(job, w, g, err);

	if (!heft_sink_is_stream(sink)) {
		if (st == HEFT_OK)
			st = heft_sink_pwrite(sink, g->off, w->bytes, g->n_bytes, err);
	} else if (st == HEFT_OK && heft_turn_wait(job->turn, i)) {
		st = heft_sink_append(sink, w->bytes, g->n_bytes, err);
		if (st == HEFT_OK)
			heft_turn_leave(job->turn);
	}
	if (st == HEFT_OK)
		return heft_meter_add(&job->meter, g->n_bytes, err);
	heft_turn_fail(job->turn, i);
	return st;
}

static enum heft_status write_parts(struct job *job, struct heft_error *err)
{
	size_t n_parts;
	size_t n_groups;

	cut_parts(job);
	if (!heft_to_size(job->n_parts, &n_parts) || !heft_to_size(job->n_groups, &n_groups))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the recipe has too many pieces");
	job->groups = heft_zalloc_array(n_groups, sizeof *job->groups);
	job->parts = heft_alloc_array(n_parts, sizeof *job->parts);
	if (!job->parts || !job->groups)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %zu pieces",
		                 n_parts);
	cut_parts(job);
	job->meter.n_total = job->target->size;
	HEFT_TRY(heft_turn_new(&job->turn, err));
	HEFT_TRY(heft_pool_new(n_groups > 1 ? job->request->run->n_threads : 1, &job->pool, err));
	job->workers = heft_zalloc_array(heft_pool_n_threads(job->pool), sizeof *job->workers);
	if (!job->workers)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for workers");
	return heft_pool_run(job->pool, job->n_groups, restore_group, job, err);
}

/* --- the look at what was written --- */

static enum heft_status compare_tensors(struct heft_file *file, const struct heft_format *format,
                                        void *st_new, struct heft_error *err)
{
	const uint32_t n = heft_n_tensors(file);
	struct heft_tensor a;
	struct heft_tensor b;

	if (format->n_tensors(st_new) != n)
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "the recipe gives another number of tensors");
	for (uint32_t i = 0; i < n; i++) {
		HEFT_TRY(heft_tensor_at(file, i, &a, err));
		HEFT_TRY(format->tensor_at(st_new, i, &b, err));
		if (strcmp(a.name, b.name) != 0 || a.dtype != b.dtype || a.rank != b.rank ||
		    a.space != b.space || memcmp(a.dims, b.dims, a.rank * sizeof a.dims[0]) != 0)
			return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "the recipe gives another tensor than '%s'", a.name);
	}
	return HEFT_OK;
}

static enum heft_status check_written(struct job *job, struct heft_error *err)
{
	const struct heft_restore_request *r = job->request;
	const struct heft_open_options options = { .flags = HEFT_OPEN_PREAD };
	struct heft_source *src;
	void *st_new = NULL;
	int fd;
	enum heft_status st;

	if (heft_sink_is_stream(r->sink))
		return HEFT_OK;
	fd = dup(heft_sink_fd(r->sink));
	if (fd < 0)
		return heft_fail(err, HEFT_E_IO, HEFT_NO_OFFSET, "cannot look at the new file");
	HEFT_TRY(heft_source_open_fd(fd, false, &src, err));
	st = r->format->open(src, r->file->path, &options, &st_new, err);
	if (st == HEFT_OK)
		st = compare_tensors(r->file, r->format, st_new, err);
	if (st_new)
		r->format->close(st_new);
	heft_source_close(src);
	return st;
}

static enum heft_status state_digest(const struct heft_restore_request *r, struct heft_error *err)
{
	if (!r->weights_digest)
		return HEFT_OK;
	if (heft_file_index(r->file))
		return heft_stated_weights_digest(r->file, r->weights_digest, err);
	return heft_weights_digest(r->file, r->run, r->weights_digest, err);
}

/* --- the whole --- */

static enum heft_status restore(struct job *job, bool *is_restored, struct heft_error *err)
{
	bool is_found;
	bool is_sound;
	size_t n;

	HEFT_TRY(find_recipe(job, &is_found, err));
	if (!is_found)
		return HEFT_OK;
	job->target = &job->origin.files[0];
	n = (size_t)job->target->n_pieces;
	job->tensor = heft_zalloc_array(n, sizeof *job->tensor);
	job->unit = heft_zalloc_array(n, sizeof *job->unit);
	job->n_bytes = heft_zalloc_array(n, sizeof *job->n_bytes);
	if (!job->tensor || !job->unit || !job->n_bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %zu pieces", n);
	HEFT_TRY(resolve_pieces(job, &is_sound, err));
	if (!is_sound)
		return HEFT_OK;
	HEFT_TRY(write_parts(job, err));
	HEFT_TRY(check_written(job, err));
	*is_restored = true;
	return state_digest(job->request, err);
}

enum heft_status heft_restore(const struct heft_restore_request *request, bool *is_restored,
                              struct heft_error *err)
{
	struct job job = { .request = request };
	uint32_t n_workers;
	enum heft_status st;

	*is_restored = false;
	heft_origin_init(&job.origin);
	heft_meter_init(&job.meter, request->run, 0);
	st = restore(&job, is_restored, err);
	n_workers = job.workers ? heft_pool_n_threads(job.pool) : 0;
	for (uint32_t i = 0; i < n_workers; i++) {
		heft_chunk_source_free(job.workers[i].source);
		heft_free(job.workers[i].chunk);
		heft_free(job.workers[i].bytes);
	}
	heft_free(job.workers);
	heft_pool_free(job.pool);
	heft_turn_free(job.turn);
	heft_free(job.parts);
	heft_free(job.groups);
	heft_free(job.tensor);
	heft_free(job.unit);
	heft_free(job.n_bytes);
	heft_origin_done(&job.origin);
	heft_meter_done(&job.meter);
	return st;
}
