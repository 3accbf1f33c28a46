/* SPDX-License-Identifier: Apache-2.0 */
/* update_tables.c - makes the tables of a generation whose tensors are others. No table lies in
 * memory: each is told twice, first to be hashed, and, when the file does not have it already, to
 * be written. */
#include "container/update_tables.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "codec/crc32c.h"
#include "codec/digest_tree.h"
#include "container/index_parts.h"

#define NONE UINT32_MAX

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for tables");
}

/* --- which tensors stay, in which rows --- */

static enum heft_status add_tensor(struct heft_new_tables *t, uint32_t row_i,
                                   struct heft_error *err)
{
	const struct heft_row_change *change = &t->changes->rows[row_i];
	uint64_t dims[HEFT_MAX_RANK];
	struct heft_row row;
	bool is_renamed;

	HEFT_TRY(heft_index_row(t->ix, row_i, &row, err));
	heft_index_dims(t->ix, &row, dims);
	is_renamed = change->name && (change->name_size != row.name_size ||
	                              memcmp(change->name, row.name, row.name_size) != 0);
	t->n_renamed += is_renamed;
	return heft_listing_add(t->tensors, is_renamed ? change->name : row.name,
	                        is_renamed ? change->name_size : row.name_size, dims,
	                        &(struct heft_listed){ .dtype = row.dtype,
	                                               .space = row.space,
	                                               .rank = (uint8_t)row.rank,
	                                               .n_bytes = row.n_bytes,
	                                               .unit = row.unit,
	                                               .data_off = row_i },
	                        HEFT_E_USAGE, HEFT_NO_OFFSET, err);
}

static enum heft_status add_tensors(struct heft_new_tables *t, struct heft_error *err)
{
	HEFT_TRY(heft_listing_new(&t->tensors, err));
	for (uint32_t i = 0; i < t->changes->n; i++) {
		uint32_t row_i;

		HEFT_TRY(heft_index_row_at(t->ix, i, &row_i, err));
		if (t->changes->rows[row_i].is_deleted)
			t->n_deleted++;
		else
			HEFT_TRY(add_tensor(t, row_i, err));
	}
	return HEFT_OK;
}

static enum heft_status allocate(struct heft_new_tables *t, struct heft_error *err)
{
	const uint32_t n = heft_listing_n(t->tensors);

	HEFT_TRY(heft_runs_init(t->ix, &t->runs, err));
	t->sorted = heft_alloc_array(n, sizeof *t->sorted);
	t->row_of = heft_alloc_array(n, sizeof *t->row_of);
	t->tie_row = heft_alloc_array(t->changes->n, sizeof *t->tie_row);
	t->laid = heft_alloc_array(t->runs.n, sizeof *t->laid);
	t->order = heft_alloc_array(t->runs.n, sizeof *t->order);
	if (!t->sorted || !t->row_of || !t->tie_row || !t->laid || !t->order)
		return no_memory(err);
	memset(t->tie_row, 0xff, t->changes->n * sizeof *t->tie_row);
	memset(t->laid, 0xff, t->runs.n * sizeof *t->laid);
	return heft_listing_sort(t->tensors, t->sorted, err);
}

/* The tensor in a new row, and the row that it had. */
static const struct heft_listed *listed_at(const struct heft_new_tables *t, uint32_t new_i,
                                           const struct heft_row_change **change)
{
	const struct heft_listed *listed = heft_listing_row(t->tensors, t->sorted[new_i]);

	*change = &t->changes->rows[listed->data_off];
	return listed;
}

/* The run of a row that is not empty. */
static uint32_t run_of(const struct heft_new_tables *t, uint32_t row_i)
{
	return heft_runs_find(t->ix, &t->runs,
	                      heft_table_u64(&t->ix->tensors, row_i, HEFT_ROW_FIRST_LEAF));
}

/* Tiling (spec R4.1-10), and groups by their first rows (spec 4.1). */
static enum heft_status number_rows(struct heft_new_tables *t, struct heft_error *err)
{
	uint64_t n_leaves = 0;
	uint64_t n_extents = 0;
	uint64_t names_size = 0;

	for (uint32_t i = 0; i < heft_listing_n(t->tensors); i++) {
		const struct heft_row_change *change;
		const struct heft_listed *listed = listed_at(t, i, &change);
		struct heft_row run;
		uint32_t run_i;

		t->row_of[t->sorted[i]] = i;
		names_size += listed->name_size;
		if (t->tie_row[change->group] == NONE)
			t->tie_row[change->group] = i;
		if (listed->n_bytes == 0)
			continue;
		run_i = run_of(t, change->run);
		if (t->laid[run_i].first_leaf != UINT64_MAX)
			continue;
		HEFT_TRY(heft_index_row(t->ix, change->run, &run, err));
		t->order[t->n_laid++] = run_i;
		t->laid[run_i] = (struct heft_laid_run){ n_leaves, n_extents };
		n_leaves += run.n_chunks;
		n_extents += run.is_coded ? run.n_chunks : 0;
	}
	if (names_size > UINT32_MAX)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the names together have 2^32 bytes or more");
	return HEFT_OK;
}

/* --- the tables, row by row --- */

/* Where tables go. */
struct way {
	heft_take_fn *take;
	void *ctx;
};

static enum heft_status pass_on(const struct way *way, const void *bytes, size_t n,
                                struct heft_error *err)
{
	return n > 0 ? way->take(way->ctx, bytes, n, err) : HEFT_OK;
}

static const uint8_t *old_row(const struct heft_new_tables *t, uint64_t row_i)
{
	return t->ix->tensors.bytes + row_i * HEFT_ROW_SIZE;
}

/* All that is not said here stays: dtype, space, byte length, root, unit. */
static void encode_row(const struct heft_new_tables *t, uint32_t new_i, uint32_t name_end,
                       uint32_t dims_end, uint8_t *bytes)
{
	const struct heft_row_change *change;
	const struct heft_listed *listed = listed_at(t, new_i, &change);
	const uint8_t *run = old_row(t, change->run);
	const struct heft_laid_run *laid;

	memcpy(bytes, old_row(t, listed->data_off), HEFT_ROW_SIZE);
	heft_put_le32(bytes + HEFT_ROW_NAME_END, name_end);
	heft_put_le32(bytes + HEFT_ROW_DIMS_END, dims_end);
	heft_put_le32(bytes + HEFT_ROW_TIE, t->tie_row[change->group]);
	if (listed->n_bytes == 0)
		return;
	laid = &t->laid[run_of(t, change->run)];
	bytes[HEFT_ROW_FLAGS] = run[HEFT_ROW_FLAGS];
	heft_put_le64(bytes + HEFT_ROW_FIRST_LEAF, laid->first_leaf);
	if (run[HEFT_ROW_FLAGS] & HEFT_FLAG_CODED)
		heft_put_le64(bytes + HEFT_ROW_PLACE, laid->first_extent);
	else
		memcpy(bytes + HEFT_ROW_PLACE, run + HEFT_ROW_PLACE, 8);
}

static enum heft_status tell_tensors(struct heft_new_tables *t, const struct way *way,
                                     struct heft_error *err)
{
	uint8_t bytes[HEFT_ROW_SIZE];
	uint32_t name_end = 0;
	uint32_t dims_end = 0;

	for (uint32_t i = 0; i < heft_listing_n(t->tensors); i++) {
		const struct heft_listed *listed = heft_listing_row(t->tensors, t->sorted[i]);

		name_end += listed->name_size;
		dims_end += listed->rank;
		encode_row(t, i, name_end, dims_end, bytes);
		HEFT_TRY(pass_on(way, bytes, sizeof bytes, err));
	}
	return HEFT_OK;
}

static enum heft_status tell_dims(struct heft_new_tables *t, const struct way *way,
                                  struct heft_error *err)
{
	uint8_t bytes[HEFT_MAX_RANK * 8];

	for (uint32_t i = 0; i < heft_listing_n(t->tensors); i++) {
		const uint64_t *dims = heft_listing_dims(t->tensors, t->sorted[i]);
		const uint8_t rank = heft_listing_row(t->tensors, t->sorted[i])->rank;

		for (uint8_t k = 0; k < rank; k++)
			heft_put_le64(bytes + k * 8, dims[k]);
		HEFT_TRY(pass_on(way, bytes, rank * (size_t)8, err));
	}
	return HEFT_OK;
}

static enum heft_status tell_strings(struct heft_new_tables *t, const struct way *way,
                                     struct heft_error *err)
{
	for (uint32_t i = 0; i < heft_listing_n(t->tensors); i++)
		HEFT_TRY(pass_on(way, heft_listing_name(t->tensors, t->sorted[i]),
		                 heft_listing_row(t->tensors, t->sorted[i])->name_size, err));
	return HEFT_OK;
}

static enum heft_status tell_order(struct heft_new_tables *t, const struct way *way,
                                   struct heft_error *err)
{
	uint8_t bytes[4];

	for (uint32_t i = 0; i < heft_listing_n(t->tensors); i++) {
		heft_put_le32(bytes, t->row_of[i]);
		HEFT_TRY(pass_on(way, bytes, sizeof bytes, err));
	}
	return HEFT_OK;
}

/* Rows of LEAVES or EXTENTS, as the file has them. */
static enum heft_status tell_rows(struct heft_pager *table, uint64_t first, uint64_t n,
                                  const struct way *way, struct heft_error *err)
{
	while (n > 0) {
		const uint8_t *rows;
		uint64_t n_here;

		HEFT_TRY(heft_pager_rows(table, first, &rows, &n_here, err));
		if (n_here > n)
			n_here = n;
		HEFT_TRY(pass_on(way, rows, (size_t)n_here * table->row_size, err));
		first += n_here;
		n -= n_here;
	}
	return HEFT_OK;
}

static enum heft_status tell_leaves(struct heft_new_tables *t, const struct way *way,
                                    struct heft_error *err)
{
	for (uint32_t i = 0; i < t->n_laid; i++) {
		struct heft_row run;

		HEFT_TRY(heft_index_row(t->ix, t->runs.rows[t->order[i]], &run, err));
		HEFT_TRY(tell_rows(&t->ix->leaves, run.first_leaf, run.n_chunks, way, err));
	}
	return HEFT_OK;
}

static enum heft_status tell_extents(struct heft_new_tables *t, const struct way *way,
                                     struct heft_error *err)
{
	for (uint32_t i = 0; i < t->n_laid; i++) {
		struct heft_row run;

		HEFT_TRY(heft_index_row(t->ix, t->runs.rows[t->order[i]], &run, err));
		if (run.is_coded)
			HEFT_TRY(tell_rows(&t->ix->extents, run.place, run.n_chunks, way, err));
	}
	return HEFT_OK;
}

static const struct {
	uint32_t type;
	bool is_carried_over; /* in parts, from a table that is not checked when a file is opened */
	enum heft_status (*tell)(struct heft_new_tables *t, const struct way *way,
	                         struct heft_error *err);
} tables[HEFT_N_TABLES] = {
	{ HEFT_SECTION_TENSORS, false, tell_tensors }, { HEFT_SECTION_DIMS, false, tell_dims },
	{ HEFT_SECTION_STRINGS, false, tell_strings }, { HEFT_SECTION_ORDER, false, tell_order },
	{ HEFT_SECTION_LEAVES, true, tell_leaves },    { HEFT_SECTION_EXTENTS, true, tell_extents },
};

enum heft_status heft_new_tables_tell(struct heft_new_tables *t, size_t table_i, heft_take_fn *take,
                                      void *ctx, struct heft_error *err)
{
	return tables[table_i].tell(t, &(struct way){ take, ctx }, err);
}

/* --- their sections --- */

struct hashing {
	struct heft_sha256 *h;
	struct heft_section *section;
};

static enum heft_status hash(void *ctx, const void *bytes, size_t n, struct heft_error *err)
{
	struct hashing *hashing = ctx;

	(void)err;
	hashing->section->crc = heft_crc32c_add(hashing->section->crc, bytes, n);
	hashing->section->size += n;
	heft_sha256_add(hashing->h, bytes, n);
	return HEFT_OK;
}

/* A table that the file has already is not written again. One of which parts go into a new one is
 * checked first: damage must not get a digest of its own. */
static enum heft_status compare_with_old(struct heft_new_tables *t, size_t table_i,
                                         struct heft_sha256 *h, struct heft_error *err)
{
	struct heft_section *s = &t->sections[table_i];
	struct heft_section old = { .size = 0 };
	const bool was_there = heft_index_find_section(t->ix, s->type, &old);
	const bool is_same = old.size == s->size &&
	                     memcmp(old.digest, s->digest, sizeof old.digest) == 0;

	if (was_there && is_same) {
		*s = old;
		return HEFT_OK;
	}
	if (!was_there && s->size == 0)
		return HEFT_OK;
	t->is_new[table_i] = s->size > 0;
	t->is_changed = true;
	if (was_there && s->size > 0 && tables[table_i].is_carried_over)
		return heft_section_load(t->ix, &old, h, NULL, err);
	return HEFT_OK;
}

static enum heft_status make_section(struct heft_new_tables *t, size_t table_i,
                                     struct heft_sha256 *h, struct heft_error *err)
{
	struct heft_section *s = &t->sections[table_i];
	struct hashing hashing = { h, s };

	*s = (struct heft_section){ .type = tables[table_i].type };
	heft_sha256_begin(h);
	heft_sha256_add_u8(h, HEFT_DOMAIN_SECTION);
	heft_sha256_add_le32(h, s->type);
	HEFT_TRY(heft_new_tables_tell(t, table_i, hash, &hashing, err));
	heft_sha256_end(h, s->digest);
	HEFT_TRY(heft_sha256_check(h, err));
	s->stored_size = s->size;
	return compare_with_old(t, table_i, h, err);
}

enum heft_status heft_new_tables_init(struct heft_new_tables *t,
                                      const struct heft_row_changes *changes, struct heft_sha256 *h,
                                      struct heft_error *err)
{
	t->ix = changes->ix;
	t->changes = changes;
	HEFT_TRY(add_tensors(t, err));
	HEFT_TRY(allocate(t, err));
	HEFT_TRY(number_rows(t, err));
	for (size_t i = 0; i < HEFT_N_TABLES; i++)
		HEFT_TRY(make_section(t, i, h, err));
	return HEFT_OK;
}

void heft_new_tables_done(struct heft_new_tables *t)
{
	heft_free(t->order);
	heft_free(t->laid);
	heft_free(t->tie_row);
	heft_free(t->row_of);
	heft_free(t->sorted);
	heft_runs_done(&t->runs);
	heft_listing_free(t->tensors);
	*t = (struct heft_new_tables){ .is_changed = false };
}
