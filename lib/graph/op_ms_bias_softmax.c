/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_bias_softmax.c - onnxruntime's BiasSoftmax: Softmax of a sum, whose second part is
 * broadcast, over all dimensions from an axis on. */
#include <string.h>

#include "base/error.h"
#include "graph/softmax.h"

struct plan {
	struct heft_axis axis;
	uint64_t width; /* of a row along the last dimension */
	uint64_t strides[HEFT_GRAPH_MAX_RANK];
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];
	const struct heft_array *const both[] = { x, &c->in[1] };
	struct plan *p = (struct plan *)c->state;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t axis;
	uint32_t rank;

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	HEFT_TRY(heft_call_check_dtype(c, 1, floats, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 1), x->rank, false, &axis, err));
	HEFT_TRY(heft_broadcast(both, 2, &rank, dims, err));
	if (rank != x->rank || memcmp(dims, x->dims, rank * sizeof *dims) != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the bias is larger than the input");
	heft_axis_set_tail(&p->axis, x, axis);
	p->width = x->dims[x->rank - 1];
	heft_broadcast_strides(&c->in[1], rank, p->strides);
	return heft_array_set(&c->out[0], x->dtype, rank, dims, err);
}

static void add_rows(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct plan *p = ctx;
	const struct heft_array *x = &c->in[0];
	const uint64_t step = p->strides[x->rank - 1];

	(void)worker;
	for (uint64_t row = first; row < first + n; row++) {
		const float *from = (const float *)x->bytes + row * p->width;
		const float *bias = c->in[1].bytes;
		float *y = (float *)c->out[0].bytes + row * p->width;
		uint64_t left = row;

		for (uint32_t d = x->rank - 1; d-- > 0; left /= x->dims[d])
			bias += left % x->dims[d] * p->strides[d];
		for (uint64_t i = 0; i < p->width; i++)
			y[i] = from[i] + bias[i * step];
	}
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)c->state;
	float *y = c->out[0].bytes;

	if (c->out[0].n_elements == 0)
		return;
	heft_spans_run(c, c->out[0].n_elements / p->width, p->width, add_rows, p);
	heft_softmax_run(c, HEFT_SOFTMAX, &p->axis, HEFT_DTYPE_F32, y, y);
}

const struct heft_op heft_op_ms_bias_softmax = {
	.name = "BiasSoftmax",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
