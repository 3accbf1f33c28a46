/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite_hard_swish.c - x HardSigmoid(x), and x Clip(x + 3, 0, 6) / 6, is HardSwish. */
#include "graph/rewrite.h"

bool heft_rewrite_hard_swish(struct heft_match *h);

/* Whether `gate` is HardSigmoid(x), of HardSwish's slope. */
static bool is_hard_sigmoid(struct heft_match *h, uint32_t gate, uint32_t x)
{
	const struct heft_ir_node *n = heft_match_node(h, gate, "HardSigmoid");
	const struct heft_attr *alpha;
	const struct heft_attr *beta;

	if (!n || heft_ir_in(h->m, n, 0) != x)
		return false;
	alpha = heft_ir_attr(n, "alpha");
	beta = heft_ir_attr(n, "beta");
	return alpha && alpha->kind == HEFT_ATTR_FLOAT &&
	       heft_match_near((double)alpha->f, 1.0 / 6) &&
	       (!beta || (beta->kind == HEFT_ATTR_FLOAT && beta->f == 0.5f));
}

/* Whether `gate` is Clip(x + 3, 0, 6). */
static bool is_clipped(struct heft_match *h, uint32_t gate, uint32_t x)
{
	uint32_t sum;
	uint32_t other;

	return heft_match_clip(h, gate, 0, 6, &sum) && heft_match_plus(h, sum, 3, &other) &&
	       other == x;
}

bool heft_rewrite_hard_swish(struct heft_match *h)
{
	struct heft_match_product p;
	uint32_t n_members;

	if (!heft_match_factors(h, heft_ir_out(h->m, &h->m->nodes[h->last], 0), &p) ||
	    p.n_leaves != 2)
		return false;
	n_members = h->n_members;
	for (uint32_t i = 0; i < 2; i++) {
		h->in[0] = p.leaves[i];
		h->n_members = n_members;
		if ((p.factor == 1 && is_hard_sigmoid(h, p.leaves[1 - i], h->in[0])) ||
		    (heft_match_near(p.factor, 1.0 / 6) &&
		     is_clipped(h, p.leaves[1 - i], h->in[0]))) {
			h->type = "HardSwish";
			h->since = 14;
			h->n_in = 1;
			return true;
		}
	}
	return false;
}
