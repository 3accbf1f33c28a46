/* SPDX-License-Identifier: Apache-2.0 */
/* op_mean.c - Mean: the sum of its inputs, in their order, divided by how many there are. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(ADD),
	HEFT_LOOPS_END,
};
static const struct heft_loop quotients[] = {
	HEFT_LOOPS_FLOAT(DIV),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_variadic_infer(c, loops, err);
}

static void forward(const struct heft_call *c)
{
	const struct heft_array *out = &c->out[0];
	float narrow = (float)c->n_in;
	double wide = (double)c->n_in;
	struct heft_array n = { .dtype = out->dtype, .n_elements = 1 };
	const struct heft_array *const both[2] = { out, &n };

	n.bytes = out->dtype == HEFT_DTYPE_F64 ? (void *)&wide : (void *)&narrow;
	n.n_bytes = out->dtype == HEFT_DTYPE_F64 ? sizeof wide : sizeof narrow;
	heft_variadic_forward(c, loops);
	heft_elementwise(c, heft_loop_find(quotients, out->dtype), out, both, 2);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t n = heft_emit_number(g, c->in[0].dtype, (double)c->n_in);
	const uint32_t part = heft_emit_2(g, "Div", heft_gradient_of(g, 0), n);

	for (uint32_t i = 0; i < c->n_in; i++)
		heft_give(g, i, part);
}

const struct heft_op heft_op_mean = {
	.name = "Mean",
	.domain = "",
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = UINT32_MAX,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
