/* SPDX-License-Identifier: Apache-2.0 */
/* graph/int_matmul.h - MatMulInteger and QLinearMatMul: products of matrices of 8-bit integers. */
#ifndef GRAPH_INT_MATMUL_H
#define GRAPH_INT_MATMUL_H

#include "graph/op.h"

/* Which inputs are what; UINT32_MAX: there is none such. */
struct heft_int_matmul_inputs {
	uint32_t a;
	uint32_t a_scale;
	uint32_t a_zero;
	uint32_t b;
	uint32_t b_scale;
	uint32_t b_zero;
	uint32_t y_scale;
	uint32_t y_zero;
};

enum heft_status heft_int_matmul_infer(struct heft_call *c, const struct heft_int_matmul_inputs *in,
                                       struct heft_error *err);
void heft_int_matmul_forward(const struct heft_call *c);
void heft_int_matmul_pack(const struct heft_call *c);

#endif
