/* SPDX-License-Identifier: Apache-2.0 */
/* weight_gradient_avx2.c - tiles and depthwise rows of a weight gradient with AVX2 and FMA. */
#include "base/cpu.h"
#include "kernel/product_kernels.h"
#include "kernel/weight_gradient_kernels.h"

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
#define SPREAD(x) _mm256_set1_ps(x)
#define ADD(a, b) _mm256_add_ps(a, b)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define DEPTHWISE_VECTORS 1

#include "kernel/weight_gradient_tile.inc"

TILE(1, 1)
TILE(2, 1)
TILE(3, 1)
TILE(4, 1)
TILE(5, 1)
TILE(6, 1)
TILE(7, 1)
TILE(8, 1)
TILE(9, 1)
TILE(10, 1)
TILE(1, 2)
TILE(2, 2)
TILE(3, 2)
TILE(4, 2)
TILE(5, 2)
TILE(6, 2)

#define T(rows, columns) tile_##rows##x##columns##_avx2

const struct heft_weight_gradient_kernels heft_weight_gradient_avx2 = {
	.vector = VECTOR,
	.n_panel_vectors = 2,
	.n_rows = { 0, 10, 6 },
	.tiles = { { NULL },
	           { NULL, T(1, 1), T(2, 1), T(3, 1), T(4, 1), T(5, 1), T(6, 1), T(7, 1), T(8, 1),
	             T(9, 1), T(10, 1) },
	           { NULL, T(1, 2), T(2, 2), T(3, 2), T(4, 2), T(5, 2), T(6, 2) } },
	.copy_lanes = copy_lanes_avx2,
	.depthwise_rows = depthwise_rows_avx2,
};
#endif
