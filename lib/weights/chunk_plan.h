/* SPDX-License-Identifier: Apache-2.0 */
/* weights/chunk_plan.h - cuts the tensors of a job into the pieces of work that threads take: whole
 * chunks, small ones grouped to about a mebibyte. What the groups are depends on the tensors and
 * the kind of plan alone. */
#ifndef WEIGHTS_CHUNK_PLAN_H
#define WEIGHTS_CHUNK_PLAN_H

#include "base/meter.h"
#include "base/pool.h"

/* A tensor of the job. */
struct heft_plan_tensor {
	uint32_t id; /* whatever the job calls it */
	uint32_t unit;
	uint64_t n_bytes;
};

/* Groups that follow one another: either one, of small chunks, or those of a tensor's full chunks,
 * which have one chunk each, or two in a plan of pairs. So a plan's memory goes by the number of
 * tensors, whatever they hold. */
struct heft_chunk_stretch {
	uint64_t first_group;
	uint64_t first_chunk;  /* of first_tensor */
	uint32_t first_tensor; /* a position in the plan's tensors */
	/* of each group: how many follow one another, across tensors, empty ones passed over */
	uint32_t n_chunks;
};

struct heft_chunk_plan {
	struct heft_plan_tensor *tensors;
	uint32_t n_tensors;
	/* Full chunks come in twos, for work that is mostly hashing (heft_digest_leaves); one that
	 * is left over takes small ones along. Groups have up to HEFT_PAIR_BYTES then. */
	bool has_pairs;
	struct heft_chunk_stretch *stretches;
	size_t n_stretches;
	uint64_t n_groups;
	uint64_t n_chunks;
	uint64_t n_bytes;
};

#define HEFT_GROUP_BYTES (UINT32_C(1) << 20)
#define HEFT_PAIR_BYTES (2 * HEFT_GROUP_BYTES)
#define HEFT_GROUP_CHUNKS 256

/* Room for n tensors, which the caller fills, as `has_pairs`, before heft_chunk_plan_cut. */
enum heft_status heft_chunk_plan_init(struct heft_chunk_plan *p, uint32_t n,
                                      struct heft_error *err);
enum heft_status heft_chunk_plan_cut(struct heft_chunk_plan *p, struct heft_error *err);
void heft_chunk_plan_done(struct heft_chunk_plan *p);

/* A walk through the chunks of one group. */
struct heft_group_walk {
	const struct heft_chunk_plan *plan;
	uint32_t tensor;
	uint32_t n_left;
	uint64_t chunk;
};
struct heft_plan_chunk {
	uint32_t tensor; /* position in the plan's tensors */
	uint64_t chunk_i;
	uint64_t off;
	size_t n;
};
void heft_group_begin(struct heft_group_walk *g, const struct heft_chunk_plan *p, uint64_t group_i);
bool heft_group_next(struct heft_group_walk *g, struct heft_plan_chunk *c);

#endif
