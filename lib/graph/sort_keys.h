/* SPDX-License-Identifier: Apache-2.0 */
/* graph/sort_keys.h - sorting that is the same everywhere. */
#ifndef GRAPH_SORT_KEYS_H
#define GRAPH_SORT_KEYS_H

#include <stdbool.h>
#include <stdint.h>

/* Ascending; `room` has place for n keys. */
void heft_sort_keys(uint64_t *keys, uint64_t *room, uint64_t n);

/* Whether what number b stands for comes before what a stands for. */
typedef bool heft_is_before_fn(const void *ctx, uint64_t b, uint64_t a);
/* Stable: where neither comes before the other, they stay. */
void heft_sort_by(uint64_t *numbers, uint64_t *room, uint64_t n, heft_is_before_fn *is_before,
                  const void *ctx);

#endif
