/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack_tables.c - the tables of a generation that a text states, with the fields that it
 * sets by hand put in before anything is computed from them. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "codec/digest_tree.h"
#include "container/layout.h"
#include "container/pack_model.h"
#include "tensor/dtype.h"

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to assemble the file");
}

/* --- rows --- */

/* By space, then name; equal ones, which break a rule, as they stand in the text. */
static int compare_tensors(const void *a, const void *b)
{
	const struct heft_pack_tensor *x = *(const struct heft_pack_tensor *const *)a;
	const struct heft_pack_tensor *y = *(const struct heft_pack_tensor *const *)b;
	const size_t n = x->name_size < y->name_size ? x->name_size : y->name_size;
	int order;

	if (x->space != y->space)
		return x->space < y->space ? -1 : 1;
	order = n > 0 ? memcmp(x->name, y->name, n) : 0;
	if (order != 0)
		return order;
	if (x->name_size != y->name_size)
		return x->name_size < y->name_size ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Fills the tensors in the order of TENSORS, and each one's row. */
static enum heft_status sort_rows(struct heft_pack_tables *b, struct heft_error *err)
{
	struct heft_packer *p = b->p;

	b->by_row = heft_alloc_array(p->n_tensors, sizeof *b->by_row);
	if (!b->by_row)
		return no_memory(err);
	for (size_t i = 0; i < p->n_tensors; i++)
		b->by_row[i] = &p->tensors[i];
	if (p->n_tensors > 1)
		qsort(b->by_row, p->n_tensors, sizeof *b->by_row, compare_tensors);
	for (size_t i = 0; i < p->n_tensors; i++)
		p->tensors[b->by_row[i] - p->tensors].row = (uint32_t)i;
	return HEFT_OK;
}

/* --- leaves and extents: runs in the order of their first row --- */

static void add_extents(struct heft_pack_tables *b, const struct heft_pack_run *run)
{
	struct heft_buffer *t = &b->table[HEFT_PACK_EXTENTS];

	for (size_t i = 0; i < run->n_chunks; i++) {
		const struct heft_pack_chunk *c = &run->chunks[i];

		heft_buffer_add_le64(t, c->off);
		heft_buffer_add_le32(t, (uint32_t)c->stored.size);
		heft_buffer_add_u8(t, c->codec);
		heft_buffer_add_zeros(t, 3);
		heft_buffer_add_le32(t, c->crc);
		heft_buffer_add_le32(t, 0);
	}
}

static enum heft_status add_runs(struct heft_pack_tables *b, struct heft_error *err)
{
	struct heft_packer *p = b->p;
	struct heft_buffer *leaves = &b->table[HEFT_PACK_LEAVES];
	struct heft_buffer *extents = &b->table[HEFT_PACK_EXTENTS];

	for (size_t i = 0; i < p->n_runs; i++)
		p->runs[i].first_leaf = UINT64_MAX;
	for (size_t i = 0; i < p->n_tensors; i++) {
		struct heft_pack_run *run = &p->runs[b->by_row[i]->run];

		if (run->logical.size == 0 || run->first_leaf != UINT64_MAX)
			continue;
		run->first_leaf = leaves->size / HEFT_LEAF_SIZE;
		run->first_extent = extents->size / HEFT_EXTENT_SIZE;
		heft_buffer_add(leaves, run->leaves.bytes, run->leaves.size);
		if (run->is_coded)
			add_extents(b, run);
	}
	if (!leaves->ok || !extents->ok)
		return no_memory(err);
	HEFT_TRY(heft_pack_apply_sets(p, HEFT_PACK_LEAVES, leaves->bytes, HEFT_LEAF_SIZE,
	                              leaves->size / HEFT_LEAF_SIZE, err));
	HEFT_TRY(heft_pack_apply_sets(p, HEFT_PACK_EXTENTS, extents->bytes, HEFT_EXTENT_SIZE,
	                              extents->size / HEFT_EXTENT_SIZE, err));
	for (size_t i = 0; i < p->n_runs; i++) {
		struct heft_pack_run *run = &p->runs[i];

		if (run->first_leaf != UINT64_MAX)
			heft_tree_root_of(p->hash, HEFT_DOMAIN_NODE,
			                  leaves->bytes + run->first_leaf * HEFT_LEAF_SIZE,
			                  run->n_leaves, run->root);
	}
	return HEFT_OK;
}

/* --- TENSORS, STRINGS, DIMS, ORDER --- */

static void root_of(struct heft_pack_tables *b, const struct heft_pack_tensor *t, uint8_t *root)
{
	const struct heft_pack_run *run = &b->p->runs[t->run];

	if (run->logical.size > 0)
		memcpy(root, run->root, HEFT_SHA256_SIZE);
	else
		heft_tree_root_of(b->p->hash, HEFT_DOMAIN_NODE, NULL, 0, root);
}

static void add_row(struct heft_pack_tables *b, const struct heft_pack_tensor *t)
{
	const struct heft_pack_run *run = &b->p->runs[t->run];
	const bool is_empty = run->logical.size == 0;
	struct heft_buffer *rows = &b->table[HEFT_PACK_TENSORS];
	struct heft_buffer *dims = &b->table[HEFT_PACK_DIMS];
	uint8_t root[HEFT_SHA256_SIZE];

	heft_buffer_add(&b->table[HEFT_PACK_STRINGS], t->name, t->name_size);
	for (uint32_t i = 0; i < t->rank; i++)
		heft_buffer_add_le64(dims, t->dims[i]);
	root_of(b, t, root);
	heft_buffer_add_le32(rows, (uint32_t)b->table[HEFT_PACK_STRINGS].size);
	heft_buffer_add_le32(rows, (uint32_t)(dims->size / 8));
	heft_buffer_add_le16(rows, t->dtype);
	heft_buffer_add_u8(rows, t->space);
	heft_buffer_add_u8(rows, !is_empty && run->is_coded ? HEFT_FLAG_CODED : 0);
	heft_buffer_add_le32(rows, t->tie_row);
	heft_buffer_add_le64(rows, t->n_bytes);
	heft_buffer_add_le64(rows, is_empty ? 0 : run->first_leaf);
	heft_buffer_add_le64(rows, is_empty ? 0 : run->is_coded ? run->first_extent : run->place);
	heft_buffer_add(rows, root, sizeof root);
	heft_buffer_add_le32(rows, 0);
	heft_buffer_add_le32(rows, t->unit);
}

static enum heft_status add_rows(struct heft_pack_tables *b, struct heft_error *err)
{
	static const struct {
		enum heft_pack_table table;
		size_t row_size;
	} by_hand[] = {
		{ HEFT_PACK_TENSORS, HEFT_ROW_SIZE },
		{ HEFT_PACK_DIMS, 8 },
		{ HEFT_PACK_STRINGS, 1 },
		{ HEFT_PACK_ORDER, 4 },
	};
	struct heft_packer *p = b->p;

	for (size_t i = 0; i < p->n_tensors; i++) {
		add_row(b, b->by_row[i]);
		heft_buffer_add_le32(&b->table[HEFT_PACK_ORDER], p->tensors[i].row);
	}
	for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
		struct heft_buffer *t = &b->table[by_hand[i].table];

		if (!t->ok)
			return no_memory(err);
		HEFT_TRY(heft_pack_apply_sets(p, by_hand[i].table, t->bytes, by_hand[i].row_size,
		                              t->size / by_hand[i].row_size, err));
	}
	return HEFT_OK;
}

/* The digest of the list of tensors (spec/digest.md), for a recipe. */
enum heft_status heft_pack_list_digest(struct heft_pack_tables *b, uint8_t *digest,
                                       struct heft_error *err)
{
	struct heft_packer *p = b->p;
	uint8_t *digests = heft_alloc_array(p->n_tensors, HEFT_SHA256_SIZE);

	if (!digests)
		return no_memory(err);
	for (size_t i = 0; i < p->n_tensors; i++) {
		const struct heft_pack_tensor *t = &p->tensors[i];
		uint8_t root[HEFT_SHA256_SIZE];

		root_of(b, t, root);
		heft_digest_tensor(p->hash, t->dtype, (uint8_t)t->rank, t->dims, t->n_bytes, root,
		                   digests + i * HEFT_SHA256_SIZE);
	}
	heft_digest_list_begin(p->hash, p->n_tensors);
	for (size_t i = 0; i < p->n_tensors; i++) {
		const struct heft_pack_tensor *t = &p->tensors[i];

		heft_digest_list_add(p->hash, t->space, t->tie_row, t->name, (uint32_t)t->name_size,
		                     digests + i * HEFT_SHA256_SIZE);
	}
	heft_digest_list_end(p->hash, digest);
	heft_free(digests);
	return HEFT_OK;
}

void heft_pack_tables_done(struct heft_pack_tables *b)
{
	heft_free(b->by_row);
	for (size_t i = 0; i < HEFT_PACK_N_TABLES; i++)
		heft_buffer_done(&b->table[i]);
}

enum heft_status heft_pack_tables_init(struct heft_pack_tables *b, struct heft_packer *p,
                                       struct heft_error *err)
{
	*b = (struct heft_pack_tables){ .p = p };
	for (size_t i = 0; i < HEFT_PACK_N_TABLES; i++)
		heft_buffer_init(&b->table[i]);
	HEFT_TRY(sort_rows(b, err));
	HEFT_TRY(heft_pack_place_runs(p, err));
	HEFT_TRY(add_runs(b, err));
	HEFT_TRY(add_rows(b, err));
	return heft_sha256_check(p->hash, err);
}
