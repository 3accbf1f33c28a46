/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_cpu.c - tests of lib/base/cpu.c. */
#include "base/cpu.h"

#include "unit.h"

static void best(void)
{
}

static void better(void)
{
}

static void scalar(void)
{
}

static const struct heft_variant variants[] = {
	{ "best", HEFT_CPU_AVX512 | HEFT_CPU_AVX2, best },
	{ "better", HEFT_CPU_AVX2, better },
	{ "scalar", 0, scalar },
};

START_TEST(the_first_variant_whose_needs_are_all_met_is_picked)
{
	ck_assert(heft_variant_pick(variants, 3, UINT32_MAX) == best);
	ck_assert(heft_variant_pick(variants, 3, HEFT_CPU_AVX512) == scalar);
	ck_assert(heft_variant_pick(variants, 3, HEFT_CPU_AVX2 | HEFT_CPU_SSE42) == better);
	ck_assert(heft_variant_pick(variants, 3, 0) == scalar);
	ck_assert(heft_variant_pick(variants + 2, 1, UINT32_MAX) == scalar);
}
END_TEST

START_TEST(the_bits_stay_the_same_and_wider_ones_come_with_narrower_ones)
{
	const uint32_t bits = heft_cpu_bits();

	ck_assert_uint_eq(heft_cpu_bits(), bits);
	ck_assert_uint_lt(bits, 1 << 5);
	if (bits & HEFT_CPU_AVX512)
		ck_assert(bits & HEFT_CPU_AVX2);
	if (bits & HEFT_CPU_AVX2)
		ck_assert(bits & HEFT_CPU_SSE42);
}
END_TEST

static Suite *cpu_suite(void)
{
	Suite *s = suite_create("base_cpu");
	TCase *t = tcase_create("all");

	tcase_add_test(t, the_first_variant_whose_needs_are_all_met_is_picked);
	tcase_add_test(t, the_bits_stay_the_same_and_wider_ones_come_with_narrower_ones);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(cpu_suite());
}
