/* SPDX-License-Identifier: Apache-2.0 */
/* arithmetic.c - loops over arrays of what takes a few operations an element, for every target. */
#include "kernel/arithmetic.h"

#include "kernel/elementary_loops.h"

#define REAL float
#define NAME(name) name##_f32
#define CHOOSE heft_f32_choose
#define ABS heft_f32_abs
#define SIGNED heft_f32_signed
#define WHOLE 0x1p23f
#include "kernel/arithmetic_ones.inc"
#undef REAL
#undef NAME
#undef CHOOSE
#undef ABS
#undef SIGNED
#undef WHOLE

#define REAL double
#define NAME(name) name##_f64
#define CHOOSE heft_f64_choose
#define ABS heft_f64_abs
#define SIGNED heft_f64_signed
#define WHOLE 0x1p52
#include "kernel/arithmetic_ones.inc"

/* Where the next block of an operand is read: one that is the same everywhere stays in the block
 * that it was spread over at first. */
#define SPREAD(block, x, step)                                         \
	do {                                                           \
		for (size_t i = 0; (step) == 0 && i < HEFT_LANES; i++) \
			(block)[i] = *(x);                             \
	} while (0)
#define NEXT(from, block, x, step, at, n_now)                      \
	do {                                                       \
		from = block;                                      \
		if ((step) != 0)                                   \
			HEFT_TAKE(from, block, (x) + (at), n_now); \
	} while (0)

#define LOOP(target, isa, real, type, name)                                                    \
	target static void name##_##real##_##isa(type *y, const type *a, size_t a_step,        \
	                                         const type *b, size_t b_step, type p, type q, \
	                                         size_t n)                                     \
	{                                                                                      \
		type in_a[HEFT_LANES];                                                         \
		type in_b[HEFT_LANES];                                                         \
		type out[HEFT_LANES];                                                          \
                                                                                               \
		SPREAD(in_a, a, a_step);                                                       \
		SPREAD(in_b, b, b_step);                                                       \
		for (size_t at = 0; at < n; at += HEFT_LANES) {                                \
			const size_t n_now = n - at < HEFT_LANES ? n - at : HEFT_LANES;        \
			const type *from_a;                                                    \
			const type *from_b;                                                    \
                                                                                               \
			NEXT(from_a, in_a, a, a_step, at, n_now);                              \
			NEXT(from_b, in_b, b, b_step, at, n_now);                              \
			for (size_t i = 0; i < HEFT_LANES; i++)                                \
				out[i] = one_##name##_##real(from_a[i], from_b[i], p, q);      \
			HEFT_PUT(y + at, out, n_now);                                          \
		}                                                                              \
	}

#define COMPARE(target, isa, real, type, name)                                             \
	target static void name##_##real##_##isa(uint8_t *y, const type *a, size_t a_step, \
	                                         const type *b, size_t b_step, size_t n)   \
	{                                                                                  \
		type in_a[HEFT_LANES];                                                     \
		type in_b[HEFT_LANES];                                                     \
		uint8_t out[HEFT_LANES];                                                   \
                                                                                           \
		SPREAD(in_a, a, a_step);                                                   \
		SPREAD(in_b, b, b_step);                                                   \
		for (size_t at = 0; at < n; at += HEFT_LANES) {                            \
			const size_t n_now = n - at < HEFT_LANES ? n - at : HEFT_LANES;    \
			const type *from_a;                                                \
			const type *from_b;                                                \
                                                                                           \
			NEXT(from_a, in_a, a, a_step, at, n_now);                          \
			NEXT(from_b, in_b, b, b_step, at, n_now);                          \
			for (size_t i = 0; i < HEFT_LANES; i++)                            \
				out[i] = is_##name##_##real(from_a[i], from_b[i]);         \
			HEFT_PUT(y + at, out, n_now);                                      \
		}                                                                          \
	}

#define EACH_FUNCTION(X, target, isa, real, type)    \
	X(target, isa, real, type, add)              \
	X(target, isa, real, type, sub)              \
	X(target, isa, real, type, mul)              \
	X(target, isa, real, type, div)              \
	X(target, isa, real, type, max)              \
	X(target, isa, real, type, min)              \
	X(target, isa, real, type, prelu)            \
	X(target, isa, real, type, elu)              \
	X(target, isa, real, type, drop)             \
	X(target, isa, real, type, slope_above)      \
	X(target, isa, real, type, slope_between)    \
	X(target, isa, real, type, slope_below)      \
	X(target, isa, real, type, slope_leaky)      \
	X(target, isa, real, type, slope_elu)        \
	X(target, isa, real, type, slope_sigmoid)    \
	X(target, isa, real, type, slope_tanh)       \
	X(target, isa, real, type, slope_root)       \
	X(target, isa, real, type, slope_abs)        \
	X(target, isa, real, type, slope_softsign)   \
	X(target, isa, real, type, slope_hard_swish) \
	X(target, isa, real, type, relu)             \
	X(target, isa, real, type, leaky)            \
	X(target, isa, real, type, clip)             \
	X(target, isa, real, type, threshold)        \
	X(target, isa, real, type, hard_sigmoid)     \
	X(target, isa, real, type, hard_swish)       \
	X(target, isa, real, type, shrink)           \
	X(target, isa, real, type, abs)              \
	X(target, isa, real, type, neg)              \
	X(target, isa, real, type, sign)             \
	X(target, isa, real, type, floor)            \
	X(target, isa, real, type, ceil)             \
	X(target, isa, real, type, round)            \
	X(target, isa, real, type, softsign)         \
	X(target, isa, real, type, square)           \
	X(target, isa, real, type, reciprocal)       \
	X(target, isa, real, type, scale)
#define EACH_COMPARISON(X, target, isa, real, type) \
	X(target, isa, real, type, equal)           \
	X(target, isa, real, type, less)            \
	X(target, isa, real, type, less_or_equal)   \
	X(target, isa, real, type, nan)             \
	X(target, isa, real, type, inf)

/* In the order of the enumerations. */
#define ROW(target, isa, real, type, name) name##_##real##_##isa,
#define LOOPS(target, isa, real, type)                                                       \
	EACH_FUNCTION(LOOP, target, isa, real, type)                                         \
	EACH_COMPARISON(COMPARE, target, isa, real, type)                                    \
	static arithmetic_##real##_fn *const functions_##real##_##isa[HEFT_N_ARITHMETIC] = { \
		EACH_FUNCTION(ROW, target, isa, real, type)                                  \
	};                                                                                   \
	static compare_##real##_fn *const comparisons_##real##_##isa[HEFT_N_COMPARISONS] = { \
		EACH_COMPARISON(ROW, target, isa, real, type)                                \
	};

#define WHERE(target, isa)                                                                   \
	target static void where_##isa(uint32_t *y, const uint8_t *which, size_t which_step, \
	                               const uint32_t *a, size_t a_step, const uint32_t *b,  \
	                               size_t b_step, size_t n)                              \
	{                                                                                    \
		uint8_t in_which[HEFT_LANES];                                                \
		uint32_t in_a[HEFT_LANES];                                                   \
		uint32_t in_b[HEFT_LANES];                                                   \
		uint32_t out[HEFT_LANES];                                                    \
                                                                                             \
		SPREAD(in_which, which, which_step);                                         \
		SPREAD(in_a, a, a_step);                                                     \
		SPREAD(in_b, b, b_step);                                                     \
		for (size_t at = 0; at < n; at += HEFT_LANES) {                              \
			const size_t n_now = n - at < HEFT_LANES ? n - at : HEFT_LANES;      \
			const uint8_t *from;                                                 \
			const uint32_t *from_a;                                              \
			const uint32_t *from_b;                                              \
                                                                                             \
			NEXT(from, in_which, which, which_step, at, n_now);                  \
			NEXT(from_a, in_a, a, a_step, at, n_now);                            \
			NEXT(from_b, in_b, b, b_step, at, n_now);                            \
			for (size_t i = 0; i < HEFT_LANES; i++) {                            \
				const uint32_t mask = 0u - (uint32_t)(from[i] != 0);         \
                                                                                             \
				out[i] = (from_a[i] & mask) | (from_b[i] & ~mask);           \
			}                                                                    \
			HEFT_PUT(y + at, out, n_now);                                        \
		}                                                                            \
	}

typedef void arithmetic_f32_fn(float *y, const float *a, size_t a_step, const float *b,
                               size_t b_step, float p, float q, size_t n);
typedef void arithmetic_f64_fn(double *y, const double *a, size_t a_step, const double *b,
                               size_t b_step, double p, double q, size_t n);
typedef void compare_f32_fn(uint8_t *y, const float *a, size_t a_step, const float *b,
                            size_t b_step, size_t n);
typedef void compare_f64_fn(uint8_t *y, const double *a, size_t a_step, const double *b,
                            size_t b_step, size_t n);

LOOPS(, scalar, f32, float)
LOOPS(, scalar, f64, double)
WHERE(, scalar)

#ifdef HEFT_TARGET_AVX2
LOOPS(HEFT_TARGET_AVX2, avx2, f32, float)
LOOPS(HEFT_TARGET_AVX2, avx2, f64, double)
WHERE(HEFT_TARGET_AVX2, avx2)
LOOPS(HEFT_TARGET_AVX512, avx512, f32, float)
#define PICK(bits, table)                        \
	((bits)&HEFT_CPU_AVX512 ? table##_avx512 \
	 : (bits)&HEFT_CPU_AVX2 ? table##_avx2   \
	                        : table##_scalar)
/* F64 is rare: no third copy of every loop; gcc 12 makes Where slower with AVX-512. */
#define PICK_AVX2(bits, table) ((bits)&HEFT_CPU_AVX2 ? table##_avx2 : table##_scalar)
#else
#define PICK(bits, table) ((void)(bits), table##_scalar)
#define PICK_AVX2 PICK
#endif

void heft_arithmetic_f32_by(uint32_t cpu_bits, enum heft_arithmetic f, float *y, const float *a,
                            size_t a_step, const float *b, size_t b_step, float p, float q,
                            size_t n)
{
	PICK(cpu_bits, functions_f32)[f](y, a, a_step, b, b_step, p, q, n);
}

void heft_arithmetic_f64_by(uint32_t cpu_bits, enum heft_arithmetic f, double *y, const double *a,
                            size_t a_step, const double *b, size_t b_step, double p, double q,
                            size_t n)
{
	PICK_AVX2(cpu_bits, functions_f64)[f](y, a, a_step, b, b_step, p, q, n);
}

void heft_compare_f32_by(uint32_t cpu_bits, enum heft_comparison f, uint8_t *y, const float *a,
                         size_t a_step, const float *b, size_t b_step, size_t n)
{
	PICK(cpu_bits, comparisons_f32)[f](y, a, a_step, b, b_step, n);
}

void heft_compare_f64_by(uint32_t cpu_bits, enum heft_comparison f, uint8_t *y, const double *a,
                         size_t a_step, const double *b, size_t b_step, size_t n)
{
	PICK_AVX2(cpu_bits, comparisons_f64)[f](y, a, a_step, b, b_step, n);
}

void heft_where_32_by(uint32_t cpu_bits, uint32_t *y, const uint8_t *which, size_t which_step,
                      const uint32_t *a, size_t a_step, const uint32_t *b, size_t b_step, size_t n)
{
	PICK_AVX2(cpu_bits, where)(y, which, which_step, a, a_step, b, b_step, n);
}
