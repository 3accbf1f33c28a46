/* SPDX-License-Identifier: Apache-2.0 */
/* op_max_unpool.c - MaxUnpool: each element to the place that MaxPool took it from, +0 elsewhere.
 * Places count in the shape that the windows come to, even if a larger one is asked for. One
 * that is outside of either is skipped; of several to one place the last stays (spec F6-47). */
#include <string.h>

#include "base/error.h"
#include "graph/spans.h"

#define MOST (INT64_C(1) << 31)

struct plan {
	uint32_t rank;
	uint64_t dims[HEFT_GRAPH_MAX_RANK]; /* that places count in */
	uint64_t n_elements;
};

/* Size of axis i of the windows, from that of the input. */
static enum heft_status unpooled(const struct heft_call *c, uint32_t i, uint32_t n, uint64_t in,
                                 uint64_t *out, struct heft_error *err)
{
	uint32_t n_kernel;
	uint32_t n_strides;
	uint32_t n_pads;
	const int64_t *kernel = heft_call_ints(c, "kernel_shape", &n_kernel);
	const int64_t *strides = heft_call_ints(c, "strides", &n_strides);
	const int64_t *pads = heft_call_ints(c, "pads", &n_pads);
	int64_t stride;
	int64_t pad;
	int64_t size;

	if (n_kernel != n || (n_strides != 0 && n_strides != n) || (n_pads != 0 && n_pads != 2 * n))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "kernel_shape, strides and pads do not fit %u axes", n);
	stride = n_strides > 0 ? strides[i] : 1;
	pad = n_pads > 0 ? pads[i] + pads[n + i] : 0;
	if (kernel[i] < 1 || kernel[i] >= MOST || stride < 1 || stride >= MOST || in == 0 ||
	    in >= (uint64_t)MOST ||
	    (n_pads > 0 &&
	     (pads[i] < 0 || pads[i] >= MOST || pads[n + i] < 0 || pads[n + i] >= MOST)))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a window, or the axis, has an absurd size");
	size = ((int64_t)in - 1) * stride + kernel[i] - pad;
	if (size < 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the padding is larger than the output");
	*out = (uint64_t)size;
	return HEFT_OK;
}

static enum heft_status set_out(struct heft_call *c, const struct plan *p, struct heft_error *err)
{
	int64_t given[HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t n;

	if (!heft_call_has(c, 2))
		return heft_array_set(&c->out[0], c->in[0].dtype, p->rank, p->dims, err);
	HEFT_TRY(heft_call_known_ints(c, 2, given, HEFT_GRAPH_MAX_RANK, &n, err));
	if (n != p->rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "output_shape has %u numbers and not %u", n, p->rank);
	for (uint32_t d = 0; d < n; d++) {
		if (given[d] < 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "output_shape has %lld",
			                 (long long)given[d]);
		dims[d] = (uint64_t)given[d];
	}
	return heft_array_set(&c->out[0], c->in[0].dtype, n, dims, err);
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	struct plan *p = (struct plan *)c->state;
	const struct heft_array *x = &c->in[0];

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	if (c->in[1].dtype != HEFT_DTYPE_I64 || !heft_array_same_shape(x, &c->in[1]))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input 1 is not an I64 for each element of input 0");
	if (x->rank < 3)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the input has %u dimensions and not at least 3", x->rank);
	p->rank = x->rank;
	p->dims[0] = x->dims[0];
	p->dims[1] = x->dims[1];
	for (uint32_t d = 2; d < x->rank; d++)
		HEFT_TRY(unpooled(c, d - 2, x->rank - 2, x->dims[d], &p->dims[d], err));
	HEFT_TRY(heft_tensor_size(x->dtype, p->rank, p->dims, &p->n_elements, NULL, err));
	return set_out(c, p, err);
}

/* Where place i is in the output; UINT64_MAX: nowhere. */
static uint64_t place_in(const struct plan *p, const struct heft_array *y, int64_t i)
{
	uint64_t left = (uint64_t)i;
	uint64_t stride = 1;
	uint64_t at = 0;

	if (i < 0 || left >= p->n_elements)
		return UINT64_MAX;
	for (uint32_t d = p->rank; d-- > 0; left /= p->dims[d]) {
		if (left % p->dims[d] >= y->dims[d])
			return UINT64_MAX;
		at += left % p->dims[d] * stride;
		stride *= y->dims[d];
	}
	return at;
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)c->state;
	const struct heft_array *x = &c->in[0];
	const struct heft_array *y = &c->out[0];
	const uint64_t size = heft_element_size(x->dtype);

	if (y->n_bytes == 0)
		return;
	memset(y->bytes, 0, (size_t)y->n_bytes);
	for (uint64_t i = 0; i < x->n_elements; i++) {
		const uint64_t at = place_in(p, y, ((const int64_t *)c->in[1].bytes)[i]);

		if (at != UINT64_MAX)
			memcpy((uint8_t *)y->bytes + at * size,
			       (const uint8_t *)x->bytes + i * size, (size_t)size);
	}
}

const struct heft_op heft_op_max_unpool = {
	.name = "MaxUnpool",
	.domain = "",
	.since = 9,
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 2,
	.infer = infer,
	.forward = forward,
};
