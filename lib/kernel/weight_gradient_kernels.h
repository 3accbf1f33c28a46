/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/weight_gradient_kernels.h - what the variants of a weight gradient have to offer: tiles of
 * a few rows times a few vectors of lanes, and rows of a depthwise product. Inside of the kernels
 * only. */
#ifndef KERNEL_WEIGHT_GRADIENT_KERNELS_H
#define KERNEL_WEIGHT_GRADIENT_KERNELS_H

#include "kernel/weight_gradient.h"

#define HEFT_GRADIENT_TILE_ROWS 14
#define HEFT_GRADIENT_TILE_VECTORS 4
#define HEFT_GRADIENT_LANES 64 /* at most, in one panel */

/* Some terms of one tile: sums[i][j] <- fma(rows[k][at + i], lanes[k][j], sums[i][j]), k
 * ascending. */
struct heft_gradient_tile {
	size_t n_terms;
	const float *const *rows; /* of each term */
	size_t at;
	const float *lanes;
	size_t lanes_ld; /* floats from a term to the next */
	float *sums;     /* rows of the tile's vectors, one behind the other; aligned */
	bool is_first;   /* the sums are +0 before */
	uintptr_t ahead; /* 128 bytes a term from here on will be needed soon, or 0 */
};

typedef void heft_gradient_tile_fn(const struct heft_gradient_tile *t);

/* n_lanes from each of n pointers' place `at` on, to n_vectors side by side, filled up with +0. */
typedef void heft_gradient_copy_fn(const float *const *from, size_t at, size_t n, size_t n_lanes,
                                   size_t n_vectors, float *to);

/* Some rows of outputs of a depthwise product, one below the other. */
struct heft_gradient_rows {
	const struct heft_product *p;
	size_t n_rows;
	const float *const
		*x;      /* input rows: of each row, one for each row of taps, or NULL: padding */
	const float *dy; /* of the first row's output 0 */
	size_t begin;    /* the first output, of the first row, */
	size_t end;      /* and the end, in the last one */
	size_t channel;  /* the first one; a vector begins there */
	size_t n_channels;
	float *sums; /* of the first channel: tap t is at t * ld; all vectors are full */
	size_t ld;
	float *db;         /* likewise, or NULL */
	uintptr_t x_ahead; /* what the next rows need */
	uintptr_t dy_ahead;
};

struct heft_weight_gradient_kernels {
	size_t vector;                                 /* floats */
	size_t n_panel_vectors;                        /* at most, in one panel */
	size_t n_rows[HEFT_GRADIENT_TILE_VECTORS + 1]; /* at most, by the panel's vectors */
	heft_gradient_tile_fn *tiles[HEFT_GRADIENT_TILE_VECTORS + 1][HEFT_GRADIENT_TILE_ROWS + 1];
	heft_gradient_copy_fn *copy_lanes;
	void (*depthwise_rows)(const struct heft_gradient_rows *rows);
};

extern const struct heft_weight_gradient_kernels heft_weight_gradient_scalar;
extern const struct heft_weight_gradient_kernels heft_weight_gradient_avx2;
extern const struct heft_weight_gradient_kernels heft_weight_gradient_avx512;

/* A panel: some vectors of the lanes of one group, as even as possible. */
struct heft_gradient_panel {
	size_t lane; /* the first one */
	size_t n_vectors;
	size_t n_lanes;
};

static inline struct heft_gradient_panel heft_gradient_panel(const struct heft_weight_gradient *g,
                                                             size_t i)
{
	const size_t vector = g->kernels->vector;
	const size_t least = g->n_vectors / g->n_panels;
	const size_t n_wider = g->n_vectors % g->n_panels;
	const size_t first = i * least + (i < n_wider ? i : n_wider);
	const size_t n = least + (i < n_wider);
	const size_t left = g->n_lanes - first * vector;

	return (struct heft_gradient_panel){ first * vector, n,
		                             left < n * vector ? left : n * vector };
}

/* What one task sums up: of `n_groups` groups from `group` on, of each the panels [panel,
 * panel_end) and n_rows rows from `row` on. Its sums lie as [group][panel][tap][row][lane], a row
 * as long as the panel's vectors; those of biases as [group][channel], n_db of each group. */
struct heft_gradient_part {
	size_t group;
	size_t n_groups;
	size_t panel;
	size_t panel_end;
	size_t row;
	size_t n_rows;
	size_t lane;    /* the first one */
	size_t n_lanes; /* with those that fill the last vector */
	bool has_db;
	size_t n_db;       /* a whole number of vectors */
	size_t db_channel; /* of the group's, the first one */
	size_t n_channels; /* of these n_db */
};

/* weight_gradient_cut.c: what task i sums up, whichever its run. */
struct heft_gradient_part heft_gradient_part(const struct heft_weight_gradient *g, size_t i);

/* weight_gradient.c: bytes of scratch, of runs and of joining. */
size_t heft_gradient_scratch(const struct heft_weight_gradient *g);

/* Of a window whose taps are copied side by side, at most. */
#define HEFT_GRADIENT_THIN_TERMS 256

/* weight_gradient_windows.c: the terms of outputs [begin, begin + n), n_terms each and ld floats
 * from one to the next, as an image that is thin has them. */
void heft_gradient_windows(const struct heft_product *p, const float *x, size_t begin, size_t n,
                           float *to, size_t ld);

/* weight_gradient_join.c: what a task has summed up, to `sums`, or, where there is but one run, to
 * where it belongs. */
void heft_gradient_leave(const struct heft_weight_gradient *g,
                         const struct heft_weight_gradient_data *d,
                         const struct heft_gradient_part *part, size_t run, const float *sums,
                         const float *db);

/* weight_gradient_put.c: sums of panel `i` of a group, rows [row, row + n_rows), + (+0), to where
 * the weights' gradients belong. */
void heft_gradient_put(const struct heft_weight_gradient *g,
                       const struct heft_weight_gradient_data *d, size_t group, size_t i,
                       size_t row, size_t n_rows, const float *sums);

/* The tree of spec F2-1, sum by sum. The one at `at`, n floats, is number q; it meets those in
 * front of it that wait for it. Returns where the next one belongs. */
float *heft_gradient_meet(float *at, size_t n, size_t q);
/* Behind the last one, up to `end`: all that still wait meet, and the result is at `first`. */
void heft_gradient_meet_all(float *first, float *end, size_t n);
/* How many of n sums wait at most, with the one that comes. */
static inline size_t heft_gradient_levels(size_t n)
{
	size_t levels = 1;

	for (; n > 1; n /= 2)
		levels++;
	return levels;
}

/* Biases that a task of joining takes at a time. */
#define HEFT_GRADIENT_JOINED_DB 1024

#endif
