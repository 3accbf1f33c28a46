/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_buffer.c - tests of lib/base/buffer.c. */
#include "base/buffer.h"

#include <string.h>

#include "base/alloc.h"
#include "unit.h"

static void check_bytes(struct heft_buffer *b, const char *bytes, size_t n)
{
	ck_assert(b->ok);
	ck_assert_uint_eq(b->size, n);
	ck_assert_mem_eq(b->bytes, bytes, n);
	heft_buffer_done(b);
}

START_TEST(bytes_and_numbers_are_appended_in_order)
{
	struct heft_buffer b;

	heft_buffer_init(&b);
	heft_buffer_add(&b, "ab", 2);
	heft_buffer_add(&b, NULL, 0);
	heft_buffer_add_u8(&b, 1);
	heft_buffer_add_le16(&b, 0x0302);
	heft_buffer_add_le32(&b, 0x07060504);
	heft_buffer_add_le64(&b, UINT64_C(0x0f0e0d0c0b0a0908));
	heft_buffer_add_zeros(&b, 3);
	heft_buffer_add_zeros(&b, 0);
	check_bytes(&b, "ab\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\0\0\0", 20);
}
END_TEST

START_TEST(it_grows_to_hold_a_million_bytes)
{
	struct heft_buffer b;
	unsigned n_wrong = 0;

	heft_buffer_init(&b);
	for (unsigned i = 0; i < 1000000; i++)
		heft_buffer_add_u8(&b, (uint8_t)(i * 7));
	ck_assert(b.ok);
	ck_assert_uint_eq(b.size, 1000000);
	ck_assert_uint_le(b.capacity, 2100000);
	for (unsigned i = 0; i < 1000000; i++)
		n_wrong += b.bytes[i] != (uint8_t)(i * 7);
	ck_assert_uint_eq(n_wrong, 0);
	heft_buffer_done(&b);
}
END_TEST

START_TEST(a_failed_append_sticks)
{
	struct heft_buffer b;
	size_t size = 5;

	heft_buffer_init(&b);
	heft_buffer_add(&b, "ab", 2);
	ck_assert(!heft_buffer_reserve(&b, SIZE_MAX));
	ck_assert(!b.ok);
	heft_buffer_add(&b, "cd", 2);
	heft_buffer_addf(&b, "%d", 7);
	heft_buffer_add_zeros(&b, 9);
	heft_buffer_add_json_string(&b, "x", 1);
	ck_assert(!b.ok);
	ck_assert_uint_eq(b.size, 2);
	ck_assert(!heft_buffer_reserve(&b, 0));
	ck_assert_ptr_null(heft_buffer_take(&b, &size));
	ck_assert_uint_eq(size, 5);
	heft_buffer_done(&b);
	ck_assert(b.ok);
	heft_buffer_done(NULL);
}
END_TEST

START_TEST(formatted_text_of_any_length_fits)
{
	static char text[5000];
	struct heft_buffer b;

	memset(text, 'x', sizeof text - 1);
	heft_buffer_init(&b);
	heft_buffer_addf(&b, "%d-%s", 42, "a");
	heft_buffer_addf(&b, "%s", "");
	heft_buffer_addf(&b, "%s", text);
	ck_assert(b.ok);
	ck_assert_uint_eq(b.size, 4 + sizeof text - 1);
	ck_assert_mem_eq(b.bytes, "42-a", 4);
	ck_assert_mem_eq(b.bytes + 4, text, sizeof text - 1);
	heft_buffer_done(&b);
}
END_TEST

START_TEST(json_strings_escape_what_json_requires_and_no_more)
{
	struct heft_buffer b;

	heft_buffer_init(&b);
	heft_buffer_add_json_string(&b, "", 0);
	heft_buffer_add_json_string(&b, "a/b\x7f\xc3\xb6", 6);
	heft_buffer_add_json_string(&b, "\"\\\b\f\n\r\t\0\x1f.", 10);
	check_bytes(&b, "\"\"\"a/b\x7f\xc3\xb6\"\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f.\"",
	            2 + 8 + 2 + 14 + 12 + 1);
}
END_TEST

START_TEST(taken_bytes_are_ended_and_the_buffer_is_empty_again)
{
	struct heft_buffer b;
	size_t size;
	char *text;

	heft_buffer_init(&b);
	heft_buffer_add(&b, "hello", 5);
	text = (char *)heft_buffer_take(&b, &size);
	ck_assert_uint_eq(size, 5);
	ck_assert_str_eq(text, "hello");
	heft_free(text);
	ck_assert_uint_eq(b.size, 0);
	text = (char *)heft_buffer_take(&b, NULL);
	ck_assert_str_eq(text, "");
	heft_free(text);
	for (size_t n = 60; n < 70;
	     n++) { /* around the first capacity, where the NUL must have room */
		heft_buffer_add_zeros(&b, n);
		heft_free(heft_buffer_take(&b, &size));
		ck_assert_uint_eq(size, n);
	}
	heft_buffer_done(&b);
}
END_TEST

static Suite *buffer_suite(void)
{
	Suite *s = suite_create("base_buffer");
	TCase *t = tcase_create("all");

	tcase_add_test(t, bytes_and_numbers_are_appended_in_order);
	tcase_add_test(t, it_grows_to_hold_a_million_bytes);
	tcase_add_test(t, a_failed_append_sticks);
	tcase_add_test(t, formatted_text_of_any_length_fits);
	tcase_add_test(t, json_strings_escape_what_json_requires_and_no_more);
	tcase_add_test(t, taken_bytes_are_ended_and_the_buffer_is_empty_again);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(buffer_suite());
}
