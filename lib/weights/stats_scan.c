/* SPDX-License-Identifier: Apache-2.0 */
/* stats_scan.c - gives elements of every dtype to the kernels: as codes, as they are, or widened to
 * F64 block by block. */
#include "weights/stats_scan.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "kernel/tally.h"
#include "tensor/cast.h"

#define F32_LEAST_NORMAL 0x1p-126
#define F64_LEAST_NORMAL 0x1p-1022

enum heft_stats_kind heft_stats_kind(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	if (!info || info->is_block)
		return HEFT_STATS_NONE;
	if (info->is_complex || heft_element_bits(dtype) > 16)
		return HEFT_STATS_KEYS;
	return HEFT_STATS_CODES;
}

static double f32_at(const uint8_t *p)
{
	const uint32_t bits = heft_get_le32(p);
	float value;

	memcpy(&value, &bits, sizeof value);
	return (double)value;
}

static double f64_at(const uint8_t *p)
{
	const uint64_t bits = heft_get_le64(p);
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static void put_f64(uint8_t *p, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	heft_put_le64(p, bits);
}

/* Infinite when a part is, whatever the other one; no square leaves the range of F64. */
static double magnitude(double re, double im)
{
	const double a = fabs(re);
	const double b = fabs(im);
	const double larger = a > b ? a : b;

	if (isinf(a) || isinf(b))
		return (double)INFINITY;
	if (larger > 0x1p500)
		return sqrt(a * 0x1p-600 * (a * 0x1p-600) + b * 0x1p-600 * (b * 0x1p-600)) *
		       0x1p600;
	if (larger < 0x1p-450)
		return sqrt(a * 0x1p600 * (a * 0x1p600) + b * 0x1p600 * (b * 0x1p600)) * 0x1p-600;
	return sqrt(a * a + b * b);
}

static void note_integer(struct heft_stats_sums *sums, uint64_t value)
{
	if (!sums->has_integers || value < sums->min_integer)
		sums->min_integer = value;
	if (!sums->has_integers || value > sums->max_integer)
		sums->max_integer = value;
	sums->has_integers = true;
}

static double widen_signed(struct heft_stats_sums *sums, int64_t value)
{
	note_integer(sums, (uint64_t)value ^ UINT64_C(1) << 63);
	return (double)value;
}

static double widen_unsigned(struct heft_stats_sums *sums, uint64_t value)
{
	note_integer(sums, value);
	return (double)value;
}

static double widen_complex(struct heft_stats_sums *sums, double re, double im, double least_normal)
{
	const double value = magnitude(re, im);

	/* Those that are subnormal in F64 as well are counted by its kernel. */
	sums->moments.n_subnormal += value < least_normal && value >= F64_LEAST_NORMAL;
	return value;
}

static double widen(enum heft_dtype dtype, const uint8_t *p, size_t i, struct heft_stats_sums *sums)
{
	switch (dtype) {
	case HEFT_DTYPE_I32:
		return widen_signed(sums, (int32_t)heft_get_le32(p + 4 * i));
	case HEFT_DTYPE_U32:
		return widen_unsigned(sums, heft_get_le32(p + 4 * i));
	case HEFT_DTYPE_I64:
		return widen_signed(sums, (int64_t)heft_get_le64(p + 8 * i));
	case HEFT_DTYPE_U64:
		return widen_unsigned(sums, heft_get_le64(p + 8 * i));
	case HEFT_DTYPE_C64:
		return widen_complex(sums, f32_at(p + 8 * i), f32_at(p + 8 * i + 4),
		                     F32_LEAST_NORMAL);
	default:
		return widen_complex(sums, f64_at(p + 16 * i), f64_at(p + 16 * i + 8),
		                     F64_LEAST_NORMAL);
	}
}

static void scan_widened(enum heft_dtype dtype, const uint8_t *p, size_t n,
                         struct heft_stats_sums *sums, uint32_t *counts)
{
	const size_t size = heft_dtype_describe(dtype)->n_bytes;
	uint8_t wide[HEFT_MOMENTS_BLOCK * 8];

	while (n > 0) {
		const size_t n_now = n < HEFT_MOMENTS_BLOCK ? n : HEFT_MOMENTS_BLOCK;

		for (size_t i = 0; i < n_now; i++)
			put_f64(wide + 8 * i, widen(dtype, p, i, sums));
		heft_moments_f64(&sums->moments, counts, wide, n_now);
		p += n_now * size;
		n -= n_now;
	}
}

void heft_stats_scan(enum heft_dtype dtype, const uint8_t *p, size_t n,
                     struct heft_stats_sums *sums, uint32_t *counts)
{
	if (heft_stats_kind(dtype) == HEFT_STATS_CODES)
		heft_tally(heft_element_bits(dtype), counts, p, n);
	else if (dtype == HEFT_DTYPE_F32)
		heft_moments_f32(&sums->moments, counts, p, n);
	else if (dtype == HEFT_DTYPE_F64)
		heft_moments_f64(&sums->moments, counts, p, n);
	else
		scan_widened(dtype, p, n, sums, counts);
}

void heft_stats_merge(struct heft_stats_sums *sums, const struct heft_stats_sums *later)
{
	heft_moments_merge(&sums->moments, &later->moments);
	if (!later->has_integers)
		return;
	note_integer(sums, later->min_integer);
	note_integer(sums, later->max_integer);
}
