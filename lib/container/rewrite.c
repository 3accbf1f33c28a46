/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite.c - writes a heft file anew: without its dead bytes, or from the newest generation that
 * is still whole. */
#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "container/copy.h"
#include "container/locked.h"
#include "container/verify.h"

/* Generations are counted in 64 bits in the file. */
static uint32_t shown(uint64_t generation)
{
	return generation < UINT32_MAX ? (uint32_t)generation : UINT32_MAX;
}

static void fill_report(struct heft_rewrite_report *report, const struct heft_index *ix,
                        uint64_t size_after, bool is_untouched)
{
	const struct heft_pages *pages = heft_index_pages(ix);

	if (report)
		*report = (struct heft_rewrite_report){
			.generation = shown(heft_index_page(ix)->generation),
			.newest = shown(pages->page[pages->current].generation),
			.size_before = heft_source_size(heft_index_source(ix)),
			.size_after = size_after,
			.is_untouched = is_untouched,
		};
}

static enum heft_status copy_and_report(struct heft_index *ix, const char *path,
                                        const struct heft_copy_options *options,
                                        struct heft_rewrite_report *report, struct heft_error *err)
{
	uint64_t size;

	HEFT_TRY(heft_copy_generation(ix, path, options, &size, err));
	fill_report(report, ix, size, false);
	return HEFT_OK;
}

/* --- compaction ------------------------------------------------------------------------------- */

enum heft_status heft_compact(const char *path, const struct heft_edit_options *options,
                              struct heft_rewrite_report *report, struct heft_error *err)
{
	const struct heft_edit_options o = heft_edit_options_fill(options);
	const struct heft_copy_options copy = { .overwrite = true,
		                                .no_sync = o.no_sync,
		                                .run = o.run };
	struct heft_source *src;
	struct heft_index *ix = NULL;
	enum heft_status st;

	HEFT_TRY(heft_locked_open(path, &o, false, &src, err));
	st = heft_locked_index(src, false, &ix, err);
	if (st == HEFT_OK)
		st = copy_and_report(ix, path, &copy, report, err);
	heft_index_close(ix);
	heft_locked_close(src); /* the lock is held until after the rename (spec R8.2-5) */
	return st;
}

/* --- recovery --------------------------------------------------------------------------------- */

struct recovery {
	const char *path;
	const char *out_path; /* NULL: the same file */
	struct heft_source *src;
	struct heft_edit_options options;
	struct heft_rewrite_report *report;
};

/* A file of which every page, tail and generation is as it should be stays as it is. */
static enum heft_status find_clean(struct recovery *r, struct heft_index *ix, bool *is_clean,
                                   struct heft_error *err)
{
	const struct heft_verify_options options = { .run = r->options.run };
	struct heft_verify_report report;
	enum heft_status st;

	*is_clean = false;
	st = heft_index_verify(ix, &options, NULL, NULL, &report, err);
	if (st == HEFT_E_NOMEM || st == HEFT_E_CANCELLED)
		return st;
	*is_clean = st == HEFT_OK && report.ok;
	return HEFT_OK;
}

static enum heft_status write_generation(struct recovery *r, struct heft_index *ix,
                                         struct heft_error *err)
{
	const struct heft_copy_options options = { .overwrite = !r->out_path,
		                                   .no_sync = r->options.no_sync,
		                                   .is_recovery = true,
		                                   .run = r->options.run };

	return copy_and_report(ix, r->out_path ? r->out_path : r->path, &options, r->report, err);
}

static enum heft_status try_generation(struct recovery *r, bool previous, struct heft_error *err)
{
	struct heft_index *ix = NULL;
	bool is_clean = false;
	enum heft_status st = heft_locked_index(r->src, previous, &ix, err);

	if (st == HEFT_E_IO) /* as in copy.c: what cannot be read is damaged */
		st = HEFT_E_CORRUPT;
	if (st == HEFT_OK && !previous && !r->out_path)
		st = find_clean(r, ix, &is_clean, err);
	if (st == HEFT_OK && is_clean)
		fill_report(r->report, ix, heft_source_size(r->src), true);
	else if (st == HEFT_OK)
		st = write_generation(r, ix, err);
	heft_index_close(ix);
	return st;
}

static enum heft_status recover(struct recovery *r, struct heft_error *err)
{
	struct heft_error newest = { .code = HEFT_OK };
	enum heft_status st = try_generation(r, false, &newest);

	/* For damage alone the older generation may stand in: not for a lack of memory or of room
	 * on the disk. */
	if (st == HEFT_E_CORRUPT) {
		st = try_generation(r, true, err);
		if (st == HEFT_E_CORRUPT || st == HEFT_E_NOT_FOUND)
			st = heft_fail(err, HEFT_E_CORRUPT, newest.offset,
			               "no generation is whole: %.200s", newest.msg);
	} else if (st != HEFT_OK && err) {
		*err = newest;
	}
	return st;
}

enum heft_status heft_recover(const char *path, const char *out_path,
                              const struct heft_edit_options *options,
                              struct heft_rewrite_report *report, struct heft_error *err)
{
	struct recovery r = { .path = path,
		              .options = heft_edit_options_fill(options),
		              .report = report };
	enum heft_status st;

	HEFT_TRY(heft_locked_open(path, &r.options, false, &r.src, err));
	if (out_path && !heft_source_is(r.src, out_path))
		r.out_path = out_path;
	st = recover(&r, err);
	heft_locked_close(r.src);
	return st;
}
