/* SPDX-License-Identifier: Apache-2.0 */
/* product_avx512.c - tiles and depthwise rows of a product with AVX-512. */
#include "base/cpu.h"
#include "kernel/product_kernels.h"

#ifdef HEFT_TARGET_AVX512
#include <immintrin.h>

#define TARGET HEFT_TARGET_AVX512
#define F(name) name##_avx512
#define V __m512
#define M __mmask16
#define VECTOR 16
#define ZERO _mm512_setzero_ps()
#define SOME(n) ((__mmask16)((1u << (n)) - 1))
#define LOAD(p) _mm512_loadu_ps(p)
#define LOAD_SOME(p, some) _mm512_maskz_loadu_ps(some, p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define STORE_SOME(p, some, v) _mm512_mask_storeu_ps(p, some, v)
#define STREAM(p, v) _mm512_stream_ps(p, v)
#define SPREAD(x) _mm512_set1_ps(x)
#define ADD(a, b) _mm512_add_ps(a, b)
#define MUL(a, b) _mm512_mul_ps(a, b)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
/* `other` where a < b, else x */
#define REPLACE_LESS(x, a, b, other) \
	_mm512_mask_mov_ps(x, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), other)

#include "kernel/product_tile.inc"

TILE(10, 1)
TILE(10, 2)
TILE(8, 3)
TILE(6, 4)
TILE(2, 1)
TILE(2, 2)
TILE(2, 3)
TILE(2, 4)

#define DEPTHWISE_PIXELS 4
#define DEPTHWISE_GROUP 7
#include "kernel/product_depthwise.inc"

static void fence(void)
{
	_mm_sfence();
}

const struct heft_product_kernels heft_product_avx512 = {
	.vector = VECTOR,
	.n_panel_vectors = 4,
	.tiles = { { 0, NULL, NULL },
	           { 10, piece_10x1_avx512, finish_10x1_avx512 },
	           { 10, piece_10x2_avx512, finish_10x2_avx512 },
	           { 8, piece_8x3_avx512, finish_8x3_avx512 },
	           { 6, piece_6x4_avx512, finish_6x4_avx512 } },
	.few = { { 0, NULL, NULL },
	         { 2, piece_2x1_avx512, finish_2x1_avx512 },
	         { 2, piece_2x2_avx512, finish_2x2_avx512 },
	         { 2, piece_2x3_avx512, finish_2x3_avx512 },
	         { 2, piece_2x4_avx512, finish_2x4_avx512 } },
	.depthwise_row = depthwise_row_avx512,
	.fence = fence,
};
#endif
