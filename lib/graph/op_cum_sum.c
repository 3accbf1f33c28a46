/* SPDX-License-Identifier: Apache-2.0 */
/* op_cum_sum.c - CumSum: sums of all elements so far along an axis, a chain of additions (spec
 * F6-45). */
#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"
#include "graph/spans.h"

struct plan {
	struct heft_axis axis;
	bool is_exclusive;
	bool is_reverse;
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype numbers[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_I32,
		                                   HEFT_DTYPE_I64, HEFT_DTYPE_U32, HEFT_DTYPE_U64,
		                                   HEFT_DTYPE_NONE };
	struct plan *p = (struct plan *)c->state;
	const struct heft_array *x = &c->in[0];
	int64_t given;
	uint32_t axis;
	uint32_t n;

	HEFT_TRY(heft_call_check_dtype(c, 0, numbers, err));
	HEFT_TRY(heft_call_known_ints(c, 1, &given, 1, &n, err));
	if (n != 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the axis is not one integer");
	HEFT_TRY(heft_call_axis(given, x->rank, false, &axis, err));
	heft_axis_set(&p->axis, x, axis);
	p->is_exclusive = heft_call_int(c, "exclusive", 0) != 0;
	p->is_reverse = heft_call_int(c, "reverse", 0) != 0;
	c->may_overwrite = 1;
	return heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err);
}

/* Element j in the order of summing is at x[j step]. */
#define ROW(name, type)                                                          \
	static void name(const void *from, void *to, uint64_t n, ptrdiff_t step, \
	                 bool is_exclusive)                                      \
	{                                                                        \
		const type *x = from;                                            \
		type *y = to;                                                    \
		type sum = 0;                                                    \
                                                                                 \
		for (ptrdiff_t j = 0; j < (ptrdiff_t)n; j++) {                   \
			const type before = sum;                                 \
                                                                                 \
			sum += x[j * step];                                      \
			y[j * step] = is_exclusive ? before : sum;               \
		}                                                                \
	}

ROW(row_f32, float)
ROW(row_f64, double)
ROW(row_u32, uint32_t)
ROW(row_u64, uint64_t)

typedef void row_fn(const void *from, void *to, uint64_t n, ptrdiff_t step, bool is_exclusive);

static row_fn *row_of(enum heft_dtype dtype)
{
	switch (dtype) {
	case HEFT_DTYPE_F32:
		return row_f32;
	case HEFT_DTYPE_F64:
		return row_f64;
	case HEFT_DTYPE_I32: /* wraps as an unsigned one does */
	case HEFT_DTYPE_U32:
		return row_u32;
	default:
		return row_u64;
	}
}

static void run_rows(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct plan *p = ctx;
	const struct heft_axis *a = &p->axis;
	const uint64_t size = heft_element_size(c->in[0].dtype);
	row_fn *one = row_of(c->in[0].dtype);

	(void)worker;
	for (uint64_t row = first; row < first + n; row++) {
		const uint64_t begin = row / a->n_inner * a->n * a->n_inner + row % a->n_inner;
		const uint64_t at = p->is_reverse ? begin + (a->n - 1) * a->n_inner : begin;
		const ptrdiff_t step = (ptrdiff_t)a->n_inner;

		one((const uint8_t *)c->in[0].bytes + at * size,
		    (uint8_t *)c->out[0].bytes + at * size, a->n, p->is_reverse ? -step : step,
		    p->is_exclusive);
	}
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)c->state;

	if (c->out[0].n_elements > 0)
		heft_spans_run(c, p->axis.n_outer * p->axis.n_inner, p->axis.n, run_rows, p);
}

/* An element is in all sums behind it: those of dy, from the other end (F7-66). */
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_emit e = {
		.type = "CumSum",
		.n_in = 2,
		.in = { heft_gradient_of(g, 0), heft_gradient_in(g, 1) },
		.n_attrs = 2,
		.attrs = { heft_attr_int("exclusive", heft_call_int(c, "exclusive", 0)),
		           heft_attr_int("reverse", heft_call_int(c, "reverse", 0) == 0) },
	};

	heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_cum_sum = {
	.name = "CumSum",
	.domain = "",
	.since = 11,
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
