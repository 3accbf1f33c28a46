/* SPDX-License-Identifier: Apache-2.0 */
/* container/verify.h - checks everything that a heft file states (spec/container.md, all
 * faults). */
#ifndef CONTAINER_VERIFY_H
#define CONTAINER_VERIFY_H

#include "container/index.h"
#include "heft/digest.h"

/* As heft_verify, for an open index of the current (or previous) generation. */
enum heft_status heft_index_verify(struct heft_index *ix, const struct heft_verify_options *options,
                                   heft_fault_fn fn, void *user, struct heft_verify_report *report,
                                   struct heft_error *err);
/* Dead bytes (R5-5) from the directory, TENSORS and, when there are coded tensors, EXTENTS. */
enum heft_status heft_index_dead_bytes(struct heft_index *ix, uint64_t *n, struct heft_error *err);

#endif
