/* SPDX-License-Identifier: Apache-2.0 */
/* weights/diff_compare.h - compares the data of all pairs of a match by all threads, and gives the
 * results in their order. */
#ifndef WEIGHTS_DIFF_COMPARE_H
#define WEIGHTS_DIFF_COMPARE_H

#include "weights/diff_match.h"

/* Called for each entry in order, by the caller's thread. `d` has the reasons and, where
 * elements were compared, what was found; of an entry without a tensor of B, and of a renamed
 * one, nothing. */
typedef enum heft_status (*heft_diff_entry_fn)(void *ctx, const struct heft_diff_entry *entry,
                                               const struct heft_difference *d,
                                               struct heft_error *err);

/* The meter gets m->n_bytes in all. */
enum heft_status heft_diff_compare(struct heft_diff_match *m, struct heft_pool *pool,
                                   struct heft_meter *meter, heft_diff_entry_fn fn, void *ctx,
                                   struct heft_error *err);

#endif
