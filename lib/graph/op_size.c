/* SPDX-License-Identifier: Apache-2.0 */
/* op_size.c - Size: how many elements there are. */
#include "graph/gradient.h"
#include "graph/op.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_array_set(&c->out[0], HEFT_DTYPE_I64, 0, NULL, err);
}

static void forward(const struct heft_call *c)
{
	*(uint64_t *)c->out[0].bytes = c->in[0].n_elements;
}

const struct heft_op heft_op_size = {
	.name = "Size",
	.domain = "",
	.flags = HEFT_OP_OF_SHAPES | HEFT_OP_MOVES,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
