/* SPDX-License-Identifier: Apache-2.0 */
/* op_erf.c - Erf: the error function. */
#include "graph/elementwise.h"
#include "kernel/elementary.h"

static void run_f32(const struct heft_elements *e)
{
	heft_erf_f32_by(e->cpu_bits, e->y, e->x[0], e->n);
}

static void run_f64(const struct heft_elements *e)
{
	heft_erf_f64_by(e->cpu_bits, e->y, e->x[0], e->n);
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
	const uint32_t square = heft_emit_2(g, "Mul", x, x);
	const uint32_t bell = heft_emit_1(g, "Exp", heft_emit_1(g, "Neg", square));
	/* 2 / sqrt(pi) */
	const uint32_t factor = heft_emit_number(g, c->in[0].dtype, 0x1.20dd750429b6dp0);
	const uint32_t slope = heft_emit_2(g, "Mul", factor, bell);

	heft_give(g, 0, heft_emit_2(g, "Mul", dy, slope));
}

HEFT_UNARY_OPERATOR(erf, "Erf", 9, HEFT_OP_WIDENS, infer, backward);
