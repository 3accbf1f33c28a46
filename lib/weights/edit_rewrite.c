/* SPDX-License-Identifier: Apache-2.0 */
/* edit_rewrite.c - edits a file of a format that cannot be changed in place by converting it onto
 * itself under its lock. */
#include "weights/edit_rewrite.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/lock.h"
#include "container/locked.h"
#include "container/meta.h"
#include "weights/file.h"
#include "weights/graph_fit.h"
#include "weights/rename.h"
#include "weights/selection.h"

struct heft_edit_rewrite {
	struct heft_edit_options options;
	int lock_fd;
	struct heft_file *file;
	char *text;                  /* of the metadata, changed; NULL: as it is */
	struct heft_rename *renames; /* their texts are owned */
	uint32_t n_renames;
	char **deletes;
	uint32_t n_deletes;
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an edit");
}

/* --- open --- */

/* Old shards that are not called after the index would stay beside the new ones. */
static enum heft_status check_shard_names(const struct heft_file *file, struct heft_error *err)
{
	const struct heft_format *f = file->format;
	const char *slash = strrchr(file->path, '/');
	const char *index_name = slash ? slash + 1 : file->path;
	const size_t name_size = strlen(index_name);
	const size_t ext_size = strcspn(f->ext, " ");
	enum heft_status st = HEFT_OK;
	const char *name;
	uint64_t size;
	char *stem;

	stem = heft_strndup(index_name, name_size > ext_size ? name_size - ext_size : 0);
	if (!stem)
		return no_memory(err);
	for (uint32_t i = 1; st == HEFT_OK && (name = f->file_at(file->st, i, &size)) != NULL; i++)
		if (!f->set->is_shard_name(name, stem))
			st = heft_fail(
				err, HEFT_E_USAGE, HEFT_NO_OFFSET,
				"shard '%.80s' is not called after the index: convert the set "
				"into another folder",
				name);
	heft_free(stem);
	return st;
}

static enum heft_status check_format(const struct heft_file *file, struct heft_error *err)
{
	const struct heft_format *f = file->format;

	if (f->set)
		return check_shard_names(file, err);
	if (!(f->caps & HEFT_FORMAT_WRITE))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s files are only read",
		                 f->name);
	return HEFT_OK;
}

static enum heft_status open_locked(struct heft_edit_rewrite *r, const char *path,
                                    struct heft_error *err)
{
	HEFT_TRY(heft_lock_open_read(path, r->options.lock_ms, &r->lock_fd, err));
	HEFT_TRY(heft_open(path, NULL, &r->file, err));
	if (heft_file_index(r->file))
		return heft_fail(err, HEFT_E_BUSY, HEFT_NO_OFFSET,
		                 "another program has put a heft file in its place just now");
	HEFT_TRY(check_format(r->file, err));
	if (r->options.keep_links && heft_fd_n_links(r->lock_fd) > 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a %s file is written anew: its other hard links would stay as "
		                 "they are",
		                 r->file->format->name);
	return HEFT_OK;
}

enum heft_status heft_edit_rewrite_open(const char *path, const struct heft_edit_options *options,
                                        struct heft_edit_rewrite **out, struct heft_error *err)
{
	struct heft_edit_rewrite *r = heft_zalloc(sizeof *r);
	enum heft_status st;

	if (!r)
		return no_memory(err);
	r->lock_fd = -1;
	r->options = heft_edit_options_fill(options);
	st = open_locked(r, path, err);
	if (st != HEFT_OK) {
		heft_edit_rewrite_discard(r);
		return st;
	}
	*out = r;
	return HEFT_OK;
}

void heft_edit_rewrite_discard(struct heft_edit_rewrite *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->n_renames; i++) {
		heft_free((char *)(uintptr_t)r->renames[i].from);
		heft_free((char *)(uintptr_t)r->renames[i].to);
	}
	for (uint32_t i = 0; i < r->n_deletes; i++)
		heft_free(r->deletes[i]);
	heft_free(r->renames);
	heft_free(r->deletes);
	heft_free(r->text);
	heft_close(r->file);
	heft_lock_close(r->lock_fd);
	heft_free(r);
}

/* --- metadata --- */

static enum heft_status current_text(struct heft_edit_rewrite *r, const char **text,
                                     struct heft_error *err)
{
	*text = r->text;
	return r->text ? HEFT_OK : heft_metadata(r->file, text, err);
}

static void take_text(struct heft_edit_rewrite *r, char *text)
{
	heft_free(r->text);
	r->text = text;
}

enum heft_status heft_edit_rewrite_set(struct heft_edit_rewrite *r, const char *key,
                                       const char *json_value, struct heft_error *err)
{
	const char *text;
	char *changed;

	HEFT_TRY(current_text(r, &text, err));
	HEFT_TRY(heft_meta_set(text, key, json_value, &changed, err));
	take_text(r, changed);
	return HEFT_OK;
}

enum heft_status heft_edit_rewrite_unset(struct heft_edit_rewrite *r, const char *key,
                                         struct heft_error *err)
{
	const char *text;
	char *changed;

	HEFT_TRY(current_text(r, &text, err));
	HEFT_TRY(heft_meta_unset(text, key, &changed, err));
	take_text(r, changed);
	return HEFT_OK;
}

/* --- rules --- */

/* Room for one item more in an array of n. */
static bool grow(void **items, uint32_t n, size_t item_size)
{
	const bool is_full = (n & (n - 1)) == 0; /* with 0, 1, 2, 4, … */
	void *grown;

	if (!is_full)
		return true;
	grown = heft_realloc_array(*items, n > 0 ? (size_t)2 * n : 1, item_size);
	if (grown)
		*items = grown;
	return grown != NULL;
}

/* With `rule` NULL the pattern is fnmatch's. */
static enum heft_status check_matches(struct heft_edit_rewrite *r, const struct heft_rename *rule,
                                      const char *pattern, struct heft_error *err)
{
	for (uint32_t i = 0; i < heft_n_tensors(r->file); i++) {
		struct heft_tensor t;
		const char *part;
		size_t part_size;

		HEFT_TRY(heft_tensor_at(r->file, i, &t, err));
		if (rule ? heft_rename_matches(rule, t.name, &part, &part_size)
		         : fnmatch(pattern, t.name, 0) == 0)
			return HEFT_OK;
	}
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "'%.80s' matches no tensor",
	                 rule ? rule->from : pattern);
}

enum heft_status heft_edit_rewrite_rename(struct heft_edit_rewrite *r,
                                          const struct heft_rename *rule, struct heft_error *err)
{
	void *items = r->renames;
	struct heft_rename copy = { .from = NULL };

	HEFT_TRY(heft_rename_check(rule, err));
	HEFT_TRY(check_matches(r, rule, NULL, err));
	if (r->file->format->caps & HEFT_FORMAT_NO_NAMES)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s keeps no names",
		                 r->file->format->name);
	if (grow(&items, r->n_renames, sizeof *r->renames)) {
		copy.from = heft_strdup(rule->from);
		copy.to = heft_strdup(rule->to);
	}
	r->renames = items;
	if (!copy.from || !copy.to) {
		heft_free((char *)(uintptr_t)copy.from);
		heft_free((char *)(uintptr_t)copy.to);
		return no_memory(err);
	}
	r->renames[r->n_renames++] = copy;
	return HEFT_OK;
}

enum heft_status heft_edit_rewrite_delete(struct heft_edit_rewrite *r, const char *pattern,
                                          struct heft_error *err)
{
	void *items = r->deletes;
	char *copy = NULL;

	HEFT_TRY(check_matches(r, NULL, pattern, err));
	if (grow(&items, r->n_deletes, sizeof *r->deletes))
		copy = heft_strdup(pattern);
	r->deletes = items;
	if (!copy)
		return no_memory(err);
	r->deletes[r->n_deletes++] = copy;
	return HEFT_OK;
}

enum heft_status heft_edit_rewrite_tie(const struct heft_edit_rewrite *r, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s files have no ties",
	                 r->file->format->name);
}

/* --- what it comes to --- */

/* Whether the format compresses, and some tensor is. */
static bool is_compressed(const struct heft_edit_rewrite *r)
{
	const struct heft_format *f = r->file->format;

	if (!(f->caps & HEFT_FORMAT_COMPRESSES))
		return false;
	for (uint32_t i = 0; i < heft_n_tensors(r->file); i++) {
		struct heft_place place;

		if (f->locate(r->file->st, i, &place, NULL) == HEFT_E_UNSUPPORTED)
			return true;
	}
	return false;
}

/* The bytes of tensors in the largest shard, so that a set is cut much as it was; 0 of one file. */
static enum heft_status find_shard_size(const struct heft_edit_rewrite *r, uint64_t *size,
                                        struct heft_error *err)
{
	const struct heft_format *f = r->file->format;
	uint64_t *sizes;
	uint32_t n = 0;
	uint64_t file_size;
	enum heft_status st = HEFT_OK;

	*size = 0;
	if (!f->set)
		return HEFT_OK;
	while (f->file_at(r->file->st, n, &file_size))
		n++;
	sizes = heft_zalloc_array(n, sizeof *sizes);
	if (!sizes)
		return no_memory(err);
	for (uint32_t i = 0; st == HEFT_OK && i < heft_n_tensors(r->file); i++) {
		struct heft_place place = { .file = 0 };
		struct heft_tensor t;

		st = heft_tensor_at(r->file, i, &t, err);
		if (st == HEFT_OK)
			st = f->locate(r->file->st, i, &place, err);
		if (st != HEFT_OK || place.file >= n)
			continue;
		sizes[place.file] += t.n_bytes;
		if (*size < sizes[place.file])
			*size = sizes[place.file];
	}
	heft_free(sizes);
	return st;
}

/* Whether the tensors' bytes lie in files beside. */
static bool is_external(const struct heft_edit_rewrite *r)
{
	const struct heft_format *f = r->file->format;
	uint64_t size;

	return (f->caps & HEFT_FORMAT_EXTERNAL) && f->file_at && f->file_at(r->file->st, 1, &size);
}

/* A compressed file stays one: all of it is packed anew. So does one with external data. */
static struct heft_convert_plan plan_of(const struct heft_edit_rewrite *r)
{
	const bool has_no_metadata = r->text && heft_meta_is_empty(r->text);

	return (struct heft_convert_plan){
		.format = r->file->format->name,
		.write = { .compress = is_compressed(r) ? HEFT_COMPRESS_BEST : HEFT_COMPRESS_NONE,
		           .overwrite = true,
		           .no_sync = r->options.no_sync,
		           .external_data = is_external(r) },
		.exclude = (const char *const *)r->deletes,
		.n_exclude = r->n_deletes,
		.renames = r->renames,
		.n_renames = r->n_renames,
		.metadata = has_no_metadata ? NULL : r->text,
		.drop_metadata = has_no_metadata,
		.run = r->options.run,
	};
}

/* A graph is all that there is to some models: it is never left out of the file itself. */
static enum heft_status add_graph(struct heft_edit_rewrite *r, const struct heft_listing *tensors,
                                  bool is_changed, struct heft_write_plan *write,
                                  struct heft_error *err)
{
	const void *graph;
	size_t size;

	HEFT_TRY(heft_graph(r->file, &graph, &size, err));
	if (size == 0 || !(r->file->format->caps & HEFT_FORMAT_GRAPH))
		return HEFT_OK;
	write->graph = graph;
	write->graph_size = size;
	if (!is_changed)
		return HEFT_OK;
	return heft_graph_fit_check(graph, size, tensors,
	                            "'heft convert --no-graph' writes the tensors alone", err);
}

/* Whether the format can hold what is to be written. */
static enum heft_status check_target(struct heft_edit_rewrite *r,
                                     const struct heft_convert_plan *plan,
                                     const struct heft_listing *tensors, bool is_changed,
                                     struct heft_error *err)
{
	struct heft_write_plan write = { .tensors = tensors, .options = plan->write };

	if (!plan->drop_metadata)
		HEFT_TRY(current_text(r, &write.metadata, err));
	if (heft_meta_is_empty(write.metadata))
		write.metadata = NULL;
	HEFT_TRY(add_graph(r, tensors, is_changed, &write, err));
	if (r->file->format->set)
		return heft_format_by_name(r->file->format->set->shard_format)->check(&write, err);
	return r->file->format->check(&write, err);
}

static enum heft_status select_tensors(struct heft_edit_rewrite *r,
                                       const struct heft_convert_plan *plan,
                                       struct heft_listing *tensors,
                                       struct heft_edit_report *report, struct heft_error *err)
{
	struct heft_selection s;
	enum heft_status st;

	HEFT_TRY(heft_selection_make(&s, r->file, plan, tensors, err));
	report->n_renamed = s.n_renamed;
	report->n_deleted = heft_n_tensors(r->file) - s.n;
	report->is_changed = s.is_changed;
	st = check_target(r, plan, tensors, s.is_changed, err);
	heft_selection_done(&s);
	return st;
}

/* External data is written under the model's own name. */
static void note_left_file(const struct heft_edit_rewrite *r, struct heft_edit_report *report)
{
	const char *slash = strrchr(r->file->path, '/');
	const char *model = slash ? slash + 1 : r->file->path;
	const size_t n = strlen(model);
	const char *name;
	uint64_t size;

	if (!report->is_changed || !is_external(r))
		return;
	name = r->file->format->file_at(r->file->st, 1, &size);
	if (strncmp(name, model, n) == 0 && strcmp(name + n, ".data") == 0)
		return;
	snprintf(report->note, sizeof report->note,
	         "the bytes that are in '%.80s' are written anew, and that file is not removed",
	         name);
}

enum heft_status heft_edit_rewrite_check(struct heft_edit_rewrite *r,
                                         struct heft_edit_report *report, struct heft_error *err)
{
	const struct heft_convert_plan plan = plan_of(r);
	struct heft_listing *tensors;
	const char *text;
	enum heft_status st;

	HEFT_TRY(heft_metadata(r->file, &text, err));
	HEFT_TRY(heft_listing_new(&tensors, err));
	st = select_tensors(r, &plan, tensors, report, err);
	heft_listing_free(tensors);
	report->changes_metadata = r->text && strcmp(r->text, text) != 0;
	report->is_changed |= report->changes_metadata;
	report->is_rewrite = true;
	if (st == HEFT_OK)
		note_left_file(r, report);
	return st;
}

enum heft_status heft_edit_rewrite_commit(struct heft_edit_rewrite *r, struct heft_error *err)
{
	struct heft_convert_plan plan = plan_of(r);
	struct heft_edit_report report = { .is_changed = false };

	HEFT_TRY(heft_edit_rewrite_check(r, &report, err));
	if (!report.is_changed)
		return HEFT_OK;
	HEFT_TRY(find_shard_size(r, &plan.shard_size, err));
	return heft_convert(r->file, r->file->path, &plan, NULL, err);
}
