/* SPDX-License-Identifier: Apache-2.0 */
/* op_reshape.c - Reshape: the same elements in another shape. */
#include "base/checked.h"
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/view.h"

/* Up to opset 13 and without `allowzero`, 0 stands for the size that the input has there. */
static enum heft_status set_sizes(const struct heft_call *c, const int64_t *asked, uint32_t n,
                                  uint64_t *dims, uint32_t *open, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const bool keeps_zero = c->opset >= 14 && heft_call_int(c, "allowzero", 0) != 0;

	*open = n;
	for (uint32_t i = 0; i < n; i++) {
		if (asked[i] < -1 || (asked[i] == -1 && *open < n))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "size %lld cannot be asked for", (long long)asked[i]);
		if (asked[i] == 0 && !keeps_zero && i >= x->rank)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "size 0 of dimension %u stands for one that is not there",
			                 i);
		if (asked[i] == -1)
			*open = i;
		dims[i] = asked[i] == 0 && !keeps_zero ? x->dims[i]
		          : asked[i] == -1             ? 1
		                                       : (uint64_t)asked[i];
	}
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	int64_t asked[HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t known = 1;
	uint32_t n;
	uint32_t open;
	bool is_given;

	HEFT_TRY(heft_call_list(c, "shape", 1, 5, asked, HEFT_GRAPH_MAX_RANK, &n, &is_given, err));
	if (!is_given)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "no shape is given");
	HEFT_TRY(set_sizes(c, asked, n, dims, &open, err));
	for (uint32_t i = 0; i < n; i++) {
		if (!heft_mul_u64(known, dims[i], &known))
			known = UINT64_MAX;
	}
	if (open < n && known > 0)
		dims[open] = x->n_elements / known;
	if (open < n ? known == 0 || x->n_elements % known != 0 : known != x->n_elements)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%llu elements do not fill the shape asked for",
		                 (unsigned long long)x->n_elements);
	return heft_view_set(c, n, dims, err);
}

static void forward(const struct heft_call *c)
{
	heft_view_forward(c);
}

const struct heft_op heft_op_reshape = {
	.name = "Reshape",
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
