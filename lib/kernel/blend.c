/* SPDX-License-Identifier: Apache-2.0 */
/* blend.c - weighted lines. */
#include "kernel/blend.h"

#include "base/cpu.h"

#ifdef HEFT_TARGET_AVX2
#include <immintrin.h>

/* Whole eights; how many elements that are. */
HEFT_TARGET_AVX2 static size_t blend_avx2(float *y, const float *x, float a, const float *z,
                                          float b, size_t n)
{
	const __m256 as = _mm256_set1_ps(a);
	const __m256 bs = _mm256_set1_ps(b);
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		__m256 sum = _mm256_mul_ps(as, _mm256_loadu_ps(x + i));

		if (z)
			sum = _mm256_add_ps(sum, _mm256_mul_ps(bs, _mm256_loadu_ps(z + i)));
		_mm256_storeu_ps(y + i, sum);
	}
	return i;
}

HEFT_TARGET_AVX2 static size_t add_avx2(float *y, const float *x, float a, size_t n)
{
	const __m256 as = _mm256_set1_ps(a);
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_loadu_ps(y + i),
		                                      _mm256_mul_ps(as, _mm256_loadu_ps(x + i))));
	return i;
}
#endif

void heft_blend_f32_by(uint32_t cpu_bits, float *y, const float *x, float a, const float *z,
                       float b, size_t n)
{
	size_t i = 0;

#ifdef HEFT_TARGET_AVX2
	if (cpu_bits & HEFT_CPU_AVX2)
		i = blend_avx2(y, x, a, z, b, n);
#endif
	(void)cpu_bits;
	for (; i < n; i++) {
		const float first = a * x[i];

		y[i] = z ? first + b * z[i] : first;
	}
}

void heft_blend_add_f32_by(uint32_t cpu_bits, float *y, const float *x, float a, size_t n)
{
	size_t i = 0;

#ifdef HEFT_TARGET_AVX2
	if (cpu_bits & HEFT_CPU_AVX2)
		i = add_avx2(y, x, a, n);
#endif
	(void)cpu_bits;
	for (; i < n; i++)
		y[i] = y[i] + a * x[i];
}
