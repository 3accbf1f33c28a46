/* SPDX-License-Identifier: Apache-2.0 */
/* op_flatten.c - Flatten: a matrix of what lies in front of an axis and behind it. */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/view.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	uint64_t dims[2] = { 1, 1 };
	uint32_t axis;

	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 1), x->rank, true, &axis, err));
	for (uint32_t d = 0; d < x->rank; d++)
		dims[d >= axis] *= x->dims[d];
	return heft_view_set(c, 2, dims, err);
}

static void forward(const struct heft_call *c)
{
	heft_view_forward(c);
}

const struct heft_op heft_op_flatten = {
	.name = "Flatten",
	.domain = "",
	.flags = HEFT_OP_VIEW | HEFT_OP_MOVES,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_reshape,
};
