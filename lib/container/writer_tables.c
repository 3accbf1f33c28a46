/* SPDX-License-Identifier: Apache-2.0 */
/* writer_tables.c - writes what follows the chunks of a new heft file: content sections, tables,
 * directory and slot page. Tables go to the sink row by row, so that none lies in memory. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"
#include "codec/crc32c.h"
#include "codec/digest_tree.h"
#include "container/origin.h"
#include "container/writer_state.h"
#include "tensor/dtype.h"

#define SECTION_ALIGNMENT 8

/* --- what the tables say --- */

static enum heft_status allocate(struct heft_container_writer *w, struct heft_error *err)
{
	HEFT_TRY(heft_sha256_new(&w->h, err));
	HEFT_TRY(heft_sha256_new(&w->table_h, err));
	HEFT_TRY(heft_coder_new(&w->coder, err));
	w->sorted = heft_alloc_array(w->n, sizeof *w->sorted);
	if (!w->sorted)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to sort tensors");
	return HEFT_OK;
}

/* A tie group is named by its first row (spec 4.1), a plan's by its first tensor in the plan. */
static enum heft_status number_rows(struct heft_container_writer *w, struct heft_error *err)
{
	HEFT_TRY(heft_listing_sort(w->tensors, w->sorted, err));
	for (uint32_t i = 0; i < w->n; i++)
		w->written[i].tie_row = UINT32_MAX;
	for (uint32_t row_i = 0; row_i < w->n; row_i++) {
		const uint32_t i = w->sorted[row_i];
		struct heft_written *group = &w->written[heft_listing_row(w->tensors, i)->tie];

		w->written[i].row = row_i;
		if (group->tie_row == UINT32_MAX)
			group->tie_row = row_i;
	}
	return HEFT_OK;
}

static uint32_t tie_row(const struct heft_container_writer *w, uint32_t i)
{
	return w->written[heft_listing_row(w->tensors, i)->tie].tie_row;
}

static void make_roots(struct heft_container_writer *w, const uint8_t *leaves,
                       const uint64_t *first_leaf)
{
	for (uint32_t i = 0; i < w->n; i++) {
		const struct heft_listed *row = heft_listing_row(w->tensors, i);
		uint8_t *root = w->written[i].root;

		if (row->n_bytes == 0)
			heft_tree_root_of(w->h, HEFT_DOMAIN_NODE, NULL, 0, root);
		else if (row->share == i)
			heft_tree_root_of(w->h, HEFT_DOMAIN_NODE,
			                  leaves + first_leaf[i] * HEFT_LEAF_SIZE,
			                  heft_listed_n_chunks(row), root);
		else
			memcpy(root, w->written[row->share].root, HEFT_SHA256_SIZE);
	}
}

static void digest_list(struct heft_container_writer *w, uint8_t *digest)
{
	uint8_t of_tensor[HEFT_SHA256_SIZE];

	heft_digest_list_begin(w->h, w->n);
	for (uint32_t i = 0; i < w->n; i++) {
		const struct heft_listed *row = heft_listing_row(w->tensors, i);

		heft_digest_tensor(w->table_h, row->dtype, row->rank,
		                   heft_listing_dims(w->tensors, i), row->n_bytes,
		                   w->written[i].root, of_tensor);
		heft_digest_list_add(w->h, row->space, tie_row(w, i),
		                     heft_listing_name(w->tensors, i), row->name_size, of_tensor);
	}
	heft_digest_list_end(w->h, digest);
}

/* --- content sections --- */

static enum heft_status append(struct heft_container_writer *w, const void *bytes, size_t n,
                               struct heft_error *err)
{
	HEFT_TRY(heft_sink_append(w->sink, bytes, n, err));
	w->end += n;
	return HEFT_OK;
}

static enum heft_status pad(struct heft_container_writer *w, struct heft_error *err)
{
	static const uint8_t zeros[SECTION_ALIGNMENT];

	return append(w, zeros, (size_t)(heft_align_up(w->end, SECTION_ALIGNMENT) - w->end), err);
}

static enum heft_status write_section(struct heft_container_writer *w,
                                      const struct heft_section_out *s, struct heft_error *err)
{
	struct heft_packed_section packed;
	enum heft_status st;
	size_t size;

	if (!heft_to_size(s->size, &size))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "a section is too large");
	HEFT_TRY(heft_section_pack(s->type, s->bytes, size, w->coder, w->h, &packed, err));
	st = pad(w, err);
	packed.row.off = w->end;
	if (st == HEFT_OK)
		st = append(w, packed.stored, (size_t)packed.row.stored_size, err);
	if (st == HEFT_OK)
		heft_directory_add(&w->directory, &packed.row);
	heft_packed_section_done(&packed);
	return st;
}

#define N_OWN 3 /* META, GRAPH, ORIGIN */

/* Written in ascending type, the plan's own (those without bytes are none) among those that are
 * carried. */
static enum heft_status write_sections(struct heft_container_writer *w,
                                       const struct heft_section_out *own, struct heft_error *err)
{
	const struct heft_section_out *carried = w->plan->sections;
	uint32_t carried_i = 0;

	for (int i = 0; i < N_OWN; i++) {
		if (own[i].size == 0)
			continue;
		while (carried_i < w->plan->n_sections && carried[carried_i].type < own[i].type)
			HEFT_TRY(write_section(w, &carried[carried_i++], err));
		HEFT_TRY(write_section(w, &own[i], err));
	}
	while (carried_i < w->plan->n_sections)
		HEFT_TRY(write_section(w, &carried[carried_i++], err));
	return HEFT_OK;
}

static void encode_origin(struct heft_container_writer *w, const struct heft_section_out *meta,
                          uint32_t *row_of, struct heft_buffer *b)
{
	uint8_t list_digest[HEFT_SHA256_SIZE];
	uint8_t meta_digest[HEFT_SHA256_SIZE] = { 0 };

	for (uint32_t i = 0; i < w->n; i++)
		row_of[i] = w->written[i].row;
	digest_list(w, list_digest);
	if (meta->size > 0)
		heft_digest_section(w->h, HEFT_SECTION_META, meta->bytes, (size_t)meta->size,
		                    meta_digest);
	heft_origin_encode(w->plan->origin, row_of, list_digest, meta_digest, b);
}

static enum heft_status make_origin(struct heft_container_writer *w,
                                    const struct heft_section_out *meta, struct heft_buffer *b,
                                    struct heft_error *err)
{
	uint32_t *row_of;

	if (!w->plan->origin || w->plan->origin->n_files == 0)
		return HEFT_OK;
	row_of = heft_alloc_array(w->n, sizeof *row_of);
	if (row_of)
		encode_origin(w, meta, row_of, b);
	heft_free(row_of);
	if (!row_of || !b->ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for the recipe of the source file");
	return HEFT_OK;
}

static enum heft_status write_content(struct heft_container_writer *w, struct heft_error *err)
{
	const char *text = w->plan->metadata;
	struct heft_section_out own[N_OWN] = {
		{ HEFT_SECTION_META, (const uint8_t *)text, text ? strlen(text) : 0 },
		{ HEFT_SECTION_GRAPH, w->plan->graph, w->plan->graph_size },
		{ HEFT_SECTION_ORIGIN, NULL, 0 },
	};
	struct heft_buffer b;
	enum heft_status st;

	heft_buffer_init(&b);
	st = make_origin(w, &own[0], &b, err);
	own[2].bytes = b.bytes;
	own[2].size = b.size;
	if (st == HEFT_OK)
		st = write_sections(w, own, err);
	heft_buffer_done(&b);
	return st;
}

/* --- tables --- */

/* A table on its way into the sink. Sticky: after a failure rows are passed over. */
struct table {
	struct heft_container_writer *w;
	struct heft_section section;
	enum heft_status st;
	struct heft_error *err;
};

static void table_begin(struct table *t, struct heft_container_writer *w, uint32_t type,
                        struct heft_error *err)
{
	*t = (struct table){ .w = w, .section.type = type, .err = err };
	t->st = pad(w, err);
	t->section.off = w->end;
	heft_sha256_begin(w->table_h);
	heft_sha256_add_u8(w->table_h, HEFT_DOMAIN_SECTION);
	heft_sha256_add_le32(w->table_h, type);
}

static void table_add(struct table *t, const void *bytes, size_t n)
{
	if (t->st != HEFT_OK)
		return;
	t->section.crc = heft_crc32c_add(t->section.crc, bytes, n);
	heft_sha256_add(t->w->table_h, bytes, n);
	t->st = append(t->w, bytes, n, t->err);
}

/* A table without rows is absent (spec R4-2). */
static enum heft_status table_end(struct table *t)
{
	t->section.size = t->w->end - t->section.off;
	t->section.stored_size = t->section.size;
	heft_sha256_end(t->w->table_h, t->section.digest);
	if (t->st == HEFT_OK && t->section.size > 0)
		heft_directory_add(&t->w->directory, &t->section);
	return t->st;
}

/* Tiling (spec R4.1-10): down the rows, each run that was not there yet follows the former. */
static void lay_runs(struct heft_container_writer *w)
{
	uint64_t n_leaves = 0;
	uint64_t n_extents = 0;

	for (uint32_t row_i = 0; row_i < w->n; row_i++) {
		const struct heft_listed *row = heft_listing_row(w->tensors, w->sorted[row_i]);
		struct heft_written *run = &w->written[row->share];

		if (row->n_bytes == 0 || run->first_leaf != UINT64_MAX)
			continue;
		run->first_leaf = n_leaves;
		n_leaves += heft_listed_n_chunks(row);
		if (run->is_coded) {
			run->first_extent = n_extents;
			n_extents += heft_listed_n_chunks(row);
		}
	}
}

/* The tensor that holds the run which begins at row `row_i`; NULL when none does. `n_leaves` are
 * those of the rows above. */
static const struct heft_listed *run_at(const struct heft_container_writer *w, uint32_t row_i,
                                        uint64_t n_leaves, const struct heft_written **run,
                                        uint32_t *i)
{
	const struct heft_listed *row = heft_listing_row(w->tensors, w->sorted[row_i]);

	*i = row->share;
	*run = &w->written[row->share];
	return row->n_bytes > 0 && (*run)->first_leaf == n_leaves ? row : NULL;
}

static void encode_row(const struct heft_container_writer *w, uint32_t i, uint32_t name_end,
                       uint32_t dims_end, uint8_t *bytes)
{
	const struct heft_listed *row = heft_listing_row(w->tensors, i);
	const struct heft_written *run = &w->written[row->share];

	memset(bytes, 0, HEFT_ROW_SIZE);
	heft_put_le32(bytes + HEFT_ROW_NAME_END, name_end);
	heft_put_le32(bytes + HEFT_ROW_DIMS_END, dims_end);
	heft_put_le16(bytes + HEFT_ROW_DTYPE, row->dtype);
	bytes[HEFT_ROW_SPACE] = row->space;
	heft_put_le32(bytes + HEFT_ROW_TIE, tie_row(w, i));
	heft_put_le64(bytes + HEFT_ROW_N_BYTES, row->n_bytes);
	memcpy(bytes + HEFT_ROW_ROOT, w->written[i].root, HEFT_SHA256_SIZE);
	heft_put_le32(bytes + HEFT_ROW_UNIT, row->unit);
	if (row->n_bytes == 0)
		return;
	bytes[HEFT_ROW_FLAGS] = run->is_coded ? HEFT_FLAG_CODED : 0;
	heft_put_le64(bytes + HEFT_ROW_FIRST_LEAF, run->first_leaf);
	heft_put_le64(bytes + HEFT_ROW_PLACE, run->is_coded ? run->first_extent : run->place);
}

static enum heft_status write_tensors(struct heft_container_writer *w, struct heft_error *err)
{
	uint8_t bytes[HEFT_ROW_SIZE];
	uint32_t name_end = 0;
	uint32_t dims_end = 0;
	struct table t;

	table_begin(&t, w, HEFT_SECTION_TENSORS, err);
	for (uint32_t row_i = 0; row_i < w->n; row_i++) {
		const struct heft_listed *row = heft_listing_row(w->tensors, w->sorted[row_i]);

		name_end += row->name_size;
		dims_end += row->rank;
		encode_row(w, w->sorted[row_i], name_end, dims_end, bytes);
		table_add(&t, bytes, sizeof bytes);
	}
	return table_end(&t);
}

static enum heft_status write_dims(struct heft_container_writer *w, struct heft_error *err)
{
	uint8_t bytes[HEFT_MAX_RANK * 8];
	struct table t;

	table_begin(&t, w, HEFT_SECTION_DIMS, err);
	for (uint32_t row_i = 0; row_i < w->n; row_i++) {
		const uint32_t i = w->sorted[row_i];
		const uint64_t *dims = heft_listing_dims(w->tensors, i);
		const uint8_t rank = heft_listing_row(w->tensors, i)->rank;

		for (uint8_t k = 0; k < rank; k++)
			heft_put_le64(bytes + k * 8, dims[k]);
		table_add(&t, bytes, rank * (size_t)8);
	}
	return table_end(&t);
}

static enum heft_status write_strings(struct heft_container_writer *w, struct heft_error *err)
{
	struct table t;

	table_begin(&t, w, HEFT_SECTION_STRINGS, err);
	for (uint32_t row_i = 0; row_i < w->n; row_i++) {
		const uint32_t i = w->sorted[row_i];

		table_add(&t, heft_listing_name(w->tensors, i),
		          heft_listing_row(w->tensors, i)->name_size);
	}
	return table_end(&t);
}

static enum heft_status write_order(struct heft_container_writer *w, struct heft_error *err)
{
	uint8_t bytes[4];
	struct table t;

	table_begin(&t, w, HEFT_SECTION_ORDER, err);
	for (uint32_t i = 0; i < w->n; i++) {
		heft_put_le32(bytes, w->written[i].row);
		table_add(&t, bytes, sizeof bytes);
	}
	return table_end(&t);
}

static enum heft_status write_leaves(struct heft_container_writer *w, const uint8_t *leaves,
                                     const uint64_t *first_leaf, struct heft_error *err)
{
	uint64_t n_leaves = 0;
	struct table t;

	table_begin(&t, w, HEFT_SECTION_LEAVES, err);
	for (uint32_t row_i = 0; row_i < w->n; row_i++) {
		const struct heft_written *run;
		uint32_t i;
		const struct heft_listed *row = run_at(w, row_i, n_leaves, &run, &i);

		if (!row)
			continue;
		n_leaves += heft_listed_n_chunks(row);
		table_add(&t, leaves + first_leaf[i] * HEFT_LEAF_SIZE,
		          (size_t)heft_listed_n_chunks(row) * HEFT_LEAF_SIZE);
	}
	return table_end(&t);
}

static void add_extents(struct table *t, const struct heft_extent *e, uint64_t n)
{
	uint8_t bytes[HEFT_EXTENT_SIZE];

	for (uint64_t i = 0; i < n; i++) {
		memset(bytes, 0, sizeof bytes);
		heft_put_le64(bytes + HEFT_EXTENT_OFF, e[i].off);
		heft_put_le32(bytes + HEFT_EXTENT_STORED, e[i].stored_size);
		bytes[HEFT_EXTENT_CODEC] = e[i].codec;
		heft_put_le32(bytes + HEFT_EXTENT_CRC, e[i].crc);
		table_add(t, bytes, sizeof bytes);
	}
}

static enum heft_status write_extents(struct heft_container_writer *w, struct heft_error *err)
{
	uint64_t n_leaves = 0;
	struct table t;

	table_begin(&t, w, HEFT_SECTION_EXTENTS, err);
	for (uint32_t row_i = 0; row_i < w->n; row_i++) {
		const struct heft_written *run;
		uint32_t i;
		const struct heft_listed *row = run_at(w, row_i, n_leaves, &run, &i);

		if (!row)
			continue;
		n_leaves += heft_listed_n_chunks(row);
		if (run->is_coded)
			add_extents(&t, w->extents + run->place, heft_listed_n_chunks(row));
	}
	return table_end(&t);
}

static enum heft_status write_tables(struct heft_container_writer *w, const uint8_t *leaves,
                                     const uint64_t *first_leaf, struct heft_error *err)
{
	lay_runs(w);
	HEFT_TRY(write_tensors(w, err));
	HEFT_TRY(write_dims(w, err));
	HEFT_TRY(write_strings(w, err));
	HEFT_TRY(write_order(w, err));
	HEFT_TRY(write_leaves(w, leaves, first_leaf, err));
	return write_extents(w, err);
}

/* --- the end --- */

static enum heft_status write_directory(struct heft_container_writer *w, struct heft_error *err)
{
	struct heft_page page = { .generation = 1, .log2_alignment = w->log2_alignment };
	uint8_t bytes[HEFT_PAGE_SIZE];

	HEFT_TRY(heft_directory_end(&w->directory, w->h, page.dir_digest, err));
	HEFT_TRY(pad(w, err));
	page.dir_off = w->end;
	page.dir_size = w->directory.bytes.size;
	HEFT_TRY(append(w, w->directory.bytes.bytes, w->directory.bytes.size, err));
	heft_page_encode(&page, w->h, bytes);
	HEFT_TRY(heft_sha256_check(w->h, err));
	HEFT_TRY(heft_sha256_check(w->table_h, err));
	return heft_sink_pwrite(w->sink, 0, bytes, sizeof bytes, err);
}

enum heft_status heft_container_finish_file(struct heft_container_writer *w, const uint8_t *leaves,
                                            const uint64_t *first_leaf, struct heft_error *err)
{
	HEFT_TRY(allocate(w, err));
	HEFT_TRY(number_rows(w, err));
	make_roots(w, leaves, first_leaf);
	HEFT_TRY(write_content(w, err));
	HEFT_TRY(write_tables(w, leaves, first_leaf, err));
	return write_directory(w, err);
}
