/* SPDX-License-Identifier: Apache-2.0 */
/* product_scalar.c - tiles and depthwise rows of a product in plain C. */
#include <math.h>

#include "kernel/product_kernels.h"

/* A tile is as large as a compiler may find vectors in. */
#define ROWS 4
#define VECTOR 4
#define N_COLUMNS 4

static float end_of(const struct heft_product_end *e, float v, const float *bias,
                    const float *residual)
{
	v += 0.0f;
	if (e->alpha != 1.0f)
		v *= e->alpha;
	if (bias)
		v += *bias;
	if (residual)
		v += *residual;
	if (e->activation == HEFT_ACTIVATION_RELU) {
		v = v < 0 ? 0.0f : v;
	} else if (e->activation == HEFT_ACTIVATION_CLIP) {
		v = v < e->low ? e->low : v;
		v = v > e->high ? e->high : v;
	}
	return v;
}

static void finish(const struct heft_tile_end *e, const float *sums, size_t n_columns)
{
	const size_t n = (n_columns - 1) * VECTOR + e->n_last;

	for (size_t i = 0; i < ROWS; i++)
		for (size_t j = 0; j < n; j++)
			e->y[i][j] = end_of(e->end, sums[i * n_columns * VECTOR + j],
			                    e->bias ? e->bias + j : NULL,
			                    e->residual ? e->residual[i] + j : NULL);
}

static void add_term(float *sums, const float *const *x, size_t k, const float *w, size_t n)
{
	for (size_t i = 0; i < ROWS; i++)
		for (size_t j = 0; j < n; j++)
			sums[i * n + j] = fmaf(x[i][k], w[j], sums[i * n + j]);
}

static void piece(const struct heft_tile *t, size_t n_columns)
{
	const size_t n = n_columns * VECTOR;
	float own[ROWS * N_COLUMNS * VECTOR];
	float *sums = t->sums ? t->sums : own;
	const float *const *taps = t->taps + t->tap;
	const float *w = t->panel;
	size_t n_left = t->n_terms;
	size_t at = t->at;

	for (size_t i = 0; i < ROWS * n; i++)
		sums[i] = 0;
	while (n_left > 0) {
		const size_t n_now = t->run - at < n_left ? t->run - at : n_left;
		const float *x[ROWS];

		if (t->which)
			w = t->panel + (t->which[taps - t->taps] * t->run + at) * n;
		for (size_t i = 0; i < ROWS; i++)
			x[i] = taps[i * t->n_taps] + at;
		for (size_t k = 0; k < n_now; k++, w += n)
			add_term(sums, x, k, w, n);
		n_left -= n_now;
		at = 0;
		taps++;
	}
	if (!t->sums)
		finish(&t->end, sums, n_columns);
}

#define TILE(n)                                                                  \
	static void piece_##n(const struct heft_tile *t)                         \
	{                                                                        \
		piece(t, n);                                                     \
	}                                                                        \
	static void finish_##n(const struct heft_tile_end *e, const float *sums) \
	{                                                                        \
		finish(e, sums, n);                                              \
	}

TILE(1)
TILE(2)
TILE(3)
TILE(4)

static void depthwise_row(const struct heft_depthwise_row *row)
{
	const struct heft_product *p = row->p;
	const size_t n_rows = p->kernel[0] * p->kernel[1];
	const size_t w_ld = p->n_vectors * VECTOR;

	for (size_t ow = 0; ow < p->out[2]; ow++) {
		for (size_t c = row->first; c < row->last; c++) {
			const float *r = row->residual ? row->residual + ow * p->residual_ld + c
			                               : NULL;
			const float *w = row->packed + c;
			float acc = 0;
			size_t at;

			for (size_t t = 0; t < n_rows * p->kernel[2]; t++, w += w_ld) {
				const float *x = row->x[t / p->kernel[2]];

				if (x && heft_product_tap(p, 2, ow, t % p->kernel[2], &at))
					acc = fmaf(x[at * p->x_ld + c], *w, acc);
			}
			row->y[ow * p->y_ld + c] = end_of(&p->end, acc,
			                                  row->bias ? row->bias + c : NULL, r);
		}
	}
}

static void fence(void)
{
}

const struct heft_product_kernels heft_product_scalar = {
	.vector = VECTOR,
	.n_panel_vectors = N_COLUMNS,
	.tiles = { { 0, NULL, NULL },
	           { ROWS, piece_1, finish_1 },
	           { ROWS, piece_2, finish_2 },
	           { ROWS, piece_3, finish_3 },
	           { ROWS, piece_4, finish_4 } },
	.depthwise_row = depthwise_row,
	.fence = fence,
};
