/* SPDX-License-Identifier: Apache-2.0 */
/* op_cast_like.c - CastLike: every element of input 0 in the dtype of input 1. */
#include "graph/cast_array.h"
#include "graph/cast_text.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_cast_infer(c, c->in[1].dtype, err);
}

/* One of both is of strings. */
static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	return heft_cast_text_run(c, c->in[1].dtype, memory, err);
}

const struct heft_op heft_op_cast_like = {
	.name = "CastLike",
	.domain = "",
	.since = 15,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_cast_forward,
	.run = run,
};
