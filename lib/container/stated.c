/* SPDX-License-Identifier: Apache-2.0 */
/* stated.c - the digests that a file states, from its tables alone (spec/digest.md). */
#include "container/index_parts.h"

#include "base/error.h"
#include "codec/digest_tree.h"
#include "heft/version.h"

static const struct heft_other_roots no_others;

/* The root that holds for a row: the stated one, unless its run has another. */
static const uint8_t *root_of(const struct heft_other_roots *others, const struct heft_row *row)
{
	size_t low = 0;
	size_t high = row->n_bytes > 0 ? others->n : 0;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (others->roots[middle].first_leaf == row->first_leaf)
			return others->roots[middle].root;
		if (others->roots[middle].first_leaf < row->first_leaf)
			low = middle + 1;
		else
			high = middle;
	}
	return row->root;
}

static void tensor_digest(const struct heft_index *ix, const struct heft_row *row,
                          const struct heft_other_roots *others, struct heft_sha256 *h,
                          uint8_t *digest)
{
	uint64_t dims[HEFT_MAX_RANK];

	heft_index_dims(ix, row, dims);
	heft_digest_tensor(h, row->dtype, (uint8_t)row->rank, dims, row->n_bytes,
	                   root_of(others, row), digest);
}

enum heft_status heft_index_tensor_digest(struct heft_index *ix, uint32_t row_i,
                                          struct heft_sha256 *h, uint8_t *digest,
                                          struct heft_error *err)
{
	struct heft_row row;

	HEFT_TRY(heft_index_row(ix, row_i, &row, err));
	tensor_digest(ix, &row, &no_others, h, digest);
	return heft_sha256_check(h, err);
}

/* Rows of space `weights` come first, sorted by name. */
static enum heft_status weights_digest(struct heft_index *ix, const struct heft_other_roots *others,
                                       struct heft_sha256 *h, uint8_t *digest,
                                       struct heft_error *err)
{
	const uint32_t n = heft_index_n_tensors(ix);
	struct heft_tree tree;

	heft_tree_init(&tree, HEFT_DOMAIN_WEIGHTS_NODE);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t leaf[HEFT_SHA256_SIZE];
		uint8_t tensor[HEFT_SHA256_SIZE];
		struct heft_row row;

		HEFT_TRY(heft_index_row(ix, i, &row, err));
		if (row.space != HEFT_SPACE_WEIGHTS)
			break;
		tensor_digest(ix, &row, others, h, tensor);
		heft_digest_weights_leaf(h, row.name, row.name_size, tensor, leaf);
		heft_tree_add(&tree, h, leaf);
	}
	heft_tree_root(&tree, h, digest);
	return heft_sha256_check(h, err);
}

/* `list` is in the middle of its preimage all the while. */
static enum heft_status list_digest(struct heft_index *ix, const struct heft_other_roots *others,
                                    struct heft_sha256 *list, struct heft_sha256 *h,
                                    uint8_t *digest, struct heft_error *err)
{
	const uint32_t n = heft_index_n_tensors(ix);

	heft_digest_list_begin(list, n);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t tensor[HEFT_SHA256_SIZE];
		struct heft_row row;
		uint32_t row_i;

		HEFT_TRY(heft_index_row_at(ix, i, &row_i, err));
		HEFT_TRY(heft_index_row(ix, row_i, &row, err));
		tensor_digest(ix, &row, others, h, tensor);
		heft_digest_list_add(list, row.space, row.tie, row.name, row.name_size, tensor);
	}
	heft_digest_list_end(list, digest);
	HEFT_TRY(heft_sha256_check(h, err));
	return heft_sha256_check(list, err);
}

static void artifact_digest(const struct heft_index *ix, struct heft_sha256 *h,
                            const uint8_t *weights, const uint8_t *list, uint8_t *digest)
{
	const uint32_t n = heft_index_n_sections(ix);
	struct heft_section s;
	uint32_t n_content = 0;

	for (uint32_t i = 0; i < n; i++) {
		heft_index_section(ix, i, &s);
		n_content += (s.type & HEFT_TYPE_LAYOUT) == 0;
	}
	heft_digest_artifact_begin(h, HEFT_CONTAINER_MAJOR, weights, list, n_content);
	for (uint32_t i = 0; i < n; i++) {
		heft_index_section(ix, i, &s);
		if ((s.type & HEFT_TYPE_LAYOUT) == 0)
			heft_digest_artifact_add(h, s.type, s.size, s.digest);
	}
	heft_digest_artifact_end(h, digest);
}

/* Hashers for one question: a preimage that is being written, and the digests in it. */
struct hashers {
	struct heft_sha256 *outer;
	struct heft_sha256 *inner;
};

static void hashers_done(struct hashers *hs)
{
	heft_sha256_free(hs->inner);
	heft_sha256_free(hs->outer);
}

static enum heft_status hashers_init(struct hashers *hs, struct heft_error *err)
{
	enum heft_status st;

	*hs = (struct hashers){ .outer = NULL };
	st = heft_sha256_new(&hs->outer, err);
	if (st == HEFT_OK)
		st = heft_sha256_new(&hs->inner, err);
	if (st != HEFT_OK)
		hashers_done(hs);
	return st;
}

enum heft_status heft_index_weights_digest(struct heft_index *ix, uint8_t *digest,
                                           struct heft_error *err)
{
	struct heft_sha256 *h;
	enum heft_status st;

	HEFT_TRY(heft_sha256_new(&h, err));
	st = weights_digest(ix, &no_others, h, digest, err);
	heft_sha256_free(h);
	return st;
}

enum heft_status heft_index_list_digest(struct heft_index *ix, uint8_t *digest,
                                        struct heft_error *err)
{
	struct hashers hs;
	enum heft_status st;

	HEFT_TRY(hashers_init(&hs, err));
	st = list_digest(ix, &no_others, hs.outer, hs.inner, digest, err);
	hashers_done(&hs);
	return st;
}

enum heft_status heft_digests_with(struct heft_index *ix, const struct heft_other_roots *others,
                                   uint8_t *weights, uint8_t *artifact, struct heft_error *err)
{
	uint8_t list[HEFT_SHA256_SIZE];
	struct hashers hs;
	enum heft_status st;

	HEFT_TRY(hashers_init(&hs, err));
	st = weights_digest(ix, others, hs.inner, weights, err);
	if (st == HEFT_OK)
		st = list_digest(ix, others, hs.outer, hs.inner, list, err);
	if (st == HEFT_OK) {
		artifact_digest(ix, hs.outer, weights, list, artifact);
		st = heft_sha256_check(hs.outer, err);
	}
	hashers_done(&hs);
	return st;
}

enum heft_status heft_index_artifact_digest(struct heft_index *ix, uint8_t *digest,
                                            struct heft_error *err)
{
	uint8_t weights[HEFT_SHA256_SIZE];

	return heft_digests_with(ix, &no_others, weights, digest, err);
}
