/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise_gradient.c - what the gradients of operators of several operands share. */
#include "graph/elementwise.h"

bool heft_binary_aligns(const struct heft_call *c, struct heft_gradient *g)
{
	if (*c->op->domain != '\0' || !heft_call_attr(c, "axis") ||
	    heft_array_same_shape(&c->in[0], &c->in[1]))
		return true;
	heft_gradient_block(g, "it lays its input 1 along an axis, as before opset 7, which has no "
	                       "gradient here");
	return false;
}

void heft_gradient_of_chosen(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t zero = heft_emit_number(g, c->out[0].dtype, 0);
	uint32_t rest = heft_gradient_of(g, 0);

	for (uint32_t i = 0; i < c->n_in; i++) {
		const uint32_t y = heft_gradient_out(g, 0);
		uint32_t is_it;

		if (i == c->n_in - 1) {
			heft_give(g, i, rest);
			break;
		}
		is_it = heft_emit_2(g, "Equal", heft_gradient_in(g, i), y);
		if (heft_gradient_wants(g, i))
			heft_give(g, i, heft_emit_3(g, "Where", is_it, rest, zero));
		rest = heft_emit_3(g, "Where", is_it, zero, rest);
	}
}
