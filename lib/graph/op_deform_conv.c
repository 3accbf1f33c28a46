/* SPDX-License-Identifier: Apache-2.0 */
/* op_deform_conv.c - DeformConv: a convolution of two dimensions whose taps lie where offsets put
 * them, between pixels (spec F6-29). What the taps read is laid side by side, image by image, and
 * meets the weights in one product. */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/conv_shape.h"
#include "graph/dense.h"
#include "graph/pixels.h"
#include "graph/spans.h"

struct deform {
	struct heft_conv_shape s;
	struct heft_product p; /* of one image */
	uint64_t n_offset_groups;
	bool is_empty;
	bool packs;
	uint64_t x_at; /* one image's pixels */
	uint64_t taps_at;
	uint64_t y_at;
	uint64_t packed_at;
	uint64_t run_at;
};

_Static_assert(sizeof(struct deform) <= HEFT_CALL_STATE, "a convolution is larger than its room");

/* Offsets (one an axis) and masks of each group and tap lie as planes of the output's size. */
static enum heft_status check_planes(const struct heft_call *c, const struct deform *v, uint32_t i,
                                     uint64_t n_each, struct heft_error *err)
{
	const struct heft_array *a = &c->in[i];
	const uint64_t n = v->n_offset_groups * heft_conv_shape_volume(v->s.kernel) * n_each;

	if (!heft_call_has(c, i) ||
	    (a->rank == 4 && a->dims[0] == v->s.n_images && a->dims[1] == n &&
	     a->dims[2] == v->s.out[1] && a->dims[3] == v->s.out[2]))
		return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "input %u is not of %llu planes of the output's size", i,
	                 (unsigned long long)n);
}

static enum heft_status check(struct heft_call *c, struct deform *v, struct heft_error *err)
{
	const int64_t n_groups = heft_call_int(c, "offset_group", 1);

	for (uint32_t i = 0; i < c->n_in; i++) {
		if (heft_call_has(c, i) && c->in[i].dtype != HEFT_DTYPE_F32)
			return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "input %u is %s",
			                 i, heft_dtype_name(c->in[i].dtype));
	}
	if (c->in[0].rank != 4)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "an image has %u dimensions, and only four are computed",
		                 c->in[0].rank);
	HEFT_TRY(heft_conv_shape_read(c, &c->in[0], &c->in[1], false, &v->s, err));
	HEFT_TRY(heft_conv_shape_check_bias(c, &v->s, 3, err));
	HEFT_TRY(heft_conv_shape_set_out(c, &v->s, HEFT_DTYPE_F32, err));
	if (n_groups < 1 || v->s.n_in % (uint64_t)n_groups != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%llu channels are not cut into %lld groups of offsets",
		                 (unsigned long long)v->s.n_in, (long long)n_groups);
	v->n_offset_groups = (uint64_t)n_groups;
	v->is_empty = c->out[0].n_elements == 0;
	if (!v->is_empty && c->in[0].n_elements == 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "the image is empty");
	HEFT_TRY(check_planes(c, v, 2, 2, err));
	return check_planes(c, v, 4, 1, err);
}

/* Taps of a pixel are pixels of an image one high, the window over them as wide as its stride. */
static enum heft_status plan(struct heft_call *c, struct deform *v, struct heft_error *err)
{
	const struct heft_conv_shape *s = &v->s;
	const uint64_t n_pixels = heft_conv_shape_volume(s->out);
	const uint64_t n_taps = heft_conv_shape_volume(s->kernel);
	const uint64_t image = heft_conv_shape_volume(s->in) * s->n_in * sizeof(float);
	uint64_t taps;

	if (!heft_mul_u64(n_pixels, n_taps, &taps) ||
	    !heft_mul_u64(taps, s->n_in * sizeof(float), &taps) || taps > UINT64_C(1) << 60)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "the image is too large");
	heft_product_matrix(&v->p, n_pixels, s->n_in / s->n_groups, s->n_out / s->n_groups);
	v->p.in[2] = n_pixels * n_taps;
	v->p.kernel[2] = n_taps;
	v->p.stride[2] = n_taps;
	v->p.n_groups = s->n_groups;
	v->p.x_ld = s->n_in;
	v->p.y_ld = s->n_out;
	HEFT_TRY(heft_dense_check(&v->p, err));
	heft_product_init_by(c->cpu_bits, &v->p);
	c->packed_size = v->p.packed_size;
	c->n_multiply_adds = c->out[0].n_elements * heft_conv_shape_n_terms(s);
	HEFT_TRY(heft_dense_room(&c->scratch_size, image, &v->x_at, err));
	HEFT_TRY(heft_dense_room(&c->scratch_size, taps, &v->taps_at, err));
	HEFT_TRY(heft_dense_room(&c->scratch_size, n_pixels * s->n_out * sizeof(float), &v->y_at,
	                         err));
	v->packs = !heft_dense_is_constant(c, 1);
	if (v->packs)
		HEFT_TRY(heft_dense_room(&c->scratch_size, v->p.packed_size, &v->packed_at, err));
	return heft_dense_room(&c->scratch_size, heft_dense_scratch(c, &v->p), &v->run_at, err);
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct deform *v = (struct deform *)(void *)c->state;

	*v = (struct deform){ .is_empty = false };
	HEFT_TRY(check(c, v, err));
	return v->is_empty ? HEFT_OK : plan(c, v, err);
}

/* --- forward --- */

struct sampling {
	const struct deform *v;
	const float *x; /* pixels of the image */
	const float *offsets;
	const float *masks;
	float *taps;
};

/* The floor, of what lies between -1 and 2^31. */
static int64_t floor_of(float v)
{
	const int64_t n = (int64_t)v;

	return (float)n > v ? n - 1 : n;
}

/* Corner (y, x), if it is a pixel: `to` gets its values x weight, added. */
static void add_corner(const struct sampling *k, int64_t y, int64_t x, uint64_t channel, uint64_t n,
                       float weight, float *to)
{
	const struct heft_conv_shape *s = &k->v->s;
	const float *from;

	if (y < 0 || x < 0 || (uint64_t)y >= s->in[1] || (uint64_t)x >= s->in[2])
		return;
	from = k->x + ((uint64_t)y * s->in[2] + (uint64_t)x) * s->n_in + channel;
	for (uint64_t i = 0; i < n; i++)
		to[i] += weight * from[i];
}

/* n channels at a point: nothing where it is not within one pixel of the image, NaN included. */
static void sample(const struct sampling *k, float y, float x, uint64_t channel, uint64_t n,
                   float mask, float *to)
{
	const struct heft_conv_shape *s = &k->v->s;
	int64_t top;
	int64_t left;
	float down;
	float right;

	memset(to, 0, n * sizeof *to);
	if (!(y > -1 && x > -1 && y < (float)s->in[1] && x < (float)s->in[2]))
		return;
	top = floor_of(y);
	left = floor_of(x);
	down = y - (float)top;
	right = x - (float)left;
	add_corner(k, top, left, channel, n, (1 - down) * (1 - right), to);
	add_corner(k, top, left + 1, channel, n, (1 - down) * right, to);
	add_corner(k, top + 1, left, channel, n, down * (1 - right), to);
	add_corner(k, top + 1, left + 1, channel, n, down * right, to);
	for (uint64_t i = 0; k->masks && i < n; i++)
		to[i] *= mask;
}

/* Items are pixels of the output. */
static void sample_pixels(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                          uint32_t worker)
{
	const struct sampling *k = ctx;
	const struct heft_conv_shape *s = &k->v->s;
	const uint64_t n_pixels = heft_conv_shape_volume(s->out);
	const uint64_t n_taps = heft_conv_shape_volume(s->kernel);
	const uint64_t n_channels = s->n_in / k->v->n_offset_groups;

	(void)c;
	(void)worker;
	for (uint64_t i = first * n_taps; i < (first + n) * n_taps; i++) {
		const uint64_t pixel = i / n_taps;
		const uint64_t tap = i % n_taps;
		const float y = (float)(int64_t)(pixel / s->out[2] * s->stride[1] +
		                                 tap / s->kernel[2] * s->dilation[1] - s->pad[1]);
		const float x = (float)(int64_t)(pixel % s->out[2] * s->stride[2] +
		                                 tap % s->kernel[2] * s->dilation[2] - s->pad[2]);

		for (uint64_t g = 0; g < k->v->n_offset_groups; g++) {
			const uint64_t plane = g * n_taps + tap;
			const float *offset = k->offsets + 2 * plane * n_pixels + pixel;

			sample(k, y + offset[0], x + offset[n_pixels], g * n_channels, n_channels,
			       k->masks ? k->masks[plane * n_pixels + pixel] : 1,
			       k->taps + i * s->n_in + g * n_channels);
		}
	}
}

static void pack_to(const struct heft_call *c, const struct deform *v, float *packed)
{
	const size_t n_taps = heft_conv_shape_volume(v->s.kernel);
	const struct heft_product_weights w = { .w = c->in[1].bytes,
		                                .group_ld = v->p.n_in * v->p.n_out * n_taps,
		                                .tap_ld = 1,
		                                .in_ld = n_taps,
		                                .out_ld = v->p.n_in * n_taps };

	heft_dense_pack(c, &v->p, &w, packed);
}

static void pack(const struct heft_call *c)
{
	const struct deform *v = (const struct deform *)(const void *)c->state;

	pack_to(c, v, c->packed);
}

static void run_image(const struct heft_call *c, const struct deform *v, uint64_t image,
                      const float *packed)
{
	const struct heft_conv_shape *s = &v->s;
	unsigned char *scratch = c->scratch;
	const struct heft_pixels in = { 1, s->n_in, heft_conv_shape_volume(s->in) };
	const struct heft_pixels out = { 1, s->n_out, heft_conv_shape_volume(s->out) };
	const uint64_t n_taps = heft_conv_shape_volume(s->kernel);
	const uint64_t planes = image * v->n_offset_groups * n_taps * out.n_pixels;
	float *x = (float *)(void *)(scratch + v->x_at);
	const struct sampling k = {
		.v = v,
		.x = x,
		.offsets = (const float *)c->in[2].bytes + 2 * planes,
		.masks = heft_call_has(c, 4) ? (const float *)c->in[4].bytes + planes : NULL,
		.taps = (float *)(void *)(scratch + v->taps_at),
	};
	const struct heft_product_data d = { .x = k.taps,
		                             .packed = packed,
		                             .bias = heft_call_has(c, 3) ? c->in[3].bytes : NULL,
		                             .y = (float *)(void *)(scratch + v->y_at) };

	heft_pixels_from_planes(c, &in,
	                        (const float *)c->in[0].bytes + image * in.n_channels * in.n_pixels,
	                        x);
	heft_spans_run(c, out.n_pixels, 4 * n_taps * s->n_in, sample_pixels, &k);
	heft_dense_run(c, &v->p, &d, scratch + v->run_at);
	heft_planes_from_pixels(c, &out, d.y,
	                        (float *)c->out[0].bytes + image * out.n_channels * out.n_pixels);
}

static void forward(const struct heft_call *c)
{
	const struct deform *v = (const struct deform *)(const void *)c->state;
	float *packed = c->packed;

	if (v->is_empty)
		return;
	if (!packed) {
		packed = (float *)(void *)((unsigned char *)c->scratch + v->packed_at);
		pack_to(c, v, packed);
	}
	for (uint64_t i = 0; i < v->s.n_images; i++)
		run_image(c, v, i, packed);
}

const struct heft_op heft_op_deform_conv = {
	.name = "DeformConv",
	.domain = "",
	.since = 19,
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 5,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.pack = pack,
	.packs = 1 << 1,
};
