/* SPDX-License-Identifier: Apache-2.0 */
/* train/gradient_tree.h - the gradients of micro-batches, added in a fixed binary tree over their
 * number (spec F7-30), so that it does not matter who computed which. Leaves come in order; a walk
 * that goes up as soon as it can holds at most log2 n + 1 of them. */
#ifndef TRAIN_GRADIENT_TREE_H
#define TRAIN_GRADIENT_TREE_H

#include "base/team.h"
#include "heft/tensor.h"

struct heft_gradient_tree;

/* What a leaf, and the root, has beside gradients: outputs 0 and 1 of the loss. */
struct heft_loss_sums {
	double loss;    /* the sum over the samples */
	double divisor; /* the sum of their weights */
};

/* All gradients are one array of n elements, F32 or F64. */
enum heft_status heft_gradient_tree_new(enum heft_dtype dtype, uint64_t n,
                                        struct heft_gradient_tree **out, struct heft_error *err);
void heft_gradient_tree_free(struct heft_gradient_tree *t); /* takes NULL */
/* Where the next leaf is to be written, aligned to 64 bytes, its bytes whatever they are. NOMEM:
 * the tree is as it was. */
enum heft_status heft_gradient_tree_leaf(struct heft_gradient_tree *t, void **values,
                                         struct heft_error *err);
/* It is written. */
void heft_gradient_tree_add(struct heft_gradient_tree *t, struct heft_team *team, uint32_t cpu_bits,
                            struct heft_loss_sums sums);
/* What all leaves since the last time come to: at least one. The array may be written to and lives
 * until the next leaf; the tree is empty. */
void *heft_gradient_tree_root(struct heft_gradient_tree *t, struct heft_team *team,
                              uint32_t cpu_bits, struct heft_loss_sums *sums);
/* Forgets the leaves since the last root. */
void heft_gradient_tree_clear(struct heft_gradient_tree *t);
/* Arrays that were needed so far, for plans of memory. */
uint32_t heft_gradient_tree_n_held(const struct heft_gradient_tree *t);

#endif
