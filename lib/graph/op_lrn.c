/* SPDX-License-Identifier: Apache-2.0 */
/* op_lrn.c - LRN: each element over a power of the squares of its neighbours in other channels
 * (spec F3-9). */
#include "base/error.h"
#include "graph/normal.h"
#include "graph/spans.h"
#include "kernel/elementary.h"
#include "kernel/norm.h"

/* Pixels of a plane that are worked on together. */
#define N_TOGETHER 256

struct plan {
	struct heft_normal_plan images;
	uint64_t n_near; /* channels that are looked at */
	float alpha;
	float beta;
	float bias;
};
_Static_assert(sizeof(struct plan) <= HEFT_CALL_STATE, "the plan is kept in the state");

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct plan *p = (struct plan *)c->state;
	const int64_t size = heft_call_int(c, "size", 0);

	if (size <= 0 || size > INT32_MAX)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "size is %lld",
		                 (long long)size);
	HEFT_TRY(heft_normal_set(&p->images, c, err));
	p->n_near = (uint64_t)size;
	p->alpha = heft_call_float(c, "alpha", 1e-4f);
	p->beta = heft_call_float(c, "beta", 0.75f);
	p->bias = heft_call_float(c, "bias", 1.0f);
	return heft_array_set(&c->out[0], c->in[0].dtype, c->in[0].rank, c->in[0].dims, err);
}

/* Channels [*first, *end) are those near channel k. */
static void set_near(const struct plan *p, uint64_t k, uint64_t *first, uint64_t *end)
{
	const uint64_t n_before = (p->n_near - 1) / 2;
	const uint64_t n_channels = p->images.normal.n_channels;

	*first = k < n_before ? 0 : k - n_before;
	*end = k - n_before + p->n_near; /* k + those behind + 1 */
	if (*end > n_channels)
		*end = n_channels;
}

static void run_pixels(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct plan *p = ctx;
	const size_t n_channels = (size_t)p->images.normal.n_channels;
	const float *x = (const float *)c->in[0].bytes + first * n_channels;
	float *y = (float *)c->out[0].bytes + first * n_channels;

	(void)worker;
	for (uint64_t i = 0; i < n; i++)
		heft_lrn_f32_by(c->cpu_bits, y + i * n_channels, x + i * n_channels, n_channels, 1,
		                (size_t)p->n_near, p->alpha, p->beta, p->bias);
}

/* Pixels [at, at + n) of plane k of an image; the sum of each in the order of heft_lrn_f32_by. */
static void some_pixels(const struct heft_call *c, const struct plan *p, float *y, const float *x,
                        uint64_t k, uint64_t at, uint64_t n)
{
	const uint64_t n_pixels = p->images.normal.n_pixels;
	const float share = p->alpha / (float)p->n_near;
	float power[N_TOGETHER] = { 0 };
	float betas[N_TOGETHER];
	uint64_t first;
	uint64_t end;

	set_near(p, k, &first, &end);
	for (uint64_t j = first; j < end; j++) {
		const float *near = x + j * n_pixels + at;

		for (uint64_t i = 0; i < n; i++)
			power[i] += near[i] * near[i];
	}
	for (uint64_t i = 0; i < n; i++) {
		power[i] = p->bias + share * power[i];
		betas[i] = p->beta;
	}
	heft_pow_f32_by(c->cpu_bits, power, power, betas, (size_t)n);
	for (uint64_t i = 0; i < n; i++)
		y[k * n_pixels + at + i] = x[k * n_pixels + at + i] / power[i];
}

static void run_planes(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct plan *p = ctx;
	const struct heft_normal *m = &p->images.normal;

	(void)worker;
	for (uint64_t plane = first; plane < first + n; plane++) {
		const uint64_t image = plane / m->n_channels * m->n_channels * m->n_pixels;

		for (uint64_t at = 0; at < m->n_pixels; at += N_TOGETHER) {
			const uint64_t left = m->n_pixels - at;

			some_pixels(c, p, (float *)c->out[0].bytes + image,
			            (const float *)c->in[0].bytes + image, plane % m->n_channels,
			            at, left < N_TOGETHER ? left : N_TOGETHER);
		}
	}
}

static void run_f64(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                    uint32_t worker)
{
	const struct plan *p = ctx;
	const struct heft_normal *m = &p->images.normal;
	const uint64_t step = m->is_last ? 1 : m->n_pixels;
	const double share = (double)p->alpha / (double)p->n_near;
	const double beta = (double)p->beta;

	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const double *x = (const double *)c->in[0].bytes + i;
		const uint64_t k = i / step % m->n_channels;
		double power = 0;
		uint64_t near;
		uint64_t end;

		set_near(p, k, &near, &end);
		for (; near < end; near++) {
			const double v = near < k ? x[-(ptrdiff_t)((k - near) * step)]
			                          : x[(near - k) * step];

			power += v * v;
		}
		power = (double)p->bias + share * power;
		heft_pow_f64_by(c->cpu_bits, &power, &power, &beta, 1);
		((double *)c->out[0].bytes)[i] = *x / power;
	}
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)c->state;
	const struct heft_normal *m = &p->images.normal;
	const uint64_t n_near = p->n_near < m->n_channels ? p->n_near : m->n_channels;

	if (c->out[0].n_elements == 0)
		return;
	if (m->dtype == HEFT_DTYPE_F64)
		heft_spans_run(c, c->out[0].n_elements, n_near, run_f64, p);
	else if (m->is_last)
		heft_spans_run(c, m->n_images * m->n_pixels, m->n_channels * (4 + n_near),
		               run_pixels, p);
	else
		heft_spans_run(c, m->n_images * m->n_channels, m->n_pixels * (4 + n_near),
		               run_planes, p);
}

const struct heft_op heft_op_lrn = {
	.name = "LRN",
	.domain = "",
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
