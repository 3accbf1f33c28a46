/* SPDX-License-Identifier: Apache-2.0 */
/* op_mutate.h - makes a hostile row of a good one: other dimensions, dtypes, values, attributes. */
#ifndef HEFT_OP_MUTATE_H
#define HEFT_OP_MUTATE_H

#include "op_row.h"

struct op_mutation {
	struct heft_random_place place;
	uint32_t n_drawn;
};

static inline uint32_t op_draw(struct op_mutation *m, uint32_t bound)
{
	return heft_random_below(&m->place, m->n_drawn++, bound);
}

static inline int64_t op_hostile_int(struct op_mutation *m, int64_t was)
{
	const int64_t before = (int64_t)((uint64_t)was - 1);
	const int64_t behind = (int64_t)((uint64_t)was + 1);
	const int64_t values[] = {
		-1, 0,   1,   2,         -2,        3,         before,           behind,
		7,  100, -99, INT32_MAX, INT64_MAX, INT64_MIN, INT64_C(1) << 40, was,
	};

	return values[op_draw(m, sizeof values / sizeof *values)];
}

/* The array again, with other values, in a shape of at most 2^16 elements. */
static inline void op_reshape(struct op_row *r, struct heft_array *a, enum heft_dtype dtype,
                              uint32_t rank, const uint64_t *dims)
{
	struct row_values *v = row_hold(r, sizeof *v);
	struct heft_array was = *a;

	v->from = 0;
	v->to = 2;
	if (heft_array_set(a, dtype, rank, dims, NULL) != HEFT_OK || a->n_elements > 1U << 16) {
		*a = was;
		return;
	}
	a->bytes = a->n_bytes > 0 ? row_hold(r, a->n_bytes) : NULL;
	row_fill(a, v, 1);
	if (dtype == was.dtype && a->n_bytes > 0 && was.n_bytes > 0)
		memcpy(a->bytes, was.bytes, a->n_bytes < was.n_bytes ? a->n_bytes : was.n_bytes);
}

static inline void op_mutate_shape(struct op_row *r, struct op_mutation *m, struct heft_array *a)
{
	static const enum heft_dtype dtypes[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_I64,
		                                  HEFT_DTYPE_I32, HEFT_DTYPE_U8,  HEFT_DTYPE_I8,
		                                  HEFT_DTYPE_BOOL };
	uint64_t dims[HEFT_GRAPH_MAX_RANK + 1] = { 0 };
	const uint64_t sizes[] = { 0, 1, 2, 3, 5, 17 };
	uint32_t rank = a->rank;
	enum heft_dtype dtype = a->dtype;

	memcpy(dims, a->dims, sizeof a->dims);
	switch (op_draw(m, 6)) {
	case 0:
		dims[rank++] = sizes[op_draw(m, 4)];
		break;
	case 1:
		rank -= rank > 0;
		break;
	case 2:
		dtype = dtypes[op_draw(m, sizeof dtypes / sizeof *dtypes)];
		break;
	default:
		if (rank > 0)
			dims[op_draw(m, rank)] = sizes[op_draw(m, sizeof sizes / sizeof *sizes)];
	}
	op_reshape(r, a, dtype, rank, dims);
}

static inline void op_mutate_value(struct op_row *r, struct op_mutation *m, struct heft_array *a)
{
	const uint64_t size = a->n_elements > 0 ? a->n_bytes / a->n_elements : 0;
	uint8_t *bytes;
	int64_t i;

	if (a->n_elements == 0 || !row_is_integer(a->dtype) || size == 0)
		return;
	bytes = row_hold(r, a->n_bytes);
	memcpy(bytes, a->bytes, a->n_bytes);
	a->bytes = bytes;
	bytes += op_draw(m, (uint32_t)a->n_elements) * size;
	heft_cast_elements(HEFT_DTYPE_I64, &i, a->dtype, bytes, 1, NULL);
	i = op_hostile_int(m, i);
	heft_cast_elements(a->dtype, bytes, HEFT_DTYPE_I64, &i, 1, NULL);
}

static inline void op_mutate_ints(struct op_row *r, struct op_mutation *m, struct heft_attr *a)
{
	int64_t *ints = row_hold(r, (a->n + 1) * sizeof *ints);

	memcpy(ints, a->ints, a->n * sizeof *ints);
	a->ints = ints;
	switch (op_draw(m, 4)) {
	case 0:
		ints[a->n++] = op_hostile_int(m, 1);
		break;
	case 1:
		a->n -= a->n > 0;
		break;
	default:
		if (a->n > 0) {
			const uint32_t k = op_draw(m, a->n);

			ints[k] = op_hostile_int(m, ints[k]);
		}
	}
}

static inline void op_mutate_attr(struct op_row *r, struct op_mutation *m, struct heft_attr *a)
{
	static const float floats[] = {
		0, -1, 1, NAN, INFINITY, -INFINITY, 0x1p-140f, 0.5f, 1e30f
	};
	struct heft_array *tensor;

	if (op_draw(m, 8) == 0) {
		*a = r->attrs[--r->n_attrs];
		return;
	}
	switch (a->kind) {
	case HEFT_ATTR_INT:
		a->i = op_hostile_int(m, a->i);
		break;
	case HEFT_ATTR_FLOAT:
		a->f = floats[op_draw(m, sizeof floats / sizeof *floats)];
		break;
	case HEFT_ATTR_INTS:
		op_mutate_ints(r, m, a);
		break;
	case HEFT_ATTR_TEXT:
		a->text = op_draw(m, 2) == 0 ? "" : "none";
		break;
	case HEFT_ATTR_TENSOR:
		tensor = row_hold(r, sizeof *tensor);
		*tensor = *a->tensor;
		op_mutate_shape(r, m, tensor);
		a->tensor = tensor;
		break;
	default:
		a->n -= a->n > 0;
	}
}

/* One to three changes. */
static inline void op_mutate(struct op_row *r, uint32_t seed)
{
	struct op_mutation m = { .place = { .seed = seed } };

	for (uint32_t n = 1 + op_draw(&m, 3); n > 0; n--) {
		const uint32_t what = op_draw(&m, 8);
		struct heft_array *a = r->n_in > 0 ? &r->in[op_draw(&m, r->n_in)] : NULL;

		if (what < 2 && r->n_attrs > 0)
			op_mutate_attr(r, &m, &r->attrs[op_draw(&m, r->n_attrs)]);
		else if (what == 2 && r->n_in > r->op->min_in)
			r->n_in--;
		else if (what == 3 && r->n_out > r->op->min_out)
			r->n_out--;
		else if (what < 6 && a && a->dtype != HEFT_DTYPE_NONE)
			op_mutate_shape(r, &m, a);
		else if (a && a->dtype != HEFT_DTYPE_NONE)
			op_mutate_value(r, &m, a);
	}
	while (r->n_in > r->op->min_in && r->in[r->n_in - 1].dtype == HEFT_DTYPE_NONE)
		r->n_in--;
}

#endif
