/* SPDX-License-Identifier: Apache-2.0 */
/* product_gradient.c - products of products.
 *
 * With C = A x B: dA = dC x B^T, and dB = A^T x dC. Where B is one matrix, shared by a batch, its
 * gradient is one chain over all rows of the batch. Where A, or a part of B's batch, is broadcast,
 * gradients are made for each matrix, and summed. */
#include "graph/product_gradient.h"

/* What the gradients see: matrices where a vector was given. */
struct sides {
	uint32_t a;
	uint32_t b;
	uint32_t dy;
	bool is_a_turned;
	bool is_b_turned;
};

static uint32_t scaled(struct heft_gradient *g, uint32_t x, float alpha)
{
	const enum heft_dtype dtype = heft_gradient_array(g, x)->dtype;

	return alpha == 1.0f ? x : heft_emit_2(g, "Mul", x, heft_emit_number(g, dtype, alpha));
}

/* With a dimension of 1 put in front of the last `behind` ones. */
static uint32_t with_one(struct heft_gradient *g, uint32_t x, uint32_t behind)
{
	const struct heft_array a = *heft_gradient_array(g, x);
	uint64_t dims[HEFT_GRAPH_MAX_RANK + 1];
	uint32_t n = 0;

	for (uint32_t i = 0; i < a.rank; i++) {
		if (i == a.rank - behind)
			dims[n++] = 1;
		dims[n++] = a.dims[i];
	}
	if (behind == 0)
		dims[n++] = 1;
	if (n > HEFT_GRAPH_MAX_RANK) {
		heft_gradient_block(g, "its gradient has too many dimensions");
		return HEFT_NO_VALUE;
	}
	return heft_emit_reshaped(g, x, n, dims);
}

/* Without that dimension of 1. */
static uint32_t without_one(struct heft_gradient *g, uint32_t x, uint32_t behind)
{
	const struct heft_array a = *heft_gradient_array(g, x);
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t n = 0;

	for (uint32_t i = 0; i < a.rank; i++)
		if (i + behind + 1 != a.rank)
			dims[n++] = a.dims[i];
	return heft_emit_reshaped(g, x, n, dims);
}

static uint32_t multiplied(struct heft_gradient *g, uint32_t a, uint32_t b, bool is_a_turned,
                           bool is_b_turned)
{
	return heft_emit(g,
	                 &(struct heft_emit){ .type = "heft.MatMul",
	                                      .n_in = 2,
	                                      .in = { a, b },
	                                      .n_attrs = 2,
	                                      .attrs = { heft_attr_int("transA", is_a_turned),
	                                                 heft_attr_int("transB", is_b_turned) } });
}

/* dA, or of A^T, as it was given. */
static uint32_t gradient_of_a(struct heft_gradient *g, const struct sides *s)
{
	return s->is_a_turned ? multiplied(g, s->b, s->dy, s->is_b_turned, true)
	                      : multiplied(g, s->dy, s->b, false, !s->is_b_turned);
}

static bool is_one_matrix(const struct heft_array *b)
{
	for (uint32_t i = 0; i + 2 < b->rank; i++)
		if (b->dims[i] != 1)
			return false;
	return true;
}

/* All rows of A as they lie, and A's batch that of the product. */
static bool has_all_rows(const struct heft_array *a, const struct heft_array *dy)
{
	bool is_all = a->rank == dy->rank;

	for (uint32_t i = 0; is_all && i + 2 < a->rank; i++)
		is_all = a->dims[i] == dy->dims[i];
	return is_all;
}

static uint32_t gradient_of_b(struct heft_gradient *g, const struct sides *s)
{
	const struct heft_array b = *heft_gradient_array(g, s->b);
	const struct heft_array a = *heft_gradient_array(g, s->a);
	const struct heft_array dy = *heft_gradient_array(g, s->dy);

	if (!s->is_a_turned && is_one_matrix(&b) && has_all_rows(&a, &dy)) {
		const struct heft_emit e = { .type = "heft.MatMulWeightGradient",
			                     .n_in = 2,
			                     .in = { s->a, s->dy },
			                     .n_attrs = 1,
			                     .attrs = { heft_attr_int("transB", s->is_b_turned) } };

		return heft_emit_reshaped_like(g, heft_emit(g, &e), s->b);
	}
	return s->is_b_turned ? multiplied(g, s->dy, s->a, true, s->is_a_turned)
	                      : multiplied(g, s->a, s->dy, !s->is_a_turned, false);
}

void heft_product_backward(struct heft_gradient *g, const struct heft_product_call *p, uint32_t dy)
{
	struct sides s = { .a = heft_gradient_in(g, 0), .b = heft_gradient_in(g, 1), .dy = dy };
	const bool is_a_row = heft_gradient_array(g, s.a)->rank == 1;
	const bool is_b_column = heft_gradient_array(g, s.b)->rank == 1;

	s.is_a_turned = p->is_a_turned && !is_a_row;
	s.is_b_turned = p->is_b_turned && !is_b_column;
	if (is_b_column) {
		s.b = with_one(g, s.b, 0);
		s.dy = with_one(g, s.dy, 0);
	}
	if (is_a_row) {
		s.a = with_one(g, s.a, 1);
		s.dy = with_one(g, s.dy, 1);
	}
	s.dy = scaled(g, s.dy, p->alpha);
	if (heft_gradient_wants(g, 0)) {
		const uint32_t da = gradient_of_a(g, &s);

		heft_give(g, 0, is_a_row ? without_one(g, da, 1) : da);
	}
	if (heft_gradient_wants(g, 1)) {
		const uint32_t db = gradient_of_b(g, &s);

		heft_give(g, 1, is_b_column ? without_one(g, db, 0) : db);
	}
}

/* C is added to every row: a bias of the product, and else summed as any other sum. */
static uint32_t gradient_of_c(struct heft_gradient *g, uint32_t dy, float beta)
{
	const struct heft_array c = *heft_gradient_array(g, heft_gradient_in(g, 2));
	const struct heft_array y = *heft_gradient_array(g, dy);
	const bool is_row = c.n_elements == y.dims[1] && c.rank > 0 &&
	                    c.dims[c.rank - 1] == y.dims[1];
	if (!is_row)
		return scaled(g, heft_emit_summed_like(g, dy, heft_gradient_in(g, 2)), beta);
	return scaled(g,
	              heft_emit_reshaped_like(g, heft_emit_1(g, "heft.BiasGradient", dy),
	                                      heft_gradient_in(g, 2)),
	              beta);
}

void heft_gemm_backward(const struct heft_call *c, struct heft_gradient *g, uint32_t dy)
{
	const struct heft_product_call p = { .is_a_turned = heft_call_int(c, "transA", 0) != 0,
		                             .is_b_turned = heft_call_int(c, "transB", 0) != 0,
		                             .alpha = heft_call_float(c, "alpha", 1) };

	heft_product_backward(g, &p, dy);
	if (heft_gradient_wants(g, 2))
		heft_give(g, 2, gradient_of_c(g, dy, heft_call_float(c, "beta", 1)));
}
