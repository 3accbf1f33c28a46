/* SPDX-License-Identifier: Apache-2.0 */
/* reduce_gradient.c - gradients of reductions: of dy and y, spread over what was reduced
 * (F7-15). */
#include "graph/reduce.h"

/* What is common: x, and y and its gradient with the dims that keepdims leaves. */
struct reduction {
	struct heft_gradient *g;
	uint32_t x;
	uint32_t y;
	uint32_t dy;
	enum heft_dtype dtype;
	uint64_t n_each;
};

/* In x's shape. */
static uint32_t spread(const struct reduction *r, uint32_t value)
{
	const struct heft_array x = *heft_gradient_array(r->g, r->x);
	int64_t dims[HEFT_GRAPH_MAX_RANK];

	for (uint32_t d = 0; d < x.rank; d++)
		dims[d] = (int64_t)x.dims[d];
	return heft_emit_2(r->g, "Expand", value, heft_emit_list(r->g, dims, x.rank));
}

static uint32_t number(const struct reduction *r, double value)
{
	return heft_emit_number(r->g, r->dtype, value);
}

/* Those that equal the extreme share its gradient evenly. */
static uint32_t of_extreme(const struct reduction *r)
{
	const uint32_t is_it = heft_emit_2(r->g, "Equal", r->x, r->y);
	const uint32_t ones = heft_emit_3(r->g, "Where", is_it, number(r, 1), number(r, 0));
	const uint32_t n = heft_emit_summed_like(r->g, ones, r->y);

	return heft_emit_2(r->g, "Mul", ones, heft_emit_2(r->g, "Div", r->dy, n));
}

static uint32_t of_size(const struct reduction *r)
{
	return heft_emit_2(r->g, "Mul", heft_emit_1(r->g, "Sign", r->x), r->dy);
}

static uint32_t of_square(const struct reduction *r)
{
	return heft_emit_2(r->g, "Mul", heft_emit_2(r->g, "Mul", r->x, number(r, 2)), r->dy);
}

static uint32_t of_log_sum_exp(const struct reduction *r)
{
	const uint32_t share = heft_emit_1(r->g, "Exp", heft_emit_2(r->g, "Sub", r->x, r->y));

	return heft_emit_2(r->g, "Mul", share, r->dy);
}

static uint32_t gradient_of(const struct reduction *r, enum heft_reduction kind)
{
	switch (kind) {
	case HEFT_REDUCE_SUM:
		return spread(r, r->dy);
	case HEFT_REDUCE_MEAN:
		return spread(r, heft_emit_2(r->g, "Div", r->dy, number(r, (double)r->n_each)));
	case HEFT_REDUCE_L1:
		return of_size(r);
	case HEFT_REDUCE_L2:
		return heft_emit_2(r->g, "Mul", r->x, heft_emit_2(r->g, "Div", r->dy, r->y));
	case HEFT_REDUCE_SQUARES:
		return of_square(r);
	case HEFT_REDUCE_PRODUCT:
		return heft_emit_2(r->g, "Mul", heft_emit_2(r->g, "Div", r->y, r->x), r->dy);
	case HEFT_REDUCE_LOG_SUM:
		return spread(r, heft_emit_2(r->g, "Div", r->dy, heft_emit_1(r->g, "Exp", r->y)));
	case HEFT_REDUCE_LOG_SUM_EXP:
		return of_log_sum_exp(r);
	case HEFT_REDUCE_MAX:
	case HEFT_REDUCE_MIN:
		return of_extreme(r);
	default:
		heft_gradient_block(r->g, "it has no gradient here");
		return HEFT_NO_VALUE;
	}
}

void heft_reduce_backward(const struct heft_call *c, struct heft_gradient *g,
                          enum heft_reduction kind, uint32_t since_input)
{
	struct reduction r = { .g = g, .x = heft_gradient_in(g, 0), .dtype = c->in[0].dtype };
	const uint32_t rank = c->in[0].rank;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];

	if (!heft_reduce_kept_dims(c, since_input, dims))
		return;
	r.n_each = c->out[0].n_elements > 0 ? c->in[0].n_elements / c->out[0].n_elements : 1;
	r.y = heft_emit_reshaped(g, heft_gradient_out(g, 0), rank, dims);
	r.dy = heft_emit_reshaped(g, heft_gradient_of(g, 0), rank, dims);
	heft_give(g, 0, gradient_of(&r, kind));
}

void heft_reduce_maps_backward(const struct heft_call *c, struct heft_gradient *g)
{
	int64_t shape[HEFT_GRAPH_MAX_RANK];
	struct heft_emit e = {
		.type = "heft.GlobalAveragePoolGradient",
		.n_in = 1,
		.in = { heft_gradient_of(g, 0) },
		.n_attrs = 1,
	};

	for (uint32_t d = 0; d < c->in[0].rank; d++)
		shape[d] = (int64_t)c->in[0].dims[d];
	e.attrs[0] = heft_attr_ints("shape", shape, c->in[0].rank);
	heft_give(g, 0, heft_emit(g, &e));
}
