/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_beneath.c - files beneath a folder, to which no link leads. */
#include "base/beneath.h"

#include "alloc_fail.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct heft_error err;

/* a/b/file, and a link to each of them */
static void set_up(void)
{
	scratch_init(&s);
	ck_assert_int_eq(mkdir(scratch_path(&s, "a"), 0700), 0);
	ck_assert_int_eq(mkdir(scratch_path(&s, "a/b"), 0700), 0);
	scratch_write(scratch_path(&s, "a/b/file"), "abc", 3);
	ck_assert_int_eq(symlink("a", scratch_path(&s, "link")), 0);
	ck_assert_int_eq(symlink("b", scratch_path(&s, "a/link")), 0);
	ck_assert_int_eq(symlink("file", scratch_path(&s, "a/b/link")), 0);
}

static void tear_down(void)
{
	scratch_done(&s);
}

/* From the folder of the file `model` in it. */
static enum heft_status try(const char *path)
{
	char *model = scratch_join(s.folder, "model");
	enum heft_status st;
	char text[3];
	int folder;
	int fd = -1;

	ck_assert_msg(heft_beneath_folder(model, &folder, &err) == HEFT_OK, "%s", err.msg);
	free(model);
	st = heft_beneath_open(folder, path, &fd, &err);
	ck_assert_int_eq(fd >= 0, st == HEFT_OK);
	if (fd >= 0) {
		ck_assert_int_eq(read(fd, text, 3), 3);
		ck_assert_mem_eq(text, "abc", 3);
		close(fd);
	}
	close(folder);
	return st;
}

START_TEST(a_regular_file_is_opened_however_deep)
{
	ck_assert_int_eq(try("a/b/file"), HEFT_OK);
}
END_TEST

START_TEST(no_part_may_be_a_link)
{
	static const char *const paths[] = { "link/b/file", "a/link/file", "a/b/link" };

	ck_assert_int_eq(try(paths[_i]), HEFT_E_CORRUPT);
	ck_assert_msg(strstr(err.msg, "symbolic link") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(what_is_not_there_or_no_file_is_not_opened)
{
	ck_assert_int_eq(try("a/none"), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(try("none/b"), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(try("a/b"), HEFT_E_CORRUPT);
	ck_assert_int_eq(try("a/b/file/x"), HEFT_E_CORRUPT);
	ck_assert_int_eq(mkfifo(scratch_path(&s, "pipe"), 0600), 0); /* nobody writes */
	ck_assert_int_eq(try("pipe"), HEFT_E_CORRUPT);
	ck_assert_int_eq(link(s.paths[2], scratch_path(&s, "twice")), 0);
	ck_assert_int_eq(try("twice"), HEFT_E_CORRUPT);
	ck_assert_int_eq(try("a/b/file"), HEFT_E_CORRUPT);
}
END_TEST

START_TEST(a_folder_need_only_be_passed_through)
{
	const char *folder = s.paths[0];

	ck_assert_int_eq(chmod(folder, 0100), 0);
	ck_assert_int_eq(try("a/b/file"), HEFT_OK);
	ck_assert_int_eq(chmod(folder, 0700), 0);
}
END_TEST

START_TEST(without_memory_nothing_is_left_open)
{
	int fd = -1;

	alloc_fail_at(1);
	ck_assert_int_eq(heft_beneath_folder(s.paths[0], &fd, &err), HEFT_E_NOMEM);
	alloc_fail_at(1);
	ck_assert_int_eq(heft_beneath_open(fd, "a", &fd, &err), HEFT_E_NOMEM);
	ck_assert(alloc_fail_done());
	ck_assert_int_eq(fd, -1);
}
END_TEST

static Suite *beneath_suite(void)
{
	Suite *suite = suite_create("base_beneath");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_regular_file_is_opened_however_deep);
	tcase_add_loop_test(t, no_part_may_be_a_link, 0, 3);
	tcase_add_test(t, what_is_not_there_or_no_file_is_not_opened);
	tcase_add_test(t, a_folder_need_only_be_passed_through);
	tcase_add_test(t, without_memory_nothing_is_left_open);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return heft_unit_run(beneath_suite());
}
