/* SPDX-License-Identifier: Apache-2.0 */
/* graph/fused_activation.h - what FusedConv and FusedGemm do to their output: an activation by
 * name, with its numbers. */
#ifndef GRAPH_FUSED_ACTIVATION_H
#define GRAPH_FUSED_ACTIVATION_H

#include "graph/op.h"

/* In front of what the product infers: Relu and Clip become the call's `end`, which the planner
 * leaves to operators of other domains. UNSUPPORTED for a name that it does not know. */
enum heft_status heft_fused_activation_infer(struct heft_call *c, struct heft_error *err);
/* Behind the product: the others, in place. */
void heft_fused_activation_run(const struct heft_call *c);
/* The gradient of what goes into the activation, of that of what comes out. */
uint32_t heft_fused_activation_backward(const struct heft_call *c, struct heft_gradient *g);

#endif
