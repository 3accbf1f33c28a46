/* SPDX-License-Identifier: Apache-2.0 */
/* product_pack.c - lays out weights as the tiles of a product read them: the channels of a panel
 * side by side, zeros behind the last one, term after term.
 *
 * Weights lie in one of few ways, and each is read in the order in which it lies: where output
 * channels are apart, squares are transposed. Reading down the columns instead, as ONNX's weights
 * of convolutions invite to, took 10 times as long. */
#include <string.h>

#include "kernel/product.h"
#include "kernel/product_kernels.h"
#include "kernel/transpose.h"

/* Terms that are transposed together where their order changes, too. */
#define N_TOGETHER 32

/* Most channels of a panel, in any variant. */
#define MAX_CHANNELS (HEFT_TILE_VECTORS * 16)

/* Rows of a panel of packed weights: where they are, and how many channels are there. */
struct rows {
	float *at;
	size_t n;  /* channels */
	size_t ld; /* floats from row to row; those behind n are zeros */
};

static void set_zeros(const struct rows *r, size_t n_rows)
{
	for (size_t i = 0; r->n < r->ld && i < n_rows; i++)
		memset(r->at + i * r->ld + r->n, 0, (r->ld - r->n) * sizeof *r->at);
}

/* Rows as they are: channels lie side by side. */
static void copy_rows(const struct heft_product *p, const struct heft_product_weights *w,
                      const float *from, const struct rows *r, size_t n_taps)
{
	float *row = r->at;

	for (size_t t = 0; t < n_taps; t++)
		for (size_t c = 0; c < p->n_in; c++, row += r->ld)
			memcpy(row, from + t * w->tap_ld + c * w->in_ld, r->n * sizeof *row);
}

/* A channel's terms lie side by side, input channel by input channel: they go to where the terms of
 * their taps are. */
static void sort_rows(const struct heft_product *p, const struct heft_product_weights *w,
                      const float *from, const struct rows *r, size_t n_taps)
{
	_Alignas(64) float square[N_TOGETHER * MAX_CHANNELS];
	size_t t = 0;
	size_t c = 0;

	for (size_t i = 0; i < p->n_terms; i += N_TOGETHER) {
		const size_t n = p->n_terms - i < N_TOGETHER ? p->n_terms - i : N_TOGETHER;

		heft_transpose(from + i, w->out_ld, r->n, n, square, r->n);
		for (size_t k = 0; k < n; k++) {
			memcpy(r->at + (t * p->n_in + c) * r->ld, square + k * r->n,
			       r->n * sizeof *square);
			t = t + 1 < n_taps ? t + 1 : 0;
			c += t == 0;
		}
	}
}

static void gather_rows(const struct heft_product *p, const struct heft_product_weights *w,
                        const float *from, const struct rows *r, size_t n_taps)
{
	float *row = r->at;

	for (size_t t = 0; t < n_taps; t++)
		for (size_t c = 0; c < p->n_in; c++, row += r->ld)
			for (size_t i = 0; i < r->n; i++)
				row[i] = from[t * w->tap_ld + c * w->in_ld + i * w->out_ld];
}

static void pack_panel(const struct heft_product *p, const struct heft_product_weights *w,
                       const float *from, const struct rows *r, size_t n_taps)
{
	if (w->out_ld == 1) {
		copy_rows(p, w, from, r, n_taps);
	} else if (w->in_ld == 1) {
		for (size_t t = 0; t < n_taps; t++)
			heft_transpose(from + t * w->tap_ld, w->out_ld, r->n, p->n_in,
			               r->at + t * p->n_in * r->ld, r->ld);
	} else if (w->tap_ld == 1 && w->in_ld == n_taps) {
		sort_rows(p, w, from, r, n_taps);
	} else if (w->tap_ld == 1) {
		for (size_t c = 0; c < p->n_in; c++)
			heft_transpose(from + c * w->in_ld, w->out_ld, r->n, n_taps,
			               r->at + c * r->ld, p->n_in * r->ld);
	} else {
		gather_rows(p, w, from, r, n_taps);
	}
}

void heft_product_pack(const struct heft_product *p, const struct heft_product_weights *w, size_t i,
                       float *packed)
{
	const size_t n_taps = p->kernel[0] * p->kernel[1] * p->kernel[2];
	const size_t vector = p->kernels->vector;

	if (p->is_depthwise) {
		const struct rows r = { packed, p->n_groups, p->n_vectors * vector };
		/* A group has one channel: here it is the group that is the channel. */
		const struct heft_product_weights one = { w->w, 0, w->tap_ld, 0, w->group_ld };

		pack_panel(p, &one, w->w, &r, n_taps);
		set_zeros(&r, p->n_terms);
	} else {
		const struct heft_panel panel = heft_product_panel(p, i % p->n_panels);
		const size_t group = i / p->n_panels;
		const struct rows r = {
			packed + group * p->n_vectors * vector * p->n_terms + panel.at,
			(panel.n_vectors - 1) * vector + panel.n_last,
			panel.n_vectors * vector,
		};

		pack_panel(p, w, w->w + group * w->group_ld + panel.channel * w->out_ld, &r,
		           n_taps);
		set_zeros(&r, p->n_terms);
	}
}
