/* SPDX-License-Identifier: Apache-2.0 */
/* op_split.c - Split: parts of an array along an axis, one an output. Parts that are not told are
 * equal; from opset 18 on the last one may be smaller. */
#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"
#include "graph/spans.h"

/* Along the axis; where nothing is told, output i has `each`, as far as they go. */
struct plan {
	uint32_t axis;
	bool is_told;
	uint64_t each;
};

static enum heft_status check_equal(const struct heft_call *c, uint64_t n, struct heft_error *err)
{
	const int64_t n_asked = heft_call_int(c, "num_outputs", c->n_out);

	if (n_asked != (int64_t)c->n_out)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "num_outputs is %lld, and there are %u outputs",
		                 (long long)n_asked, c->n_out);
	if (c->opset < 18 && n % c->n_out != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%llu elements make no %u equal parts", (unsigned long long)n,
		                 c->n_out);
	return HEFT_OK;
}

/* Part i as `split` says; UINT64_MAX where it does not. */
static uint64_t told(const struct heft_call *c, uint32_t i)
{
	uint32_t n;
	const int64_t *ints = heft_call_ints(c, "split", &n);
	const struct heft_array *a = &c->in[1];
	int64_t size = -1;

	if (!heft_call_has(c, 1))
		size = i < n ? ints[i] : -1;
	else if (i < a->n_elements)
		size = a->dtype == HEFT_DTYPE_I64 ? ((const int64_t *)a->bytes)[i]
		                                  : ((const int32_t *)a->bytes)[i];
	return size < 0 ? UINT64_MAX : (uint64_t)size;
}

static enum heft_status check_told(const struct heft_call *c, uint64_t n, struct heft_error *err)
{
	uint32_t n_told;
	uint64_t left = n;

	(void)heft_call_ints(c, "split", &n_told);
	if (heft_call_has(c, 1)) {
		HEFT_TRY(heft_call_check_index(c, 1, err));
		n_told = c->in[1].n_elements > c->n_out ? UINT32_MAX
		                                        : (uint32_t)c->in[1].n_elements;
		if (!c->in[1].bytes && n_told > 0)
			return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
			                 "the sizes of parts are not known");
	}
	for (uint32_t i = 0; n_told == c->n_out && i < n_told; i++) {
		const uint64_t part = told(c, i);

		if (part > left)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the parts are not those of %llu elements",
			                 (unsigned long long)n);
		left -= part;
	}
	if (n_told != c->n_out || left > 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the parts are not those of %llu elements in %u outputs",
		                 (unsigned long long)n, c->n_out);
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct plan p = { .is_told = heft_call_has(c, 1) || heft_call_attr(c, "split") };
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t left;
	uint64_t size;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 0), x->rank, false, &p.axis, err));
	left = x->dims[p.axis];
	HEFT_TRY(p.is_told ? check_told(c, left, err) : check_equal(c, left, err));
	p.each = left / c->n_out + (left % c->n_out != 0);
	memcpy(dims, x->dims, sizeof dims);
	for (uint32_t i = 0; i < c->n_out; i++) {
		dims[p.axis] = p.is_told ? told(c, i) : left < p.each ? left : p.each;
		left -= dims[p.axis];
		HEFT_TRY(heft_array_set(&c->out[i], x->dtype, x->rank, dims, err));
	}
	memcpy(c->state, &p, sizeof p);
	return HEFT_OK;
}

static void forward(const struct heft_call *c)
{
	const struct heft_array *x = &c->in[0];
	struct heft_axis all;
	struct plan p;
	int64_t at = 0;

	if (x->n_elements == 0)
		return;
	memcpy(&p, c->state, sizeof p);
	heft_memory_axis(c, x, p.axis, &all);
	for (uint32_t i = 0; i < c->n_out; i++) {
		const int64_t n = (int64_t)(c->out[i].dims[p.axis] * all.n_inner);
		struct heft_move m;

		heft_move_init(&m, heft_element_size(x->dtype));
		heft_move_add(&m, all.n_outer, (int64_t)(all.n * all.n_inner), n);
		heft_move_add(&m, (uint64_t)n, 1, 1);
		heft_move_from(&m, at, 0);
		heft_move_ready(&m);
		if (heft_call_wants(c, i))
			heft_move_run(c, &m, x->bytes, c->out[i].bytes);
		at += n;
	}
}

/* The size of output i, which may not be there. */
static uint64_t part_of(const struct heft_call *c, uint32_t i, uint32_t axis)
{
	const uint64_t n = c->in[0].dims[axis];
	const uint64_t each = n / c->n_out + (n % c->n_out != 0);
	const bool is_told = heft_call_has(c, 1) || heft_call_attr(c, "split");

	if (is_told)
		return told(c, i);
	return i * each >= n ? 0 : n - i * each < each ? n - i * each : each;
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_array *x = &c->in[0];
	int64_t starts[HEFT_GRAPH_MAX_RANK] = { 0 };
	int64_t steps[HEFT_GRAPH_MAX_RANK];
	uint32_t axis;

	if (heft_call_axis(heft_call_int(c, "axis", 0), x->rank, false, &axis, NULL) != HEFT_OK)
		return;
	for (uint32_t d = 0; d < x->rank; d++)
		steps[d] = 1;
	/* each part where it was, and all of them added */
	for (uint32_t i = 0; i < c->n_out; i++) {
		const uint32_t dy = heft_gradient_of(g, i);

		if (dy != HEFT_NO_VALUE)
			heft_give(g, 0, heft_emit_placed(g, dy, x, starts, steps));
		starts[axis] += (int64_t)part_of(c, i, axis);
	}
}

const struct heft_op heft_op_split = {
	.name = "Split",
	.domain = "",
	.flags = HEFT_OP_CHANNELS_LAST | HEFT_OP_ALL_LAID | HEFT_OP_MOVES,
	.min_in = 1,
	.max_in = 2,
	.min_out = 1,
	.max_out = UINT32_MAX,
	.needs = 1 << 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
