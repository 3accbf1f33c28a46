/* SPDX-License-Identifier: Apache-2.0 */
/* op_tanh.c - Tanh: the hyperbolic tangent. */
#include "graph/elementwise.h"
#include "kernel/elementary.h"

static void run_f32(const struct heft_elements *e)
{
	heft_tanh_f32_by(e->cpu_bits, e->y, e->x[0], e->n);
}

static void run_f64(const struct heft_elements *e)
{
	heft_tanh_f64_by(e->cpu_bits, e->y, e->x[0], e->n);
}

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, run_f32, 0 },
	{ HEFT_DTYPE_F64, run_f64, 0 },
	{ HEFT_DTYPE_NONE, NULL, 0 },
};

HEFT_UNARY_INFER
HEFT_UNARY_OPERATOR(tanh, "Tanh", 0, HEFT_OP_WIDENS, infer);
