/* SPDX-License-Identifier: Apache-2.0 */
/* graph/memory.h - blocks of memory that are counted, and end together. */
#ifndef GRAPH_MEMORY_H
#define GRAPH_MEMORY_H

#include "heft/error.h"

struct heft_memory_block;

/* All zero: no memory is taken, and any amount may be. */
struct heft_memory {
	struct heft_memory_block *blocks;
	uint64_t n_bytes;   /* taken */
	uint64_t max_bytes; /* 0: no bound */
};

/* n bytes aligned to 64, which mean nothing yet; *p is untouched on failure. LIMIT: max_bytes;
 * NOMEM. */
enum heft_status heft_memory_take(struct heft_memory *m, uint64_t n, void **p,
                                  struct heft_error *err);
void heft_memory_give(struct heft_memory *m, void *p); /* takes NULL */
/* Which memory a block is of, and: it becomes one of `to`, whatever that has already. */
const struct heft_memory *heft_memory_of(void *p);
void heft_memory_move(void *p, struct heft_memory *to);
/* Gives all of it back. */
void heft_memory_done(struct heft_memory *m);

#endif
