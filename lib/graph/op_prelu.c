/* SPDX-License-Identifier: Apache-2.0 */
/* op_prelu.c - PRelu: a slope times x where x is below zero. Before opset 7 the slope
 * is one number, or one for each channel: dimension 1. */
#include "base/error.h"
#include "graph/elementwise_loops.h"

#define FIRST_OPSET_OF_NUMPY 7

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(PRELU),
	HEFT_LOOPS_INTEGER(PRELU),
	HEFT_LOOPS_END,
};

/* The slope as it is broadcast. */
static struct heft_array slope_of(const struct heft_call *c)
{
	const struct heft_array *x = &c->in[0];
	struct heft_array slope = c->in[1];

	if (c->opset >= FIRST_OPSET_OF_NUMPY || slope.rank != 1 || x->rank < 3)
		return slope;
	slope.rank = x->rank - 1;
	for (uint32_t d = 1; d < slope.rank; d++)
		slope.dims[d] = 1;
	return slope;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array slope = slope_of(c);
	const struct heft_array *const both[2] = { &c->in[0], &slope };
	struct heft_array out = { 0 };

	if (c->in[1].dtype != c->in[0].dtype)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the slope is %s, and input 0 is %s",
		                 heft_dtype_name(c->in[1].dtype), heft_dtype_name(c->in[0].dtype));
	HEFT_TRY(heft_broadcast(both, 2, &out.rank, out.dims, err));
	if (!heft_array_same_shape(&out, &c->in[0]))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the slope is not broadcast to the shape of input 0");
	return heft_unary_infer(c, loops, err);
}

static void forward(const struct heft_call *c)
{
	const struct heft_array slope = slope_of(c);
	const struct heft_array *const both[2] = { &c->in[0], &slope };

	heft_elementwise(c, heft_loop_find(loops, c->in[0].dtype), &c->out[0], both, 2);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t x = heft_gradient_in(g, 0);
	uint32_t slope = heft_gradient_in(g, 1);

	if (c->opset < FIRST_OPSET_OF_NUMPY && c->in[1].rank == 1 && c->in[0].rank > 2) {
		const struct heft_array shape = slope_of(c);

		slope = heft_emit_reshaped(g, slope, shape.rank, shape.dims);
	}
	if (heft_gradient_wants(g, 0)) {
		const uint32_t zero = heft_emit_number(g, c->in[0].dtype, 0);

		heft_give(g, 0,
		          heft_emit_3(g, "Where", heft_emit_2(g, "Less", x, zero),
		                      heft_emit_2(g, "Mul", dy, slope), dy));
	}
	if (heft_gradient_wants(g, 1)) {
		const uint32_t part = heft_emit_2(g, "heft.BelowProduct", dy, x);
		const uint32_t sum = heft_emit_summed_like(g, part, slope);

		heft_give(g, 1, heft_emit_reshaped_like(g, sum, heft_gradient_in(g, 1)));
	}
}

const struct heft_op heft_op_prelu = {
	.name = "PRelu",
	.domain = "",
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
