/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_members.c - tests of lib/format/members.c. */
#include "format/members.h"

#include <string.h>

#include "unit.h"

static void check(const struct heft_members *m, size_t i, const char *key, const char *value)
{
	ck_assert_uint_eq(m->members[i].key_size, strlen(key));
	ck_assert_mem_eq(m->members[i].key, key, strlen(key));
	ck_assert_uint_eq(m->members[i].value_size, strlen(value));
	ck_assert_mem_eq(m->members[i].value, value, strlen(value));
}

START_TEST(members_come_in_order_and_can_be_sorted)
{
	struct heft_members m;

	ck_assert_int_eq(heft_members_read(&m, "{\"b\":\"\\n\",\"\":\"\",\"ab\":\"x\",\"a\":\"\"}",
	                                   "X", NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(m.n, 4);
	check(&m, 0, "b", "\n");
	check(&m, 1, "", "");
	heft_members_sort(&m);
	check(&m, 0, "", "");
	check(&m, 1, "a", "");
	check(&m, 2, "ab", "x");
	check(&m, 3, "b", "\n");
	heft_members_done(&m);
}
END_TEST

START_TEST(nothing_is_an_object_without_members)
{
	static const char *const texts[] = { NULL, "{}", " { } " };
	struct heft_members m;

	ck_assert_int_eq(heft_members_read(&m, texts[_i], "X", NULL), HEFT_OK);
	ck_assert_uint_eq(m.n, 0);
	heft_members_sort(&m);
	heft_members_done(&m);
}
END_TEST

/* [O5-2]: bookkeeping is left out whatever its kind. */
START_TEST(bookkeeping_is_left_out)
{
	struct heft_members m;

	ck_assert_int_eq(heft_members_read(&m,
	                                   "{\"heft.a\":{\"b\":[1,{}]},\"heft\":\"1\","
	                                   "\"heft.c\":null,\"heft.\":\"\",\"z\":\"2\"}",
	                                   "X", NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(m.n, 2);
	check(&m, 0, "heft", "1");
	check(&m, 1, "z", "2");
	heft_members_done(&m);
}
END_TEST

START_TEST(a_value_that_is_no_string_is_refused)
{
	static const char *const texts[] = { "{\"k\":1}", "{\"k\":{}}", "{\"a\":\"\",\"k\":[]}",
		                             "{\"k\":null}", "{\"k\":true}" };
	struct heft_members m;
	struct heft_error err;

	ck_assert_int_eq(heft_members_read(&m, texts[_i], "X", &err), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, "metadata 'k' is not a string, the only kind that X holds: "
	                          "--no-metadata leaves all of it out");
	heft_members_done(&m);
}
END_TEST

static Suite *members_suite(void)
{
	Suite *s = suite_create("format_members");
	TCase *tc = tcase_create("members");

	tcase_add_test(tc, members_come_in_order_and_can_be_sorted);
	tcase_add_loop_test(tc, nothing_is_an_object_without_members, 0, 3);
	tcase_add_test(tc, bookkeeping_is_left_out);
	tcase_add_loop_test(tc, a_value_that_is_no_string_is_refused, 0, 5);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(members_suite());
}
