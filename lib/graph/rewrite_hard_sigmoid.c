/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite_hard_sigmoid.c - Clip(x + 3, 0, 6) / 6 is HardSigmoid. */
#include "graph/rewrite.h"

bool heft_rewrite_hard_sigmoid(struct heft_match *h);

bool heft_rewrite_hard_sigmoid(struct heft_match *h)
{
	struct heft_match_product p;
	uint32_t sum;

	if (!heft_match_factors(h, heft_ir_out(h->m, &h->m->nodes[h->last], 0), &p) ||
	    p.n_leaves != 1 || !heft_match_near(p.factor, 1.0 / 6) ||
	    !heft_match_clip(h, p.leaves[0], 0, 6, &sum) || !heft_match_plus(h, sum, 3, &h->in[0]))
		return false;
	h->type = "HardSigmoid";
	h->since = 6;
	h->n_in = 1;
	heft_match_set_float(h, "alpha", 1.0 / 6);
	heft_match_set_float(h, "beta", 0.5);
	return true;
}
