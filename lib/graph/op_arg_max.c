/* SPDX-License-Identifier: Apache-2.0 */
/* op_arg_max.c - ArgMax: the place of the greatest element along an axis. */
#include "graph/arg.h"
#include "graph/gradient.h"

static void forward(const struct heft_call *c)
{
	heft_arg_forward(c, true);
}

const struct heft_op heft_op_arg_max = {
	.name = "ArgMax",
	.domain = "",
	.flags = HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = heft_arg_infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
