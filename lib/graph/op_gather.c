/* SPDX-License-Identifier: Apache-2.0 */
/* op_gather.c - Gather: rows along an axis, chosen by indices. Negative ones count from behind; one
 * that is still outside is the nearest inside. */
#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"
#include "graph/spans.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *indices = &c->in[1];
	uint64_t dims[2 * HEFT_GRAPH_MAX_RANK];
	uint32_t rank = 0;
	uint32_t axis;
	uint64_t size;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	HEFT_TRY(heft_call_check_index(c, 1, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 0), x->rank, false, &axis, err));
	for (uint32_t d = 0; d < axis; d++)
		dims[rank++] = x->dims[d];
	for (uint32_t d = 0; d < indices->rank; d++)
		dims[rank++] = indices->dims[d];
	for (uint32_t d = axis + 1; d < x->rank; d++)
		dims[rank++] = x->dims[d];
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, rank, dims, err));
	if (x->dims[axis] == 0 && c->out[0].n_elements > 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "axis %u has no element to choose from", axis);
	heft_axis_set((struct heft_axis *)(void *)c->state, x, axis);
	return HEFT_OK;
}

static void gather_rows(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                        uint32_t worker)
{
	const struct heft_axis *a = ctx;
	const struct heft_array *indices = &c->in[1];
	const uint64_t size = a->n_inner * heft_element_size(c->in[0].dtype);
	const uint8_t *x = c->in[0].bytes;
	uint8_t *y = (uint8_t *)c->out[0].bytes + first * size;

	(void)worker;
	for (uint64_t row = first; row < first + n; row++, y += size) {
		const uint64_t outer = row / indices->n_elements;
		const uint64_t at = heft_index_within(indices, row % indices->n_elements, a->n);
		const uint8_t *from = x + (outer * a->n + at) * size;

		if (size == 4)
			memcpy(y, from, 4);
		else if (size == 8)
			memcpy(y, from, 8);
		else
			memcpy(y, from, size);
	}
}

static void forward(const struct heft_call *c)
{
	const struct heft_axis *a = (const struct heft_axis *)(const void *)c->state;

	if (c->out[0].n_elements > 0)
		heft_spans_run(c, a->n_outer * c->in[1].n_elements, a->n_inner, gather_rows, a);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_array *x = &c->in[0];
	int64_t shape[HEFT_GRAPH_MAX_RANK];
	struct heft_emit e = {
		.type = "heft.GatherGradient",
		.n_in = 2,
		.in = { heft_gradient_of(g, 0), heft_gradient_in(g, 1) },
		.n_attrs = 2,
	};

	for (uint32_t d = 0; d < x->rank; d++)
		shape[d] = (int64_t)x->dims[d];
	e.attrs[0] = heft_attr_int("axis", heft_call_int(c, "axis", 0));
	e.attrs[1] = heft_attr_ints("shape", shape, x->rank);
	heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_gather = {
	.name = "Gather",
	.domain = "",
	.flags = HEFT_OP_MOVES,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
