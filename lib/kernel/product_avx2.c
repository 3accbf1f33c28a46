/* SPDX-License-Identifier: Apache-2.0 */
/* product_avx2.c - tiles and depthwise rows of a product with AVX2 and FMA. */
#include "base/cpu.h"
#include "kernel/product_kernels.h"

#ifdef HEFT_TARGET_AVX2
#include <immintrin.h>

#define TARGET HEFT_TARGET_AVX2
#define F(name) name##_avx2
#define V __m256
#define M __m256i
#define VECTOR 8
#define ZERO _mm256_setzero_ps()
#define SOME(n) \
	_mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#define LOAD(p) _mm256_loadu_ps(p)
#define LOAD_SOME(p, some) _mm256_maskload_ps(p, some)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define STORE_SOME(p, some, v) _mm256_maskstore_ps(p, some, v)
#define STREAM(p, v) _mm256_stream_ps(p, v)
#define SPREAD(x) _mm256_set1_ps(x)
#define ADD(a, b) _mm256_add_ps(a, b)
#define MUL(a, b) _mm256_mul_ps(a, b)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
/* `other` where a < b, else x */
#define REPLACE_LESS(x, a, b, other) _mm256_blendv_ps(x, other, _mm256_cmp_ps(a, b, _CMP_LT_OQ))

#include "kernel/product_tile.inc"

TILE(10, 1)
TILE(6, 2)
TILE(2, 1)
TILE(2, 2)

#define DEPTHWISE_PIXELS 2
#define DEPTHWISE_GROUP 4
#include "kernel/product_depthwise.inc"

static void fence(void)
{
	_mm_sfence();
}

const struct heft_product_kernels heft_product_avx2 = {
	.vector = VECTOR,
	.n_panel_vectors = 2,
	.tiles = { { 0, NULL, NULL },
	           { 10, piece_10x1_avx2, finish_10x1_avx2 },
	           { 6, piece_6x2_avx2, finish_6x2_avx2 } },
	.few = { { 0, NULL, NULL },
	         { 2, piece_2x1_avx2, finish_2x1_avx2 },
	         { 2, piece_2x2_avx2, finish_2x2_avx2 } },
	.depthwise_row = depthwise_row_avx2,
	.fence = fence,
};
#endif
