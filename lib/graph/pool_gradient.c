/* SPDX-License-Identifier: Apache-2.0 */
/* pool_gradient.c - gradients of MaxPool and AveragePool: a task goes through the windows of a map,
 * or of a few channels of an image, in ascending order, and adds to the pixels that they are made
 * of; so each pixel has its windows added in that order (spec F7-14). */
#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"
#include "graph/pool.h"
#include "graph/spans.h"

#define N_CHANNELS 16 /* of a task, where they lie behind the pixels */

static uint64_t volume(const size_t *axes)
{
	return (uint64_t)axes[0] * axes[1] * axes[2];
}

/* --- one window of n channels that lie side by side --- */

/* Of the first of the greatest: all the gradient. From pixel to pixel it is `step` elements. */
#define MAX_OF(real, type)                                                                         \
	static void max_##real(const struct heft_pooling *p, const struct heft_pool_window *w,     \
	                       const type *x, const type *dy, type *dx, uint64_t step, uint64_t n) \
	{                                                                                          \
		uint64_t place[N_CHANNELS];                                                        \
		type m[N_CHANNELS];                                                                \
		bool is_first = true;                                                              \
                                                                                                   \
		HEFT_POOL_EACH_TAP(p, w, at, {                                                     \
			const type *v = x + at * step;                                             \
                                                                                                   \
			for (uint64_t k = 0; k < n; k++) {                                         \
				const bool is_it = is_first || v[k] > m[k] ||                      \
				                   (v[k] != v[k] && m[k] == m[k]);                 \
                                                                                                   \
				m[k] = is_it ? v[k] : m[k];                                        \
				place[k] = is_it ? at : place[k];                                  \
			}                                                                          \
			is_first = false;                                                          \
		})                                                                                 \
		for (uint64_t k = 0; k < n && !is_first; k++)                                      \
			dx[place[k] * step + k] += dy[k];                                          \
	}                                                                                          \
                                                                                                   \
	static void average_##real(const struct heft_pooling *p, const struct heft_pool_window *w, \
	                           const type *dy, type *dx, uint64_t step, uint64_t n)            \
	{                                                                                          \
		type part[N_CHANNELS];                                                             \
                                                                                                   \
		for (uint64_t k = 0; k < n; k++)                                                   \
			part[k] = dy[k] / (type)w->n_counted;                                      \
		HEFT_POOL_EACH_TAP(p, w, at, {                                                     \
			for (uint64_t k = 0; k < n; k++)                                           \
				dx[at * step + k] += part[k];                                      \
		})                                                                                 \
	}                                                                                          \
                                                                                                   \
	/* All windows of n channels, of one image. */                                             \
	static void windows_##real(const struct heft_pool *pool, const type *x, const type *dy,    \
	                           type *dx, uint64_t step, uint64_t n)                            \
	{                                                                                          \
		const struct heft_pooling *p = &pool->window;                                      \
		struct heft_pool_window w = { .power = 1 };                                        \
		uint64_t o[3];                                                                     \
                                                                                                   \
		for (uint64_t i = 0; i < volume(p->in); i++)                                       \
			memset(dx + i * step, 0, n * sizeof *dx);                                  \
		for (uint64_t i = 0; i < volume(p->out); i++) {                                    \
			o[0] = i / p->out[2] / p->out[1];                                          \
			o[1] = i / p->out[2] % p->out[1];                                          \
			o[2] = i % p->out[2];                                                      \
			for (int a = 0; a < 3; a++)                                                \
				heft_pool_window_set(p, &w, a, o[a]);                              \
			w.n_counted = heft_pool_window_count(p, &w, o);                            \
			if (pool->kind == HEFT_POOL_MAX)                                           \
				max_##real(p, &w, x, dy + i * step, dx, step, n);                  \
			else                                                                       \
				average_##real(p, &w, dy + i * step, dx, step, n);                 \
		}                                                                                  \
	}

MAX_OF(f32, float)
MAX_OF(f64, double)

/* --- tasks --- */

/* Blocks of channels of an image; one is a map where maps lie apart. */
static uint64_t n_blocks(const struct heft_pool *p)
{
	return p->is_last ? (p->n_channels + N_CHANNELS - 1) / N_CHANNELS : p->n_channels;
}

static void run_blocks(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct heft_pool *p = ctx;
	const bool is_f64 = c->in[0].dtype == HEFT_DTYPE_F64;
	const uint64_t size = is_f64 ? sizeof(double) : sizeof(float);
	const uint64_t step = p->is_last ? p->n_channels : 1;
	const uint8_t *x = c->n_in > 1 ? c->in[1].bytes : NULL;

	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const uint64_t image = i / n_blocks(p) * p->n_channels;
		const uint64_t channel = i % n_blocks(p) * (p->is_last ? N_CHANNELS : 1);
		const uint64_t left = p->is_last ? p->n_channels - channel : 1;
		const uint64_t n_in = volume(p->window.in);
		const uint64_t n_out = volume(p->window.out);
		const uint64_t in = image * n_in + channel * (p->is_last ? 1 : n_in);
		const uint64_t out = image * n_out + channel * (p->is_last ? 1 : n_out);
		const uint64_t n_now = left < N_CHANNELS ? left : N_CHANNELS;
		const uint8_t *dy = (const uint8_t *)c->in[0].bytes + out * size;
		uint8_t *dx = (uint8_t *)c->out[0].bytes + in * size;
		const uint8_t *from = x ? x + in * size : NULL;

		if (is_f64)
			windows_f64(p, (const double *)(const void *)from,
			            (const double *)(const void *)dy, (double *)(void *)dx, step,
			            n_now);
		else
			windows_f32(p, (const float *)(const void *)from,
			            (const float *)(const void *)dy, (float *)(void *)dx, step,
			            n_now);
	}
}

void heft_pool_gradient_forward(const struct heft_call *c)
{
	const struct heft_pool *p = (const struct heft_pool *)c->state;

	if (c->out[0].n_elements > 0)
		heft_spans_run(c, p->n_images * n_blocks(p),
		               2 * volume(p->window.in) * (p->is_last ? N_CHANNELS : 1), run_blocks,
		               p);
}

/* --- the operators --- */

enum heft_status heft_pool_gradient_infer(struct heft_call *c, enum heft_pool_kind kind,
                                          struct heft_error *err)
{
	struct heft_call forward = *c;
	struct heft_array x = { 0 };
	struct heft_array y = { 0 };
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t n;
	const int64_t *shape = heft_call_ints(c, "shape", &n);

	if (n > HEFT_GRAPH_MAX_RANK || n != c->in[0].rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'shape' is not that of the input");
	for (uint32_t d = 0; d < n; d++) {
		if (shape[d] < 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "size %lld",
			                 (long long)shape[d]);
		dims[d] = (uint64_t)shape[d];
	}
	HEFT_TRY(heft_array_set(&x, c->in[0].dtype, n, dims, err));
	forward.in = &x;
	forward.out = &y;
	forward.n_in = 1;
	HEFT_TRY(heft_pool_infer(&forward, kind, false, err));
	((struct heft_pool *)forward.state)->window.counts_padding =
		heft_call_int(c, "count_include_pad", 0) != 0;
	if (!heft_array_same_shape(&y, &c->in[0]) ||
	    (kind == HEFT_POOL_MAX &&
	     (c->in[1].dtype != c->in[0].dtype || !heft_array_same_shape(&x, &c->in[1]))))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the gradient is not of the output's shape");
	memcpy(c->state, forward.state, sizeof c->state);
	return heft_array_set(&c->out[0], x.dtype, n, dims, err);
}

void heft_pool_backward(const struct heft_call *c, struct heft_gradient *g,
                        enum heft_pool_kind kind)
{
	const bool is_max = kind == HEFT_POOL_MAX;
	int64_t shape[HEFT_GRAPH_MAX_RANK];
	struct heft_emit e = {
		.type = is_max ? "heft.MaxPoolGradient" : "heft.AveragePoolGradient",
		.opset = c->opset,
		.n_in = is_max ? 2 : 1,
		.in = { heft_gradient_of(g, 0), heft_gradient_in(g, 0) },
		.n_attrs = 1,
		.same = &c->attrs,
	};

	for (uint32_t d = 0; d < c->in[0].rank; d++)
		shape[d] = (int64_t)c->in[0].dims[d];
	e.attrs[0] = heft_attr_ints("shape", shape, c->in[0].rank);
	heft_give(g, 0, heft_emit(g, &e));
}
