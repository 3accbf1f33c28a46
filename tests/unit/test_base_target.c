/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_target.c - tests of lib/base/target.c, through the sink that stands on it. */
#include "base/target.h"

#include <fcntl.h>

#include "base/utf8.h"
#include "scratch.h"
#include "sink_steps.h"
#include "unit.h"

static struct scratch scratch;
static char *target;

static void setup(void)
{
	scratch_init(&scratch);
	target = scratch_path(&scratch, "model.heft");
}

static void teardown(void)
{
	scratch_done(&scratch);
}

static const struct heft_sink_options overwrite = { .overwrite = true };

static void open_fails(const char *path, const struct heft_sink_options *options,
                       enum heft_status status, const char *message)
{
	struct heft_sink *s;
	struct heft_error err;

	ck_assert_int_eq(heft_sink_open(path, options, &s, &err), status);
	ck_assert_str_eq(err.msg, message);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(an_existing_file_is_refused_at_once)
{
	scratch_write(target, "old", 3);
	open_fails(target, NULL, HEFT_E_USAGE, "the file exists already");
	scratch_check(target, "old", 3);
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
}
END_TEST

START_TEST(a_file_that_appears_meanwhile_is_not_destroyed)
{
	struct heft_sink *s = open_sink(target, NULL);
	struct heft_error err;

	append(s, "ours");
	scratch_write(target, "theirs", 6);
	ck_assert_int_eq(heft_sink_commit(s, &err), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, "a file of this name appeared meanwhile");
	scratch_check(target, "theirs", 6);
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
}
END_TEST

START_TEST(overwriting_keeps_the_mode_and_old_readers)
{
	static const mode_t modes[] = { 0640, 0444, 0600, 0777, 0666 };
	char b[3];
	int fd;

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		unlink(target);
		scratch_write(target, "old", 3);
		ck_assert_int_eq(chmod(target, modes[i]), 0);
		fd = open(target, O_RDONLY);
		write_whole(target, &overwrite, "new one");
		scratch_check(target, "new one", 7);
		ck_assert_uint_eq(mode_of(target), modes[i]);
		ck_assert_int_eq(pread(fd, b, 3, 0), 3);
		ck_assert_mem_eq(b, "old", 3);
		close(fd);
	}
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
}
END_TEST

START_TEST(overwriting_needs_no_old_file)
{
	write_whole(target, &overwrite, "new");
	scratch_check(target, "new", 3);
}
END_TEST

START_TEST(a_link_is_followed_and_stays)
{
	char *link_path = scratch_path(&scratch, "link");
	char *second = scratch_path(&scratch, "folder/second");
	struct stat st;

	ck_assert_int_eq(mkdir(scratch_path(&scratch, "folder"), 0700), 0);
	ck_assert_int_eq(symlink("folder/second", link_path), 0);
	ck_assert_int_eq(symlink("../model.heft", second), 0);
	write_whole(link_path, NULL, "through two links"); /* which lead to no file yet */
	scratch_check(target, "through two links", 17);
	write_whole(link_path, &overwrite, "again");
	scratch_check(target, "again", 5);
	ck_assert_int_eq(lstat(link_path, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(lstat(second, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	open_fails(link_path, NULL, HEFT_E_USAGE, "the file exists already");
	unlink(target);
	unlink(second);
	ck_assert_int_eq(symlink(target, second), 0); /* an absolute one */
	write_whole(link_path, NULL, "absolute");
	scratch_check(target, "absolute", 8);
}
END_TEST

START_TEST(links_in_a_circle_are_refused)
{
	char *a = scratch_path(&scratch, "a");

	ck_assert_int_eq(symlink("b", a), 0);
	ck_assert_int_eq(symlink("a", scratch_path(&scratch, "b")), 0);
	open_fails(a, NULL, HEFT_E_IO, "cannot follow the link: Too many levels of symbolic links");
}
END_TEST

START_TEST(targets_that_are_no_files_are_refused)
{
	char *pipe_path = scratch_path(&scratch, "pipe");

	ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
	open_fails(scratch.folder, &overwrite, HEFT_E_USAGE,
	           "a folder, where a file is to be written");
	open_fails(".", &overwrite, HEFT_E_USAGE, "a folder, where a file is to be written");
	open_fails(pipe_path, &overwrite, HEFT_E_USAGE,
	           "a device or pipe, where a file is to be written");
	open_fails("/dev/null", &overwrite, HEFT_E_USAGE,
	           "a device or pipe, where a file is to be written");
	open_fails("", NULL, HEFT_E_USAGE, "the path names no file");
	scratch_write(target, "x", 1);
	open_fails(scratch_path(&scratch, "model.heft/x"), NULL, HEFT_E_USAGE,
	           "the folder to write into is not a folder");
	open_fails(scratch_path(&scratch, "none/x"), NULL, HEFT_E_NOT_FOUND,
	           "the folder to write into does not exist");
	open_fails(scratch_path(&scratch, "none/"), NULL, HEFT_E_NOT_FOUND,
	           "the folder to write into does not exist");
}
END_TEST

START_TEST(a_folder_that_may_not_be_written_is_refused)
{
	const uid_t user = geteuid();

	ck_assert_int_eq(chmod(scratch.folder, 0555), 0);
	if (user == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	open_fails(target, NULL, HEFT_E_IO, "cannot make a file in the folder: Permission denied");
	if (user == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(a_folder_that_may_not_be_listed_can_be_written)
{
	const uid_t user = geteuid();

	ck_assert_int_eq(chmod(scratch.folder, user == 0 ? 0733 : 0300), 0);
	if (user == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	write_whole(target, NULL, "blind");
	scratch_check(target, "blind", 5);
	if (user == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(names_as_long_as_the_file_system_allows_work)
{
	char name[256];
	char *path;

	for (size_t n = 225; n <= 255; n++) {
		struct heft_sink *s;
		const char *temp;

		for (size_t i = 0; i < n; i++)
			name[i] = i % 2 == n % 2 ? '\xc3' : '\xb6';
		if (n % 2)
			name[0] = 'x';
		name[n] = '\0';
		path = scratch_path(&scratch, name);
		s = open_sink(path, NULL);
		temp = heft_sink_temp_path(s);
		ck_assert(heft_utf8_ok(temp, strlen(temp)));
		append(s, "long");
		ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_OK);
		scratch_check(path, "long", 4);
	}
}
END_TEST

START_TEST(a_path_relative_to_the_current_folder_works)
{
	char here[1000];

	ck_assert_ptr_nonnull(getcwd(here, sizeof here));
	ck_assert_int_eq(chdir(scratch.folder), 0);
	write_whole("model.heft", NULL, "here");
	ck_assert_int_eq(chdir(here), 0);
	scratch_check(target, "here", 4);
}
END_TEST

START_TEST(a_folder_that_is_renamed_meanwhile_takes_the_file_along)
{
	char *before = scratch_path(&scratch, "before");
	char *after = scratch_path(&scratch, "after");
	struct heft_sink *s;

	ck_assert_int_eq(mkdir(before, 0700), 0);
	s = open_sink(scratch_path(&scratch, "before/file"), NULL);
	append(s, "moved");
	ck_assert_int_eq(rename(before, after), 0);
	ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_OK);
	scratch_check(scratch_path(&scratch, "after/file"), "moved", 5);
}
END_TEST

START_TEST(a_target_that_became_a_folder_fails_the_commit)
{
	struct heft_sink *s = open_sink(target, &overwrite);
	struct heft_error err;

	append(s, "x");
	ck_assert_int_eq(mkdir(target, 0700), 0);
	ck_assert_int_eq(heft_sink_commit(s, &err), HEFT_E_IO);
	ck_assert_str_eq(err.msg, "cannot give the new file its name: Is a directory");
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
}
END_TEST

static Suite *target_suite(void)
{
	Suite *s = suite_create("base_target");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_existing_file_is_refused_at_once);
	tcase_add_test(t, a_file_that_appears_meanwhile_is_not_destroyed);
	tcase_add_test(t, overwriting_keeps_the_mode_and_old_readers);
	tcase_add_test(t, overwriting_needs_no_old_file);
	tcase_add_test(t, a_link_is_followed_and_stays);
	tcase_add_test(t, links_in_a_circle_are_refused);
	tcase_add_test(t, targets_that_are_no_files_are_refused);
	tcase_add_test(t, a_folder_that_may_not_be_written_is_refused);
	tcase_add_test(t, a_folder_that_may_not_be_listed_can_be_written);
	tcase_add_test(t, names_as_long_as_the_file_system_allows_work);
	tcase_add_test(t, a_path_relative_to_the_current_folder_works);
	tcase_add_test(t, a_folder_that_is_renamed_meanwhile_takes_the_file_along);
	tcase_add_test(t, a_target_that_became_a_folder_fails_the_commit);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(target_suite());
}
