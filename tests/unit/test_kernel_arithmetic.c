/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_arithmetic.c - tests of lib/kernel/arithmetic.c: spec F6-1, F6-3, F6-4, F6-5, F6-6,
 * F6-8 and F6-12, variant beside variant and beside the rules written out. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/cpu.h"
#include "kernel/arithmetic.h"
#include "unit.h"

#define N_MARKS 24u
#define N (N_MARKS * N_MARKS)
#define GUARD 0x5au

static const float marks[N_MARKS] = {
	0,         -0.0f,      1,       -1,       0.5f,     -0.5f,     1.5f,      -1.5f,
	2.5f,      -2.5f,      0.3f,    -0.3f,    3,        -3,        0x1p-149f, -0x1p-149f,
	0x1p-126f, 8388607.5f, 0x1p23f, 0x1p100f, INFINITY, -INFINITY, NAN,       0x1.fffffep127f,
};
static const uint32_t variants[] = { 0, HEFT_CPU_AVX2, HEFT_CPU_AVX2 | HEFT_CPU_AVX512 };
#define N_VARIANTS (sizeof variants / sizeof *variants)

/* The rules, one function after the other, in both widths. */
#define WANTED(real, type, magnitude, below, above, near)                                       \
	static type limited_##real(type t)                                                      \
	{                                                                                       \
		return t < 0 ? 0 : t > 1 ? 1 : t;                                               \
	}                                                                                       \
                                                                                                \
	static type wanted_##real(enum heft_arithmetic f, type a, type b, type p, type q)       \
	{                                                                                       \
		switch (f) {                                                                    \
		case HEFT_ARITHMETIC_ADD:                                                       \
			return a + b;                                                           \
		case HEFT_ARITHMETIC_SUB:                                                       \
			return a - b;                                                           \
		case HEFT_ARITHMETIC_MUL:                                                       \
			return a * b;                                                           \
		case HEFT_ARITHMETIC_DIV:                                                       \
			return a / b;                                                           \
		case HEFT_ARITHMETIC_MAX:                                                       \
			return b > a || (isnan(b) && !isnan(a)) ? b : a;                        \
		case HEFT_ARITHMETIC_MIN:                                                       \
			return b < a || (isnan(b) && !isnan(a)) ? b : a;                        \
		case HEFT_ARITHMETIC_PRELU:                                                     \
			return a < 0 ? a * b : a;                                               \
		case HEFT_ARITHMETIC_ELU:                                                       \
			return (a < 0 ? p * b : a) * q;                                         \
		case HEFT_ARITHMETIC_DROP:                                                      \
			return b >= p ? a * q : 0;                                              \
		case HEFT_ARITHMETIC_SLOPE_ABOVE:                                               \
			return b > p ? a : 0;                                                   \
		case HEFT_ARITHMETIC_SLOPE_BETWEEN:                                             \
			return b > p && b < q ? a : 0;                                          \
		case HEFT_ARITHMETIC_SLOPE_BELOW:                                               \
			return b < 0 ? a * b : 0;                                               \
		case HEFT_ARITHMETIC_SLOPE_LEAKY:                                               \
			return b > 0 ? a : p * a;                                               \
		case HEFT_ARITHMETIC_SLOPE_ELU:                                                 \
			return b < 0 ? a * (b + p) : a * q;                                     \
		case HEFT_ARITHMETIC_SLOPE_SIGMOID:                                             \
			return a * (b * (1 - b));                                               \
		case HEFT_ARITHMETIC_SLOPE_TANH:                                                \
			return a * (1 - b * b);                                                 \
		case HEFT_ARITHMETIC_SLOPE_ROOT:                                                \
			return (a / 2) / b;                                                     \
		case HEFT_ARITHMETIC_SLOPE_ABS:                                                 \
			return b > 0 ? a : b < 0 ? -a : 0;                                      \
		case HEFT_ARITHMETIC_SLOPE_SOFTSIGN:                                            \
			return a / ((1 + magnitude(b)) * (1 + magnitude(b)));                   \
		case HEFT_ARITHMETIC_SLOPE_HARD_SWISH:                                          \
			return p * b + q < 0 ? 0 : p * b + q > 1 ? a : a * (p * b + q + p * b); \
		case HEFT_ARITHMETIC_RELU:                                                      \
			return a < 0 ? 0 : a;                                                   \
		case HEFT_ARITHMETIC_LEAKY:                                                     \
			return a < 0 ? p * a : a;                                               \
		case HEFT_ARITHMETIC_CLIP:                                                      \
			a = a < p ? p : a;                                                      \
			return a > q ? q : a;                                                   \
		case HEFT_ARITHMETIC_THRESHOLD:                                                 \
			return a <= p ? 0 : a;                                                  \
		case HEFT_ARITHMETIC_HARD_SIGMOID:                                              \
			return limited_##real(p * a + q);                                       \
		case HEFT_ARITHMETIC_HARD_SWISH:                                                \
			return a * limited_##real(p * a + q);                                   \
		case HEFT_ARITHMETIC_SHRINK:                                                    \
			return a < -p ? a + q : a > p ? a - q : isnan(a) ? a : 0;               \
		case HEFT_ARITHMETIC_ABS:                                                       \
			return magnitude(a);                                                    \
		case HEFT_ARITHMETIC_NEG:                                                       \
			return -a;                                                              \
		case HEFT_ARITHMETIC_SIGN:                                                      \
			return a > 0 ? 1 : a < 0 ? -1 : isnan(a) ? a : 0;                       \
		case HEFT_ARITHMETIC_FLOOR:                                                     \
			return below(a);                                                        \
		case HEFT_ARITHMETIC_CEIL:                                                      \
			return above(a);                                                        \
		case HEFT_ARITHMETIC_ROUND:                                                     \
			return near(a);                                                         \
		case HEFT_ARITHMETIC_SOFTSIGN:                                                  \
			return a / (1 + magnitude(a));                                          \
		case HEFT_ARITHMETIC_SQUARE:                                                    \
			return a * a;                                                           \
		case HEFT_ARITHMETIC_RECIPROCAL:                                                \
			return 1 / a;                                                           \
		default:                                                                        \
			return p * a;                                                           \
		}                                                                               \
	}

WANTED(f32, float, fabsf, floorf, ceilf, rintf)
WANTED(f64, double, fabs, floor, ceil, rint)

static bool is_same(float a, float b)
{
	return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static void set_pairs(float *a, float *b)
{
	for (size_t i = 0; i < N; i++) {
		a[i] = marks[i / N_MARKS];
		b[i] = marks[i % N_MARKS];
	}
}

/* Loop: every function. */
START_TEST(a_function_is_its_rule_in_every_variant)
{
	const enum heft_arithmetic f = (enum heft_arithmetic)_i;
	float a[N];
	float b[N];
	float y[N];

	set_pairs(a, b);
	for (size_t v = 0; v < N_VARIANTS; v++) {
		if ((variants[v] & ~heft_cpu_bits()) != 0)
			continue;
		heft_arithmetic_f32_by(variants[v], f, y, a, 1, b, 1, 0.25f, 0.75f, N);
		for (size_t i = 0; i < N; i++) {
			const float x = wanted_f32(f, a[i], b[i], 0.25f, 0.75f);

			ck_assert_msg(is_same(y[i], x), "%d of %a, %a: %a, not %a", (int)f,
			              (double)a[i], (double)b[i], (double)y[i], (double)x);
		}
	}
}
END_TEST

/* Loop: every function. */
START_TEST(f64_has_the_same_rules)
{
	const enum heft_arithmetic f = (enum heft_arithmetic)_i;

	for (size_t v = 0; v < N_VARIANTS; v++) {
		if ((variants[v] & ~heft_cpu_bits()) != 0)
			continue;
		for (size_t i = 0; i < N; i++) {
			const double a = (double)marks[i / N_MARKS] * 0x1.00000001p1;
			const double b = (double)marks[i % N_MARKS];
			const double x = wanted_f64(f, a, b, 0.25, 0.75);
			double y;

			heft_arithmetic_f64_by(variants[v], f, &y, &a, 1, &b, 0, 0.25, 0.75, 1);
			ck_assert_msg((isnan(x) && isnan(y)) || memcmp(&x, &y, sizeof x) == 0,
			              "%d of %a, %a: %a, not %a", (int)f, a, b, y, x);
		}
	}
}
END_TEST

/* One element for all, a tail of every length, results over an operand, nothing behind. */
START_TEST(steps_and_tails_change_nothing)
{
	float a[64];
	float y[64];
	float alone;

	for (size_t v = 0; v < N_VARIANTS; v++) {
		if ((variants[v] & ~heft_cpu_bits()) != 0)
			continue;
		for (size_t n = 0; n < 50; n++) {
			for (size_t i = 0; i < 64; i++)
				a[i] = (float)i - 20.5f;
			memset(y, GUARD, sizeof y);
			heft_arithmetic_f32_by(variants[v], HEFT_ARITHMETIC_SUB, y, marks + 12, 0,
			                       a, 1, 0, 0, n);
			for (size_t i = 0; i < n; i++)
				ck_assert(is_same(y[i], 3 - a[i]));
			for (size_t i = n * sizeof *y; i < sizeof y; i++)
				ck_assert_uint_eq(((uint8_t *)y)[i], GUARD);
			heft_arithmetic_f32_by(variants[v], HEFT_ARITHMETIC_SUB, a, a, 1,
			                       marks + 12, 0, 0, 0, n);
			for (size_t i = 0; i < 64; i++) {
				alone = (float)i - 20.5f;
				ck_assert(is_same(a[i], i < n ? alone - 3 : alone));
			}
		}
	}
}
END_TEST

START_TEST(comparisons_of_a_nan_are_false)
{
	float a[N];
	float b[N];
	uint8_t y[N];

	set_pairs(a, b);
	for (size_t v = 0; v < N_VARIANTS; v++) {
		for (int f = 0; f < HEFT_N_COMPARISONS; f++) {
			if ((variants[v] & ~heft_cpu_bits()) != 0)
				continue;
			heft_compare_f32_by(variants[v], (enum heft_comparison)f, y, a, 1, b, 1, N);
			for (size_t i = 0; i < N; i++) {
				const bool holds[HEFT_N_COMPARISONS] = { a[i] == b[i], a[i] < b[i],
					                                 a[i] <= b[i],
					                                 isnan(a[i]) != 0,
					                                 isinf(a[i]) != 0 };
				const double wide_a = (double)a[i];
				const double wide_b = (double)b[i];
				uint8_t wide;

				ck_assert_uint_eq(y[i], holds[f]);
				heft_compare_f64_by(variants[v], (enum heft_comparison)f, &wide,
				                    &wide_a, 1, &wide_b, 0, 1);
				ck_assert_uint_eq(wide, holds[f]);
			}
		}
	}
}
END_TEST

START_TEST(where_takes_bits)
{
	uint8_t which[50];
	uint32_t a[50];
	uint32_t y[50];
	const uint32_t b = 0x7fa00001;

	for (size_t i = 0; i < 50; i++) {
		which[i] = (uint8_t)(i % 3 * 100);
		a[i] = (uint32_t)i * 0x10204081u;
	}
	for (size_t v = 0; v < N_VARIANTS; v++) {
		if ((variants[v] & ~heft_cpu_bits()) != 0)
			continue;
		heft_where_32_by(variants[v], y, which, 1, a, 1, &b, 0, 50);
		for (size_t i = 0; i < 50; i++)
			ck_assert_uint_eq(y[i], i % 3 != 0 ? a[i] : b);
		heft_where_32_by(variants[v], y, which, 0, a, 1, &b, 0, 50);
		for (size_t i = 0; i < 50; i++)
			ck_assert_uint_eq(y[i], b);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel_arithmetic");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, a_function_is_its_rule_in_every_variant, 0, HEFT_N_ARITHMETIC);
	tcase_add_loop_test(tc, f64_has_the_same_rules, 0, HEFT_N_ARITHMETIC);
	tcase_add_test(tc, steps_and_tails_change_nothing);
	tcase_add_test(tc, comparisons_of_a_nan_are_false);
	tcase_add_test(tc, where_takes_bits);
	suite_add_tcase(s, tc);
	return heft_unit_run(s);
}
