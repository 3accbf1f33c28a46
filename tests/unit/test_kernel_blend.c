/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_blend.c - tests of lib/kernel/blend.c: spec F6-65, variant beside variant and beside
 * the rule written out. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "kernel/blend.h"
#include "unit.h"

#define MOST 66

static const uint32_t variants[] = { 0, HEFT_CPU_AVX2, HEFT_CPU_AVX2 | HEFT_CPU_AVX512 };
#define N_VARIANTS (sizeof variants / sizeof *variants)

static float x[MOST];
static float z[MOST];

static void fill(void)
{
	for (size_t i = 0; i < MOST; i++) {
		x[i] = ((float)(i * 37 % 101) - 50) / 7;
		z[i] = ((float)(i * 53 % 97) - 48) / 11;
	}
	x[5] = INFINITY;
	z[9] = 0x1p-149f;
	x[17] = -0.0f;
}

/* Elements in front of y and behind it stay as they are. */
static void check_line(const float *y, const float *wanted, size_t n)
{
	ck_assert(y[0] == 77);
	ck_assert(y[n + 1] == 77);
	ck_assert_int_eq(memcmp(y + 1, wanted, n * sizeof *y), 0);
}

START_TEST(lines_are_weighted_and_each_operation_is_rounded)
{
	const uint32_t bits = variants[_i] & heft_cpu_bits();

	fill();
	for (size_t n = 0; n + 2 <= MOST; n++) {
		float wanted[MOST];
		float y[MOST];

		for (size_t i = 0; i < MOST; i++)
			y[i] = 77;
		for (size_t i = 0; i < n; i++)
			wanted[i] = 0.3f * x[i];
		heft_blend_f32_by(bits, y + 1, x, 0.3f, NULL, 0, n);
		check_line(y, wanted, n);
		for (size_t i = 0; i < n; i++) {
			const float first = 0.3f * x[i];
			const float second = 0.7f * z[i];

			wanted[i] = first + second;
		}
		heft_blend_f32_by(bits, y + 1, x, 0.3f, z, 0.7f, n);
		check_line(y, wanted, n);
		for (size_t i = 0; i < n; i++) {
			const float more = -1.7f * z[i];

			wanted[i] = wanted[i] + more;
		}
		heft_blend_add_f32_by(bits, y + 1, z, -1.7f, n);
		check_line(y, wanted, n);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel_blend");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, lines_are_weighted_and_each_operation_is_rounded, 0,
	                    (int)N_VARIANTS);
	suite_add_tcase(s, tc);
	return heft_unit_run(s);
}
