/* SPDX-License-Identifier: Apache-2.0 */
/* product_phase.c - outputs of a transposed product with strides, sorted by the taps that they
 * have: those whose positions leave the same remainders by the strides. Taps that no output of a
 * phase has are left out of its chains (spec F2-4), which at stride 2 are three of four. */
#include "kernel/product_kernels.h"

struct heft_phase heft_product_phase(const struct heft_product *p, size_t i, size_t *which)
{
	struct heft_phase f = { .n_pixels = p->n_images, .n_taps = 1 };
	size_t n = 0;

	for (size_t axis = 3; axis-- > 0; i /= p->stride[axis]) {
		const size_t s = p->stride[axis];

		f.first[axis] = i % s;
		f.n[axis] = f.first[axis] < p->out[axis]
		                    ? (p->out[axis] - f.first[axis] - 1) / s + 1
		                    : 0;
		f.n_pixels *= f.n[axis];
	}
	for (size_t t = 0; t < p->n_taps; t++) {
		const size_t k[3] = { t / p->kernel[2] / p->kernel[1],
			              t / p->kernel[2] % p->kernel[1], t % p->kernel[2] };
		bool is_there = true;

		for (size_t axis = 0; axis < 3; axis++)
			is_there = is_there &&
			           (f.first[axis] + p->pad[axis]) % p->stride[axis] ==
			                   k[axis] * p->dilation[axis] % p->stride[axis];
		if (is_there && which)
			which[n] = t;
		n += is_there;
	}
	f.n_taps = n;
	return f;
}

/* A position on one axis, of a tap that the phase has: false outside of the input. */
static bool position_of(const struct heft_product *p, size_t axis, size_t o, size_t k, size_t *at)
{
	const size_t step = k * p->dilation[axis];

	if (o + p->pad[axis] < step)
		return false;
	*at = p->stride[axis] == 2 ? (o + p->pad[axis] - step) / 2
	                           : (o + p->pad[axis] - step) / p->stride[axis];
	return *at < p->in[axis];
}

static void find_taps(const struct heft_product *p, const struct heft_phase *f, const size_t *which,
                      size_t image, const size_t *o, const float *x, const float *zeros,
                      const float **taps)
{
	const size_t area = p->kernel[1] * p->kernel[2];

	for (size_t t = 0; t < f->n_taps; t++) {
		const size_t in_plane = which[t] % area;
		size_t at[3];

		taps[t] = zeros;
		if (position_of(p, 0, o[0], which[t] / area, &at[0]) &&
		    position_of(p, 1, o[1], in_plane / p->kernel[2], &at[1]) &&
		    position_of(p, 2, o[2], in_plane % p->kernel[2], &at[2]))
			taps[t] = x + (((image * p->in[0] + at[0]) * p->in[1] + at[1]) * p->in[2] +
			               at[2]) *
			                      p->x_ld;
	}
}

void heft_product_phase_taps(const struct heft_product *p, const struct heft_phase *f,
                             const size_t *which, const float *x, const float *zeros, size_t pixel,
                             size_t n, const float **taps, size_t *pixels)
{
	for (size_t i = 0; i < n; i++, taps += p->n_taps) {
		size_t rest = pixel + i;
		size_t at = 0;
		size_t o[3];

		for (size_t axis = 3; axis-- > 0; rest /= f->n[axis])
			o[axis] = f->first[axis] + rest % f->n[axis] * p->stride[axis];
		for (size_t axis = 0; axis < 3; axis++)
			at = (axis == 0 ? rest : at) * p->out[axis] + o[axis];
		pixels[i] = at;
		find_taps(p, f, which, rest, o, x, zeros, taps);
	}
}

size_t heft_product_phase_terms(const struct heft_product *p, const struct heft_phase *f,
                                const size_t *which, size_t end)
{
	size_t n = 0;

	for (size_t t = 0; t < f->n_taps; t++) {
		const size_t begin = which[t] * p->run;

		if (end > begin)
			n += end - begin < p->run ? end - begin : p->run;
	}
	return n;
}
