/* SPDX-License-Identifier: Apache-2.0 */
/* elementary_trig.c - the trigonometric functions of F32 arrays and their inverses. */
#include "kernel/elementary.h"
#include "kernel/elementary_f64.h"
#include "kernel/elementary_loops.h"
#include "kernel/large_angle.h"

HEFT_INLINE float sin_of(float x, struct heft_f64_angle g)
{
	return heft_f32_or_nan(x, heft_f32_signed((float)heft_f64_turn(g, 0), x));
}

HEFT_INLINE float cos_of(float x, struct heft_f64_angle g)
{
	return heft_f32_or_nan(x, (float)heft_f64_turn(g, 1));
}

HEFT_INLINE float tan_of(float x, struct heft_f64_angle g)
{
	const double s = heft_f64_sin_inner(g.r, g.rest);
	const double c = heft_f64_cos_inner(g.r, g.rest);
	const bool is_odd = (g.quarters & 1) != 0;
	const double y = heft_f64_choose(is_odd, -c, s) / heft_f64_choose(is_odd, s, c);

	return heft_f32_or_nan(x, heft_f32_signed((float)y, x));
}

HEFT_INLINE float one_sin(float x)
{
	return sin_of(x, heft_f64_reduce((double)heft_f32_abs(x)));
}

HEFT_INLINE float one_cos(float x)
{
	return cos_of(x, heft_f64_reduce((double)heft_f32_abs(x)));
}

HEFT_INLINE float one_tan(float x)
{
	return tan_of(x, heft_f64_reduce((double)heft_f32_abs(x)));
}

static bool is_large(float x)
{
	return heft_f32_abs(x) > (float)HEFT_ANGLE_MAX;
}

static void large_sin(const float *x, float *y)
{
	for (size_t i = 0; i < HEFT_LANES; i++)
		if (is_large(x[i]))
			y[i] = sin_of(x[i], heft_large_angle((double)heft_f32_abs(x[i])));
}

static void large_cos(const float *x, float *y)
{
	for (size_t i = 0; i < HEFT_LANES; i++)
		if (is_large(x[i]))
			y[i] = cos_of(x[i], heft_large_angle((double)heft_f32_abs(x[i])));
}

static void large_tan(const float *x, float *y)
{
	for (size_t i = 0; i < HEFT_LANES; i++)
		if (is_large(x[i]))
			y[i] = tan_of(x[i], heft_large_angle((double)heft_f32_abs(x[i])));
}

/* By the bits, so that the loop is a vector's. */
HEFT_INLINE bool any_large(const float *x)
{
	uint32_t any = 0;

	for (size_t i = 0; i < HEFT_LANES; i++)
		any |= UINT32_C(0x4e800000) - (heft_f32_bits(x[i]) & ~HEFT_F32_SIGN);
	return (any & HEFT_F32_SIGN) != 0;
}

#define FIX_SIN(type, in, out) HEFT_FIX(type, any_large(in), large_sin, in, out)
#define FIX_COS(type, in, out) HEFT_FIX(type, any_large(in), large_cos, in, out)
#define FIX_TAN(type, in, out) HEFT_FIX(type, any_large(in), large_tan, in, out)

HEFT_INLINE float one_atan(float x)
{
	const double a = (double)heft_f32_abs(x);
	const bool is_over = a > 1.0;
	const double t = heft_f64_choose(is_over, 1.0, a) / heft_f64_choose(is_over, a, 1.0);
	const double z = t * t;
	double p = 0x1.36ecfc48d188bp-11;
	float y;

	p = fma(p, z, -0x1.14abab0185470p-8);
	p = fma(p, z, 0x1.cd243cc325c05p-7);
	p = fma(p, z, -0x1.ea18af61c3e87p-6);
	p = fma(p, z, 0x1.837061ab40426p-5);
	p = fma(p, z, -0x1.ffb2b9595f5b2p-5);
	p = fma(p, z, 0x1.36bfd2210f14ap-4);
	p = fma(p, z, -0x1.73a719b0b93d9p-4);
	p = fma(p, z, 0x1.c70a6be6d4163p-4);
	p = fma(p, z, -0x1.2491d128f2977p-3);
	p = fma(p, z, 0x1.9999971f594e7p-3);
	p = fma(p, z, -0x1.555555543c557p-2);
	p = fma(t * z, p, t);
	y = (float)heft_f64_choose(is_over, HEFT_HALF_PI - p, p);
	return heft_f32_or_nan(x, heft_f32_signed(y, x));
}

/* Above a half, asin a = pi / 2 - 2 asin root, root = sqrt((1 - a) / 2). */
HEFT_INLINE double asin_before(float x)
{
	return 0.5 - 0.5 * (double)heft_f32_abs(x);
}

/* asin of a up to a half, or of the root. */
HEFT_INLINE double asin_inner(double a, double root)
{
	const double s = heft_f64_choose(a > 0.5, root, a);
	const double z = s * s;
	double p = 0x1.e0231588b1e55p-6;

	p = fma(p, z, 0x1.64b97e009bd03p-8);
	p = fma(p, z, 0x1.3c5053c2afce1p-6);
	p = fma(p, z, 0x1.6a9e3262c37dbp-6);
	p = fma(p, z, 0x1.f208eb1ddd0fbp-6);
	p = fma(p, z, 0x1.6db5cfb6af282p-5);
	p = fma(p, z, 0x1.333334ceb6520p-4);
	p = fma(p, z, 0x1.55555554ee47bp-3);
	return fma(s * z, p, s);
}

HEFT_INLINE float asin_after(float x, double root)
{
	const double a = (double)heft_f32_abs(x);
	const double p = asin_inner(a, root);
	float y = (float)heft_f64_choose(a > 0.5, fma(-2.0, p, HEFT_HALF_PI), p);

	y = heft_f32_choose(a > 1.0, NAN, y);
	return heft_f32_or_nan(x, heft_f32_signed(y, x));
}

HEFT_INLINE float acos_after(float x, double root)
{
	const double a = (double)heft_f32_abs(x);
	const double p = asin_inner(a, root);
	const double far = heft_f64_choose(x < 0.0f, fma(-2.0, p, 2.0 * HEFT_HALF_PI), 2.0 * p);
	const double near = HEFT_HALF_PI - heft_f64_signed(p, (double)x);
	const float y = (float)heft_f64_choose(a > 0.5, far, near);

	return heft_f32_or_nan(x, heft_f32_choose(a > 1.0, NAN, y));
}

HEFT_ELEMENTARY_FIXED(float, sin_f32, one_sin, FIX_SIN)
HEFT_ELEMENTARY_FIXED(float, cos_f32, one_cos, FIX_COS)
HEFT_ELEMENTARY_FIXED(float, tan_f32, one_tan, FIX_TAN)
HEFT_ELEMENTARY(float, atan_f32, one_atan)
HEFT_ELEMENTARY_OF_ROOT(asin_f32, asin_before, asin_after)
HEFT_ELEMENTARY_OF_ROOT(acos_f32, asin_before, acos_after)
