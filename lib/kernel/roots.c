/* SPDX-License-Identifier: Apache-2.0 */
/* roots.c - square roots of a block of F64. */
#include "kernel/roots.h"

#include <math.h>

void heft_roots_scalar(double *x)
{
	for (size_t i = 0; i < HEFT_N_ROOTS; i++)
		x[i] = sqrt(x[i]);
}

#ifdef HEFT_TARGET_AVX2
#include <immintrin.h>

HEFT_TARGET_AVX2 void heft_roots_avx2(double *x)
{
	for (size_t i = 0; i < HEFT_N_ROOTS; i += 4)
		_mm256_storeu_pd(x + i, _mm256_sqrt_pd(_mm256_loadu_pd(x + i)));
}

HEFT_TARGET_AVX512 void heft_roots_avx512(double *x)
{
	for (size_t i = 0; i < HEFT_N_ROOTS; i += 8)
		_mm512_storeu_pd(x + i, _mm512_sqrt_pd(_mm512_loadu_pd(x + i)));
}
#endif
