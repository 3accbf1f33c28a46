/* SPDX-License-Identifier: Apache-2.0 */
/* container/runs.h - the runs of a generation: bytes that are stored once, whatever the number of
 * tensors that share them; and how they would lie in a compact file (spec/container.md 5). */
#ifndef CONTAINER_RUNS_H
#define CONTAINER_RUNS_H

#include "container/index.h"

struct heft_runs {
	uint32_t *rows; /* of TENSORS that begin a run, ascending; owned */
	uint32_t n;
};

enum heft_status heft_runs_init(struct heft_index *ix, struct heft_runs *runs,
                                struct heft_error *err);
void heft_runs_done(struct heft_runs *runs);
/* The run that holds this row of LEAVES; runs->n when there is none. */
uint32_t heft_runs_find(const struct heft_index *ix, const struct heft_runs *runs, uint64_t leaf);

/* Where a compact file with the same content would end, and where this one first differs from
 * it. */
struct heft_compact_layout {
	uint64_t end;
	uint64_t first_wrong; /* HEFT_NO_OFFSET: all lies as in a compact file */
};
enum heft_status heft_compact_lay_out(struct heft_index *ix, const struct heft_runs *runs,
                                      struct heft_compact_layout *layout, struct heft_error *err);
/* R5-5 */
uint64_t heft_compact_dead_bytes(const struct heft_index *ix,
                                 const struct heft_compact_layout *layout);

#endif
