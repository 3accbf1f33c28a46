/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite_layer_norm.c - (x - mean) / sqrt(mean of its squares + epsilon), scaled and shifted, over
 * the last axes, is LayerNormalization. */
#include "graph/rewrite.h"

bool heft_rewrite_layer_norm(struct heft_match *h);

/* How many of the last axes an array of integers names; 0: others. `rank` 0: unknown. */
static uint32_t n_last_axes(const int64_t *axes, uint64_t n, uint32_t rank)
{
	uint32_t seen = 0;

	if (n == 0 || n > HEFT_GRAPH_MAX_RANK)
		return 0;
	for (uint64_t i = 0; i < n; i++) {
		const int64_t last = axes[i] < 0 ? axes[i] : axes[i] - (int64_t)rank;

		if (last < -(int64_t)n || last >= 0 || (axes[i] >= 0 && rank == 0))
			return 0;
		seen |= UINT32_C(1) << (-last - 1);
	}
	return seen == (UINT32_C(1) << n) - 1 ? (uint32_t)n : 0;
}

static uint32_t rank_of(const struct heft_match *h, uint32_t value)
{
	return h->m->values[value].has_shape ? h->m->values[value].rank : 0;
}

/* What a ReduceMean over so many last axes, which it keeps, reads; NONE. */
static uint32_t mean_of(struct heft_match *h, uint32_t value, uint32_t *n_axes)
{
	const struct heft_ir_node *n = heft_match_node(h, value, "ReduceMean");
	const struct heft_ir_constant *input;
	const struct heft_attr *a;
	uint32_t x;

	if (!n)
		return HEFT_IR_NONE;
	x = heft_ir_in(h->m, n, 0);
	a = heft_ir_attr(n, "keepdims");
	if (x == HEFT_IR_NONE || (a && (a->kind != HEFT_ATTR_INT || a->i == 0)))
		return HEFT_IR_NONE;
	a = heft_ir_attr(n, "axes");
	input = heft_ir_constant(h->m, heft_ir_in(h->m, n, 1));
	*n_axes = 0;
	if (n->opset < 18 && a && a->kind == HEFT_ATTR_INTS)
		*n_axes = n_last_axes(a->ints, a->n, rank_of(h, x));
	else if (n->opset >= 18 && input && input->array.dtype == HEFT_DTYPE_I64 &&
	         input->array.bytes)
		*n_axes = n_last_axes(input->array.bytes, input->array.n_elements, rank_of(h, x));
	return *n_axes > 0 ? x : HEFT_IR_NONE;
}

/* Whether value is x - mean, the mean over so many last axes of x. */
static bool is_deviation(struct heft_match *h, uint32_t value, uint32_t *x, uint32_t *n_axes)
{
	const struct heft_ir_node *n = heft_match_node(h, value, "Sub");

	if (!n)
		return false;
	*x = heft_ir_in(h->m, n, 0);
	return *x != HEFT_IR_NONE && mean_of(h, heft_ir_in(h->m, n, 1), n_axes) == *x;
}

/* Whether value is the square of x - mean; exporters make the difference once, or twice. */
static bool is_square(struct heft_match *h, uint32_t value, uint32_t deviation, uint32_t x,
                      uint32_t n_axes)
{
	const struct heft_ir_node *n = heft_match_node(h, value, "Pow");
	uint32_t base;
	uint32_t other_x;
	uint32_t other_n;
	double two;

	if (n) {
		base = heft_ir_in(h->m, n, 0);
		if (!heft_match_number(h, heft_ir_in(h->m, n, 1), &two) || two != 2)
			return false;
	} else {
		n = heft_match_node(h, value, "Mul");
		if (!n || heft_ir_in(h->m, n, 0) != heft_ir_in(h->m, n, 1))
			return false;
		base = heft_ir_in(h->m, n, 0);
	}
	return base == deviation ||
	       (base != HEFT_IR_NONE && is_deviation(h, base, &other_x, &other_n) && other_x == x &&
	        other_n == n_axes);
}

/* sqrt(variance + epsilon) of x. */
static bool is_divisor(struct heft_match *h, uint32_t value, uint32_t deviation, uint32_t x,
                       uint32_t n_axes, double *epsilon)
{
	const struct heft_ir_node *n = heft_match_node(h, value, "Sqrt");
	uint32_t n_squared = 0;

	n = n ? heft_match_node(h, heft_ir_in(h->m, n, 0), "Add") : NULL;
	for (uint32_t i = 0; n && i < 2; i++) {
		uint32_t square;

		if (!heft_match_number(h, heft_ir_in(h->m, n, 1 - i), epsilon))
			continue;
		square = mean_of(h, heft_ir_in(h->m, n, i), &n_squared);
		return square != HEFT_IR_NONE && n_squared == n_axes &&
		       is_square(h, square, deviation, x, n_axes);
	}
	return false;
}

/* The other input of `n`, an array of so many dimensions, none of them 1: it gives the result no
 * shape but x's. */
static bool is_affine(const struct heft_match *h, uint32_t value, uint32_t n_axes)
{
	const struct heft_ir_value *v;
	const struct heft_ir_constant *c = heft_ir_constant(h->m, value);

	if (value == HEFT_IR_NONE)
		return false;
	v = &h->m->values[value];
	if (!c && (!v->has_shape || v->rank != n_axes))
		return false;
	if (c && c->array.rank != n_axes)
		return false;
	for (uint32_t i = 0; i < n_axes; i++) {
		const struct heft_ir_dim *dim = c ? NULL : &h->m->dims[v->dims_at + i];

		if (c ? c->array.dims[i] == 1 : dim->symbol != NULL || dim->size == 1)
			return false;
	}
	return true;
}

/* Whether value is (x - mean) / divisor. */
static bool is_normal(struct heft_match *h, uint32_t value, uint32_t *n_axes, double *epsilon)
{
	const struct heft_ir_node *n = heft_match_node(h, value, "Div");
	uint32_t x;

	if (!n || !is_deviation(h, heft_ir_in(h->m, n, 0), &x, n_axes))
		return false;
	h->in[0] = x;
	return is_divisor(h, heft_ir_in(h->m, n, 1), heft_ir_in(h->m, n, 0), x, *n_axes, epsilon);
}

/* Whether node n, a Mul, scales what is normal. */
static bool is_scaled(struct heft_match *h, const struct heft_ir_node *n, uint32_t *n_axes,
                      double *epsilon)
{
	const uint32_t n_members = h->n_members;

	for (uint32_t i = 0; i < 2; i++) {
		h->in[1] = heft_ir_in(h->m, n, 1 - i);
		h->n_members = n_members;
		if (is_normal(h, heft_ir_in(h->m, n, i), n_axes, epsilon) &&
		    is_affine(h, h->in[1], *n_axes))
			return true;
	}
	return false;
}

/* Whether node n, an Add, shifts what is scaled. */
static bool is_shifted(struct heft_match *h, const struct heft_ir_node *n, uint32_t *n_axes,
                       double *epsilon)
{
	for (uint32_t i = 0; i < 2; i++) {
		const struct heft_ir_node *mul;

		h->n_members = 0;
		h->in[2] = heft_ir_in(h->m, n, 1 - i);
		mul = heft_match_node(h, heft_ir_in(h->m, n, i), "Mul");
		if (mul && is_scaled(h, mul, n_axes, epsilon) && is_affine(h, h->in[2], *n_axes))
			return true;
	}
	return false;
}

bool heft_rewrite_layer_norm(struct heft_match *h)
{
	const struct heft_ir_node *n = &h->m->nodes[h->last];
	uint32_t n_axes;
	double epsilon;

	if (heft_match_is(n, "Add") && is_shifted(h, n, &n_axes, &epsilon))
		h->n_in = 3;
	else if (heft_match_is(n, "Mul") && is_scaled(h, n, &n_axes, &epsilon))
		h->n_in = 2;
	else
		return false;
	h->type = "LayerNormalization";
	h->since = 17;
	heft_match_set_float(h, "epsilon", epsilon);
	h->attrs[h->n_attrs++] = (struct heft_attr){ .name = "axis",
		                                     .kind = HEFT_ATTR_INT,
		                                     .i = -(int64_t)n_axes };
	return true;
}
