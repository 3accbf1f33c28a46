/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_fused_mat_mul.c - FusedMatMul of com.microsoft: alpha x MatMul, either side transposed. */
#include "base/error.h"
#include "graph/matmul.h"
#include "graph/product_gradient.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype allowed[] = { HEFT_DTYPE_F32, HEFT_DTYPE_NONE };
	/* n is 1 where b is a vector, so a bias of the last dimension is not the kernel's */
	const bool is_vector = c->in[1].rank == 1;
	const struct heft_matmul_wish wish = { .dtype = HEFT_DTYPE_F32,
		                               .is_b_constant = heft_dense_is_constant(c, 1),
		                               .alpha = heft_call_float(c, "alpha", 1),
		                               .has_bias = is_vector };
	struct heft_matmul *m = (struct heft_matmul *)(void *)c->state;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t rank;

	*m = (struct heft_matmul){ .n_axes = 0 };
	for (uint32_t i = 0; i < 2; i++)
		HEFT_TRY(heft_call_check_dtype(c, i, allowed, err));
	if (heft_call_int(c, "transBatchA", 0) != 0 || heft_call_int(c, "transBatchB", 0) != 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "the first dimensions of a batch are to be transposed");
	HEFT_TRY(heft_matmul_shape(&c->in[0], &c->in[1], heft_call_int(c, "transA", 0) != 0,
	                           heft_call_int(c, "transB", 0) != 0, m, &rank, dims, err));
	HEFT_TRY(heft_array_set(&c->out[0], HEFT_DTYPE_F32, rank, dims, err));
	return heft_matmul_plan(c, m, &wish, c->out[0].n_elements, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_product_call p = { .is_a_turned = heft_call_int(c, "transA", 0) != 0,
		                             .is_b_turned = heft_call_int(c, "transB", 0) != 0,
		                             .alpha = heft_call_float(c, "alpha", 1) };

	heft_product_backward(g, &p, heft_gradient_of(g, 0));
}

const struct heft_op heft_op_ms_fused_mat_mul = {
	.name = "FusedMatMul",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS | HEFT_OP_ENDS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_matmul_forward,
	.pack = heft_matmul_pack_b,
	.packs = 1 << 1,
	.backward = backward,
};
