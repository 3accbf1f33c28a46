/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/elementary_bits.h - what the elementary functions are written with beside + - * / and
 * fma: the bits of a number, a choice without a branch, and inlining into loops of every target.
 *
 * A choice is made by masks, because a compiler that sees a branch may move work into it, and then
 * no longer turns the loop into vectors. */
#ifndef KERNEL_ELEMENTARY_BITS_H
#define KERNEL_ELEMENTARY_BITS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cpu.h"

#ifdef HEFT_TARGET_AVX2
/* Into callers of every target: a call would end the vectors. */
#define HEFT_INLINE static inline __attribute__((always_inline))
#else
#define HEFT_INLINE static inline
#endif

#define HEFT_F32_SIGN UINT32_C(0x80000000)
#define HEFT_F64_SIGN UINT64_C(0x8000000000000000)
/* t = x + ROUNDER is x to the nearest integer, ties to even, in the low bits of t (two's
 * complement); t - ROUNDER is the integer as a number. For |x| < 2^22 and < 2^51. */
#define HEFT_F32_ROUNDER 0x1.8p23f
#define HEFT_F64_ROUNDER 0x1.8p52

HEFT_INLINE uint32_t heft_f32_bits(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof bits);
	return bits;
}

HEFT_INLINE float heft_f32_of_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

HEFT_INLINE uint64_t heft_f64_bits(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof bits);
	return bits;
}

HEFT_INLINE double heft_f64_of_bits(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

HEFT_INLINE float heft_f32_choose(bool first, float a, float b)
{
	const uint32_t mask = 0u - (uint32_t)first;

	return heft_f32_of_bits((heft_f32_bits(a) & mask) | (heft_f32_bits(b) & ~mask));
}

HEFT_INLINE double heft_f64_choose(bool first, double a, double b)
{
	const uint64_t mask = UINT64_C(0) - (uint64_t)first;

	return heft_f64_of_bits((heft_f64_bits(a) & mask) | (heft_f64_bits(b) & ~mask));
}

HEFT_INLINE float heft_f32_abs(float x)
{
	return heft_f32_of_bits(heft_f32_bits(x) & ~HEFT_F32_SIGN);
}

HEFT_INLINE double heft_f64_abs(double x)
{
	return heft_f64_of_bits(heft_f64_bits(x) & ~HEFT_F64_SIGN);
}

/* x >= 0 or NaN with the sign of `sign`. */
HEFT_INLINE float heft_f32_signed(float x, float sign)
{
	return heft_f32_of_bits(heft_f32_bits(x) ^ (heft_f32_bits(sign) & HEFT_F32_SIGN));
}

HEFT_INLINE double heft_f64_signed(double x, double sign)
{
	return heft_f64_of_bits(heft_f64_bits(x) ^ (heft_f64_bits(sign) & HEFT_F64_SIGN));
}

/* y, and where x or y is NaN the one NaN that elementary functions give: processors differ in the
 * bits of theirs. */
HEFT_INLINE float heft_f32_or_nan(float x, float y)
{
	return heft_f32_choose(x != x || y != y, heft_f32_of_bits(0x7fc00000), y);
}

HEFT_INLINE double heft_f64_or_nan(double x, double y)
{
	return heft_f64_choose(x != x || y != y, heft_f64_of_bits(UINT64_C(0x7ff8000000000000)), y);
}

#endif
