/* SPDX-License-Identifier: Apache-2.0 */
/* op.c - what operators share: arrays, attributes, axes, broadcasting, and the list of them. */
#include "graph/op.h"

#include <string.h>

#include "base/error.h"
#include "graph/kinds.h"

#define HEFT_OPERATOR(name) extern const struct heft_op heft_op_##name;
#include "graph/op_list.inc"
#undef HEFT_OPERATOR

static const struct heft_op *const operators[] = {
#define HEFT_OPERATOR(name) &heft_op_##name,
#include "graph/op_list.inc"
#undef HEFT_OPERATOR
};

const struct heft_op *heft_op_at(uint32_t i)
{
	return i < sizeof operators / sizeof *operators ? operators[i] : NULL;
}

const struct heft_op *heft_op_find(const char *domain, const char *name)
{
	const struct heft_op *op;

	for (uint32_t i = 0; (op = heft_op_at(i)) != NULL; i++) {
		if (strcmp(op->name, name) == 0 && strcmp(op->domain, domain) == 0)
			return op;
	}
	return NULL;
}

/* --- arrays --- */

/* The size of a value that is no array is that of what describes it. */
static enum heft_status set_kind(struct heft_array *a, enum heft_dtype dtype, uint32_t rank,
                                 struct heft_error *err)
{
	if (rank > 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s has no dimensions",
		                 heft_kind_name(dtype));
	*a = (struct heft_array){ .dtype = dtype, .n_elements = 1, .bytes = a->bytes };
	a->n_bytes = dtype == HEFT_KIND_SEQUENCE ? sizeof(struct heft_sequence) : 0;
	return HEFT_OK;
}

enum heft_status heft_array_set(struct heft_array *a, enum heft_dtype dtype, uint32_t rank,
                                const uint64_t *dims, struct heft_error *err)
{
	const enum heft_dtype sized = dtype == HEFT_KIND_TEXTS ? HEFT_DTYPE_C128 : dtype;
	struct heft_array set = { .dtype = dtype, .rank = rank, .bytes = a->bytes };

	if (rank > HEFT_GRAPH_MAX_RANK)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "a value has %u dimensions, and more than %d are not computed",
		                 rank, HEFT_GRAPH_MAX_RANK);
	if (dtype == HEFT_KIND_SEQUENCE || dtype == HEFT_KIND_NOTHING)
		return set_kind(a, dtype, rank, err);
	HEFT_TRY(heft_tensor_size(sized, rank, dims, &set.n_elements, &set.n_bytes, err));
	for (uint32_t i = 0; i < rank; i++)
		set.dims[i] = dims[i];
	*a = set;
	return HEFT_OK;
}

bool heft_array_same_shape(const struct heft_array *a, const struct heft_array *b)
{
	return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0;
}

/* --- attributes --- */

const struct heft_attr *heft_call_attr(const struct heft_call *c, const char *name)
{
	for (uint32_t i = 0; i < c->attrs.n; i++) {
		if (strcmp(c->attrs.rows[i].name, name) == 0)
			return &c->attrs.rows[i];
	}
	return NULL;
}

static const struct heft_attr *attr_of(const struct heft_call *c, const char *name,
                                       enum heft_attr_kind kind)
{
	const struct heft_attr *a = heft_call_attr(c, name);

	if (!a || a->kind == kind)
		return a;
	if (c->mistyped)
		*c->mistyped = a->name;
	return NULL;
}

int64_t heft_call_int(const struct heft_call *c, const char *name, int64_t absent)
{
	const struct heft_attr *a = attr_of(c, name, HEFT_ATTR_INT);

	return a ? a->i : absent;
}

float heft_call_float(const struct heft_call *c, const char *name, float absent)
{
	const struct heft_attr *a = attr_of(c, name, HEFT_ATTR_FLOAT);

	return a ? a->f : absent;
}

const char *heft_call_text(const struct heft_call *c, const char *name, const char *absent)
{
	const struct heft_attr *a = attr_of(c, name, HEFT_ATTR_TEXT);

	return a ? a->text : absent;
}

const int64_t *heft_call_ints(const struct heft_call *c, const char *name, uint32_t *n)
{
	const struct heft_attr *a = attr_of(c, name, HEFT_ATTR_INTS);

	*n = a ? a->n : 0;
	return a ? a->ints : NULL;
}

const float *heft_call_floats(const struct heft_call *c, const char *name, uint32_t *n)
{
	const struct heft_attr *a = attr_of(c, name, HEFT_ATTR_FLOATS);

	*n = a ? a->n : 0;
	return a ? a->floats : NULL;
}

/* --- axes and known integers --- */

enum heft_status heft_call_axis(int64_t given, uint32_t rank, bool allow_end, uint32_t *axis,
                                struct heft_error *err)
{
	const int64_t n = rank;
	const int64_t counted = given < 0 ? given + n : given;

	if (counted < 0 || counted > n || (counted == n && !allow_end))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "axis %lld is none of %u dimensions", (long long)given, rank);
	*axis = (uint32_t)counted;
	return HEFT_OK;
}

enum heft_status heft_call_known_ints(const struct heft_call *c, uint32_t i, int64_t *values,
                                      uint32_t room, uint32_t *n, struct heft_error *err)
{
	const struct heft_array *a = &c->in[i];

	if (a->dtype != HEFT_DTYPE_I64 && a->dtype != HEFT_DTYPE_I32)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input %u is %s and not I64 or I32", i, heft_dtype_name(a->dtype));
	if (a->rank > 1 || a->n_elements > room)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input %u is not a list of at most %u integers", i, room);
	if (!a->bytes && a->n_elements > 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "input %u is computed from the data, so no shape is known", i);
	for (uint32_t k = 0; k < a->n_elements; k++)
		values[k] = a->dtype == HEFT_DTYPE_I64 ? ((const int64_t *)a->bytes)[k]
		                                       : ((const int32_t *)a->bytes)[k];
	*n = (uint32_t)a->n_elements;
	return HEFT_OK;
}

enum heft_status heft_call_check_dtype(const struct heft_call *c, uint32_t i,
                                       const enum heft_dtype *allowed, struct heft_error *err)
{
	for (uint32_t k = 0; allowed[k] != HEFT_DTYPE_NONE; k++) {
		if (c->in[i].dtype == allowed[k])
			return HEFT_OK;
	}
	return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "input %u of %s is %s", i,
	                 c->op->name, heft_dtype_name(c->in[i].dtype));
}

/* --- broadcasting --- */

enum heft_status heft_broadcast(const struct heft_array *const *arrays, uint32_t n, uint32_t *rank,
                                uint64_t *dims, struct heft_error *err)
{
	uint32_t widest = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (arrays[i]->rank > widest)
			widest = arrays[i]->rank;
	}
	for (uint32_t d = 0; d < widest; d++)
		dims[d] = 1;
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t d = 0; d < arrays[i]->rank; d++) {
			const uint64_t size = arrays[i]->dims[d];
			uint64_t *to = &dims[widest - arrays[i]->rank + d];

			if (size == 1 || size == *to)
				continue;
			if (*to != 1)
				return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
				                 "shapes do not go together: %llu and %llu in one "
				                 "dimension",
				                 (unsigned long long)*to, (unsigned long long)size);
			*to = size;
		}
	}
	*rank = widest;
	return HEFT_OK;
}

void heft_broadcast_strides(const struct heft_array *a, uint32_t rank, uint64_t *strides)
{
	uint64_t stride = 1;

	for (uint32_t d = rank; d-- > 0;) {
		const uint32_t back = rank - d; /* from the end, 1 the last */
		const uint64_t size = back <= a->rank ? a->dims[a->rank - back] : 1;

		strides[d] = size == 1 ? 0 : stride;
		stride *= size;
	}
}
