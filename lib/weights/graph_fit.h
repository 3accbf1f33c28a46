/* SPDX-License-Identifier: Apache-2.0 */
/* weights/graph_fit.h - whether a graph still goes with tensors that changed. */
#ifndef WEIGHTS_GRAPH_FIT_H
#define WEIGHTS_GRAPH_FIT_H

#include "container/update_rows.h"
#include "tensor/listing.h"

/* HEFT_E_USAGE when some weight of the graph is none of `tensors`, or has another dtype or shape
 * there; the message names it, and `advice` is put behind. */
enum heft_status heft_graph_fit_check(const void *graph, uint64_t size,
                                      const struct heft_listing *tensors, const char *advice,
                                      struct heft_error *err);

/* *fits: whether all weights of the heft file's graph keep their names and stay. One that cannot be
 * read fits nothing. */
enum heft_status heft_graph_fits_rows(const struct heft_row_changes *changes, bool *fits,
                                      struct heft_error *err);

#endif
