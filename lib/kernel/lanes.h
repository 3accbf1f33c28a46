/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/lanes.h - sixteen numbers side by side, for every target: an array in plain C, vectors of
 * AVX2 or of AVX-512. Sums, pooling and normalisation are written once over these
 * (sum_loops.inc and its like), so that their order cannot differ between targets.
 *
 * An operation is lanes_<operation>_<f32 or f64>_<target>, lane by lane and rounded once. */
#ifndef KERNEL_LANES_H
#define KERNEL_LANES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cpu.h"

#define HEFT_N_LANES 16

/* Loops with a constant inside (which term, which layout) are copied for each of its values. */
#ifdef HEFT_TARGET_AVX2
#define HEFT_LANES_INLINE static inline __attribute__((always_inline))
#else
#define HEFT_LANES_INLINE static inline
#endif

/* spec F3-4: what of m, met so far, and x, met now, is the greater (the less). NaN stays. */
#define HEFT_GREATER(m, x) ((x) > (m) || (x) != (x) ? (x) : (m))
#define HEFT_LESS(m, x) ((x) < (m) || (x) != (x) ? (x) : (m))

#define LANES_EACH(body)                            \
	for (size_t i = 0; i < HEFT_N_LANES; i++) { \
		body;                               \
	}

#define LANES_SCALAR_OF_TWO(op, real, type, expression)                              \
	HEFT_LANES_INLINE struct lanes_##real##_scalar lanes_##op##_##real##_scalar( \
		struct lanes_##real##_scalar a, struct lanes_##real##_scalar b)      \
	{                                                                            \
		LANES_EACH(a.v[i] = expression)                                      \
		return a;                                                            \
	}

#define LANES_SCALAR(real, type, fused, magnitude)                                               \
	struct lanes_##real##_scalar {                                                           \
		type v[HEFT_N_LANES];                                                            \
	};                                                                                       \
	LANES_SCALAR_OF_TWO(add, real, type, a.v[i] + b.v[i])                                    \
	LANES_SCALAR_OF_TWO(sub, real, type, a.v[i] - b.v[i])                                    \
	LANES_SCALAR_OF_TWO(mul, real, type, a.v[i] * b.v[i])                                    \
	LANES_SCALAR_OF_TWO(div, real, type, a.v[i] / b.v[i])                                    \
	LANES_SCALAR_OF_TWO(greater, real, type, HEFT_GREATER(a.v[i], b.v[i]))                   \
	LANES_SCALAR_OF_TWO(less, real, type, HEFT_LESS(a.v[i], b.v[i]))                         \
	HEFT_LANES_INLINE struct lanes_##real##_scalar lanes_fma_##real##_scalar(                \
		struct lanes_##real##_scalar a, struct lanes_##real##_scalar b,                  \
		struct lanes_##real##_scalar c)                                                  \
	{                                                                                        \
		LANES_EACH(c.v[i] = fused(a.v[i], b.v[i], c.v[i]))                               \
		return c;                                                                        \
	}                                                                                        \
	HEFT_LANES_INLINE struct lanes_##real##_scalar lanes_abs_##real##_scalar(                \
		struct lanes_##real##_scalar a)                                                  \
	{                                                                                        \
		LANES_EACH(a.v[i] = magnitude(a.v[i]))                                           \
		return a;                                                                        \
	}                                                                                        \
	HEFT_LANES_INLINE struct lanes_##real##_scalar lanes_spread_##real##_scalar(type x)      \
	{                                                                                        \
		struct lanes_##real##_scalar a;                                                  \
                                                                                                 \
		LANES_EACH(a.v[i] = x)                                                           \
		return a;                                                                        \
	}                                                                                        \
	/* the first n lanes; +0 behind them */                                                  \
	HEFT_LANES_INLINE struct lanes_##real##_scalar lanes_load_some_##real##_scalar(          \
		const type *p, size_t n)                                                         \
	{                                                                                        \
		struct lanes_##real##_scalar a = { { 0 } };                                      \
                                                                                                 \
		memcpy(a.v, p, n * sizeof *p);                                                   \
		return a;                                                                        \
	}                                                                                        \
	HEFT_LANES_INLINE struct lanes_##real##_scalar lanes_load_##real##_scalar(const type *p) \
	{                                                                                        \
		struct lanes_##real##_scalar a;                                                  \
                                                                                                 \
		memcpy(a.v, p, sizeof a.v);                                                      \
		return a;                                                                        \
	}                                                                                        \
	HEFT_LANES_INLINE void lanes_store_some_##real##_scalar(type *p,                         \
	                                                        struct lanes_##real##_scalar a,  \
	                                                        size_t n)                        \
	{                                                                                        \
		memcpy(p, a.v, n * sizeof *p);                                                   \
	}                                                                                        \
	HEFT_LANES_INLINE void lanes_store_##real##_scalar(type *p,                              \
	                                                   struct lanes_##real##_scalar a)       \
	{                                                                                        \
		memcpy(p, a.v, sizeof a.v);                                                      \
	}

LANES_SCALAR(f32, float, fmaf, fabsf)
LANES_SCALAR(f64, double, fma, fabs)

/* 16 values of F32, widened. */
HEFT_LANES_INLINE struct lanes_f64_scalar lanes_widen_scalar(const float *p)
{
	struct lanes_f64_scalar a;

	LANES_EACH(a.v[i] = (double)p[i])
	return a;
}

#ifdef HEFT_TARGET_AVX2
#include <immintrin.h>

/* One vector of each kind: where the lanes 0 to n - 1 of `some` end, and the choices. */
#define LANES_AVX2 HEFT_TARGET_AVX2 HEFT_LANES_INLINE
#define LANES_AVX512 HEFT_TARGET_AVX512 HEFT_LANES_INLINE

LANES_AVX2 __m256i some_f32_avx2(int n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

LANES_AVX2 __m256i some_f64_avx2(int n)
{
	return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}

LANES_AVX512 __mmask16 some_f32_avx512(int n)
{
	return (__mmask16)_bzhi_u32(0xffff, (uint32_t)(n < 0 ? 0 : n));
}

LANES_AVX512 __mmask8 some_f64_avx512(int n)
{
	return (__mmask8)_bzhi_u32(0xff, (uint32_t)(n < 0 ? 0 : n));
}

#define LANES_CHOOSE_256(op, real, vector, ps, order)                                           \
	LANES_AVX2 vector op##_##real##_avx2(vector m, vector x)                                \
	{                                                                                       \
		return _mm256_blendv_##ps(m, x,                                                 \
		                          _mm256_or_##ps(_mm256_cmp_##ps(x, m, order),          \
		                                         _mm256_cmp_##ps(x, x, _CMP_UNORD_Q))); \
	}
#define LANES_CHOOSE_512(op, real, vector, ps, order)                                           \
	LANES_AVX512 vector op##_##real##_avx512(vector m, vector x)                            \
	{                                                                                       \
		return _mm512_mask_mov_##ps(m,                                                  \
		                            _mm512_cmp_##ps##_mask(x, m, order) |               \
		                                    _mm512_cmp_##ps##_mask(x, x, _CMP_UNORD_Q), \
		                            x);                                                 \
	}

LANES_CHOOSE_256(greater, f32, __m256, ps, _CMP_GT_OQ)
LANES_CHOOSE_256(less, f32, __m256, ps, _CMP_LT_OQ)
LANES_CHOOSE_256(greater, f64, __m256d, pd, _CMP_GT_OQ)
LANES_CHOOSE_256(less, f64, __m256d, pd, _CMP_LT_OQ)
LANES_CHOOSE_512(greater, f32, __m512, ps, _CMP_GT_OQ)
LANES_CHOOSE_512(less, f32, __m512, ps, _CMP_LT_OQ)
LANES_CHOOSE_512(greater, f64, __m512d, pd, _CMP_GT_OQ)
LANES_CHOOSE_512(less, f64, __m512d, pd, _CMP_LT_OQ)

/* One vector: read, written, spread, widened. `n` may be below 0 and above a vector's lanes. */
#define LANES_PART(TARGET, real, isa, type, vector, pre, ps, read, write) \
	TARGET vector load_##real##_##isa(const type *p)                  \
	{                                                                 \
		return pre##_loadu_##ps(p);                               \
	}                                                                 \
	TARGET vector load_some_##real##_##isa(const type *p, int n)      \
	{                                                                 \
		return read(p, some_##real##_##isa(n), ps);               \
	}                                                                 \
	TARGET void store_##real##_##isa(type *p, vector v)               \
	{                                                                 \
		pre##_storeu_##ps(p, v);                                  \
	}                                                                 \
	TARGET void store_some_##real##_##isa(type *p, vector v, int n)   \
	{                                                                 \
		write(p, some_##real##_##isa(n), v, ps);                  \
	}                                                                 \
	TARGET vector abs_##real##_##isa(vector v)                        \
	{                                                                 \
		return pre##_andnot_##ps(pre##_set1_##ps(-(type)0), v);   \
	}

#define LANES_READ_256(p, some, ps) _mm256_maskload_##ps(p, some)
#define LANES_WRITE_256(p, some, v, ps) _mm256_maskstore_##ps(p, some, v)
#define LANES_READ_512(p, some, ps) _mm512_maskz_loadu_##ps(some, p)
#define LANES_WRITE_512(p, some, v, ps) _mm512_mask_storeu_##ps(p, some, v)

LANES_PART(LANES_AVX2, f32, avx2, float, __m256, _mm256, ps, LANES_READ_256, LANES_WRITE_256)
LANES_PART(LANES_AVX2, f64, avx2, double, __m256d, _mm256, pd, LANES_READ_256, LANES_WRITE_256)
LANES_PART(LANES_AVX512, f32, avx512, float, __m512, _mm512, ps, LANES_READ_512, LANES_WRITE_512)
LANES_PART(LANES_AVX512, f64, avx512, double, __m512d, _mm512, pd, LANES_READ_512, LANES_WRITE_512)

LANES_AVX2 __m256d widen_avx2(const float *p)
{
	return _mm256_cvtps_pd(_mm_loadu_ps(p));
}

LANES_AVX512 __m512d widen_avx512(const float *p)
{
	return _mm512_cvtps_pd(_mm256_loadu_ps(p));
}

/* Spelled out for one, two and four vectors of w lanes: gcc 12 at -O2 leaves loops over them as
 * they are, and the lanes in memory. */
#define LANES_SET_1(f, w) a.v[0] = f;
#define LANES_SET_2(f, w) a.v[0] = a.v[1] = f;
#define LANES_SET_4(f, w) a.v[0] = a.v[1] = a.v[2] = a.v[3] = f;
#define LANES_ONE_1(f) a.v[0] = f(a.v[0]);
#define LANES_ONE_2(f) LANES_ONE_1(f) a.v[1] = f(a.v[1]);
#define LANES_ONE_4(f) LANES_ONE_2(f) a.v[2] = f(a.v[2]), a.v[3] = f(a.v[3]);
#define LANES_TWO_1(f) a.v[0] = f(a.v[0], b.v[0]);
#define LANES_TWO_2(f) LANES_TWO_1(f) a.v[1] = f(a.v[1], b.v[1]);
#define LANES_TWO_4(f) LANES_TWO_2(f) a.v[2] = f(a.v[2], b.v[2]), a.v[3] = f(a.v[3], b.v[3]);
#define LANES_FMA_1(f) c.v[0] = f(a.v[0], b.v[0], c.v[0]);
#define LANES_FMA_2(f) LANES_FMA_1(f) c.v[1] = f(a.v[1], b.v[1], c.v[1]);
#define LANES_FMA_4(f)                      \
	LANES_FMA_2(f)                      \
	c.v[2] = f(a.v[2], b.v[2], c.v[2]); \
	c.v[3] = f(a.v[3], b.v[3], c.v[3]);
#define LANES_LOAD_1(f, w) a.v[0] = f(p);
#define LANES_LOAD_2(f, w) LANES_LOAD_1(f, w) a.v[1] = f(p + (w));
#define LANES_LOAD_4(f, w) LANES_LOAD_2(f, w) a.v[2] = f(p + 2 * (w)), a.v[3] = f(p + 3 * (w));
#define LANES_STORE_1(f, w) f(p, a.v[0]);
#define LANES_STORE_2(f, w) LANES_STORE_1(f, w) f(p + (w), a.v[1]);
#define LANES_STORE_4(f, w) LANES_STORE_2(f, w) f(p + 2 * (w), a.v[2]), f(p + 3 * (w), a.v[3]);
#define LANES_LOAD_SOME_1(f, w) a.v[0] = f(p, n);
#define LANES_LOAD_SOME_2(f, w) LANES_LOAD_SOME_1(f, w) a.v[1] = f(p + (w), n - (w));
#define LANES_LOAD_SOME_4(f, w)               \
	LANES_LOAD_SOME_2(f, w)               \
	a.v[2] = f(p + 2 * (w), n - 2 * (w)); \
	a.v[3] = f(p + 3 * (w), n - 3 * (w));
#define LANES_STORE_SOME_1(f, w) f(p, a.v[0], n);
#define LANES_STORE_SOME_2(f, w) LANES_STORE_SOME_1(f, w) f(p + (w), a.v[1], n - (w));
#define LANES_STORE_SOME_4(f, w)             \
	LANES_STORE_SOME_2(f, w)             \
	f(p + 2 * (w), a.v[2], n - 2 * (w)); \
	f(p + 3 * (w), a.v[3], n - 3 * (w));

#define LANES_OF_TWO(TARGET, op, f, n_parts, real, isa)                       \
	TARGET struct lanes_##real##_##isa lanes_##op##_##real##_##isa(       \
		struct lanes_##real##_##isa a, struct lanes_##real##_##isa b) \
	{                                                                     \
		LANES_TWO_##n_parts(f) return a;                              \
	}

#define LANES_WIDE(TARGET, n_parts, w, real, isa, type, vector, pre, ps)                           \
	struct lanes_##real##_##isa {                                                              \
		vector v[n_parts];                                                                 \
	};                                                                                         \
	LANES_OF_TWO(TARGET, add, pre##_add_##ps, n_parts, real, isa)                              \
	LANES_OF_TWO(TARGET, sub, pre##_sub_##ps, n_parts, real, isa)                              \
	LANES_OF_TWO(TARGET, mul, pre##_mul_##ps, n_parts, real, isa)                              \
	LANES_OF_TWO(TARGET, div, pre##_div_##ps, n_parts, real, isa)                              \
	LANES_OF_TWO(TARGET, greater, greater_##real##_##isa, n_parts, real, isa)                  \
	LANES_OF_TWO(TARGET, less, less_##real##_##isa, n_parts, real, isa)                        \
	TARGET struct lanes_##real##_##isa lanes_fma_##real##_##isa(struct lanes_##real##_##isa a, \
	                                                            struct lanes_##real##_##isa b, \
	                                                            struct lanes_##real##_##isa c) \
	{                                                                                          \
		LANES_FMA_##n_parts(pre##_fmadd_##ps) return c;                                    \
	}                                                                                          \
	TARGET struct lanes_##real##_##isa lanes_abs_##real##_##isa(struct lanes_##real##_##isa a) \
	{                                                                                          \
		LANES_ONE_##n_parts(abs_##real##_##isa) return a;                                  \
	}                                                                                          \
	TARGET struct lanes_##real##_##isa lanes_spread_##real##_##isa(type x)                     \
	{                                                                                          \
		struct lanes_##real##_##isa a;                                                     \
                                                                                                   \
		LANES_SET_##n_parts(pre##_set1_##ps(x), w) return a;                               \
	}                                                                                          \
	TARGET struct lanes_##real##_##isa lanes_load_##real##_##isa(const type *p)                \
	{                                                                                          \
		struct lanes_##real##_##isa a;                                                     \
                                                                                                   \
		LANES_LOAD_##n_parts(load_##real##_##isa, w) return a;                             \
	}                                                                                          \
	TARGET struct lanes_##real##_##isa lanes_load_some_##real##_##isa(const type *p,           \
	                                                                  size_t some)             \
	{                                                                                          \
		const int n = (int)some;                                                           \
		struct lanes_##real##_##isa a;                                                     \
                                                                                                   \
		LANES_LOAD_SOME_##n_parts(load_some_##real##_##isa, w) return a;                   \
	}                                                                                          \
	TARGET void lanes_store_##real##_##isa(type *p, struct lanes_##real##_##isa a){            \
		LANES_STORE_##n_parts(store_##real##_##isa, w)                                     \
	} TARGET void lanes_store_some_##real##_##isa(type *p, struct lanes_##real##_##isa a,      \
	                                              size_t some)                                 \
	{                                                                                          \
		const int n = (int)some;                                                           \
                                                                                                   \
		LANES_STORE_SOME_##n_parts(store_some_##real##_##isa, w)                           \
	}

LANES_WIDE(LANES_AVX2, 2, 8, f32, avx2, float, __m256, _mm256, ps)
LANES_WIDE(LANES_AVX2, 4, 4, f64, avx2, double, __m256d, _mm256, pd)
LANES_WIDE(LANES_AVX512, 1, 16, f32, avx512, float, __m512, _mm512, ps)
LANES_WIDE(LANES_AVX512, 2, 8, f64, avx512, double, __m512d, _mm512, pd)

LANES_AVX2 struct lanes_f64_avx2 lanes_widen_avx2(const float *p)
{
	struct lanes_f64_avx2 a;

	LANES_LOAD_4(widen_avx2, 4)
	return a;
}

LANES_AVX512 struct lanes_f64_avx512 lanes_widen_avx512(const float *p)
{
	struct lanes_f64_avx512 a;

	LANES_LOAD_2(widen_avx512, 8)
	return a;
}
#endif

#define LANES_PASTE(op, real, isa) lanes_##op##_##real##_##isa

#endif
