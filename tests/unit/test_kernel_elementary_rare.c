/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_elementary_rare.c - tests of lib/kernel/elementary_rare.c (spec F6-19), beside an
 * 80-bit libm: the same special values, and at most 4 units of the last place from it. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cpu.h"
#include "kernel/elementary_rare.h"
#include "unit.h"

#define N_RANDOM 20000u
#define MAX_ULP 4.0L

static long double wanted_softplus(long double x)
{
	return isnan(x) ? x : (x > 0 ? x : 0) + log1pl(expl(-fabsl(x)));
}

static long double wanted_gelu(long double x)
{
	return x < -40 ? -0.0L : 0.5L * x * erfcl(-x * sqrtl(0.5L));
}

static long double wanted_gelu_tanh(long double x)
{
	const long double g = sqrtl(2 / acosl(-1)) * (x + 0.044715L * x * x * x);

	return x < -40 ? -0.0L : 0.5L * x * (1 + tanhl(g));
}

struct rare_case {
	const char *name;
	void (*by)(uint32_t cpu_bits, double *y, const double *x, size_t n);
	long double (*wanted)(long double x);
	double least;
	double most;
};

static const struct rare_case cases[] = {
	{ "expm1", heft_expm1_f64_by, expm1l, -60, 709.7 },
	{ "expm1", heft_expm1_f64_by, expm1l, -1, 1 },
	{ "softplus", heft_softplus_f64_by, wanted_softplus, -700, 700 },
	{ "softplus", heft_softplus_f64_by, wanted_softplus, -3, 3 },
	{ "tan", heft_tan_f64_by, tanl, -100, 100 },
	{ "tan", heft_tan_f64_by, tanl, -1e12, 1e12 },
	{ "asin", heft_asin_f64_by, asinl, -1, 1 },
	{ "acos", heft_acos_f64_by, acosl, -1, 1 },
	{ "acos", heft_acos_f64_by, acosl, 0.999, 1 },
	{ "atan", heft_atan_f64_by, atanl, -2, 2 },
	{ "atan", heft_atan_f64_by, atanl, -300, 300 },
	{ "sinh", heft_sinh_f64_by, sinhl, -2, 2 },
	{ "sinh", heft_sinh_f64_by, sinhl, -710.4, 710.4 },
	{ "cosh", heft_cosh_f64_by, coshl, -710.4, 710.4 },
	{ "asinh", heft_asinh_f64_by, asinhl, -1, 1 },
	{ "asinh", heft_asinh_f64_by, asinhl, -1e9, 1e9 },
	{ "acosh", heft_acosh_f64_by, acoshl, 1, 1.01 },
	{ "acosh", heft_acosh_f64_by, acoshl, 1, 1e9 },
	{ "atanh", heft_atanh_f64_by, atanhl, -1, 1 },
	{ "sqrt", heft_sqrt_f64_by, sqrtl, 0, 1e9 },
	{ "gelu", heft_gelu_f64_by, wanted_gelu, 0, 40 },
	{ "gelu_tanh", heft_gelu_tanh_f64_by, wanted_gelu_tanh, 0, 40 },
};
#define N_CASES (sizeof cases / sizeof *cases)

static const double specials[] = { 0.0, -0.0,   INFINITY, -INFINITY, NAN,    1,  -1,     2,
	                           -2,  1e-320, -1e300,   1e300,     0x1p27, 40, 0.0625, 0.5 };
#define N_SPECIALS (sizeof specials / sizeof *specials)

static double at(const struct rare_case *c, double x)
{
	double y;

	c->by(heft_cpu_bits(), &y, &x, 1);
	return y;
}

static void check_near(const struct rare_case *c, double x)
{
	const double y = at(c, x);
	const long double wanted = c->wanted((long double)x);
	const double rounded = (double)wanted;
	/* of GELU below 0 little is left of its parts: units are those of x */
	const bool is_gelu = c->by == heft_gelu_f64_by || c->by == heft_gelu_tanh_f64_by;
	const double size = is_gelu && isfinite(x) ? fabs(x) : fabs(rounded);
	const double unit = nextafter(size, INFINITY) - size;

	if (isnan(rounded) || isinf(rounded))
		ck_assert_msg(isnan(rounded) ? isnan(y) != 0 : y == rounded, "%s of %a: %a",
		              c->name, x, y);
	else
		ck_assert_msg(fabsl((long double)y - wanted) <= MAX_ULP * (long double)unit,
		              "%s of %a: %a, not %a", c->name, x, y, rounded);
	if (rounded == 0)
		ck_assert_msg(signbit(y) == signbit(rounded), "%s of %a: the sign", c->name, x);
}

/* Loop: every case. */
START_TEST(a_function_is_near_the_exact_one)
{
	const struct rare_case *c = &cases[_i];
	uint64_t state = 7;

	for (size_t i = 0; i < N_RANDOM; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		check_near(c, c->least + (c->most - c->least) * ((double)(state >> 11) * 0x1p-53));
	}
}
END_TEST

/* Loop: every case. */
START_TEST(specials_are_those_of_c)
{
	for (size_t i = 0; i < N_SPECIALS; i++)
		check_near(&cases[_i], specials[i]);
}
END_TEST

START_TEST(a_nan_is_the_one_without_payload)
{
	const uint64_t wanted = UINT64_C(0x7ff8000000000000);
	const uint64_t odd = UINT64_C(0xfff8000000000123);
	double x;

	memcpy(&x, &odd, sizeof x);
	for (size_t i = 0; i < N_CASES; i++) {
		const double y = at(&cases[i], x);

		ck_assert_msg(memcmp(&y, &wanted, sizeof y) == 0, "%s: %a", cases[i].name, y);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel_elementary_rare");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_function_is_near_the_exact_one, 0, (int)N_CASES);
	tcase_add_loop_test(tc, specials_are_those_of_c, 0, (int)N_CASES);
	tcase_add_test(tc, a_nan_is_the_one_without_payload);
	suite_add_tcase(s, tc);
	return heft_unit_run(s);
}
