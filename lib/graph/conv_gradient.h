/* SPDX-License-Identifier: Apache-2.0 */
/* graph/conv_gradient.h - gradients of convolutions: what emits them, and what the operators that
 * are emitted share. */
#ifndef GRAPH_CONV_GRADIENT_H
#define GRAPH_CONV_GRADIENT_H

#include "graph/conv_shape.h"
#include "graph/gradient.h"

/* backward of a convolution whose output, before anything that is done to it, has the gradient
 * `dy`: of image, weights and bias. */
void heft_conv_backward(const struct heft_call *c, struct heft_gradient *g, bool is_transposed,
                        uint32_t dy);

/* Strides, dilations, pads in front, and groups, as heft_conv_backward emits them, for images of
 * `rank` dimensions; n_axes is set as well. */
enum heft_status heft_conv_gradient_window(const struct heft_call *c, uint32_t rank,
                                           struct heft_conv_shape *s, struct heft_error *err);
/* Sizes along the axes of an image; 1 where there is no axis. */
void heft_conv_gradient_axes(const struct heft_conv_shape *s, const struct heft_array *image,
                             uint64_t *axes);

/* infer of what gives an image's gradient: inputs dy and weights, attribute `shape` the image's
 * axes. is_transposed: that the gather form computes it, as of Conv. forward and pack: conv.h. */
enum heft_status heft_conv_input_gradient_infer(struct heft_call *c, bool is_transposed,
                                                struct heft_error *err);

/* The gradient of the weights of F64: [out][in of a group][tap]; spec F7-10. Images lie NHWC where
 * is_last. */
void heft_conv_weight_gradient_f64(const struct heft_call *c, const struct heft_conv_shape *s,
                                   const double *x, const double *dy, bool is_last, double *dw);

#endif
