/* SPDX-License-Identifier: Apache-2.0 */
/* dataset_digest.c - the digest of a data set: the weights digest of its arrays. Written from
 * spec/digest.md. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "codec/digest_tree.h"
#include "tensor/dtype.h"
#include "train/dataset.h"

#define N_AT_ONCE 2 /* two chunks take as long as one and a bit */

struct work {
	struct heft_dataset *ds;
	const struct heft_run *run;
	struct heft_sha256 *h;
	uint8_t *buffer; /* N_AT_ONCE chunks */
	uint64_t n_done;
};

static enum heft_status tell(struct work *w, uint64_t n, struct heft_error *err)
{
	w->n_done += n;
	if (w->run && w->run->progress && w->run->progress(w->run->user, w->n_done, w->ds->n_bytes))
		return heft_fail(err, HEFT_E_CANCELLED, HEFT_NO_OFFSET, "stopped");
	return HEFT_OK;
}

static enum heft_status hash_part(struct work *w, uint32_t i, struct heft_tree *tree,
                                  struct heft_error *err)
{
	const struct heft_dataset_part *part = &w->ds->parts[i];
	const uint64_t chunk = heft_chunk_size(heft_dtype_describe(part->array.dtype)->n_bytes);
	const uint8_t *bytes;
	uint8_t leaves[N_AT_ONCE][HEFT_SHA256_SIZE];

	HEFT_TRY(heft_dataset_load(w->ds, i, &bytes, err));
	for (uint64_t off = 0; off < part->n_bytes; off += N_AT_ONCE * chunk) {
		const uint64_t left = part->n_bytes - off;
		const size_t n = (size_t)(left < N_AT_ONCE * chunk ? left : N_AT_ONCE * chunk);
		const uint8_t *at = bytes ? bytes + off : w->buffer;
		struct heft_sha256_input inputs[N_AT_ONCE];
		size_t n_inputs = 0;

		if (!bytes)
			HEFT_TRY(w->ds->kind->read(w->ds->st, i, off, w->buffer, n, err));
		for (size_t done = 0; done < n; done += (size_t)chunk, n_inputs++)
			inputs[n_inputs] = (struct heft_sha256_input){
				.bytes = at + done,
				.n = n - done < chunk ? n - done : (size_t)chunk,
				.digest = leaves[n_inputs],
			};
		heft_digest_leaves(w->h, inputs, n_inputs);
		for (size_t k = 0; k < n_inputs; k++)
			heft_tree_add(tree, w->h, leaves[k]);
		HEFT_TRY(tell(w, n, err));
	}
	return HEFT_OK;
}

/* The leaf of array i in the tree of all. */
static enum heft_status hash_array(struct work *w, uint32_t i, uint8_t *leaf,
                                   struct heft_error *err)
{
	const struct heft_dataset_part *part = &w->ds->parts[i];
	const struct heft_dataset_array *a = &part->array;
	uint64_t dims[HEFT_VALUE_MAX_RANK + 1] = { part->n_samples };
	uint8_t digest[HEFT_SHA256_SIZE];
	struct heft_tree tree;

	heft_tree_init(&tree, HEFT_DOMAIN_NODE);
	HEFT_TRY(hash_part(w, i, &tree, err));
	heft_tree_root(&tree, w->h, digest);
	memcpy(dims + 1, a->dims, a->rank * sizeof *dims);
	heft_digest_tensor(w->h, (uint16_t)a->dtype, (uint8_t)(a->rank + 1), dims, part->n_bytes,
	                   digest, digest);
	heft_digest_weights_leaf(w->h, a->name, (uint32_t)strlen(a->name), digest, leaf);
	return HEFT_OK;
}

static enum heft_status hash_all(struct work *w, uint8_t *digest, struct heft_error *err)
{
	uint8_t leaf[HEFT_SHA256_SIZE];
	struct heft_tree tree;

	heft_tree_init(&tree, HEFT_DOMAIN_WEIGHTS_NODE);
	for (uint32_t i = 0; i < w->ds->n_parts; i++) {
		HEFT_TRY(hash_array(w, i, leaf, err));
		heft_tree_add(&tree, w->h, leaf);
	}
	heft_tree_root(&tree, w->h, leaf);
	HEFT_TRY(heft_sha256_check(w->h, err));
	memcpy(digest, leaf, sizeof leaf);
	return HEFT_OK;
}

enum heft_status heft_dataset_digest(struct heft_dataset *ds, const struct heft_run *run,
                                     uint8_t *digest, struct heft_error *err)
{
	struct work w = { .ds = ds, .run = run };
	enum heft_status st;

	if (ds->kind->digest)
		return ds->kind->digest(ds->st, run, digest, err);
	w.buffer = heft_alloc((size_t)N_AT_ONCE * HEFT_CHUNK_MAX);
	if (!w.buffer)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a digest");
	st = heft_sha256_new(&w.h, err);
	if (st == HEFT_OK)
		st = hash_all(&w, digest, err);
	heft_sha256_free(w.h);
	heft_free(w.buffer);
	return st;
}
