/* SPDX-License-Identifier: Apache-2.0 */
/* product_taps.c - where the taps of output pixels lie in the input: a pointer each, to zeros for
 * a tap in the padding, so that nothing is copied. */
#include "kernel/product_kernels.h"

/* An output pixel. */
struct pixel {
	size_t image;
	size_t at[3];
};

/* A window whose rows are runs has one tap a row. */
static size_t width_of(const struct heft_product *p)
{
	return p->is_joined ? 1 : p->kernel[2];
}

void heft_product_steps(const struct heft_product *p, size_t *steps)
{
	const size_t width = width_of(p);

	for (size_t d = 0; d < p->kernel[0]; d++) {
		for (size_t h = 0; h < p->kernel[1]; h++) {
			size_t at = d * p->dilation[0] * p->in[1] + h * p->dilation[1];

			at *= p->in[2] * p->x_ld;
			for (size_t w = 0; w < width; w++, at += p->dilation[2] * p->x_ld)
				*steps++ = at;
		}
	}
}

static struct pixel pixel_at(const struct heft_product *p, size_t i)
{
	struct pixel o;

	for (size_t axis = 3; axis-- > 0; i /= p->out[axis])
		o.at[axis] = i % p->out[axis];
	o.image = i;
	return o;
}

/* n pixels on, at most to the next row. */
static void go_on(const struct heft_product *p, struct pixel *o, size_t n)
{
	for (size_t axis = 3; axis-- > 0; n = 1) {
		o->at[axis] += n;
		if (o->at[axis] < p->out[axis])
			return;
		o->at[axis] = 0;
	}
	o->image++;
}

/* How many pixels of the row, from this one on, have all taps inside; and the first tap's place. */
static size_t find_inside(const struct heft_product *p, const struct pixel *o, size_t *first)
{
	size_t n_left = 0;

	*first = o->image;
	if (p->is_transposed)
		return 0;
	for (size_t axis = 0; axis < 3; axis++) {
		const size_t reach = (p->kernel[axis] - 1) * p->dilation[axis];
		const size_t at = o->at[axis] * p->stride[axis];

		if (at < p->pad[axis] || at - p->pad[axis] + reach >= p->in[axis])
			return 0;
		n_left = p->in[axis] - (at - p->pad[axis] + reach) - 1;
		*first = *first * p->in[axis] + at - p->pad[axis];
	}
	*first *= p->x_ld;
	n_left = n_left / p->stride[2] + 1;
	return n_left < p->out[2] - o->at[2] ? n_left : p->out[2] - o->at[2];
}

/* Taps one by one; a window that is not whole. */
static void find_each(const struct heft_product *p, const struct pixel *o, const float *x,
                      const float *zeros, const float **taps)
{
	const size_t width = width_of(p);
	size_t at[3] = { 0, 0, 0 };

	for (size_t d = 0; d < p->kernel[0]; d++) {
		const bool has_d = heft_product_tap(p, 0, o->at[0], d, &at[0]);

		for (size_t h = 0; h < p->kernel[1]; h++) {
			const bool has_h = has_d && heft_product_tap(p, 1, o->at[1], h, &at[1]);

			for (size_t w = 0; w < width; w++, taps++) {
				*taps = zeros;
				if (!has_h || !heft_product_tap(p, 2, o->at[2], w, &at[2]))
					continue;
				*taps = x + (((o->image * p->in[0] + at[0]) * p->in[1] + at[1]) *
				                     p->in[2] +
				             at[2]) *
				                    p->x_ld;
			}
		}
	}
}

void heft_product_taps(const struct heft_product *p, const float *x, const float *zeros,
                       const size_t *steps, size_t pixel, size_t n, const float **taps)
{
	struct pixel o;

	if (p->is_linear) {
		for (size_t i = 0; i < n; i++)
			taps[i] = x + (pixel + i) * p->x_ld;
		return;
	}
	if (p->n_taps == 0)
		return;
	o = pixel_at(p, pixel);
	while (n > 0) {
		size_t first;
		size_t n_inside = find_inside(p, &o, &first);

		if (n_inside == 0) {
			find_each(p, &o, x, zeros, taps);
			taps += p->n_taps;
			n_inside = 1;
		} else {
			n_inside = n_inside < n ? n_inside : n;
			for (size_t i = 0; i < n_inside; i++, first += p->stride[2] * p->x_ld)
				for (size_t t = 0; t < p->n_taps; t++)
					*taps++ = x + first + steps[t];
		}
		go_on(p, &o, n_inside);
		n -= n_inside;
	}
}
