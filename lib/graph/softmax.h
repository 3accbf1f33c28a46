/* SPDX-License-Identifier: Apache-2.0 */
/* graph/softmax.h - Softmax, LogSoftmax and Hardmax along an axis, F32 and F64 (spec F3-5). */
#ifndef GRAPH_SOFTMAX_H
#define GRAPH_SOFTMAX_H

#include "graph/spans.h"

enum heft_softmax {
	HEFT_SOFTMAX,
	HEFT_SOFTMAX_LOG,
	HEFT_SOFTMAX_HARD
};

/* y and x are the same array or apart, but for HARD. */
void heft_softmax_run(const struct heft_call *c, enum heft_softmax kind, const struct heft_axis *a,
                      enum heft_dtype dtype, const void *x, void *y);

/* The operators: the axis is c->state. */
enum heft_status heft_softmax_infer(struct heft_call *c, struct heft_error *err);

#endif
