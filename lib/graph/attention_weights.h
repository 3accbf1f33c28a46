/* SPDX-License-Identifier: Apache-2.0 */
/* graph/attention_weights.h - what com.microsoft's Attention and QAttention share: inputs of an
 * array that is multiplied by weights of queries, keys and values, side by side. Each makes the
 * product by itself, of floats or of integers. */
#ifndef GRAPH_ATTENTION_WEIGHTS_H
#define GRAPH_ATTENTION_WEIGHTS_H

#include "graph/attention_ms.h"

/* Which inputs they are; UINT32_MAX: there is none such. Input 0 is multiplied, input 1 are the
 * weights. */
struct heft_weighed_inputs {
	uint32_t bias;
	uint32_t mask;
	uint32_t past;
	uint32_t added;
};

struct heft_weighed {
	struct heft_weighed_inputs in;
	struct heft_ms_attention s;
	size_t n_rows; /* of the input, of all samples */
	size_t n_in;
	size_t n_out; /* columns of queries, keys and values */
};

/* Reads attributes and shapes, and sets the outputs. */
enum heft_status heft_weighed_infer(struct heft_call *c, struct heft_weighed *w,
                                    struct heft_error *err);
/* Of the product: n_rows x n_out floats. */
void heft_weighed_run(const struct heft_call *c, const struct heft_weighed *w,
                      const float *projected);

#endif
