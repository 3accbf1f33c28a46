/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_global_average_pool_gradient.c - GlobalAveragePoolGradient: each pixel of a map has dy /
 * the number of pixels; `shape` is that of the image. */
#include "base/error.h"
#include "graph/spans.h"

struct maps {
	bool is_last;
	uint64_t n_channels;
	uint64_t n_pixels;
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	struct maps *m = (struct maps *)(void *)c->state;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t n;
	const int64_t *shape = heft_call_ints(c, "shape", &n);

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	if (n < 2 || n > HEFT_GRAPH_MAX_RANK || n != c->in[0].rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'shape' is not that of an image");
	for (uint32_t d = 0; d < n; d++) {
		dims[d] = shape[d] < 0 ? 0 : (uint64_t)shape[d];
		if (c->in[0].dims[d] != (d < 2 ? dims[d] : 1))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the gradient is not one of each map");
	}
	HEFT_TRY(heft_array_set(&c->out[0], c->in[0].dtype, n, dims, err));
	*m = (struct maps){ .is_last = heft_call_lies_last(c, n), .n_channels = dims[1] };
	m->n_pixels = c->in[0].n_elements > 0 ? c->out[0].n_elements / c->in[0].n_elements : 0;
	return HEFT_OK;
}

/* Images where channels lie behind pixels, else maps. */
#define SPREAD(real, type)                                                                    \
	static void spread_##real(const struct heft_call *c, const void *ctx, uint64_t first, \
	                          uint64_t n, uint32_t worker)                                \
	{                                                                                     \
		const struct maps *m = ctx;                                                   \
		const uint64_t n_each = m->is_last ? m->n_channels : 1;                       \
		const type *dy = (const type *)c->in[0].bytes + first * n_each;               \
		type *dx = (type *)c->out[0].bytes + first * n_each * m->n_pixels;            \
		const type n_pixels = (type)m->n_pixels;                                      \
                                                                                              \
		(void)worker;                                                                 \
		for (uint64_t i = 0; i < n; i++, dy += n_each) {                              \
			for (uint64_t p = 0; p < m->n_pixels; p++, dx += n_each) {            \
				for (uint64_t k = 0; k < n_each; k++)                         \
					dx[k] = dy[k] / n_pixels;                             \
			}                                                                     \
		}                                                                             \
	}

SPREAD(f32, float)
SPREAD(f64, double)

static void forward(const struct heft_call *c)
{
	const struct maps *m = (const struct maps *)(const void *)c->state;
	const uint64_t n_images = c->in[0].dims[0];

	if (c->out[0].n_elements > 0)
		heft_spans_run(c, m->is_last ? n_images : n_images * m->n_channels,
		               m->n_pixels * (m->is_last ? m->n_channels : 1),
		               c->in[0].dtype == HEFT_DTYPE_F64 ? spread_f64 : spread_f32, m);
}

const struct heft_op heft_op_heft_global_average_pool_gradient = {
	.name = "GlobalAveragePoolGradient",
	.domain = "heft",
	.flags = HEFT_OP_CHANNELS_LAST | HEFT_OP_ALL_LAID,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
