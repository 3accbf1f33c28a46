/* SPDX-License-Identifier: Apache-2.0 */
/* weights_tree.c - the weights digest of tensors that come in any order. */
#include "weights/weights_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "heft/tensor.h"

struct heft_weights_item {
	const char *name;
	size_t name_size;
	const uint8_t *digest;
};

enum heft_status heft_weights_tree_init(struct heft_weights_tree *t, uint32_t n,
                                        struct heft_error *err)
{
	t->n = 0;
	t->items = heft_alloc_array(n, sizeof *t->items);
	if (!t->items)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u names", n);
	return HEFT_OK;
}

void heft_weights_tree_done(struct heft_weights_tree *t)
{
	heft_free(t->items);
	t->items = NULL;
}

void heft_weights_tree_add(struct heft_weights_tree *t, uint8_t space, const char *name,
                           size_t name_size, const uint8_t *tensor_digest)
{
	if (space != HEFT_SPACE_WEIGHTS)
		return;
	t->items[t->n++] = (struct heft_weights_item){ .name = name,
		                                       .name_size = name_size,
		                                       .digest = tensor_digest };
}

static int by_name(const void *a, const void *b)
{
	const struct heft_weights_item *x = a;
	const struct heft_weights_item *y = b;
	const size_t n = x->name_size < y->name_size ? x->name_size : y->name_size;
	const int order = memcmp(x->name, y->name, n);

	if (order)
		return order;
	return x->name_size < y->name_size ? -1 : x->name_size > y->name_size;
}

enum heft_status heft_weights_tree_root(struct heft_weights_tree *t, uint8_t *root,
                                        struct heft_error *err)
{
	uint8_t leaf[HEFT_SHA256_SIZE];
	struct heft_tree tree;
	struct heft_sha256 *h;
	enum heft_status st;

	HEFT_TRY(heft_sha256_new(&h, err));
	if (t->n > 1)
		qsort(t->items, t->n, sizeof *t->items, by_name);
	heft_tree_init(&tree, HEFT_DOMAIN_WEIGHTS_NODE);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct heft_weights_item *item = &t->items[i];

		heft_digest_weights_leaf(h, item->name, (uint32_t)item->name_size, item->digest,
		                         leaf);
		heft_tree_add(&tree, h, leaf);
	}
	heft_tree_root(&tree, h, root);
	st = heft_sha256_check(h, err);
	heft_sha256_free(h);
	return st;
}

enum heft_status heft_weights_tree_of(const struct heft_listing *tensors, const uint8_t *digests,
                                      uint8_t *root, struct heft_error *err)
{
	const uint32_t n = heft_listing_n(tensors);
	struct heft_weights_tree tree;
	enum heft_status st;

	HEFT_TRY(heft_weights_tree_init(&tree, n, err));
	for (uint32_t i = 0; i < n; i++)
		heft_weights_tree_add(&tree, heft_listing_row(tensors, i)->space,
		                      heft_listing_name(tensors, i),
		                      heft_listing_row(tensors, i)->name_size,
		                      digests + (size_t)i * HEFT_SHA256_SIZE);
	st = heft_weights_tree_root(&tree, root, err);
	heft_weights_tree_done(&tree);
	return st;
}
