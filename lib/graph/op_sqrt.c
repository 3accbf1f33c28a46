/* SPDX-License-Identifier: Apache-2.0 */
/* op_sqrt.c - Sqrt: the square root. */
#include "graph/elementwise.h"
#include "kernel/elementary.h"
#include "kernel/elementary_rare.h"

static void run_f32(const struct heft_elements *e)
{
	heft_sqrt_f32_by(e->cpu_bits, e->y, e->x[0], e->n);
}

static void run_f64(const struct heft_elements *e)
{
	heft_sqrt_f64_by(e->cpu_bits, e->y, e->x[0], e->n);
}

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, run_f32, 0 },
	{ HEFT_DTYPE_F64, run_f64, 0 },
	{ HEFT_DTYPE_NONE, NULL, 0 },
};

HEFT_UNARY_INFER
HEFT_UNARY_OPERATOR(sqrt, "Sqrt", 0, HEFT_OP_WIDENS, infer);
