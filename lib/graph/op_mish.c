/* SPDX-License-Identifier: Apache-2.0 */
/* op_mish.c - Mish: x × tanh(log(1 + e^x)). */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, heft_run_mish_f32, 0 },
	{ HEFT_DTYPE_F64, heft_run_mish_f64, 0 },
	HEFT_LOOPS_END,
};

HEFT_UNARY_INFER
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t x = heft_gradient_in(g, 0);

	(void)c;
	heft_give(g, 0, heft_emit_2(g, "heft.MishGradient", dy, x));
}

HEFT_UNARY_OPERATOR(mish, "Mish", 18, HEFT_OP_WIDENS, infer, backward);
