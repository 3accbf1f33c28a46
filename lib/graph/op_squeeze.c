/* SPDX-License-Identifier: Apache-2.0 */
/* op_squeeze.c - Squeeze: without dimensions of size 1. */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"
#include "graph/view.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t axes[HEFT_GRAPH_MAX_RANK];
	uint32_t away = 0;
	uint32_t rank = 0;
	uint32_t n;
	bool is_given;

	HEFT_TRY(heft_call_axes(c, 1, 13, x->rank, axes, &n, &is_given, err));
	for (uint32_t k = 0; k < n; k++) {
		if (x->dims[axes[k]] != 1)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "dimension %u is not of size 1", axes[k]);
		away |= 1U << axes[k];
	}
	for (uint32_t d = 0; d < x->rank; d++) {
		if (is_given ? !(away >> d & 1) : x->dims[d] != 1)
			dims[rank++] = x->dims[d];
	}
	return heft_view_set(c, rank, dims, err);
}

static void forward(const struct heft_call *c)
{
	heft_view_forward(c);
}

const struct heft_op heft_op_squeeze = {
	.name = "Squeeze",
	.domain = "",
	.flags = HEFT_OP_VIEW | HEFT_OP_MOVES,
	.min_in = 1,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_reshape,
};
