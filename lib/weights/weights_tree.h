/* SPDX-License-Identifier: Apache-2.0 */
/* weights/weights_tree.h - the weights digest of tensors that come in any order: sorts by name,
 * then builds the tree. */
#ifndef WEIGHTS_WEIGHTS_TREE_H
#define WEIGHTS_WEIGHTS_TREE_H

#include "codec/digest_tree.h"
#include "tensor/listing.h"

struct heft_weights_tree {
	struct heft_weights_item *items;
	uint32_t n;
};

/* Room for n tensors. */
enum heft_status heft_weights_tree_init(struct heft_weights_tree *t, uint32_t n,
                                        struct heft_error *err);
void heft_weights_tree_done(struct heft_weights_tree *t);
/* Tensors of other spaces are passed over. Name and digest are borrowed until the root is taken. */
void heft_weights_tree_add(struct heft_weights_tree *t, uint8_t space, const char *name,
                           size_t name_size, const uint8_t *tensor_digest);
enum heft_status heft_weights_tree_root(struct heft_weights_tree *t, uint8_t *root,
                                        struct heft_error *err);
/* The same of a list: `digests` has 32 bytes a tensor. */
enum heft_status heft_weights_tree_of(const struct heft_listing *tensors, const uint8_t *digests,
                                      uint8_t *root, struct heft_error *err);

#endif
