/* SPDX-License-Identifier: Apache-2.0 */
/* graph/scatter_gradient.h - gradients of what indices choose, elements or slices, and of what they
 * put somewhere (spec F7-61, F7-62). */
#ifndef GRAPH_SCATTER_GRADIENT_H
#define GRAPH_SCATTER_GRADIENT_H

#include "graph/gradient.h"
#include "graph/tuples.h"

/* Zeros of the shape of `data`; to the element that an index of GatherElements chose, that of dy is
 * added, in ascending order. Indices outside are the nearest inside. */
uint32_t heft_emit_added_elements(struct heft_gradient *g, uint32_t dy, uint32_t indices,
                                  const struct heft_array *data, uint32_t axis);
/* The same of the slices of GatherND. */
uint32_t heft_emit_added_slices(struct heft_gradient *g, uint32_t dy, uint32_t indices,
                                const struct heft_array *data, const struct heft_tuples *t);

/* backward of ScatterElements and Scatter, and of ScatterND. */
void heft_scatter_elements_backward(const struct heft_call *c, struct heft_gradient *g);
void heft_scatter_nd_backward(const struct heft_call *c, struct heft_gradient *g,
                              const struct heft_tuples *t);

#endif
