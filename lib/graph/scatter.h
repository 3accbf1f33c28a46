/* SPDX-License-Identifier: Apache-2.0 */
/* graph/scatter.h - what is done where an update meets an element. Written from
 * spec/numerics.md. */
#ifndef GRAPH_SCATTER_H
#define GRAPH_SCATTER_H

#include "graph/op.h"

enum heft_reduction {
	HEFT_REDUCTION_NONE,
	HEFT_REDUCTION_ADD,
	HEFT_REDUCTION_MUL,
	HEFT_REDUCTION_MIN,
	HEFT_REDUCTION_MAX
};

/* Attribute `reduction`, from opset 16 on, of data of this dtype. */
enum heft_status heft_reduction_read(const struct heft_call *c, enum heft_reduction *reduction,
                                     struct heft_error *err);
/* y_i <- y_i with x_i, i < n; n elements of one place each. */
void heft_reduction_apply(enum heft_reduction reduction, enum heft_dtype dtype, void *y,
                          const void *x, uint64_t n);
/* Output 0 begins as input 0, which it may lie over. */
void heft_scatter_begin(const struct heft_call *c);

/* ScatterElements, and Scatter, which is its older name. */
enum heft_status heft_scatter_elements_infer(struct heft_call *c, struct heft_error *err);
void heft_scatter_elements_forward(const struct heft_call *c);

#endif
