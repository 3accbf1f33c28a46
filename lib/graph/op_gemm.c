/* SPDX-License-Identifier: Apache-2.0 */
/* op_gemm.c - Gemm: alpha x A x B + beta x C (spec F6-21). */
#include "graph/gemm.h"
#include "graph/product_gradient.h"

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_gemm_backward(c, g, heft_gradient_of(g, 0));
}

const struct heft_op heft_op_gemm = {
	.name = "Gemm",
	.domain = "",
	.flags = HEFT_OP_WIDENS | HEFT_OP_ENDS,
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = heft_gemm_infer,
	.forward = heft_gemm_forward,
	.pack = heft_gemm_pack,
	.packs = 1 << 1,
	.backward = backward,
};
