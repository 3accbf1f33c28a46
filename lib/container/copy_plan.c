/* SPDX-License-Identifier: Apache-2.0 */
/* copy_plan.c - turns an open generation into a writer's plan: tensors in the source's order, ties
 * and sharing, content sections. */
#include "container/copy_plan.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "container/content.h"
#include "container/runs.h"
#include "tensor/dtype.h"

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to copy the file");
}

/* --- tensors --- */

/* In rows of TENSORS a run and a tie group are named by their first row; in a plan by their first
 * tensor in the source's order. */
struct relations {
	struct heft_runs runs;
	uint32_t *run_first; /* of a run: the first tensor of the plan, or NONE */
	uint32_t *tie_first; /* of a tie group's first row: the same */
};

#define NONE UINT32_MAX

static enum heft_status relations_init(struct relations *r, struct heft_index *ix,
                                       struct heft_error *err)
{
	const uint32_t n = heft_index_n_tensors(ix);

	*r = (struct relations){ .run_first = NULL };
	HEFT_TRY(heft_runs_init(ix, &r->runs, err));
	r->run_first = heft_alloc_array(r->runs.n, sizeof *r->run_first);
	r->tie_first = heft_alloc_array(n, sizeof *r->tie_first);
	if (!r->run_first || !r->tie_first)
		return no_memory(err);
	memset(r->run_first, 0xff, r->runs.n * sizeof *r->run_first);
	memset(r->tie_first, 0xff, n * sizeof *r->tie_first);
	return HEFT_OK;
}

static void relations_done(struct relations *r)
{
	heft_free(r->tie_first);
	heft_free(r->run_first);
	heft_runs_done(&r->runs);
}

/* The first tensor of the plan that named this; it is `i` itself when there was none. */
static uint32_t first_of(uint32_t *first, uint32_t i)
{
	if (*first == NONE)
		*first = i;
	return *first;
}

static enum heft_status add_tensor(struct heft_copy_plan *p, struct heft_index *ix,
                                   struct relations *r, uint32_t i, struct heft_error *err)
{
	uint64_t dims[HEFT_MAX_RANK];
	struct heft_listed *listed;
	struct heft_row row;
	uint32_t row_i;

	HEFT_TRY(heft_index_row_at(ix, i, &row_i, err));
	HEFT_TRY(heft_index_row(ix, row_i, &row, err));
	heft_index_dims(ix, &row, dims);
	HEFT_TRY(heft_listing_add(p->tensors, row.name, row.name_size, dims,
	                          &(struct heft_listed){ .dtype = row.dtype,
	                                                 .space = row.space,
	                                                 .rank = (uint8_t)row.rank,
	                                                 .n_bytes = row.n_bytes,
	                                                 .unit = row.unit,
	                                                 .data_off = row_i },
	                          HEFT_E_CORRUPT, HEFT_NO_OFFSET, err));
	listed = heft_listing_row_mut(p->tensors, i);
	listed->tie = first_of(&r->tie_first[row.tie], i);
	listed->share = listed->tie; /* of an empty tensor, which has no run */
	if (row.n_bytes > 0)
		listed->share =
			first_of(&r->run_first[heft_runs_find(ix, &r->runs, row.first_leaf)], i);
	p->is_coded[i] = row.is_coded;
	p->first_leaf[i] = p->n_leaves;
	if (listed->share == i) {
		p->n_leaves += row.n_chunks;
		p->n_bytes += row.n_bytes;
	}
	return HEFT_OK;
}

static enum heft_status add_tensors(struct heft_copy_plan *p, struct heft_index *ix,
                                    struct heft_error *err)
{
	const uint32_t n = heft_index_n_tensors(ix);
	struct relations r;
	enum heft_status st = relations_init(&r, ix, err);

	for (uint32_t i = 0; st == HEFT_OK && i < n; i++)
		st = add_tensor(p, ix, &r, i, err);
	relations_done(&r);
	return st;
}

/* --- groups --- */

uint32_t heft_copy_plan_next(const struct heft_copy_plan *p, uint32_t i)
{
	const uint32_t n = heft_listing_n(p->tensors);

	for (; i < n; i++) {
		const struct heft_listed *row = heft_listing_row(p->tensors, i);

		if (row->share == i && row->n_bytes > 0)
			break;
	}
	return i;
}

/* One group more, of chunks from *chunk_i of tensor *i on, which move behind it. With `group` NULL
 * it is only counted. */
static void cut_group(const struct heft_copy_plan *p, uint32_t *i, uint64_t *chunk_i,
                      struct heft_copy_group *group)
{
	struct heft_copy_group g = { .chunk_i = *chunk_i, .tensor_i = *i };
	uint64_t n_bytes = 0;

	while (*i < heft_listing_n(p->tensors) && g.n_chunks < HEFT_COPY_GROUP_CHUNKS) {
		const struct heft_listed *row = heft_listing_row(p->tensors, *i);
		const uint32_t chunk_size = heft_chunk_size(row->unit);
		const uint64_t left = row->n_bytes - *chunk_i * chunk_size;
		const uint64_t n = left < chunk_size ? left : chunk_size;

		if (n_bytes + n > HEFT_CHUNK_MAX)
			break;
		n_bytes += n;
		g.n_chunks++;
		(*chunk_i)++;
		if (n == left) {
			*i = heft_copy_plan_next(p, *i + 1);
			*chunk_i = 0;
		}
	}
	if (group)
		*group = g;
}

static uint64_t cut_groups(const struct heft_copy_plan *p, struct heft_copy_group *groups)
{
	uint32_t i = heft_copy_plan_next(p, 0);
	uint64_t chunk_i = 0;
	uint64_t n = 0;

	while (i < heft_listing_n(p->tensors)) {
		cut_group(p, &i, &chunk_i, groups ? &groups[n] : NULL);
		n++;
	}
	return n;
}

static enum heft_status make_groups(struct heft_copy_plan *p, struct heft_error *err)
{
	p->n_groups = cut_groups(p, NULL);
	p->groups = heft_alloc_array((size_t)p->n_groups, sizeof *p->groups);
	if (!p->groups)
		return no_memory(err);
	cut_groups(p, p->groups);
	return HEFT_OK;
}

/* --- sections --- */

/* Content sections are carried, META and ORIGIN as they are too: the rows that ORIGIN names stay
 * where they are. Unknown layout sections are dropped (spec R8.2-3). */
static enum heft_status add_sections(struct heft_copy_plan *p, struct heft_index *ix,
                                     struct heft_error *err)
{
	for (uint32_t i = 0; i < heft_index_n_sections(ix); i++) {
		struct heft_large_bytes *bytes = &p->contents[p->write.n_sections];
		struct heft_section s;

		heft_index_section(ix, i, &s);
		if (s.type & HEFT_TYPE_LAYOUT)
			continue;
		HEFT_TRY(heft_index_read_large(ix, &s,
		                               s.type == HEFT_SECTION_META ? HEFT_META_MAX
		                                                           : UINT64_MAX,
		                               NULL, bytes, err));
		p->sections[p->write.n_sections++] = (struct heft_section_out){ s.type,
			                                                        bytes->bytes,
			                                                        s.size };
		HEFT_TRY(heft_content_check(ix, &s, bytes->bytes, err));
	}
	return HEFT_OK;
}

/* --- the plan --- */

enum heft_status heft_copy_plan_init(struct heft_copy_plan *p, struct heft_index *ix,
                                     struct heft_error *err)
{
	const uint32_t n = heft_index_n_tensors(ix);

	HEFT_TRY(heft_listing_new(&p->tensors, err));
	p->is_coded = heft_zalloc_array(n, sizeof *p->is_coded);
	p->first_leaf = heft_alloc_array(n, sizeof *p->first_leaf);
	p->sections = heft_alloc_array(heft_index_n_sections(ix), sizeof *p->sections);
	p->contents = heft_zalloc_array(heft_index_n_sections(ix), sizeof *p->contents);
	if (!p->is_coded || !p->first_leaf || !p->sections || !p->contents)
		return no_memory(err);
	p->write.tensors = p->tensors;
	p->write.is_coded = p->is_coded;
	p->write.sections = p->sections;
	p->write.options.alignment = UINT32_C(1) << heft_index_page(ix)->log2_alignment;
	HEFT_TRY(add_tensors(p, ix, err));
	HEFT_TRY(make_groups(p, err));
	return add_sections(p, ix, err);
}

void heft_copy_plan_done(struct heft_copy_plan *p)
{
	for (uint32_t i = 0; i < p->write.n_sections; i++)
		heft_large_bytes_done(&p->contents[i]);
	heft_free(p->contents);
	heft_free(p->groups);
	heft_free(p->sections);
	heft_free(p->first_leaf);
	heft_free(p->is_coded);
	heft_listing_free(p->tensors);
}
