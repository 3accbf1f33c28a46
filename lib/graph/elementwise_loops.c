/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise_loops.c - runs of floating numbers: the kernels' loops, and what is made of several
 * of them, in tiles that stay in the cache. */
#include "graph/elementwise_loops.h"

#include "kernel/elementary.h"
#include "kernel/elementary_rare.h"
#include "tensor/cast.h"

#define N_A_TILE 512

void heft_run_f32(const struct heft_elements *e)
{
	const void *b = e->x[1] ? e->x[1] : e->x[0];
	const size_t b_step = e->x[1] ? e->step[1] : e->step[0];

	heft_arithmetic_f32_by(e->cpu_bits, (enum heft_arithmetic)e->which, e->y, e->x[0],
	                       e->step[0], b, b_step, (float)e->p, (float)e->q, e->n);
}

void heft_run_f64(const struct heft_elements *e)
{
	const void *b = e->x[1] ? e->x[1] : e->x[0];
	const size_t b_step = e->x[1] ? e->step[1] : e->step[0];

	heft_arithmetic_f64_by(e->cpu_bits, (enum heft_arithmetic)e->which, e->y, e->x[0],
	                       e->step[0], b, b_step, e->p, e->q, e->n);
}

void heft_compare_f32(const struct heft_elements *e)
{
	const void *b = e->x[1] ? e->x[1] : e->x[0];
	const size_t b_step = e->x[1] ? e->step[1] : e->step[0];

	heft_compare_f32_by(e->cpu_bits, (enum heft_comparison)e->which, e->y, e->x[0], e->step[0],
	                    b, b_step, e->n);
}

void heft_compare_f64(const struct heft_elements *e)
{
	const void *b = e->x[1] ? e->x[1] : e->x[0];
	const size_t b_step = e->x[1] ? e->step[1] : e->step[0];

	heft_compare_f64_by(e->cpu_bits, (enum heft_comparison)e->which, e->y, e->x[0], e->step[0],
	                    b, b_step, e->n);
}

/* Both widths of functions whose parts are whole arrays; x and y may be the same. */
#define RUNS_OF_PARTS(real, type)                                                                  \
	void heft_run_elu_##real(const struct heft_elements *e)                                    \
	{                                                                                          \
		const type p = (type)e->p;                                                         \
		type part[N_A_TILE];                                                               \
                                                                                                   \
		for (size_t at = 0; at < e->n; at += N_A_TILE) {                                   \
			const size_t n = e->n - at < N_A_TILE ? e->n - at : N_A_TILE;              \
			const type *x = (const type *)e->x[0] + at;                                \
			const type *from = x;                                                      \
                                                                                                   \
			if (e->which == 1) {                                                       \
				heft_arithmetic_##real##_by(e->cpu_bits, HEFT_ARITHMETIC_DIV,      \
				                            part, x, 1, &p, 0, 0, 0, n);           \
				from = part;                                                       \
			}                                                                          \
			heft_expm1_##real##_by(e->cpu_bits, part, from, n);                        \
			heft_arithmetic_##real##_by(e->cpu_bits, HEFT_ARITHMETIC_ELU,              \
			                            (type *)e->y + at, x, 1, part, 1, p,           \
			                            (type)e->q, n);                                \
		}                                                                                  \
	}                                                                                          \
                                                                                                   \
	void heft_run_swish_##real(const struct heft_elements *e)                                  \
	{                                                                                          \
		type part[N_A_TILE];                                                               \
                                                                                                   \
		for (size_t at = 0; at < e->n; at += N_A_TILE) {                                   \
			const size_t n = e->n - at < N_A_TILE ? e->n - at : N_A_TILE;              \
			const type *x = (const type *)e->x[0] + at;                                \
                                                                                                   \
			heft_arithmetic_##real##_by(e->cpu_bits, HEFT_ARITHMETIC_SCALE, part, x,   \
			                            1, x, 1, (type)e->p, 0, n);                    \
			heft_sigmoid_##real##_by(e->cpu_bits, part, part, n);                      \
			heft_arithmetic_##real##_by(e->cpu_bits, HEFT_ARITHMETIC_MUL,              \
			                            (type *)e->y + at, x, 1, part, 1, 0, 0, n);    \
		}                                                                                  \
	}                                                                                          \
                                                                                                   \
	void heft_run_mish_##real(const struct heft_elements *e)                                   \
	{                                                                                          \
		type part[N_A_TILE];                                                               \
                                                                                                   \
		for (size_t at = 0; at < e->n; at += N_A_TILE) {                                   \
			const size_t n = e->n - at < N_A_TILE ? e->n - at : N_A_TILE;              \
			const type *x = (const type *)e->x[0] + at;                                \
                                                                                                   \
			heft_softplus_##real##_by(e->cpu_bits, part, x, n);                        \
			heft_tanh_##real##_by(e->cpu_bits, part, part, n);                         \
			heft_arithmetic_##real##_by(e->cpu_bits, HEFT_ARITHMETIC_MUL,              \
			                            (type *)e->y + at, x, 1, part, 1, 0, 0, n);    \
		}                                                                                  \
	}                                                                                          \
                                                                                                   \
	void heft_run_gelu_##real(const struct heft_elements *e)                                   \
	{                                                                                          \
		type sum[N_A_TILE];                                                                \
                                                                                                   \
		for (size_t at = 0; at < e->n; at += N_A_TILE) {                                   \
			const size_t n = e->n - at < N_A_TILE ? e->n - at : N_A_TILE;              \
			const type *x = (const type *)e->x[0] + at * e->step[0];                   \
			const type *b = e->x[1];                                                   \
                                                                                                   \
			if (b) {                                                                   \
				heft_arithmetic_##real##_by(e->cpu_bits, HEFT_ARITHMETIC_ADD, sum, \
				                            x, e->step[0], b + at * e->step[1],    \
				                            e->step[1], 0, 0, n);                  \
				x = sum;                                                           \
			}                                                                          \
			if (e->which == HEFT_GELU_TANH)                                            \
				heft_gelu_tanh_##real##_by(e->cpu_bits, (type *)e->y + at, x, n);  \
			else                                                                       \
				heft_gelu_##real##_by(e->cpu_bits, (type *)e->y + at, x, n);       \
		}                                                                                  \
	}

RUNS_OF_PARTS(f32, float)
RUNS_OF_PARTS(f64, double)

void heft_run_by_f64(const struct heft_elements *e)
{
	const struct heft_array *x = &e->call->in[0];
	const size_t size = (size_t)(x->n_bytes / x->n_elements);
	double part[N_A_TILE];

	for (size_t at = 0; at < e->n; at += N_A_TILE) {
		const size_t n = e->n - at < N_A_TILE ? e->n - at : N_A_TILE;

		(void)heft_cast_by(e->cpu_bits, HEFT_DTYPE_F64, part, x->dtype,
		                   (const uint8_t *)e->x[0] + at * size, n, NULL);
		heft_arithmetic_f64_by(e->cpu_bits, (enum heft_arithmetic)e->which, part, part, 1,
		                       part, 1, e->p, e->q, n);
		(void)heft_cast_by(e->cpu_bits, x->dtype, (uint8_t *)e->y + at * size,
		                   HEFT_DTYPE_F64, part, n, NULL);
	}
}
