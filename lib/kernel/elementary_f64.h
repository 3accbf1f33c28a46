/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/elementary_f64.h - the parts of elementary functions in binary64: those of F64, and those
 * of F32 that are computed in binary64 and rounded once. `short` ones are exact enough for an F32,
 * the others for an F64. Written from spec/numerics.md, section 4. */
#ifndef KERNEL_ELEMENTARY_F64_H
#define KERNEL_ELEMENTARY_F64_H

#include "kernel/elementary_bits.h"

#define HEFT_LN2_HIGH 0x1.62e42fefa39efp-1
#define HEFT_LN2_LOW 0x1.abc9e3b39803fp-56
#define HEFT_LOG2_E 0x1.71547652b82fep0
#define HEFT_HALF_PI 0x1.921fb54442d18p0
#define HEFT_HALF_PI_LOW 0x1.1a62633145c07p-54

/* 2^n where t = n + HEFT_F64_ROUNDER, for -1022 <= n <= 1023. */
HEFT_INLINE double heft_f64_power_of_2(double t)
{
	return heft_f64_of_bits((heft_f64_bits(t) + 1023) << 52);
}

/* x between least and most; NaN stays. */
HEFT_INLINE double heft_f64_clamp(double x, double least, double most)
{
	x = heft_f64_choose(x > most, most, x);
	return heft_f64_choose(x < least, least, x);
}

/* e^x = *scale (1 + the result), for |x| <= 700, to 2^-37. */
HEFT_INLINE double heft_f64_exp_short_part(double x, double *scale)
{
	const double t = fma(x, HEFT_LOG2_E, HEFT_F64_ROUNDER);
	const double r = fma(-(t - HEFT_F64_ROUNDER), HEFT_LN2_HIGH, x);
	double q = 0x1.a11412e92d01bp-16;

	q = fma(q, r, 0x1.a152a983c7079p-13);
	q = fma(q, r, 0x1.6c168516931abp-10);
	q = fma(q, r, 0x1.1110c5a070ca9p-7);
	q = fma(q, r, 0x1.5555555c9c2f7p-5);
	q = fma(q, r, 0x1.5555556787f3cp-3);
	q = fma(q, r, 0.5);
	*scale = heft_f64_power_of_2(t);
	return fma(r * r, q, r);
}

HEFT_INLINE double heft_f64_exp_short(double x)
{
	double scale;
	const double p = heft_f64_exp_short_part(x, &scale);

	return (1.0 + p) * scale;
}

HEFT_INLINE double heft_f64_expm1_short(double x)
{
	double scale;
	const double p = heft_f64_exp_short_part(x, &scale);

	return fma(scale, p, scale - 1.0);
}

/* The polynomial of e^r = 1 + r + r^2 q for |r| <= ln 2 / 2. */
HEFT_INLINE double heft_f64_exp_q(double r)
{
	double q = 0x1.1f7385560be05p-29;

	q = fma(q, r, 0x1.af4ecd2129492p-26);
	q = fma(q, r, 0x1.27e4db25ce3adp-22);
	q = fma(q, r, 0x1.71de01c3fc936p-19);
	q = fma(q, r, 0x1.a01a01a6ec522p-16);
	q = fma(q, r, 0x1.a01a01ac0a9eep-13);
	q = fma(q, r, 0x1.6c16c16c162bp-10);
	q = fma(q, r, 0x1.111111111009cp-7);
	q = fma(q, r, 0x1.5555555555556p-5);
	q = fma(q, r, 0x1.5555555555557p-3);
	return fma(q, r, 0.5);
}

/* e^(x + rest) for -746 <= x <= 710 or NaN and a rest below the last bit of x. */
HEFT_INLINE double heft_f64_exp_inner(double x, double rest)
{
	const double t = fma(x, HEFT_LOG2_E, HEFT_F64_ROUNDER);
	const double n = t - HEFT_F64_ROUNDER;
	const double r = fma(-n, HEFT_LN2_LOW, fma(-n, HEFT_LN2_HIGH, x)) + rest;
	/* 2^n in two steps, since one of them has no room for a subnormal result */
	const double half = fma(n, 0.5, HEFT_F64_ROUNDER);
	const double other = (n - (half - HEFT_F64_ROUNDER)) + HEFT_F64_ROUNDER;
	const double p = fma(r * r, heft_f64_exp_q(r), r) + 1.0;

	return p * heft_f64_power_of_2(half) * heft_f64_power_of_2(other);
}

/* e^x - 1 for |x| <= 700. */
HEFT_INLINE double heft_f64_expm1(double x)
{
	const double t = fma(x, HEFT_LOG2_E, HEFT_F64_ROUNDER);
	const double n = t - HEFT_F64_ROUNDER;
	const double r = fma(-n, HEFT_LN2_LOW, fma(-n, HEFT_LN2_HIGH, x));
	const double p = fma(r * r, heft_f64_exp_q(r), r);
	const double scale = heft_f64_power_of_2(t);

	return fma(scale, p, scale - 1.0);
}

/* x > 0, finite: x = 2^*e (1 + the result), 0.7071 <= x / 2^*e < 1.4143. */
HEFT_INLINE double heft_f64_split(double x, double *e)
{
	const bool is_small = x < 0x1p-1022;
	const uint64_t bits = heft_f64_bits(heft_f64_choose(is_small, x * 0x1p52, x));
	const uint64_t u = bits + UINT64_C(0x4000000000000000) - UINT64_C(0x3fe6a09e667f3bcd);

	*e = heft_f64_of_bits((u >> 52) | UINT64_C(0x4330000000000000)) -
	     heft_f64_choose(is_small, 0x1p52 + 1076.0, 0x1p52 + 1024.0);
	return heft_f64_of_bits((u & UINT64_C(0xfffffffffffff)) + UINT64_C(0x3fe6a09e667f3bcd)) -
	       1.0;
}

/* log x for x > 0, finite. */
HEFT_INLINE double heft_f64_log_inner(double x)
{
	double e;
	const double f = heft_f64_split(x, &e);
	const double s = f / (2.0 + f);
	const double z = s * s;
	const double half = 0.5 * f * f;
	double p = 0x1.2b5f68a50d903p-3;

	p = fma(p, z, 0x1.39fdcceb4bb45p-3);
	p = fma(p, z, 0x1.7462b91b8df65p-3);
	p = fma(p, z, 0x1.c71c62d5e53e0p-3);
	p = fma(p, z, 0x1.2492492dfd86cp-2);
	p = fma(p, z, 0x1.9999999995273p-2);
	p = fma(p, z, 0x1.5555555555558p-1);
	p = fma(s, fma(p, z, half), e * 0x1.a39ef35793c76p-33);
	return fma(e, 0x1.62e42feep-1, f - (half - p));
}

/* log(1 + x) for x > -1, finite. What 1 + x rounds away counts where x is small. */
HEFT_INLINE double heft_f64_log1p_inner(double x)
{
	const double u = 1.0 + x;

	return heft_f64_log_inner(u) + heft_f64_choose(x < 1.0, x - (u - 1.0), 0.0);
}

/* |x| as a number of quarter turns, the low two bits of `quarters`, and an angle r + rest of at
 * most pi / 4 and a little. */
struct heft_f64_angle {
	double r;
	double rest;
	uint64_t quarters;
};

/* For |x| <= HEFT_ANGLE_MAX; what is beyond is kernel/large_angle.h's. */
#define HEFT_ANGLE_MAX 0x1p30

HEFT_INLINE struct heft_f64_angle heft_f64_reduce(double a)
{
	const double t = fma(a, 0x1.45f306dc9c883p-1, HEFT_F64_ROUNDER);
	const double n = t - HEFT_F64_ROUNDER;
	const double high = fma(-n, HEFT_HALF_PI, a); /* exact */
	const double w = n * HEFT_HALF_PI_LOW;
	const double r = high - w;
	const double back = r - high;
	double rest = (high - (r - back)) - (w + back);

	rest = rest - fma(n, HEFT_HALF_PI_LOW, -w);
	rest = fma(-n, -0x1.f1976b7ed8fbcp-110, rest);
	return (struct heft_f64_angle){ r, rest, heft_f64_bits(t) };
}

/* sin(r + rest) and cos(r + rest). */
HEFT_INLINE double heft_f64_sin_inner(double r, double rest)
{
	const double z = r * r;
	double p = 0x1.5e0af186af739p-33;

	p = fma(p, z, -0x1.ae600a926c89ap-26);
	p = fma(p, z, 0x1.71de37961e4c6p-19);
	p = fma(p, z, -0x1.a01a019e8357dp-13);
	p = fma(p, z, 0x1.1111111110bb1p-7);
	p = fma(p, z, -0x1.5555555555555p-3);
	return r + fma(r * z, p, rest * fma(z, -0.5, 1.0));
}

HEFT_INLINE double heft_f64_cos_inner(double r, double rest)
{
	const double z = r * r;
	const double half = 0.5 * z;
	const double w = 1.0 - half;
	double p = -0x1.907d7aebd5e3dp-37;

	p = fma(p, z, 0x1.1eeb68b109173p-29);
	p = fma(p, z, -0x1.27e4fa17a41b4p-22);
	p = fma(p, z, 0x1.a01a019f4e867p-16);
	p = fma(p, z, -0x1.6c16c16c16966p-10);
	p = fma(p, z, 0x1.5555555555555p-5);
	return w + (((1.0 - w) - half) + fma(z * z, p, -(r * rest)));
}

/* sin (after = 0) or cos (after = 1) of the angle, whose quarters count. */
HEFT_INLINE double heft_f64_turn(struct heft_f64_angle g, uint64_t after)
{
	const uint64_t quarters = g.quarters + after;
	const double y = heft_f64_choose((quarters & 1) != 0, heft_f64_cos_inner(g.r, g.rest),
	                                 heft_f64_sin_inner(g.r, g.rest));

	return heft_f64_of_bits(heft_f64_bits(y) ^ ((quarters & 2) << 62));
}

/* e^(y^2) erfc(y) for 0 <= y <= 10.4, to 2^-33. */
HEFT_INLINE double heft_f64_erfcx_short(double y)
{
	const double v = 3.0 / (y + 3.0);
	const double w = v - 0x1.39503ep-1;
	double p = 0x1.9823545e845f2p-10;

	p = fma(p, w, -0x1.bb9309f8170d9p-6);
	p = fma(p, w, -0x1.4d07dfb092876p-10);
	p = fma(p, w, 0x1.12ccaf29e6bc1p-4);
	p = fma(p, w, 0x1.f157ba31af3bap-7);
	p = fma(p, w, -0x1.29261328957afp-3);
	p = fma(p, w, -0x1.18e0731096886p-3);
	p = fma(p, w, 0x1.db5eb6564decfp-3);
	p = fma(p, w, 0x1.9272a1bb04e66p-1);
	p = fma(p, w, 0x1.25d1f986586e2p0);
	p = fma(p, w, 0x1.1de8c29a6c917p0);
	p = fma(p, w, 0x1.999e6f01e6ba1p-1);
	p = fma(p, w, 0x1.bd7f061803dc8p-2);
	return v * p;
}

/* erfc(y) for y >= 0 or NaN; 2^-207 and no less. */
HEFT_INLINE double heft_f64_erfc_short(double y)
{
	const double inside = heft_f64_choose(y > 12.0, 12.0, y);

	return heft_f64_exp_short(-(inside * inside)) * heft_f64_erfcx_short(inside);
}

#endif
