/* SPDX-License-Identifier: Apache-2.0 */
/* op_atanh.c - Atanh: the inverse of the hyperbolic tangent. */
#include "graph/elementwise.h"
#include "kernel/elementary.h"
#include "kernel/elementary_rare.h"

static void run_f32(const struct heft_elements *e)
{
	heft_atanh_f32_by(e->cpu_bits, e->y, e->x[0], e->n);
}

static void run_f64(const struct heft_elements *e)
{
	heft_atanh_f64_by(e->cpu_bits, e->y, e->x[0], e->n);
}

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, run_f32, 0 },
	{ HEFT_DTYPE_F64, run_f64, 0 },
	{ HEFT_DTYPE_NONE, NULL, 0 },
};

HEFT_UNARY_INFER
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t x = heft_gradient_in(g, 0);
	const uint32_t one = heft_emit_number(g, c->in[0].dtype, 1);
	const uint32_t square = heft_emit_2(g, "Mul", x, x);
	const uint32_t rest = heft_emit_2(g, "Sub", one, square);

	heft_give(g, 0, heft_emit_2(g, "Div", dy, rest));
}

HEFT_UNARY_OPERATOR(atanh, "Atanh", 9, HEFT_OP_WIDENS, infer, backward);
