/* SPDX-License-Identifier: Apache-2.0 */
/* conv_f64.c - convolutions of F64, a chain for each output. */
#include "graph/conv_f64.h"

#include "graph/chain.h"
#include "graph/spans.h"

struct convolving {
	const struct heft_conv_shape *s;
	const double *x;
	const double *w;
	const double *bias;
	double *y;
	bool is_last;
	uint64_t n_pixels_in;
	uint64_t n_pixels_out;
};

/* Where the tap's pixel is in its image: false in the padding. */
static bool pixel_of(const struct heft_conv_shape *s, const uint64_t *at, uint64_t tap,
                     uint64_t *pixel)
{
	const uint64_t k[3] = { tap / s->kernel[2] / s->kernel[1],
		                tap / s->kernel[2] % s->kernel[1], tap % s->kernel[2] };

	*pixel = 0;
	for (uint32_t a = 0; a < 3; a++) {
		uint64_t position;

		if (!heft_conv_shape_tap(s, a, at[a], k[a], &position))
			return false;
		*pixel = *pixel * s->in[a] + position;
	}
	return true;
}

static double element(const struct convolving *v, uint64_t image, uint64_t out, uint64_t pixel)
{
	const struct heft_conv_shape *s = v->s;
	const uint64_t n_in = s->n_in / s->n_groups;
	const uint64_t n_out = s->n_out / s->n_groups;
	const uint64_t n_taps = heft_conv_shape_volume(s->kernel);
	const uint64_t channel = out / n_out * n_in;
	const uint64_t at[3] = { pixel / s->out[2] / s->out[1], pixel / s->out[2] % s->out[1],
		                 pixel % s->out[2] };
	/* [in][out of a group][tap], or [out][in of a group][tap] */
	const double *w = v->w + (s->is_transposed ? (channel * n_out + out % n_out) * n_taps
	                                           : out * n_in * n_taps);
	const uint64_t w_step = s->is_transposed ? n_out * n_taps : n_taps;
	const uint64_t x_step = v->is_last ? 1 : v->n_pixels_in;
	struct heft_chain_f64 chain;

	heft_chain_f64_start(&chain);
	for (uint64_t t = 0; t < n_taps; t++) {
		const double *x;
		uint64_t from;

		if (!pixel_of(s, at, t, &from)) {
			heft_chain_f64_skip(&chain, n_in);
			continue;
		}
		x = v->x + image * s->n_in * v->n_pixels_in + channel * x_step;
		x += from * (v->is_last ? s->n_in : 1);
		for (uint64_t i = 0; i < n_in; i++)
			heft_chain_f64_add(&chain, x[i * x_step], w[t + i * w_step]);
	}
	return heft_chain_f64_done(&chain) + (v->bias ? v->bias[out] : 0);
}

/* Items are pixels of all images. */
static void convolve(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct convolving *v = ctx;
	const uint64_t n_out = v->s->n_out;

	(void)c;
	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const uint64_t image = i / v->n_pixels_out;
		const uint64_t pixel = i % v->n_pixels_out;
		const uint64_t step = v->is_last ? 1 : v->n_pixels_out;
		double *y = v->y + image * n_out * v->n_pixels_out +
		            pixel * (v->is_last ? n_out : 1);

		for (uint64_t o = 0; o < n_out; o++)
			y[o * step] = element(v, image, o, pixel);
	}
}

void heft_conv_f64(const struct heft_call *c, const struct heft_conv_shape *s, const double *x,
                   const double *w, const double *bias, bool is_last, double *y)
{
	const struct convolving v = { .s = s,
		                      .x = x,
		                      .w = w,
		                      .bias = bias,
		                      .y = y,
		                      .is_last = is_last,
		                      .n_pixels_in = heft_conv_shape_volume(s->in),
		                      .n_pixels_out = heft_conv_shape_volume(s->out) };

	heft_spans_run(c, s->n_images * v.n_pixels_out, s->n_out * heft_conv_shape_n_terms(s),
	               convolve, &v);
}
