/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_heft_resize_gradient.c - ResizeGradient: what each input of a Resize or an Upsample gave, axis
 * after axis, the first one first (F7-63): element i of an axis is the sum of the outputs it was a
 * tap of, ascending, each weighted as it was.
 *
 * Inputs: dy; F64[rank, 4], of each axis its scale, the length asked for, and where its region
 * begins and ends, which attributes could only hold as F32.
 */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"
#include "graph/resize.h"
#include "graph/spans.h"
#include "kernel/blend.h"

#define N_COLUMNS 4 /* of input 1 */

/* --- emitting --- */

void heft_resize_backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t rank = c->in[0].rank;
	const uint64_t dims[2] = { rank, N_COLUMNS };
	double rows[HEFT_GRAPH_MAX_RANK][N_COLUMNS];
	int64_t shape[HEFT_GRAPH_MAX_RANK];
	struct heft_array axes = { .bytes = rows };
	struct heft_array out;
	struct heft_call again = *c;
	const struct heft_resize *r = (const struct heft_resize *)(const void *)again.state;
	struct heft_emit e = { .type = "heft.ResizeGradient", .n_in = 2, .n_attrs = 7 };

	again.out = &out;
	if (c->op->infer(&again, NULL) != HEFT_OK ||
	    heft_array_set(&axes, HEFT_DTYPE_F64, 2, dims, NULL) != HEFT_OK) {
		heft_gradient_block(g, "the sizes to interpolate between are not known");
		return;
	}
	for (uint32_t d = 0; d < rank; d++) {
		shape[d] = (int64_t)r->axes[d].n_x;
		rows[d][0] = r->axes[d].scale;
		rows[d][1] = r->axes[d].length;
		rows[d][2] = r->axes[d].roi_start;
		rows[d][3] = r->axes[d].roi_end;
	}
	e.in[0] = heft_gradient_of(g, 0);
	e.in[1] = heft_emit_constant(g, &axes);
	e.attrs[0] = heft_attr_ints("shape", shape, rank);
	e.attrs[1] = heft_attr_int("mode", r->mode);
	e.attrs[2] = heft_attr_int("place", r->place);
	e.attrs[3] = heft_attr_int("round", r->round);
	e.attrs[4] = heft_attr_int("exclude_outside", r->excludes_outside);
	e.attrs[5] = heft_attr_int("antialias", r->antialiases);
	e.attrs[6] = heft_attr_float("cubic_coeff_a", r->cubic_a);
	heft_give(g, 0, heft_emit(g, &e));
}

/* --- planning --- */

static enum heft_status read_axes(const struct heft_call *c, struct heft_resize *r,
                                  struct heft_error *err)
{
	const struct heft_array *dy = &c->in[0];
	const struct heft_array *axes = &c->in[1];
	uint32_t n;
	const int64_t *shape = heft_call_ints(c, "shape", &n);

	if (n != dy->rank || axes->dtype != HEFT_DTYPE_F64 || axes->rank != 2 ||
	    axes->dims[0] != n || axes->dims[1] != N_COLUMNS || (n > 0 && !axes->bytes))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "shape and axes are not of %u dimensions", dy->rank);
	for (uint32_t d = 0; d < n; d++) {
		const double *row = (const double *)axes->bytes + (size_t)d * N_COLUMNS;

		if (shape[d] < 0 || shape[d] > UINT32_MAX || (shape[d] == 0 && dy->dims[d] > 0) ||
		    !(row[0] > 0))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "dimension %u is not one to interpolate", d);
		r->axes[d] = (struct heft_resize_axis){ .n_x = (uint64_t)shape[d],
			                                .n_y = dy->dims[d],
			                                .scale = row[0],
			                                .length = row[1],
			                                .roi_start = row[2],
			                                .roi_end = row[3] };
	}
	return HEFT_OK;
}

static enum heft_status read_modes(const struct heft_call *c, struct heft_resize *r,
                                   struct heft_error *err)
{
	const int64_t mode = heft_call_int(c, "mode", 0);
	const int64_t place = heft_call_int(c, "place", 0);
	const int64_t round = heft_call_int(c, "round", 0);

	if (mode < 0 || mode > HEFT_RESIZE_CUBIC || place < 0 || place > HEFT_PLACE_TF_HALF_PIXEL ||
	    round < 0 || round > HEFT_ROUND_SIMPLE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "there is no such mode");
	r->mode = (enum heft_resize_mode)mode;
	r->place = (enum heft_resize_place)place;
	r->round = (enum heft_resize_round)round;
	r->excludes_outside = heft_call_int(c, "exclude_outside", 0) != 0;
	r->antialiases = heft_call_int(c, "antialias", 0) != 0;
	r->cubic_a = heft_call_float(c, "cubic_coeff_a", -0.75f);
	return HEFT_OK;
}

/* The most taps of one output: a nearest input is one. */
static uint32_t width_of(const struct heft_resize *r, const struct heft_resize_axis *a)
{
	return r->mode == HEFT_RESIZE_NEAREST ? 1 : heft_resize_width(r, a);
}

/* An axis of `a`, what there is so far, which becomes as long as the input's. In the scratch: the
 * taps grouped by their inputs; where the group of each ends; and the taps of one output, before
 * they are sorted in. */
static enum heft_status add_pass(struct heft_call *c, struct heft_resize *r, uint32_t dim,
                                 struct heft_array *a, struct heft_error *err)
{
	const struct heft_resize_axis *axis = &r->axes[dim];
	struct heft_resize_pass *p = &r->passes[r->n_passes++];
	struct heft_axis along;
	uint64_t n_taps;

	heft_memory_axis(c, a, dim, &along);
	*p = (struct heft_resize_pass){ .dim = dim,
		                        .width = width_of(r, axis),
		                        .n_outer = along.n_outer,
		                        .n_inner = along.n_inner };
	if (axis->n_y > UINT32_MAX || p->width == 0 ||
	    !heft_mul_u64(p->width, axis->n_y + 1, &n_taps) ||
	    !heft_resize_scratch(c, n_taps, sizeof(struct heft_tap), &p->taps_at) ||
	    !heft_resize_scratch(c, axis->n_x, sizeof(uint64_t), &p->counts_at))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "dimension %u was made too small at once", dim);
	a->dims[dim] = axis->n_x;
	return heft_array_set(a, a->dtype, a->rank, a->dims, err);
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	struct heft_resize *r = (struct heft_resize *)(void *)c->state;
	struct heft_array a = c->in[0];
	uint64_t most[2] = { 0, 0 };

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	HEFT_TRY(read_modes(c, r, err));
	HEFT_TRY(read_axes(c, r, err));
	r->n_passes = 0;
	c->scratch_size = 0;
	for (uint32_t d = 0; d < c->in[0].rank; d++) {
		/* what the pass in front of this one leaves */
		uint64_t *room = &most[(r->n_passes + 1) % 2];

		if (heft_resize_keeps(r, &r->axes[d]))
			continue;
		if (r->n_passes > 0 && a.n_bytes > *room)
			*room = a.n_bytes;
		HEFT_TRY(add_pass(c, r, d, &a, err));
	}
	if (!heft_resize_scratch(c, most[0], 1, &r->buffers_at[0]) ||
	    !heft_resize_scratch(c, most[1], 1, &r->buffers_at[1]))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "what lies between is too large");
	return heft_array_set(&c->out[0], a.dtype, a.rank, a.dims, err);
}

/* --- running --- */

struct job {
	const void *x; /* [n_outer, n_y, n_inner] */
	void *y;       /* [n_outer, n_x, n_inner] */
	const struct heft_tap *taps;
	const uint64_t *ends; /* of the group of each input */
	uint64_t n_x;
	uint64_t n_y;
	uint64_t n_inner;
};

static uint32_t taps_of(const struct heft_resize *r, const struct heft_resize_axis *a, uint64_t o,
                        bool is_narrow, uint32_t width, struct heft_tap *taps)
{
	uint32_t n = 1;

	if (r->mode == HEFT_RESIZE_NEAREST) {
		const int64_t at = heft_resize_nearest(r, a, o);

		taps[0] = (struct heft_tap){ .at = at < 0 ? 0 : (uint32_t)at, 1, 1 };
		return at < 0 ? 0 : 1;
	}
	n = heft_resize_taps(r, a, o, is_narrow, width, taps);
	return n == HEFT_TAPS_OUTSIDE ? 0 : n;
}

/* Counted, and then put where they belong: within a group the outputs ascend. */
static void group(const struct heft_call *c, const struct heft_resize *r,
                  const struct heft_resize_pass *p, struct job *job)
{
	const struct heft_resize_axis *a = &r->axes[p->dim];
	const bool is_narrow = c->in[0].dtype == HEFT_DTYPE_F32;
	struct heft_tap *all = (struct heft_tap *)(void *)((uint8_t *)c->scratch + p->taps_at);
	struct heft_tap *one = all + a->n_y * p->width;
	uint64_t *ends = (uint64_t *)(void *)((uint8_t *)c->scratch + p->counts_at);
	uint64_t sum = 0;

	memset(ends, 0, (size_t)a->n_x * sizeof *ends);
	for (uint64_t o = 0; o < a->n_y; o++) {
		const uint32_t n = taps_of(r, a, o, is_narrow, p->width, one);

		for (uint32_t k = 0; k < n; k++)
			ends[one[k].at]++;
	}
	for (uint64_t i = 0; i < a->n_x; i++) {
		const uint64_t n = ends[i];

		ends[i] = sum; /* where it begins, until it is filled */
		sum += n;
	}
	for (uint64_t o = 0; o < a->n_y; o++) {
		const uint32_t n = taps_of(r, a, o, is_narrow, p->width, one);

		for (uint32_t k = 0; k < n; k++) {
			struct heft_tap *to = &all[ends[one[k].at]++];

			*to = one[k];
			to->at = (uint32_t)o;
		}
	}
	job->taps = all;
	job->ends = ends;
	job->n_x = a->n_x;
	job->n_y = a->n_y;
	job->n_inner = p->n_inner;
}

static void add_f32(const struct heft_call *c, float *y, const float *x, const struct heft_tap *tap,
                    bool is_first, size_t n)
{
	if (n == 1)
		*y = is_first ? tap->narrow * *x : *y + tap->narrow * *x;
	else if (is_first)
		heft_blend_f32_by(c->cpu_bits, y, x, tap->narrow, NULL, 0, n);
	else
		heft_blend_add_f32_by(c->cpu_bits, y, x, tap->narrow, n);
}

static void add_f64(const struct heft_call *c, double *y, const double *x,
                    const struct heft_tap *tap, bool is_first, size_t n)
{
	(void)c;
	for (size_t i = 0; i < n; i++)
		y[i] = is_first ? tap->weight * x[i] : y[i] + tap->weight * x[i];
}

/* Inputs that are n_inner elements each: of which there is no tap, they are 0. */
#define RUN(name, add, type)                                                                     \
	static void name(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n, \
	                 uint32_t worker)                                                        \
	{                                                                                        \
		const struct job *job = ctx;                                                     \
		const size_t n_inner = (size_t)job->n_inner;                                     \
                                                                                                 \
		(void)worker;                                                                    \
		for (uint64_t line = first; line < first + n; line++) {                          \
			const uint64_t i = line % job->n_x;                                      \
			const uint64_t begin = i == 0 ? 0 : job->ends[i - 1];                    \
			const type *x = (const type *)job->x +                                   \
			                line / job->n_x * job->n_y * n_inner;                    \
			type *y = (type *)job->y + line * n_inner;                               \
                                                                                                 \
			if (begin == job->ends[i])                                               \
				memset(y, 0, n_inner * sizeof *y);                               \
			for (uint64_t t = begin; t < job->ends[i]; t++)                          \
				add(c, y, x + job->taps[t].at * n_inner, &job->taps[t],          \
				    t == begin, n_inner);                                        \
		}                                                                                \
	}

RUN(run_f32, add_f32, float)
RUN(run_f64, add_f64, double)

static void forward(const struct heft_call *c)
{
	const struct heft_resize *r = (const struct heft_resize *)(const void *)c->state;
	struct job job = { .x = c->in[0].bytes };

	if (c->out[0].n_elements == 0)
		return;
	if (c->in[0].n_elements == 0) {
		memset(c->out[0].bytes, 0, (size_t)c->out[0].n_bytes);
		return;
	}
	if (r->n_passes == 0)
		heft_copy(c, c->in[0].bytes, c->out[0].bytes, c->in[0].n_bytes);
	for (uint32_t i = 0; i < r->n_passes; i++) {
		const struct heft_resize_pass *p = &r->passes[i];

		group(c, r, p, &job);
		job.y = i + 1 == r->n_passes ? c->out[0].bytes
		                             : (uint8_t *)c->scratch + r->buffers_at[i % 2];
		heft_spans_run(c, p->n_outer * job.n_x,
		               job.n_inner * (1 + p->width * job.n_y / job.n_x),
		               c->in[0].dtype == HEFT_DTYPE_F64 ? run_f64 : run_f32, &job);
		job.x = job.y;
	}
}

const struct heft_op heft_op_heft_resize_gradient = {
	.name = "ResizeGradient",
	.domain = "heft",
	.flags = HEFT_OP_CHANNELS_LAST,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1,
	.infer = infer,
	.forward = forward,
};
