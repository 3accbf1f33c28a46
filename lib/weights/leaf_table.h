/* SPDX-License-Identifier: Apache-2.0 */
/* weights/leaf_table.h - the leaves of every chunk of a list of tensors, filled by many threads,
 * and what follows from them: tensor digests and the weights digest. */
#ifndef WEIGHTS_LEAF_TABLE_H
#define WEIGHTS_LEAF_TABLE_H

#include "codec/digest_tree.h"

struct heft_leaf_table {
	uint8_t *leaves;      /* 32 bytes a chunk */
	uint64_t *first_leaf; /* a tensor */
	uint32_t n_tensors;
};

/* n_chunks in all; the caller fills first_leaf. */
enum heft_status heft_leaf_table_init(struct heft_leaf_table *t, uint32_t n_tensors,
                                      uint64_t n_chunks, struct heft_error *err);
void heft_leaf_table_done(struct heft_leaf_table *t);
static inline uint8_t *heft_leaf_at(const struct heft_leaf_table *t, uint32_t tensor,
                                    uint64_t chunk_i)
{
	return t->leaves + (t->first_leaf[tensor] + chunk_i) * HEFT_SHA256_SIZE;
}

#endif
