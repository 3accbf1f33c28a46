/* SPDX-License-Identifier: Apache-2.0 */
/* weight_gradient_put.c - sums, row by row and lane by lane, go to where the gradients of weights
 * belong, which is in the order of ONNX most often. Rows that are neighbours there are collected
 * and turned together, so that what is written lies side by side. */
#include <string.h>

#include "kernel/transpose.h"
#include "kernel/weight_gradient_kernels.h"

/* Rows that are turned together. */
#define N_TOGETHER 32

/* Rows of sums with the places of their lanes: row r of tap t begins at to + t * tap_ld + r *
 * row_ld, and lane j of it is j * lane_ld further. */
struct sheet {
	const float *sums;
	size_t width; /* floats of a row, */
	size_t n_lanes;
	size_t n_taps;
	size_t width_taps; /* of them side by side in one run */
	size_t run_rows;   /* rows of a run's sums */
	size_t n_rows;     /* of one tap */
	float *to;
	size_t tap_ld;
	size_t row_ld;
	size_t lane_ld;
};

static const float *row_of(const struct sheet *s, size_t tap, size_t row)
{
	const size_t run = tap / s->width_taps;
	const size_t in_run = tap % s->width_taps * s->n_rows + row;

	return s->sums + (run * s->run_rows + in_run) * s->width;
}

/* Lanes lie side by side there, too. */
static void put_rows(const struct sheet *s)
{
	for (size_t t = 0; t < s->n_taps; t++) {
		for (size_t r = 0; r < s->n_rows; r++) {
			const float *from = row_of(s, t, r);
			float *to = s->to + t * s->tap_ld + r * s->row_ld;

			for (size_t j = 0; j < s->n_lanes; j++)
				to[j] = from[j] + 0.0f;
		}
	}
}

static void put_each(const struct sheet *s)
{
	for (size_t t = 0; t < s->n_taps; t++) {
		for (size_t r = 0; r < s->n_rows; r++) {
			const float *from = row_of(s, t, r);
			float *to = s->to + t * s->tap_ld + r * s->row_ld;

			for (size_t j = 0; j < s->n_lanes; j++)
				to[j * s->lane_ld] = from[j] + 0.0f;
		}
	}
}

/* n rows that are neighbours at `to`, each lane's side by side. The first is number i of those that
 * go on by tap first, or by row first. */
static void put_square(const struct sheet *s, bool is_tap_first, size_t i, size_t n, float *to)
{
	_Alignas(64) float square[N_TOGETHER * HEFT_GRADIENT_LANES];
	float *at = square;

	for (size_t k = i; k < i + n; k++, at += s->width) {
		const float *from = is_tap_first ? row_of(s, k % s->n_taps, k / s->n_taps)
		                                 : row_of(s, k / s->n_rows, k % s->n_rows);

		for (size_t j = 0; j < s->width; j++)
			at[j] = from[j] + 0.0f;
	}
	heft_transpose(square, s->width, n, s->n_lanes, to, s->lane_ld);
}

/* n_lines of n rows each, neighbours in their line; lines line_ld apart. */
static void put_lines(const struct sheet *s, bool is_tap_first, size_t n_lines, size_t n,
                      size_t line_ld)
{
	for (size_t line = 0; line < n_lines; line++) {
		for (size_t i = 0; i < n; i += N_TOGETHER)
			put_square(s, is_tap_first, line * n + i,
			           n - i < N_TOGETHER ? n - i : N_TOGETHER,
			           s->to + line * line_ld + i);
	}
}

static void put_sheet(const struct sheet *s)
{
	if (s->lane_ld == 1)
		put_rows(s);
	else if (s->tap_ld == 1 && s->row_ld == s->n_taps)
		put_lines(s, true, 1, s->n_rows * s->n_taps, 0);
	else if (s->row_ld == 1)
		put_lines(s, false, s->n_taps, s->n_rows, s->tap_ld);
	else if (s->tap_ld == 1)
		put_lines(s, true, s->n_rows, s->n_taps, s->row_ld);
	else
		put_each(s);
}

/* Lanes from `lane` on are taps and, in each, channels; rows from `row` on output channels. */
static void put_windows(const struct sheet *s, const struct heft_weight_gradient_data *d,
                        size_t lane, size_t row)
{
	const float *from = s->sums;

	for (size_t r = row; r < row + s->run_rows; r++, from += s->width) {
		for (size_t j = 0; j < s->n_lanes; j++) {
			const size_t tap = (lane + j) / s->n_rows;
			const size_t channel = (lane + j) % s->n_rows;

			d->dw[r * d->out_ld + tap * d->tap_ld + channel * d->in_ld] = from[j] +
			                                                              0.0f;
		}
	}
}

void heft_gradient_put(const struct heft_weight_gradient *g,
                       const struct heft_weight_gradient_data *d, size_t group, size_t i,
                       size_t row, size_t n_rows, const float *sums)
{
	const struct heft_gradient_panel panel = heft_gradient_panel(g, i);
	const struct heft_product *p = &g->p;
	const size_t n_taps = p->kernel[0] * p->kernel[1] * p->kernel[2];
	struct sheet s = { .sums = sums,
		           .width = panel.n_vectors * g->kernels->vector,
		           .n_lanes = panel.n_lanes,
		           .n_taps = n_taps,
		           .width_taps = 1,
		           .run_rows = n_rows,
		           .n_rows = n_rows,
		           .tap_ld = d->tap_ld };

	if (!d->dw || n_rows == 0)
		return;
	if (p->is_depthwise) {
		/* taps are the rows, groups the lanes */
		s.n_taps = 1;
		s.row_ld = d->tap_ld;
		s.lane_ld = d->group_ld;
		s.to = d->dw + row * s.row_ld + panel.lane * s.lane_ld;
	} else if (g->is_thin) {
		/* all taps are one run, and never cut */
		s.row_ld = d->in_ld;
		s.lane_ld = d->out_ld;
		s.width_taps = n_taps;
		s.n_rows = p->n_in;
		s.to = d->dw + panel.lane * s.lane_ld;
	} else if (g->is_swapped) {
		s.row_ld = d->out_ld;
		s.lane_ld = d->in_ld;
		s.to = d->dw + group * d->group_ld + row * s.row_ld + panel.lane * s.lane_ld;
	} else {
		s.row_ld = d->in_ld;
		s.lane_ld = d->out_ld;
		s.to = d->dw + group * d->group_ld + row * s.row_ld + panel.lane * s.lane_ld;
	}
	if (g->is_thin && g->is_swapped)
		put_windows(&s, d, panel.lane, row);
	else
		put_sheet(&s);
}
