/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_bias_gradient.c - BiasGradient: of the gradient of an image, or of rows, that of what was
 * added to each channel, dimension 1 (spec F7-11). */
#include "base/error.h"
#include "graph/dense.h"
#include "graph/dense_gradient.h"
#include "graph/pixels.h"

/* What infer leaves for forward. */
struct summing {
	struct heft_pixels
		image; /* its pixels behind its channels where is_last, and else planes */
	bool is_last;
	bool is_f64;
	bool moves;
	uint64_t dy_at;
	struct heft_dense_gradient gradient;
};

_Static_assert(sizeof(struct summing) <= HEFT_CALL_STATE, "a gradient is larger than its room");

static enum heft_status plan(struct heft_call *c, struct summing *v, struct heft_error *err)
{
	struct heft_product p;

	heft_product_matrix(&p, v->image.n_images * v->image.n_pixels, 0, v->image.n_channels);
	v->moves = !v->is_last && !heft_pixels_lie_both(&v->image);
	if (v->moves)
		HEFT_TRY(heft_dense_room(&c->scratch_size, c->in[0].n_bytes, &v->dy_at, err));
	return heft_dense_gradient_plan(c, &p, &v->gradient, err);
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct summing *v = (struct summing *)(void *)c->state;
	const struct heft_array *dy = &c->in[0];

	*v = (struct summing){ .is_f64 = dy->dtype == HEFT_DTYPE_F64, .image = { 1, 1, 1 } };
	HEFT_TRY(heft_dense_gradient_check_types(c, err));
	if (dy->rank < 2)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "there are no channels");
	v->image.n_images = dy->dims[0];
	v->image.n_channels = dy->dims[1];
	for (uint32_t i = 2; i < dy->rank; i++)
		v->image.n_pixels *= dy->dims[i];
	v->is_last = heft_call_lies_last(c, dy->rank);
	HEFT_TRY(heft_array_set(&c->out[0], dy->dtype, 1, &v->image.n_channels, err));
	return v->is_f64 ? HEFT_OK : plan(c, v, err);
}

static void forward_f32(const struct heft_call *c, const struct summing *v)
{
	struct heft_weight_gradient_data d = { .x = c->scratch,
		                               .dy = c->in[0].bytes,
		                               .db = c->out[0].bytes };

	if (c->in[0].n_bytes == 0) {
		d.dy = c->scratch;
	} else if (v->moves) {
		float *to = (float *)(void *)((unsigned char *)c->scratch + v->dy_at);

		heft_pixels_from_planes(c, &v->image, c->in[0].bytes, to);
		d.dy = to;
	}
	heft_dense_gradient_run(c, &v->gradient, &d);
}

static void forward(const struct heft_call *c)
{
	const struct summing *v = (const struct summing *)(const void *)c->state;
	const struct heft_pixels *p = &v->image;
	const struct heft_bias_f64 b = { .dy = c->in[0].bytes,
		                         .db = c->out[0].bytes,
		                         .n_images = p->n_images,
		                         .n_pixels = p->n_pixels,
		                         .n_channels = p->n_channels,
		                         .image_step = p->n_channels * p->n_pixels,
		                         .pixel_step = v->is_last ? p->n_channels : 1,
		                         .channel_step = v->is_last ? 1 : p->n_pixels };

	if (p->n_channels == 0)
		return;
	if (v->is_f64)
		heft_bias_f64(c, &b);
	else
		forward_f32(c, v);
}

const struct heft_op heft_op_heft_bias_gradient = {
	.name = "BiasGradient",
	.domain = "heft",
	.flags = HEFT_OP_CHANNELS_LAST | HEFT_OP_INPUTS_LAID,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
