/* SPDX-License-Identifier: Apache-2.0 */
/* weight_gradient_reference.c - the definition of weight and bias gradients, spec/numerics.md
 * section 7, one element after the other. */
#include <math.h>

#include "kernel/product_kernels.h"
#include "kernel/weight_gradient.h"

/* As many partial sums as pieces have levels. */
#define N_LEVELS 64

/* A chain of terms in the order of spec F2-1. */
struct chain {
	float a;
	size_t k;
	float sums[N_LEVELS];
	size_t n;
};

/* One weight. */
struct element {
	size_t group;
	size_t tap[3];
	size_t in;
	size_t out;
};

static void end_piece(struct chain *c)
{
	c->sums[c->n++] = c->a;
	c->a = 0;
	for (size_t n = c->k / HEFT_PRODUCT_PIECE; n % 2 == 0; n /= 2) {
		c->sums[c->n - 2] += c->sums[c->n - 1];
		c->n--;
	}
}

static void add_term(struct chain *c, float x, float dy)
{
	c->a = fmaf(x, dy, c->a);
	if (++c->k % HEFT_PRODUCT_PIECE == 0)
		end_piece(c);
}

static float sum_of(struct chain *c)
{
	if (c->k % HEFT_PRODUCT_PIECE != 0 || c->n == 0)
		c->sums[c->n++] = c->a;
	for (; c->n > 1; c->n--)
		c->sums[c->n - 2] += c->sums[c->n - 1];
	return c->sums[0] + 0.0f;
}

/* What output pixel k takes from its input through the element's tap: 0 in the padding. */
static float input_of(const struct heft_product *p, const struct element *e, const float *x,
                      size_t k)
{
	size_t at[3];
	size_t pixel;

	for (size_t axis = 3; axis-- > 0; k /= p->out[axis])
		at[axis] = k % p->out[axis];
	pixel = k;
	for (size_t axis = 0; axis < 3; axis++) {
		size_t position;

		if (!heft_product_tap(p, axis, at[axis], e->tap[axis], &position))
			return 0;
		pixel = pixel * p->in[axis] + position;
	}
	return x[pixel * p->x_ld + e->group * p->n_in + e->in];
}

static void set_weight(const struct heft_product *p, const struct element *e,
                       const struct heft_weight_gradient_data *d)
{
	const size_t n = p->n_images * p->out[0] * p->out[1] * p->out[2];
	const size_t tap = (e->tap[0] * p->kernel[1] + e->tap[1]) * p->kernel[2] + e->tap[2];
	const float *dy = d->dy + e->group * p->n_out + e->out;
	struct chain c = { .n = 0 };

	for (size_t k = 0; k < n; k++)
		add_term(&c, input_of(p, e, d->x, k), dy[k * p->y_ld]);
	d->dw[e->group * d->group_ld + tap * d->tap_ld + e->in * d->in_ld + e->out * d->out_ld] =
		sum_of(&c);
}

static void set_weights(const struct heft_product *p, const struct heft_weight_gradient_data *d)
{
	const size_t n_taps = p->kernel[0] * p->kernel[1] * p->kernel[2];
	const size_t n = p->n_groups * n_taps * p->n_in * p->n_out;

	for (size_t i = 0; i < n; i++) {
		const size_t tap = i / p->n_out / p->n_in % n_taps;
		const struct element e = {
			.group = i / p->n_out / p->n_in / n_taps,
			.tap = { tap / p->kernel[2] / p->kernel[1],
			         tap / p->kernel[2] % p->kernel[1], tap % p->kernel[2] },
			.in = i / p->n_out % p->n_in,
			.out = i % p->n_out,
		};

		set_weight(p, &e, d);
	}
}

void heft_weight_gradient_reference(const struct heft_weight_gradient *g,
                                    const struct heft_weight_gradient_data *d)
{
	const struct heft_product *p = &g->p;
	const size_t n = p->n_images * p->out[0] * p->out[1] * p->out[2];

	if (d->dw)
		set_weights(p, d);
	for (size_t channel = 0; d->db && channel < p->n_groups * p->n_out; channel++) {
		struct chain c = { .n = 0 };

		for (size_t k = 0; k < n; k++)
			add_term(&c, 1, d->dy[k * p->y_ld + channel]);
		d->db[channel] = sum_of(&c);
	}
}
