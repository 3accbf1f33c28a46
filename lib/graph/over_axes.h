/* SPDX-License-Identifier: Apache-2.0 */
/* graph/over_axes.h - an array whose elements are changed by what a reduction of it gave. */
#ifndef GRAPH_OVER_AXES_H
#define GRAPH_OVER_AXES_H

#include "graph/reduce.h"

/* (x - mean) / divisor, F32 or F64; mean NULL: x / divisor, and +0 where the divisor is 0 (spec
 * F6-43). Both have an element for each output of r, whose input x is. In place or apart. */
void heft_over_axes_run(const struct heft_call *c, const struct heft_reduce *r,
                        enum heft_dtype dtype, const void *x, const void *mean, const void *divisor,
                        void *y);

#endif
