/* SPDX-License-Identifier: Apache-2.0 */
/* softmax.c - Softmax, LogSoftmax and Hardmax: rows, or columns of rows. */
#include "graph/softmax.h"

#include <string.h>

#include "base/error.h"
#include "graph/arg.h"
#include "kernel/elementary.h"
#include "kernel/norm.h"

/* Values of a column that are held at a time. */
#define N_HELD 256

struct job {
	enum heft_softmax kind;
	struct heft_axis axis;
	enum heft_dtype dtype;
	const void *x;
	void *y;
};

static double greatest(const double *x, size_t n, size_t stride)
{
	return x[heft_arg_extreme(HEFT_DTYPE_F64, x, n, stride, true, false) * stride];
}

/* The sum of e to the power x_i - m, which is left in y unless `is_log`. */
static double exponentials(uint32_t bits, double *y, const double *x, size_t n, size_t stride,
                           double m, bool is_log)
{
	struct heft_sum_f64 s;
	double held[N_HELD];

	heft_sum_f64_init(&s, HEFT_TERM_VALUE, 0);
	for (size_t from = 0; from < n; from += N_HELD) {
		const size_t n_now = n - from < N_HELD ? n - from : N_HELD;

		for (size_t i = 0; i < n_now; i++)
			held[i] = x[(from + i) * stride] - m;
		heft_exp_f64_by(bits, held, held, n_now);
		heft_sum_f64_add(bits, &s, held, n_now);
		for (size_t i = 0; i < n_now && !is_log; i++)
			y[(from + i) * stride] = held[i];
	}
	return heft_sum_f64_done(&s);
}

static void row_f64(uint32_t bits, bool is_log, double *y, const double *x, size_t n, size_t stride)
{
	const double m = greatest(x, n, stride);
	double s = exponentials(bits, y, x, n, stride, m, is_log);

	if (is_log)
		heft_log_f64_by(bits, &s, &s, 1);
	for (size_t i = 0; i < n; i++)
		y[i * stride] = is_log ? x[i * stride] - m - s : y[i * stride] / s;
}

static void hard_row(const struct job *job, uint64_t at)
{
	const struct heft_axis *a = &job->axis;
	const uint64_t size = heft_element_size(job->dtype);
	const uint64_t place = heft_arg_extreme(job->dtype, (const uint8_t *)job->x + at * size,
	                                        (size_t)a->n, (size_t)a->n_inner, true, false);

	if (job->dtype == HEFT_DTYPE_F32) {
		for (uint64_t i = 0; i < a->n; i++)
			((float *)job->y)[at + i * a->n_inner] = i == place ? 1.0f : 0.0f;
	} else {
		for (uint64_t i = 0; i < a->n; i++)
			((double *)job->y)[at + i * a->n_inner] = i == place ? 1.0 : 0.0;
	}
}

static void run_rows(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct job *job = ctx;
	const struct heft_axis *a = &job->axis;

	(void)worker;
	for (uint64_t row = first; row < first + n; row++) {
		const uint64_t at = row / a->n_inner * a->n * a->n_inner + row % a->n_inner;
		const float *x = (const float *)job->x + at;
		float *y = (float *)job->y + at;

		if (job->kind == HEFT_SOFTMAX_HARD)
			hard_row(job, at);
		else if (job->dtype == HEFT_DTYPE_F64)
			row_f64(c->cpu_bits, job->kind == HEFT_SOFTMAX_LOG, (double *)job->y + at,
			        (const double *)job->x + at, (size_t)a->n, (size_t)a->n_inner);
		else if (job->kind == HEFT_SOFTMAX_LOG)
			heft_log_softmax_f32_by(c->cpu_bits, y, x, (size_t)a->n);
		else
			heft_softmax_f32_by(c->cpu_bits, y, x, (size_t)a->n);
	}
}

static void run_columns(const struct heft_call *c, const void *ctx, uint64_t outer, uint64_t first,
                        uint64_t n)
{
	const struct job *job = ctx;
	const struct heft_axis *a = &job->axis;
	const uint64_t at = outer * a->n * a->n_inner + first;
	const float *x = (const float *)job->x + at;
	float *y = (float *)job->y + at;

	if (job->kind == HEFT_SOFTMAX_LOG)
		heft_log_softmax_columns_f32_by(c->cpu_bits, y, x, (size_t)a->n, (size_t)n,
		                                (size_t)a->n_inner);
	else
		heft_softmax_columns_f32_by(c->cpu_bits, y, x, (size_t)a->n, (size_t)n,
		                            (size_t)a->n_inner);
}

void heft_softmax_run(const struct heft_call *c, enum heft_softmax kind, const struct heft_axis *a,
                      enum heft_dtype dtype, const void *x, void *y)
{
	const struct job job = { .kind = kind, .axis = *a, .dtype = dtype, .x = x, .y = y };

	if (a->n == 0)
		return;
	if (dtype == HEFT_DTYPE_F32 && a->n_inner > 1 && kind != HEFT_SOFTMAX_HARD)
		heft_columns_run(c, a->n_outer, a->n_inner, a->n, run_columns, &job);
	else
		heft_spans_run(c, a->n_outer * a->n_inner, a->n, run_rows, &job);
}

enum heft_status heft_softmax_infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];
	const bool is_single = c->opset >= 13;
	struct heft_axis *a = (struct heft_axis *)c->state;
	uint32_t axis;

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", is_single ? -1 : 1), x->rank, !is_single,
	                        &axis, err));
	if (is_single)
		heft_axis_set(a, x, axis);
	else
		heft_axis_set_tail(a, x, axis);
	return heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err);
}
