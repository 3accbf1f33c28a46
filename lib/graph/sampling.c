/* SPDX-License-Identifier: Apache-2.0 */
/* sampling.c - integers near a number, without a C library. */
#include "graph/sampling.h"

#include "base/error.h"

double heft_floor(double x)
{
	double whole;

	if (!(x > -0x1p52 && x < 0x1p52))
		return x;
	whole = (double)(int64_t)x;
	return whole > x ? whole - 1 : whole;
}

double heft_nearest_integer(double x)
{
	return x > -0x1p51 && x < 0x1p51 ? (x + 0x1.8p52) - 0x1.8p52 : x;
}

enum heft_status heft_call_check_real(const struct heft_call *c, uint32_t first, uint32_t last,
                                      struct heft_error *err)
{
	static const enum heft_dtype reals[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };

	for (uint32_t i = first; i <= last; i++) {
		if (heft_call_has(c, i))
			HEFT_TRY(heft_call_check_dtype(c, i, reals, err));
	}
	return HEFT_OK;
}
