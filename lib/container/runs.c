/* SPDX-License-Identifier: Apache-2.0 */
/* runs.c - which rows begin a run, and the layout of a compact file. */
#include "container/runs.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "container/index_parts.h"
#include "container/verify.h"

#define SECTION_ALIGNMENT 8u

/* Only a trusted index can hold a row that shares no run: R4.1-10. */
static enum heft_status find_starts(struct heft_index *ix, struct heft_runs *runs,
                                    struct heft_error *err)
{
	const uint32_t n = heft_index_n_tensors(ix);
	uint64_t n_leaves = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct heft_row row;

		HEFT_TRY(heft_index_row(ix, i, &row, err));
		if (row.n_bytes == 0)
			continue;
		if (row.first_leaf == n_leaves) {
			runs->rows[runs->n++] = i;
			n_leaves += row.n_chunks;
		} else if (row.first_leaf > n_leaves) {
			return heft_fail_row(ix, i, HEFT_ROW_FIRST_LEAF, HEFT_E_CORRUPT,
			                     "the run does not follow those before it", err);
		}
	}
	return HEFT_OK;
}

enum heft_status heft_runs_init(struct heft_index *ix, struct heft_runs *runs,
                                struct heft_error *err)
{
	enum heft_status st;

	runs->n = 0;
	runs->rows = heft_alloc_array(heft_index_n_tensors(ix), sizeof *runs->rows);
	if (!runs->rows)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a list of runs");
	st = find_starts(ix, runs, err);
	if (st != HEFT_OK)
		heft_runs_done(runs);
	return st;
}

void heft_runs_done(struct heft_runs *runs)
{
	heft_free(runs->rows);
	runs->rows = NULL;
	runs->n = 0;
}

static uint64_t first_leaf(const struct heft_index *ix, uint32_t row_i)
{
	return heft_table_u64(&ix->tensors, row_i, HEFT_ROW_FIRST_LEAF);
}

uint32_t heft_runs_find(const struct heft_index *ix, const struct heft_runs *runs, uint64_t leaf)
{
	uint32_t low = 0;
	uint32_t high = runs->n;

	if (leaf >= ix->leaves.n_rows)
		return runs->n;
	while (high - low > 1) {
		const uint32_t middle = low + (high - low) / 2;

		if (first_leaf(ix, runs->rows[middle]) <= leaf)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* --- the layout of a compact file --- */

/* The next bytes: n of them, at a multiple of the alignment, and in this file at `off`. */
static void lay(struct heft_compact_layout *l, uint64_t alignment, uint64_t off, uint64_t n)
{
	l->end = heft_align_up(l->end, alignment);
	if (off != l->end && l->first_wrong == HEFT_NO_OFFSET)
		l->first_wrong = off;
	l->end += n;
}

static enum heft_status lay_run(struct heft_index *ix, const struct heft_row *row,
                                struct heft_compact_layout *l, struct heft_error *err)
{
	if (!row->is_coded) {
		lay(l, UINT64_C(1) << heft_index_page(ix)->log2_alignment, row->place,
		    row->n_bytes);
		return HEFT_OK;
	}
	for (uint64_t i = 0; i < row->n_chunks; i++) {
		struct heft_extent e;

		HEFT_TRY(heft_index_extent(ix, row, i, &e, err));
		if (e.stored_size > 0)
			lay(l, 1, e.off, e.stored_size);
	}
	return HEFT_OK;
}

/* is_laid has a byte for each run. */
static enum heft_status lay_runs(struct heft_index *ix, const struct heft_runs *runs, bool *is_laid,
                                 struct heft_compact_layout *l, struct heft_error *err)
{
	const uint32_t n = heft_index_n_tensors(ix);

	for (uint32_t i = 0; i < n; i++) {
		struct heft_row row;
		uint32_t row_i;
		uint32_t run_i;

		HEFT_TRY(heft_index_row_at(ix, i, &row_i, err));
		HEFT_TRY(heft_index_row(ix, row_i, &row, err));
		if (row.n_bytes == 0)
			continue;
		run_i = heft_runs_find(ix, runs, row.first_leaf);
		if (run_i == runs->n)
			return heft_fail_row(ix, row_i, HEFT_ROW_FIRST_LEAF, HEFT_E_CORRUPT,
			                     "the run is none", err);
		if (!is_laid[run_i])
			HEFT_TRY(lay_run(ix, &row, l, err));
		is_laid[run_i] = true;
	}
	return HEFT_OK;
}

static void lay_sections(const struct heft_index *ix, struct heft_compact_layout *l)
{
	const struct heft_page *page = heft_index_page(ix);

	for (uint32_t i = 0; i < heft_index_n_sections(ix); i++) {
		struct heft_section s;

		heft_index_section(ix, i, &s);
		lay(l, SECTION_ALIGNMENT, s.off, s.stored_size);
	}
	lay(l, SECTION_ALIGNMENT, page->dir_off, page->dir_size);
}

enum heft_status heft_compact_lay_out(struct heft_index *ix, const struct heft_runs *runs,
                                      struct heft_compact_layout *layout, struct heft_error *err)
{
	struct heft_compact_layout l = { .end = HEFT_DATA_START, .first_wrong = HEFT_NO_OFFSET };
	bool *is_laid = heft_zalloc_array(runs->n, sizeof *is_laid);
	enum heft_status st;

	if (!is_laid)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a list of runs");
	st = lay_runs(ix, runs, is_laid, &l, err);
	heft_free(is_laid);
	if (st != HEFT_OK)
		return st;
	lay_sections(ix, &l);
	*layout = l;
	return HEFT_OK;
}

uint64_t heft_compact_dead_bytes(const struct heft_index *ix,
                                 const struct heft_compact_layout *layout)
{
	const struct heft_page *page = heft_index_page(ix);
	const uint64_t committed_end = page->dir_off + page->dir_size;

	return committed_end > layout->end ? committed_end - layout->end : 0;
}

enum heft_status heft_index_dead_bytes(struct heft_index *ix, uint64_t *n, struct heft_error *err)
{
	struct heft_compact_layout layout;
	struct heft_runs runs;
	enum heft_status st;

	HEFT_TRY(heft_runs_init(ix, &runs, err));
	st = heft_compact_lay_out(ix, &runs, &layout, err);
	heft_runs_done(&runs);
	if (st == HEFT_OK)
		*n = heft_compact_dead_bytes(ix, &layout);
	return st;
}
