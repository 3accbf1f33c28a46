/* SPDX-License-Identifier: Apache-2.0 */
/* format/graph_weights.h - the weights that a graph names (spec/foreign/onnx.md, O4-2), for who
 * keeps a graph beside tensors and knows nothing else of it. */
#ifndef FORMAT_GRAPH_WEIGHTS_H
#define FORMAT_GRAPH_WEIGHTS_H

#include "tensor/listing.h"

/* CORRUPT: it is no model. *weights is given back to heft_listing_free. */
enum heft_status heft_graph_weights(const void *graph, uint64_t size, struct heft_listing **weights,
                                    struct heft_error *err);
/* Whether `tensors` has all of them with their dtypes and shapes; else *missing is the first that
 * it has not. */
bool heft_graph_fits(const struct heft_listing *weights, const struct heft_listing *tensors,
                     uint32_t *missing);

#endif
