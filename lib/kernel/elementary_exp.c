/* SPDX-License-Identifier: Apache-2.0 */
/* elementary_exp.c - exp and log of F32 arrays, and the activations that are made of them. */
#include "kernel/elementary.h"
#include "kernel/elementary_f32.h"
#include "kernel/elementary_f64.h"
#include "kernel/elementary_loops.h"

HEFT_INLINE float one_expm1(float x)
{
	const double inside = heft_f64_clamp((double)x, -104.0, 89.0);
	const float y = (float)heft_f64_expm1_short(inside);

	return heft_f32_or_nan(x, heft_f32_choose(x == 0.0f, x, y));
}

HEFT_INLINE float one_log1p(float x)
{
	const float y = (float)heft_f64_log1p_inner((double)x);
	float kept = heft_f32_choose(x == 0.0f || x == INFINITY, x, y);

	kept = heft_f32_choose(x == -1.0f, -INFINITY, kept);
	kept = heft_f32_choose(x < -1.0f, NAN, kept);
	return heft_f32_or_nan(x, kept);
}

HEFT_INLINE float one_softplus(float x)
{
	const double a = heft_f64_clamp((double)heft_f32_abs(x), 0.0, 700.0);
	const double e = heft_f64_exp_short(-a);
	const double positive = (double)heft_f32_choose(x > 0.0f, x, 0.0f);

	return heft_f32_or_nan(x, (float)(positive + heft_f64_log1p_inner(e)));
}

HEFT_ELEMENTARY(float, exp_f32, heft_f32_exp)
HEFT_ELEMENTARY(float, expm1_f32, one_expm1)
HEFT_ELEMENTARY(float, log_f32, heft_f32_log)
HEFT_ELEMENTARY(float, log1p_f32, one_log1p)
HEFT_ELEMENTARY(float, tanh_f32, heft_f32_tanh)
HEFT_ELEMENTARY(float, sigmoid_f32, heft_f32_sigmoid)
HEFT_ELEMENTARY(float, softplus_f32, one_softplus)
