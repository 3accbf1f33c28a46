/* SPDX-License-Identifier: Apache-2.0 */
/* op_shape.c - Shape: the sizes of dimensions start to end - 1. */
#include <string.h>

#include "graph/gradient.h"
#include "graph/op.h"

static uint32_t within(int64_t given, uint32_t rank)
{
	const int64_t at = given < 0 ? given + (int64_t)rank : given;

	return at < 0 ? 0 : at > (int64_t)rank ? rank : (uint32_t)at;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const uint32_t rank = c->in[0].rank;
	const uint32_t start = within(heft_call_int(c, "start", 0), rank);
	const uint32_t end = within(heft_call_int(c, "end", rank), rank);
	const uint64_t n = end > start ? end - start : 0;

	memcpy(c->state, &start, sizeof start);
	return heft_array_set(&c->out[0], HEFT_DTYPE_I64, 1, &n, err);
}

static void forward(const struct heft_call *c)
{
	uint32_t start;

	memcpy(&start, c->state, sizeof start);
	if (c->out[0].n_bytes > 0)
		memcpy(c->out[0].bytes, c->in[0].dims + start, c->out[0].n_bytes);
}

const struct heft_op heft_op_shape = {
	.name = "Shape",
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
