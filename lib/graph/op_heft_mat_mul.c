/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_mat_mul.c - MatMul of domain heft: ONNX's, and with transA and transB, as gradients of
 * products want it; of F32 and F64. */
#include "base/error.h"
#include "graph/dense_gradient.h"
#include "graph/matmul.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct heft_matmul *m = (struct heft_matmul *)(void *)c->state;
	const struct heft_matmul_wish wish = { .dtype = c->in[0].dtype,
		                               .is_b_constant = heft_dense_is_constant(c, 1),
		                               .alpha = 1,
		                               .has_bias = c->in[1].rank == 1 };
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t rank;

	*m = (struct heft_matmul){ .n_axes = 0 };
	HEFT_TRY(heft_dense_gradient_check_types(c, err));
	HEFT_TRY(heft_matmul_shape(&c->in[0], &c->in[1], heft_call_int(c, "transA", 0) != 0,
	                           heft_call_int(c, "transB", 0) != 0, m, &rank, dims, err));
	HEFT_TRY(heft_array_set(&c->out[0], c->in[0].dtype, rank, dims, err));
	return heft_matmul_plan(c, m, &wish, c->out[0].n_elements, err);
}

const struct heft_op heft_op_heft_mat_mul = {
	.name = "MatMul",
	.domain = "heft",
	.flags = HEFT_OP_ENDS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_matmul_forward,
	.pack = heft_matmul_pack_b,
	.packs = 1 << 1,
};
