/* SPDX-License-Identifier: Apache-2.0 */
/* int_product.c - dot products of 16-bit pairs, sixteen columns at once. */
#include "graph/int_product.h"

#include <string.h>

#include "base/checked.h"
#include "base/cpu.h"
#include "base/error.h"
#include "graph/spans.h"

#ifdef HEFT_TARGET_AVX2
#include <immintrin.h>
#endif

/* Columns of a panel, whose pairs lie together; rows that meet a panel at once, and of a task. */
#define PANEL 16
#define TILE 4
#define BLOCK 32

enum heft_status heft_int_product_init(struct heft_int_product *p, struct heft_error *err)
{
	const uint64_t n_panels = p->n_columns / PANEL + (p->n_columns % PANEL != 0);
	uint64_t n;
	uint64_t row;

	p->n_pairs = p->n_terms / 2 + p->n_terms % 2;
	if (p->n_terms > UINT64_C(1) << 48 || p->n_columns > UINT64_C(1) << 48 ||
	    !heft_mul_u64(n_panels * PANEL * 2, p->n_pairs * sizeof(int16_t), &n) ||
	    !heft_mul_u64(n, p->n_groups, &n) || n > UINT64_C(1) << 60)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "the product is too large");
	p->packed_size = n;
	row = heft_align_up(p->n_pairs * 2 * sizeof(int16_t), 64);
	p->sums_at = BLOCK * row;
	p->worker_size = p->sums_at + BLOCK * n_panels * PANEL * sizeof(int32_t);
	return HEFT_OK;
}

static uint64_t n_panels_of(const struct heft_int_product *p)
{
	return p->n_columns / PANEL + (p->n_columns % PANEL != 0);
}

/* --- packing --- */

struct packing {
	const struct heft_int_product *p;
	const struct heft_int_weights *w;
	int16_t *packed;
};

static int16_t weight_at(const struct heft_int_product *p, const struct heft_int_weights *w,
                         uint64_t group, uint64_t term, uint64_t column)
{
	const uint64_t at = group * w->group_ld + term * w->term_ld + column * w->column_ld;
	const uint64_t zero_at = (group * p->n_columns + column) * w->zero_ld;
	int32_t v;

	if (term >= p->n_terms || column >= p->n_columns)
		return 0;
	v = heft_int_of(w->w, at, w->is_signed);
	return (int16_t)(w->zero ? v - heft_int_of(w->zero, zero_at, w->is_signed) : v);
}

/* Items are panels of all groups. */
static void pack_panels(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                        uint32_t worker)
{
	const struct packing *k = ctx;
	const uint64_t n_panels = n_panels_of(k->p);

	(void)c;
	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		int16_t *to = k->packed + i * k->p->n_pairs * 2 * PANEL;

		for (uint64_t t = 0; t < 2 * k->p->n_pairs; t++)
			for (uint64_t j = 0; j < PANEL; j++)
				to[t / 2 * 2 * PANEL + j * 2 + t % 2] = weight_at(
					k->p, k->w, i / n_panels, t, i % n_panels * PANEL + j);
	}
}

void heft_int_product_pack(const struct heft_call *c, const struct heft_int_product *p,
                           const struct heft_int_weights *w, void *packed)
{
	const struct packing k = { p, w, packed };

	heft_spans_run(c, p->n_groups * n_panels_of(p), p->n_terms * PANEL, pack_panels, &k);
}

/* --- products: TILE rows, row_ld apart, times a panel; sums of a row are sums_ld apart --- */

typedef void tile_fn(const int16_t *rows, uint64_t row_ld, const int16_t *panel, uint64_t n_pairs,
                     int32_t *sums, uint64_t sums_ld);

static void tile_scalar(const int16_t *rows, uint64_t row_ld, const int16_t *panel,
                        uint64_t n_pairs, int32_t *sums, uint64_t sums_ld)
{
	for (uint64_t r = 0; r < TILE; r++) {
		const int16_t *row = rows + r * row_ld;
		uint32_t acc[PANEL] = { 0 };

		for (uint64_t k = 0; k < n_pairs; k++) {
			const int16_t *w = panel + k * 2 * PANEL;

			for (uint64_t j = 0; j < PANEL; j++)
				acc[j] += (uint32_t)(row[2 * k] * w[2 * j] +
				                     row[2 * k + 1] * w[2 * j + 1]);
		}
		memcpy(sums + r * sums_ld, acc, sizeof acc);
	}
}

#ifdef HEFT_TARGET_AVX2
static inline int32_t pair_at(const int16_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

HEFT_TARGET_AVX2 static void tile_avx2(const int16_t *rows, uint64_t row_ld, const int16_t *panel,
                                       uint64_t n_pairs, int32_t *sums, uint64_t sums_ld)
{
	__m256i acc[TILE][2];

	for (int r = 0; r < TILE; r++)
		acc[r][0] = acc[r][1] = _mm256_setzero_si256();
	for (uint64_t k = 0; k < n_pairs; k++, panel += 2 * PANEL) {
		const __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)panel);
		const __m256i b = _mm256_loadu_si256(
			(const __m256i *)(const void *)(panel + PANEL));

#pragma GCC unroll 4
		for (uint64_t r = 0; r < TILE; r++) {
			const __m256i x = _mm256_set1_epi32(pair_at(rows + r * row_ld + 2 * k));

			acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(x, a));
			acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(x, b));
		}
	}
	for (uint64_t r = 0; r < TILE; r++) {
		_mm256_storeu_si256((__m256i *)(void *)(sums + r * sums_ld), acc[r][0]);
		_mm256_storeu_si256((__m256i *)(void *)(sums + r * sums_ld + 8), acc[r][1]);
	}
}

HEFT_TARGET_AVX512 static void tile_avx512(const int16_t *rows, uint64_t row_ld,
                                           const int16_t *panel, uint64_t n_pairs, int32_t *sums,
                                           uint64_t sums_ld)
{
	__m512i acc[TILE];

	for (int r = 0; r < TILE; r++)
		acc[r] = _mm512_setzero_si512();
	for (uint64_t k = 0; k < n_pairs; k++, panel += 2 * PANEL) {
		const __m512i w = _mm512_loadu_si512(panel);

#pragma GCC unroll 4
		for (uint64_t r = 0; r < TILE; r++) {
			const __m512i x = _mm512_set1_epi32(pair_at(rows + r * row_ld + 2 * k));

			acc[r] = _mm512_add_epi32(acc[r], _mm512_madd_epi16(x, w));
		}
	}
	for (uint64_t r = 0; r < TILE; r++)
		_mm512_storeu_si512(sums + r * sums_ld, acc[r]);
}
#endif

static const struct heft_variant tiles[] = {
#ifdef HEFT_TARGET_AVX2
	{ "avx512", HEFT_CPU_AVX512, (heft_any_fn *)tile_avx512 },
	{ "avx2", HEFT_CPU_AVX2, (heft_any_fn *)tile_avx2 },
#endif
	{ "scalar", 0, (heft_any_fn *)tile_scalar },
};

struct running {
	const struct heft_int_product *p;
	const int16_t *packed;
	tile_fn *tile;
	heft_int_fill_fn *fill;
	heft_int_store_fn *store;
	const void *ctx;
	unsigned char *scratch;
	uint64_t n_blocks; /* of a group */
};

/* Rows [begin, end) of a group, at most BLOCK: rows behind them repeat what lies there. */
static void run_block(const struct running *k, uint64_t group, uint64_t begin, uint64_t end,
                      unsigned char *mine)
{
	const struct heft_int_product *p = k->p;
	const uint64_t row_ld = heft_align_up(p->n_pairs * 2 * sizeof(int16_t), 64) / 2;
	const uint64_t n_panels = n_panels_of(p);
	const uint64_t sums_ld = n_panels * PANEL;
	const int16_t *packed = k->packed + group * n_panels * p->n_pairs * 2 * PANEL;
	int16_t *rows = (int16_t *)(void *)mine;
	int32_t *sums = (int32_t *)(void *)(mine + p->sums_at);
	const uint64_t n = (end - begin + TILE - 1) / TILE * TILE;

	for (uint64_t r = 0; r < n; r++) {
		int16_t *row = rows + r * row_ld;

		if (p->n_pairs > 0)
			row[2 * p->n_pairs - 1] = 0;
		k->fill(k->ctx, group, begin + r < end ? begin + r : end - 1, row);
	}
	for (uint64_t panel = 0; panel < n_panels; panel++)
		for (uint64_t r = 0; r < n; r += TILE)
			k->tile(rows + r * row_ld, row_ld, packed + panel * p->n_pairs * 2 * PANEL,
			        p->n_pairs, sums + r * sums_ld + panel * PANEL, sums_ld);
	for (uint64_t r = begin; r < end; r++)
		k->store(k->ctx, group, r, sums + (r - begin) * sums_ld);
}

/* Items are blocks of rows of all groups. */
static void run_blocks(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct running *k = ctx;

	(void)c;
	for (uint64_t i = first; i < first + n; i++) {
		const uint64_t begin = i % k->n_blocks * BLOCK;
		const uint64_t left = k->p->n_rows - begin;

		run_block(k, i / k->n_blocks, begin, begin + (left < BLOCK ? left : BLOCK),
		          k->scratch + worker * k->p->worker_size);
	}
}

void heft_int_product_run(const struct heft_call *c, const struct heft_int_product *p,
                          const void *packed, heft_int_fill_fn *fill, heft_int_store_fn *store,
                          const void *ctx, void *scratch)
{
	const struct running k = {
		.p = p,
		.packed = packed,
		.tile = (tile_fn *)heft_variant_pick(tiles, sizeof tiles / sizeof *tiles,
		                                     c->cpu_bits),
		.fill = fill,
		.store = store,
		.ctx = ctx,
		.scratch = scratch,
		.n_blocks = p->n_rows / BLOCK + (p->n_rows % BLOCK != 0),
	};

	heft_spans_run(c, p->n_groups * k.n_blocks, BLOCK * (p->n_terms * p->n_columns / 32 + 1),
	               run_blocks, &k);
}
