/* SPDX-License-Identifier: Apache-2.0 */
/* graph/arg.h - the place of an extreme (spec F3-4) of any type; what ArgMax and ArgMin share. */
#ifndef GRAPH_ARG_H
#define GRAPH_ARG_H

#include "graph/op.h"

/* Of n > 0 elements that lie `stride` elements apart: F32, F64, integers. */
size_t heft_arg_extreme(enum heft_dtype dtype, const void *x, size_t n, size_t stride, bool is_max,
                        bool takes_last);

enum heft_status heft_arg_infer(struct heft_call *c, struct heft_error *err);
void heft_arg_forward(const struct heft_call *c, bool is_max);

#endif
