/* SPDX-License-Identifier: Apache-2.0 */
/* op_compress.c - Compress: the slices along an axis, or the elements, whose condition is true. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/gradient.h"
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

/* Those that were taken are where they were: rows that indices chose. */
static void give_rows(const struct heft_call *c, struct heft_gradient *g, int64_t *rows, uint64_t n)
{
	const struct heft_array *x = &c->in[0];
	const bool has_axis = heft_call_attr(c, "axis") != NULL;
	int64_t shape[HEFT_GRAPH_MAX_RANK] = { (int64_t)x->n_elements };
	struct heft_emit e = { .type = "heft.GatherGradient", .n_in = 2, .n_attrs = 2 };

	for (uint32_t d = 0; has_axis && d < x->rank; d++)
		shape[d] = (int64_t)x->dims[d];
	e.in[0] = heft_gradient_of(g, 0);
	e.in[1] = heft_emit_list(g, rows, (uint32_t)n);
	e.attrs[0] = heft_attr_int("axis", heft_call_int(c, "axis", 0));
	e.attrs[1] = heft_attr_ints("shape", shape, has_axis ? x->rank : 1);
	heft_give(g, 0, heft_emit_reshaped_like(g, heft_emit(g, &e), heft_gradient_in(g, 0)));
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint8_t *condition = c->in[1].bytes;
	const struct heft_array *x = &c->in[0];
	uint64_t n_most = c->in[1].n_elements;
	uint64_t n_along = x->n_elements;
	uint32_t axis;
	int64_t *rows;
	uint64_t n = 0;

	if (heft_call_attr(c, "axis")) {
		if (heft_call_axis(heft_call_int(c, "axis", 0), x->rank, false, &axis, NULL) !=
		    HEFT_OK)
			return;
		n_along = x->dims[axis];
	}
	n_most = n_along < n_most ? n_along : n_most;
	rows = condition && n_most < UINT32_MAX / 8
	               ? heft_zalloc_array((size_t)n_most + 1, sizeof *rows)
	               : NULL;
	if (!rows) {
		heft_gradient_block(g, "the places of its gradient are not known");
		return;
	}
	for (uint64_t i = 0; i < n_most; i++) {
		if (condition[i] != 0)
			rows[n++] = (int64_t)i;
	}
	give_rows(c, g, rows, n);
	heft_free(rows);
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
	.backward = backward,
};
