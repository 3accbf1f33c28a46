/* SPDX-License-Identifier: Apache-2.0 */
/* convert.c - heft_convert: open, plan, write. The chunks go through as many threads as there are,
 * each reading, hashing, coding and storing its own; only their places are given in turn, so the
 * bytes never depend on the threads. */
#include "heft/convert.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/lock.h"
#include "codec/digest_tree.h"
#include "container/index.h"
#include "weights/cast_chunk.h"
#include "weights/chunk_source.h"
#include "weights/chunk_writer.h"
#include "weights/restore.h"
#include "weights/selection.h"

struct worker {
	struct heft_chunk_source *source;
	struct heft_write_worker *write;
	struct heft_cast_room room;
};

struct job {
	struct heft_file *file;
	const struct heft_convert_plan *plan;
	struct heft_convert_report *report;
	struct heft_selection selection;
	struct heft_writer *writer;
	/* The writer's chunks with the file's tensor numbers as ids; shares everything else with
	 * them. */
	struct heft_chunk_plan source_chunks;
	struct heft_origin origin;
	struct heft_section_out *sections;
	uint32_t n_sections;
	struct heft_turn *turn;
	struct heft_pool *pool;
	struct worker *workers;
	struct heft_meter meter;
};

/* --- chunks --- */

static enum heft_status worker_init(struct job *job, struct worker *w, struct heft_error *err)
{
	if (!w->source)
		HEFT_TRY(heft_chunk_source_new(job->file, true, &w->source, err));
	if (job->selection.n_cast && !w->room.bytes) {
		w->room.bytes = heft_alloc(HEFT_GROUP_BYTES);
		if (!w->room.bytes)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			                 "no memory for a worker");
	}
	return heft_write_worker_new(job->writer, &w->write, err);
}

static enum heft_status read_chunk(struct job *job, struct worker *w,
                                   const struct heft_plan_chunk *c, uint8_t *dst, uint8_t *leaf,
                                   struct heft_error *err)
{
	const uint32_t i = job->writer->chunks.tensors[c->tensor].id;
	const struct heft_listed *row = heft_listing_row(job->writer->tensors, i);
	const struct heft_cast cast = {
		.tensor = job->selection.source[i],
		.from = job->selection.source_dtype[i],
		.to = row->dtype,
		.n_elements = row->n_elements,
	};

	if (cast.from == cast.to)
		return heft_chunk_source_read_one(w->source, cast.tensor, c->chunk_i, c->off, c->n,
		                                  dst, leaf, err);
	HEFT_TRY(heft_cast_chunk(w->source, &cast, c->off, &w->room, dst, err));
	heft_digest_bytes(w->write->sha, HEFT_DOMAIN_LEAF, dst, c->n, leaf);
	return heft_sha256_check(w->write->sha, err);
}

/* A group in which something may be cast is read chunk by chunk. */
static enum heft_status read_each(struct job *job, struct worker *w, uint64_t group_i,
                                  uint32_t *n_chunks, struct heft_error *err)
{
	struct heft_write_worker *ww = w->write;
	struct heft_group_walk walk;
	uint8_t *to = ww->bytes;
	uint32_t n = 0;

	heft_group_begin(&walk, &job->writer->chunks, group_i);
	for (; heft_group_next(&walk, &ww->chunks[n]); n++) {
		HEFT_TRY(read_chunk(job, w, &ww->chunks[n], to,
		                    ww->leaves + (size_t)n * HEFT_SHA256_SIZE, err));
		to += ww->chunks[n].n;
	}
	*n_chunks = n;
	return HEFT_OK;
}

static enum heft_status convert_group(void *ctx, uint64_t i, uint32_t worker_i,
                                      struct heft_error *err)
{
	struct job *job = ctx;
	struct worker *w = &job->workers[worker_i];
	uint64_t n_bytes = 0;
	uint32_t n = 0;
	enum heft_status st = w->write ? HEFT_OK : worker_init(job, w, err);

	if (st == HEFT_OK && job->selection.n_cast)
		st = read_each(job, w, i, &n, err);
	else if (st == HEFT_OK)
		st = heft_chunk_source_read(w->source, &job->source_chunks, i, w->write->bytes,
		                            w->write->chunks, &n, w->write->leaves, err);
	if (st != HEFT_OK) {
		heft_turn_fail(job->turn, i);
		return st;
	}
	HEFT_TRY(heft_writer_group(job->writer, w->write, n, job->turn, i, err));
	for (uint32_t k = 0; k < n; k++)
		n_bytes += w->write->chunks[k].n;
	return heft_meter_add(&job->meter, n_bytes, err);
}

static enum heft_status run(struct job *job, struct heft_error *err)
{
	const struct heft_chunk_plan *chunks = &job->writer->chunks;

	job->source_chunks = *chunks;
	job->source_chunks.tensors = heft_alloc_array(chunks->n_tensors, sizeof *chunks->tensors);
	if (!job->source_chunks.tensors)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors",
		                 chunks->n_tensors);
	for (uint32_t k = 0; k < chunks->n_tensors; k++) {
		job->source_chunks.tensors[k] = chunks->tensors[k];
		job->source_chunks.tensors[k].id = job->selection.source[chunks->tensors[k].id];
	}
	job->meter.n_total = chunks->n_bytes;
	HEFT_TRY(heft_turn_new(&job->turn, err));
	HEFT_TRY(heft_pool_new(chunks->n_groups > 1 ? job->plan->run.n_threads : 1, &job->pool,
	                       err));
	job->workers = heft_zalloc_array(heft_pool_n_threads(job->pool), sizeof *job->workers);
	if (!job->workers)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for workers");
	return heft_pool_run(job->pool, chunks->n_groups, convert_group, job, err);
}

static void job_done(struct job *job)
{
	const uint32_t n = job->workers ? heft_pool_n_threads(job->pool) : 0;

	for (uint32_t i = 0; i < n; i++) {
		heft_chunk_source_free(job->workers[i].source);
		heft_write_worker_free(job->workers[i].write);
		heft_free(job->workers[i].room.bytes);
	}
	heft_free(job->workers);
	heft_pool_free(job->pool);
	heft_turn_free(job->turn);
	heft_free(job->source_chunks.tensors);
	heft_selection_done(&job->selection);
	for (uint32_t i = 0; i < job->n_sections; i++)
		heft_free((void *)job->sections[i].bytes);
	heft_free(job->sections);
	heft_origin_done(&job->origin);
	heft_discard(job->writer);
	heft_meter_done(&job->meter);
}

/* --- what goes with the tensors --- */

static void note(struct job *job, const char *fmt, uint32_t type)
{
	if (job->report && !job->report->note[0])
		snprintf(job->report->note, sizeof job->report->note, fmt, type);
}

static bool is_carried(struct job *job, const struct heft_section *s)
{
	if ((s->type & HEFT_TYPE_LAYOUT) || s->type == HEFT_SECTION_META)
		return false;
	if ((s->type & HEFT_TYPE_BOUND) &&
	    (job->selection.is_changed ||
	     (s->type == HEFT_SECTION_ORIGIN && job->plan->drop_metadata))) {
		if (s->type != HEFT_SECTION_ORIGIN)
			note(job, "section 0x%08X spoke of the old tensors and was dropped",
			     s->type);
		return false;
	}
	return true;
}

/* A heft file's content sections go into a heft file as they are. */
static enum heft_status carry_sections(struct job *job, struct heft_error *err)
{
	struct heft_index *ix = heft_file_index(job->file);
	const uint32_t n = heft_index_n_sections(ix);
	struct heft_section s;
	uint8_t *bytes;

	job->sections = heft_zalloc_array(n, sizeof *job->sections);
	if (!job->sections)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u sections", n);
	for (uint32_t i = 0; i < n; i++) {
		heft_index_section(ix, i, &s);
		if (!is_carried(job, &s))
			continue;
		HEFT_TRY(heft_index_read_section(ix, &s, UINT64_MAX, &bytes, err));
		job->sections[job->n_sections++] = (struct heft_section_out){ .type = s.type,
			                                                      .bytes = bytes,
			                                                      .size = s.size };
	}
	job->writer->plan.sections = job->sections;
	job->writer->plan.n_sections = job->n_sections;
	return HEFT_OK;
}

static void note_lost_sections(struct job *job)
{
	struct heft_index *ix = heft_file_index(job->file);
	struct heft_section s;

	for (uint32_t i = 0; i < heft_index_n_sections(ix); i++) {
		heft_index_section(ix, i, &s);
		if (!(s.type & HEFT_TYPE_LAYOUT) && s.type != HEFT_SECTION_META &&
		    s.type != HEFT_SECTION_ORIGIN)
			note(job, "the target has no place for section 0x%08X", s.type);
	}
}

/* A heft file's META is content even where it says nothing. */
static bool has_metadata(struct job *job, const char *json)
{
	struct heft_index *ix = heft_file_index(job->file);
	struct heft_section s;

	return ix ? heft_index_find_section(ix, HEFT_SECTION_META, &s) : strcmp(json, "{}") != 0;
}

static enum heft_status set_metadata(struct job *job, struct heft_error *err)
{
	const char *json;

	if (job->plan->drop_metadata)
		return HEFT_OK;
	HEFT_TRY(heft_metadata(job->file, &json, err));
	return has_metadata(job, json) ? heft_set_metadata(job->writer, json, err) : HEFT_OK;
}

/* Into a heft file: the sections of a heft file, or the recipe that gives the source back. */
static enum heft_status prepare_extras(struct job *job, struct heft_error *err)
{
	const bool from_heft = heft_file_index(job->file) != NULL;

	HEFT_TRY(set_metadata(job, err));
	if (!(job->writer->format->caps & HEFT_FORMAT_DIGESTS)) {
		if (from_heft)
			note_lost_sections(job);
		return HEFT_OK;
	}
	if (from_heft)
		return carry_sections(job, err);
	if (job->file->format->origin && !job->selection.is_changed && !job->plan->drop_metadata) {
		HEFT_TRY(job->file->format->origin(job->file->st, job->file->path, &job->origin,
		                                   err));
		job->writer->plan.origin = &job->origin;
	}
	return HEFT_OK;
}

static void fill_report(struct job *job)
{
	struct heft_convert_report *r = job->report;

	if (!r)
		return;
	r->n_tensors = heft_listing_n(job->writer->tensors);
	r->n_cast = job->selection.n_cast;
	r->n_renamed = job->selection.n_renamed;
	for (uint32_t i = 0; i < r->n_tensors; i++)
		r->n_bytes += heft_listing_row(job->writer->tensors, i)->n_bytes;
	if (!heft_sink_is_stream(job->writer->sink))
		heft_fd_size(heft_sink_fd(job->writer->sink), &r->file_size, NULL);
}

static enum heft_status write_anew(struct job *job, struct heft_error *err)
{
	HEFT_TRY(prepare_extras(job, err));
	HEFT_TRY(heft_writer_begin(job->writer, err));
	HEFT_TRY(run(job, err));
	return heft_writer_finish(job->writer, job->report ? job->report->weights_digest : NULL,
	                          err);
}

static bool is_generation(const struct heft_pages *a, const struct heft_pages *b)
{
	const struct heft_page *x = &a->page[a->current];
	const struct heft_page *y = &b->page[b->current];

	return x->generation == y->generation &&
	       memcmp(x->dir_digest, y->dir_digest, sizeof x->dir_digest) == 0;
}

/* A heft file that is converted onto itself was opened before its lock was taken: what was
 * committed in between would be lost (spec R8.2-5). */
static enum heft_status check_unchanged(struct job *job, const char *path, struct heft_error *err)
{
	struct heft_index *ix = heft_file_index(job->file);
	const bool is_named_so = strcmp(path, job->file->path) == 0;
	struct heft_pages now;

	if (!ix || job->writer->lock_fd < 0)
		return HEFT_OK;
	if (heft_source_is(job->file->src, path)) {
		HEFT_TRY(heft_pages_read(job->file->src, &now, err));
		if (is_generation(heft_index_pages(ix), &now))
			return HEFT_OK;
	} else if (!is_named_so) {
		return HEFT_OK;
	}
	return heft_fail(err, HEFT_E_BUSY, HEFT_NO_OFFSET,
	                 "the file was changed since it was opened");
}

static enum heft_status convert(struct job *job, const char *path, const struct heft_format *format,
                                struct heft_error *err)
{
	struct heft_restore_request restore = {
		.file = job->file,
		.format = format,
		.run = &job->plan->run,
		.weights_digest = job->report ? job->report->weights_digest : NULL,
		.note = job->report ? job->report->note : NULL,
		.note_size = job->report ? sizeof job->report->note : 0,
	};
	bool is_restored = false;
	struct heft_writer *w;

	HEFT_TRY(heft_create(path, format->name, &job->plan->write, &job->writer, err));
	HEFT_TRY(check_unchanged(job, path, err));
	HEFT_TRY(heft_selection_make(&job->selection, job->file, job->plan, job->writer->tensors,
	                             err));
	if (!job->selection.is_changed && !job->plan->drop_metadata) {
		restore.sink = job->writer->sink;
		HEFT_TRY(heft_restore(&restore, &is_restored, err));
	}
	if (!is_restored)
		HEFT_TRY(write_anew(job, err));
	fill_report(job);
	if (job->report)
		job->report->is_restored = is_restored;
	w = job->writer;
	job->writer = NULL;
	return heft_writer_commit(w, err);
}

static enum heft_status pick_format(const struct heft_convert_plan *plan, const char *path,
                                    const struct heft_format **format, struct heft_error *err)
{
	*format = plan->format ? heft_format_by_name(plan->format) : heft_format_by_path(path);
	if (*format)
		return HEFT_OK;
	if (plan->format)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "no format is called '%s'",
		                 plan->format);
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "no format goes by this extension: say --to FORMAT");
}

enum heft_status heft_convert(struct heft_file *file, const char *path,
                              const struct heft_convert_plan *plan,
                              struct heft_convert_report *report, struct heft_error *err)
{
	const struct heft_convert_plan everything = { .format = NULL };
	const struct heft_format *format;
	struct job job = { .file = file, .plan = plan ? plan : &everything, .report = report };
	enum heft_status st;

	if (report)
		*report = (struct heft_convert_report){ .n_tensors = 0 };
	HEFT_TRY(pick_format(job.plan, path, &format, err));
	heft_meter_init(&job.meter, &job.plan->run, 0);
	heft_origin_init(&job.origin);
	st = convert(&job, path, format, err);
	job_done(&job);
	return st;
}
