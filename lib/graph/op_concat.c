/* SPDX-License-Identifier: Apache-2.0 */
/* op_concat.c - Concat: arrays one behind the other along an axis. */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"
#include "graph/spans.h"

static enum heft_status add_input(const struct heft_call *c, uint32_t i, uint32_t axis,
                                  uint64_t *dims, struct heft_error *err)
{
	const struct heft_array *x = &c->in[i];

	if (!heft_call_has(c, i) || x->rank != c->in[0].rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input %u has not as many dimensions as input 0", i);
	HEFT_TRY(heft_call_same_dtype(c, 0, i, err));
	for (uint32_t d = 0; d < x->rank; d++) {
		if (d == axis ? !heft_add_u64(dims[d], x->dims[d], &dims[d])
		              : dims[d] != x->dims[d])
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "shapes do not go together: %llu and %llu in dimension %u",
			                 (unsigned long long)dims[d],
			                 (unsigned long long)x->dims[d], d);
	}
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t size;
	uint32_t axis;

	if (!heft_call_has(c, 0))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input 0 is left out");
	if (c->opset >= 4 && !heft_call_attr(c, "axis"))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "no axis is given");
	HEFT_TRY(heft_call_element(c, 0, &size, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 1), x->rank, false, &axis, err));
	for (uint32_t d = 0; d < x->rank; d++)
		dims[d] = d == axis ? 0 : x->dims[d];
	for (uint32_t i = 0; i < c->n_in; i++)
		HEFT_TRY(add_input(c, i, axis, dims, err));
	memcpy(c->state, &axis, sizeof axis);
	return heft_array_set(&c->out[0], x->dtype, x->rank, dims, err);
}

static void forward(const struct heft_call *c)
{
	const struct heft_array *y = &c->out[0];
	const int64_t size = (int64_t)heft_element_size(y->dtype);
	struct heft_axis all;
	int64_t at = 0;
	uint32_t axis;

	if (y->n_elements == 0)
		return;
	memcpy(&axis, c->state, sizeof axis);
	heft_memory_axis(c, y, axis, &all);
	for (uint32_t i = 0; i < c->n_in; i++) {
		const int64_t n = (int64_t)(c->in[i].dims[axis] * all.n_inner);
		struct heft_move m;

		heft_move_init(&m, (uint64_t)size);
		heft_move_add(&m, all.n_outer, n, (int64_t)(all.n * all.n_inner));
		heft_move_add(&m, (uint64_t)n, 1, 1);
		heft_move_from(&m, 0, at);
		heft_move_ready(&m);
		heft_move_run(c, &m, c->in[i].bytes, y->bytes);
		at += n;
	}
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);
	uint64_t at = 0;
	uint32_t axis;

	if (heft_call_axis(heft_call_int(c, "axis", 1), c->in[0].rank, false, &axis, NULL) !=
	    HEFT_OK)
		return;
	for (uint32_t i = 0; i < c->n_in; i++) {
		const uint64_t n = c->in[i].dims[axis];

		if (heft_gradient_wants(g, i))
			heft_give(g, i, heft_emit_part(g, dy, axis, at, n));
		at += n;
	}
}

const struct heft_op heft_op_concat = {
	.name = "Concat",
	.domain = "",
	.flags = HEFT_OP_CHANNELS_LAST | HEFT_OP_ALL_LAID | HEFT_OP_MOVES,
	.min_in = 1,
	.max_in = UINT32_MAX,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
