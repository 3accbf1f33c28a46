/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_checked.c - tests of lib/base/checked.h. */
#include "base/checked.h"

#include "unit.h"

START_TEST(sums_and_products_that_wrap_are_told)
{
	uint64_t v;
	size_t n;

	ck_assert(heft_add_u64(UINT64_MAX - 1, 1, &v));
	ck_assert_uint_eq(v, UINT64_MAX);
	ck_assert(!heft_add_u64(UINT64_MAX, 1, &v));
	ck_assert(heft_mul_u64(UINT64_C(1) << 32, UINT32_MAX, &v));
	ck_assert_uint_eq(v, UINT64_C(0xffffffff00000000));
	ck_assert(!heft_mul_u64(UINT64_C(1) << 32, UINT64_C(1) << 32, &v));
	ck_assert(heft_add_size(2, 3, &n));
	ck_assert_uint_eq(n, 5);
	ck_assert(!heft_add_size(SIZE_MAX, 1, &n));
	ck_assert(heft_mul_size(SIZE_MAX, 1, &n));
	ck_assert_uint_eq(n, SIZE_MAX);
	ck_assert(!heft_mul_size(SIZE_MAX, 2, &n));
	ck_assert(heft_to_size(SIZE_MAX, &n));
	ck_assert_uint_eq(n, SIZE_MAX);
}
END_TEST

START_TEST(alignment_never_goes_down)
{
	ck_assert_uint_eq(heft_align_up(0, 64), 0);
	ck_assert_uint_eq(heft_align_up(1, 64), 64);
	ck_assert_uint_eq(heft_align_up(64, 64), 64);
	ck_assert_uint_eq(heft_align_up(65, 64), 128);
	ck_assert_uint_eq(heft_align_up(UINT64_C(1) << 63, 4096), UINT64_C(1) << 63);
}
END_TEST

START_TEST(a_range_ends_within_the_file_without_wrapping)
{
	ck_assert(heft_in_range(0, 0, 0));
	ck_assert(heft_in_range(10, 0, 10));
	ck_assert(heft_in_range(4, 6, 10));
	ck_assert(!heft_in_range(4, 7, 10));
	ck_assert(!heft_in_range(11, 0, 10));
	ck_assert(!heft_in_range(8, UINT64_MAX, 10));
	ck_assert(!heft_in_range(UINT64_MAX, 1, 10));
}
END_TEST

static Suite *checked_suite(void)
{
	Suite *s = suite_create("base_checked");
	TCase *t = tcase_create("all");

	tcase_add_test(t, sums_and_products_that_wrap_are_told);
	tcase_add_test(t, alignment_never_goes_down);
	tcase_add_test(t, a_range_ends_within_the_file_without_wrapping);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(checked_suite());
}
