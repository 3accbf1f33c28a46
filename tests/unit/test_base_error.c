/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_error.c - tests of lib/base/error.c. */
#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "unit.h"

START_TEST(a_failure_is_one_statement)
{
	struct heft_error err;

	ck_assert_int_eq(heft_fail(&err, HEFT_E_CORRUPT, 7, "row %d is %s", 3, "bad"),
	                 HEFT_E_CORRUPT);
	ck_assert_int_eq(err.code, HEFT_E_CORRUPT);
	ck_assert_uint_eq(err.offset, 7);
	ck_assert_str_eq(err.msg, "row 3 is bad");
	ck_assert_int_eq(heft_fail(NULL, HEFT_E_LIMIT, 0, "nobody reads this"), HEFT_E_LIMIT);
	ck_assert_int_eq(heft_fail_errno(NULL, EIO, 0, "nor this"), HEFT_E_IO);
}
END_TEST

START_TEST(control_characters_become_question_marks)
{
	struct heft_error err;

	heft_fail(&err, HEFT_E_CORRUPT, 0, "'%s'", "a\x1b[31m\n\tb\x7f");
	ck_assert_str_eq(err.msg, "'a?[31m?\?b?'");
	heft_fail(&err, HEFT_E_CORRUPT, 0, "'%s'",
	          "gr\xc3\xb6\xc3\x9f"
	          "er \xc2\x9b"
	          "2J \xff\x80 \xed\xa0\x80");
	ck_assert_str_eq(err.msg, "'gr\xc3\xb6\xc3\x9f"
	                          "er ?\?2J ?\? ?\?\?'");
}
END_TEST

START_TEST(a_long_message_is_cut_between_characters)
{
	char name[1000];
	struct heft_error err;

	for (size_t i = 0; i + 2 < sizeof name; i += 2)
		memcpy(name + i, "\xc3\xb6", 2);
	name[sizeof name - 2] = '\0';
	for (int n = 0; n < 3; n++) {
		heft_fail(&err, HEFT_E_CORRUPT, 0, "%.*s%s", n, "xxx", name);
		ck_assert_uint_ge(strlen(err.msg), sizeof err.msg - 2);
		ck_assert(heft_utf8_ok(err.msg, strlen(err.msg)));
		ck_assert_ptr_null(strchr(err.msg, '?'));
	}
}
END_TEST

START_TEST(a_message_may_quote_the_one_it_replaces)
{
	struct heft_error err;

	heft_fail(&err, HEFT_E_CORRUPT, 0, "inner");
	heft_fail(&err, HEFT_E_CORRUPT, 0, "outer: %s", err.msg);
	ck_assert_str_eq(err.msg, "outer: inner");
}
END_TEST

START_TEST(errno_gives_the_code_and_the_reason)
{
	char name[1000];
	struct heft_error err;

	ck_assert_int_eq(heft_fail_errno(&err, ENOENT, HEFT_NO_OFFSET, "cannot open"),
	                 HEFT_E_NOT_FOUND);
	ck_assert_str_eq(err.msg, "cannot open: No such file or directory");
	ck_assert_int_eq(heft_fail_errno(&err, ENOMEM, 0, "cannot map"), HEFT_E_NOMEM);
	ck_assert_int_eq(heft_fail_errno(&err, ENOSPC, 5, "cannot write %d", 1), HEFT_E_IO);
	ck_assert_uint_eq(err.offset, 5);
	ck_assert_str_eq(err.msg, "cannot write 1: No space left on device");

	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	heft_fail_errno(&err, ENOSPC, 5, "%s", name);
	ck_assert_ptr_nonnull(strstr(err.msg, "nnn: No space left on device"));
}
END_TEST

START_TEST(every_status_has_a_name)
{
	for (int i = HEFT_E_CANCELLED; i <= HEFT_OK; i++)
		ck_assert_str_ne(heft_status_name((enum heft_status)i), "unknown");
	ck_assert_str_eq(heft_status_name(HEFT_E_CORRUPT), "corrupt");
	ck_assert_str_eq(heft_status_name((enum heft_status) - 100), "unknown");
	ck_assert_str_eq(heft_status_name((enum heft_status)1), "unknown");
}
END_TEST

static enum heft_status passes_on(enum heft_status status, int *n_after)
{
	HEFT_TRY(status);
	(*n_after)++;
	return HEFT_OK;
}

START_TEST(try_returns_a_failure_and_goes_on_after_success)
{
	int n_after = 0;

	ck_assert_int_eq(passes_on(HEFT_E_BUSY, &n_after), HEFT_E_BUSY);
	ck_assert_int_eq(n_after, 0);
	ck_assert_int_eq(passes_on(HEFT_OK, &n_after), HEFT_OK);
	ck_assert_int_eq(n_after, 1);
}
END_TEST

static Suite *error_suite(void)
{
	Suite *s = suite_create("base_error");
	TCase *t = tcase_create("all");

	tcase_add_test(t, a_failure_is_one_statement);
	tcase_add_test(t, control_characters_become_question_marks);
	tcase_add_test(t, a_long_message_is_cut_between_characters);
	tcase_add_test(t, a_message_may_quote_the_one_it_replaces);
	tcase_add_test(t, errno_gives_the_code_and_the_reason);
	tcase_add_test(t, every_status_has_a_name);
	tcase_add_test(t, try_returns_a_failure_and_goes_on_after_success);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(error_suite());
}
