/* SPDX-License-Identifier: Apache-2.0 */
/* convert_set.c - a conversion into several files: every shard an ordinary file, the index, and the
 * names that all of them get together (spec/foreign/shards.md, section 5). */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/file_set.h"
#include "base/folder.h"
#include "base/lock.h"
#include "weights/carry.h"
#include "weights/conversion.h"
#include "weights/restore.h"
#include "weights/shard_split.h"
#include "weights/transfer.h"
#include "weights/weights_tree.h"

#define USUAL_STEM "model"

struct job {
	struct heft_conversion *c;
	const struct heft_set *set;
	char *folder;
	char *stem;
	char *index_name;
	bool is_folder; /* OUT is one: a recipe names the index */
	struct heft_file_set *files;
	struct heft_selection selection;
	struct heft_listing *tensors; /* all that are written */
	struct heft_carry carry;
	struct heft_shard_split split;
	uint8_t *digests; /* of each tensor */
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a set of files");
}

/* --- names --- */

bool heft_path_is_folder(const char *path)
{
	const size_t n = strlen(path);

	return (n > 0 && path[n - 1] == '/') || heft_is_folder(path);
}

/* "X" of "X.ext"; 0: the name has another extension. */
static size_t stem_size(const char *name, const char *ext)
{
	const size_t n = strlen(name);
	const size_t ext_size = strcspn(ext, " ");

	if (n <= ext_size || memcmp(name + n - ext_size, ext, ext_size) != 0)
		return 0;
	return n - ext_size;
}

static enum heft_status name_files(struct job *job, const char *folder, size_t folder_size,
                                   const char *stem, size_t n, struct heft_error *err)
{
	struct heft_buffer b;

	heft_buffer_init(&b);
	heft_buffer_add(&b, stem, n);
	heft_buffer_addf(&b, "%s", job->c->format->ext);
	job->index_name = (char *)heft_buffer_take(&b, NULL);
	job->stem = heft_strndup(stem, n);
	job->folder = heft_strndup(folder, folder_size);
	return job->index_name && job->stem && job->folder ? HEFT_OK : no_memory(err);
}

/* OUT is a folder, or the name of the index, or of the one file that a small model makes. */
static enum heft_status read_path(struct job *job, struct heft_error *err)
{
	const char *path = job->c->path;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const size_t folder_size = (size_t)(name - path);
	size_t n;

	if (strcmp(path, "-") == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a set of files cannot be written to a pipe");
	job->is_folder = heft_path_is_folder(path);
	if (job->is_folder)
		return name_files(job, path, strlen(path), USUAL_STEM, strlen(USUAL_STEM), err);
	n = stem_size(name, job->c->format->ext);
	if (n == 0)
		n = stem_size(name, heft_format_by_name(job->set->shard_format)->ext);
	if (n == 0)
		return heft_fail(
			err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			"a set of files goes into a folder (which ends with '/'), or under "
			"a name that ends with '%s'",
			job->c->format->ext);
	HEFT_TRY(name_files(job, path, folder_size, name, n, err));
	if (folder_size > 0 && !heft_is_folder(job->folder)) /* only a whole set makes a folder */
		return heft_fail(err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET,
		                 "the folder to write into does not exist");
	return HEFT_OK;
}

/* --- writing --- */

/* All at once, so that nothing is written that the last shard could not hold. */
static enum heft_status check_all(const struct job *job, struct heft_error *err)
{
	struct heft_write_plan plan = { .tensors = job->tensors, .options = job->c->plan->write };
	const char *metadata = job->c->plan->metadata;

	if (job->c->plan->drop_metadata)
		metadata = NULL;
	else if (!metadata)
		HEFT_TRY(heft_metadata(job->c->file, &metadata, err));
	plan.metadata = metadata;
	return heft_format_by_name(job->set->shard_format)->check(&plan, err);
}

static enum heft_status declare_members(const struct job *job, uint32_t shard_i,
                                        struct heft_writer *w, struct heft_error *err)
{
	for (uint32_t k = job->split.first[shard_i]; k < job->split.first[shard_i + 1]; k++) {
		const uint32_t i = job->split.members[k];
		const struct heft_listed *row = heft_listing_row(job->tensors, i);

		HEFT_TRY(heft_listing_add(w->tensors, heft_listing_name(job->tensors, i),
		                          row->name_size, heft_listing_dims(job->tensors, i), row,
		                          HEFT_E_USAGE, HEFT_NO_OFFSET, err));
	}
	return HEFT_OK;
}

/* The digests of a shard's tensors, put where they belong in the whole. */
static enum heft_status keep_digests(struct job *job, uint32_t shard_i, const struct heft_writer *w,
                                     struct heft_error *err)
{
	const uint32_t n = heft_listing_n(w->tensors);
	uint8_t *digests = heft_alloc_array(n, HEFT_DIGEST_SIZE);
	enum heft_status st;

	if (!digests)
		return no_memory(err);
	st = heft_writer_tensor_digests(w, digests, err);
	for (uint32_t k = 0; st == HEFT_OK && k < n; k++)
		memcpy(job->digests + (size_t)job->split.members[job->split.first[shard_i] + k] *
		                              HEFT_DIGEST_SIZE,
		       digests + (size_t)k * HEFT_DIGEST_SIZE, HEFT_DIGEST_SIZE);
	heft_free(digests);
	return st;
}

/* What of the selection is in the shard. */
struct part {
	uint32_t *source;
	uint16_t *source_dtype;
};

static bool part_init(struct part *p, const struct job *job, uint32_t shard_i)
{
	const uint32_t first = job->split.first[shard_i];
	const uint32_t n = job->split.first[shard_i + 1] - first;

	p->source = heft_alloc_array(n, sizeof *p->source);
	p->source_dtype = heft_alloc_array(n, sizeof *p->source_dtype);
	for (uint32_t k = 0; p->source && p->source_dtype && k < n; k++) {
		p->source[k] = job->selection.source[job->split.members[first + k]];
		p->source_dtype[k] = job->selection.source_dtype[job->split.members[first + k]];
	}
	return p->source && p->source_dtype;
}

static enum heft_status fill_shard(struct job *job, uint32_t shard_i, const struct part *part,
                                   struct heft_writer *w, struct heft_error *err)
{
	struct heft_conversion *c = job->c;
	const struct heft_transfer transfer = {
		.file = c->file,
		.writer = w,
		.source = part->source,
		.source_dtype = part->source_dtype,
		.has_casts = job->selection.n_cast > 0,
		.n_threads = c->plan->run.n_threads,
		.meter = &c->meter,
	};
	uint64_t size = 0;

	HEFT_TRY(declare_members(job, shard_i, w, err));
	HEFT_TRY(heft_carry_give(&job->carry, w, err));
	HEFT_TRY(heft_writer_begin(w, err));
	HEFT_TRY(heft_transfer_run(&transfer, err));
	HEFT_TRY(heft_writer_finish(w, NULL, err));
	if (c->wants_digest)
		HEFT_TRY(keep_digests(job, shard_i, w, err));
	HEFT_TRY(heft_fd_size(heft_sink_fd(w->sink), &size, err));
	c->report->file_size += size;
	return HEFT_OK;
}

static enum heft_status write_shard(struct job *job, uint32_t shard_i, const char *path,
                                    struct heft_error *err)
{
	struct heft_write_options options = job->c->plan->write;
	struct heft_writer *w = NULL;
	struct part part = { NULL, NULL };
	enum heft_status st;

	options.overwrite = false;
	st = heft_create(path, job->set->shard_format, &options, &w, err);
	if (st == HEFT_OK && !part_init(&part, job, shard_i))
		st = no_memory(err);
	if (st == HEFT_OK)
		st = fill_shard(job, shard_i, &part, w, err);
	heft_free(part.source);
	heft_free(part.source_dtype);
	if (st == HEFT_OK)
		return heft_writer_commit(w, err);
	heft_discard(w);
	return st;
}

static enum heft_status write_index(struct job *job, const char *path, struct heft_error *err)
{
	const struct heft_sink_options options = { .no_sync = job->c->plan->write.no_sync };
	struct heft_buffer b;
	struct heft_sink *sink = NULL;
	enum heft_status st;

	heft_buffer_init(&b);
	st = job->set->build_index(&b, job->tensors, job->split.shard_of,
	                           (const char *const *)job->split.names, err);
	if (st == HEFT_OK)
		st = heft_sink_open(path, &options, &sink, err);
	if (st == HEFT_OK)
		st = heft_sink_append(sink, b.bytes, b.size, err);
	job->c->report->file_size += b.size;
	heft_buffer_done(&b);
	if (st == HEFT_OK)
		return heft_sink_commit(sink, err);
	heft_sink_discard(sink);
	return st;
}

/* `paths` has a place for every shard and the index: all names are looked at before anything is
 * written. */
static enum heft_status write_files(struct job *job, char **paths, struct heft_error *err)
{
	const uint32_t n_files = job->split.n_shards + (job->split.n_shards > 1);

	HEFT_TRY(heft_file_set_remove(job->files, job->index_name, err));
	for (uint32_t k = 0; k < n_files; k++)
		HEFT_TRY(heft_file_set_add(job->files,
		                           k < job->split.n_shards ? job->split.names[k]
		                                                   : job->index_name,
		                           &paths[k], err));
	for (uint32_t k = 0; k < job->split.n_shards; k++)
		HEFT_TRY(write_shard(job, k, paths[k], err));
	if (n_files > job->split.n_shards)
		HEFT_TRY(write_index(job, paths[job->split.n_shards], err));
	job->c->report->n_files = n_files;
	if (job->c->wants_digest)
		return heft_weights_tree_of(job->tensors, job->digests,
		                            job->c->report->weights_digest, err);
	return HEFT_OK;
}

static enum heft_status write_anew(struct job *job, struct heft_error *err)
{
	const uint64_t shard_size = job->c->plan->shard_size;
	char **paths;
	enum heft_status st;

	job->carry.is_changed = job->selection.is_changed;
	HEFT_TRY(check_all(job, err));
	job->digests = heft_alloc_array(heft_listing_n(job->tensors), HEFT_DIGEST_SIZE);
	if (!job->digests)
		return no_memory(err);
	HEFT_TRY(heft_shard_split_make(&job->split, job->tensors,
	                               shard_size ? shard_size : job->set->usual_size, job->set,
	                               job->stem, err));
	job->c->meter.n_total = heft_listing_n_bytes(job->tensors);
	paths = heft_zalloc_array(job->split.n_shards + (size_t)1, sizeof *paths);
	if (!paths)
		return no_memory(err);
	st = write_files(job, paths, err);
	for (uint32_t k = 0; k <= job->split.n_shards; k++)
		heft_free(paths[k]);
	heft_free(paths);
	return st;
}

/* Where the caller says how large shards are to be, they are cut anew; compression is refused by
 * the ordinary writer. */
static enum heft_status restore(struct job *job, bool *is_restored, struct heft_error *err)
{
	struct heft_conversion *c = job->c;
	const struct heft_restore_request request = {
		.file = c->file,
		.format = c->format,
		.files = job->files,
		.first_name = job->is_folder ? NULL : job->index_name,
		.no_sync = c->plan->write.no_sync,
		.run = &c->plan->run,
		.weights_digest = c->wants_digest ? c->report->weights_digest : NULL,
		.note = c->report->note,
		.note_size = sizeof c->report->note,
		.n_files = &c->report->n_files,
	};

	if (job->selection.is_changed || c->plan->drop_metadata || c->plan->metadata ||
	    c->plan->shard_size > 0 || c->plan->write.compress != HEFT_COMPRESS_NONE)
		return HEFT_OK;
	return heft_restore(&request, is_restored, &c->report->file_size, err);
}

/* With one shard the set is a file X.safetensors. Where that is the source of shards called after
 * it, it stays: an input is never touched. */
static enum heft_status note_old_file(void *ctx, const char *name, struct heft_error *err)
{
	struct job *job = ctx;
	struct heft_file *source = job->c->file;
	char *path;
	bool is_source;

	if (!job->set->is_shard_name(name, job->stem))
		return HEFT_OK;
	path = heft_path_join(job->folder[0] ? job->folder : ".", name);
	if (!path)
		return no_memory(err);
	is_source = !source->format->set && heft_source_is(source->src, path);
	heft_free(path);
	return is_source ? HEFT_OK : heft_file_set_clean(job->files, name, err);
}

/* Shards that an older set of this name had more than the new one: they would be left without an
 * index (H5-7). */
static enum heft_status note_old_files(struct job *job, struct heft_error *err)
{
	const char *folder = job->folder[0] ? job->folder : ".";

	if (!job->c->plan->write.overwrite || !heft_is_folder(folder))
		return HEFT_OK;
	return heft_folder_walk(folder, note_old_file, job, err);
}

static enum heft_status convert(struct job *job, struct heft_error *err)
{
	struct heft_conversion *c = job->c;
	const struct heft_sink_options options = { .overwrite = c->plan->write.overwrite,
		                                   .no_sync = c->plan->write.no_sync };
	struct heft_convert_report *r = c->report;
	struct heft_file_set *files;

	HEFT_TRY(read_path(job, err));
	HEFT_TRY(heft_listing_new(&job->tensors, err));
	HEFT_TRY(heft_selection_make(&job->selection, c->file, c->plan, job->tensors, err));
	HEFT_TRY(heft_file_set_new(job->folder, &options, &job->files, err));
	HEFT_TRY(restore(job, &r->is_restored, err));
	if (!r->is_restored)
		HEFT_TRY(write_anew(job, err));
	HEFT_TRY(note_old_files(job, err));
	r->n_tensors = heft_listing_n(job->tensors);
	r->n_cast = job->selection.n_cast;
	r->n_renamed = job->selection.n_renamed;
	r->n_bytes = heft_listing_n_bytes(job->tensors);
	files = job->files;
	job->files = NULL;
	return heft_file_set_commit(files, err);
}

static void job_done(struct job *job)
{
	heft_file_set_discard(job->files);
	heft_shard_split_done(&job->split);
	heft_carry_done(&job->carry);
	heft_selection_done(&job->selection);
	heft_listing_free(job->tensors);
	heft_free(job->digests);
	heft_free(job->folder);
	heft_free(job->stem);
	heft_free(job->index_name);
}

enum heft_status heft_convert_to_set(struct heft_conversion *c, struct heft_error *err)
{
	struct job job = { .c = c, .set = c->format->set };
	enum heft_status st;

	heft_carry_init(&job.carry, c->file, c->plan, false);
	job.carry.note = c->report->note;
	job.carry.note_size = sizeof c->report->note;
	st = convert(&job, err);
	job_done(&job);
	return st;
}
