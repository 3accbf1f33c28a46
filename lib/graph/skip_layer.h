/* SPDX-License-Identifier: Apache-2.0 */
/* graph/skip_layer.h - onnxruntime's normalisations of a sum: (input + skip) + bias, then rows by
 * their own statistics (spec F6-50). */
#ifndef GRAPH_SKIP_LAYER_H
#define GRAPH_SKIP_LAYER_H

#include "graph/layer.h"

/* Inputs: 0, the skip, the scale, then those of these numbers; UINT32_MAX: there is none. Outputs:
 * the rows, mean, inverse, the sum. The plan is c->state. */
enum heft_status heft_skip_layer_infer(struct heft_call *c, bool is_rms, uint32_t shift,
                                       uint32_t bias, struct heft_error *err);
void heft_skip_layer_forward(const struct heft_call *c);
/* normal_gradient.c */
void heft_skip_layer_backward(const struct heft_call *c, struct heft_gradient *g, bool is_rms,
                              uint32_t shift, uint32_t bias);

#endif
