/* SPDX-License-Identifier: Apache-2.0 */
/* op_constant_of_shape.c - ConstantOfShape: one value everywhere; an F32 0 where none is given. */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"
#include "graph/spans.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_attr *a = heft_call_attr(c, "value");
	enum heft_dtype dtype = HEFT_DTYPE_F32;
	int64_t asked[HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t rank;

	HEFT_TRY(heft_call_known_ints(c, 0, asked, HEFT_GRAPH_MAX_RANK, &rank, err));
	if (a && (a->kind != HEFT_ATTR_TENSOR || a->tensor->n_elements != 1))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "attribute 'value' is not a tensor of one element");
	if (a)
		dtype = a->tensor->dtype;
	if (heft_element_size(dtype) == 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "a value of %s is not computed", heft_dtype_name(dtype));
	for (uint32_t d = 0; d < rank; d++) {
		if (asked[d] < 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "size %lld cannot be asked for", (long long)asked[d]);
		dims[d] = (uint64_t)asked[d];
	}
	return heft_array_set(&c->out[0], dtype, rank, dims, err);
}

static void fill(const struct heft_call *c, const void *value, uint64_t first, uint64_t n,
                 uint32_t worker)
{
	const uint64_t size = heft_element_size(c->out[0].dtype);

	(void)worker;
	heft_fill((uint8_t *)c->out[0].bytes + first * size, value, size, n);
}

static void forward(const struct heft_call *c)
{
	static const float zero = 0;
	const struct heft_attr *a = heft_call_attr(c, "value");

	heft_spans_run(c, c->out[0].n_elements, 1, fill, a ? a->tensor->bytes : &zero);
}

const struct heft_op heft_op_constant_of_shape = {
	.name = "ConstantOfShape",
	.domain = "",
	.since = 9,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 0,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
