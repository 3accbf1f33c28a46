/* SPDX-License-Identifier: Apache-2.0 */
/* op_mat_mul.c - MatMul: products of matrices, batches broadcast as NumPy does (spec F2-1,
 * F6-20). */
#include "graph/matmul.h"

#include "base/error.h"
#include "graph/product_gradient.h"

_Static_assert(sizeof(struct heft_matmul) <= HEFT_CALL_STATE, "a product is larger than its room");

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype allowed[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_I32,
		                                   HEFT_DTYPE_U32, HEFT_DTYPE_I64, HEFT_DTYPE_U64,
		                                   HEFT_DTYPE_NONE };
	struct heft_matmul *m = (struct heft_matmul *)(void *)c->state;
	/* n is 1 where b is a vector, so a bias of the last dimension is not the kernel's */
	const bool is_vector = c->in[1].rank == 1;
	const struct heft_matmul_wish wish = { .dtype = c->in[0].dtype,
		                               .is_b_constant = heft_dense_is_constant(c, 1),
		                               .alpha = 1,
		                               .has_bias = is_vector };
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t rank;

	*m = (struct heft_matmul){ .n_axes = 0 };
	HEFT_TRY(heft_call_check_dtype(c, 0, allowed, err));
	if (c->in[1].dtype != c->in[0].dtype)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s meets %s",
		                 heft_dtype_name(c->in[0].dtype), heft_dtype_name(c->in[1].dtype));
	HEFT_TRY(heft_matmul_shape(&c->in[0], &c->in[1], false, false, m, &rank, dims, err));
	HEFT_TRY(heft_array_set(&c->out[0], c->in[0].dtype, rank, dims, err));
	return heft_matmul_plan(c, m, &wish, c->out[0].n_elements, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_product_call p = { .alpha = 1 };

	(void)c;
	heft_product_backward(g, &p, heft_gradient_of(g, 0));
}

const struct heft_op heft_op_mat_mul = {
	.name = "MatMul",
	.domain = "",
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
