/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_fused_gemm.c - FusedGemm of com.microsoft: Gemm and an activation. */
#include "base/error.h"
#include "graph/fused_activation.h"
#include "graph/gemm.h"
#include "graph/product_gradient.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype allowed[] = { HEFT_DTYPE_F32, HEFT_DTYPE_NONE };

	HEFT_TRY(heft_call_check_dtype(c, 0, allowed, err));
	HEFT_TRY(heft_fused_activation_infer(c, err));
	return heft_gemm_infer(c, err);
}

static void forward(const struct heft_call *c)
{
	heft_gemm_forward(c);
	heft_fused_activation_run(c);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_gemm_backward(c, g, heft_fused_activation_backward(c, g));
}

const struct heft_op heft_op_ms_fused_gemm = {
	.name = "FusedGemm",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.pack = heft_gemm_pack,
	.packs = 1 << 1,
	.backward = backward,
};
