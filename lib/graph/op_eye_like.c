/* SPDX-License-Identifier: Apache-2.0 */
/* op_eye_like.c - EyeLike: ones on a diagonal of a matrix of the shape of the input. */
#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"
#include "graph/op.h"
#include "graph/spans.h"
#include "onnx/model.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const int64_t asked = heft_call_int(c, "dtype", 0);
	const enum heft_dtype dtype = heft_call_attr(c, "dtype") ? heft_onnx_dtype((uint64_t)asked)
	                                                         : x->dtype;
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	(void)heft_call_int(c, "k", 0);
	if (x->rank != 2)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the input is no matrix");
	if (!info || info->n_elements != 1 || info->is_complex || info->is_block)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "a matrix of %s is not computed", heft_dtype_name(dtype));
	return heft_array_set(&c->out[0], dtype, 2, x->dims, err);
}

static void forward(const struct heft_call *c)
{
	const struct heft_array *y = &c->out[0];
	const uint64_t size = heft_element_size(y->dtype);
	const int64_t k = heft_call_int(c, "k", 0);
	const float one = 1;
	/* an index that wraps is past the last column too */
	uint64_t column = (uint64_t)k;
	uint8_t element[8];

	if (y->n_bytes == 0)
		return;
	memset(y->bytes, 0, y->n_bytes);
	heft_cast_elements(y->dtype, element, HEFT_DTYPE_F32, &one, 1, NULL);
	for (uint64_t row = 0; row < y->dims[0]; row++, column++) {
		if (column < y->dims[1])
			memcpy((uint8_t *)y->bytes + (row * y->dims[1] + column) * size, element,
			       size);
	}
}

const struct heft_op heft_op_eye_like = {
	.name = "EyeLike",
	.domain = "",
	.since = 9,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
