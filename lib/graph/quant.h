/* SPDX-License-Identifier: Apache-2.0 */
/* graph/quant.h - how a real number becomes an integer of few bits (spec F6-23). */
#ifndef GRAPH_QUANT_H
#define GRAPH_QUANT_H

#include <stdint.h>

#include "heft/tensor.h"

/* What an integer dtype of at most 16 bits holds. */
struct heft_int_range {
	int32_t low;
	int32_t high;
};
static inline struct heft_int_range heft_int_range_of(enum heft_dtype dtype)
{
	switch (dtype) {
	case HEFT_DTYPE_U8:
		return (struct heft_int_range){ 0, UINT8_MAX };
	case HEFT_DTYPE_I8:
		return (struct heft_int_range){ INT8_MIN, INT8_MAX };
	case HEFT_DTYPE_U16:
		return (struct heft_int_range){ 0, UINT16_MAX };
	case HEFT_DTYPE_I16:
		return (struct heft_int_range){ INT16_MIN, INT16_MAX };
	case HEFT_DTYPE_U4:
		return (struct heft_int_range){ 0, 15 };
	case HEFT_DTYPE_I4:
		return (struct heft_int_range){ -8, 7 };
	case HEFT_DTYPE_U2:
		return (struct heft_int_range){ 0, 3 };
	default:
		return (struct heft_int_range){ -2, 1 };
	}
}

/* v to the nearest integer, ties to even, 0 for a NaN; + zero, within the range. */
static inline int32_t heft_quantize(float v, int32_t zero, struct heft_int_range range)
{
	int32_t n;

	v = v < -0x1p21f ? -0x1p21f : v;
	v = v > 0x1p21f ? 0x1p21f : v;
	n = v == v ? (int32_t)((v + 0x1.8p23f) - 0x1.8p23f) + zero : zero;
	return n < range.low ? range.low : n > range.high ? range.high : n;
}

#endif
