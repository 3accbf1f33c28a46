/* SPDX-License-Identifier: Apache-2.0 */
/* op_max_roi_pool.c - MaxRoiPool: the greatest of each cell of a grid laid over regions of images
 * (spec F6-48). A region of an image that is not there gives +0. */
#include <math.h>

#include "base/error.h"
#include "graph/spans.h"

struct plan {
	uint64_t n_images;
	uint64_t n_channels;
	uint64_t in[2];
	uint64_t out[2];
	float scale;
};

/* One region: its image, and its beginning and size along height and width. */
struct region {
	uint64_t image;
	int64_t from[2];
	float cell[2];
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_NONE };
	struct plan *p = (struct plan *)c->state;
	const struct heft_array *x = &c->in[0];
	const struct heft_array *regions = &c->in[1];
	uint64_t dims[4];
	uint32_t n;
	const int64_t *shape = heft_call_ints(c, "pooled_shape", &n);

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	HEFT_TRY(heft_call_check_dtype(c, 1, floats, err));
	if (x->rank != 4 || regions->rank != 2 || regions->dims[1] != 5)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the inputs are not images and rows of five numbers");
	if (n != 2 || shape[0] < 1 || shape[1] < 1 || shape[0] > INT32_MAX || shape[1] > INT32_MAX)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "pooled_shape is not two sizes");
	p->n_images = x->dims[0];
	p->n_channels = x->dims[1];
	p->scale = heft_call_float(c, "spatial_scale", 1.0f);
	dims[0] = regions->dims[0];
	dims[1] = p->n_channels;
	for (uint32_t a = 0; a < 2; a++) {
		p->in[a] = x->dims[2 + a];
		p->out[a] = dims[2 + a] = (uint64_t)shape[a];
	}
	return heft_array_set(&c->out[0], x->dtype, 4, dims, err);
}

/* An integer at most 2^30 from 0, NaN 0: the nearest, halves away from 0. */
static int64_t nearest(float v)
{
	const float most = 0x1p30f;

	if (v != v)
		return 0;
	if (v > most || v < -most)
		return v > 0.0f ? (int64_t)most : -(int64_t)most;
	return v < 0.0f ? -(int64_t)((double)-v + 0.5) : (int64_t)((double)v + 0.5);
}

static bool set_region(const struct plan *p, struct region *r, const float *given)
{
	const int64_t image = given[0] < 0.0f ? -1 : nearest(given[0]);

	for (int a = 0; a < 2; a++) {
		const int64_t from = nearest(given[2 - a] * p->scale);
		const int64_t to = nearest(given[4 - a] * p->scale);
		const int64_t size = to - from + 1 > 1 ? to - from + 1 : 1;

		r->from[a] = from;
		r->cell[a] = (float)size / (float)p->out[a];
	}
	r->image = (uint64_t)image;
	return image >= 0 && r->image < p->n_images;
}

/* Pixels [*from, *to) of cell o along an axis. */
static void set_cell(const struct plan *p, const struct region *r, int a, uint64_t o, int64_t *from,
                     int64_t *to)
{
	const int64_t most = (int64_t)p->in[a];
	const float begin = (float)o * r->cell[a];
	const float end = (float)(o + 1) * r->cell[a];
	const int64_t end_below = (int64_t)end;

	*from = (int64_t)begin + r->from[a];
	*to = end_below + ((float)end_below < end ? 1 : 0) + r->from[a];
	*from = *from < 0 ? 0 : *from > most ? most : *from;
	*to = *to < 0 ? 0 : *to > most ? most : *to;
}

static void pool_plane(const struct plan *p, const struct region *r, const float *x, float *y)
{
	for (uint64_t oh = 0; oh < p->out[0]; oh++)
		for (uint64_t ow = 0; ow < p->out[1]; ow++) {
			int64_t h[2];
			int64_t w[2];
			float m = 0.0f;

			set_cell(p, r, 0, oh, &h[0], &h[1]);
			set_cell(p, r, 1, ow, &w[0], &w[1]);
			if (h[0] < h[1] && w[0] < w[1])
				m = x[(uint64_t)h[0] * p->in[1] + (uint64_t)w[0]];
			for (int64_t i = h[0]; i < h[1]; i++)
				for (int64_t j = w[0]; j < w[1]; j++) {
					const float v = x[(uint64_t)i * p->in[1] + (uint64_t)j];

					if (v > m || (v != v && m == m))
						m = v;
				}
			y[oh * p->out[1] + ow] = m;
		}
}

static void run_planes(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct plan *p = ctx;
	const uint64_t n_in = p->in[0] * p->in[1];
	const uint64_t n_out = p->out[0] * p->out[1];

	(void)worker;
	for (uint64_t plane = first; plane < first + n; plane++) {
		const float *given = (const float *)c->in[1].bytes + plane / p->n_channels * 5;
		const uint64_t channel = plane % p->n_channels;
		float *y = (float *)c->out[0].bytes + plane * n_out;
		const float *x = c->in[0].bytes;
		struct region r;

		if (set_region(p, &r, given)) {
			if (n_in > 0)
				x += (r.image * p->n_channels + channel) * n_in;
			pool_plane(p, &r, x, y);
		} else {
			for (uint64_t i = 0; i < n_out; i++)
				y[i] = 0.0f;
		}
	}
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)c->state;

	if (c->out[0].n_elements > 0)
		heft_spans_run(c, c->in[1].dims[0] * p->n_channels, p->in[0] * p->in[1], run_planes,
		               p);
}

const struct heft_op heft_op_max_roi_pool = {
	.name = "MaxRoiPool",
	.domain = "",
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
