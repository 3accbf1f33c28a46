/* SPDX-License-Identifier: Apache-2.0 */
/* layer.c - LayerNormalization and its like: their rows. */
#include "graph/layer.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/normal.h"

_Static_assert(sizeof(struct heft_layer) <= HEFT_CALL_STATE, "the plan is kept in the state");

/* --- plans --- */

static enum heft_status set_factor(struct heft_layer_factor *f, const struct heft_layer *l,
                                   const struct heft_call *c, const struct heft_array *x,
                                   uint32_t i, struct heft_error *err)
{
	const struct heft_array *const both[] = { x, &c->in[i] };
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t rank;

	if (c->in[i].dtype != x->dtype)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "input %u is %s and input 0 is %s", i,
		                 heft_dtype_name(c->in[i].dtype), heft_dtype_name(x->dtype));
	HEFT_TRY(heft_broadcast(both, 2, &rank, dims, err));
	if (rank != x->rank || memcmp(dims, x->dims, rank * sizeof *dims) != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input %u is larger than what it scales", i);
	f->is_there = true;
	heft_broadcast_strides(&c->in[i], x->rank, f->strides);
	f->is_row = c->in[i].n_elements == l->rows.n;
	for (uint32_t d = 0; d < l->axis; d++)
		f->is_row = f->is_row && f->strides[d] == 0;
	return HEFT_OK;
}

/* Bytes of a row, rounded up: a factor that is no row is made one in scratch. */
static uint64_t row_size(const struct heft_layer *l, enum heft_dtype dtype)
{
	return (l->rows.n * heft_element_size(dtype) + 63) / 64 * 64;
}

enum heft_status heft_layer_set(struct heft_layer *l, const struct heft_call *c,
                                const struct heft_array *x, uint32_t axis, uint32_t scale,
                                uint32_t shift, uint64_t *scratch, struct heft_error *err)
{
	*l = (struct heft_layer){ .axis = axis, .rank = x->rank };
	l->epsilon = heft_call_float(c, "epsilon", 1e-5f);
	memcpy(l->dims, x->dims, sizeof l->dims);
	heft_axis_set_tail(&l->rows, x, axis);
	if (l->rows.n == 0 && l->rows.n_outer > 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "rows of no element have no statistics");
	if (heft_call_has(c, scale))
		HEFT_TRY(set_factor(&l->scale, l, c, x, scale, err));
	if (heft_call_has(c, shift))
		HEFT_TRY(set_factor(&l->shift, l, c, x, shift, err));
	*scratch = 0;
	if (x->n_elements > 0 &&
	    ((l->scale.is_there && !l->scale.is_row) || (l->shift.is_there && !l->shift.is_row)))
		*scratch = 2 * row_size(l, x->dtype);
	if (!heft_mul_u64(*scratch, heft_team_n_threads(c->team), scratch))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "a row is too large");
	return HEFT_OK;
}

enum heft_status heft_layer_set_statistics(const struct heft_layer *l, struct heft_array *out,
                                           struct heft_error *err)
{
	uint64_t dims[HEFT_GRAPH_MAX_RANK];

	for (uint32_t d = 0; d < l->rank; d++)
		dims[d] = d < l->axis ? l->dims[d] : 1;
	return heft_array_set(out, HEFT_DTYPE_F32, l->rank, dims, err);
}

/* --- rows --- */

/* Where the row's elements of a factor begin, and element i of them. */
static uint64_t base_of(const struct heft_layer *l, const struct heft_layer_factor *f, uint64_t row)
{
	uint64_t at = 0;

	for (uint32_t d = l->axis; d-- > 0; row /= l->dims[d])
		at += row % l->dims[d] * f->strides[d];
	return at;
}

static uint64_t place_in(const struct heft_layer *l, const struct heft_layer_factor *f, uint64_t i)
{
	uint64_t at = 0;

	for (uint32_t d = l->rank; d-- > l->axis; i /= l->dims[d])
		at += i % l->dims[d] * f->strides[d];
	return at;
}

/* The factor's row, as it lies or made in `room`. */
static const void *row_of(const struct heft_layer *l, const struct heft_layer_factor *f,
                          const struct heft_array *a, uint64_t row, uint8_t *room)
{
	const uint64_t size = heft_element_size(a ? a->dtype : HEFT_DTYPE_F32);
	uint64_t base;

	if (!f->is_there)
		return NULL;
	if (f->is_row)
		return a->bytes;
	base = base_of(l, f, row);
	for (uint64_t i = 0; i < l->rows.n; i++)
		memcpy(room + i * size,
		       (const uint8_t *)a->bytes + (base + place_in(l, f, i)) * size, (size_t)size);
	return room;
}

static void one_row_f64(const struct heft_call *c, const struct heft_layer *l,
                        const struct heft_layer_arrays *a, uint64_t first, uint64_t row,
                        const void *scale, const void *shift)
{
	const double *x = (const double *)a->x + (row - first) * l->rows.n;
	double *y = a->y ? (double *)a->y + (row - first) * l->rows.n : NULL;
	double mean = 0;
	double inverse;

	if (l->is_rms)
		heft_rms_row_f64(c->cpu_bits, y, x, (size_t)l->rows.n, l->epsilon, scale, &inverse);
	else
		heft_normal_row_f64(c->cpu_bits, y, x, (size_t)l->rows.n, l->epsilon, scale, shift,
		                    &mean, &inverse);
	if (a->mean)
		a->mean[row] = (float)mean;
	if (a->inverse)
		a->inverse[row] = (float)inverse;
}

void heft_layer_rows(const struct heft_call *c, const struct heft_layer *l,
                     const struct heft_layer_arrays *a, uint64_t first, uint64_t n, uint32_t worker)
{
	const bool is_f64 = c->in[0].dtype == HEFT_DTYPE_F64;
	const uint64_t room_size = row_size(l, is_f64 ? HEFT_DTYPE_F64 : HEFT_DTYPE_F32);
	uint8_t *room = a->scratch ? (uint8_t *)a->scratch + 2 * worker * room_size : NULL;

	for (uint64_t row = first; row < first + n; row++) {
		const void *scale = row_of(l, &l->scale, a->scale, row, room);
		const void *shift = row_of(l, &l->shift, a->shift, row,
		                           room ? room + room_size : NULL);
		const float *x = (const float *)a->x + (row - first) * l->rows.n;
		float *y = a->y ? (float *)a->y + (row - first) * l->rows.n : NULL;

		if (is_f64)
			one_row_f64(c, l, a, first, row, scale, shift);
		else if (l->is_rms)
			heft_rms_row_f32(c->cpu_bits, y, x, (size_t)l->rows.n, l->epsilon, scale,
			                 a->inverse ? a->inverse + row : NULL);
		else
			heft_normal_row_f32(c->cpu_bits, y, x, (size_t)l->rows.n, l->epsilon, scale,
			                    shift, a->mean ? a->mean + row : NULL,
			                    a->inverse ? a->inverse + row : NULL);
	}
}

struct job {
	const struct heft_layer *l;
	const struct heft_layer_arrays *a;
};

static void run_rows(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct job *job = ctx;
	const uint64_t at = first * job->l->rows.n * heft_element_size(c->in[0].dtype);
	struct heft_layer_arrays a = *job->a;

	a.x = (const uint8_t *)a.x + at;
	if (a.y)
		a.y = (uint8_t *)a.y + at;
	heft_layer_rows(c, job->l, &a, first, n, worker);
}

void heft_layer_run(const struct heft_call *c, const struct heft_layer *l,
                    const struct heft_layer_arrays *a)
{
	const struct job job = { .l = l, .a = a };

	heft_spans_run(c, l->rows.n == 0 ? 0 : l->rows.n_outer, l->rows.n, run_rows, &job);
}

/* --- operators that are nothing else --- */

enum heft_status heft_layer_infer(struct heft_call *c, bool is_rms, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	struct heft_layer *l = (struct heft_layer *)c->state;
	const struct heft_array *x = &c->in[0];
	uint32_t axis;

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", -1), x->rank, false, &axis, err));
	/* the computation is wider than any stash type, but statistics are given out in it */
	if (c->n_out > 1 && heft_call_int(c, "stash_type", 1) != 1)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "statistics are given as F32 alone");
	HEFT_TRY(heft_layer_set(l, c, x, axis, 1, is_rms ? UINT32_MAX : 2, &c->scratch_size, err));
	l->is_rms = is_rms;
	for (uint32_t i = 1; i < c->n_out; i++)
		HEFT_TRY(heft_layer_set_statistics(l, &c->out[i], err));
	c->may_overwrite = 1;
	return heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err);
}

void heft_layer_forward(const struct heft_call *c)
{
	const struct heft_layer *l = (const struct heft_layer *)c->state;
	const uint32_t last = l->is_rms ? 1 : 2; /* the output that has the inverses */
	const struct heft_layer_arrays a = {
		.x = c->in[0].bytes,
		.scale = &c->in[1],
		.shift = heft_call_has(c, 2) ? &c->in[2] : NULL,
		.y = heft_call_wants(c, 0) ? c->out[0].bytes : NULL,
		.mean = !l->is_rms && heft_call_wants(c, 1) ? c->out[1].bytes : NULL,
		.inverse = heft_call_wants(c, last) ? c->out[last].bytes : NULL,
		.scratch = c->scratch_size > 0 ? c->scratch : NULL,
	};

	heft_layer_run(c, l, &a);
}
