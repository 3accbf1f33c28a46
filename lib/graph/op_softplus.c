/* SPDX-License-Identifier: Apache-2.0 */
/* op_softplus.c - Softplus: log(1 + e^x). */
#include "graph/elementwise.h"
#include "kernel/elementary.h"
#include "kernel/elementary_rare.h"

static void run_f32(const struct heft_elements *e)
{
	heft_softplus_f32_by(e->cpu_bits, e->y, e->x[0], e->n);
}

static void run_f64(const struct heft_elements *e)
{
	heft_softplus_f64_by(e->cpu_bits, e->y, e->x[0], e->n);
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

	(void)c;
	heft_give(g, 0, heft_emit_2(g, "Mul", dy, heft_emit_1(g, "Sigmoid", x)));
}

HEFT_UNARY_OPERATOR(softplus, "Softplus", 0, HEFT_OP_WIDENS, infer, backward);
