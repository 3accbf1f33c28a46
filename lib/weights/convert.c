/* SPDX-License-Identifier: Apache-2.0 */
/* convert.c - heft_convert: what is to be written, and the way into one file; a set of files is
 * convert_set.c's. */
#include "heft/convert.h"

#include <string.h>

#include "base/error.h"
#include "container/index.h"
#include "weights/carry.h"
#include "weights/conversion.h"
#include "weights/restore.h"
#include "weights/transfer.h"

/* One new file. */
struct job {
	struct heft_conversion *c;
	struct heft_selection selection;
	struct heft_carry carry;
	struct heft_writer *writer;
};

void heft_report_files(struct heft_convert_report *r, struct heft_sink *sink)
{
	heft_sink_total(sink, &r->n_files, &r->file_size);
	if (heft_sink_is_stream(sink))
		r->n_files = 1;
}

static void fill_report(const struct job *job)
{
	const struct heft_writer *w = job->writer;
	struct heft_convert_report *r = job->c->report;

	r->n_tensors = heft_listing_n(w->tensors);
	r->n_cast = job->selection.n_cast;
	r->n_renamed = job->selection.n_renamed;
	r->n_bytes = heft_listing_n_bytes(w->tensors);
	heft_report_files(r, w->sink);
}

static enum heft_status write_anew(struct job *job, struct heft_error *err)
{
	struct heft_conversion *c = job->c;
	const struct heft_transfer transfer = {
		.file = c->file,
		.writer = job->writer,
		.source = job->selection.source,
		.source_dtype = job->selection.source_dtype,
		.has_casts = job->selection.n_cast > 0,
		.n_threads = c->plan->run.n_threads,
		.meter = &c->meter,
	};

	job->carry.is_changed = job->selection.is_changed;
	HEFT_TRY(heft_carry_give(&job->carry, job->writer, err));
	HEFT_TRY(heft_writer_begin(job->writer, err));
	c->meter.n_total = job->writer->chunks.n_bytes;
	HEFT_TRY(heft_transfer_run(&transfer, err));
	return heft_writer_finish(job->writer, c->wants_digest ? c->report->weights_digest : NULL,
	                          err);
}

static bool is_generation(const struct heft_pages *a, const struct heft_pages *b)
{
	const struct heft_page *x = &a->page[a->current];
	const struct heft_page *y = &b->page[b->current];

	return x->generation == y->generation &&
	       memcmp(x->dir_digest, y->dir_digest, sizeof x->dir_digest) == 0;
}

enum heft_status heft_check_replaced(const struct heft_writer *w, const char *path,
                                     struct heft_file *file, struct heft_error *err)
{
	struct heft_index *ix = heft_file_index(file);
	const bool is_named_so = strcmp(path, file->path) == 0;
	struct heft_pages now;

	if (!ix || w->lock_fd < 0)
		return HEFT_OK;
	if (heft_source_is(file->src, path)) {
		HEFT_TRY(heft_pages_read(file->src, &now, err));
		if (is_generation(heft_index_pages(ix), &now))
			return HEFT_OK;
	} else if (!is_named_so) {
		return HEFT_OK;
	}
	return heft_fail(err, HEFT_E_BUSY, HEFT_NO_OFFSET,
	                 "the file was changed since it was opened");
}

/* Whether the old bytes are wanted: not where others were asked for. */
static bool may_restore(const struct job *job)
{
	const struct heft_conversion *c = job->c;

	return !job->selection.is_changed && !c->plan->drop_metadata && !c->plan->metadata &&
	       !(c->plan->write.compress != HEFT_COMPRESS_NONE &&
	         (c->format->caps & HEFT_FORMAT_COMPRESSES));
}

static enum heft_status restore(struct job *job, bool *is_restored, struct heft_error *err)
{
	struct heft_conversion *c = job->c;
	const struct heft_restore_request request = {
		.file = c->file,
		.format = c->format,
		.sink = job->writer->sink,
		.run = &c->plan->run,
		.weights_digest = c->wants_digest ? c->report->weights_digest : NULL,
		.note = c->report->note,
		.note_size = sizeof c->report->note,
	};
	uint64_t file_size;

	if (!may_restore(job))
		return HEFT_OK;
	return heft_restore(&request, is_restored, &file_size, err);
}

static enum heft_status convert_file(struct job *job, struct heft_error *err)
{
	struct heft_conversion *c = job->c;
	bool is_restored = false;
	struct heft_writer *w;

	HEFT_TRY(heft_create(c->path, c->format->name, &c->plan->write, &job->writer, err));
	HEFT_TRY(heft_check_replaced(job->writer, c->path, c->file, err));
	HEFT_TRY(heft_selection_make(&job->selection, c->file, c->plan, job->writer->tensors, err));
	HEFT_TRY(restore(job, &is_restored, err));
	if (!is_restored)
		HEFT_TRY(write_anew(job, err));
	fill_report(job);
	c->report->is_restored = is_restored;
	w = job->writer;
	job->writer = NULL;
	return heft_writer_commit(w, err);
}

static enum heft_status convert_to_file(struct heft_conversion *c, struct heft_error *err)
{
	struct job job = { .c = c };
	enum heft_status st;

	heft_carry_init(&job.carry, c->file, c->plan, false);
	job.carry.note = c->report->note;
	job.carry.note_size = sizeof c->report->note;
	st = convert_file(&job, err);
	heft_discard(job.writer);
	heft_carry_done(&job.carry);
	heft_selection_done(&job.selection);
	return st;
}

/* --- what is wanted --- */

/* A folder takes a set of files: of the only format that has them, where nothing else is said. */
static const struct heft_format *any_set_format(void)
{
	const struct heft_format *f;

	for (uint32_t i = 0; (f = heft_format_get(i)) != NULL; i++)
		if (f->set)
			return f;
	return NULL;
}

static enum heft_status pick_format(struct heft_conversion *c, struct heft_error *err)
{
	const char *name = c->plan->format;

	if (name)
		c->format = heft_format_by_name(name);
	else
		c->format = heft_format_by_path(c->path);
	if (!name && !c->format && heft_path_is_folder(c->path))
		c->format = any_set_format();
	if (c->format)
		return HEFT_OK;
	if (name)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "no format is called '%s'",
		                 name);
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "no format goes by this extension: say --to FORMAT, or put '/' behind the "
	                 "name of a folder for shards");
}

/* Puts the format of the set in the place of its shards' where a set is wanted. */
static enum heft_status pick_set(struct heft_conversion *c, struct heft_error *err)
{
	const struct heft_format *set = heft_format_set_of(c->format);

	if (c->plan->shard_size == 0 && !(set && heft_path_is_folder(c->path)))
		return HEFT_OK;
	if (!set)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s is not cut into shards",
		                 c->format->name);
	c->format = set;
	return HEFT_OK;
}

static enum heft_status check_plan(const struct heft_conversion *c, struct heft_error *err)
{
	const struct heft_convert_plan *p = c->plan;

	if (p->into && c->format->set)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a model is written into one file, and not into shards");
	if (!p->into && (p->allow_transpose || p->n_keep > 0))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "--%s is of use only with a model to write into",
		                 p->allow_transpose ? "allow-transpose" : "keep");
	return HEFT_OK;
}

static enum heft_status convert(struct heft_conversion *c, struct heft_error *err)
{
	HEFT_TRY(pick_format(c, err));
	HEFT_TRY(pick_set(c, err));
	HEFT_TRY(check_plan(c, err));
	if (c->plan->into)
		return heft_convert_into(c, err);
	return c->format->set ? heft_convert_to_set(c, err) : convert_to_file(c, err);
}

enum heft_status heft_convert(struct heft_file *file, const char *path,
                              const struct heft_convert_plan *plan,
                              struct heft_convert_report *report, struct heft_error *err)
{
	const struct heft_convert_plan everything = { .format = NULL };
	struct heft_convert_report unread;
	struct heft_conversion c = {
		.file = file,
		.path = path,
		.plan = plan ? plan : &everything,
		.report = report ? report : &unread,
		.wants_digest = report != NULL,
	};
	enum heft_status st;

	*c.report = (struct heft_convert_report){ .n_tensors = 0 };
	heft_meter_init(&c.meter, &c.plan->run, 0);
	st = convert(&c, err);
	heft_meter_done(&c.meter);
	return st;
}
