/* SPDX-License-Identifier: Apache-2.0 */
/* op_batch_normalization.c - BatchNormalization: a channel times one number plus another (spec
 * F3-6); in training by the batch's own statistics, which move the running ones (F6-42). */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"
#include "graph/normal.h"
#include "graph/spans.h"
#include "kernel/norm.h"

/* Elements whose end is done while they are in the cache. */
#define N_AT_ONCE 4096

struct plan {
	struct heft_normal_plan stats;
	bool is_training;
	uint64_t factors_size; /* bytes of one factor of all channels, rounded up */
};
_Static_assert(sizeof(struct plan) <= HEFT_CALL_STATE, "the plan is kept in the state");

/* Opset 14 says it; before, training is what asks for more than the first output, but for the
 * is_test of opsets below 7. */
static bool is_training(const struct heft_call *c)
{
	if (c->opset >= 14)
		return heft_call_int(c, "training_mode", 0) != 0;
	return c->n_out > 1 && !(c->opset < 7 && heft_call_int(c, "is_test", 0) != 0);
}

/* Over images and pixels, as they lie. */
static uint64_t set_statistics(struct heft_normal_plan *stats)
{
	const struct heft_normal *m = &stats->normal;
	const uint64_t by_pixels[] = { 1, m->n_images * m->n_pixels, m->n_channels };
	const uint64_t by_planes[] = { m->n_images, m->n_channels, m->n_pixels };

	return heft_normal_set_mean(stats, m->is_last ? by_pixels : by_planes, !m->is_last);
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct plan *p = (struct plan *)c->state;
	struct heft_normal *m = &p->stats.normal;
	const struct heft_array *x = &c->in[0];

	HEFT_TRY(heft_normal_set(&p->stats, c, err));
	for (uint32_t i = 1; i <= 4; i++)
		HEFT_TRY(heft_normal_check_list(c, i, m->n_channels, err));
	if (c->opset < 9 && heft_call_int(c, "spatial", 1) == 0 && m->n_pixels != 1)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "statistics of every pixel (spatial 0) are not computed");
	m->is_last = m->is_last || m->n_pixels == 1;
	p->is_training = is_training(c);
	p->factors_size = (m->n_channels * heft_element_size(m->dtype) + 63) / 64 * 64;
	c->scratch_size = 2 * p->factors_size;
	c->may_overwrite = 1;
	if (!p->is_training)
		c->packed_size = 2 * p->factors_size;
	else if (x->n_elements == 0 && m->n_channels > 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a batch of nothing has no statistics");
	else
		c->scratch_size += set_statistics(&p->stats);
	for (uint32_t i = 1; i < c->n_out; i++)
		HEFT_TRY(heft_array_set(&c->out[i], m->dtype, 1, &m->n_channels, err));
	return heft_array_set(&c->out[0], m->dtype, x->rank, x->dims, err);
}

/* --- the factors of every channel: a, then b --- */

static void set_factors(const struct heft_call *c, const struct plan *p, const void *mean,
                        const void *variance, void *factors)
{
	const struct heft_normal *m = &p->stats.normal;
	const float epsilon = p->stats.epsilon;
	const double *scale = c->in[1].bytes;
	const double *shift = c->in[2].bytes;
	double *a = factors;
	double *b = (double *)((uint8_t *)factors + p->factors_size);

	if (m->dtype == HEFT_DTYPE_F32) {
		heft_batch_norm_factors_f32_by(c->cpu_bits, factors,
		                               (float *)((uint8_t *)factors + p->factors_size),
		                               c->in[1].bytes, c->in[2].bytes, mean, variance,
		                               (size_t)m->n_channels, epsilon);
		return;
	}
	for (uint64_t k = 0; k < m->n_channels; k++) {
		a[k] = scale[k] / sqrt(((const double *)variance)[k] + (double)epsilon);
		b[k] = shift[k] - ((const double *)mean)[k] * a[k];
	}
}

static void pack(const struct heft_call *c)
{
	set_factors(c, (const struct plan *)c->state, c->in[3].bytes, c->in[4].bytes, c->packed);
}

/* --- the work --- */

struct job {
	const struct heft_normal *m;
	const void *a;
	const void *b;
	const float *x;
	const float *residual; /* NULL */
	float *y;
	bool has_end;
};

static void end(const struct heft_call_end *e, float *y, const float *residual, uint64_t n)
{
	if (residual) {
		for (uint64_t i = 0; i < n; i++)
			y[i] += residual[i];
	}
	if (e->activation == HEFT_ACTIVATION_RELU) {
		for (uint64_t i = 0; i < n; i++)
			y[i] = y[i] < 0.0f ? 0.0f : y[i];
	} else if (e->activation == HEFT_ACTIVATION_CLIP) {
		for (uint64_t i = 0; i < n; i++) {
			const float v = y[i] < e->low ? e->low : y[i];

			y[i] = v > e->high ? e->high : v;
		}
	}
}

static void run_planes(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct job *job = ctx;
	const struct heft_normal *m = job->m;

	(void)worker;
	for (uint64_t plane = first; plane < first + n; plane++) {
		const uint64_t k = plane % m->n_channels;
		const float a = ((const float *)job->a)[k];
		const float b = ((const float *)job->b)[k];

		for (uint64_t i = 0; i < m->n_pixels; i += N_AT_ONCE) {
			const uint64_t left = m->n_pixels - i;
			const uint64_t n_now = left < N_AT_ONCE ? left : N_AT_ONCE;
			const uint64_t at = plane * m->n_pixels + i;

			heft_scale_shift_evenly_f32_by(c->cpu_bits, job->y + at, job->x + at,
			                               (size_t)n_now, a, b);
			if (job->has_end)
				end(&c->end, job->y + at, job->residual ? job->residual + at : NULL,
				    n_now);
		}
	}
}

static void run_pixels(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct job *job = ctx;
	const uint64_t n_channels = job->m->n_channels;

	(void)worker;
	for (uint64_t pixel = first; pixel < first + n; pixel++) {
		const uint64_t at = pixel * n_channels;

		heft_scale_shift_f32_by(c->cpu_bits, job->y + at, job->x + at, (size_t)n_channels,
		                        job->a, job->b);
		if (job->has_end)
			end(&c->end, job->y + at, job->residual ? job->residual + at : NULL,
			    n_channels);
	}
}

static void run_f64(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                    uint32_t worker)
{
	const struct job *job = ctx;
	const struct heft_normal *m = job->m;
	const double *x = c->in[0].bytes;
	double *y = c->out[0].bytes;

	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const uint64_t k = (m->is_last ? i : i / m->n_pixels) % m->n_channels;

		y[i] = fma(x[i], ((const double *)job->a)[k], ((const double *)job->b)[k]);
	}
}

/* running = running momentum + of the batch (1 - momentum), each rounded. */
static void move(const struct heft_call *c, uint32_t out, const struct heft_array *running,
                 const void *batch)
{
	const float keep = heft_call_float(c, "momentum", 0.9f);
	const struct heft_array *y = &c->out[out];

	for (uint64_t k = 0; k < y->n_elements; k++) {
		if (y->dtype == HEFT_DTYPE_F32)
			((float *)y->bytes)[k] = ((const float *)running->bytes)[k] * keep +
			                         ((const float *)batch)[k] * (1.0f - keep);
		else
			((double *)y->bytes)[k] = ((const double *)running->bytes)[k] *
			                                  (double)keep +
			                          ((const double *)batch)[k] *
			                                  (double)(1.0f - keep);
	}
}

static void store_statistics(const struct heft_call *c, bool is_of_batch, const void *mean,
                             const void *variance)
{
	const void *const batch[] = { mean, variance };

	for (uint32_t i = 1; i < c->n_out; i++) {
		const struct heft_array *running = &c->in[i % 2 == 1 ? 3 : 4];

		if (!heft_call_wants(c, i) || c->out[i].n_bytes == 0)
			continue;
		if (!is_of_batch)
			memcpy(c->out[i].bytes, running->bytes, (size_t)c->out[i].n_bytes);
		else if (i <= 2)
			move(c, i, running, batch[i - 1]);
		else
			memcpy(c->out[i].bytes, batch[i - 3], (size_t)c->out[i].n_bytes);
	}
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)c->state;
	const struct heft_normal *m = &p->stats.normal;
	uint8_t *factors = c->packed ? c->packed : c->scratch;
	uint8_t *mean = (uint8_t *)c->scratch + 2 * p->factors_size;
	const struct job job = {
		.m = m,
		.a = factors,
		.b = factors + p->factors_size,
		.x = c->in[0].bytes,
		.y = c->out[0].bytes,
		.residual = c->end.residual ? c->end.residual->bytes : NULL,
		.has_end = c->end.residual || c->end.activation != HEFT_ACTIVATION_NONE,
	};

	if (p->is_training) {
		heft_normal_stats(c, &p->stats, mean);
		set_factors(c, p, mean, mean + p->stats.stats_size, factors);
		store_statistics(c, true, mean, mean + p->stats.stats_size);
	} else {
		if (!c->packed)
			set_factors(c, p, c->in[3].bytes, c->in[4].bytes, factors);
		store_statistics(c, false, NULL, NULL);
	}
	if (!heft_call_wants(c, 0))
		return;
	if (m->dtype == HEFT_DTYPE_F64)
		heft_spans_run(c, c->out[0].n_elements, 1, run_f64, &job);
	else if (m->is_last)
		heft_spans_run(c, m->n_images * m->n_pixels, m->n_channels, run_pixels, &job);
	else
		heft_spans_run(c, m->n_images * m->n_channels, m->n_pixels, run_planes, &job);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	if (is_training(c))
		heft_batch_statistics_backward(c, g);
	else if (heft_gradient_wants(g, 3) || heft_gradient_wants(g, 4))
		heft_gradient_block(g, "its mean and variance are not trained");
	else
		heft_batch_backward(c, g);
}

const struct heft_op heft_op_batch_normalization = {
	.name = "BatchNormalization",
	.domain = "",
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST | HEFT_OP_ENDS,
	.min_in = 5,
	.max_in = 5,
	.min_out = 1,
	.max_out = 5,
	.infer = infer,
	.forward = forward,
	.backward = backward,
	.pack = pack,
	.packs = 0x1e,
};
