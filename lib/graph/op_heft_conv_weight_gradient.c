/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_conv_weight_gradient.c - ConvWeightGradient: of a convolution's input and of the gradient
 * of its output, the gradient of its weights, and, output 1, of its bias (spec F7-10, F7-11).
 *
 * Attributes are Conv's, but that `pads` are those in front alone; kernel_shape must be there. */
#include "base/error.h"
#include "graph/conv_gradient.h"
#include "graph/dense.h"
#include "graph/dense_gradient.h"
#include "graph/pixels.h"

/* What infer leaves for forward. Places are bytes of scratch. */
struct weighing {
	struct heft_conv_shape shape;
	struct heft_dense_gradient gradient;
	bool is_f64;
	bool moves_x; /* planes become pixels */
	bool moves_dy;
	uint64_t x_at;
	uint64_t dy_at;
};

_Static_assert(sizeof(struct weighing) <= HEFT_CALL_STATE, "a gradient is larger than its room");

static struct heft_pixels pixels_in(const struct heft_conv_shape *s)
{
	return (struct heft_pixels){ s->n_images, s->n_in, heft_conv_shape_volume(s->in) };
}

static struct heft_pixels pixels_out(const struct heft_conv_shape *s)
{
	return (struct heft_pixels){ s->n_images, s->n_out, heft_conv_shape_volume(s->out) };
}

static enum heft_status read_shape(const struct heft_call *c, struct heft_conv_shape *s,
                                   struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *dy = &c->in[1];
	uint32_t n;

	HEFT_TRY(heft_conv_gradient_window(c, x->rank, s, err));
	heft_call_ints(c, "kernel_shape", &n);
	if (dy->rank != x->rank || dy->dims[0] != x->dims[0] || n != s->n_axes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the images, or kernel_shape, do not go together");
	HEFT_TRY(heft_conv_shape_list(c, "kernel_shape", n, 1, s->kernel + 3 - n, err));
	s->n_images = x->dims[0];
	s->n_in = x->dims[1];
	s->n_out = dy->dims[1];
	heft_conv_gradient_axes(s, x, s->in);
	heft_conv_gradient_axes(s, dy, s->out);
	for (uint32_t a = 0; a < 3; a++) {
		if (s->in[a] > INT32_MAX || s->out[a] > INT32_MAX)
			return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
			                 "an image is longer than 2^31 - 1");
	}
	if (s->n_in % s->n_groups != 0 || s->n_out % s->n_groups != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%llu and %llu channels are not cut into %llu groups",
		                 (unsigned long long)s->n_in, (unsigned long long)s->n_out,
		                 (unsigned long long)s->n_groups);
	return HEFT_OK;
}

static enum heft_status set_outputs(struct heft_call *c, const struct heft_conv_shape *s,
                                    struct heft_error *err)
{
	uint64_t dims[HEFT_GRAPH_MAX_RANK] = { s->n_out, s->n_in / s->n_groups };

	for (uint32_t i = 0; i < s->n_axes; i++)
		dims[2 + i] = s->kernel[3 - s->n_axes + i];
	HEFT_TRY(heft_array_set(&c->out[0], c->in[0].dtype, s->n_axes + 2, dims, err));
	if (c->n_out > 1)
		HEFT_TRY(heft_array_set(&c->out[1], c->in[0].dtype, 1, dims, err));
	return HEFT_OK;
}

static enum heft_status plan(struct heft_call *c, struct weighing *v, struct heft_error *err)
{
	const struct heft_conv_shape *s = &v->shape;
	const struct heft_pixels in = pixels_in(s);
	const struct heft_pixels out = pixels_out(s);
	struct heft_product p = { .n_images = s->n_images,
		                  .n_groups = s->n_groups,
		                  .n_in = s->n_in / s->n_groups,
		                  .n_out = s->n_out / s->n_groups,
		                  .x_ld = s->n_in,
		                  .y_ld = s->n_out,
		                  .end = { .alpha = 1 } };

	for (uint32_t a = 0; a < 3; a++) {
		p.in[a] = s->in[a];
		p.out[a] = s->out[a];
		p.kernel[a] = s->kernel[a];
		p.stride[a] = s->stride[a];
		p.dilation[a] = s->dilation[a];
		p.pad[a] = s->pad[a];
	}
	v->moves_x = !c->channels_last && !heft_pixels_lie_both(&in);
	v->moves_dy = !c->channels_last && !heft_pixels_lie_both(&out);
	if (v->moves_x)
		HEFT_TRY(heft_dense_room(&c->scratch_size, c->in[0].n_bytes, &v->x_at, err));
	if (v->moves_dy)
		HEFT_TRY(heft_dense_room(&c->scratch_size, c->in[1].n_bytes, &v->dy_at, err));
	return heft_dense_gradient_plan(c, &p, &v->gradient, err);
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct weighing *v = (struct weighing *)(void *)c->state;

	*v = (struct weighing){ .is_f64 = c->in[0].dtype == HEFT_DTYPE_F64 };
	HEFT_TRY(heft_dense_gradient_check_types(c, err));
	HEFT_TRY(read_shape(c, &v->shape, err));
	HEFT_TRY(set_outputs(c, &v->shape, err));
	c->n_multiply_adds = c->out[0].n_elements * v->shape.n_images *
	                     heft_conv_shape_volume(v->shape.out);
	return v->is_f64 ? HEFT_OK : plan(c, v, err);
}

/* An image as pixels; what is empty is never read, but places are computed from it. */
static const float *laid(const struct heft_call *c, const struct heft_pixels *p, uint32_t i,
                         bool moves, uint64_t at)
{
	float *to = (float *)(void *)((unsigned char *)c->scratch + at);

	if (c->in[i].n_bytes == 0)
		return c->scratch;
	if (!moves)
		return c->in[i].bytes;
	heft_pixels_from_planes(c, p, c->in[i].bytes, to);
	return to;
}

static void forward_f32(const struct heft_call *c, const struct weighing *v)
{
	const struct heft_conv_shape *s = &v->shape;
	const struct heft_pixels in = pixels_in(s);
	const struct heft_pixels out = pixels_out(s);
	const size_t n_taps = heft_conv_shape_volume(s->kernel);
	const size_t n_in = s->n_in / s->n_groups;
	const struct heft_weight_gradient_data d = {
		.x = laid(c, &in, 0, v->moves_x, v->x_at),
		.dy = laid(c, &out, 1, v->moves_dy, v->dy_at),
		.dw = c->out[0].n_bytes > 0 && heft_call_wants(c, 0) ? c->out[0].bytes : NULL,
		.tap_ld = 1,
		.in_ld = n_taps,
		.out_ld = n_taps * n_in,
		.group_ld = n_taps * n_in * (s->n_out / s->n_groups),
		.db = heft_call_wants(c, 1) && c->out[1].n_bytes > 0 ? c->out[1].bytes : NULL,
	};

	heft_dense_gradient_run(c, &v->gradient, &d);
}

static void forward_f64(const struct heft_call *c, const struct weighing *v)
{
	const struct heft_conv_shape *s = &v->shape;
	const uint64_t n_pixels = heft_conv_shape_volume(s->out);
	const struct heft_bias_f64 b = { .dy = c->in[1].bytes,
		                         .db = heft_call_wants(c, 1) ? c->out[1].bytes : NULL,
		                         .n_images = s->n_images,
		                         .n_pixels = n_pixels,
		                         .n_channels = s->n_out,
		                         .image_step = s->n_out * n_pixels,
		                         .pixel_step = c->channels_last ? s->n_out : 1,
		                         .channel_step = c->channels_last ? 1 : n_pixels };

	if (heft_call_wants(c, 0))
		heft_conv_weight_gradient_f64(c, s, c->in[0].bytes, c->in[1].bytes,
		                              c->channels_last, c->out[0].bytes);
	if (b.db)
		heft_bias_f64(c, &b);
}

static void forward(const struct heft_call *c)
{
	const struct weighing *v = (const struct weighing *)(const void *)c->state;

	if (v->is_f64)
		forward_f64(c, v);
	else
		forward_f32(c, v);
}

const struct heft_op heft_op_heft_conv_weight_gradient = {
	.name = "ConvWeightGradient",
	.domain = "heft",
	.flags = HEFT_OP_CHANNELS_LAST | HEFT_OP_INPUTS_LAID | HEFT_OP_WANTS_LAST,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 2,
	.infer = infer,
	.forward = forward,
};
