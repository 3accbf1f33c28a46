/* SPDX-License-Identifier: Apache-2.0 */
/* weight_gradient_windows.c - windows over images of few channels, copied term by term: all taps of
 * an output side by side. With 3 channels a tap by itself fills no tile, and no padded copy of the
 * whole image is wanted. */
#include <string.h>

#include "kernel/product_kernels.h"
#include "kernel/weight_gradient_kernels.h"

static const float zeros[HEFT_GRADIENT_THIN_TERMS];

/* A row of a window, for outputs side by side. */
struct line {
	const float *x; /* the image's row, or NULL: padding */
	float *to;      /* of the first output */
	size_t first;
	size_t ld;
};

/* Rows are short: calls of memcpy would take longer than they copy. */
static inline void copy_short(float *restrict to, const float *restrict from, size_t n)
{
	size_t i = 0;

	if (n >= 8) {
		for (; i + 8 < n; i += 8)
			memcpy(to + i, from + i, 8 * sizeof *to);
		memcpy(to + n - 8, from + n - 8, 8 * sizeof *to);
	} else if (n >= 4) {
		memcpy(to, from, 4 * sizeof *to);
		memcpy(to + n - 4, from + n - 4, 4 * sizeof *to);
	} else {
		for (; i < n; i++)
			to[i] = from[i];
	}
}

/* Output ow, whose window may reach over the image's ends. */
static void copy_edge(const struct heft_product *p, const struct line *l, size_t ow)
{
	const size_t n_all = p->kernel[2];
	const size_t at = ow * p->stride[2];
	const size_t pad = at < p->pad[2] ? p->pad[2] - at : 0;
	const size_t before = pad < n_all ? pad : n_all;
	const size_t first = at + before < p->pad[2] ? p->in[2] : at + before - p->pad[2];
	const size_t left = first < p->in[2] ? p->in[2] - first : 0;
	const size_t n = left < n_all - before ? left : n_all - before;
	float *to = l->to + (ow - l->first) * l->ld;

	copy_short(to, zeros, before * p->n_in);
	to += before * p->n_in;
	if (n > 0)
		copy_short(to, l->x + first * p->n_in, n * p->n_in);
	copy_short(to + n * p->n_in, zeros, (n_all - before - n) * p->n_in);
}

/* n outputs, `step` floats apart in the image, whose windows are in it. */
static void copy_windows(const float *from, size_t step, size_t n, size_t n_floats, float *to,
                         size_t ld)
{
	for (size_t i = 0; i < n; i++, from += step, to += ld)
		copy_short(to, from, n_floats);
}

/* Outputs [begin, end) of a row; those from inside to outside have all of the window in the
 * image. */
static void copy_line(const struct heft_product *p, const struct line *l, size_t begin, size_t end,
                      size_t inside, size_t outside)
{
	const size_t n_floats = p->kernel[2] * p->n_in;
	size_t ow = begin;

	if (!l->x) {
		copy_windows(zeros, 0, end - begin, n_floats, l->to, l->ld);
		return;
	}
	for (; ow < end && ow < inside; ow++)
		copy_edge(p, l, ow);
	if (ow < end && ow < outside) {
		const size_t n = (end < outside ? end : outside) - ow;

		copy_windows(l->x + (ow * p->stride[2] - p->pad[2]) * p->n_in,
		             p->stride[2] * p->n_in, n, n_floats, l->to + (ow - begin) * l->ld,
		             l->ld);
		ow += n;
	}
	for (; ow < end; ow++)
		copy_edge(p, l, ow);
}

/* All rows of the windows of outputs [begin, end) of output row `row`, counted over all images. */
static void copy_row(const struct heft_product *p, const float *x, size_t row, size_t begin,
                     size_t end, float *to, size_t ld)
{
	const size_t oh = row % p->out[1];
	const size_t od = row / p->out[1] % p->out[0];
	const size_t image = row / p->out[1] / p->out[0];
	const size_t reach = p->kernel[2] - 1;
	const size_t inside = (p->pad[2] + p->stride[2] - 1) / p->stride[2];
	size_t outside = 0;

	if (p->in[2] + p->pad[2] > reach)
		outside = (p->in[2] + p->pad[2] - reach - 1) / p->stride[2] + 1;
	for (size_t t = 0; t < p->kernel[0] * p->kernel[1]; t++) {
		struct line l = { NULL, to + t * p->kernel[2] * p->n_in, begin, ld };
		size_t at[2];

		if (heft_product_tap(p, 0, od, t / p->kernel[1], &at[0]) &&
		    heft_product_tap(p, 1, oh, t % p->kernel[1], &at[1]))
			l.x = x +
			      ((image * p->in[0] + at[0]) * p->in[1] + at[1]) * p->in[2] * p->n_in;
		copy_line(p, &l, begin, end, inside, outside);
	}
}

void heft_gradient_windows(const struct heft_product *p, const float *x, size_t begin, size_t n,
                           float *to, size_t ld)
{
	for (size_t at = begin; at < begin + n;) {
		const size_t row = at / p->out[2];
		const size_t first = at % p->out[2];
		const size_t left = begin + n - at;
		const size_t end = left < p->out[2] - first ? first + left : p->out[2];

		copy_row(p, x, row, first, end, to, ld);
		to += (end - first) * ld;
		at += end - first;
	}
}
