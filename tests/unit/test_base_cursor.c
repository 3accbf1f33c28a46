/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_cursor.c - tests of lib/base/cursor.c. */
#include "base/cursor.h"

#include "unit.h"

static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xff };

START_TEST(numbers_are_read_in_order)
{
	struct heft_cursor c;

	heft_cursor_init(&c, bytes, sizeof bytes, 1000);
	ck_assert_uint_eq(heft_cursor_u8(&c), 1);
	ck_assert_uint_eq(heft_cursor_u16(&c), 0x0302);
	ck_assert_uint_eq(heft_cursor_u32(&c), UINT32_C(0x07060504));
	ck_assert_uint_eq(heft_cursor_u64(&c), UINT64_C(0x0f0e0d0c0b0a0908));
	ck_assert_uint_eq(heft_cursor_at(&c), 1015);
	ck_assert_uint_eq(heft_cursor_left(&c), 1);
	ck_assert_uint_eq(heft_cursor_u8(&c), 0xff);
	ck_assert_uint_eq(heft_cursor_left(&c), 0);
	ck_assert(c.ok);
}
END_TEST

START_TEST(bytes_are_given_where_they_lie)
{
	struct heft_cursor c;

	heft_cursor_init(&c, bytes, sizeof bytes, 0);
	ck_assert_ptr_eq(heft_cursor_bytes(&c, 4), bytes);
	ck_assert_ptr_eq(heft_cursor_bytes(&c, 0), bytes + 4);
	ck_assert_ptr_eq(heft_cursor_bytes(&c, 12), bytes + 4);
	ck_assert_ptr_nonnull(heft_cursor_bytes(&c, 0));
	ck_assert(c.ok);
}
END_TEST

START_TEST(read_past_end_is_sticky)
{
	struct heft_cursor c;

	heft_cursor_init(&c, bytes, 3, 50);
	ck_assert_uint_eq(heft_cursor_u32(&c), 0);
	ck_assert(!c.ok);
	ck_assert_uint_eq(heft_cursor_at(&c), 50);
	ck_assert_uint_eq(heft_cursor_left(&c), 0);
	ck_assert_uint_eq(heft_cursor_u8(&c), 0);
	ck_assert_uint_eq(heft_cursor_u16(&c), 0);
	ck_assert_uint_eq(heft_cursor_u64(&c), 0);
	ck_assert_ptr_null(heft_cursor_bytes(&c, 0));
	ck_assert(!heft_cursor_zeros(&c, 0));
	ck_assert(!c.ok);
}
END_TEST

START_TEST(a_size_that_would_wrap_is_past_the_end)
{
	struct heft_cursor c;

	heft_cursor_init(&c, bytes, sizeof bytes, 0);
	heft_cursor_u8(&c);
	ck_assert_ptr_null(heft_cursor_bytes(&c, SIZE_MAX));
	ck_assert(!c.ok);
}
END_TEST

START_TEST(zeros_are_checked_and_the_first_other_byte_is_where_it_stays)
{
	static const uint8_t padding[] = { 0, 0, 0, 7, 0 };
	struct heft_cursor c;

	heft_cursor_init(&c, padding, sizeof padding, 10);
	ck_assert(heft_cursor_zeros(&c, 2));
	ck_assert(!heft_cursor_zeros(&c, 3));
	ck_assert(c.ok);
	ck_assert_uint_eq(heft_cursor_at(&c), 13);
	ck_assert(!heft_cursor_zeros(&c, 3));
	ck_assert(!c.ok);
}
END_TEST

START_TEST(no_bytes_at_all_can_be_read)
{
	struct heft_cursor c;

	heft_cursor_init(&c, NULL, 0, 0);
	ck_assert_ptr_nonnull(heft_cursor_bytes(&c, 0));
	ck_assert(heft_cursor_zeros(&c, 0));
	ck_assert_uint_eq(heft_cursor_u8(&c), 0);
	ck_assert(!c.ok);
}
END_TEST

static Suite *cursor_suite(void)
{
	Suite *s = suite_create("base_cursor");
	TCase *t = tcase_create("all");

	tcase_add_test(t, numbers_are_read_in_order);
	tcase_add_test(t, bytes_are_given_where_they_lie);
	tcase_add_test(t, read_past_end_is_sticky);
	tcase_add_test(t, a_size_that_would_wrap_is_past_the_end);
	tcase_add_test(t, zeros_are_checked_and_the_first_other_byte_is_where_it_stays);
	tcase_add_test(t, no_bytes_at_all_can_be_read);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(cursor_suite());
}
