/* SPDX-License-Identifier: Apache-2.0 */
/* conv_gradient_f64.c - gradients of weights of F64, a chain for each. */
#include "graph/chain.h"
#include "graph/conv_gradient.h"
#include "graph/spans.h"

struct weighing {
	const struct heft_conv_shape *s;
	const double *x;
	const double *dy;
	double *dw;
	/* elements from a channel to the next, and from a pixel to the next */
	uint64_t x_channel;
	uint64_t x_pixel;
	uint64_t dy_channel;
	uint64_t dy_pixel;
	uint64_t n_pixels_in;
	uint64_t n_pixels_out;
};

/* One row of outputs; x and dy are the image's and the channel's. */
static void add_row(const struct weighing *v, struct heft_chain_f64 *chain, const uint64_t *at,
                    const uint64_t *tap, const double *x, const double *dy)
{
	const struct heft_conv_shape *s = v->s;
	uint64_t d;
	uint64_t h;

	if (!heft_conv_shape_tap(s, 0, at[0], tap[0], &d) ||
	    !heft_conv_shape_tap(s, 1, at[1], tap[1], &h)) {
		heft_chain_f64_skip(chain, s->out[2]);
		return;
	}
	x += (d * s->in[1] + h) * s->in[2] * v->x_pixel;
	dy += (at[0] * s->out[1] + at[1]) * s->out[2] * v->dy_pixel;
	for (uint64_t ow = 0; ow < s->out[2]; ow++) {
		uint64_t w;

		if (heft_conv_shape_tap(s, 2, ow, tap[2], &w))
			heft_chain_f64_add(chain, x[w * v->x_pixel], dy[ow * v->dy_pixel]);
		else
			heft_chain_f64_skip(chain, 1);
	}
}

static double weight(const struct weighing *v, uint64_t in, uint64_t out, uint64_t k)
{
	const struct heft_conv_shape *s = v->s;
	const uint64_t tap[3] = { k / s->kernel[2] / s->kernel[1], k / s->kernel[2] % s->kernel[1],
		                  k % s->kernel[2] };
	struct heft_chain_f64 chain;

	heft_chain_f64_start(&chain);
	for (uint64_t i = 0; i < s->n_images; i++) {
		const double *x = v->x + i * s->n_in * v->n_pixels_in + in * v->x_channel;
		const double *dy = v->dy + i * s->n_out * v->n_pixels_out + out * v->dy_channel;
		uint64_t at[2];

		for (at[0] = 0; at[0] < s->out[0]; at[0]++)
			for (at[1] = 0; at[1] < s->out[1]; at[1]++)
				add_row(v, &chain, at, tap, x, dy);
	}
	return heft_chain_f64_done(&chain);
}

/* Items are the weights of one output channel and one input channel. */
static void weigh(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                  uint32_t worker)
{
	const struct weighing *v = ctx;
	const struct heft_conv_shape *s = v->s;
	const uint64_t n_taps = heft_conv_shape_volume(s->kernel);
	const uint64_t n_in = s->n_in / s->n_groups;
	const uint64_t n_out = s->n_out / s->n_groups;

	(void)c;
	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const uint64_t out = i / n_in;
		const uint64_t in = out / n_out * n_in + i % n_in;

		for (uint64_t k = 0; k < n_taps; k++)
			v->dw[i * n_taps + k] = weight(v, in, out, k);
	}
}

void heft_conv_weight_gradient_f64(const struct heft_call *c, const struct heft_conv_shape *s,
                                   const double *x, const double *dy, bool is_last, double *dw)
{
	const uint64_t n_in = heft_conv_shape_volume(s->in);
	const uint64_t n_out = heft_conv_shape_volume(s->out);
	const struct weighing v = { .s = s,
		                    .x = x,
		                    .dy = dy,
		                    .dw = dw,
		                    .x_channel = is_last ? 1 : n_in,
		                    .x_pixel = is_last ? s->n_in : 1,
		                    .dy_channel = is_last ? 1 : n_out,
		                    .dy_pixel = is_last ? s->n_out : 1,
		                    .n_pixels_in = n_in,
		                    .n_pixels_out = n_out };
	const uint64_t n_weights = s->n_out * (s->n_in / s->n_groups) *
	                           heft_conv_shape_volume(s->kernel);

	/* no pixels: every term is absent */
	if (!x || !dy) {
		for (uint64_t i = 0; i < n_weights; i++)
			dw[i] = 0;
		return;
	}
	heft_spans_run(c, s->n_out * (s->n_in / s->n_groups),
	               s->n_images * n_out * heft_conv_shape_volume(s->kernel), weigh, &v);
}
