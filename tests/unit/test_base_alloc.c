/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_alloc.c - tests of lib/base/alloc.c. */
#include "base/alloc.h"

#include <stdint.h>

#include "unit.h"

START_TEST(nothing_is_a_pointer_all_the_same)
{
	void *all[] = { heft_alloc(0), heft_zalloc(0), heft_alloc_array(0, 8),
		        heft_zalloc_array(8, 0), heft_realloc_array(NULL, 0, 4) };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		ck_assert_ptr_nonnull(all[i]);
		heft_free(all[i]);
	}
	heft_free(NULL);
}
END_TEST

START_TEST(arrays_whose_size_wraps_are_refused)
{
	int *few = heft_alloc_array(2, sizeof *few);

	ck_assert_ptr_null(heft_alloc_array(SIZE_MAX / 2 + 1, 2));
	ck_assert_ptr_null(heft_zalloc_array(SIZE_MAX / 8 + 1, 8));
	ck_assert_ptr_null(heft_realloc_array(few, SIZE_MAX / 4 + 1, 4));
	heft_free(few);
}
END_TEST

START_TEST(zeroed_memory_is_zero)
{
	const uint8_t *bytes = heft_zalloc_array(1000, 3);

	for (size_t i = 0; i < 3000; i++)
		ck_assert_uint_eq(bytes[i], 0);
	heft_free((void *)(uintptr_t)bytes);
}
END_TEST

START_TEST(strings_are_copied_and_ended)
{
	char *whole = heft_strdup("layer");
	char *part = heft_strndup("layer.weight", 5);
	char *none = heft_strndup(NULL, 0);

	ck_assert_str_eq(whole, "layer");
	ck_assert_str_eq(part, "layer");
	ck_assert_str_eq(none, "");
	heft_free(whole);
	heft_free(part);
	heft_free(none);
	ck_assert_ptr_null(heft_strndup("", SIZE_MAX));
}
END_TEST

static Suite *alloc_suite(void)
{
	Suite *s = suite_create("base_alloc");
	TCase *t = tcase_create("all");

	tcase_add_test(t, nothing_is_a_pointer_all_the_same);
	tcase_add_test(t, arrays_whose_size_wraps_are_refused);
	tcase_add_test(t, zeroed_memory_is_zero);
	tcase_add_test(t, strings_are_copied_and_ended);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(alloc_suite());
}
