/* SPDX-License-Identifier: Apache-2.0 */
/* scatter_gradient.c - gradients of gathering and scattering, of elements and of slices, by one
 * another (spec F7-61, F7-62): what was chosen adds up where it came from, in ascending order; what
 * was put somewhere has the gradient of that place, where it stayed. */
#include "graph/scatter_gradient.h"
#include "base/error.h"
#include "graph/scatter.h"

#define ONNX_F32 1
#define ONNX_I64 7
#define ONNX_BOOL 9

/* --- pieces --- */

static uint32_t emit_i64(struct heft_gradient *g, int64_t value)
{
	struct heft_array a = { .bytes = &value };

	(void)heft_array_set(&a, HEFT_DTYPE_I64, 0, NULL, NULL);
	return heft_emit_constant(g, &a);
}

/* A number in a shape. */
static uint32_t filled(struct heft_gradient *g, uint32_t number, uint32_t rank,
                       const uint64_t *dims)
{
	int64_t shape[HEFT_GRAPH_MAX_RANK];

	for (uint32_t d = 0; d < rank; d++)
		shape[d] = (int64_t)dims[d];
	return heft_emit_2(g, "Expand", number, heft_emit_list(g, shape, rank));
}

static uint32_t zeros(struct heft_gradient *g, enum heft_dtype dtype, uint32_t rank,
                      const uint64_t *dims)
{
	return filled(g, heft_emit_number(g, dtype, 0), rank, dims);
}

/* 0, 1, 2, .. in a shape. */
static uint32_t counted(struct heft_gradient *g, uint32_t rank, const uint64_t *dims)
{
	uint64_t n = 1;

	for (uint32_t d = 0; d < rank; d++)
		n *= dims[d];
	return heft_emit_reshaped(g,
	                          heft_emit_3(g, "Range", emit_i64(g, 0), emit_i64(g, (int64_t)n),
	                                      emit_i64(g, 1)),
	                          rank, dims);
}

static uint32_t cast(struct heft_gradient *g, uint32_t x, int64_t to)
{
	const struct heft_emit e = {
		.type = "Cast",
		.n_in = 1,
		.in = { x },
		.n_attrs = 1,
		.attrs = { heft_attr_int("to", to) },
	};

	return heft_emit(g, &e);
}

static uint32_t as_i64(struct heft_gradient *g, uint32_t indices)
{
	return heft_gradient_array(g, indices)->dtype == HEFT_DTYPE_I64
	               ? indices
	               : cast(g, indices, ONNX_I64);
}

/* I64 indices for lines of n elements each, those of the last dimension, so that what is outside is
 * the nearest inside, as where things are chosen. */
static uint32_t within(struct heft_gradient *g, uint32_t indices, const uint64_t *n,
                       uint32_t n_lengths)
{
	int64_t low[HEFT_GRAPH_MAX_RANK];
	int64_t high[HEFT_GRAPH_MAX_RANK];

	for (uint32_t i = 0; i < n_lengths; i++) {
		low[i] = -(int64_t)n[i];
		high[i] = (int64_t)n[i] - 1;
	}
	indices = heft_emit_2(g, "Max", indices, heft_emit_list(g, low, n_lengths));
	return heft_emit_2(g, "Min", indices, heft_emit_list(g, high, n_lengths));
}

static uint32_t scattered(struct heft_gradient *g, uint32_t data, uint32_t indices,
                          uint32_t updates, uint32_t axis, const char *reduction)
{
	const struct heft_emit e = {
		.type = "ScatterElements",
		.n_in = 3,
		.in = { data, indices, updates },
		.n_attrs = 2,
		.attrs = { heft_attr_int("axis", axis), heft_attr_text("reduction", reduction) },
	};

	return heft_emit(g, &e);
}

static uint32_t scattered_slices(struct heft_gradient *g, uint32_t data, uint32_t indices,
                                 uint32_t updates, const char *reduction)
{
	const struct heft_emit e = {
		.type = "ScatterND",
		.n_in = 3,
		.in = { data, indices, updates },
		.n_attrs = 1,
		.attrs = { heft_attr_text("reduction", reduction) },
	};

	return heft_emit(g, &e);
}

static uint32_t gathered(struct heft_gradient *g, uint32_t data, uint32_t indices, uint32_t axis)
{
	const struct heft_emit e = {
		.type = "GatherElements",
		.n_in = 2,
		.in = { data, indices },
		.n_attrs = 1,
		.attrs = { heft_attr_int("axis", axis) },
	};

	return heft_emit(g, &e);
}

/* x where the mask says so, else 0. */
static uint32_t kept(struct heft_gradient *g, uint32_t mask, uint32_t x)
{
	const enum heft_dtype dtype = heft_gradient_array(g, x)->dtype;

	return heft_emit_3(g, "Where", mask, x, heft_emit_number(g, dtype, 0));
}

/* --- of what was chosen --- */

uint32_t heft_emit_added_elements(struct heft_gradient *g, uint32_t dy, uint32_t indices,
                                  const struct heft_array *data, uint32_t axis)
{
	const uint32_t at = within(g, as_i64(g, indices), &data->dims[axis], 1);

	return scattered(g, zeros(g, data->dtype, data->rank, data->dims), at, dy, axis, "add");
}

/* Tuples of all batch indices, each with its own in front: [batch, each, 1 + n]. */
static uint32_t with_batch(struct heft_gradient *g, uint32_t tuples, uint64_t n_batch,
                           const struct heft_tuples *t)
{
	const uint64_t one[3] = { n_batch, 1, 1 };
	const uint64_t each[3] = { n_batch, t->each, 1 };
	const uint64_t all[3] = { n_batch, t->each, t->n };
	const uint32_t batch = filled(g, counted(g, 3, one), 3, each);
	const struct heft_emit e = {
		.type = "Concat",
		.n_in = 2,
		.in = { batch, heft_emit_reshaped(g, tuples, 3, all) },
		.n_attrs = 1,
		.attrs = { heft_attr_int("axis", 2) },
	};

	return heft_emit(g, &e);
}

uint32_t heft_emit_added_slices(struct heft_gradient *g, uint32_t dy, uint32_t indices,
                                const struct heft_array *data, const struct heft_tuples *t)
{
	const struct heft_array given = *heft_gradient_array(g, dy);
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t dy_dims[HEFT_GRAPH_MAX_RANK];
	uint64_t n_batch = 1;
	uint32_t rank = 0;
	uint32_t dx;

	if (given.n_elements == 0)
		return zeros(g, data->dtype, data->rank, data->dims);
	if (t->n > 0)
		indices = within(g, as_i64(g, indices), t->dims, t->n);
	else
		indices = as_i64(g, indices);
	if (t->n_batch == 0)
		return scattered_slices(g, zeros(g, data->dtype, data->rank, data->dims), indices,
		                        dy, "add");
	for (uint32_t d = 0; d < t->n_batch; d++)
		n_batch *= data->dims[d];
	dims[rank++] = n_batch;
	for (uint32_t d = t->n_batch; d < data->rank; d++)
		dims[rank++] = data->dims[d];
	dy_dims[0] = n_batch;
	dy_dims[1] = t->each;
	for (uint32_t d = 1 + t->n; d < rank; d++)
		dy_dims[d + 1 - t->n] = dims[d];
	dx = scattered_slices(g, zeros(g, data->dtype, rank, dims),
	                      with_batch(g, indices, n_batch, t),
	                      heft_emit_reshaped(g, dy, rank + 1 - t->n, dy_dims), "add");
	return heft_emit_reshaped(g, dx, data->rank, data->dims);
}

/* --- of what was put somewhere --- */

/* What both have in common: false where there is no gradient. */
static bool reads(const struct heft_call *c, struct heft_gradient *g, bool *adds)
{
	enum heft_reduction reduction;

	if (heft_reduction_read(c, &reduction, NULL) != HEFT_OK)
		return false;
	*adds = reduction == HEFT_REDUCTION_ADD;
	if (*adds || reduction == HEFT_REDUCTION_NONE)
		return true;
	heft_gradient_block(g, "with this reduction it has no gradient here");
	return false;
}

/* Whether an update stayed: added inside, or the last one of its place. */
static uint32_t stayed(struct heft_gradient *g, uint32_t indices, const struct heft_array *data,
                       uint32_t axis, bool adds)
{
	const struct heft_array a = *heft_gradient_array(g, indices);
	uint32_t number;
	uint32_t last;

	if (adds)
		return heft_emit_2(g, "Equal", indices, within(g, indices, &data->dims[axis], 1));
	number = counted(g, a.rank, a.dims);
	last = scattered(g, filled(g, emit_i64(g, -1), data->rank, data->dims), indices, number,
	                 axis, "none");
	return heft_emit_2(g, "Equal", gathered(g, last, indices, axis), number);
}

void heft_scatter_elements_backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_array *x = &c->in[0];
	const uint32_t dy = heft_gradient_of(g, 0);
	uint32_t indices = heft_gradient_in(g, 1);
	uint32_t axis;
	bool adds;

	if (!reads(c, g, &adds) ||
	    heft_call_axis(heft_call_int(c, "axis", 0), x->rank, false, &axis, NULL) != HEFT_OK)
		return;
	if (c->in[1].n_elements == 0) {
		heft_give(g, 0, dy);
		return;
	}
	indices = as_i64(g, indices);
	if (heft_gradient_wants(g, 0))
		heft_give(g, 0,
		          adds ? dy
		               : scattered(g, dy, indices,
		                           zeros(g, x->dtype, c->in[1].rank, c->in[1].dims), axis,
		                           "none"));
	if (heft_gradient_wants(g, 2) && x->n_elements > 0)
		heft_give(g, 2,
		          kept(g, stayed(g, indices, x, axis, adds),
		               gathered(g, dy, indices, axis)));
}

/* The same of a tuple, in the shape of the tuples: [.., 1 for each dimension of a slice]. */
static uint32_t stayed_slices(struct heft_gradient *g, uint32_t indices,
                              const struct heft_array *data, const struct heft_tuples *t, bool adds)
{
	const struct heft_array a = *heft_gradient_array(g, indices);
	const int64_t last = -1;
	uint64_t dims[2 * HEFT_GRAPH_MAX_RANK];
	uint32_t rank = a.rank - 1;
	uint32_t mask;

	for (uint32_t d = 0; d < rank; d++)
		dims[d] = a.dims[d];
	if (adds) {
		const struct heft_emit e = {
			.type = "ReduceMin",
			.n_in = 2,
			.in = { cast(g,
			             heft_emit_2(g, "Equal", indices,
			                         within(g, indices, t->dims, t->n)),
			             ONNX_F32),
			        heft_emit_list(g, &last, 1) },
		};

		mask = cast(g, heft_emit(g, &e), ONNX_BOOL);
	} else {
		const uint32_t number = counted(g, rank, dims);
		const uint32_t written = scattered_slices(
			g, filled(g, emit_i64(g, -1), t->n, data->dims), indices, number, "none");

		mask = heft_emit_2(g, "Equal", heft_emit_2(g, "GatherND", written, indices),
		                   number);
	}
	for (uint32_t d = t->n; d < data->rank; d++)
		dims[rank++] = 1;
	return heft_emit_reshaped(g, mask, rank, dims);
}

void heft_scatter_nd_backward(const struct heft_call *c, struct heft_gradient *g,
                              const struct heft_tuples *t)
{
	const struct heft_array *x = &c->in[0];
	const uint32_t dy = heft_gradient_of(g, 0);
	uint32_t indices = heft_gradient_in(g, 1);
	bool adds;

	if (!reads(c, g, &adds))
		return;
	if (c->in[2].n_elements == 0) {
		heft_give(g, 0, dy);
		return;
	}
	if (t->n == 0) {
		heft_gradient_block(g, "by tuples of no index it has no gradient here");
		return;
	}
	indices = as_i64(g, indices);
	if (heft_gradient_wants(g, 0))
		heft_give(g, 0,
		          adds ? dy
		               : scattered_slices(g, dy, indices,
		                                  zeros(g, x->dtype, c->in[2].rank, c->in[2].dims),
		                                  "none"));
	if (heft_gradient_wants(g, 2) && x->n_elements > 0)
		heft_give(g, 2,
		          kept(g, stayed_slices(g, indices, x, t, adds),
		               heft_emit_2(g, "GatherND", dy, indices)));
}
