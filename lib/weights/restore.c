/* SPDX-License-Identifier: Apache-2.0 */
/* restore.c - writes what a recipe says: one file, or those of a set, each cut into groups that
 * threads take; then has what was written compared with the file. */
#include "weights/restore.h"

#include <fcntl.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "weights/restore_check.h"
#include "weights/restore_pieces.h"
#include "weights/scratch_beside.h"

struct worker {
	struct heft_piece_reader reader;
	uint8_t *bytes;
};

struct job {
	const struct heft_restore_request *request;
	struct heft_restore_recipe recipe;
	struct heft_scratch *scratch;
	struct heft_pool *pool;
	struct worker *workers;
	struct heft_meter meter;
	/* The file that is being written: */
	struct heft_restore_file *f;
	struct heft_sink *sink;
	struct heft_turn *turn;
};

/* --- one file --- */

static enum heft_status worker_init(struct job *job, struct worker *w, struct heft_error *err)
{
	HEFT_TRY(heft_piece_reader_init(&w->reader, job->request->file, err));
	w->bytes = heft_alloc(HEFT_GROUP_BYTES);
	if (!w->bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a worker");
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
	w->reader.scratch = job->scratch; /* which may have been made since */
	heft_group_begin(&walk, &job->f->plan, i);
	while (heft_group_next(&walk, &c)) {
		if (*n == 0)
			*off = job->f->pieces[c.tensor].off + c.off;
		HEFT_TRY(heft_piece_read(&w->reader, job->f, c.tensor, c.off, c.n, w->bytes + *n,
		                         err));
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
	st = heft_sink_append(job->sink, bytes, n, err);
	if (st == HEFT_OK)
		heft_turn_leave(job->turn);
	return st;
}

static enum heft_status restore_group(void *ctx, uint64_t i, uint32_t worker_i,
                                      struct heft_error *err)
{
	struct job *job = ctx;
	struct worker *w = &job->workers[worker_i];
	uint64_t off = 0;
	size_t n;
	enum heft_status st = fill_group(job, w, i, &off, &n, err);

	if (st == HEFT_OK && heft_sink_is_stream(job->sink))
		st = append_in_turn(job, i, w->bytes, n, err);
	else if (st == HEFT_OK)
		st = heft_sink_pwrite(job->sink, off, w->bytes, n, err);
	if (st == HEFT_OK)
		return heft_meter_add(&job->meter, n, err);
	heft_turn_fail(job->turn, i);
	return st;
}

static enum heft_status reorder(struct job *job, struct heft_error *err)
{
	struct worker *w = &job->workers[0];

	if (!heft_pieces_need_scratch(job->f))
		return HEFT_OK;
	if (!job->scratch)
		HEFT_TRY(heft_scratch_beside(job->sink, &job->scratch, err));
	if (!w->bytes)
		HEFT_TRY(worker_init(job, w, err));
	w->reader.scratch = job->scratch;
	return heft_pieces_reorder(&w->reader, job->f, err);
}

static enum heft_status write_file(struct job *job, struct heft_restore_file *f,
                                   struct heft_sink *sink, struct heft_error *err)
{
	enum heft_status st;

	job->f = f;
	job->sink = sink;
	HEFT_TRY(reorder(job, err));
	HEFT_TRY(heft_turn_new(&job->turn, err));
	st = heft_pool_run(job->pool, f->plan.n_groups, restore_group, job, err);
	heft_turn_free(job->turn);
	job->turn = NULL;
	if (job->scratch)
		heft_pieces_drop(&job->workers[0].reader, f);
	return st;
}

/* --- one file or several --- */

static struct heft_restored describe_new(const struct job *job)
{
	return (struct heft_restored){
		.file = job->request->file,
		.format = job->request->format,
		.recipe = &job->recipe,
	};
}

/* spec R7.2-3; takes the descriptor over. */
static enum heft_status check_written(const struct job *job, int fd, const char *path,
                                      struct heft_error *err)
{
	const struct heft_restored restored = describe_new(job);
	struct heft_source *src;
	enum heft_status st;

	if (fd < 0)
		return heft_fail(err, HEFT_E_IO, HEFT_NO_OFFSET, "cannot look at the new file");
	HEFT_TRY(heft_source_open_fd(fd, false, &src, err));
	st = heft_restored_check(&restored, src, path, err);
	heft_source_close(src);
	return st;
}

static enum heft_status write_one(struct job *job, struct heft_error *err)
{
	struct heft_sink *sink = job->request->sink;

	HEFT_TRY(write_file(job, &job->recipe.files[0], sink, err));
	if (heft_sink_is_stream(sink))
		return HEFT_OK;
	return check_written(job, fcntl(heft_sink_fd(sink), F_DUPFD_CLOEXEC, 0),
	                     job->request->file->path, err);
}

static enum heft_status write_to_path(struct job *job, struct heft_restore_file *f,
                                      const char *path, struct heft_error *err)
{
	const struct heft_sink_options options = { .no_sync = job->request->no_sync };
	struct heft_sink *sink;
	enum heft_status st;

	HEFT_TRY(heft_sink_open(path, &options, &sink, err));
	st = write_file(job, f, sink, err);
	if (st == HEFT_OK)
		return heft_sink_commit(sink, err);
	heft_sink_discard(sink);
	return st;
}

/* The first file, which is the one to open, is written and moved last. */
static enum heft_status write_paths(struct job *job, char **paths, struct heft_error *err)
{
	const struct heft_origin *o = &job->recipe.origin;
	struct heft_file_set *files = job->request->files;
	const char *first = job->request->first_name;

	if (!first)
		first = o->files[0].name;
	HEFT_TRY(heft_file_set_remove(files, first, err));
	for (uint32_t i = 1; i < o->n_files; i++)
		HEFT_TRY(heft_file_set_add(files, o->files[i].name, &paths[i], err));
	HEFT_TRY(heft_file_set_add(files, first, &paths[0], err));
	for (uint32_t i = 1; i < o->n_files; i++)
		HEFT_TRY(write_to_path(job, &job->recipe.files[i], paths[i], err));
	HEFT_TRY(write_to_path(job, &job->recipe.files[0], paths[0], err));
	return check_written(job, open(paths[0], O_RDONLY | O_CLOEXEC), paths[0], err);
}

static enum heft_status write_set(struct job *job, struct heft_error *err)
{
	const uint32_t n = job->recipe.origin.n_files;
	char **paths = heft_zalloc_array(n, sizeof *paths);
	enum heft_status st;

	if (!paths)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a set of files");
	st = write_paths(job, paths, err);
	for (uint32_t i = 0; i < n; i++)
		heft_free(paths[i]);
	heft_free(paths);
	return st;
}

/* --- the whole --- */

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
		heft_restore_say(job->request, why.msg);
	return HEFT_OK;
}

static enum heft_status make_workers(struct job *job, struct heft_error *err)
{
	const struct heft_origin *o = &job->recipe.origin;
	uint64_t n_groups = 0;

	for (uint32_t i = 0; i < o->n_files; i++) {
		n_groups += job->recipe.files[i].plan.n_groups;
		job->meter.n_total += o->files[i].size;
	}
	HEFT_TRY(heft_pool_new(n_groups > 1 ? job->request->run->n_threads : 1, &job->pool, err));
	job->workers = heft_zalloc_array(heft_pool_n_threads(job->pool), sizeof *job->workers);
	if (!job->workers)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for workers");
	return HEFT_OK;
}

static enum heft_status restore(struct job *job, bool *is_restored, struct heft_error *err)
{
	const struct heft_restore_request *r = job->request;
	bool is_usable;

	HEFT_TRY(heft_restore_recipe_find(&job->recipe, r, &is_usable, err));
	if (is_usable && !r->files && heft_sink_is_stream(r->sink))
		HEFT_TRY(check_stream(job, &is_usable, err));
	if (!is_usable)
		return HEFT_OK;
	HEFT_TRY(make_workers(job, err));
	HEFT_TRY(r->files ? write_set(job, err) : write_one(job, err));
	*is_restored = true;
	return state_digest(r, err);
}

static void job_done(struct job *job)
{
	const uint32_t n = job->workers ? heft_pool_n_threads(job->pool) : 0;

	for (uint32_t i = 0; i < n; i++) {
		heft_piece_reader_done(&job->workers[i].reader);
		heft_free(job->workers[i].bytes);
	}
	heft_free(job->workers);
	heft_pool_free(job->pool);
	heft_turn_free(job->turn);
	heft_scratch_free(job->scratch);
	heft_restore_recipe_done(&job->recipe);
	heft_meter_done(&job->meter);
}

static uint64_t sum_sizes(const struct heft_origin *o)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < o->n_files; i++)
		if (!heft_add_u64(size, o->files[i].size, &size))
			return UINT64_MAX;
	return size;
}

enum heft_status heft_restore(const struct heft_restore_request *request, bool *is_restored,
                              uint64_t *size, struct heft_error *err)
{
	struct job job = { .request = request };
	enum heft_status st;

	*is_restored = false;
	heft_restore_recipe_init(&job.recipe);
	heft_meter_init(&job.meter, request->run, 0);
	st = restore(&job, is_restored, err);
	if (st == HEFT_OK && *is_restored) {
		*size = sum_sizes(&job.recipe.origin);
		if (request->n_files)
			*request->n_files = job.recipe.origin.n_files;
	}
	job_done(&job);
	return st;
}
