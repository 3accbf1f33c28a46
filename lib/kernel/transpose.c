/* SPDX-License-Identifier: Apache-2.0 */
/* transpose.c - rows become columns, square by square in registers. */
#include "kernel/transpose.h"

#include <string.h>

#include "base/cpu.h"

/* Columns that are walked down together: their cache lines in y stay until they are full. */
#define N_TOGETHER 64

typedef void transpose_fn(const float *x, size_t x_ld, size_t n_rows, size_t n_columns, float *y,
                          size_t y_ld);

static void part_scalar(const float *x, size_t x_ld, size_t n_rows, size_t n_columns, float *y,
                        size_t y_ld)
{
	for (size_t j = 0; j < n_columns; j++)
		for (size_t i = 0; i < n_rows; i++)
			y[j * y_ld + i] = x[i * x_ld + j];
}

static void transpose_scalar(const float *x, size_t x_ld, size_t n_rows, size_t n_columns, float *y,
                             size_t y_ld)
{
	for (size_t j = 0; j < n_columns; j += N_TOGETHER) {
		const size_t n = n_columns - j < N_TOGETHER ? n_columns - j : N_TOGETHER;

		for (size_t i = 0; i < n_rows; i += 16)
			part_scalar(x + i * x_ld + j, x_ld, n_rows - i < 16 ? n_rows - i : 16, n,
			            y + j * y_ld + i, y_ld);
	}
}

#ifdef HEFT_TARGET_AVX2
#include <immintrin.h>

#define LOAD2(a, b) \
	_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(a)), _mm_loadu_ps(b), 1)

/* Four columns of eight rows: rows i and i + 4 share a register. */
HEFT_TARGET_AVX2 static inline void four_columns(const float *x, size_t x_ld, float *y, size_t y_ld)
{
	const __m256 a = LOAD2(x, x + 4 * x_ld);
	const __m256 b = LOAD2(x + x_ld, x + 5 * x_ld);
	const __m256 c = LOAD2(x + 2 * x_ld, x + 6 * x_ld);
	const __m256 d = LOAD2(x + 3 * x_ld, x + 7 * x_ld);
	const __m256d ab = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
	const __m256d cd = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
	const __m256d ab2 = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
	const __m256d cd2 = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));

	_mm256_storeu_ps(y, _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd)));
	_mm256_storeu_ps(y + y_ld, _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd)));
	_mm256_storeu_ps(y + 2 * y_ld, _mm256_castpd_ps(_mm256_unpacklo_pd(ab2, cd2)));
	_mm256_storeu_ps(y + 3 * y_ld, _mm256_castpd_ps(_mm256_unpackhi_pd(ab2, cd2)));
}

/* Sixteen rows fill a cache line of y at a time. */
HEFT_TARGET_AVX2 static void transpose_avx2(const float *x, size_t x_ld, size_t n_rows,
                                            size_t n_columns, float *y, size_t y_ld)
{
	const size_t in_fours = n_columns / 4 * 4;
	const size_t in_eights = n_rows / 8 * 8;

	for (size_t begin = 0; begin < in_fours; begin += N_TOGETHER) {
		const size_t end = in_fours - begin < N_TOGETHER ? in_fours : begin + N_TOGETHER;

		for (size_t i = 0; i < in_eights; i += 16) {
			const size_t i_end = i + 16 < in_eights ? i + 16 : in_eights;

			for (size_t j = begin; j < end; j += 4)
				for (size_t r = i; r < i_end; r += 8)
					four_columns(x + r * x_ld + j, x_ld, y + j * y_ld + r,
					             y_ld);
		}
	}
	transpose_scalar(x + in_eights * x_ld, x_ld, n_rows - in_eights, in_fours, y + in_eights,
	                 y_ld);
	transpose_scalar(x + in_fours, x_ld, n_rows, n_columns - in_fours, y + in_fours * y_ld,
	                 y_ld);
}
#endif

static const struct heft_variant variants[] = {
#ifdef HEFT_TARGET_AVX2
	{ "avx2", HEFT_CPU_AVX2, (heft_any_fn *)transpose_avx2 },
#endif
	{ "scalar", 0, (heft_any_fn *)transpose_scalar },
};

void heft_transpose_by(uint32_t cpu_bits, const float *x, size_t x_ld, size_t n_rows,
                       size_t n_columns, float *y, size_t y_ld)
{
	const size_t n = sizeof variants / sizeof *variants;

	((transpose_fn *)heft_variant_pick(variants, n, cpu_bits))(x, x_ld, n_rows, n_columns, y,
	                                                           y_ld);
}

void heft_transpose(const float *x, size_t x_ld, size_t n_rows, size_t n_columns, float *y,
                    size_t y_ld)
{
	heft_transpose_by(heft_cpu_bits(), x, x_ld, n_rows, n_columns, y, y_ld);
}

void heft_pad_rows(const float *x, size_t x_ld, size_t n_rows, size_t n, size_t before,
                   size_t after, float *y)
{
	for (size_t i = 0; i < n_rows; i++, x += x_ld) {
		memset(y, 0, before * sizeof *y);
		y += before;
		memcpy(y, x, n * sizeof *y);
		y += n;
		memset(y, 0, after * sizeof *y);
		y += after;
	}
}
