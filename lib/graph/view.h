/* SPDX-License-Identifier: Apache-2.0 */
/* graph/view.h - operators whose output is the bytes of input 0 in another shape. */
#ifndef GRAPH_VIEW_H
#define GRAPH_VIEW_H

#include "graph/move.h"

/* Output 0, of as many elements as input 0. */
enum heft_status heft_view_set(struct heft_call *c, uint32_t rank, const uint64_t *dims,
                               struct heft_error *err);
/* Copies, where the output does not lie over the input. */
void heft_view_forward(const struct heft_call *c);

#endif
