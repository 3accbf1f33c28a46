/* SPDX-License-Identifier: Apache-2.0 */
/* op_shrink.c - Shrink: x moved towards 0 by bias, and 0 where |x| is at most lambd. Integers are
 * computed as F64. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(SHRINK),
	HEFT_LOOPS_BY_F64(SHRINK),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, (double)heft_call_float(c, "lambd", 0.5f),
	                      (double)heft_call_float(c, "bias", 0.0f));
	return heft_unary_infer(c, loops, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const enum heft_dtype dtype = c->in[0].dtype;
	const uint32_t bound = heft_emit_number(g, dtype,
	                                        (double)heft_call_float(c, "lambd", 0.5f));
	const uint32_t size = heft_emit_1(g, "Abs", heft_gradient_in(g, 0));
	const uint32_t is_kept = heft_emit_2(g, "Greater", size, bound);

	heft_give(g, 0,
	          heft_emit_3(g, "Where", is_kept, heft_gradient_of(g, 0),
	                      heft_emit_number(g, dtype, 0)));
}

HEFT_UNARY_OPERATOR(shrink, "Shrink", 9, HEFT_OP_WIDENS, infer, backward);
