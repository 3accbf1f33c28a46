/* SPDX-License-Identifier: Apache-2.0 */
/* normal_gradient.c - gradients of normalisations: of rows, of channels, and by statistics that are
 * known (F7-17, F7-18). */
#include "graph/gradient.h"
#include "graph/layer.h"
#include "graph/normal.h"
#include "graph/skip_layer.h"

/* What gradient g of normalised rows gives, and what they are. */
static void emit_rows(struct heft_gradient *g, uint32_t gradient, uint32_t x, int64_t axis,
                      float epsilon, bool is_rms, uint32_t *out)
{
	const struct heft_emit e = {
		.type = "heft.LayerNormalizationGradient",
		.n_in = 2,
		.in = { gradient, x },
		.n_out = 2,
		.n_attrs = 3,
		.attrs = { heft_attr_int("axis", axis), heft_attr_float("epsilon", epsilon),
		           heft_attr_int("rms", is_rms) },
	};

	heft_emit_all(g, &e, out);
}

void heft_layer_backward(const struct heft_call *c, struct heft_gradient *g, bool is_rms)
{
	const uint32_t dy = heft_gradient_of(g, 0);
	uint32_t normalised = dy;
	uint32_t out[2];

	if (heft_gradient_of(g, 1) != HEFT_NO_VALUE || heft_gradient_of(g, 2) != HEFT_NO_VALUE) {
		heft_gradient_block(g, "its statistics have no gradient here");
		return;
	}
	if (heft_call_has(c, 1))
		normalised = heft_emit_2(g, "Mul", dy, heft_gradient_in(g, 1));
	emit_rows(g, normalised, heft_gradient_in(g, 0), heft_call_int(c, "axis", -1),
	          heft_call_float(c, "epsilon", 1e-5f), is_rms, out);
	heft_give(g, 0, out[0]);
	if (heft_gradient_wants(g, 1))
		heft_give(g, 1, heft_emit_2(g, "Mul", dy, out[1]));
	heft_give(g, 2, dy);
}

/* The sum is had again where the call does not keep it as output 3, whose own gradient joins. */
void heft_skip_layer_backward(const struct heft_call *c, struct heft_gradient *g, bool is_rms,
                              uint32_t shift, uint32_t bias)
{
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t of_sum = heft_gradient_of(g, 3);
	uint32_t sum = heft_gradient_out(g, 3);
	uint32_t dx = of_sum;
	uint32_t out[2];

	if (heft_gradient_of(g, 1) != HEFT_NO_VALUE || heft_gradient_of(g, 2) != HEFT_NO_VALUE) {
		heft_gradient_block(g, "its statistics have no gradient here");
		return;
	}
	if (dy != HEFT_NO_VALUE) {
		if (sum == HEFT_NO_VALUE) {
			sum = heft_emit_2(g, "Add", heft_gradient_in(g, 0), heft_gradient_in(g, 1));
			if (heft_call_has(c, bias))
				sum = heft_emit_2(g, "Add", sum, heft_gradient_in(g, bias));
		}
		emit_rows(g, heft_emit_2(g, "Mul", dy, heft_gradient_in(g, 2)), sum, -1,
		          heft_call_float(c, "epsilon", 1e-12f), is_rms, out);
		dx = of_sum == HEFT_NO_VALUE ? out[0] : heft_emit_2(g, "Add", of_sum, out[0]);
		if (heft_gradient_wants(g, 2))
			heft_give(g, 2, heft_emit_2(g, "Mul", dy, out[1]));
		if (heft_call_has(c, shift))
			heft_give(g, shift, dy);
	}
	heft_give(g, 0, dx);
	heft_give(g, 1, dx);
	if (heft_call_has(c, bias))
		heft_give(g, bias, dx);
}

/* A list of one number a channel, or a group of them, as it is broadcast to [images, n, rest]. */
static uint32_t of_channels(struct heft_gradient *g, uint32_t list, uint64_t n)
{
	const uint64_t dims[3] = { 1, n, 1 };

	return heft_emit_reshaped(g, list, 3, dims);
}

/* The gradient of input i is x, summed over what that is spread over: as `scale` lies. */
static void give_summed(struct heft_gradient *g, uint32_t i, uint32_t x, uint32_t scale)
{
	heft_give(g, i,
	          heft_emit_reshaped_like(g, heft_emit_summed_like(g, x, scale),
	                                  heft_gradient_in(g, i)));
}

void heft_channels_backward(const struct heft_call *c, struct heft_gradient *g, uint64_t n_groups)
{
	const struct heft_array *x = &c->in[0];
	const uint64_t n_scales = c->in[1].n_elements;
	const uint64_t n_images = x->dims[0];
	const uint64_t n_rest = n_images * n_scales > 0 ? x->n_elements / (n_images * n_scales) : 0;
	const uint64_t scaled[3] = { n_images, n_scales, n_rest };
	const uint64_t rows[2] = { n_images * n_groups,
		                   n_groups > 0 && n_images > 0
		                           ? x->n_elements / (n_images * n_groups)
		                           : 0 };
	const uint32_t dy = heft_emit_reshaped(g, heft_gradient_of(g, 0), 3, scaled);
	const uint32_t scale = of_channels(g, heft_gradient_in(g, 1), n_scales);
	const uint32_t normalised = heft_emit_2(g, "Mul", dy, scale);
	uint32_t out[2];

	emit_rows(g, heft_emit_reshaped(g, normalised, 2, rows),
	          heft_emit_reshaped(g, heft_gradient_in(g, 0), 2, rows), 1,
	          heft_call_float(c, "epsilon", 1e-5f), false, out);
	heft_give(g, 0, heft_emit_reshaped_like(g, out[0], heft_gradient_in(g, 0)));
	if (heft_gradient_wants(g, 1)) {
		const uint32_t v = heft_emit_reshaped(g, out[1], 3, scaled);
		const uint32_t part = heft_emit_2(g, "Mul", dy, v);

		give_summed(g, 1, part, scale);
	}
	if (heft_gradient_wants(g, 2))
		give_summed(g, 2, dy, scale);
}

/* A list of channels as [C, 1, ...], which is broadcast against images of this rank. */
static uint32_t beside_images(struct heft_gradient *g, uint32_t list, uint64_t n, uint32_t rank)
{
	uint64_t dims[HEFT_GRAPH_MAX_RANK] = { n };

	for (uint32_t d = 1; d + 1 < rank; d++)
		dims[d] = 1;
	return heft_emit_reshaped(g, list, rank > 1 ? rank - 1 : 1, dims);
}

void heft_batch_backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t rank = c->in[0].rank;
	const uint64_t n = c->in[1].n_elements;
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t epsilon = heft_emit_number(g, c->in[0].dtype,
	                                          (double)heft_call_float(c, "epsilon", 1e-5f));
	const uint32_t d = heft_emit_1(g, "Sqrt",
	                               heft_emit_2(g, "Add", heft_gradient_in(g, 4), epsilon));
	const uint32_t factor = heft_emit_2(g, "Div", heft_gradient_in(g, 1), d);

	if (heft_gradient_wants(g, 0))
		heft_give(g, 0, heft_emit_2(g, "Mul", dy, beside_images(g, factor, n, rank)));
	if (heft_gradient_wants(g, 1)) {
		const uint32_t mean = beside_images(g, heft_gradient_in(g, 3), n, rank);
		const uint32_t from_mean = heft_emit_2(g, "Sub", heft_gradient_in(g, 0), mean);
		const uint32_t v = heft_emit_2(g, "Div", from_mean, beside_images(g, d, n, rank));

		heft_give(g, 1, heft_emit_1(g, "heft.BiasGradient", heft_emit_2(g, "Mul", dy, v)));
	}
	if (heft_gradient_wants(g, 2))
		heft_give(g, 2, heft_emit_1(g, "heft.BiasGradient", dy));
}

/* --- by the batch's own statistics: each channel is a row of all images --- */

/* Channels before images: the same both ways. */
static uint32_t turned(struct heft_gradient *g, uint32_t x, uint32_t rank)
{
	int64_t perm[HEFT_GRAPH_MAX_RANK] = { 1, 0 };
	struct heft_emit e = { .type = "Transpose", .n_in = 1, .in = { x }, .n_attrs = 1 };

	for (uint32_t d = 2; d < rank; d++)
		perm[d] = d;
	e.attrs[0] = heft_attr_ints("perm", perm, rank);
	return heft_emit(g, &e);
}

void heft_batch_statistics_backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_array *x = &c->in[0];
	const uint64_t n = c->in[1].n_elements;
	const uint64_t rows[2] = { n, n > 0 ? x->n_elements / n : 0 };
	const uint64_t each[2] = { n, 1 };
	uint32_t turned_x;
	uint32_t scale;
	uint32_t dy;
	uint32_t out[2];

	for (uint32_t i = 1; i < c->n_out; i++) {
		if (heft_gradient_of(g, i) != HEFT_NO_VALUE) {
			heft_gradient_block(g, "its statistics have no gradient here");
			return;
		}
	}
	turned_x = turned(g, heft_gradient_in(g, 0), x->rank);
	scale = heft_emit_reshaped(g, heft_gradient_in(g, 1), 2, each);
	dy = heft_emit_reshaped(g, turned(g, heft_gradient_of(g, 0), x->rank), 2, rows);
	emit_rows(g, heft_emit_2(g, "Mul", dy, scale), heft_emit_reshaped(g, turned_x, 2, rows), 1,
	          heft_call_float(c, "epsilon", 1e-5f), false, out);
	if (heft_gradient_wants(g, 0))
		heft_give(g, 0, turned(g, heft_emit_reshaped_like(g, out[0], turned_x), x->rank));
	if (heft_gradient_wants(g, 1)) {
		const uint32_t part = heft_emit_2(g, "Mul", dy, out[1]);

		give_summed(g, 1, part, scale);
	}
	if (heft_gradient_wants(g, 2))
		give_summed(g, 2, dy, scale);
}
