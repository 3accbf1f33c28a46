/* SPDX-License-Identifier: Apache-2.0 */
/* elementary_cases.h - the elementary functions by name, each beside binary64 libm, and how far a
 * result may be from it. */
#ifndef HEFT_ELEMENTARY_CASES_H
#define HEFT_ELEMENTARY_CASES_H

#include <math.h>
#include <string.h>

#include "kernel/elementary.h"

struct f32_case {
	const char *name;
	void (*by)(uint32_t cpu_bits, float *y, const float *x, size_t n);
	void (*array)(float *y, const float *x, size_t n);
	double (*wanted)(double x);
	float (*libm)(float x); /* for the bench program; may be missing */
	double max_ulp;
	int symmetry; /* -1: f(-x) = -f(x), 1: f(-x) = f(x), 0: neither */
};

struct f64_case {
	const char *name;
	void (*by)(uint32_t cpu_bits, double *y, const double *x, size_t n);
	void (*array)(double *y, const double *x, size_t n);
	double (*libm)(double x);
	double max_ulp; /* beside a libm that is off by as much as one itself */
};

static double wanted_sigmoid(double x)
{
	return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static double wanted_softplus(double x)
{
	return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

/* At the infinity below, the limit. */
static double wanted_gelu(double x)
{
	return x < -1e4 ? -0.0 : x * 0.5 * erfc(-x * M_SQRT1_2);
}

static double wanted_gelu_tanh(double x)
{
	return x < -1e4 ? -0.0 : x / (1 + exp(-2 * sqrt(M_2_PI) * (x + 0.044715 * x * x * x)));
}

static double wanted_reciprocal(double x)
{
	return 1 / x;
}

static double wanted_sqrt(double x)
{
	return sqrt(x);
}

#define NAMED(name) #name, heft_##name##_f32_by, heft_##name##_f32
/* The bounds are those of the specification. */
static const struct f32_case f32_cases[] = {
	{ NAMED(exp), exp, expf, 2, 0 },
	{ NAMED(log), log, logf, 2, 0 },
	{ NAMED(tanh), tanh, tanhf, 2, -1 },
	{ NAMED(sigmoid), wanted_sigmoid, NULL, 2, 0 },
	{ NAMED(erf), erf, erff, 0.51, -1 },
	{ NAMED(erfc), erfc, erfcf, 0.51, 0 },
	{ NAMED(gelu), wanted_gelu, NULL, 0.51, 0 },
	{ NAMED(gelu_tanh), wanted_gelu_tanh, NULL, 0.51, 0 },
	{ NAMED(softplus), wanted_softplus, NULL, 0.51, 0 },
	{ NAMED(expm1), expm1, expm1f, 0.51, 0 },
	{ NAMED(log1p), log1p, log1pf, 0.51, 0 },
	{ NAMED(sin), sin, sinf, 0.51, -1 },
	{ NAMED(cos), cos, cosf, 0.51, 1 },
	{ NAMED(tan), tan, tanf, 0.51, -1 },
	{ NAMED(asin), asin, asinf, 0.51, -1 },
	{ NAMED(acos), acos, acosf, 0.51, 0 },
	{ NAMED(atan), atan, atanf, 0.51, -1 },
	{ NAMED(sinh), sinh, sinhf, 0.51, -1 },
	{ NAMED(cosh), cosh, coshf, 0.51, 1 },
	{ NAMED(asinh), asinh, asinhf, 0.51, -1 },
	{ NAMED(acosh), acosh, acoshf, 0.51, 0 },
	{ NAMED(atanh), atanh, atanhf, 0.51, -1 },
	{ NAMED(sqrt), wanted_sqrt, sqrtf, 0.5, 0 },
	{ NAMED(reciprocal), wanted_reciprocal, NULL, 0.5, -1 },
};
#define N_F32_CASES (sizeof f32_cases / sizeof *f32_cases)
#undef NAMED

#define NAMED(name) #name, heft_##name##_f64_by, heft_##name##_f64
static const struct f64_case f64_cases[] = {
	{ NAMED(exp), exp, 2 },   { NAMED(log), log, 2 },
	{ NAMED(tanh), tanh, 4 }, { NAMED(sigmoid), wanted_sigmoid, 5 },
	{ NAMED(erf), erf, 3 },   { NAMED(sin), sin, 2 },
	{ NAMED(cos), cos, 2 },
};
#define N_F64_CASES (sizeof f64_cases / sizeof *f64_cases)
#undef NAMED

/* |y - wanted| in units of F32's last place at `wanted`; a wrong NaN or sign is infinitely far. By
 * the bits, because it is asked 2^32 times. */
static inline double f32_ulps(float y, double wanted)
{
	const float rounded = (float)wanted;
	uint64_t bits;
	double per_place;

	if (isnan(rounded) || isnan(y))
		return isnan(rounded) && isnan(y) ? 0 : (double)INFINITY;
	if (!signbit(y) != !signbit(rounded))
		return (double)INFINITY;
	if (isinf(rounded) && isinf(y))
		return 0;
	if (isinf(wanted))
		return (double)INFINITY;
	memcpy(&bits, &wanted, sizeof bits);
	bits &= UINT64_C(0x7ff0000000000000);
	if (bits < UINT64_C(0x3810000000000000)) /* 2^-126 */
		bits = UINT64_C(0x3810000000000000);
	bits = UINT64_C(0x7fe0000000000000) - bits + (UINT64_C(23) << 52);
	memcpy(&per_place, &bits, sizeof bits); /* 2^23 over the power of 2 at or below |wanted| */
	return (isinf(y) ? 0x1p128 - fabs(wanted) : fabs((double)y - wanted)) * per_place;
}

/* The same of two F64. */
static inline double f64_ulps(double y, double wanted)
{
	int exponent;

	if (isnan(wanted) || isnan(y))
		return isnan(wanted) && isnan(y) ? 0 : (double)INFINITY;
	if (!signbit(y) != !signbit(wanted))
		return (double)INFINITY;
	if (y == wanted)
		return 0;
	if (isinf(wanted) || isinf(y))
		return fabs(isinf(y) ? wanted : y) == 0x1.fffffffffffffp1023 ? 1 : (double)INFINITY;
	frexp(wanted, &exponent);
	if (exponent < -1021)
		exponent = -1021;
	return ldexp(ldexp(fabs(y - wanted), 53), -exponent);
}

#endif
