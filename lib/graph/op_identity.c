/* SPDX-License-Identifier: Apache-2.0 */
/* op_identity.c - Identity: the input. */
#include <string.h>

#include "graph/op.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	c->may_overwrite = 1;
	return heft_array_set(&c->out[0], c->in[0].dtype, c->in[0].rank, c->in[0].dims, err);
}

static void forward(const struct heft_call *c)
{
	if (c->in[0].n_bytes > 0 && c->out[0].bytes != c->in[0].bytes)
		memcpy(c->out[0].bytes, c->in[0].bytes, c->in[0].n_bytes);
}

const struct heft_op heft_op_identity = {
	.name = "Identity",
	.domain = "",
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_VIEW,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
