/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_swish_gradient.c - SwishGradient: dy times s (1 + t (1 - s)), where t is alpha x and s
 * its sigmoid: the slope of x sigmoid(alpha x). */
#include "graph/elementwise_loops.h"
#include "kernel/elementary.h"

#define N_A_TILE 256

#define RUN(real, type)                                                                          \
	static void run_##real(const struct heft_elements *e)                                    \
	{                                                                                        \
		type t[N_A_TILE];                                                                \
		type s[N_A_TILE];                                                                \
                                                                                                 \
		for (size_t at = 0; at < e->n; at += N_A_TILE) {                                 \
			const size_t n = e->n - at < N_A_TILE ? e->n - at : N_A_TILE;            \
			const size_t n_x = e->step[1] == 0 ? 1 : n;                              \
			const type *x = (const type *)e->x[1] + at * e->step[1];                 \
                                                                                                 \
			heft_arithmetic_##real##_by(e->cpu_bits, HEFT_ARITHMETIC_SCALE, t, x, 1, \
			                            x, 1, (type)e->p, 0, n_x);                   \
			heft_sigmoid_##real##_by(e->cpu_bits, s, t, n_x);                        \
			for (size_t i = 0; i < n_x; i++)                                         \
				s[i] = s[i] * (1 + t[i] * (1 - s[i]));                           \
			heft_arithmetic_##real##_by(e->cpu_bits, HEFT_ARITHMETIC_MUL,            \
			                            (type *)e->y + at,                           \
			                            (const type *)e->x[0] + at * e->step[0],     \
			                            e->step[0], s, e->step[1], 0, 0, n);         \
		}                                                                                \
	}

RUN(f32, float)
RUN(f64, double)

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, run_f32, 0 },
	{ HEFT_DTYPE_F64, run_f64, 0 },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	heft_elementwise_keep(c, (double)heft_call_float(c, "alpha", 1.0f), 0);
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

HEFT_SLOPE_OPERATOR(heft_swish_gradient, "SwishGradient", infer);
