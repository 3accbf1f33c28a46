/* SPDX-License-Identifier: Apache-2.0 */
/* op_slice.c - Slice: from starts to ends in steps, along axes. */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"

struct cut {
	uint64_t n;
	int64_t start;
	int64_t step;
};

/* As NumPy cuts; a step of INT64_MIN too. */
static void cut_axis(struct cut *cut, uint64_t size, int64_t start, int64_t end, int64_t step)
{
	const int64_t n = (int64_t)size;
	const int64_t low = step > 0 ? 0 : -1; /* the least place to end */
	const int64_t high = step > 0 ? n : n - 1;
	const uint64_t by = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
	int64_t way;

	start = start < 0 ? start + n : start;
	end = end < 0 ? end + n : end;
	start = start < low ? low : start > high ? high : start;
	end = end < low ? low : end > high ? high : end;
	way = step > 0 ? end - start : start - end;
	cut->n = way > 0 ? ((uint64_t)way - 1) / by + 1 : 0;
	cut->start = start;
	cut->step = cut->n > 1 ? step : 1;
}

struct lists {
	int64_t starts[HEFT_GRAPH_MAX_RANK];
	int64_t ends[HEFT_GRAPH_MAX_RANK];
	int64_t steps[HEFT_GRAPH_MAX_RANK];
	uint32_t axes[HEFT_GRAPH_MAX_RANK];
	uint32_t n;
};

static enum heft_status read_lists(const struct heft_call *c, struct lists *l,
                                   struct heft_error *err)
{
	const uint32_t room = HEFT_GRAPH_MAX_RANK;
	uint32_t n_ends;
	uint32_t n_axes;
	uint32_t n_steps = 0;
	bool has_starts;
	bool has_ends;
	bool has_axes;
	bool has_steps = false;

	HEFT_TRY(heft_call_list(c, "starts", 1, 10, l->starts, room, &l->n, &has_starts, err));
	HEFT_TRY(heft_call_list(c, "ends", 2, 10, l->ends, room, &n_ends, &has_ends, err));
	HEFT_TRY(heft_call_axes(c, 3, 10, c->in[0].rank, l->axes, &n_axes, &has_axes, err));
	if (c->opset >= 10)
		HEFT_TRY(heft_call_list(c, "", 4, 10, l->steps, room, &n_steps, &has_steps, err));
	if (!has_starts || !has_ends || l->n != n_ends || (has_axes && n_axes != l->n) ||
	    (has_steps && n_steps != l->n) || l->n > c->in[0].rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "starts, ends, axes and steps are not as many");
	for (uint32_t k = 0; k < l->n; k++) {
		if (!has_axes)
			l->axes[k] = k;
		if (!has_steps)
			l->steps[k] = 1;
		if (l->steps[k] == 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "a step is 0");
	}
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct heft_move *m = (struct heft_move *)(void *)c->state;
	struct cut cuts[HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	int64_t x_steps[HEFT_GRAPH_MAX_RANK];
	int64_t y_steps[HEFT_GRAPH_MAX_RANK];
	struct lists l;
	int64_t at = 0;
	uint64_t size;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	HEFT_TRY(read_lists(c, &l, err));
	for (uint32_t d = 0; d < x->rank; d++)
		cuts[d] = (struct cut){ .n = x->dims[d], .step = 1 };
	for (uint32_t k = 0; k < l.n; k++)
		cut_axis(&cuts[l.axes[k]], x->dims[l.axes[k]], l.starts[k], l.ends[k], l.steps[k]);
	for (uint32_t d = 0; d < x->rank; d++)
		dims[d] = cuts[d].n;
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, x->rank, dims, err));
	heft_move_init(m, size);
	m->is_empty = c->out[0].n_elements == 0;
	if (m->is_empty)
		return HEFT_OK;
	heft_steps(c, x, true, x_steps);
	heft_steps(c, &c->out[0], true, y_steps);
	for (uint32_t d = 0; d < x->rank; d++) {
		heft_move_add(m, dims[d], x_steps[d] * cuts[d].step, y_steps[d]);
		at += x_steps[d] * cuts[d].start;
	}
	heft_move_from(m, at, 0);
	heft_move_ready(m);
	return HEFT_OK;
}

static void forward(const struct heft_call *c)
{
	heft_move_run(c, (const struct heft_move *)(const void *)c->state, c->in[0].bytes,
	              c->out[0].bytes);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_array *x = &c->in[0];
	int64_t starts[HEFT_GRAPH_MAX_RANK];
	int64_t steps[HEFT_GRAPH_MAX_RANK];
	struct lists l;

	if (read_lists(c, &l, NULL) != HEFT_OK)
		return;
	for (uint32_t d = 0; d < x->rank; d++) {
		starts[d] = 0;
		steps[d] = 1;
	}
	for (uint32_t k = 0; k < l.n; k++) {
		const uint32_t d = l.axes[k];
		struct cut cut;

		cut_axis(&cut, x->dims[d], l.starts[k], l.ends[k], l.steps[k]);
		starts[d] = cut.n > 0 ? cut.start : 0;
		steps[d] = cut.step;
	}
	heft_give(g, 0, heft_emit_placed(g, heft_gradient_of(g, 0), x, starts, steps));
}

const struct heft_op heft_op_slice = {
	.name = "Slice",
	.domain = "",
	.flags = HEFT_OP_CHANNELS_LAST | HEFT_OP_MOVES,
	.min_in = 1,
	.max_in = 5,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
