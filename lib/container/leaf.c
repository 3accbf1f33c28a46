/* SPDX-License-Identifier: Apache-2.0 */
/* leaf.c - the stated leaves of a tensor's chunks, checked once against its root (spec/container.md
 * 4.3). */
#include "container/index_parts.h"

#include <string.h>

#include "base/error.h"
#include "codec/digest_tree.h"

/* A bit once set stays set, and what it stands for stays in memory: relaxed order will do for the
 * bit itself, as the pager orders what the leaves are. */
static bool is_root_ok(const struct heft_index *ix, uint32_t row_i)
{
	const unsigned char bits = atomic_load_explicit(&ix->roots_ok[row_i / 8],
	                                                memory_order_relaxed);

	return (bits >> row_i % 8 & 1) != 0;
}

static void set_root_ok(struct heft_index *ix, uint32_t row_i)
{
	atomic_fetch_or_explicit(&ix->roots_ok[row_i / 8], (unsigned char)(1u << row_i % 8),
	                         memory_order_relaxed);
}

enum heft_status heft_index_stated_leaf(struct heft_index *ix, const struct heft_row *row,
                                        uint64_t chunk_i, uint8_t *leaf, struct heft_error *err)
{
	const uint8_t *leaves;
	uint64_t n;

	HEFT_TRY(heft_pager_rows(&ix->leaves, row->first_leaf + chunk_i, &leaves, &n, err));
	memcpy(leaf, leaves, HEFT_LEAF_SIZE);
	return HEFT_OK;
}

static enum heft_status root_of_leaves(struct heft_index *ix, const struct heft_row *row,
                                       struct heft_sha256 *h, uint8_t *root, struct heft_error *err)
{
	struct heft_tree tree;
	const uint8_t *leaves;
	uint64_t n;

	heft_tree_init(&tree, HEFT_DOMAIN_NODE);
	for (uint64_t done = 0; done < row->n_chunks; done += n) {
		HEFT_TRY(heft_pager_rows(&ix->leaves, row->first_leaf + done, &leaves, &n, err));
		if (n > row->n_chunks - done)
			n = row->n_chunks - done;
		for (uint64_t i = 0; i < n; i++)
			heft_tree_add(&tree, h, leaves + i * HEFT_LEAF_SIZE);
	}
	heft_tree_root(&tree, h, root);
	return heft_sha256_check(h, err);
}

enum heft_status heft_index_check_root(struct heft_index *ix, uint32_t row_i,
                                       const struct heft_row *row, struct heft_sha256 *h,
                                       struct heft_error *err)
{
	uint8_t root[HEFT_SHA256_SIZE];

	if (is_root_ok(ix, row_i))
		return HEFT_OK;
	HEFT_TRY(root_of_leaves(ix, row, h, root, err));
	if (memcmp(root, row->root, sizeof root) != 0)
		return heft_fail(err, HEFT_E_CORRUPT,
		                 ix->leaves.off + row->first_leaf * HEFT_LEAF_SIZE,
		                 "the leaves of tensor '%.*s' do not match its root",
		                 (int)row->name_size, row->name);
	set_root_ok(ix, row_i);
	return HEFT_OK;
}

enum heft_status heft_index_leaf(struct heft_index *ix, uint32_t row_i, const struct heft_row *row,
                                 uint64_t chunk_i, struct heft_sha256 *h, uint8_t *leaf,
                                 struct heft_error *err)
{
	HEFT_TRY(heft_index_check_root(ix, row_i, row, h, err));
	return heft_index_stated_leaf(ix, row, chunk_i, leaf, err);
}
