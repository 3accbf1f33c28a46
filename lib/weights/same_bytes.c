/* SPDX-License-Identifier: Apache-2.0 */
/* same_bytes.c - which tensors of a heft file share a run. */
#include "weights/same_bytes.h"

#include "base/alloc.h"
#include "base/error.h"
#include "container/runs.h"

static enum heft_status row_at(struct heft_index *ix, uint32_t i, struct heft_row *row,
                               struct heft_error *err)
{
	uint32_t row_i;

	HEFT_TRY(heft_index_row_at(ix, i, &row_i, err));
	return heft_index_row(ix, row_i, row, err);
}

/* The tables' check makes this of all rows with one first leaf; a trusted index says it itself. */
static bool is_same_run(const struct heft_row *a, const struct heft_row *b)
{
	return a->first_leaf == b->first_leaf && a->place == b->place &&
	       a->is_coded == b->is_coded && a->n_bytes == b->n_bytes && a->unit == b->unit;
}

/* `of_run` has the first tensor that is of each run; UINT32_MAX: none yet. */
static enum heft_status find_leaders(struct heft_index *ix, const struct heft_runs *runs,
                                     uint32_t first, uint32_t n, uint32_t *of_run, uint32_t *leader,
                                     struct heft_error *err)
{
	struct heft_row row;
	struct heft_row other;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t run_i;

		leader[i] = i;
		HEFT_TRY(row_at(ix, first + i, &row, err));
		run_i = row.n_bytes ? heft_runs_find(ix, runs, row.first_leaf) : runs->n;
		if (run_i == runs->n)
			continue;
		if (of_run[run_i] == UINT32_MAX) {
			of_run[run_i] = i;
			continue;
		}
		HEFT_TRY(row_at(ix, first + of_run[run_i], &other, err));
		if (is_same_run(&row, &other))
			leader[i] = of_run[run_i];
	}
	return HEFT_OK;
}

static enum heft_status find_in_index(struct heft_index *ix, uint32_t first, uint32_t n,
                                      uint32_t *leader, struct heft_error *err)
{
	struct heft_runs runs;
	uint32_t *of_run;
	enum heft_status st;

	HEFT_TRY(heft_runs_init(ix, &runs, err));
	of_run = heft_alloc_array(runs.n, sizeof *of_run);
	for (uint32_t i = 0; of_run && i < runs.n; i++)
		of_run[i] = UINT32_MAX;
	st = of_run ? find_leaders(ix, &runs, first, n, of_run, leader, err)
	            : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a list of runs");
	heft_free(of_run);
	heft_runs_done(&runs);
	return st;
}

enum heft_status heft_same_bytes(struct heft_file *file, uint32_t first, uint32_t n,
                                 uint32_t *leader, struct heft_error *err)
{
	struct heft_index *ix = heft_file_index(file);

	if (ix && n > 1)
		return find_in_index(ix, first, n, leader, err);
	for (uint32_t i = 0; i < n; i++)
		leader[i] = i;
	return HEFT_OK;
}
