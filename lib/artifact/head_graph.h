/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/head_graph.h - the bytes of a graph whose last linear layer has another number of
 * classes. */
#ifndef ARTIFACT_HEAD_GRAPH_H
#define ARTIFACT_HEAD_GRAPH_H

#include "artifact/head_find.h"

/* Appends the graph. The shapes of weight, bias and output become new ones; what the graph states
 * of values in between is left out. UNSUPPORTED: the output is declared without the classes where
 * they should be. */
enum heft_status heft_head_graph(const struct heft_graph_list *list,
                                 const struct heft_head_layer *layer, uint64_t n_classes,
                                 struct heft_buffer *graph, struct heft_error *err);

#endif
