/* SPDX-License-Identifier: Apache-2.0 */
/* trainer_digest.c - the weights digest of a model while it is trained. Written from
 * spec/digest.md: only what is trained is hashed again. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "codec/digest_tree.h"
#include "heft/digest.h"
#include "tensor/dtype.h"
#include "train/trainer_state.h"
#include "weights/weights_tree.h"

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a digest");
}

/* The leaves of one tensor: two chunks at a time. */
static void hash_tensor(struct heft_sha256 *h, const struct heft_trained *row, uint8_t *digest)
{
	const struct heft_tensor *tensor = &row->tensor;
	const uint64_t chunk = heft_chunk_size(heft_dtype_describe(tensor->dtype)->n_bytes);
	uint8_t leaves[2][HEFT_SHA256_SIZE];
	struct heft_tree tree;
	uint8_t root[HEFT_SHA256_SIZE];

	heft_tree_init(&tree, HEFT_DOMAIN_NODE);
	for (uint64_t off = 0; off < tensor->n_bytes; off += 2 * chunk) {
		struct heft_sha256_input inputs[2];
		size_t n = 0;

		for (uint64_t at = off; n < 2 && at < tensor->n_bytes; at += chunk, n++)
			inputs[n] = (struct heft_sha256_input){
				.bytes = (const uint8_t *)row->values + at,
				.n = (size_t)(tensor->n_bytes - at < chunk ? tensor->n_bytes - at
				                                           : chunk),
				.digest = leaves[n],
			};
		heft_digest_leaves(h, inputs, n);
		for (size_t k = 0; k < n; k++)
			heft_tree_add(&tree, h, leaves[k]);
	}
	heft_tree_root(&tree, h, root);
	heft_digest_tensor(h, (uint16_t)tensor->dtype, (uint8_t)tensor->rank, tensor->dims,
	                   tensor->n_bytes, root, digest);
}

static enum heft_status root_of(struct heft_trainer *t, uint8_t *digest, struct heft_error *err)
{
	const uint32_t n = heft_n_tensors(t->file);
	struct heft_weights_tree tree;
	enum heft_status st = heft_weights_tree_init(&tree, n, err);

	if (st != HEFT_OK)
		return st;
	for (uint32_t i = 0; i < n && st == HEFT_OK; i++) {
		struct heft_tensor tensor;

		st = heft_tensor_at(t->file, i, &tensor, err);
		if (st == HEFT_OK)
			heft_weights_tree_add(&tree, (uint8_t)tensor.space, tensor.name,
			                      strlen(tensor.name),
			                      t->tensor_digests + (size_t)i * HEFT_SHA256_SIZE);
	}
	if (st == HEFT_OK)
		st = heft_weights_tree_root(&tree, digest, err);
	heft_weights_tree_done(&tree);
	return st;
}

enum heft_status heft_trainer_digest_start(struct heft_trainer *t, struct heft_error *err)
{
	const struct heft_run run = { .n_threads = t->options.n_threads };

	t->tensor_digests = heft_alloc_array(heft_n_tensors(t->file) + 1, HEFT_SHA256_SIZE);
	if (!t->tensor_digests)
		return no_memory(err);
	HEFT_TRY(heft_tensor_digests(t->file, &run, t->tensor_digests, err));
	return root_of(t, t->start_digest, err);
}

enum heft_status heft_trainer_digest(struct heft_trainer *t, uint8_t *digest,
                                     struct heft_error *err)
{
	struct heft_sha256 *h;
	enum heft_status st = heft_sha256_new(&h, err);

	if (st != HEFT_OK)
		return st;
	for (uint32_t i = 0; i < t->n_tensors; i++) {
		const struct heft_trained *row = &t->tensors[i];

		if (row->is_trained)
			hash_tensor(h, row,
			            t->tensor_digests +
			                    (size_t)row->param.tensor * HEFT_SHA256_SIZE);
	}
	st = heft_sha256_check(h, err);
	heft_sha256_free(h);
	return st == HEFT_OK ? root_of(t, digest, err) : st;
}
