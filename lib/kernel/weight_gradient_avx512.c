/* SPDX-License-Identifier: Apache-2.0 */
/* weight_gradient_avx512.c - tiles and depthwise rows of a weight gradient with AVX-512. */
#include "base/cpu.h"
#include "kernel/product_kernels.h"
#include "kernel/weight_gradient_kernels.h"

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
#define SPREAD(x) _mm512_set1_ps(x)
#define ADD(a, b) _mm512_add_ps(a, b)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define DEPTHWISE_VECTORS 2

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
TILE(11, 1)
TILE(12, 1)
TILE(13, 1)
TILE(14, 1)
TILE(1, 2)
TILE(2, 2)
TILE(3, 2)
TILE(4, 2)
TILE(5, 2)
TILE(6, 2)
TILE(7, 2)
TILE(8, 2)
TILE(9, 2)
TILE(10, 2)
TILE(11, 2)
TILE(12, 2)
TILE(13, 2)
TILE(14, 2)
TILE(1, 3)
TILE(2, 3)
TILE(3, 3)
TILE(4, 3)
TILE(5, 3)
TILE(6, 3)
TILE(7, 3)
TILE(8, 3)
TILE(9, 3)
TILE(1, 4)
TILE(2, 4)
TILE(3, 4)
TILE(4, 4)
TILE(5, 4)
TILE(6, 4)

#define T(rows, columns) tile_##rows##x##columns##_avx512

const struct heft_weight_gradient_kernels heft_weight_gradient_avx512 = {
	.vector = VECTOR,
	.n_panel_vectors = 4,
	.n_rows = { 0, 14, 14, 9, 6 },
	.tiles = { { NULL },
	           { NULL, T(1, 1), T(2, 1), T(3, 1), T(4, 1), T(5, 1), T(6, 1), T(7, 1), T(8, 1),
	             T(9, 1), T(10, 1), T(11, 1), T(12, 1), T(13, 1), T(14, 1) },
	           { NULL, T(1, 2), T(2, 2), T(3, 2), T(4, 2), T(5, 2), T(6, 2), T(7, 2), T(8, 2),
	             T(9, 2), T(10, 2), T(11, 2), T(12, 2), T(13, 2), T(14, 2) },
	           { NULL, T(1, 3), T(2, 3), T(3, 3), T(4, 3), T(5, 3), T(6, 3), T(7, 3), T(8, 3),
	             T(9, 3) },
	           { NULL, T(1, 4), T(2, 4), T(3, 4), T(4, 4), T(5, 4), T(6, 4) } },
	.copy_lanes = copy_lanes_avx512,
	.depthwise_rows = depthwise_rows_avx512,
};
#endif
