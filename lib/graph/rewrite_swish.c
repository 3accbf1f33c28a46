/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite_swish.c - x Sigmoid(alpha x) is Swish; with alpha 1 it is known as SiLU, too. */
#include "graph/rewrite.h"

bool heft_rewrite_swish(struct heft_match *h);

/* Whether `gate` is Sigmoid(alpha x). */
static bool is_gate(struct heft_match *h, uint32_t gate, uint32_t x, double *alpha)
{
	const struct heft_ir_node *n = heft_match_node(h, gate, "Sigmoid");
	struct heft_match_product p;
	uint32_t inside;

	if (!n)
		return false;
	inside = heft_ir_in(h->m, n, 0);
	*alpha = 1;
	if (inside == x)
		return true;
	if (inside == HEFT_IR_NONE || !heft_match_factors(h, inside, &p) || p.n_leaves != 1)
		return false;
	*alpha = p.factor;
	return p.leaves[0] == x;
}

bool heft_rewrite_swish(struct heft_match *h)
{
	struct heft_match_product p;
	uint32_t n_members;
	double alpha;

	if (!heft_match_factors(h, heft_ir_out(h->m, &h->m->nodes[h->last], 0), &p) ||
	    p.n_leaves != 2 || p.factor != 1)
		return false;
	n_members = h->n_members;
	for (uint32_t i = 0; i < 2; i++) {
		h->in[0] = p.leaves[i];
		h->n_members = n_members;
		if (is_gate(h, p.leaves[1 - i], h->in[0], &alpha)) {
			h->type = "Swish";
			h->since = 24;
			h->n_in = 1;
			heft_match_set_float(h, "alpha", alpha);
			return true;
		}
	}
	return false;
}
