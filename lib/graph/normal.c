/* SPDX-License-Identifier: Apache-2.0 */
/* normal.c - normalisation of rows, and of channels. */
#include "graph/normal.h"

#include <math.h>

#include "base/error.h"
#include "graph/spans.h"
#include "kernel/norm.h"

/* --- rows --- */

void heft_normal_row_f32(uint32_t cpu_bits, float *y, const float *x, size_t n, float epsilon,
                         const float *scale, const float *shift, float *mean, float *inverse)
{
	float m;
	float d;

	heft_mean_variance_f32_by(cpu_bits, x, n, &m, &d);
	heft_norm_divisors_f32_by(cpu_bits, &d, &d, 1, epsilon);
	if (y)
		heft_normalise_f32_by(cpu_bits, y, x, n, m, d, scale, shift);
	if (mean)
		*mean = m;
	if (inverse)
		*inverse = 1.0f / d;
}

void heft_rms_row_f32(uint32_t cpu_bits, float *y, const float *x, size_t n, float epsilon,
                      const float *scale, float *inverse)
{
	if (inverse) {
		const float sum = heft_sum_f32_by(cpu_bits, HEFT_TERM_SQUARE, 0, x, n);

		*inverse = 1.0f / sqrtf(sum / (float)n + epsilon);
	}
	if (y)
		heft_rms_norm_f32_by(cpu_bits, y, x, n, epsilon, scale);
}

static void normalise_f64(double *y, const double *x, size_t n, double mean, double d,
                          const double *scale, const double *shift)
{
	for (size_t i = 0; i < n; i++) {
		double v = (x[i] - mean) / d;

		if (scale)
			v *= scale[i];
		if (shift)
			v += shift[i];
		y[i] = v;
	}
}

void heft_normal_row_f64(uint32_t cpu_bits, double *y, const double *x, size_t n, float epsilon,
                         const double *scale, const double *shift, double *mean, double *inverse)
{
	const double m = heft_sum_f64_by(cpu_bits, HEFT_TERM_VALUE, 0, x, n) / (double)n;
	const double sum = heft_sum_f64_by(cpu_bits, HEFT_TERM_DEVIATION, m, x, n);
	const double d = sqrt(sum / (double)n + (double)epsilon);

	if (y)
		normalise_f64(y, x, n, m, d, scale, shift);
	if (mean)
		*mean = m;
	if (inverse)
		*inverse = 1.0 / d;
}

void heft_rms_row_f64(uint32_t cpu_bits, double *y, const double *x, size_t n, float epsilon,
                      const double *scale, double *inverse)
{
	const double sum = heft_sum_f64_by(cpu_bits, HEFT_TERM_SQUARE, 0, x, n);
	const double d = sqrt(sum / (double)n + (double)epsilon);

	if (inverse)
		*inverse = 1.0 / d;
	for (size_t i = 0; y && i < n; i++)
		y[i] = scale ? x[i] / d * scale[i] : x[i] / d;
}

/* --- channels --- */

struct job {
	const struct heft_normal *m;
	const void *x;
	void *y;
};

void heft_normal_divisors(uint32_t cpu_bits, enum heft_dtype dtype, void *variance, uint64_t n,
                          float epsilon)
{
	double *v = variance;

	if (dtype == HEFT_DTYPE_F32) {
		heft_norm_divisors_f32_by(cpu_bits, variance, variance, (size_t)n, epsilon);
		return;
	}
	for (uint64_t i = 0; i < n; i++)
		v[i] = sqrt(v[i] + (double)epsilon);
}

static void plane_f64(const struct heft_normal *m, double *y, const double *x, uint64_t stat,
                      uint64_t scaled)
{
	const double mean = ((const double *)m->mean)[stat];
	const double d = ((const double *)m->divisor)[stat];

	for (uint64_t i = 0; i < m->n_pixels; i++) {
		double v = (x[i] - mean) / d;

		if (m->scale)
			v = v * ((const double *)m->scale)[scaled] +
			    ((const double *)m->shift)[scaled];
		y[i] = v;
	}
}

static void run_planes(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct job *job = ctx;
	const struct heft_normal *m = job->m;

	(void)worker;
	for (uint64_t plane = first; plane < first + n; plane++) {
		const uint64_t channel = plane % m->n_channels;
		const uint64_t stat = plane / m->n_channels * m->n_stats + channel / m->n_together;
		const uint64_t scaled = channel / m->n_scaled;
		const uint64_t at = plane * m->n_pixels;

		if (m->dtype == HEFT_DTYPE_F64)
			plane_f64(m, (double *)job->y + at, (const double *)job->x + at, stat,
			          scaled);
		else
			heft_normalise_evenly_f32_by(
				c->cpu_bits, (float *)job->y + at, (const float *)job->x + at,
				(size_t)m->n_pixels, ((const float *)m->mean)[stat],
				((const float *)m->divisor)[stat],
				m->scale ? (const float *)m->scale + scaled : NULL,
				m->scale ? (const float *)m->shift + scaled : NULL);
	}
}

static void pixel_f64(const struct heft_normal *m, double *y, const double *x, uint64_t stats)
{
	const double *mean = (const double *)m->mean + stats;
	const double *d = (const double *)m->divisor + stats;

	for (uint64_t k = 0; k < m->n_channels; k++) {
		double v = (x[k] - mean[k]) / d[k];

		if (m->scale)
			v = v * ((const double *)m->scale)[k] + ((const double *)m->shift)[k];
		y[k] = v;
	}
}

static void run_pixels(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct job *job = ctx;
	const struct heft_normal *m = job->m;

	(void)worker;
	for (uint64_t pixel = first; pixel < first + n; pixel++) {
		const uint64_t stats = pixel / m->n_pixels * m->n_stats;
		const uint64_t at = pixel * m->n_channels;

		if (m->dtype == HEFT_DTYPE_F64)
			pixel_f64(m, (double *)job->y + at, (const double *)job->x + at, stats);
		else
			heft_normalise_pixel_f32_by(c->cpu_bits, (float *)job->y + at,
			                            (const float *)job->x + at,
			                            (size_t)m->n_channels,
			                            (const float *)m->mean + stats,
			                            (const float *)m->divisor + stats, m->scale,
			                            m->shift);
	}
}

void heft_normal_run(const struct heft_call *c, const struct heft_normal *m, const void *x, void *y)
{
	const struct job job = { .m = m, .x = x, .y = y };

	if (m->is_last)
		heft_spans_run(c, m->n_images * m->n_pixels, m->n_channels, run_pixels, &job);
	else
		heft_spans_run(c, m->n_images * m->n_channels, m->n_pixels, run_planes, &job);
}

/* --- plans --- */

_Static_assert(sizeof(struct heft_normal_plan) <= HEFT_CALL_STATE, "the plan is kept in the state");

enum heft_status heft_normal_set(struct heft_normal_plan *p, const struct heft_call *c,
                                 struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];
	struct heft_normal *m = &p->normal;

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	if (x->rank < 2)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the input has %u dimensions and not at least 2", x->rank);
	*p = (struct heft_normal_plan){ .epsilon = heft_call_float(c, "epsilon", 1e-5f) };
	m->dtype = x->dtype;
	m->is_last = heft_call_lies_last(c, x->rank);
	m->n_images = x->dims[0];
	m->n_channels = x->dims[1];
	m->n_pixels = m->n_together = m->n_scaled = 1;
	for (uint32_t d = 2; d < x->rank; d++)
		m->n_pixels *= x->dims[d];
	return HEFT_OK;
}

uint64_t heft_normal_set_mean(struct heft_normal_plan *p, const uint64_t *dims, bool keeps_middle)
{
	const bool is_reduced[] = { keeps_middle, !keeps_middle, keeps_middle };
	const enum heft_dtype dtype = p->normal.dtype;

	heft_reduce_set(&p->mean, HEFT_REDUCE_MEAN, 3, dims, is_reduced);
	p->stats_size = (p->mean.n_out * heft_element_size(dtype) + 63) / 64 * 64;
	return 2 * p->stats_size + heft_reduce_scratch(&p->mean, dtype);
}

void heft_normal_stats(const struct heft_call *c, const struct heft_normal_plan *p, uint8_t *stats)
{
	heft_reduce_moments(c, &p->mean, p->normal.dtype, c->in[0].bytes, stats,
	                    stats + p->stats_size, stats + 2 * p->stats_size);
}

void heft_normal_forward(const struct heft_call *c)
{
	const struct heft_normal_plan *p = (const struct heft_normal_plan *)c->state;
	struct heft_normal m = p->normal;
	uint8_t *mean = c->scratch;
	uint8_t *divisor;

	if (c->out[0].n_elements == 0)
		return;
	divisor = mean + p->stats_size;
	heft_normal_stats(c, p, mean);
	heft_normal_divisors(c->cpu_bits, m.dtype, divisor, p->mean.n_out, p->epsilon);
	m.mean = mean;
	m.divisor = divisor;
	m.scale = c->in[1].bytes;
	m.shift = c->in[2].bytes;
	heft_normal_run(c, &m, c->in[0].bytes, c->out[0].bytes);
}

enum heft_status heft_normal_check_list(const struct heft_call *c, uint32_t i, uint64_t n,
                                        struct heft_error *err)
{
	const struct heft_array *a = &c->in[i];

	if (a->dtype != c->in[0].dtype)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "input %u is %s and input 0 is %s", i, heft_dtype_name(a->dtype),
		                 heft_dtype_name(c->in[0].dtype));
	if (a->rank != 1 || a->dims[0] != n)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input %u is not a list of %llu numbers", i,
		                 (unsigned long long)n);
	return HEFT_OK;
}
