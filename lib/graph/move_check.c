/* SPDX-License-Identifier: Apache-2.0 */
/* move_check.c - what operators that move data ask of their inputs, and indices among those. */
#include "base/error.h"
#include "graph/move.h"

enum heft_status heft_call_element(const struct heft_call *c, uint32_t i, uint64_t *size,
                                   struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe(c->in[i].dtype);

	if (!info || info->n_elements != 1 || info->is_block)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "input %u of %s is %s, whose elements fill no whole bytes", i,
		                 c->op->name, heft_dtype_name(c->in[i].dtype));
	*size = info->n_bytes;
	return HEFT_OK;
}

enum heft_status heft_call_same_dtype(const struct heft_call *c, uint32_t i, uint32_t k,
                                      struct heft_error *err)
{
	if (c->in[i].dtype == c->in[k].dtype)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "inputs %u and %u are %s and %s", i, k,
	                 heft_dtype_name(c->in[i].dtype), heft_dtype_name(c->in[k].dtype));
}

enum heft_status heft_call_check_index(const struct heft_call *c, uint32_t i,
                                       struct heft_error *err)
{
	static const enum heft_dtype indices[] = { HEFT_DTYPE_I64, HEFT_DTYPE_I32,
		                                   HEFT_DTYPE_NONE };

	return heft_call_check_dtype(c, i, indices, err);
}

static int64_t index_at(const struct heft_array *a, uint64_t i, uint64_t n)
{
	const int64_t given = a->dtype == HEFT_DTYPE_I64 ? ((const int64_t *)a->bytes)[i]
	                                                 : ((const int32_t *)a->bytes)[i];

	return given < 0 ? given + (int64_t)n : given;
}

uint64_t heft_index_within(const struct heft_array *a, uint64_t i, uint64_t n)
{
	const int64_t index = index_at(a, i, n);

	return index < 0 ? 0 : (uint64_t)index < n ? (uint64_t)index : n - 1;
}

uint64_t heft_index_or_none(const struct heft_array *a, uint64_t i, uint64_t n)
{
	const int64_t index = index_at(a, i, n);

	return index < 0 || (uint64_t)index > n ? n : (uint64_t)index;
}

enum heft_status heft_call_list(const struct heft_call *c, const char *name, uint32_t i,
                                uint32_t since, int64_t *values, uint32_t room, uint32_t *n,
                                bool *is_given, struct heft_error *err)
{
	const int64_t *ints;

	if (c->opset >= since) {
		*n = 0;
		*is_given = heft_call_has(c, i);
		return *is_given ? heft_call_known_ints(c, i, values, room, n, err) : HEFT_OK;
	}
	ints = heft_call_ints(c, name, n);
	*is_given = heft_call_attr(c, name) != NULL;
	if (*n > room)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "attribute '%s' has %u integers, more than %u", name, *n, room);
	for (uint32_t k = 0; k < *n; k++)
		values[k] = ints[k];
	return HEFT_OK;
}

enum heft_status heft_call_axes(const struct heft_call *c, uint32_t i, uint32_t since,
                                uint32_t rank, uint32_t *axes, uint32_t *n, bool *is_given,
                                struct heft_error *err)
{
	int64_t given[HEFT_GRAPH_MAX_RANK];
	uint32_t seen = 0;

	HEFT_TRY(heft_call_list(c, "axes", i, since, given, HEFT_GRAPH_MAX_RANK, n, is_given, err));
	for (uint32_t k = 0; k < *n; k++) {
		HEFT_TRY(heft_call_axis(given[k], rank, false, &axes[k], err));
		if (seen >> axes[k] & 1)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "axis %u is named twice", axes[k]);
		seen |= 1U << axes[k];
	}
	return HEFT_OK;
}
