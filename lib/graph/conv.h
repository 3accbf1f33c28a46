/* SPDX-License-Identifier: Apache-2.0 */
/* graph/conv.h - Conv, ConvTranspose and FusedConv: infer, forward, pack. F32 by the kernels, in
 * either layout; F64 by chains. */
#ifndef GRAPH_CONV_H
#define GRAPH_CONV_H

#include "graph/conv_shape.h"

/* Inputs: image, weights, bias, and (FusedConv) something of the output's shape that is added. */
enum heft_status heft_conv_infer(struct heft_call *c, bool is_transposed, struct heft_error *err);
/* The same where the shape is told. */
enum heft_status heft_conv_infer_shape(struct heft_call *c, const struct heft_conv_shape *s,
                                       struct heft_error *err);
void heft_conv_forward(const struct heft_call *c);
void heft_conv_pack(const struct heft_call *c);

#endif
