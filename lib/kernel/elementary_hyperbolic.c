/* SPDX-License-Identifier: Apache-2.0 */
/* elementary_hyperbolic.c - sinh, cosh and the inverse hyperbolic functions of F32 arrays. */
#include "kernel/elementary.h"
#include "kernel/elementary_f64.h"
#include "kernel/elementary_loops.h"

HEFT_INLINE float one_sinh(float x)
{
	const double a = (double)heft_f32_abs(x);
	const double m = heft_f64_expm1_short(heft_f64_choose(a > 90.0, 90.0, a));
	const float y = (float)(0.5 * (m + m / (m + 1.0)));

	return heft_f32_or_nan(x, heft_f32_signed(y, x));
}

HEFT_INLINE float one_cosh(float x)
{
	const double a = (double)heft_f32_abs(x);
	const double e = heft_f64_exp_short(heft_f64_choose(a > 90.0, 90.0, a));

	return heft_f32_or_nan(x, (float)(0.5 * (e + 1.0 / e)));
}

HEFT_INLINE float one_atanh(float x)
{
	const double a = (double)heft_f32_abs(x);
	float y = (float)(0.5 * heft_f64_log1p_inner(2.0 * a / (1.0 - a)));

	y = heft_f32_choose(a == 1.0, INFINITY, y);
	y = heft_f32_choose(a > 1.0, NAN, y);
	return heft_f32_or_nan(x, heft_f32_signed(y, x));
}

HEFT_INLINE double asinh_before(float x)
{
	return fma((double)x, (double)x, 1.0);
}

HEFT_INLINE float asinh_after(float x, double root)
{
	const double a = (double)heft_f32_abs(x);
	const float y = (float)heft_f64_log1p_inner(a + a * a / (1.0 + root));

	return heft_f32_or_nan(x,
	                       heft_f32_signed(heft_f32_choose(a == (double)INFINITY, INFINITY, y),
	                                       x));
}

HEFT_INLINE double acosh_before(float x)
{
	const double t = (double)x - 1.0;

	return t * (t + 2.0);
}

HEFT_INLINE float acosh_after(float x, double root)
{
	float y = (float)heft_f64_log1p_inner(((double)x - 1.0) + root);

	y = heft_f32_choose(x == INFINITY, INFINITY, y);
	return heft_f32_or_nan(x, heft_f32_choose(x < 1.0f, NAN, y));
}

HEFT_ELEMENTARY(float, sinh_f32, one_sinh)
HEFT_ELEMENTARY(float, cosh_f32, one_cosh)
HEFT_ELEMENTARY(float, atanh_f32, one_atanh)
HEFT_ELEMENTARY_OF_ROOT(asinh_f32, asinh_before, asinh_after)
HEFT_ELEMENTARY_OF_ROOT(acosh_f32, acosh_before, acosh_after)
