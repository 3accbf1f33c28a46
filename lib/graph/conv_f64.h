/* SPDX-License-Identifier: Apache-2.0 */
/* graph/conv_f64.h - a convolution of F64, element by element: spec F2-1, F2-3 to F2-5, F6-20. */
#ifndef GRAPH_CONV_F64_H
#define GRAPH_CONV_F64_H

#include "graph/conv_shape.h"

/* bias may be NULL; is_last: image and output lie NHWC. */
void heft_conv_f64(const struct heft_call *c, const struct heft_conv_shape *s, const double *x,
                   const double *w, const double *bias, bool is_last, double *y);

#endif
