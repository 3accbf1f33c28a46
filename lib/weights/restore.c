/* SPDX-License-Identifier: Apache-2.0 */
/* restore.c - writes a source file back byte for byte: literal bytes and pieces of tensors, cut
 * into groups that threads take; then has what was written compared with the file. */
#include "weights/restore.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "container/index.h"
#include "tensor/dtype.h"
#include "weights/chunk_source.h"
#include "weights/restore_check.h"
#include "weights/unit.h"

struct worker {
	struct heft_chunk_source *source;
	uint8_t *chunk;
	uint8_t *bytes;
};

struct job {
	const struct heft_restore_request *request;
	struct heft_origin origin;
	const struct heft_origin_file *target;
	struct heft_restore_piece *pieces;
	/* Its tensors are the pieces. */
	struct heft_chunk_plan plan;
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
	st = heft_origin_parse(bytes, (size_t)s.size, s.off, &job->origin, err);
	if (st != HEFT_OK)
		heft_free(bytes);
	if (st == HEFT_E_CORRUPT)
		say(r, "the recipe is damaged");
	if (st != HEFT_OK)
		return st == HEFT_E_CORRUPT ? HEFT_OK : st;
	if (strcmp(job->origin.format, r->format->name) != 0)
		return HEFT_OK;
	HEFT_TRY(recipe_holds(ix, &job->origin, &why, err));
	if (!why && job->origin.n_files != 1)
		why = "the source was several files";
	if (why)
		say(r, why);
	*is_found = !why;
	return HEFT_OK;
}

/* A heft file's recipe is in its ORIGIN; a file of the target's own format knows one for itself.
 * None is used for a format whose reader makes none (spec R7.2-4): its writer would have to vouch
 * for bytes that a stranger chose. */
static enum heft_status find_recipe(struct job *job, bool *is_found, struct heft_error *err)
{
	struct heft_file *file = job->request->file;
	struct heft_index *ix = heft_file_index(file);

	*is_found = false;
	if (!job->request->format->origin)
		return HEFT_OK;
	if (ix)
		return find_stated_recipe(job, ix, is_found, err);
	if (file->format != job->request->format)
		return HEFT_OK;
	HEFT_TRY(file->format->origin(file->st, file->path, &job->origin, err));
	*is_found = job->origin.n_files == 1;
	return HEFT_OK;
}

static enum heft_status sum_tensors(struct heft_file *file, uint64_t *n_bytes,
                                    struct heft_error *err)
{
	struct heft_tensor t;

	*n_bytes = 0;
	for (uint32_t i = 0; i < heft_n_tensors(file); i++) {
		HEFT_TRY(heft_tensor_at(file, i, &t, err));
		if (!heft_add_u64(*n_bytes, t.n_bytes, n_bytes))
			*n_bytes = UINT64_MAX;
	}
	return HEFT_OK;
}

/* *fits: whether the piece lies within a tensor of the file, which it then knows. */
static enum heft_status find_tensor(struct heft_file *file, const struct heft_origin_piece *from,
                                    struct heft_restore_piece *p, bool *fits,
                                    struct heft_error *err)
{
	struct heft_index *ix = heft_file_index(file);
	struct heft_tensor t;

	*fits = from->tensor < heft_n_tensors(file);
	if (!*fits)
		return HEFT_OK;
	p->tensor = from->tensor;
	if (ix)
		HEFT_TRY(heft_index_position(ix, from->tensor, &p->tensor, err));
	HEFT_TRY(heft_tensor_at(file, p->tensor, &t, err));
	p->tensor_size = t.n_bytes;
	*fits = heft_in_range(from->first, from->size, t.n_bytes);
	return heft_tensor_unit(file, &t, &p->unit, err);
}

/* *is_sound false: a piece reaches past its tensor (spec R7.2-1), or the new file would have more
 * bytes of tensors than there are, as no file has that a recipe is made for. */
static enum heft_status resolve_pieces(struct job *job, bool *is_sound, struct heft_error *err)
{
	struct heft_file *file = job->request->file;
	uint64_t off = 0;
	uint64_t n_left;

	*is_sound = true;
	HEFT_TRY(sum_tensors(file, &n_left, err));
	for (uint32_t k = 0; *is_sound && k < job->plan.n_tensors; k++) {
		const struct heft_origin_piece *from = &job->target->pieces[k];
		struct heft_restore_piece *p = &job->pieces[k];

		*p = (struct heft_restore_piece){ .off = off, .tensor = UINT32_MAX, .unit = 1 };
		off += from->size;
		if (!from->literal) {
			HEFT_TRY(find_tensor(file, from, p, is_sound, err));
			*is_sound = *is_sound && from->size <= n_left;
			n_left -= from->size;
		}
		job->plan.tensors[k] = (struct heft_plan_tensor){ .id = k,
			                                          .unit = p->unit,
			                                          .n_bytes = from->size };
	}
	return HEFT_OK;
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

/* Reads n bytes of the piece's tensor from `at` on. What is a whole chunk is read in place; of any
 * other its chunk is read, verified, and cut: a piece need not begin where a chunk does. */
static enum heft_status read_range(struct worker *w, const struct heft_restore_piece *p,
                                   uint64_t at, size_t n, uint8_t *dst, struct heft_error *err)
{
	const uint32_t chunk_size = heft_chunk_size(p->unit);

	while (n > 0) {
		const size_t skip = (size_t)(at % chunk_size);
		const uint64_t left = p->tensor_size - (at - skip);
		const size_t size = left < chunk_size ? (size_t)left : chunk_size;
		const size_t part = size - skip < n ? size - skip : n;

		HEFT_TRY(heft_chunk_source_read_one(w->source, p->tensor, at / chunk_size,
		                                    at - skip, size, part == size ? dst : w->chunk,
		                                    NULL, err));
		if (part != size)
			memcpy(dst, w->chunk + skip, part);
		at += part;
		dst += part;
		n -= part;
	}
	return HEFT_OK;
}

/* Fills w->bytes with the group's n bytes, which belong at `off`. */
static enum heft_status fill_group(struct job *job, struct worker *w, uint64_t i, uint64_t *off,
                                   size_t *n, struct heft_error *err)
{
	struct heft_group_walk walk;
	struct heft_plan_chunk c;

	*n = 0;
	if (!w->bytes)
		HEFT_TRY(worker_init(job, w, err));
	heft_group_begin(&walk, &job->plan, i);
	while (heft_group_next(&walk, &c)) {
		const struct heft_origin_piece *from = &job->target->pieces[c.tensor];
		const struct heft_restore_piece *p = &job->pieces[c.tensor];

		if (*n == 0)
			*off = p->off + c.off;
		if (from->literal)
			memcpy(w->bytes + *n, from->literal + c.off, c.n);
		else
			HEFT_TRY(read_range(w, p, from->first + c.off, c.n, w->bytes + *n, err));
		*n += c.n;
	}
	return HEFT_OK;
}

static enum heft_status append_in_turn(struct job *job, uint64_t i, const uint8_t *bytes, size_t n,
                                       struct heft_error *err)
{
	enum heft_status st;

	if (!heft_turn_wait(job->turn, i))
		return heft_fail(err, HEFT_E_CANCELLED, HEFT_NO_OFFSET, "an earlier piece failed");
	st = heft_sink_append(job->request->sink, bytes, n, err);
	if (st == HEFT_OK)
		heft_turn_leave(job->turn);
	return st;
}

static enum heft_status restore_group(void *ctx, uint64_t i, uint32_t worker_i,
                                      struct heft_error *err)
{
	struct job *job = ctx;
	struct worker *w = &job->workers[worker_i];
	struct heft_sink *sink = job->request->sink;
	uint64_t off = 0;
	size_t n;
	enum heft_status st = fill_group(job, w, i, &off, &n, err);

	if (st == HEFT_OK && heft_sink_is_stream(sink))
		st = append_in_turn(job, i, w->bytes, n, err);
	else if (st == HEFT_OK)
		st = heft_sink_pwrite(sink, off, w->bytes, n, err);
	if (st == HEFT_OK)
		return heft_meter_add(&job->meter, n, err);
	heft_turn_fail(job->turn, i);
	return st;
}

static enum heft_status write_pieces(struct job *job, struct heft_error *err)
{
	const uint32_t n_threads = job->plan.n_groups > 1 ? job->request->run->n_threads : 1;

	job->meter.n_total = job->target->size;
	HEFT_TRY(heft_turn_new(&job->turn, err));
	HEFT_TRY(heft_pool_new(n_threads, &job->pool, err));
	job->workers = heft_zalloc_array(heft_pool_n_threads(job->pool), sizeof *job->workers);
	if (!job->workers)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for workers");
	return heft_pool_run(job->pool, job->plan.n_groups, restore_group, job, err);
}

/* --- the whole --- */

static struct heft_restored describe_new(const struct job *job)
{
	return (struct heft_restored){
		.file = job->request->file,
		.format = job->request->format,
		.recipe = job->target,
		.pieces = job->pieces,
		.n_pieces = job->plan.n_tensors,
	};
}

/* spec R7.2-3 */
static enum heft_status check_written(const struct job *job, struct heft_error *err)
{
	const struct heft_restored restored = describe_new(job);
	const int fd = fcntl(heft_sink_fd(job->request->sink), F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return heft_fail(err, HEFT_E_IO, HEFT_NO_OFFSET, "cannot look at the new file");
	return heft_restored_check(&restored, fd, err);
}

static enum heft_status state_digest(const struct heft_restore_request *r, struct heft_error *err)
{
	if (!r->weights_digest)
		return HEFT_OK;
	if (heft_file_index(r->file))
		return heft_stated_weights_digest(r->file, r->weights_digest, err);
	return heft_weights_digest(r->file, r->run, r->weights_digest, err);
}

/* A pipe cannot be looked at afterwards. */
static enum heft_status check_stream(const struct job *job, bool *is_usable, struct heft_error *err)
{
	const struct heft_restored restored = describe_new(job);
	struct heft_error why;
	const enum heft_status st = heft_restored_check_before(&restored, &why);

	*is_usable = st == HEFT_OK;
	if (st == HEFT_E_NOMEM)
		return heft_fail(err, st, why.offset, "%s", why.msg);
	if (st != HEFT_OK)
		say(job->request, why.msg);
	return HEFT_OK;
}

/* *is_usable false, with a word about it: the recipe gives no file of the format, or one with other
 * tensors. Of a file that is found out when it is written. */
static enum heft_status prepare(struct job *job, bool *is_usable, struct heft_error *err)
{
	const uint64_t n = job->target->n_pieces;

	*is_usable = n < UINT32_MAX;
	if (*is_usable) {
		HEFT_TRY(heft_chunk_plan_init(&job->plan, (uint32_t)n, err));
		job->pieces = heft_alloc_array((size_t)n, sizeof *job->pieces);
		if (!job->pieces)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			                 "no memory for a recipe");
		HEFT_TRY(resolve_pieces(job, is_usable, err));
	}
	if (!*is_usable) {
		say(job->request, "the recipe is damaged");
		return HEFT_OK;
	}
	HEFT_TRY(heft_chunk_plan_cut(&job->plan, err));
	if (heft_sink_is_stream(job->request->sink))
		return check_stream(job, is_usable, err);
	return HEFT_OK;
}

static enum heft_status restore(struct job *job, bool *is_restored, struct heft_error *err)
{
	bool is_usable;

	HEFT_TRY(find_recipe(job, &is_usable, err));
	if (!is_usable)
		return HEFT_OK;
	job->target = &job->origin.files[0];
	HEFT_TRY(prepare(job, &is_usable, err));
	if (!is_usable)
		return HEFT_OK;
	HEFT_TRY(write_pieces(job, err));
	if (!heft_sink_is_stream(job->request->sink))
		HEFT_TRY(check_written(job, err));
	*is_restored = true;
	return state_digest(job->request, err);
}

static void job_done(struct job *job)
{
	const uint32_t n = job->workers ? heft_pool_n_threads(job->pool) : 0;

	for (uint32_t i = 0; i < n; i++) {
		heft_chunk_source_free(job->workers[i].source);
		heft_free(job->workers[i].chunk);
		heft_free(job->workers[i].bytes);
	}
	heft_free(job->workers);
	heft_pool_free(job->pool);
	heft_turn_free(job->turn);
	heft_chunk_plan_done(&job->plan);
	heft_free(job->pieces);
	heft_origin_done(&job->origin);
	heft_meter_done(&job->meter);
}

enum heft_status heft_restore(const struct heft_restore_request *request, bool *is_restored,
                              struct heft_error *err)
{
	struct job job = { .request = request };
	enum heft_status st;

	*is_restored = false;
	heft_origin_init(&job.origin);
	heft_meter_init(&job.meter, request->run, 0);
	st = restore(&job, is_restored, err);
	job_done(&job);
	return st;
}
