/* SPDX-License-Identifier: Apache-2.0 */
/* reduce_infer.c - which axes an operator of a reduction goes over, and what shape is left. */
#include <string.h>

#include "base/error.h"
#include "graph/reduce.h"
#include "graph/spans.h"

_Static_assert(sizeof(struct heft_reduce) <= HEFT_CALL_STATE, "the plan is kept in the state");

/* Floats, 32 and 64 bits of integers; the extremes take 8 bits and BOOL as well. */
static enum heft_status check_dtype(const struct heft_call *c, enum heft_reduction kind,
                                    struct heft_error *err)
{
	static const enum heft_dtype numbers[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_I32,
		                                   HEFT_DTYPE_I64, HEFT_DTYPE_U32, HEFT_DTYPE_U64,
		                                   HEFT_DTYPE_NONE };
	static const enum heft_dtype ordered[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_I32,
		                                   HEFT_DTYPE_I64, HEFT_DTYPE_U32, HEFT_DTYPE_U64,
		                                   HEFT_DTYPE_I8,  HEFT_DTYPE_U8,  HEFT_DTYPE_BOOL,
		                                   HEFT_DTYPE_NONE };
	const bool is_extreme = kind == HEFT_REDUCE_MAX || kind == HEFT_REDUCE_MIN;

	return heft_call_check_dtype(c, 0, is_extreme ? ordered : numbers, err);
}

/* The axes as they are given; none: *n is 0. */
static enum heft_status given_axes(const struct heft_call *c, bool is_input, int64_t *axes,
                                   uint32_t *n, struct heft_error *err)
{
	const int64_t *ints;

	*n = 0;
	if (is_input)
		return heft_call_has(c, 1)
		               ? heft_call_known_ints(c, 1, axes, HEFT_GRAPH_MAX_RANK, n, err)
		               : HEFT_OK;
	ints = heft_call_ints(c, "axes", n);
	if (*n > HEFT_GRAPH_MAX_RANK)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%u axes are given for %u", *n,
		                 c->in[0].rank);
	if (*n > 0)
		memcpy(axes, ints, *n * sizeof *axes);
	return HEFT_OK;
}

static enum heft_status mark_axes(const struct heft_call *c, bool is_input, bool *is_reduced,
                                  struct heft_error *err)
{
	const uint32_t rank = c->in[0].rank;
	int64_t axes[HEFT_GRAPH_MAX_RANK];
	uint32_t n;

	HEFT_TRY(given_axes(c, is_input, axes, &n, err));
	for (uint32_t d = 0; d < rank; d++)
		is_reduced[d] = n == 0 &&
		                !(is_input && heft_call_int(c, "noop_with_empty_axes", 0) != 0);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t axis;

		/* a scalar has the axes 0 and -1, which do nothing */
		HEFT_TRY(heft_call_axis(axes[i], rank > 0 ? rank : 1, false, &axis, err));
		if (rank == 0)
			continue;
		if (is_reduced[axis])
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "axis %u is given twice", axis);
		is_reduced[axis] = true;
	}
	return HEFT_OK;
}

enum heft_status heft_reduce_infer(struct heft_call *c, enum heft_reduction kind,
                                   uint32_t since_input, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const bool keeps = heft_call_int(c, "keepdims", 1) != 0;
	struct heft_reduce *r = (struct heft_reduce *)c->state;
	bool is_reduced[HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t rank = 0;

	HEFT_TRY(check_dtype(c, kind, err));
	if (c->opset < since_input && c->n_in > 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "axes are no input before opset %u", since_input);
	HEFT_TRY(mark_axes(c, c->opset >= since_input, is_reduced, err));
	for (uint32_t d = 0; d < x->rank; d++) {
		if (!is_reduced[d] || keeps)
			dims[rank++] = is_reduced[d] ? 1 : x->dims[d];
	}
	heft_reduce_set(r, kind, x->rank, x->dims, is_reduced);
	c->scratch_size = heft_reduce_scratch(r, x->dtype);
	return heft_array_set(&c->out[0], x->dtype, rank, dims, err);
}

void heft_reduce_forward(const struct heft_call *c)
{
	heft_reduce_run(c, (const struct heft_reduce *)c->state, c->in[0].dtype, c->in[0].bytes,
	                c->out[0].bytes, c->scratch);
}

enum heft_status heft_reduce_maps_infer(struct heft_call *c, enum heft_reduction kind, float power,
                                        struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];
	struct heft_reduce *r = (struct heft_reduce *)c->state;
	bool is_reduced[HEFT_GRAPH_MAX_RANK];
	uint64_t lying[HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	const bool is_last = heft_call_lies_last(c, x->rank);

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	if (x->rank < 2)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the input has %u dimensions and not at least 2", x->rank);
	for (uint32_t d = 0; d < x->rank; d++) {
		const uint32_t from = !is_last || d == 0 ? d : d + 1 == x->rank ? 1 : d + 1;

		dims[d] = d < 2 ? x->dims[d] : 1;
		lying[d] = x->dims[from];
		is_reduced[d] = from >= 2;
	}
	heft_reduce_set(r, kind, x->rank, lying, is_reduced);
	r->power = power;
	c->scratch_size = heft_reduce_scratch(r, x->dtype);
	return heft_array_set(&c->out[0], x->dtype, x->rank, dims, err);
}

bool heft_reduce_kept_dims(const struct heft_call *c, uint32_t since_input, uint64_t *dims)
{
	bool is_reduced[HEFT_GRAPH_MAX_RANK];

	if (mark_axes(c, c->opset >= since_input, is_reduced, NULL) != HEFT_OK)
		return false;
	for (uint32_t d = 0; d < c->in[0].rank; d++)
		dims[d] = is_reduced[d] ? 1 : c->in[0].dims[d];
	return true;
}
