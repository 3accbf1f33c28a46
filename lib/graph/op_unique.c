/* SPDX-License-Identifier: Apache-2.0 */
/* op_unique.c - Unique: what there is among elements, or slices along an axis, each once. A NaN
 * equals a NaN and comes last; the zeros are equal. How many there are is only known when they are
 * found, so infer does the work too. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/move.h"
#include "graph/sort_keys.h"
#include "graph/spans.h"

/* Items are slices along the axis, or elements: item i has n_outer runs of n_inner elements. */
struct items {
	const struct heft_array *x;
	struct heft_axis axis;
	uint64_t size;
};

static int compare_reals(double a, double b)
{
	if (a != a || b != b)
		return (a != a) - (b != b);
	return (a > b) - (a < b);
}

static int compare_elements(const struct items *s, uint64_t a, uint64_t b)
{
	const enum heft_dtype dtype = s->x->dtype;
	const uint8_t *at_a = (const uint8_t *)s->x->bytes + a * s->size;
	const uint8_t *at_b = (const uint8_t *)s->x->bytes + b * s->size;
	const uint64_t turn = dtype == HEFT_DTYPE_U64 ? 0 : UINT64_C(1) << 63;
	uint64_t m;
	uint64_t n;
	double x;
	double y;

	if (heft_dtype_describe(dtype)->is_float) {
		heft_cast_elements(HEFT_DTYPE_F64, &x, dtype, at_a, 1, NULL);
		heft_cast_elements(HEFT_DTYPE_F64, &y, dtype, at_b, 1, NULL);
		return compare_reals(x, y);
	}
	m = (uint64_t)heft_load_integer(dtype, at_a) ^ turn;
	n = (uint64_t)heft_load_integer(dtype, at_b) ^ turn;
	return (m > n) - (m < n);
}

static int compare(const struct items *s, uint64_t a, uint64_t b)
{
	int order = 0;

	for (uint64_t outer = 0; outer < s->axis.n_outer && order == 0; outer++) {
		for (uint64_t inner = 0; inner < s->axis.n_inner && order == 0; inner++) {
			const uint64_t at = outer * s->axis.n;

			order = compare_elements(s, (at + a) * s->axis.n_inner + inner,
			                         (at + b) * s->axis.n_inner + inner);
		}
	}
	return order;
}

static bool is_before(const void *ctx, uint64_t b, uint64_t a)
{
	return compare(ctx, b, a) < 0;
}

/* Four lists of n numbers: items in order; room; the group of each; the first item of a group. */
struct groups {
	uint64_t *order;
	uint64_t *room;
	uint64_t *group_of;
	uint64_t *first;
};

/* Groups in ascending order, or in that of their first items. */
static uint64_t find(const struct items *s, uint64_t *room, bool is_sorted, struct groups *g)
{
	const uint64_t n = s->axis.n;
	uint64_t n_groups = 0;

	*g = (struct groups){ 0 };
	if (n == 0)
		return 0;
	*g = (struct groups){ room, room + n, room + 2 * n, room + 3 * n };
	for (uint64_t i = 0; i < n; i++)
		g->order[i] = i;
	heft_sort_by(g->order, g->room, n, is_before, s);
	for (uint64_t i = 0; i < n; i++) {
		if (i == 0 || compare(s, g->order[i - 1], g->order[i]) != 0)
			g->first[n_groups++] = g->order[i];
		g->group_of[g->order[i]] = n_groups - 1;
	}
	if (is_sorted)
		return n_groups;
	n_groups = 0;
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t group = g->group_of[i];

		/* the first of its group is met before the others are */
		if (g->first[group] == i)
			g->order[group] = n_groups++;
		g->group_of[i] = g->order[group];
	}
	for (uint64_t i = n; i-- > 0;)
		g->first[g->group_of[i]] = i;
	return n_groups;
}

static enum heft_status set_outputs(struct heft_call *c, const struct items *s, bool has_axis,
                                    uint32_t axis, uint64_t n_groups, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];

	memcpy(dims, x->dims, sizeof dims);
	dims[has_axis ? axis : 0] = n_groups;
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, has_axis ? x->rank : 1, dims, err));
	for (uint32_t i = 1; i < c->n_out; i++)
		HEFT_TRY(heft_array_set(&c->out[i], HEFT_DTYPE_I64, 1,
		                        i == 2 ? &s->axis.n : &n_groups, err));
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const bool has_axis = heft_call_attr(c, "axis") != NULL;
	struct items s = { .x = x, .axis = { 1, x->n_elements, 1 } };
	struct groups g;
	uint32_t axis = 0;
	uint64_t *room;
	uint64_t n;

	HEFT_TRY(heft_call_element(c, 0, &s.size, err));
	if (heft_dtype_describe(x->dtype)->is_complex || (!x->bytes && x->n_elements > 0))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "the data is complex, or not known");
	if (has_axis) {
		HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 0), x->rank, false, &axis, err));
		heft_axis_set(&s.axis, x, axis);
	}
	/* empty slices may be any number */
	if (s.axis.n > x->n_elements && s.axis.n > 1U << 20)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "the data is too large");
	memcpy(c->state, &s.axis, sizeof s.axis);
	c->scratch_size = s.axis.n * 4 * sizeof *room;
	room = heft_alloc(c->scratch_size);
	if (!room)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for the order");
	n = find(&s, room, heft_call_int(c, "sorted", 1) != 0, &g);
	heft_free(room);
	return set_outputs(c, &s, has_axis, axis, n, err);
}

static void forward(const struct heft_call *c)
{
	struct items s = { .x = &c->in[0], .size = heft_element_size(c->in[0].dtype) };
	struct groups g;
	uint64_t n;

	memcpy(&s.axis, c->state, sizeof s.axis);
	n = find(&s, c->scratch, heft_call_int(c, "sorted", 1) != 0, &g);
	if (heft_call_wants(c, 0) && c->out[0].n_elements > 0) {
		const uint64_t size = s.axis.n_inner * s.size;

		for (uint64_t i = 0; i < s.axis.n_outer * n; i++)
			memcpy((uint8_t *)c->out[0].bytes + i * size,
			       (const uint8_t *)s.x->bytes +
			               (i / n * s.axis.n + g.first[i % n]) * size,
			       size);
	}
	for (uint64_t i = 0; i < n; i++) {
		if (heft_call_wants(c, 1))
			((uint64_t *)c->out[1].bytes)[i] = g.first[i];
		if (heft_call_wants(c, 3))
			((uint64_t *)c->out[3].bytes)[i] = 0;
	}
	for (uint64_t i = 0; i < s.axis.n; i++) {
		if (heft_call_wants(c, 2))
			((uint64_t *)c->out[2].bytes)[i] = g.group_of[i];
		if (heft_call_wants(c, 3))
			((uint64_t *)c->out[3].bytes)[g.group_of[i]]++;
	}
}

const struct heft_op heft_op_unique = {
	.name = "Unique",
	.domain = "",
	.since = 11,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 4,
	.needs = 1 << 0,
	.infer = infer,
	.forward = forward,
};
