/* SPDX-License-Identifier: Apache-2.0 */
/* product_reference.c - the definition of a product, spec/numerics.md section 2, one output element
 * after the other. */
#include <math.h>

#include "kernel/product_kernels.h"

/* As many partial sums as pieces have levels. */
#define N_LEVELS 64

/* One output element. */
struct element {
	size_t image;
	size_t at[3];
	size_t group;
	size_t out;
};

/* Partial sums that wait for a neighbour; the tree of spec F2-1, as the pieces come. */
struct tree {
	float sums[N_LEVELS];
	size_t n;
};

static void add_piece(struct tree *t, size_t q, float sum)
{
	t->sums[t->n++] = sum;
	for (size_t c = q + 1; c % 2 == 0; c /= 2) {
		t->sums[t->n - 2] += t->sums[t->n - 1];
		t->n--;
	}
}

static float top_of(struct tree *t)
{
	for (; t->n > 1; t->n--)
		t->sums[t->n - 2] += t->sums[t->n - 1];
	return t->n ? t->sums[0] : 0.0f;
}

/* Where tap (kd, kh, kw) of the element finds its input channels, or NULL: padding. */
static const float *pixel_of(const struct heft_product *p, const struct element *e, const float *x,
                             const size_t *tap)
{
	size_t at = e->image;

	for (size_t axis = 0; axis < 3; axis++) {
		size_t position;

		if (!heft_product_tap(p, axis, e->at[axis], tap[axis], &position))
			return NULL;
		at = at * p->in[axis] + position;
	}
	return x + at * p->x_ld + e->group * p->n_in;
}

static float chain_of(const struct heft_product *p, const struct element *e,
                      const struct heft_product_weights *w, const float *x)
{
	const size_t n_taps = p->kernel[0] * p->kernel[1] * p->kernel[2];
	const size_t n_terms = n_taps * p->n_in;
	const float *weight = w->w + e->group * w->group_ld + e->out * w->out_ld;
	struct tree tree = { .n = 0 };
	float a = 0;

	for (size_t k = 0; k < n_terms; k++) {
		const size_t t = k / p->n_in;
		const size_t c = k % p->n_in;
		const size_t tap[3] = { t / (p->kernel[1] * p->kernel[2]),
			                t / p->kernel[2] % p->kernel[1], t % p->kernel[2] };
		const float *pixel = pixel_of(p, e, x, tap);

		a = fmaf(pixel ? pixel[c] : 0.0f, weight[t * w->tap_ld + c * w->in_ld], a);
		if (k % HEFT_PRODUCT_PIECE == HEFT_PRODUCT_PIECE - 1 || k == n_terms - 1) {
			add_piece(&tree, k / HEFT_PRODUCT_PIECE, a);
			a = 0;
		}
	}
	return top_of(&tree) + 0.0f;
}

static float activate(const struct heft_product_end *end, float v)
{
	switch (end->activation) {
	case HEFT_ACTIVATION_RELU:
		return v < 0 ? 0.0f : v;
	case HEFT_ACTIVATION_CLIP:
		v = v < end->low ? end->low : v;
		return v > end->high ? end->high : v;
	default:
		return v;
	}
}

static void set_element(const struct heft_product *p, const struct element *e,
                        const struct heft_product_weights *w, const struct heft_product_data *d)
{
	const size_t channel = e->group * p->n_out + e->out;
	size_t pixel = e->image;
	float v = chain_of(p, e, w, d->x);

	for (size_t axis = 0; axis < 3; axis++)
		pixel = pixel * p->out[axis] + e->at[axis];
	if (p->end.alpha != 1.0f)
		v *= p->end.alpha;
	if (d->bias)
		v += d->bias[channel];
	if (d->residual)
		v += d->residual[pixel * p->residual_ld + channel];
	d->y[pixel * p->y_ld + channel] = activate(&p->end, v);
}

void heft_product_reference(const struct heft_product *p, const struct heft_product_weights *w,
                            const struct heft_product_data *d)
{
	const size_t n_pixels = p->n_images * p->out[0] * p->out[1] * p->out[2];

	for (size_t i = 0; i < n_pixels; i++) {
		struct element e;
		size_t rest = i;

		for (size_t axis = 3; axis-- > 0; rest /= p->out[axis])
			e.at[axis] = rest % p->out[axis];
		e.image = rest;
		for (e.group = 0; e.group < p->n_groups; e.group++)
			for (e.out = 0; e.out < p->n_out; e.out++)
				set_element(p, &e, w, d);
	}
}
