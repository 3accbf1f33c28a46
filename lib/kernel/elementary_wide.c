/* SPDX-License-Identifier: Apache-2.0 */
/* elementary_wide.c - elementary functions of F64 arrays. */
#include "kernel/elementary.h"
#include "kernel/elementary_f64.h"
#include "kernel/elementary_loops.h"
#include "kernel/large_angle.h"

HEFT_INLINE double one_exp(double x)
{
	return heft_f64_or_nan(x, heft_f64_exp_inner(heft_f64_clamp(x, -746.0, 710.0), 0.0));
}

HEFT_INLINE double one_log(double x)
{
	double y = heft_f64_log_inner(x);

	y = heft_f64_choose(x == 0.0, -(double)INFINITY, y);
	y = heft_f64_choose(x == (double)INFINITY, (double)INFINITY, y);
	return heft_f64_or_nan(x, heft_f64_choose(x < 0.0, (double)NAN, y));
}

HEFT_INLINE double one_tanh(double x)
{
	const double a = heft_f64_abs(x);
	const double m = heft_f64_expm1(heft_f64_choose(a > 25.0, 50.0, 2.0 * a));

	return heft_f64_or_nan(x, heft_f64_signed(m / (m + 2.0), x));
}

HEFT_INLINE double one_sigmoid(double x)
{
	const double a = heft_f64_abs(x);
	const double e = heft_f64_exp_inner(-heft_f64_choose(a > 746.0, 746.0, a), 0.0);

	return heft_f64_or_nan(x, heft_f64_choose(x < 0.0, e, 1.0) / (1.0 + e));
}

/* erfc a = e^(-a^2) times this, for 1 <= a <= 6. */
HEFT_INLINE double erfcx(double a)
{
	const double v = 2.5 / (a + 2.5);
	const double w = v - 0x1.0226bap-1;
	double p = 0x1.63793b3d12cddp-11;

	p = fma(p, w, 0x1.63c9d5859394cp-6);
	p = fma(p, w, -0x1.c59620a7b110dp-7);
	p = fma(p, w, -0x1.73aaf9f013cdcp-6);
	p = fma(p, w, 0x1.d5a88cd90f1e3p-6);
	p = fma(p, w, 0x1.1e2513575d061p-6);
	p = fma(p, w, -0x1.73801c93eebedp-5);
	p = fma(p, w, -0x1.c64405bfc85dbp-7);
	p = fma(p, w, 0x1.24bb726b652d2p-4);
	p = fma(p, w, 0x1.97ee75b64581ap-6);
	p = fma(p, w, -0x1.f66e8b474e463p-4);
	p = fma(p, w, -0x1.c4bd824cb1cb1p-4);
	p = fma(p, w, 0x1.6f0d2c3f2f80fp-3);
	p = fma(p, w, 0x1.1a2148db9b105p-1);
	p = fma(p, w, 0x1.776499926fe59p-1);
	p = fma(p, w, 0x1.4cb99e02dcdc6p-1);
	p = fma(p, w, 0x1.b283a5d8e5e9cp-2);
	return v * p;
}

HEFT_INLINE double one_erf(double x)
{
	const double a = heft_f64_abs(x);
	const double z = a * a;
	const double inside = heft_f64_choose(a > 6.0, 6.0, a);
	const double square = inside * inside;
	const double e = heft_f64_exp_inner(-square, -fma(inside, inside, -square));
	double p = 0x1.05ffd737fb32ep-34;

	p = fma(p, z, -0x1.389d4f2641625p-30);
	p = fma(p, z, 0x1.f7b4bf3b13964p-27);
	p = fma(p, z, -0x1.5f1ecb6f0764cp-23);
	p = fma(p, z, 0x1.b9df224ca4b97p-20);
	p = fma(p, z, -0x1.f4d1e3183f7aep-17);
	p = fma(p, z, 0x1.f9a321d5b8e1ep-14);
	p = fma(p, z, -0x1.c02db3dac435fp-11);
	p = fma(p, z, 0x1.565bcd0dbaa38p-8);
	p = fma(p, z, -0x1.b82ce31284e00p-6);
	p = fma(p, z, 0x1.ce2f21a042b30p-4);
	p = fma(p, z, -0x1.812746b0379e6p-2);
	p = fma(p, z, 0x1.20dd750429b6dp0);
	p = heft_f64_choose(a < 1.0, a * p, 1.0 - e * erfcx(inside));
	return heft_f64_or_nan(x, heft_f64_signed(p, x));
}

HEFT_INLINE double sin_of(double x, struct heft_f64_angle g)
{
	return heft_f64_or_nan(x, heft_f64_signed(heft_f64_turn(g, 0), x));
}

HEFT_INLINE double cos_of(double x, struct heft_f64_angle g)
{
	return heft_f64_or_nan(x, heft_f64_turn(g, 1));
}

HEFT_INLINE double one_sin(double x)
{
	return sin_of(x, heft_f64_reduce(heft_f64_abs(x)));
}

HEFT_INLINE double one_cos(double x)
{
	return cos_of(x, heft_f64_reduce(heft_f64_abs(x)));
}

static void large_sin(const double *x, double *y)
{
	for (size_t i = 0; i < HEFT_LANES; i++)
		if (heft_f64_abs(x[i]) > HEFT_ANGLE_MAX)
			y[i] = sin_of(x[i], heft_large_angle(heft_f64_abs(x[i])));
}

static void large_cos(const double *x, double *y)
{
	for (size_t i = 0; i < HEFT_LANES; i++)
		if (heft_f64_abs(x[i]) > HEFT_ANGLE_MAX)
			y[i] = cos_of(x[i], heft_large_angle(heft_f64_abs(x[i])));
}

/* By the bits, so that the loop is a vector's. */
HEFT_INLINE bool any_large(const double *x)
{
	uint64_t any = 0;

	for (size_t i = 0; i < HEFT_LANES; i++)
		any |= UINT64_C(0x41d0000000000000) - (heft_f64_bits(x[i]) & ~HEFT_F64_SIGN);
	return (any & HEFT_F64_SIGN) != 0;
}

#define FIX_SIN(type, in, out) HEFT_FIX(type, any_large(in), large_sin, in, out)
#define FIX_COS(type, in, out) HEFT_FIX(type, any_large(in), large_cos, in, out)

HEFT_ELEMENTARY(double, exp_f64, one_exp)
HEFT_ELEMENTARY(double, log_f64, one_log)
HEFT_ELEMENTARY(double, tanh_f64, one_tanh)
HEFT_ELEMENTARY(double, sigmoid_f64, one_sigmoid)
HEFT_ELEMENTARY(double, erf_f64, one_erf)
HEFT_ELEMENTARY_FIXED(double, sin_f64, one_sin, FIX_SIN)
HEFT_ELEMENTARY_FIXED(double, cos_f64, one_cos, FIX_COS)
