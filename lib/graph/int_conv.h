/* SPDX-License-Identifier: Apache-2.0 */
/* graph/int_conv.h - ConvInteger and QLinearConv: convolutions of 8-bit integers. */
#ifndef GRAPH_INT_CONV_H
#define GRAPH_INT_CONV_H

#include "graph/op.h"

/* Which inputs are what; UINT32_MAX: there is none such. */
struct heft_int_conv_inputs {
	uint32_t x;
	uint32_t x_scale;
	uint32_t x_zero;
	uint32_t w;
	uint32_t w_scale;
	uint32_t w_zero;
	uint32_t y_scale;
	uint32_t y_zero;
	uint32_t bias; /* I32, added to the sums */
};

enum heft_status heft_int_conv_infer(struct heft_call *c, const struct heft_int_conv_inputs *in,
                                     struct heft_error *err);
void heft_int_conv_forward(const struct heft_call *c);
void heft_int_conv_pack(const struct heft_call *c);

#endif
