/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_placed.c - Placed: zeros of `shape`, but for the elements of x: the one at i of a
 * dimension d lies at starts[d] + i steps[d]. What the gradient of a Slice is. */
#include <string.h>

#include "base/error.h"
#include "graph/move.h"
#include "graph/spans.h"

/* Whether dimension d of x lies within that of the output. */
static bool fits(uint64_t n, int64_t start, int64_t step, uint64_t size)
{
	const int64_t most = INT64_C(1) << 40;
	int64_t last;

	if (n == 0)
		return true;
	if (start < 0 || start > most || step < -most || step > most || step == 0 ||
	    n > (uint64_t)most)
		return false;
	if (n > 1 && (uint64_t)(step < 0 ? -step : step) > size)
		return false;
	last = start + (int64_t)(n - 1) * step;
	return last >= 0 && (uint64_t)last < size && (uint64_t)start < size;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];
	struct heft_move *m = (struct heft_move *)(void *)c->state;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	int64_t x_steps[HEFT_GRAPH_MAX_RANK];
	int64_t y_steps[HEFT_GRAPH_MAX_RANK];
	uint32_t n[3];
	const int64_t *shape = heft_call_ints(c, "shape", &n[0]);
	const int64_t *starts = heft_call_ints(c, "starts", &n[1]);
	const int64_t *steps = heft_call_ints(c, "steps", &n[2]);
	int64_t at = 0;

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	if (n[0] != x->rank || n[1] != x->rank || n[2] != x->rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "shape, starts and steps are not of %u dimensions", x->rank);
	for (uint32_t d = 0; d < x->rank; d++) {
		dims[d] = shape[d] < 0 ? 0 : (uint64_t)shape[d];
		if (!fits(x->dims[d], starts[d], steps[d], dims[d]))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "dimension %u lies outside", d);
	}
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, x->rank, dims, err));
	heft_move_init(m, heft_element_size(x->dtype));
	m->is_empty = x->n_elements == 0;
	if (m->is_empty)
		return HEFT_OK;
	heft_steps(c, x, true, x_steps);
	heft_steps(c, &c->out[0], true, y_steps);
	/* steps of y are above 0: what goes backward is read from its end */
	for (uint32_t d = 0; d < x->rank; d++) {
		const int64_t n_d = (int64_t)x->dims[d];
		const bool is_back = steps[d] < 0;

		heft_move_add(m, x->dims[d], is_back ? -x_steps[d] : x_steps[d],
		              y_steps[d] * (is_back ? -steps[d] : steps[d]));
		at += is_back ? (n_d - 1) * x_steps[d] : 0;
		y_steps[d] *= is_back ? starts[d] + (n_d - 1) * steps[d] : starts[d];
	}
	for (uint32_t d = 1; d < x->rank; d++)
		y_steps[0] += y_steps[d];
	heft_move_from(m, at, x->rank > 0 ? y_steps[0] : 0);
	heft_move_ready(m);
	return HEFT_OK;
}

static void clear(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                  uint32_t worker)
{
	const uint64_t size = *(const uint64_t *)ctx;
	const uint64_t left = c->out[0].n_bytes - first * size;

	(void)worker;
	memset((uint8_t *)c->out[0].bytes + first * size, 0,
	       (size_t)(left < n * size ? left : n * size));
}

static void forward(const struct heft_call *c)
{
	const struct heft_move *m = (const struct heft_move *)(const void *)c->state;
	const uint64_t size = 4096;

	if (c->out[0].n_bytes > 0 && c->out[0].n_elements != c->in[0].n_elements)
		heft_spans_run(c, (c->out[0].n_bytes + size - 1) / size, size / sizeof(float),
		               clear, &size);
	if (!m->is_empty)
		heft_move_run(c, m, c->in[0].bytes, c->out[0].bytes);
}

const struct heft_op heft_op_heft_placed = {
	.name = "Placed",
	.domain = "heft",
	.flags = HEFT_OP_CHANNELS_LAST,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
