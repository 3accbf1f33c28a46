/* SPDX-License-Identifier: Apache-2.0 */
/* container/copy_plan.h - what copying a generation is about: its tensors as a writer's plan, its
 * content sections, and the groups of chunks that threads take. */
#ifndef CONTAINER_COPY_PLAN_H
#define CONTAINER_COPY_PLAN_H

#include "container/index.h"
#include "container/write_plan.h"

#define HEFT_COPY_GROUP_CHUNKS 256

/* Chunks that follow one another, across tensors: at most HEFT_CHUNK_MAX bytes together, so that
 * small tensors do not cost a turn each. */
struct heft_copy_group {
	uint64_t chunk_i; /* of tensor_i */
	uint32_t tensor_i;
	uint32_t n_chunks;
};

struct heft_copy_plan {
	struct heft_write_plan write;
	struct heft_listing *tensors; /* data_off is the row of TENSORS */
	bool *is_coded;
	struct heft_section_out *sections;
	struct heft_large_bytes *contents; /* of each section: its bytes */
	uint64_t *first_leaf;              /* of each tensor, in the plan's order */
	uint64_t n_leaves;
	uint64_t n_bytes;
	struct heft_copy_group *groups;
	uint64_t n_groups;
};

/* All zero before; heft_copy_plan_done also after a failure. */
enum heft_status heft_copy_plan_init(struct heft_copy_plan *p, struct heft_index *ix,
                                     struct heft_error *err);
void heft_copy_plan_done(struct heft_copy_plan *p);
/* The next tensor at or behind i that has chunks of its own; the number of tensors: none. */
uint32_t heft_copy_plan_next(const struct heft_copy_plan *p, uint32_t i);

#endif
