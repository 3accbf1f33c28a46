/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite_gelu.c - 0.5 x (1 + Erf(x / sqrt 2)) is Gelu, and so is its form by Tanh. */
#include "graph/rewrite.h"

bool heft_rewrite_gelu(struct heft_match *h);

#define SQRT_HALF 0.70710678118654752
#define SQRT_2_BY_PI 0.79788456080286536
#define CUBE 0.044715

/* Whether value is 0.044715 x^n, n being 2 or 3. */
static bool is_power(struct heft_match *h, uint32_t value, uint32_t x, uint32_t n)
{
	struct heft_match_product p;

	if (!heft_match_factors(h, value, &p) || !heft_match_near(p.factor, CUBE))
		return false;
	if (p.n_leaves == 1)
		return heft_match_power(h, p.leaves[0], n, x);
	for (uint32_t i = 0; i < p.n_leaves; i++) {
		if (p.leaves[i] != x)
			return false;
	}
	return p.n_leaves == n;
}

/* Whether value is x + 0.044715 x^3. */
static bool is_sum(struct heft_match *h, uint32_t value, uint32_t x)
{
	const struct heft_ir_node *n = heft_match_node(h, value, "Add");

	for (uint32_t i = 0; n && i < 2; i++) {
		if (heft_ir_in(h->m, n, i) == x && heft_ir_in(h->m, n, 1 - i) != HEFT_IR_NONE &&
		    is_power(h, heft_ir_in(h->m, n, 1 - i), x, 3))
			return true;
	}
	return false;
}

/* Whether value is sqrt(2 / pi) (x + 0.044715 x^3), or with x in front of the sum. */
static bool is_tanh_argument(struct heft_match *h, uint32_t value, uint32_t x)
{
	struct heft_match_product p;
	uint32_t power;

	if (value == HEFT_IR_NONE || !heft_match_factors(h, value, &p) ||
	    !heft_match_near(p.factor, SQRT_2_BY_PI))
		return false;
	if (p.n_leaves == 1)
		return is_sum(h, p.leaves[0], x);
	if (p.n_leaves != 2 || (p.leaves[0] != x && p.leaves[1] != x))
		return false;
	return heft_match_plus(h, p.leaves[p.leaves[0] == x], 1, &power) &&
	       is_power(h, power, x, 2);
}

static bool is_erf_argument(struct heft_match *h, uint32_t value, uint32_t x)
{
	struct heft_match_product p;

	return value != HEFT_IR_NONE && heft_match_factors(h, value, &p) && p.n_leaves == 1 &&
	       p.leaves[0] == x && heft_match_near(p.factor, SQRT_HALF);
}

/* Whether value is 1 + what Gelu of x has there. */
static bool is_gate(struct heft_match *h, uint32_t value, uint32_t x, const char **approximate)
{
	const struct heft_ir_node *n;
	uint32_t inside;

	if (!heft_match_plus(h, value, 1, &inside))
		return false;
	*approximate = "none";
	n = heft_match_node(h, inside, "Erf");
	if (n)
		return is_erf_argument(h, heft_ir_in(h->m, n, 0), x);
	*approximate = "tanh";
	n = heft_match_node(h, inside, "Tanh");
	return n && is_tanh_argument(h, heft_ir_in(h->m, n, 0), x);
}

bool heft_rewrite_gelu(struct heft_match *h)
{
	struct heft_match_product p;
	const char *approximate;
	uint32_t n_members;

	if (!heft_match_factors(h, heft_ir_out(h->m, &h->m->nodes[h->last], 0), &p) ||
	    p.n_leaves != 2 || p.factor != 0.5)
		return false;
	n_members = h->n_members;
	for (uint32_t i = 0; i < 2; i++) {
		h->in[0] = p.leaves[i];
		h->n_members = n_members;
		if (is_gate(h, p.leaves[1 - i], h->in[0], &approximate)) {
			h->type = "Gelu";
			h->since = 20;
			h->n_in = 1;
			h->n_attrs = 1;
			h->attrs[0] = (struct heft_attr){ .name = "approximate",
				                          .kind = HEFT_ATTR_TEXT,
				                          .text = approximate };
			return true;
		}
	}
	return false;
}
