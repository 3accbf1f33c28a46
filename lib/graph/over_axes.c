/* SPDX-License-Identifier: Apache-2.0 */
/* over_axes.c - subtraction and division of what a reduction gave, row by row of the last group of
 * axes. */
#include "graph/over_axes.h"

#include "graph/spans.h"

struct job {
	const struct heft_reduce *r;
	enum heft_dtype dtype;
	bool is_kept; /* the last group, which a row is */
	uint64_t n_row;
	const void *x;
	const void *mean;
	const void *divisor;
	void *y;
};

/* Which output the element at `at` belongs to. */
static uint64_t output_of(const struct heft_reduce *r, uint64_t at)
{
	uint64_t o = 0;

	for (uint32_t g = 0; g < r->n_kept; g++)
		o = o * r->kept[g] + at / r->kept_stride[g] % r->kept[g];
	return o;
}

#define ROW(name, type)                                                            \
	static void name(const struct job *job, uint64_t at, uint64_t o)           \
	{                                                                          \
		const uint64_t step = job->is_kept ? 1 : 0;                        \
		const type *x = (const type *)job->x + at;                         \
		const type *mean = job->mean ? (const type *)job->mean + o : NULL; \
		const type *divisor = (const type *)job->divisor + o;              \
		type *y = (type *)job->y + at;                                     \
                                                                                   \
		for (uint64_t i = 0; i < job->n_row; i++) {                        \
			const type d = divisor[i * step];                          \
                                                                                   \
			if (mean)                                                  \
				y[i] = (x[i] - mean[i * step]) / d;                \
			else                                                       \
				y[i] = d == 0 ? 0 : x[i] / d;                      \
		}                                                                  \
	}

ROW(row_f32, float)
ROW(row_f64, double)

static void run_rows(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct job *job = ctx;

	(void)c;
	(void)worker;
	for (uint64_t row = first; row < first + n; row++) {
		const uint64_t at = row * job->n_row;

		if (job->dtype == HEFT_DTYPE_F32)
			row_f32(job, at, output_of(job->r, at));
		else
			row_f64(job, at, output_of(job->r, at));
	}
}

void heft_over_axes_run(const struct heft_call *c, const struct heft_reduce *r,
                        enum heft_dtype dtype, const void *x, const void *mean, const void *divisor,
                        void *y)
{
	const uint32_t last = r->n_kept - 1;
	struct job job = {
		.r = r, .dtype = dtype, .x = x, .mean = mean, .divisor = divisor, .y = y
	};

	if (r->n_out == 0 || r->n_each == 0)
		return;
	job.is_kept = r->kept_stride[last] == 1 && r->kept[last] > 1;
	job.n_row = job.is_kept ? r->kept[last] : r->reduced[r->n_reduced - 1];
	heft_spans_run(c, r->n_out * r->n_each / job.n_row, job.n_row, run_rows, &job);
}
