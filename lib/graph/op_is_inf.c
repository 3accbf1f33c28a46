/* SPDX-License-Identifier: Apache-2.0 */
/* op_is_inf.c - IsInf: whether x is infinite, of the signs that are asked for. */
#include <math.h>

#include "graph/elementwise_loops.h"

static const struct heft_loop both[] = {
	HEFT_LOOPS_COMPARE(IS_INF),
	HEFT_LOOPS_END,
};
static const struct heft_loop equal[] = {
	HEFT_LOOPS_COMPARE(EQUAL),
	HEFT_LOOPS_END,
};

static bool detects(const struct heft_call *c, const char *sign)
{
	return heft_call_int(c, sign, 1) != 0;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	(void)detects(c, "detect_positive");
	(void)detects(c, "detect_negative");
	return heft_elementwise_infer(c, both, 1, HEFT_DTYPE_BOOL, err);
}

static void forward(const struct heft_call *c)
{
	const bool positive = detects(c, "detect_positive");
	const bool negative = detects(c, "detect_negative");
	/* a NaN equals nothing: neither is asked for */
	float narrow = positive ? INFINITY : negative ? -INFINITY : NAN;
	double wide = (double)narrow;
	const bool is_wide = c->in[0].dtype == HEFT_DTYPE_F64;
	const struct heft_array wanted = { .dtype = c->in[0].dtype,
		                           .n_elements = 1,
		                           .n_bytes = is_wide ? sizeof wide : sizeof narrow,
		                           .bytes = is_wide ? (void *)&wide : (void *)&narrow };
	const struct heft_array *const in[2] = { &c->in[0], &wanted };

	if (positive && negative)
		heft_unary_forward(c, both);
	else
		heft_elementwise(c, heft_loop_find(equal, c->in[0].dtype), &c->out[0], in, 2);
}

const struct heft_op heft_op_is_inf = {
	.name = "IsInf",
	.domain = "",
	.since = 10,
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
