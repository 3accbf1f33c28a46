/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_below_product.c - BelowProduct: dy times x where x is below 0, else 0: what PRelu's slope
 * gets. */
#include "graph/elementwise_loops.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_FLOAT(SLOPE_BELOW),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

HEFT_SLOPE_OPERATOR(heft_below_product, "BelowProduct", infer);
