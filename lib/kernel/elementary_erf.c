/* SPDX-License-Identifier: Apache-2.0 */
/* elementary_erf.c - the error functions of F32 arrays, and GELU by them and by tanh. */
#include "kernel/elementary.h"
#include "kernel/elementary_f64.h"
#include "kernel/elementary_loops.h"

HEFT_INLINE float one_erfc(float x)
{
	const double tail = heft_f64_erfc_short((double)heft_f32_abs(x));

	return heft_f32_or_nan(x, (float)heft_f64_choose(x < 0.0f, 2.0 - tail, tail));
}

HEFT_INLINE float one_erf(float x)
{
	const double a = (double)heft_f32_abs(x);
	const double z = a * a;
	double p = -0x1.936a4a7830bd8p-11;
	float y;

	p = fma(p, z, 0x1.54d076df271bdp-8);
	p = fma(p, z, -0x1.b8203032a45abp-6);
	p = fma(p, z, 0x1.ce2ef239ee029p-4);
	p = fma(p, z, -0x1.8127466f5b8a1p-2);
	p = fma(p, z, 0x1.20dd75041b4eap0);
	y = (float)heft_f64_choose(a <= 0.5, a * p, 1.0 - heft_f64_erfc_short(a));
	return heft_f32_or_nan(x, heft_f32_signed(y, x));
}

/* Not by 1 + erf, which cancels where x is negative. */
HEFT_INLINE float one_gelu(float x)
{
	const double wide = (double)x;
	const double tail = 0.5 * heft_f64_erfc_short(heft_f64_abs(wide) * 0x1.6a09e667f3bcdp-1);
	const float y = (float)(wide * heft_f64_choose(x < 0.0f, tail, 1.0 - tail));

	return heft_f32_or_nan(x, heft_f32_choose(x < -16.0f, -0.0f, y));
}

HEFT_INLINE float one_gelu_tanh(float x)
{
	const double wide = (double)x;
	/* 2 sqrt(2 / pi) (x + 0.044715 x^3), of which x (1 + tanh(half)) / 2 makes x / (1 +
	 * e^-it) */
	const double twice = wide * fma(wide * wide, 0x1.2444f2a4d8b4bp-4, 0x1.9884533d43651p0);
	const double e = heft_f64_exp_short(-heft_f64_clamp(twice, -700.0, 700.0));
	const float y = (float)(wide / (1.0 + e));

	return heft_f32_or_nan(x, heft_f32_choose(x < -16.0f, -0.0f, y));
}

HEFT_ELEMENTARY(float, erf_f32, one_erf)
HEFT_ELEMENTARY(float, erfc_f32, one_erfc)
HEFT_ELEMENTARY(float, gelu_f32, one_gelu)
HEFT_ELEMENTARY(float, gelu_tanh_f32, one_gelu_tanh)
