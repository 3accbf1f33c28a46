/* SPDX-License-Identifier: Apache-2.0 */
/* op_tile.c - Tile: the input repeated along each dimension; before opset 6 along one, `axis`. */
#include "base/checked.h"
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"

static enum heft_status read_one(const struct heft_call *c, int64_t *repeats,
                                 struct heft_error *err)
{
	int64_t axis[1];
	int64_t times[1];
	uint32_t n_axes = 0;
	uint32_t n = 0;
	uint32_t at;

	HEFT_TRY(heft_call_known_ints(c, 1, times, 1, &n, err));
	if (heft_call_has(c, 2))
		HEFT_TRY(heft_call_known_ints(c, 2, axis, 1, &n_axes, err));
	if (n != 1 || n_axes != 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "repeats and axis are not one number each");
	for (uint32_t d = 0; d < c->in[0].rank; d++)
		repeats[d] = 1;
	HEFT_TRY(heft_call_axis(axis[0], c->in[0].rank, false, &at, err));
	repeats[at] = times[0];
	return HEFT_OK;
}

static enum heft_status read_repeats(const struct heft_call *c, int64_t *repeats,
                                     struct heft_error *err)
{
	uint32_t n = c->in[0].rank;

	if (c->opset < 6)
		HEFT_TRY(read_one(c, repeats, err));
	else
		HEFT_TRY(heft_call_known_ints(c, 1, repeats, HEFT_GRAPH_MAX_RANK, &n, err));
	if (n != c->in[0].rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%u repeats are given for %u dimensions", n, c->in[0].rank);
	for (uint32_t d = 0; d < n; d++) {
		if (repeats[d] < 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "dimension %u cannot be repeated %lld times", d,
			                 (long long)repeats[d]);
	}
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct heft_move *m = (struct heft_move *)(void *)c->state;
	int64_t repeats[HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	int64_t x_steps[HEFT_GRAPH_MAX_RANK];
	int64_t y_steps[HEFT_GRAPH_MAX_RANK];
	uint64_t size;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	HEFT_TRY(read_repeats(c, repeats, err));
	for (uint32_t d = 0; d < x->rank; d++) {
		if (!heft_mul_u64(x->dims[d], (uint64_t)repeats[d], &dims[d]))
			return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
			                 "dimension %u becomes too large", d);
	}
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, x->rank, dims, err));
	heft_steps(c, x, false, x_steps);
	heft_steps(c, &c->out[0], false, y_steps);
	heft_move_init(m, size);
	m->is_empty = c->out[0].n_elements == 0;
	for (uint32_t d = 0; d < x->rank && !m->is_empty; d++) {
		heft_move_add(m, (uint64_t)repeats[d], 0, y_steps[d] * (int64_t)x->dims[d]);
		heft_move_add(m, x->dims[d], x_steps[d], y_steps[d]);
	}
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
	int64_t repeats[HEFT_GRAPH_MAX_RANK];
	int64_t axes[HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t n = 0;
	uint32_t rank = 0;
	uint32_t sum;

	if (read_repeats(c, repeats, NULL) != HEFT_OK)
		return;
	for (uint32_t d = 0; d < x->rank; d++) {
		if (repeats[d] != 1 && rank < HEFT_GRAPH_MAX_RANK) {
			axes[n++] = rank;
			dims[rank++] = (uint64_t)repeats[d];
		}
		if (rank == HEFT_GRAPH_MAX_RANK) {
			heft_gradient_block(
				g, "so many dimensions are repeated that it has no gradient "
				   "here");
			return;
		}
		dims[rank++] = x->dims[d];
	}
	sum = heft_emit_reshaped(g, heft_gradient_of(g, 0), rank, dims);
	if (n > 0)
		sum = heft_emit_2(g, "ReduceSum", sum, heft_emit_list(g, axes, n));
	heft_give(g, 0, heft_emit_reshaped_like(g, sum, heft_gradient_in(g, 0)));
}

const struct heft_op heft_op_tile = {
	.name = "Tile",
	.domain = "",
	.flags = HEFT_OP_MOVES,
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1 | 1 << 2,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
