/* SPDX-License-Identifier: Apache-2.0 */
/* arg.c - places of extremes along an axis. */
#include "graph/arg.h"

#include "base/error.h"
#include "graph/spans.h"
#include "kernel/sum.h"

static size_t place_f64(const double *x, size_t n, size_t stride, bool is_max, bool takes_last)
{
	size_t place = 0;

	for (size_t i = 1; i < n; i++) {
		const double m = x[place * stride];
		const double v = x[i * stride];
		const bool is_nan = v != v;
		const bool is_beyond = is_max ? v > m : v < m;

		if (m != m ? takes_last && is_nan : is_nan || is_beyond || (takes_last && v == m))
			place = i;
	}
	return place;
}

static size_t place_integer(enum heft_dtype dtype, const uint8_t *x, size_t n, size_t stride,
                            bool is_max, bool takes_last)
{
	const size_t step = stride * (size_t)heft_element_size(dtype);
	/* the order of unsigned ones is that of signed ones with the top bit turned */
	const uint64_t turn = dtype == HEFT_DTYPE_U64 ? 0 : UINT64_C(1) << 63;
	uint64_t m = (uint64_t)heft_load_integer(dtype, x) ^ turn;
	size_t place = 0;

	for (size_t i = 1; i < n; i++) {
		const uint64_t v = (uint64_t)heft_load_integer(dtype, x + i * step) ^ turn;

		if ((is_max ? v > m : v < m) || (takes_last && v == m)) {
			m = v;
			place = i;
		}
	}
	return place;
}

size_t heft_arg_extreme(enum heft_dtype dtype, const void *x, size_t n, size_t stride, bool is_max,
                        bool takes_last)
{
	if (dtype == HEFT_DTYPE_F32)
		return is_max ? heft_arg_max_f32(x, n, stride, takes_last)
		              : heft_arg_min_f32(x, n, stride, takes_last);
	if (dtype == HEFT_DTYPE_F64)
		return place_f64(x, n, stride, is_max, takes_last);
	return place_integer(dtype, x, n, stride, is_max, takes_last);
}

struct plan {
	struct heft_axis axis;
	bool takes_last;
};

struct job {
	const struct plan *plan;
	bool is_max;
};

enum heft_status heft_arg_infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype numbers[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_I8,
		                                   HEFT_DTYPE_I16, HEFT_DTYPE_I32, HEFT_DTYPE_I64,
		                                   HEFT_DTYPE_U8,  HEFT_DTYPE_U16, HEFT_DTYPE_U32,
		                                   HEFT_DTYPE_U64, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];
	const bool keeps = heft_call_int(c, "keepdims", 1) != 0;
	struct plan *plan = (struct plan *)c->state;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t rank = 0;
	uint32_t axis;

	HEFT_TRY(heft_call_check_dtype(c, 0, numbers, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 0), x->rank, false, &axis, err));
	for (uint32_t d = 0; d < x->rank; d++) {
		if (d != axis || keeps)
			dims[rank++] = d == axis ? 1 : x->dims[d];
	}
	heft_axis_set(&plan->axis, x, axis);
	plan->takes_last = c->opset >= 12 && heft_call_int(c, "select_last_index", 0) != 0;
	HEFT_TRY(heft_array_set(&c->out[0], HEFT_DTYPE_I64, rank, dims, err));
	if (plan->axis.n == 0 && c->out[0].n_elements > 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "axis %u has no element to choose from", axis);
	return HEFT_OK;
}

static void run_rows(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct job *job = ctx;
	const struct heft_axis *a = &job->plan->axis;
	const struct heft_array *x = &c->in[0];
	const uint64_t size = heft_element_size(x->dtype);
	int64_t *y = c->out[0].bytes;

	(void)worker;
	for (uint64_t row = first; row < first + n; row++) {
		const uint64_t at = row / a->n_inner * a->n * a->n_inner + row % a->n_inner;

		y[row] = (int64_t)heft_arg_extreme(x->dtype, (const uint8_t *)x->bytes + at * size,
		                                   (size_t)a->n, (size_t)a->n_inner, job->is_max,
		                                   job->plan->takes_last);
	}
}

void heft_arg_forward(const struct heft_call *c, bool is_max)
{
	const struct job job = { .plan = (const struct plan *)c->state, .is_max = is_max };

	heft_spans_run(c, c->out[0].n_elements, job.plan->axis.n, run_rows, &job);
}
