/* SPDX-License-Identifier: Apache-2.0 */
/* graph/sampling.h - numbers in binary64 that operators need which look between pixels. */
#ifndef GRAPH_SAMPLING_H
#define GRAPH_SAMPLING_H

#include "graph/op.h"

/* The greatest integer that is not above x; x itself if it is none of 53 bits. */
double heft_floor(double x);
/* The nearest integer, of two the even one. */
double heft_nearest_integer(double x);

/* Element i of an array of F32 or F64. */
static inline double heft_real_at(const struct heft_array *a, uint64_t i)
{
	return a->dtype == HEFT_DTYPE_F32 ? (double)((const float *)a->bytes)[i]
	                                  : ((const double *)a->bytes)[i];
}
static inline void heft_real_set(const struct heft_array *a, uint64_t i, double value)
{
	if (a->dtype == HEFT_DTYPE_F32)
		((float *)a->bytes)[i] = (float)value;
	else
		((double *)a->bytes)[i] = value;
}
/* UNSUPPORTED unless inputs first to last that are there are F32 or F64. */
enum heft_status heft_call_check_real(const struct heft_call *c, uint32_t first, uint32_t last,
                                      struct heft_error *err);

#endif
