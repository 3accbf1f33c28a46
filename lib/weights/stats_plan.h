/* SPDX-License-Identifier: Apache-2.0 */
/* weights/stats_plan.h - which tensors of a list are read for their statistics, and which have
 * those of another one. */
#ifndef WEIGHTS_STATS_PLAN_H
#define WEIGHTS_STATS_PLAN_H

#include "weights/chunk_plan.h"
#include "weights/file.h"

#define HEFT_STATS_UNREAD UINT32_MAX

struct heft_stats_plan {
	const uint32_t *indexes; /* of the file's tensors, one a position; NULL: the same */
	uint32_t n;
	struct heft_chunk_plan chunks; /* of the positions that are read, in their order */
	/* For each position: the first one of the same bytes and dtype, mostly itself; and, if it
	 * is that, its place in `chunks`, or HEFT_STATS_UNREAD if it holds no numbers. */
	uint32_t *same;
	uint32_t *place;
	uint32_t n_copies; /* positions that are not the first */
};

enum heft_status heft_stats_plan_init(struct heft_stats_plan *p, struct heft_file *file,
                                      const uint32_t *indexes, uint32_t n, struct heft_error *err);
void heft_stats_plan_done(struct heft_stats_plan *p);

static inline uint32_t heft_stats_index(const struct heft_stats_plan *p, uint32_t position)
{
	return p->indexes ? p->indexes[position] : position;
}

#endif
