/* SPDX-License-Identifier: Apache-2.0 */
/* elementary_rare.c - functions of F64 arrays, made of those that are exact enough; one loop for
 * every machine, as they are no bottleneck of any model. Written from spec F6-19. */
#include "kernel/elementary_rare.h"

#include "kernel/elementary.h"
#include "kernel/elementary_f64.h"
#include "kernel/large_angle.h"

#define LN2 0x1.62e42fefa39efp-1
#define ROOT_HALF 0x1.6a09e667f3bcdp-1
#define N_ANGLES 9

/* atan(k / 8), and what is left of it. */
static const double angles[N_ANGLES][2] = {
	{ 0, 0 },
	{ 0x1.fd5ba9aac2f6ep-4, -0x1.cd37686760c17p-59 },
	{ 0x1.f5b75f92c80ddp-3, 0x1.8ab6e3cf7afbdp-57 },
	{ 0x1.6f61941e4def1p-2, -0x1.c63aae6f6e918p-56 },
	{ 0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56 },
	{ 0x1.1e00babdefeb4p-1, -0x1.928df287a668fp-58 },
	{ 0x1.4978fa3269ee1p-1, 0x1.2419a87f2a458p-56 },
	{ 0x1.700a7c5784634p-1, -0x1.8c34d25aadef6p-56 },
	{ 0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55 },
};

static double sqrt_of(double x)
{
	return heft_f64_or_nan(x, sqrt(x));
}

/* e^x for x of any size, and e^x - 1: from 40 on it makes no difference. */
static double exp_of(double x)
{
	return heft_f64_exp_inner(heft_f64_clamp(x, -746.0, 710.0), 0.0);
}

static double expm1_of(double x)
{
	if (x == 0 || x != x)
		return heft_f64_or_nan(x, x);
	return x > 40 ? exp_of(x) : heft_f64_expm1(heft_f64_clamp(x, -50.0, 40.0));
}

/* log(1 + x) for -1 < x, finite. */
static double log1p_of(double x)
{
	const double u = 1.0 + x;

	return x < 1 ? heft_f64_log_inner(u) + (x - (u - 1.0)) / u : heft_f64_log_inner(u);
}

static double softplus_of(double x)
{
	return heft_f64_or_nan(x, (x > 0 ? x : 0) + log1p_of(exp_of(-heft_f64_abs(x))));
}

static double tan_of(double x)
{
	const double a = heft_f64_abs(x);
	const struct heft_f64_angle g = a <= HEFT_ANGLE_MAX ? heft_f64_reduce(a)
	                                                    : heft_large_angle(a);
	const double s = heft_f64_sin_inner(g.r, g.rest);
	const double c = heft_f64_cos_inner(g.r, g.rest);

	return heft_f64_or_nan(x, heft_f64_signed((g.quarters & 1) != 0 ? -c / s : s / c, x));
}

/* Of a >= 0: the nearest eighth's angle, and the series of what is left, up to 1 / 16. */
static double atan_inner(double a)
{
	const bool is_turned = a > 1;
	const double t = is_turned ? 1.0 / a : a;
	const double eighths = (t * 8.0 + HEFT_F64_ROUNDER) - HEFT_F64_ROUNDER;
	const double *angle = angles[t == t ? (unsigned)eighths : 0];
	const double at = eighths * 0.125;
	const double r = (t - at) / fma(t, at, 1.0);
	const double z = r * r;
	double p = -0x1.1111111111111p-4;
	double y;

	p = fma(p, z, 0x1.3b13b13b13b14p-4);
	p = fma(p, z, -0x1.745d1745d1746p-4);
	p = fma(p, z, 0x1.c71c71c71c71cp-4);
	p = fma(p, z, -0x1.2492492492492p-3);
	p = fma(p, z, 0x1.999999999999ap-3);
	p = fma(p, z, -0x1.5555555555555p-2);
	y = angle[0] + (r + fma(r * z, p, angle[1]));
	return is_turned ? HEFT_HALF_PI - (y - HEFT_HALF_PI_LOW) : y;
}

static double atan_of(double x)
{
	return heft_f64_or_nan(x, heft_f64_signed(atan_inner(heft_f64_abs(x)), x));
}

static double asin_of(double x)
{
	const double a = heft_f64_abs(x);
	const double y = atan_inner(a / sqrt((1.0 - a) * (1.0 + a)));

	return a <= 1 ? heft_f64_signed(y, x) : heft_f64_or_nan(x, (double)NAN);
}

static double acos_of(double x)
{
	return heft_f64_abs(x) <= 1 ? 2.0 * atan_inner(sqrt((1.0 - x) / (1.0 + x)))
	                            : heft_f64_or_nan(x, (double)NAN);
}

/* Beyond 40 as two factors, since e^a may be too large. */
static double sinh_of(double x)
{
	const double a = heft_f64_abs(x);
	const double e = exp_of(0.5 * a);
	const double m = expm1_of(a);

	return heft_f64_or_nan(x, heft_f64_signed(a > 40 ? 0.5 * e * e : 0.5 * (m + m / (m + 1.0)),
	                                          x));
}

static double cosh_of(double x)
{
	const double a = heft_f64_abs(x);
	const double half = exp_of(0.5 * a);
	const double e = exp_of(a);

	return heft_f64_or_nan(x, a > 40 ? 0.5 * half * half : 0.5 * (e + 1.0 / e));
}

static double asinh_of(double x)
{
	const double a = heft_f64_abs(x);
	double y = a;

	if (a <= 0x1p27)
		y = log1p_of(a + a * a / (1.0 + sqrt(fma(a, a, 1.0))));
	else if (a < (double)INFINITY)
		y = heft_f64_log_inner(a) + LN2;
	return heft_f64_or_nan(x, heft_f64_signed(y, x));
}

static double acosh_of(double x)
{
	const double t = x - 1.0;

	if (x < 1 || x != x)
		return heft_f64_or_nan(x, (double)NAN);
	if (x <= 0x1p27)
		return log1p_of(t + sqrt(t * (t + 2.0)));
	return x < (double)INFINITY ? heft_f64_log_inner(x) + LN2 : x;
}

static double atanh_of(double x)
{
	const double a = heft_f64_abs(x);

	if (a < 1)
		return heft_f64_signed(0.5 * log1p_of(2.0 * a / (1.0 - a)), x);
	return a == 1 ? heft_f64_signed((double)INFINITY, x) : heft_f64_or_nan(x, (double)NAN);
}

#define EACH(name)                                                                         \
	void heft_##name##_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n) \
	{                                                                                  \
		(void)cpu_bits;                                                            \
		for (size_t i = 0; i < n; i++)                                             \
			y[i] = name##_of(x[i]);                                            \
	}

EACH(expm1)
EACH(softplus)
EACH(tan)
EACH(asin)
EACH(acos)
EACH(atan)
EACH(sinh)
EACH(cosh)
EACH(asinh)
EACH(acosh)
EACH(atanh)
EACH(sqrt)

/* An infinity below is the limit, -0; x times a half that is 0 would be NaN. */
static double gelu_of(double x, double half)
{
	return x == -(double)INFINITY ? -0.0 : heft_f64_or_nan(x, x * half);
}

void heft_gelu_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double half = x[i] * ROOT_HALF;

		heft_erf_f64_by(cpu_bits, &half, &half, 1);
		y[i] = gelu_of(x[i], 0.5 * (1.0 + half));
	}
}

void heft_gelu_tanh_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double half = x[i] * fma(x[i] * x[i], 0x1.2444f2a4d8b4bp-5, 0x1.9884533d43651p-1);

		heft_tanh_f64_by(cpu_bits, &half, &half, 1);
		y[i] = gelu_of(x[i], 0.5 * (1.0 + half));
	}
}
