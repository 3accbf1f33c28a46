/* SPDX-License-Identifier: Apache-2.0 */
/* scatter.c - updates that replace an element or are reduced into it. */
#include "graph/scatter.h"

#include <string.h>

#include "base/error.h"
#include "graph/move.h"
#include "graph/spans.h"
#include "kernel/lanes.h"

enum heft_status heft_reduction_read(const struct heft_call *c, enum heft_reduction *reduction,
                                     struct heft_error *err)
{
	static const char *const names[] = { "none", "add", "mul", "min", "max" };
	const char *name = c->opset < 16 ? "none" : heft_call_text(c, "reduction", "none");
	const enum heft_dtype dtype = c->in[0].dtype;
	uint32_t i = 0;

	while (i < 5 && strcmp(names[i], name) != 0)
		i++;
	if (i == 5)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "reduction '%s' does not exist",
		                 name);
	*reduction = (enum heft_reduction)i;
	if (i > 0 && dtype != HEFT_DTYPE_F32 && dtype != HEFT_DTYPE_F64 && !heft_is_integer(dtype))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "%s is not reduced",
		                 heft_dtype_name(dtype));
	return HEFT_OK;
}

#define REAL(type)                                                                           \
	static void reduce_##type(enum heft_reduction reduction, type *y, const type *x,     \
	                          uint64_t n)                                                \
	{                                                                                    \
		for (uint64_t i = 0; i < n; i++)                                             \
			y[i] = reduction == HEFT_REDUCTION_ADD   ? y[i] + x[i]               \
			       : reduction == HEFT_REDUCTION_MUL ? y[i] * x[i]               \
			       : reduction == HEFT_REDUCTION_MIN ? HEFT_LESS(y[i], x[i])     \
			                                         : HEFT_GREATER(y[i], x[i]); \
	}

REAL(float)
REAL(double)

static void reduce_integer(enum heft_reduction reduction, enum heft_dtype dtype, void *y,
                           const void *x)
{
	/* the order of unsigned ones is that of signed ones with the top bit turned */
	const uint64_t turn = dtype == HEFT_DTYPE_U64 ? 0 : UINT64_C(1) << 63;
	const uint64_t a = (uint64_t)heft_load_integer(dtype, y);
	const uint64_t b = (uint64_t)heft_load_integer(dtype, x);
	const bool is_less = (b ^ turn) < (a ^ turn);

	heft_store_integer(dtype, y,
	                   (int64_t)(reduction == HEFT_REDUCTION_ADD                ? a + b
	                             : reduction == HEFT_REDUCTION_MUL              ? a * b
	                             : is_less == (reduction == HEFT_REDUCTION_MIN) ? b
	                                                                            : a));
}

void heft_reduction_apply(enum heft_reduction reduction, enum heft_dtype dtype, void *y,
                          const void *x, uint64_t n)
{
	const uint64_t size = heft_element_size(dtype);

	if (reduction == HEFT_REDUCTION_NONE) {
		memcpy(y, x, n * size);
	} else if (dtype == HEFT_DTYPE_F32) {
		reduce_float(reduction, y, x, n);
	} else if (dtype == HEFT_DTYPE_F64) {
		reduce_double(reduction, y, x, n);
	} else {
		for (uint64_t i = 0; i < n; i++)
			reduce_integer(reduction, dtype, (uint8_t *)y + i * size,
			               (const uint8_t *)x + i * size);
	}
}

void heft_scatter_begin(const struct heft_call *c)
{
	heft_copy(c, c->in[0].bytes, c->out[0].bytes, c->in[0].n_bytes);
}
