/* SPDX-License-Identifier: Apache-2.0 */
/* weight_gradient_scalar.c - tiles and depthwise rows of a weight gradient in plain C. */
#include <math.h>

#include "kernel/product_kernels.h"
#include "kernel/weight_gradient_kernels.h"

/* A tile is as large as a compiler may find vectors in. */
#define VECTOR 4
#define ROWS 4

static void add_term(float *sums, const float *x, const float *lanes, size_t n_rows,
                     size_t n_columns)
{
	for (size_t i = 0; i < n_rows; i++)
		for (size_t j = 0; j < n_columns; j++)
			sums[i * n_columns + j] = fmaf(x[i], lanes[j], sums[i * n_columns + j]);
}

static void tile(const struct heft_gradient_tile *t, size_t n_rows, size_t n_vectors)
{
	const size_t n_columns = n_vectors * VECTOR;

	for (size_t i = 0; t->is_first && i < n_rows * n_columns; i++)
		t->sums[i] = 0;
	for (size_t k = 0; k < t->n_terms; k++)
		add_term(t->sums, t->rows[k] + t->at, t->lanes + k * t->lanes_ld, n_rows,
		         n_columns);
}

#define TILE(rows, vectors)                                                     \
	static void tile_##rows##x##vectors(const struct heft_gradient_tile *t) \
	{                                                                       \
		tile(t, rows, vectors);                                         \
	}
#define TILES(vectors)   \
	TILE(1, vectors) \
	TILE(2, vectors) \
	TILE(3, vectors) \
	TILE(4, vectors)

TILES(1)
TILES(2)
TILES(3)
TILES(4)

static void copy_lanes(const float *const *from, size_t at, size_t n, size_t n_lanes,
                       size_t n_vectors, float *to)
{
	for (size_t k = 0; k < n; k++, to += n_vectors * VECTOR)
		for (size_t j = 0; j < n_vectors * VECTOR; j++)
			to[j] = j < n_lanes ? from[k][at + j] : 0;
}

static void add_output(const struct heft_gradient_rows *rows, size_t i, size_t ow)
{
	const struct heft_product *p = rows->p;
	const float *dy = rows->dy + (i * p->out[2] + ow) * p->y_ld + rows->channel;
	const float *const *lines = rows->x + i * p->kernel[0] * p->kernel[1];
	const size_t n_taps = p->kernel[0] * p->kernel[1] * p->kernel[2];

	for (size_t t = 0; t < n_taps; t++) {
		const float *x = lines[t / p->kernel[2]];
		float *sums = rows->sums + t * rows->ld;
		size_t at;

		if (!x || !heft_product_tap(p, 2, ow, t % p->kernel[2], &at))
			continue;
		x += at * p->x_ld + rows->channel;
		for (size_t c = 0; c < rows->n_channels; c++)
			sums[c] = fmaf(x[c], dy[c], sums[c]);
	}
	for (size_t c = 0; rows->db && c < rows->n_channels; c++)
		rows->db[c] += dy[c];
}

static void depthwise_rows(const struct heft_gradient_rows *rows)
{
	for (size_t i = 0; i < rows->n_rows; i++) {
		const size_t end = i == rows->n_rows - 1 ? rows->end : rows->p->out[2];

		for (size_t ow = i == 0 ? rows->begin : 0; ow < end; ow++)
			add_output(rows, i, ow);
	}
}

const struct heft_weight_gradient_kernels heft_weight_gradient_scalar = {
	.vector = VECTOR,
	.n_panel_vectors = 4,
	.n_rows = { 0, ROWS, ROWS, ROWS, ROWS },
	.tiles = { { NULL },
	           { NULL, tile_1x1, tile_2x1, tile_3x1, tile_4x1 },
	           { NULL, tile_1x2, tile_2x2, tile_3x2, tile_4x2 },
	           { NULL, tile_1x3, tile_2x3, tile_3x3, tile_4x3 },
	           { NULL, tile_1x4, tile_2x4, tile_3x4, tile_4x4 } },
	.copy_lanes = copy_lanes,
	.depthwise_rows = depthwise_rows,
};
