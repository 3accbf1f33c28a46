/* SPDX-License-Identifier: Apache-2.0 */
/* product_made.h - problems for the tests of products: data that ends where it ends, the
 * reference's answer, and every variant beside it, bit by bit. */
#ifndef HEFT_PRODUCT_MADE_H
#define HEFT_PRODUCT_MADE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernel/product.h"
#include "kernel/transpose.h"
#include "unit.h"

#define GUARD 64 /* floats behind what a kernel writes */
#define N_VARIANTS 3

static uint32_t state = 1;

static inline size_t below(size_t n)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % n;
}

static inline float random_value(void)
{
	return (float)below(1 << 20) / 0x1p19f - 1;
}

static inline float *room_of(size_t n, float value)
{
	float *p = NULL;

	ck_assert_int_eq(posix_memalign((void **)(void *)&p, HEFT_PRODUCT_ALIGN, n * sizeof *p + 1),
	                 0);
	for (size_t i = 0; i < n; i++)
		p[i] = value;
	return p;
}

/* A case: the product's data in memory that ends where it ends. */
struct problem {
	struct heft_product p;
	struct heft_product_weights w;
	struct heft_product_data d;
	size_t n_x;
	size_t n_w;
	size_t n_y;
	size_t shift; /* of y from its alignment */
	float *weights;
	float *x;
	float *bias;
	float *residual;
	float *want;
	float *got;
};

static inline size_t n_pixels(const struct heft_product *p)
{
	return p->n_images * p->out[0] * p->out[1] * p->out[2];
}

static inline void fill(float *p, size_t n, float scale)
{
	for (size_t i = 0; i < n; i++)
		p[i] = random_value() * scale;
}

/* Weights as [in][out] of each tap and group, or as ONNX has them. */
static inline void set_weights(struct problem *t, bool is_onnx, float scale)
{
	const struct heft_product *p = &t->p;
	const size_t n_taps = p->kernel[0] * p->kernel[1] * p->kernel[2];

	t->n_w = n_taps * p->n_in * p->n_out * p->n_groups;
	t->weights = room_of(t->n_w, 0);
	fill(t->weights, t->n_w, scale);
	t->w.w = t->weights;
	t->w.tap_ld = is_onnx ? 1 : p->n_in * p->n_out * p->n_groups;
	t->w.in_ld = is_onnx ? n_taps : p->n_out * p->n_groups;
	t->w.out_ld = is_onnx ? n_taps * p->n_in : 1;
	t->w.group_ld = is_onnx ? t->w.out_ld * p->n_out : p->n_out;
}

static inline void problem_init(struct problem *t, bool is_onnx, bool has_bias, bool has_residual,
                                float scale)
{
	const struct heft_product *p = &t->p;

	t->n_x = p->n_images * p->in[0] * p->in[1] * p->in[2] * p->x_ld;
	if (t->n_x)
		t->n_x -= p->x_ld - p->n_groups * p->n_in;
	t->n_y = n_pixels(p) * p->y_ld;
	t->x = room_of(t->n_x, 0);
	fill(t->x, t->n_x, scale);
	set_weights(t, is_onnx, scale);
	t->bias = has_bias ? room_of(p->n_groups * p->n_out, 0) : NULL;
	if (has_bias)
		fill(t->bias, p->n_groups * p->n_out, 1);
	t->residual = has_residual ? room_of(n_pixels(p) * p->residual_ld, 0) : NULL;
	if (has_residual)
		fill(t->residual, n_pixels(p) * p->residual_ld, 1);
	t->want = room_of(t->n_y + t->shift + GUARD, 7);
	t->got = room_of(t->n_y + t->shift + GUARD, 7);
	t->d = (struct heft_product_data){
		.x = t->x, .bias = t->bias, .residual = t->residual, .y = t->want + t->shift
	};
	heft_product_reference(p, &t->w, &t->d);
}

static inline void problem_done(struct problem *t)
{
	free(t->weights);
	free(t->x);
	free(t->bias);
	free(t->residual);
	free(t->want);
	free(t->got);
}

/* Packs and runs all tasks: order 0 ascending, 1 descending, 2 mixed. */
static inline void run_all(const struct heft_product *p, const struct heft_product_weights *w,
                           struct heft_product_data d, int order)
{
	const size_t n_packed = p->packed_size / sizeof(float);
	const size_t n_scratch = p->scratch_size / sizeof(float);
	float *packed = room_of(n_packed + GUARD, NAN);
	float *scratch = room_of(n_scratch + GUARD, NAN);
	size_t n_touched = 0;

	ck_assert_uint_eq(p->packed_size % HEFT_PRODUCT_ALIGN, 0);
	ck_assert_uint_eq(p->scratch_size % HEFT_PRODUCT_ALIGN, 0);
	for (size_t i = p->n_pack_tasks; i-- > 0;)
		heft_product_pack(p, w, i, packed);
	d.packed = packed;
	for (size_t i = 0; i < p->n_tasks; i++) {
		size_t task = order == 1 ? p->n_tasks - 1 - i : i;

		if (order == 2 && i < p->n_tasks / 2 * 2)
			task = i ^ 1;
		heft_product_run(p, &d, task, scratch);
	}
	for (size_t i = 0; i < GUARD; i++)
		n_touched += !isnan(packed[n_packed + i]) || !isnan(scratch[n_scratch + i]);
	ck_assert_uint_eq(n_touched, 0);
	free(packed);
	free(scratch);
}

static inline bool has_variant(int i)
{
	static const uint32_t needs[N_VARIANTS] = { 0, HEFT_CPU_AVX2,
		                                    HEFT_CPU_AVX2 | HEFT_CPU_AVX512 };

	return (heft_cpu_bits() & needs[i]) == needs[i];
}

static uint32_t bits_of(int i)
{
	return i == 0 ? 0 : i == 1 ? HEFT_CPU_AVX2 : HEFT_CPU_AVX2 | HEFT_CPU_AVX512;
}

static inline void check_equal(const struct problem *t, int variant)
{
	const size_t n = t->n_y + t->shift + GUARD;

	/* An assertion that holds costs a message, too. */
	for (size_t i = 0; i < n; i++)
		if (memcmp(t->want + i, t->got + i, sizeof(float)) != 0)
			ck_abort_msg("variant %d, element %zu of %zu: %a is not %a", variant, i, n,
			             (double)t->got[i], (double)t->want[i]);
}

/* Over a padded copy of the input, where that is offered. */
static inline void run_widened(const struct problem *t, int variant, struct heft_product_data d)
{
	const struct heft_product *p = &t->p;
	const size_t n_rows = p->n_images * p->in[0] * p->in[1];
	struct heft_product wide;
	size_t before;
	size_t after;
	float *copy;

	if (p->x_ld != p->n_in || !heft_product_widen(p, &wide, &before, &after))
		return;
	copy = room_of(n_rows * wide.in[2] * wide.x_ld, NAN);
	heft_pad_rows(t->x, p->in[2] * p->x_ld, n_rows, p->in[2] * p->n_in, before, after, copy);
	d.x = copy;
	heft_product_init_by(bits_of(variant), &wide);
	ck_assert(wide.is_joined);
	run_all(&wide, &t->w, d, 0);
	check_equal(t, variant);
	free(copy);
}

static inline void check_variants(struct problem *t)
{
	struct heft_product_data d = t->d;

	d.y = t->got + t->shift;
	for (int v = 0; v < N_VARIANTS; v++) {
		struct heft_product p = t->p;

		if (!has_variant(v))
			continue;
		heft_product_init_by(bits_of(v), &p);
		for (int order = 0; order < 3; order++) {
			for (size_t i = 0; i < t->n_y + t->shift + GUARD; i++)
				t->got[i] = 7;
			run_all(&p, &t->w, d, order);
			check_equal(t, v);
			if (p.n_tasks < 2)
				break;
		}
		run_widened(t, v, d);
	}
}

/* What lies behind the input, to tell `out`. */
static inline bool set_out(struct heft_product *p, size_t axis, size_t behind)
{
	const size_t reach = (p->kernel[axis] - 1) * p->dilation[axis] + 1;
	size_t n;

	if (p->is_transposed) {
		n = (p->in[axis] - 1) * p->stride[axis] + reach;
		if (n <= p->pad[axis] + behind)
			return false;
		p->out[axis] = n - p->pad[axis] - behind;
		return true;
	}
	n = p->in[axis] + p->pad[axis] + behind;
	if (n < reach)
		return false;
	p->out[axis] = (n - reach) / p->stride[axis] + 1;
	return true;
}

static inline void set_ends(struct heft_product *p)
{
	p->end.alpha = below(3) ? 1 : 0.3f;
	p->end.activation = (enum heft_activation)below(3);
	p->end.low = -0.5f;
	p->end.high = 1.5f;
}

static inline void set_lds(struct heft_product *p)
{
	p->x_ld = p->n_groups * p->n_in + (below(2) ? 0 : below(20));
	p->y_ld = p->n_groups * p->n_out + (below(2) ? 0 : below(20));
	p->residual_ld = p->n_groups * p->n_out + below(5);
}

/* Axes from `first` on, of random size. */
static inline bool set_random(struct heft_product *p, size_t first)
{
	static const size_t most[3] = { 2, 5, 5 };

	*p = (struct heft_product){ .n_images = 1 + below(2), .is_transposed = below(5) == 0 };
	for (size_t axis = 0; axis < 3; axis++) {
		const bool is_there = axis >= first;

		p->in[axis] = is_there ? 1 + below(9) : 1;
		p->kernel[axis] = is_there ? 1 + below(most[axis]) : 1;
		p->stride[axis] = is_there ? 1 + below(3) : 1;
		p->dilation[axis] = is_there && below(3) == 0 ? 1 + below(3) : 1;
		p->pad[axis] = is_there && below(2) ? below(4) : 0;
		if (!set_out(p, axis, is_there && below(2) ? below(4) : 0))
			return false;
	}
	p->n_groups = below(3) ? 1 : 1 + below(40);
	p->n_in = below(3) ? 1 + below(40 / p->n_groups + 1) : 1;
	p->n_out = below(3) ? 1 + below(80 / p->n_groups + 1) : 1;
	set_ends(p);
	set_lds(p);
	return true;
}

struct layer {
	size_t n_images;
	size_t size;
	size_t kernel;
	size_t stride;
	size_t pad;
	size_t n_groups;
	size_t n_in;
	size_t n_out;
};

static inline void layer_init(const struct layer *l, struct heft_product *p)
{
	*p = (struct heft_product){ .n_images = l->n_images,
		                    .in = { 1, l->size, l->size },
		                    .kernel = { 1, l->kernel, l->kernel },
		                    .stride = { 1, l->stride, l->stride },
		                    .dilation = { 1, 1, 1 },
		                    .pad = { 0, l->pad, l->pad },
		                    .n_groups = l->n_groups,
		                    .n_in = l->n_in,
		                    .n_out = l->n_out,
		                    .end = { .alpha = 1, .activation = HEFT_ACTIVATION_RELU } };
	for (size_t axis = 0; axis < 3; axis++)
		ck_assert(set_out(p, axis, p->pad[axis]));
	p->x_ld = l->n_groups * l->n_in;
	p->y_ld = p->residual_ld = l->n_groups * l->n_out;
}

#endif
