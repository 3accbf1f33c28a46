/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite_dropout.c - Dropout that drops nothing is Identity: where no training is asked for, and
 * nobody reads the mask. */
#include <string.h>

#include "graph/rewrite.h"

#define OPSET_WITHOUT_IS_TEST 7
#define OPSET_OF_TRAINING_MODE 12

bool heft_rewrite_dropout(struct heft_match *h);

static bool drops_nothing(const struct heft_match *h, const struct heft_ir_node *n)
{
	const struct heft_attr *is_test = heft_ir_attr(n, "is_test");
	const uint32_t mode = heft_ir_in(h->m, n, 2);
	double training;

	if (n->opset < OPSET_WITHOUT_IS_TEST)
		return is_test && is_test->kind == HEFT_ATTR_INT && is_test->i != 0;
	if (n->opset < OPSET_OF_TRAINING_MODE || mode == HEFT_IR_NONE)
		return true;
	return heft_match_number(h, mode, &training) && training == 0;
}

bool heft_rewrite_dropout(struct heft_match *h)
{
	const struct heft_ir_node *n = &h->m->nodes[h->last];

	h->in[0] = heft_ir_in(h->m, n, 0);
	if (!n->op || n->domain[0] != '\0' || strcmp(n->type, "Dropout") != 0 ||
	    h->in[0] == HEFT_IR_NONE || h->m->keeps_dropout || !drops_nothing(h, n))
		return false;
	h->type = "Identity";
	h->since = 1;
	h->n_in = 1;
	return true;
}
