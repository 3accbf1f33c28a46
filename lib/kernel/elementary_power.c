/* SPDX-License-Identifier: Apache-2.0 */
/* elementary_power.c - powers of F32 and F64 arrays, square roots and reciprocals. */
#include "kernel/elementary.h"
#include "kernel/elementary_f64.h"
#include "kernel/elementary_loops.h"

/* Of y: whether it is an integer, and whether an odd one. */
HEFT_INLINE bool is_integer(double y)
{
	const double a = heft_f64_abs(y);

	return a >= 0x1p52 || (a + 0x1p52) - 0x1p52 == a;
}

HEFT_INLINE bool is_odd(double y)
{
	const double a = heft_f64_abs(y);
	const double counted = heft_f64_choose(a < 0x1p52, a + 0x1p52, a);

	return (heft_f64_bits(counted) & 1) != 0 && is_integer(y) && a < 0x1p53;
}

/* x^y, where `finite` is |x|^y as it comes out of e^(y log |x|). */
HEFT_INLINE double pow_cases(double x, double y, double finite)
{
	const double a = heft_f64_abs(x);
	const bool is_edge = a == 0.0 || a == (double)INFINITY;
	const bool is_vast = heft_f64_abs(y) == (double)INFINITY;
	/* where the answer is 0, 1 or infinite without a logarithm */
	const double vanishing = heft_f64_choose((a < 1.0) == (y > 0.0), 0.0, (double)INFINITY);
	double r = heft_f64_choose(is_edge || is_vast, vanishing, finite);

	r = heft_f64_choose(is_vast && a == 1.0, 1.0, r);
	r = heft_f64_choose(x < 0.0 && a != (double)INFINITY && !is_integer(y), (double)NAN, r);
	r = heft_f64_choose(is_odd(y), heft_f64_signed(r, x), r);
	r = heft_f64_choose(x != x || y != y, (double)NAN, r);
	return heft_f64_choose(y == 0.0 || x == 1.0, 1.0, r);
}

HEFT_INLINE float one_pow_f32(float x, float y)
{
	const double wide = (double)x;
	const double power = (double)y;
	const double log_x = heft_f64_log_inner(heft_f64_abs(wide));
	const double finite = heft_f64_exp_short(heft_f64_clamp(power * log_x, -700.0, 700.0));

	return heft_f32_or_nan(0.0f, (float)pow_cases(wide, power, finite));
}

/* x y = the result + *low, exactly. */
HEFT_INLINE double exact_product(double x, double y, double *low)
{
	const double high = x * y;

	*low = fma(x, y, -high);
	return high;
}

/* x + y = the result + *low, exactly, where |x| >= |y| or x = 0. */
HEFT_INLINE double exact_sum(double x, double y, double *low)
{
	const double high = x + y;

	*low = y - (high - x);
	return high;
}

/* log x for x > 0, finite: the result + *low, to 2^-63 of it. */
HEFT_INLINE double long_log(double x, double *low)
{
	double e;
	const double f = heft_f64_split(x, &e);
	const double d = 2.0 + f;
	const double d_low = f - (d - 2.0);
	/* s = f / (2 + f), log(1 + f) = 2 s + 2/3 s^3 + s^5 (...) */
	const double s = f / d;
	const double s_low = (fma(-s, d, f) - s * d_low) / d;
	double z_low;
	const double z = exact_product(s, s, &z_low);
	const double z_rest = fma(2.0 * s, s_low, z_low);
	double w_low;
	const double w = exact_product(z, 0x1.5555555555555p-1, &w_low);
	const double w_rest = fma(z, 0x1.5555555555555p-55,
	                          fma(z_rest, 0x1.5555555555555p-1, w_low));
	double u_low;
	const double u = exact_product(s, w, &u_low);
	const double u_rest = fma(s, w_rest, fma(s_low, w, u_low));
	double p = 0x1.e03a7acf07f85p-4;
	double a_low;
	double b_low;
	double a;
	double b;

	p = fma(p, z, 0x1.df7ba1f4809c3p-4);
	p = fma(p, z, 0x1.1118cd67251c5p-3);
	p = fma(p, z, 0x1.3b1395b82701ep-3);
	p = fma(p, z, 0x1.745d177ad436ap-3);
	p = fma(p, z, 0x1.c71c71c6ea5acp-3);
	p = fma(p, z, 0x1.2492492492522p-2);
	p = fma(p, z, 0x1.999999999999ap-2);
	a = exact_sum(e * 0x1.62e42feep-1, 2.0 * s, &a_low);
	b = exact_sum(a, u, &b_low);
	p = fma(s * z, z * p, fma(2.0, s_low, u_rest));
	return exact_sum(b, p + fma(e, 0x1.a39ef35793c76p-33, a_low + b_low), low);
}

HEFT_INLINE double one_pow_f64(double x, double y)
{
	double log_low;
	const double log_x = long_log(heft_f64_abs(x), &log_low);
	double low;
	const double high = exact_product(y, log_x, &low);
	const double inside = heft_f64_clamp(high, -746.0, 710.0);
	const double rest = heft_f64_choose(inside == high, fma(y, log_low, low), 0.0);

	return heft_f64_or_nan(0.0, pow_cases(x, y, heft_f64_exp_inner(inside, rest)));
}

HEFT_INLINE double sqrt_before(float x)
{
	return (double)x;
}

/* The root of an F32 in F64, rounded again, is the correctly rounded one: 53 >= 2 x 24 + 2 bits. */
HEFT_INLINE float sqrt_after(float x, double root)
{
	return heft_f32_or_nan(x, (float)root);
}

HEFT_INLINE float one_reciprocal(float x)
{
	return heft_f32_or_nan(x, 1.0f / x);
}

HEFT_ELEMENTARY_OF_TWO(float, pow_f32, one_pow_f32)
HEFT_ELEMENTARY_OF_TWO(double, pow_f64, one_pow_f64)
HEFT_ELEMENTARY_OF_ROOT(sqrt_f32, sqrt_before, sqrt_after)
HEFT_ELEMENTARY(float, reciprocal_f32, one_reciprocal)
