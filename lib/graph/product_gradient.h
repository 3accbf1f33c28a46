/* SPDX-License-Identifier: Apache-2.0 */
/* graph/product_gradient.h - what products of matrices emit for their gradients (spec F7-10,
 * F7-12). */
#ifndef GRAPH_PRODUCT_GRADIENT_H
#define GRAPH_PRODUCT_GRADIENT_H

#include "graph/gradient.h"

/* A product of input 0 and input 1, whose batches are broadcast. */
struct heft_product_call {
	bool is_a_turned;
	bool is_b_turned;
	float alpha; /* what it is multiplied by; it counts in the gradients, too */
};

/* Of both inputs; of `dy`, the gradient of the product times alpha. */
void heft_product_backward(struct heft_gradient *g, const struct heft_product_call *p, uint32_t dy);
/* Of Gemm and FusedGemm, input 2 too. */
void heft_gemm_backward(const struct heft_call *c, struct heft_gradient *g, uint32_t dy);

#endif
