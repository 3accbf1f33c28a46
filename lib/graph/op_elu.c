/* SPDX-License-Identifier: Apache-2.0 */
/* op_elu.c - Elu: alpha × (e^x - 1) where x is negative. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, heft_run_elu_f32, 0 },
	{ HEFT_DTYPE_F64, heft_run_elu_f64, 0 },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, (double)heft_call_float(c, "alpha", 1.0f), 1);
	return heft_unary_infer(c, loops, err);
}

HEFT_UNARY_OPERATOR(elu, "Elu", 0, HEFT_OP_WIDENS, infer);
