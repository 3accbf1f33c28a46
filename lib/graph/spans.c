/* SPDX-License-Identifier: Apache-2.0 */
/* spans.c - equal items in tasks of at least a minimum of work; rows along an axis; integers of any
 * type. */
#include "graph/spans.h"

#include <string.h>

/* Elements a task is worth: about ten microseconds of a reduction, many times what a task costs. */
#define WORTH 16384

struct spans {
	const struct heft_call *call;
	heft_span_fn *fn;
	const void *ctx;
	uint64_t n_items;
	uint64_t n_each;
};

static void run_span(void *ctx, uint64_t task, uint32_t worker)
{
	const struct spans *s = ctx;
	const uint64_t first = task * s->n_each;
	const uint64_t left = s->n_items - first;

	s->fn(s->call, s->ctx, first, left < s->n_each ? left : s->n_each, worker);
}

void heft_spans_run(const struct heft_call *c, uint64_t n_items, uint64_t cost, heft_span_fn *fn,
                    const void *ctx)
{
	struct spans s = { .call = c, .fn = fn, .ctx = ctx, .n_items = n_items };

	if (n_items == 0)
		return;
	s.n_each = cost >= WORTH ? 1 : WORTH / (cost > 0 ? cost : 1);
	heft_team_run(c->team, n_items / s.n_each + (n_items % s.n_each != 0), run_span, &s);
}

/* --- axes --- */

void heft_axis_set(struct heft_axis *a, const struct heft_array *x, uint32_t axis)
{
	*a = (struct heft_axis){ .n_outer = 1, .n = 1, .n_inner = 1 };
	for (uint32_t d = 0; d < x->rank; d++) {
		if (d < axis)
			a->n_outer *= x->dims[d];
		else if (d > axis)
			a->n_inner *= x->dims[d];
		else
			a->n = x->dims[d];
	}
}

void heft_axis_set_tail(struct heft_axis *a, const struct heft_array *x, uint32_t axis)
{
	*a = (struct heft_axis){ .n_outer = 1, .n = 1, .n_inner = 1 };
	for (uint32_t d = 0; d < x->rank; d++) {
		if (d < axis)
			a->n_outer *= x->dims[d];
		else
			a->n *= x->dims[d];
	}
}

struct columns {
	const struct heft_call *call;
	heft_columns_fn *fn;
	const void *ctx;
	uint64_t n_columns;
	uint64_t n_each;
	uint64_t n_parts;
};

static void run_columns(void *ctx, uint64_t task, uint32_t worker)
{
	const struct columns *s = ctx;
	const uint64_t first = task % s->n_parts * s->n_each;
	const uint64_t left = s->n_columns - first;

	(void)worker;
	s->fn(s->call, s->ctx, task / s->n_parts, first, left < s->n_each ? left : s->n_each);
}

void heft_columns_run(const struct heft_call *c, uint64_t n_outer, uint64_t n_columns,
                      uint64_t cost, heft_columns_fn *fn, const void *ctx)
{
	struct columns s = { .call = c, .fn = fn, .ctx = ctx, .n_columns = n_columns };

	if (n_outer == 0 || n_columns == 0)
		return;
	s.n_each = (cost >= WORTH ? 1 : WORTH / (cost > 0 ? cost : 1)) / 16 * 16;
	if (s.n_each < 64)
		s.n_each = 64; /* a cache line's worth is read of each row, and some more */
	s.n_parts = n_columns / s.n_each + (n_columns % s.n_each != 0);
	heft_team_run(c->team, n_outer * s.n_parts, run_columns, &s);
}

/* --- elements --- */

uint64_t heft_element_size(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return info ? info->n_bytes / info->n_elements : 0;
}

bool heft_is_integer(enum heft_dtype dtype)
{
	return dtype >= HEFT_DTYPE_U8 && dtype <= HEFT_DTYPE_I64;
}

bool heft_is_unsigned(enum heft_dtype dtype)
{
	return dtype == HEFT_DTYPE_BOOL || dtype == HEFT_DTYPE_U8 || dtype == HEFT_DTYPE_U16 ||
	       dtype == HEFT_DTYPE_U32 || dtype == HEFT_DTYPE_U64;
}

int64_t heft_load_integer(enum heft_dtype dtype, const void *at)
{
	switch (dtype) {
	case HEFT_DTYPE_I8:
		return *(const int8_t *)at;
	case HEFT_DTYPE_U16:
		return *(const uint16_t *)at;
	case HEFT_DTYPE_I16:
		return *(const int16_t *)at;
	case HEFT_DTYPE_U32:
		return *(const uint32_t *)at;
	case HEFT_DTYPE_I32:
		return *(const int32_t *)at;
	case HEFT_DTYPE_U64:
	case HEFT_DTYPE_I64:
		return *(const int64_t *)at;
	default: /* U8, BOOL */
		return *(const uint8_t *)at;
	}
}

void heft_store_integer(enum heft_dtype dtype, void *at, int64_t value)
{
	const uint64_t bits = (uint64_t)value;
	const uint32_t low = (uint32_t)bits;
	const uint16_t lower = (uint16_t)bits;
	const uint8_t lowest = (uint8_t)bits;

	switch (heft_element_size(dtype)) {
	case 8:
		memcpy(at, &bits, sizeof bits);
		break;
	case 4:
		memcpy(at, &low, sizeof low);
		break;
	case 2:
		memcpy(at, &lower, sizeof lower);
		break;
	default:
		memcpy(at, &lowest, sizeof lowest);
		break;
	}
}
