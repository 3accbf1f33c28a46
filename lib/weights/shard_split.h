/* SPDX-License-Identifier: Apache-2.0 */
/* weights/shard_split.h - which tensor of a list goes into which shard, and what the shards' files
 * are called (spec/foreign/shards.md, section 5). */
#ifndef WEIGHTS_SHARD_SPLIT_H
#define WEIGHTS_SHARD_SPLIT_H

#include "format/format.h"

struct heft_shard_split {
	uint32_t n_shards;
	uint32_t *shard_of; /* of each tensor */
	uint32_t *members;  /* tensors by shard, then in their order */
	uint32_t *first;    /* of each shard in `members`, and the end */
	char **names;       /* of the shards' files */
};

/* HEFT_E_USAGE: more shards than there may be. The caller calls heft_shard_split_done whatever the
 * result. */
enum heft_status heft_shard_split_make(struct heft_shard_split *s,
                                       const struct heft_listing *tensors, uint64_t shard_size,
                                       const struct heft_set *set, const char *stem,
                                       struct heft_error *err);
void heft_shard_split_done(struct heft_shard_split *s);

#endif
