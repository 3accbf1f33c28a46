/* SPDX-License-Identifier: Apache-2.0 */
/* op_compress.c - Compress: the slices along an axis, or the elements, whose condition is true. */
#include <string.h>

#include "base/error.h"
#include "graph/move.h"
#include "graph/spans.h"

/* Those that the condition is long enough for. */
static uint64_t count(const struct heft_call *c, uint64_t n)
{
	const uint8_t *condition = c->in[1].bytes;
	uint64_t n_taken = 0;

	for (uint64_t i = 0; i < n && i < c->in[1].n_elements; i++)
		n_taken += condition[i] != 0;
	return n_taken;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct heft_axis *a = (struct heft_axis *)(void *)c->state;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t axis = 0;
	uint64_t size;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	if (c->in[1].dtype != HEFT_DTYPE_BOOL || c->in[1].rank != 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the condition is no list of BOOL");
	if (!c->in[1].bytes && c->in[1].n_elements > 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "the condition is not known");
	if (!heft_call_attr(c, "axis")) {
		*a = (struct heft_axis){ .n_outer = 1, .n = x->n_elements, .n_inner = 1 };
		dims[0] = count(c, a->n);
		return heft_array_set(&c->out[0], x->dtype, 1, dims, err);
	}
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 0), x->rank, false, &axis, err));
	heft_axis_set(a, x, axis);
	memcpy(dims, x->dims, sizeof dims);
	dims[axis] = count(c, a->n);
	return heft_array_set(&c->out[0], x->dtype, x->rank, dims, err);
}

static void forward(const struct heft_call *c)
{
	const struct heft_axis *a = (const struct heft_axis *)(const void *)c->state;
	const uint64_t size = heft_element_size(c->in[0].dtype) * a->n_inner;
	const uint8_t *condition = c->in[1].bytes;
	const uint8_t *x = c->in[0].bytes;
	uint8_t *y = c->out[0].bytes;

	if (c->out[0].n_elements == 0)
		return;
	for (uint64_t outer = 0; outer < a->n_outer; outer++) {
		for (uint64_t i = 0; i < a->n && i < c->in[1].n_elements; i++) {
			if (condition[i] == 0)
				continue;
			memcpy(y, x + (outer * a->n + i) * size, size);
			y += size;
		}
	}
}

const struct heft_op heft_op_compress = {
	.name = "Compress",
	.domain = "",
	.since = 9,
	.flags = HEFT_OP_MOVES,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1,
	.infer = infer,
	.forward = forward,
};
