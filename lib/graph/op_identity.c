/* SPDX-License-Identifier: Apache-2.0 */
/* op_identity.c - Identity: the input. */
#include <string.h>

#include "graph/gradient.h"
#include "graph/kinds.h"

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

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	(void)memory;
	(void)err;
	c->out[0] = c->in[0];
	return HEFT_OK;
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	(void)c;
	heft_give(g, 0, heft_gradient_of(g, 0));
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
	.backward = backward,
	.run = run,
};
