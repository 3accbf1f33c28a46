/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/elementary_f32.h - exp, log, tanh and sigmoid of one F32, in binary32 throughout, for
 * loops that do more than one of them at a time (softmax, the end of a product). The loops over
 * arrays and the contract are in kernel/elementary.h. Written from spec/numerics.md, section 4. */
#ifndef KERNEL_ELEMENTARY_F32_H
#define KERNEL_ELEMENTARY_F32_H

#include "kernel/elementary_bits.h"

/* e^x for -104 <= x <= 89 or NaN; with *low, what its last rounding took, it is off by 0.4 ulp. */
HEFT_INLINE float heft_f32_exp_inner(float x, float *low)
{
	const float t = fmaf(x, 0x1.715476p0f, HEFT_F32_ROUNDER);
	const float n = t - HEFT_F32_ROUNDER;
	const float r = fmaf(-n, -0x1.05c61p-29f, fmaf(-n, 0x1.62e43p-1f, x));
	/* 2^n in two steps, since one of them has no room for a subnormal result */
	const uint32_t biased = heft_f32_bits(t) - heft_f32_bits(HEFT_F32_ROUNDER) + 256;
	const uint32_t half = biased >> 1;
	const float scale = heft_f32_of_bits((half - 1) << 23);
	const float other_scale = heft_f32_of_bits((biased - half - 1) << 23);
	float q = 0x1.6a5c72p-10f;
	float p;

	q = fmaf(q, r, 0x1.123aeap-7f);
	q = fmaf(q, r, 0x1.5558a4p-5f);
	q = fmaf(q, r, 0x1.55549p-3f);
	q = fmaf(q, r, 0x1.fffffcp-2f);
	q = fmaf(r * r, q, r);
	p = q + 1.0f;
	*low = (q - (p - 1.0f)) * scale * other_scale;
	return p * scale * other_scale;
}

HEFT_INLINE float heft_f32_exp(float x)
{
	float inside = heft_f32_choose(x > 89.0f, 89.0f, x);
	float low;

	inside = heft_f32_choose(x < -104.0f, -104.0f, inside);
	return heft_f32_or_nan(x, heft_f32_exp_inner(inside, &low));
}

HEFT_INLINE float heft_f32_log(float x)
{
	const bool is_small = x < 0x1p-126f;
	const uint32_t bits = heft_f32_bits(heft_f32_choose(is_small, x * 0x1p23f, x));
	/* x = 2^e m with 0.70710677 <= m < 1.4142135 */
	const uint32_t u = bits + UINT32_C(0x40000000) - UINT32_C(0x3f3504f3);
	const float e = heft_f32_of_bits((u >> 23) | UINT32_C(0x4b000000)) -
	                heft_f32_choose(is_small, 0x1p23f + 151.0f, 0x1p23f + 128.0f);
	const float f = heft_f32_of_bits((u & 0x7fffff) + UINT32_C(0x3f3504f3)) - 1.0f;
	const float f2 = f * f;
	float p = 0x1.1484e8p-4f;

	p = fmaf(p, f, -0x1.de1004p-4f);
	p = fmaf(p, f, 0x1.e6c03ep-4f);
	p = fmaf(p, f, -0x1.fc26acp-4f);
	p = fmaf(p, f, 0x1.233b78p-3f);
	p = fmaf(p, f, -0x1.555c4ep-3f);
	p = fmaf(p, f, 0x1.99a478p-3f);
	p = fmaf(p, f, -0x1.000006p-2f);
	p = fmaf(p, f, 0x1.555548p-2f);
	p = fmaf(f2 * f, p, e * -0x1.bd0106p-13f);
	p = fmaf(f2, -0.5f, p);
	p = fmaf(e, 0x1.63p-1f, f + p);
	p = heft_f32_choose(x == 0.0f, -INFINITY, p);
	p = heft_f32_choose(x == INFINITY, INFINITY, p);
	p = heft_f32_choose(x < 0.0f, NAN, p);
	return heft_f32_or_nan(x, p);
}

HEFT_INLINE float heft_f32_tanh(float x)
{
	const float a = heft_f32_abs(x);
	const float a2 = a * a;
	float low;
	const float e = heft_f32_exp_inner(heft_f32_choose(a > 10.0f, 20.0f, 2.0f * a), &low);
	float p = 0x1.1a4498p-9f;

	p = fmaf(p, a2, -0x1.0c64a4p-7f);
	p = fmaf(p, a2, 0x1.63a612p-6f);
	p = fmaf(p, a2, -0x1.b9f19p-5f);
	p = fmaf(p, a2, 0x1.11107ap-3f);
	p = fmaf(p, a2, -0x1.555554p-2f);
	p = fmaf(a2 * a, p, a);
	p = heft_f32_choose(a < 0.625f, p, 1.0f - 2.0f / (e + 1.0f));
	return heft_f32_or_nan(x, heft_f32_signed(p, x));
}

/* y = e / (1 + e) = e (1 - e / (1 + e)), e = e^-|x|, is the answer for x < 0. */
HEFT_INLINE float heft_f32_sigmoid(float x)
{
	const float a = heft_f32_abs(x);
	float low;
	const float e = heft_f32_exp_inner(-heft_f32_choose(a > 104.0f, 104.0f, a), &low);
	const float t = e / (1.0f + e);
	const float rest = 1.0f - t;
	const float y = e + fmaf(-e, t, low * rest * rest);

	return heft_f32_or_nan(x, heft_f32_choose(x < 0.0f, y, 1.0f - y));
}

#endif
