/* SPDX-License-Identifier: Apache-2.0 */
/* op_unsqueeze.c - Unsqueeze: with dimensions of size 1 more, at the axes of the output. */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"
#include "graph/view.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	int64_t given[HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t axes[HEFT_GRAPH_MAX_RANK];
	uint32_t added = 0;
	uint32_t from = 0;
	uint32_t n;
	bool is_given;

	HEFT_TRY(heft_call_list(c, "axes", 1, 13, given, HEFT_GRAPH_MAX_RANK, &n, &is_given, err));
	if (!is_given)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "no axes are given");
	if (x->rank + n > HEFT_GRAPH_MAX_RANK)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "%u dimensions are more than %d", x->rank + n,
		                 HEFT_GRAPH_MAX_RANK);
	HEFT_TRY(heft_call_axes(c, 1, 13, x->rank + n, axes, &n, &is_given, err));
	for (uint32_t k = 0; k < n; k++)
		added |= 1U << axes[k];
	for (uint32_t d = 0; d < x->rank + n; d++)
		dims[d] = added >> d & 1 ? 1 : x->dims[from++];
	return heft_view_set(c, x->rank + n, dims, err);
}

static void forward(const struct heft_call *c)
{
	heft_view_forward(c);
}

const struct heft_op heft_op_unsqueeze = {
	.name = "Unsqueeze",
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
