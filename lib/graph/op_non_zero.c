/* SPDX-License-Identifier: Apache-2.0 */
/* op_non_zero.c - NonZero: the indices of what is not 0, a column each, row-major. */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/op.h"
#include "graph/spans.h"

static bool is_set(const struct heft_array *x, uint64_t i)
{
	const bool is_float = heft_dtype_describe(x->dtype)->is_float;
	uint64_t bits = 0;

	switch (heft_element_size(x->dtype)) {
	case 1:
		return ((const uint8_t *)x->bytes)[i] != 0;
	case 2:
		bits = ((const uint16_t *)x->bytes)[i] & (is_float ? 0x7fffU : 0xffffU);
		return bits != 0;
	case 4:
		bits = ((const uint32_t *)x->bytes)[i];
		return (is_float ? bits & 0x7fffffffU : bits) != 0;
	default:
		bits = ((const uint64_t *)x->bytes)[i];
		return (is_float ? bits & INT64_MAX : bits) != 0;
	}
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype numbers[] = { HEFT_DTYPE_BOOL, HEFT_DTYPE_F32,  HEFT_DTYPE_F64,
		                                   HEFT_DTYPE_F16,  HEFT_DTYPE_BF16, HEFT_DTYPE_I8,
		                                   HEFT_DTYPE_I16,  HEFT_DTYPE_I32,  HEFT_DTYPE_I64,
		                                   HEFT_DTYPE_U8,   HEFT_DTYPE_U16,  HEFT_DTYPE_U32,
		                                   HEFT_DTYPE_U64,  HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];
	uint64_t dims[2] = { x->rank, 0 };

	HEFT_TRY(heft_call_check_dtype(c, 0, numbers, err));
	if (!x->bytes && x->n_elements > 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "the data is not known");
	for (uint64_t i = 0; i < x->n_elements; i++)
		dims[1] += is_set(x, i);
	return heft_array_set(&c->out[0], HEFT_DTYPE_I64, 2, dims, err);
}

static void forward(const struct heft_call *c)
{
	const struct heft_array *x = &c->in[0];
	const uint64_t n = c->out[0].dims[1];
	int64_t *y = c->out[0].bytes;
	uint64_t at = 0;

	for (uint64_t i = 0; i < x->n_elements && at < n; i++) {
		uint64_t left = i;

		if (!is_set(x, i))
			continue;
		for (uint32_t d = x->rank; d-- > 0;) {
			y[d * n + at] = (int64_t)(left % x->dims[d]);
			left /= x->dims[d];
		}
		at++;
	}
}

const struct heft_op heft_op_non_zero = {
	.name = "NonZero",
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
