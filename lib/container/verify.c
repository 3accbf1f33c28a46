/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c - a whole verification: pages, tail, sections, chunks, space, and the generation
 * before. */
#include <string.h>

#include "base/error.h"
#include "container/index_parts.h"
#include "container/verify_parts.h"

/* R2.2-4 and R2.2-5. */
static void verify_pages(struct heft_verification *v)
{
	const struct heft_pages *pages = heft_index_pages(v->of.ix);
	const struct heft_page *current = &pages->page[pages->current];
	const int other = 1 - pages->current;
	const uint64_t end = current->dir_off + current->dir_size;
	struct heft_error found;

	if (pages->page[other].kind == HEFT_PAGE_BAD) {
		heft_fail(&found, HEFT_E_CORRUPT, (uint64_t)other * HEFT_PAGE_SIZE,
		          current->generation == 1
		                  ? "slot page %d is not empty, and the file has one generation"
		                  : "slot page %d is not that of the generation before",
		          other);
		heft_faults_add(&v->faults, "page", NULL, 0, found.offset, found.msg);
	}
	if (pages->file_size > end) {
		heft_fail(&found, HEFT_E_CORRUPT, end, "%llu bytes follow the committed end",
		          (unsigned long long)(pages->file_size - end));
		heft_faults_add(&v->faults, "tail", NULL, 0, found.offset, found.msg);
	}
}

static enum heft_status generation_init(struct heft_generation *g, const struct heft_index *like,
                                        int page_i, struct heft_error *err)
{
	const struct heft_index_options options = { .n_threads = like->n_threads,
		                                    .limits = like->limits };

	HEFT_TRY(heft_index_open_page(like->src, &like->pages, page_i, &options, &g->ix, err));
	return heft_runs_init(g->ix, &g->runs, err);
}

static void generation_done(struct heft_generation *g)
{
	heft_runs_done(&g->runs);
	heft_index_close(g->ix);
	g->ix = NULL;
}

/* R5-4: the generation before, where there is one and it is not the one that is verified. */
static enum heft_status open_before(struct heft_verification *v, struct heft_error *err)
{
	const struct heft_pages *pages = heft_index_pages(v->of.ix);
	struct heft_error found;
	enum heft_status st;

	v->before.is_before = true;
	if (heft_index_page(v->of.ix) != &pages->page[pages->current] ||
	    pages->page[1 - pages->current].kind != HEFT_PAGE_VALID)
		return HEFT_OK;
	st = generation_init(&v->before, v->of.ix, 1 - pages->current, &found);
	if (st != HEFT_OK)
		generation_done(&v->before);
	return heft_faults_note(&v->faults, "previous", NULL, 0, st, &found, err);
}

static enum heft_status verify_all(struct heft_verification *v,
                                   const struct heft_verify_options *options,
                                   struct heft_verify_report *report, struct heft_error *err)
{
	verify_pages(v);
	HEFT_TRY(open_before(v, err));
	HEFT_TRY(heft_verify_sections(v, &v->of, NULL, err));
	if (v->before.ix)
		HEFT_TRY(heft_verify_sections(v, &v->before, &v->of, err));
	HEFT_TRY(heft_verify_space(v, options->strict, &report->n_dead_bytes, err));
	return heft_verify_data(v, report, err);
}

/* The tables are read again, and never trusted; the pages are those that were found when the file
 * was opened, as an update may have named a later generation since. */
static enum heft_status verify_file(struct heft_verification *v, const struct heft_index *ix,
                                    const struct heft_verify_options *options,
                                    struct heft_verify_report *report, struct heft_error *err)
{
	struct heft_error found;
	const enum heft_status st = generation_init(&v->of, ix, ix->page_i, &found);

	if (st == HEFT_OK)
		return verify_all(v, options, report, err);
	return heft_faults_note(&v->faults, "index", NULL, 0, st, &found, err);
}

enum heft_status heft_index_verify(struct heft_index *ix, const struct heft_verify_options *options,
                                   heft_fault_fn fn, void *user, struct heft_verify_report *report,
                                   struct heft_error *err)
{
	static const struct heft_verify_options usual;
	struct heft_verification v = { .sections_ok = true };
	struct heft_verify_report made = { .ok = false };
	enum heft_status st;

	if (!options)
		options = &usual;
	v.run = &options->run;
	heft_faults_init(&v.faults);
	st = verify_file(&v, ix, options, &made, err);
	generation_done(&v.before);
	generation_done(&v.of);
	if (st == HEFT_OK)
		st = heft_faults_tell(&v.faults, fn, user, err);
	made.n_faults = v.faults.n;
	made.ok = v.faults.n == 0;
	heft_faults_done(&v.faults);
	if (st == HEFT_OK)
		*report = made;
	return st;
}
