/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_companion.c - tests of the second file that lib/base/sink.c and target.c write
 * beside. */
#include <errno.h>
#include <fcntl.h>

#include "alloc_fail.h"
#include "io_fail.h"
#include "scratch.h"
#include "sink_steps.h"
#include "unit.h"

static struct scratch scratch;
static char *target;
static char *beside;

static const struct heft_sink_options overwrite = { .overwrite = true };

static void setup(void)
{
	io_fail_at(0, 0);
	scratch_init(&scratch);
	target = scratch_path(&scratch, "m.onnx");
	beside = scratch_path(&scratch, "m.onnx.data");
}

static void teardown(void)
{
	scratch_done(&scratch);
}

/* Both with something in them. */
static struct heft_sink *open_both(const struct heft_sink_options *options)
{
	struct heft_sink *s = open_sink(target, options);
	struct heft_sink *c;
	struct heft_error err;

	ck_assert_msg(heft_sink_add_companion(s, ".data", &c, &err) == HEFT_OK, "%s", err.msg);
	append(s, "model");
	append(c, "its data");
	return s;
}

static void check_both(const char *model, const char *data)
{
	scratch_check(target, model, strlen(model));
	scratch_check(beside, data, strlen(data));
	ck_assert_uint_eq(scratch_n_files(&scratch), 2);
}

START_TEST(both_files_appear_at_the_commit)
{
	struct heft_sink *s = open_both(NULL);
	uint32_t n_files;
	uint64_t n_bytes;

	ck_assert_str_eq(heft_sink_name(s), "m.onnx");
	heft_sink_total(s, &n_files, &n_bytes);
	ck_assert_uint_eq(n_files, 2);
	ck_assert_uint_eq(n_bytes, 13);
	ck_assert_int_ne(access(beside, F_OK), 0);
	ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_OK);
	check_both("model", "its data");
}
END_TEST

START_TEST(both_are_discarded)
{
	heft_sink_discard(open_both(NULL));
	ck_assert_uint_eq(scratch_n_files(&scratch), 0);
}
END_TEST

START_TEST(both_replace_older_ones)
{
	scratch_write(target, "old", 3);
	scratch_write(beside, "old data", 8);
	ck_assert_int_eq(heft_sink_commit(open_both(&overwrite), NULL), HEFT_OK);
	check_both("model", "its data");
}
END_TEST

START_TEST(the_data_of_a_private_file_are_private)
{
	struct stat st;

	scratch_write(target, "old", 3);
	ck_assert_int_eq(chmod(target, 0600), 0);
	ck_assert_int_eq(heft_sink_commit(open_both(&overwrite), NULL), HEFT_OK);
	ck_assert_int_eq(stat(beside, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(chmod(beside, 0640), 0);
	ck_assert_int_eq(heft_sink_commit(open_both(&overwrite), NULL), HEFT_OK);
	ck_assert_int_eq(stat(beside, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
}
END_TEST

static void add_fails(const char *suffix, const struct heft_sink_options *options,
                      const char *message)
{
	struct heft_sink *s = open_sink(target, options);
	struct heft_sink *c;
	struct heft_error err;

	ck_assert_int_eq(heft_sink_add_companion(s, suffix, &c, &err), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, message);
	heft_sink_discard(s);
}

START_TEST(what_is_in_the_way_is_told_at_once)
{
	char suffix[300];

	memset(suffix, 'x', sizeof suffix);
	suffix[sizeof suffix - 1] = '\0';
	scratch_write(beside, "old", 3);
	add_fails(".data", NULL, "the file 'm.onnx.data' beside exists already");
	ck_assert_int_eq(unlink(beside), 0);
	ck_assert_int_eq(symlink("elsewhere", beside), 0);
	add_fails(".data", &overwrite,
	          "'m.onnx.data' beside is no regular file, where one is to be written");
	ck_assert_int_eq(unlink(beside), 0);
	ck_assert_int_eq(mkdir(beside, 0700), 0);
	add_fails(".data", &overwrite,
	          "'m.onnx.data' beside is no regular file, where one is to be written");
	{
		struct heft_sink *s = open_sink(target, NULL);
		struct heft_sink *c;
		struct heft_error err;

		ck_assert_int_eq(heft_sink_add_companion(s, suffix, &c, &err), HEFT_E_USAGE);
		ck_assert_ptr_nonnull(strstr(err.msg, "too long"));
		heft_sink_discard(s);
	}
}
END_TEST

START_TEST(there_is_one_companion_and_none_of_a_stream)
{
	struct heft_sink *s = open_both(NULL);
	struct heft_sink *c;
	uint32_t n_files;
	uint64_t n_bytes;

	ck_assert_int_eq(heft_sink_add_companion(s, ".more", &c, NULL), HEFT_E_USAGE);
	heft_sink_discard(s);
	s = open_sink("-", NULL);
	ck_assert_int_eq(heft_sink_add_companion(s, ".data", &c, NULL), HEFT_E_USAGE);
	heft_sink_total(s, &n_files, &n_bytes);
	ck_assert_uint_eq(n_files, 0);
	heft_sink_discard(s);
}
END_TEST

START_TEST(a_link_leads_both_to_one_folder)
{
	char *link_path = scratch_path(&scratch, "link");
	struct heft_sink *s;
	struct heft_sink *c;

	ck_assert_int_eq(mkdir(scratch_path(&scratch, "folder"), 0700), 0);
	ck_assert_int_eq(symlink("folder/real", link_path), 0);
	s = open_sink(link_path, NULL);
	ck_assert_int_eq(heft_sink_add_companion(s, ".data", &c, NULL), HEFT_OK);
	ck_assert_str_eq(heft_sink_name(s), "real");
	append(c, "x");
	ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_OK);
	scratch_check(scratch_path(&scratch, "folder/real.data"), "x", 1);
}
END_TEST

/* The target cannot get its name: a folder took it. */
START_TEST(what_was_there_comes_back_when_the_target_fails)
{
	struct heft_sink *s;

	scratch_write(beside, "old data", 8);
	s = open_both(&overwrite);
	ck_assert_int_eq(mkdir(target, 0700), 0);
	ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_E_IO);
	scratch_check(beside, "old data", 8);
	ck_assert_uint_eq(scratch_n_files(&scratch), 2);
	ck_assert_int_eq(unlink(beside), 0);
	ck_assert_int_eq(rmdir(target), 0);
	s = open_both(&overwrite);
	ck_assert_int_eq(mkdir(target, 0700), 0);
	ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_E_IO);
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
}
END_TEST

START_TEST(files_that_appear_meanwhile_are_not_destroyed)
{
	struct heft_sink *s = open_both(NULL);

	scratch_write(beside, "theirs", 6);
	ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_E_USAGE);
	scratch_check(beside, "theirs", 6);
	ck_assert_int_eq(unlink(beside), 0);
	s = open_both(NULL);
	scratch_write(target, "theirs", 6);
	ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_E_USAGE);
	scratch_check(target, "theirs", 6);
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
}
END_TEST

/* Writes of both, syncs of both, of the folder, of the folder again. */
START_TEST(a_failing_disk_changes_neither_until_both_have_names)
{
	for (size_t n = 1; n <= 6; n++) {
		struct heft_sink *s;

		scratch_write(target, "old", 3);
		scratch_write(beside, "old data", 8);
		s = open_both(&overwrite);
		io_fail_at(n, EIO);
		ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_E_IO);
		if (n < 6)
			check_both("old", "old data");
		else
			check_both("model", "its data");
		io_fail_at(0, 0);
	}
	{
		struct heft_sink *s = open_both(&overwrite);

		io_fail_at(7, EIO);
		ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_OK);
		ck_assert_str_eq(io_fail_log(), "wswsss");
	}
}
END_TEST

static enum heft_status write_both(struct heft_error *err)
{
	struct heft_sink *s;
	struct heft_sink *c;
	enum heft_status st = heft_sink_open(target, &overwrite, &s, err);

	if (st != HEFT_OK)
		return st;
	st = heft_sink_add_companion(s, ".data", &c, err);
	if (st == HEFT_OK)
		return heft_sink_commit(s, err);
	heft_sink_discard(s);
	return st;
}

START_TEST(without_memory_both_stay_as_they_were)
{
	bool has_failed = true;

	scratch_write(target, "old", 3);
	scratch_write(beside, "old data", 8);
	for (size_t n = 1; has_failed; n++) {
		enum heft_status st;

		alloc_fail_at(n);
		st = write_both(NULL);
		has_failed = alloc_fail_done();
		ck_assert_int_eq(st, has_failed ? HEFT_E_NOMEM : HEFT_OK);
		if (has_failed)
			check_both("old", "old data");
	}
	check_both("", "");
}
END_TEST

static Suite *companion_suite(void)
{
	Suite *s = suite_create("base_companion");
	TCase *tc = tcase_create("companion");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, both_files_appear_at_the_commit);
	tcase_add_test(tc, both_are_discarded);
	tcase_add_test(tc, both_replace_older_ones);
	tcase_add_test(tc, the_data_of_a_private_file_are_private);
	tcase_add_test(tc, what_is_in_the_way_is_told_at_once);
	tcase_add_test(tc, there_is_one_companion_and_none_of_a_stream);
	tcase_add_test(tc, a_link_leads_both_to_one_folder);
	tcase_add_test(tc, what_was_there_comes_back_when_the_target_fails);
	tcase_add_test(tc, files_that_appear_meanwhile_are_not_destroyed);
	tcase_add_test(tc, a_failing_disk_changes_neither_until_both_have_names);
	tcase_add_test(tc, without_memory_both_stay_as_they_were);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(companion_suite());
}
