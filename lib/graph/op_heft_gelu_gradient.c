/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_gelu_gradient.c - GeluGradient: dy times the slope of Gelu at x: the normal distribution
 * of x plus x times its density (F7-5), or the slope of the form by tanh. */
#include <string.h>

#include "graph/elementwise_loops.h"
#include "kernel/elementary.h"

#define N_A_TILE 256

/* x × (half of erfc of this) is Gelu in F32; in F64, x × half of (1 + erf). */
static void distribution_f32(uint32_t cpu_bits, float *y, const float *x, size_t n)
{
	heft_arithmetic_f32_by(cpu_bits, HEFT_ARITHMETIC_SCALE, y, x, 1, x, 1, -0x1.6a09e6p-1f, 0,
	                       n);
	heft_erfc_f32_by(cpu_bits, y, y, n);
	heft_arithmetic_f32_by(cpu_bits, HEFT_ARITHMETIC_SCALE, y, y, 1, y, 1, 0.5f, 0, n);
}

static void distribution_f64(uint32_t cpu_bits, double *y, const double *x, size_t n)
{
	const double one = 1;

	heft_arithmetic_f64_by(cpu_bits, HEFT_ARITHMETIC_SCALE, y, x, 1, x, 1, 0x1.6a09e667f3bcdp-1,
	                       0, n);
	heft_erf_f64_by(cpu_bits, y, y, n);
	heft_arithmetic_f64_by(cpu_bits, HEFT_ARITHMETIC_ADD, y, y, 1, &one, 0, 0, 0, n);
	heft_arithmetic_f64_by(cpu_bits, HEFT_ARITHMETIC_SCALE, y, y, 1, y, 1, 0.5, 0, n);
}

#define DO(real, f, y, a, b, p) \
	heft_arithmetic_##real##_by(cpu_bits, HEFT_ARITHMETIC_##f, y, a, 1, b, 1, p, 0, n)

/* part: the distribution + x × (e^(-x x / 2) / sqrt(2 pi)). */
#define SLOPES(real, type)                                                                         \
	static void exact_##real(uint32_t cpu_bits, type *slope, type *part, const type *x,        \
	                         size_t n)                                                         \
	{                                                                                          \
		distribution_##real(cpu_bits, slope, x, n);                                        \
		DO(real, SQUARE, part, x, x, 0);                                                   \
		DO(real, SCALE, part, part, part, (type)-0.5);                                     \
		heft_exp_##real##_by(cpu_bits, part, part, n);                                     \
		DO(real, SCALE, part, part, part, (type)0x1.9884533d43651p-2);                     \
		DO(real, MUL, part, part, x, 0);                                                   \
		DO(real, ADD, slope, slope, part, 0);                                              \
	}                                                                                          \
                                                                                                   \
	/* u = c x (1 + k x x), t = tanh(u): (1 + t) / 2 + (x / 2) (1 - t t) c (1 + 3 k x x). */   \
	static void by_tanh_##real(uint32_t cpu_bits, type *slope, type *part, const type *x,      \
	                           size_t n)                                                       \
	{                                                                                          \
		for (size_t i = 0; i < n; i++)                                                     \
			slope[i] = x[i] * ((type)0x1.9884533d43651p-1 +                            \
			                   (x[i] * x[i]) * (type)0x1.2444f2a4d8b4bp-5);            \
		heft_tanh_##real##_by(cpu_bits, part, slope, n);                                   \
		for (size_t i = 0; i < n; i++) {                                                   \
			const type inner = (type)0x1.9884533d43651p-1 +                            \
			                   (x[i] * x[i]) * (type)0x1.b6676bf744d1p-4;              \
			const type bell = ((type)0.5 * x[i]) * (1 - part[i] * part[i]);            \
                                                                                                   \
			slope[i] = (type)0.5 * (1 + part[i]) + bell * inner;                       \
		}                                                                                  \
	}                                                                                          \
                                                                                                   \
	static void run_##real(const struct heft_elements *e)                                      \
	{                                                                                          \
		const uint32_t cpu_bits = e->cpu_bits;                                             \
		const bool is_exact = e->p == 0;                                                   \
		type slope[N_A_TILE];                                                              \
		type part[N_A_TILE];                                                               \
                                                                                                   \
		for (size_t at = 0; at < e->n; at += N_A_TILE) {                                   \
			const size_t n = e->n - at < N_A_TILE ? e->n - at : N_A_TILE;              \
			const type *x = (const type *)e->x[1] + at * e->step[1];                   \
			const size_t n_x = e->step[1] == 0 ? 1 : n;                                \
                                                                                                   \
			(is_exact ? exact_##real : by_tanh_##real)(cpu_bits, slope, part, x, n_x); \
			heft_arithmetic_##real##_by(cpu_bits, HEFT_ARITHMETIC_MUL,                 \
			                            (type *)e->y + at,                             \
			                            (const type *)e->x[0] + at * e->step[0],       \
			                            e->step[0], slope, e->step[1], 0, 0, n);       \
		}                                                                                  \
	}

SLOPES(f32, float)
SLOPES(f64, double)

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, run_f32, 0 },
	{ HEFT_DTYPE_F64, run_f64, 0 },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const char *how = heft_call_text(c, "approximate", "none");

	heft_elementwise_keep(c, strcmp(how, "tanh") == 0, 0);
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

HEFT_SLOPE_OPERATOR(heft_gelu_gradient, "GeluGradient", infer);
