/* SPDX-License-Identifier: Apache-2.0 */
/* conv.c - convolutions: the product that they are, and what lies around it in the other layout. */
#include "graph/conv.h"

#include "base/checked.h"
#include "base/error.h"
#include "graph/conv_f64.h"
#include "graph/dense.h"
#include "graph/pixels.h"

/* What infer leaves for forward and pack. Places are bytes of scratch. */
struct conv {
	struct heft_conv_shape shape;
	bool is_empty; /* nothing to compute */
	bool is_f64;
	struct heft_product p;
	struct heft_dense_end end;
	bool moves_in;  /* planes become pixels */
	bool moves_out; /* pixels become planes */
	bool is_wide;   /* rows get zeros on both sides: see heft_product_widen */
	bool packs;     /* in every forward */
	uint64_t before;
	uint64_t after;
	uint64_t x_at;
	uint64_t y_at;
	uint64_t packed_at;
	uint64_t run_at;
};

_Static_assert(sizeof(struct conv) <= HEFT_CALL_STATE, "a convolution is larger than its room");

static struct heft_pixels pixels_in(const struct heft_conv_shape *s)
{
	return (struct heft_pixels){ s->n_images, s->n_in, heft_conv_shape_volume(s->in) };
}

static struct heft_pixels pixels_out(const struct heft_conv_shape *s)
{
	return (struct heft_pixels){ s->n_images, s->n_out, heft_conv_shape_volume(s->out) };
}

static bool has_bias(const struct heft_call *c)
{
	return heft_call_has(c, 2);
}

static bool has_addend(const struct heft_call *c)
{
	return heft_call_has(c, 3);
}

static enum heft_status set_product(const struct heft_call *c, struct conv *v,
                                    struct heft_error *err)
{
	const struct heft_conv_shape *s = &v->shape;
	struct heft_product *p = &v->p;
	struct heft_product wide;
	size_t before;
	size_t after;

	*p = (struct heft_product){ .n_images = s->n_images,
		                    .n_groups = s->n_groups,
		                    .n_in = s->n_in / s->n_groups,
		                    .n_out = s->n_out / s->n_groups,
		                    .x_ld = s->n_in,
		                    .y_ld = s->n_out,
		                    .residual_ld = s->n_out,
		                    .is_transposed = s->is_transposed,
		                    .end = { .alpha = 1 } };
	for (uint32_t a = 0; a < 3; a++) {
		p->in[a] = s->in[a];
		p->out[a] = s->out[a];
		p->kernel[a] = s->kernel[a];
		p->stride[a] = s->stride[a];
		p->dilation[a] = s->dilation[a];
		p->pad[a] = s->pad[a];
	}
	heft_dense_set_end(c, has_bias(c), has_addend(c), &v->end, &p->end);
	if (s->in[2] > 0 && heft_product_widen(p, &wide, &before, &after)) {
		v->is_wide = true;
		v->before = before;
		v->after = after;
		*p = wide;
	}
	HEFT_TRY(heft_dense_check(p, err));
	heft_product_init_by(c->cpu_bits, p);
	return HEFT_OK;
}

/* Floats of the padded copy. */
static bool wide_size(const struct conv *v, uint64_t *n)
{
	const struct heft_conv_shape *s = &v->shape;

	return heft_mul_u64(s->n_images * s->in[0], s->in[1], n) &&
	       heft_mul_u64(*n, v->before + s->in[2] * s->n_in + v->after, n) &&
	       heft_mul_u64(*n, sizeof(float), n);
}

/* The product, and places in scratch: the image and the output as pixels, the weights if they are
 * not constant, what the kernel wants. */
static enum heft_status plan(struct heft_call *c, struct conv *v, struct heft_error *err)
{
	const struct heft_conv_shape *s = &v->shape;
	const struct heft_pixels in = pixels_in(s);
	const struct heft_pixels out = pixels_out(s);
	uint64_t x_size = c->in[0].n_bytes;

	HEFT_TRY(set_product(c, v, err));
	v->moves_in = !c->channels_last && !heft_pixels_lie_both(&in);
	v->moves_out = !c->channels_last && !heft_pixels_lie_both(&out);
	if (v->is_wide && !wide_size(v, &x_size))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the padded image is too large");
	if (v->moves_in || v->is_wide)
		HEFT_TRY(heft_dense_room(&c->scratch_size, x_size, &v->x_at, err));
	if (v->moves_out)
		HEFT_TRY(heft_dense_room(&c->scratch_size, c->out[0].n_bytes, &v->y_at, err));
	v->packs = !heft_dense_is_constant(c, 1);
	if (v->packs)
		HEFT_TRY(heft_dense_room(&c->scratch_size, v->p.packed_size, &v->packed_at, err));
	c->packed_size = v->p.packed_size;
	c->n_multiply_adds = c->out[0].n_elements * heft_conv_shape_n_terms(s);
	return heft_dense_room(&c->scratch_size, heft_dense_scratch(c, &v->p), &v->run_at, err);
}

static enum heft_status check_types(const struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype allowed[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64,
		                                   HEFT_DTYPE_NONE };

	HEFT_TRY(heft_call_check_dtype(c, 0, allowed, err));
	for (uint32_t i = 1; i < c->n_in; i++) {
		if (heft_call_has(c, i) && c->in[i].dtype != c->in[0].dtype)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "input %u is %s and the image %s", i,
			                 heft_dtype_name(c->in[i].dtype),
			                 heft_dtype_name(c->in[0].dtype));
	}
	return HEFT_OK;
}

enum heft_status heft_conv_infer_shape(struct heft_call *c, const struct heft_conv_shape *s,
                                       struct heft_error *err)
{
	struct conv *v = (struct conv *)(void *)c->state;

	*v = (struct conv){ .shape = *s, .is_f64 = c->in[0].dtype == HEFT_DTYPE_F64 };
	HEFT_TRY(heft_conv_shape_check_bias(c, s, 2, err));
	HEFT_TRY(heft_conv_shape_set_out(c, s, c->in[0].dtype, err));
	if (has_addend(c) && !heft_array_same_shape(&c->in[3], &c->out[0]))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "what is added is not of the output's shape");
	v->is_empty = c->out[0].n_elements == 0;
	if (!v->is_empty && s->n_in == 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "the image has no channels");
	if (v->is_f64)
		c->n_multiply_adds = c->out[0].n_elements * heft_conv_shape_n_terms(s);
	return v->is_empty || v->is_f64 ? HEFT_OK : plan(c, v, err);
}

enum heft_status heft_conv_infer(struct heft_call *c, bool is_transposed, struct heft_error *err)
{
	struct heft_conv_shape s;

	HEFT_TRY(check_types(c, err));
	HEFT_TRY(heft_conv_shape_read(c, &c->in[0], &c->in[1], is_transposed, &s, err));
	return heft_conv_infer_shape(c, &s, err);
}

static struct heft_product_weights weights_of(const struct heft_call *c, const struct conv *v)
{
	const struct heft_conv_shape *s = &v->shape;
	const size_t n_taps = heft_conv_shape_volume(s->kernel);

	if (s->is_transposed)
		return (struct heft_product_weights){ .w = c->in[1].bytes,
			                              .group_ld = v->p.n_in * v->p.n_out * n_taps,
			                              .tap_ld = 1,
			                              .in_ld = v->p.n_out * n_taps,
			                              .out_ld = n_taps };
	return (struct heft_product_weights){ .w = c->in[1].bytes,
		                              .group_ld = v->p.n_in * v->p.n_out * n_taps,
		                              .tap_ld = 1,
		                              .in_ld = n_taps,
		                              .out_ld = v->p.n_in * n_taps };
}

void heft_conv_pack(const struct heft_call *c)
{
	const struct conv *v = (const struct conv *)(const void *)c->state;
	const struct heft_product_weights w = weights_of(c, v);

	heft_dense_pack(c, &v->p, &w, c->packed);
}

/* The image as the product reads it. */
static const float *lay_in(const struct heft_call *c, const struct conv *v)
{
	const struct heft_pixels in = pixels_in(&v->shape);
	float *x = (float *)(void *)((unsigned char *)c->scratch + v->x_at);

	if (c->in[0].n_bytes == 0)
		return c->scratch; /* all taps are in the padding, and read zeros */
	if (v->is_wide)
		heft_pixels_padded(c, &in, v->shape.in[2], v->before, v->after, !v->moves_in,
		                   c->in[0].bytes, x);
	else if (v->moves_in)
		heft_pixels_from_planes(c, &in, c->in[0].bytes, x);
	return v->is_wide || v->moves_in ? x : c->in[0].bytes;
}

static void forward_f32(const struct heft_call *c, const struct conv *v)
{
	const struct heft_pixels out = pixels_out(&v->shape);
	unsigned char *scratch = c->scratch;
	struct heft_product_data d = { .y = c->out[0].bytes, .packed = c->packed };

	if (v->packs && !c->packed) {
		const struct heft_product_weights w = weights_of(c, v);
		float *packed = (float *)(void *)(scratch + v->packed_at);

		heft_dense_pack(c, &v->p, &w, packed);
		d.packed = packed;
	}
	d.x = lay_in(c, v);
	d.bias = has_bias(c) ? c->in[2].bytes : NULL;
	d.residual = has_addend(c) ? c->in[3].bytes : NULL;
	heft_dense_take_end(c, &v->end, &d);
	if (v->moves_out) {
		d.y = (float *)(void *)(scratch + v->y_at);
		if (d.residual) {
			heft_pixels_from_planes(c, &out, d.residual, d.y);
			d.residual = d.y;
		}
	}
	heft_dense_run(c, &v->p, &d, scratch + v->run_at);
	if (v->moves_out)
		heft_planes_from_pixels(c, &out, d.y, c->out[0].bytes);
	heft_dense_finish(c, &v->end, out.n_channels, out.n_pixels, c->channels_last);
}

void heft_conv_forward(const struct heft_call *c)
{
	const struct conv *v = (const struct conv *)(const void *)c->state;

	if (v->is_empty)
		return;
	if (v->is_f64)
		heft_conv_f64(c, &v->shape, c->in[0].bytes, c->in[1].bytes,
		              has_bias(c) ? c->in[2].bytes : NULL, c->channels_last,
		              c->out[0].bytes);
	else
		forward_f32(c, v);
}
