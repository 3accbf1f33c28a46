/* SPDX-License-Identifier: Apache-2.0 */
/* resize.c - axis after axis, the last one first: what is read and written, in tasks of lines. */
#include "graph/resize.h"

#include "base/checked.h"
#include "base/error.h"
#include "graph/move.h"
#include "graph/spans.h"
#include "kernel/blend.h"

/* --- planning --- */

bool heft_resize_keeps(const struct heft_resize *r, const struct heft_resize_axis *a)
{
	return a->n_x == a->n_y && a->scale == 1 &&
	       (r->place != HEFT_PLACE_CROP || (a->roi_start == 0 && a->roi_end == 1));
}

bool heft_resize_scratch(struct heft_call *c, uint64_t n, uint64_t size, uint64_t *at)
{
	*at = c->scratch_size;
	return heft_mul_u64(n, size, &n) && n < UINT64_MAX / 4 &&
	       c->scratch_size < UINT64_MAX / 4 &&
	       heft_add_u64(c->scratch_size, heft_align_up(n, 64), &c->scratch_size);
}

static uint64_t real_size(const struct heft_call *c)
{
	return c->in[0].dtype == HEFT_DTYPE_F32 ? sizeof(float) : sizeof(double);
}

static enum heft_status add_pass(struct heft_call *c, struct heft_resize *r, uint32_t dim,
                                 struct heft_array *a, struct heft_error *err)
{
	struct heft_resize_pass *p = &r->passes[r->n_passes++];
	struct heft_axis along;
	uint64_t n_taps;

	heft_memory_axis(c, a, dim, &along);
	*p = (struct heft_resize_pass){ .dim = dim,
		                        .width = heft_resize_width(r, &r->axes[dim]),
		                        .n_outer = along.n_outer,
		                        .n_inner = along.n_inner };
	a->dims[dim] = r->axes[dim].n_y;
	if (p->width == 0 || !heft_mul_u64(p->width, r->axes[dim].n_y, &n_taps) ||
	    !heft_resize_scratch(c, n_taps, sizeof(struct heft_tap), &p->taps_at) ||
	    !heft_resize_scratch(c, r->axes[dim].n_y, sizeof(uint32_t), &p->counts_at))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "dimension %u is made too small at once", dim);
	return HEFT_OK;
}

static enum heft_status plan_passes(struct heft_call *c, struct heft_resize *r,
                                    struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct heft_array a = *x;
	uint64_t most[2] = { 0, 0 };

	r->n_passes = 0;
	for (uint32_t d = x->rank; d-- > 0;) {
		if (heft_resize_keeps(r, &r->axes[d]))
			continue;
		/* what the pass in front of this one leaves */
		if (r->n_passes > 0) {
			uint64_t *room = &most[(r->n_passes - 1) % 2];
			uint64_t n = 1;

			for (uint32_t i = 0; i < a.rank; i++) {
				if (!heft_mul_u64(n, a.dims[i], &n))
					n = UINT64_MAX;
			}
			*room = n > *room ? n : *room;
		}
		HEFT_TRY(add_pass(c, r, d, &a, err));
	}
	if (!heft_resize_scratch(c, most[0], real_size(c), &r->buffers_at[0]) ||
	    !heft_resize_scratch(c, most[1], real_size(c), &r->buffers_at[1]))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "what lies between is too large");
	if (heft_is_integer(x->dtype) &&
	    (!heft_resize_scratch(c, x->n_elements, sizeof(double), &r->wide_x_at) ||
	     !heft_resize_scratch(c, c->out[0].n_elements, sizeof(double), &r->wide_y_at)))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "the output is too large");
	return HEFT_OK;
}

enum heft_status heft_resize_plan(struct heft_call *c, struct heft_resize *r,
                                  struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t mapped = 0;

	HEFT_TRY(heft_call_element(c, 0, &r->element, err));
	if (r->mode != HEFT_RESIZE_NEAREST && x->dtype != HEFT_DTYPE_F32 &&
	    x->dtype != HEFT_DTYPE_F64 && !heft_is_integer(x->dtype))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "%s is not interpolated",
		                 heft_dtype_name(x->dtype));
	for (uint32_t d = 0; d < x->rank; d++) {
		const struct heft_resize_axis *a = &r->axes[d];

		dims[d] = a->n_y;
		if (a->n_y > 0 && (a->n_x == 0 || a->n_x > UINT32_MAX))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "dimension %u has %llu elements to interpolate", d,
			                 (unsigned long long)a->n_x);
		if (!heft_resize_keeps(r, a))
			mapped |= 1U << d;
	}
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, x->rank, dims, err));
	r->n_passes = 0;
	if (r->mode == HEFT_RESIZE_NEAREST)
		heft_maps_set(c, &r->maps, r->element, mapped);
	else if (c->out[0].n_elements > 0)
		HEFT_TRY(plan_passes(c, r, err));
	return HEFT_OK;
}

void heft_resize_init(const struct heft_call *c, struct heft_resize *r)
{
	for (uint32_t d = 0; d < c->in[0].rank; d++) {
		const uint64_t n = c->in[0].dims[d];

		r->axes[d] = (struct heft_resize_axis){
			.n_x = n, .n_y = n, .scale = 1, .length = (double)n, .roi_end = 1
		};
	}
}

enum heft_status heft_resize_by_scales(struct heft_resize *r, const float *scales, uint32_t n,
                                       const uint32_t *axes, uint32_t n_axes,
                                       struct heft_error *err)
{
	if (n != n_axes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%u scales are given for %u dimensions", n, n_axes);
	for (uint32_t k = 0; k < n; k++) {
		struct heft_resize_axis *a = &r->axes[axes[k]];
		const float size = (float)a->n_x * scales[k];

		if (!(scales[k] > 0) || !(size < 0x1p62f))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "scale %g of dimension %u cannot be", (double)scales[k],
			                 axes[k]);
		a->scale = (double)scales[k];
		a->n_y = (uint64_t)size;
		a->length = (double)a->n_x * a->scale;
	}
	return HEFT_OK;
}

/* --- running --- */

struct job {
	const void *x;
	void *y;
	const struct heft_tap *taps;
	const uint32_t *counts;
	uint32_t width;
	uint64_t n_x;
	uint64_t n_y;
	uint64_t n_inner;
	float extrapolation;
};

static void heft_blend_f64_by(uint32_t cpu_bits, double *y, const double *x, double a,
                              const double *z, double b, uint64_t n)
{
	(void)cpu_bits;
	for (uint64_t i = 0; i < n; i++) {
		const double first = a * x[i];

		y[i] = z ? first + b * z[i] : first;
	}
}

static void heft_blend_add_f64_by(uint32_t cpu_bits, double *y, const double *x, double a,
                                  uint64_t n)
{
	(void)cpu_bits;
	for (uint64_t i = 0; i < n; i++)
		y[i] = y[i] + a * x[i];
}

#define REAL float
#define WEIGHT narrow
#define NAME(x) x##_f32_by
#include "graph/resize_pass.inc"
#undef REAL
#undef WEIGHT
#undef NAME
#define REAL double
#define WEIGHT weight
#define NAME(x) x##_f64_by
#include "graph/resize_pass.inc"
#undef REAL
#undef WEIGHT
#undef NAME

static void run_pass(const struct heft_call *c, const struct heft_resize *r,
                     const struct heft_resize_pass *p, const void *x, void *y)
{
	const struct heft_resize_axis *a = &r->axes[p->dim];
	const bool is_narrow = c->in[0].dtype == HEFT_DTYPE_F32;
	struct heft_tap *taps = (struct heft_tap *)(void *)((uint8_t *)c->scratch + p->taps_at);
	uint32_t *counts = (uint32_t *)(void *)((uint8_t *)c->scratch + p->counts_at);
	const struct job job = { .x = x,
		                 .y = y,
		                 .taps = taps,
		                 .counts = counts,
		                 .width = p->width,
		                 .n_x = a->n_x,
		                 .n_y = a->n_y,
		                 .n_inner = p->n_inner,
		                 .extrapolation = r->extrapolation };

	for (uint64_t o = 0; o < a->n_y; o++)
		counts[o] = heft_resize_taps(r, a, o, is_narrow, p->width, taps + o * p->width);
	if (p->n_inner == 1)
		heft_spans_run(c, p->n_outer, a->n_y * 2,
		               is_narrow ? run_rows_f32_by : run_rows_f64_by, &job);
	else
		heft_spans_run(c, p->n_outer * a->n_y, p->n_inner,
		               is_narrow ? run_lines_f32_by : run_lines_f64_by, &job);
}

static void run_nearest(const struct heft_call *c, const struct heft_resize *r)
{
	uint8_t fill[16] = { 0 };

	heft_cast_elements(c->in[0].dtype, fill, HEFT_DTYPE_F32, &r->extrapolation, 1, NULL);
	for (uint32_t i = 0; i < r->maps.rank; i++) {
		int64_t *map = heft_maps_of(c, &r->maps, i);

		for (uint64_t o = 0; o < r->maps.n[i]; o++)
			map[o] = heft_resize_nearest(r, &r->axes[r->maps.dims[i]], o);
	}
	heft_maps_run(c, &r->maps, fill, r->element);
}

/* spec F6-66: integers are F64 on the way, and rounded to the nearest at its end. */
static void widen(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                  uint32_t worker)
{
	const struct job *job = ctx;
	const struct heft_array *x = &c->in[0];

	(void)worker;
	heft_cast_elements(HEFT_DTYPE_F64, (double *)job->y + first, x->dtype,
	                   (const uint8_t *)x->bytes + first * heft_element_size(x->dtype), n,
	                   NULL);
}

static void round_back(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct job *job = ctx;
	const struct heft_array *y = &c->out[0];
	double *from = (double *)job->y + first;

	(void)worker;
	for (uint64_t i = 0; i < n; i++) {
		if (from[i] > -0x1p51 && from[i] < 0x1p51)
			from[i] = (from[i] + 0x1.8p52) - 0x1.8p52;
	}
	heft_cast_elements(y->dtype, (uint8_t *)y->bytes + first * heft_element_size(y->dtype),
	                   HEFT_DTYPE_F64, from, n, NULL);
}

void heft_resize_forward(const struct heft_call *c)
{
	const struct heft_resize *r = (const struct heft_resize *)(const void *)c->state;
	const bool is_wide = heft_is_integer(c->in[0].dtype);
	uint8_t *scratch = c->scratch;
	const void *x = c->in[0].bytes;
	void *y = c->out[0].bytes;
	struct job ends;

	if (c->out[0].n_elements == 0)
		return;
	if (r->mode == HEFT_RESIZE_NEAREST) {
		run_nearest(c, r);
		return;
	}
	if (r->n_passes == 0) {
		heft_copy(c, c->in[0].bytes, c->out[0].bytes, c->in[0].n_bytes);
		return;
	}
	if (is_wide) {
		ends.y = scratch + r->wide_x_at;
		heft_spans_run(c, c->in[0].n_elements, 1, widen, &ends);
		x = ends.y;
		y = scratch + r->wide_y_at;
	}
	for (uint32_t i = 0; i < r->n_passes; i++) {
		void *to = i + 1 == r->n_passes ? y : scratch + r->buffers_at[i % 2];

		run_pass(c, r, &r->passes[i], x, to);
		x = to;
	}
	ends.y = y;
	if (is_wide)
		heft_spans_run(c, c->out[0].n_elements, 1, round_back, &ends);
}
