/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_file_set.c - several new files that appear together. */
#include "base/file_set.h"

#include <errno.h>
#include <string.h>

#include "alloc_fail.h"
#include "base/alloc.h"
#include "base/folder.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct heft_error err;

static void set_up(void)
{
	scratch_init(&s);
}

static void tear_down(void)
{
	scratch_done(&s);
}

static struct heft_file_set *new_set(const char *folder, bool overwrite)
{
	const struct heft_sink_options options = { .overwrite = overwrite, .no_sync = true };
	struct heft_file_set *set;

	ck_assert_msg(heft_file_set_new(folder, &options, &set, &err) == HEFT_OK, "%s", err.msg);
	return set;
}

static void add(struct heft_file_set *set, const char *name, const char *text)
{
	char *path;

	ck_assert_msg(heft_file_set_add(set, name, &path, &err) == HEFT_OK, "%s", err.msg);
	scratch_write(path, text, strlen(text));
	heft_free(path);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* spec H5-6 */
START_TEST(a_new_folder_appears_whole)
{
	static const char *const ends[] = { "", "/", "//" };
	char *folder = scratch_path(&s, "new");
	char path[1024];
	struct heft_file_set *set;
	struct stat st;

	snprintf(path, sizeof path, "%s%s", folder, ends[_i]);
	set = new_set(path, false);
	add(set, "one", "1");
	add(set, "two", "22");
	ck_assert(!exists(folder));
	ck_assert_msg(heft_file_set_commit(set, &err) == HEFT_OK, "%s", err.msg);
	scratch_check(scratch_path(&s, "new/one"), "1", 1);
	scratch_check(scratch_path(&s, "new/two"), "22", 2);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
	ck_assert_int_eq(stat(folder, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0700, 0700);
}
END_TEST

START_TEST(a_name_without_a_slash_is_in_the_current_folder)
{
	struct heft_file_set *set;

	ck_assert_int_eq(chdir(s.folder), 0);
	set = new_set("new", false);
	add(set, "one", "1");
	ck_assert_int_eq(heft_file_set_commit(set, &err), HEFT_OK);
	scratch_check(scratch_path(&s, "new/one"), "1", 1);
	set = new_set("", false);
	add(set, "two", "2");
	ck_assert_int_eq(heft_file_set_commit(set, &err), HEFT_OK);
	scratch_check(scratch_path(&s, "two"), "2", 1);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(a_discarded_set_leaves_nothing)
{
	struct heft_file_set *set = new_set(scratch_path(&s, "new"), false);

	add(set, "one", "1");
	heft_file_set_discard(set);
	set = new_set(s.folder, false);
	add(set, "one", "1");
	heft_file_set_discard(set);
	heft_file_set_discard(NULL);
	ck_assert_uint_eq(scratch_n_files(&s), 0);
}
END_TEST

START_TEST(files_join_those_of_a_folder)
{
	struct heft_file_set *set;

	scratch_write(scratch_path(&s, "other"), "o", 1);
	set = new_set(s.folder, false);
	add(set, "one", "1");
	add(set, "two", "22");
	ck_assert(!exists(scratch_path(&s, "one")));
	ck_assert_int_eq(heft_file_set_commit(set, &err), HEFT_OK);
	scratch_check(scratch_path(&s, "two"), "22", 2);
	scratch_check(scratch_path(&s, "other"), "o", 1);
	ck_assert_uint_eq(scratch_n_files(&s), 3);
}
END_TEST

/* spec H5-7 */
START_TEST(a_file_that_is_there_is_refused)
{
	struct heft_file_set *set;
	char *path;

	scratch_write(scratch_path(&s, "one"), "old", 3);
	set = new_set(s.folder, false);
	add(set, "zero", "0");
	ck_assert_int_eq(heft_file_set_add(set, "one", &path, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "'one' exists"));
	ck_assert_int_eq(heft_file_set_remove(set, "one", &err), HEFT_E_USAGE);
	heft_file_set_discard(set);
	scratch_check(scratch_path(&s, "one"), "old", 3);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

/* spec H5-8: what appeared meanwhile is kept, and what was moved before it goes. */
START_TEST(a_name_that_appears_meanwhile_stops_the_move)
{
	struct heft_file_set *set = new_set(s.folder, false);

	add(set, "one", "1");
	add(set, "two", "22");
	scratch_write(scratch_path(&s, "two"), "other", 5);
	ck_assert_int_eq(heft_file_set_commit(set, &err), HEFT_E_USAGE);
	scratch_check(scratch_path(&s, "two"), "other", 5);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

START_TEST(a_folder_that_appears_meanwhile_stops_the_move)
{
	char *folder = scratch_path(&s, "new");
	struct heft_file_set *set = new_set(folder, _i > 0);

	add(set, "one", "1");
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	ck_assert_int_eq(heft_file_set_commit(set, &err), HEFT_E_USAGE);
	ck_assert(!exists(scratch_path(&s, "new/one")));
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

/* spec H5-7 */
START_TEST(files_are_replaced_when_told)
{
	struct heft_file_set *set;
	struct stat st;

	scratch_write(scratch_path(&s, "one"), "old", 3);
	ck_assert_int_eq(chmod(s.paths[0], 0640), 0);
	scratch_write(scratch_path(&s, "index"), "old", 3);
	scratch_write(scratch_path(&s, "left"), "old", 3);
	set = new_set(s.folder, true);
	ck_assert_int_eq(heft_file_set_remove(set, "index", &err), HEFT_OK);
	ck_assert_int_eq(heft_file_set_clean(set, "left", &err), HEFT_OK);
	ck_assert_int_eq(heft_file_set_clean(set, "two", &err), HEFT_OK);
	ck_assert_int_eq(heft_file_set_clean(set, "absent", &err), HEFT_OK);
	add(set, "two", "2");
	add(set, "one", "new");
	scratch_check(s.paths[0], "old", 3);
	ck_assert_int_eq(heft_file_set_commit(set, &err), HEFT_OK);
	scratch_check(s.paths[0], "new", 3);
	ck_assert_int_eq(stat(s.paths[0], &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
	ck_assert(exists(scratch_path(&s, "two")));
	ck_assert_uint_eq(scratch_n_files(&s), 2);
}
END_TEST

START_TEST(a_folder_in_the_place_of_a_file_is_refused)
{
	struct heft_file_set *set;
	char *path;

	ck_assert_int_eq(mkdir(scratch_path(&s, "one"), 0700), 0);
	set = new_set(s.folder, true);
	ck_assert_int_eq(heft_file_set_add(set, "one", &path, &err), HEFT_E_USAGE);
	heft_file_set_discard(set);
}
END_TEST

START_TEST(where_no_folder_can_be_is_told)
{
	struct heft_file_set *set;

	ck_assert_int_eq(heft_file_set_new(scratch_path(&s, "a/b"), NULL, &set, &err),
	                 HEFT_E_NOT_FOUND);
	scratch_write(scratch_path(&s, "file"), "x", 1);
	ck_assert_int_eq(heft_file_set_new(s.paths[1], NULL, &set, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_file_set_new(scratch_path(&s, "file/c"), NULL, &set, &err),
	                 HEFT_E_USAGE);
}
END_TEST

static enum heft_status use(const char *folder)
{
	const struct heft_sink_options options = { .overwrite = true, .no_sync = true };
	struct heft_file_set *set;
	char *path = NULL;
	enum heft_status st = heft_file_set_new(folder, &options, &set, NULL);

	if (st != HEFT_OK)
		return st;
	st = heft_file_set_remove(set, "index", NULL);
	if (st == HEFT_OK)
		st = heft_file_set_clean(set, "old", NULL);
	if (st == HEFT_OK)
		st = heft_file_set_add(set, "one", &path, NULL);
	heft_free(path);
	heft_file_set_discard(set);
	return st;
}

START_TEST(without_memory_nothing_stays_behind)
{
	const char *const folders[] = { s.folder, scratch_path(&s, "new") };
	bool has_failed = true;

	for (size_t n = 1; has_failed; n++) {
		enum heft_status st;

		alloc_fail_at(n);
		st = use(folders[_i]);
		has_failed = alloc_fail_done();
		ck_assert_int_eq(st, has_failed ? HEFT_E_NOMEM : HEFT_OK);
		ck_assert_uint_eq(scratch_n_files(&s), 0);
	}
}
END_TEST

static enum heft_status count(void *ctx, const char *name, struct heft_error *error)
{
	unsigned *n = ctx;

	(void)error;
	ck_assert(strcmp(name, "a") == 0 || strcmp(name, ".b") == 0);
	return ++*n == 7 ? HEFT_E_LIMIT : HEFT_OK;
}

START_TEST(a_walk_gives_every_name)
{
	unsigned n = 0;

	scratch_write(scratch_path(&s, "a"), "", 0);
	ck_assert_int_eq(mkdir(scratch_path(&s, ".b"), 0700), 0);
	ck_assert_int_eq(heft_folder_walk(s.folder, count, &n, &err), HEFT_OK);
	ck_assert_uint_eq(n, 2);
	n = 6;
	ck_assert_int_eq(heft_folder_walk(s.folder, count, &n, &err), HEFT_E_LIMIT);
	ck_assert_int_eq(heft_folder_walk(s.paths[0], count, &n, &err), HEFT_E_IO);
	ck_assert(heft_is_folder(s.folder));
	ck_assert(!heft_is_folder(s.paths[0]));
	ck_assert(!heft_is_folder(scratch_path(&s, "absent")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base file set");
	TCase *tc = tcase_create("file set");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, a_new_folder_appears_whole, 0, 3);
	tcase_add_test(tc, a_name_without_a_slash_is_in_the_current_folder);
	tcase_add_test(tc, a_discarded_set_leaves_nothing);
	tcase_add_test(tc, files_join_those_of_a_folder);
	tcase_add_test(tc, a_file_that_is_there_is_refused);
	tcase_add_test(tc, a_name_that_appears_meanwhile_stops_the_move);
	tcase_add_loop_test(tc, a_folder_that_appears_meanwhile_stops_the_move, 0, 2);
	tcase_add_test(tc, files_are_replaced_when_told);
	tcase_add_test(tc, a_folder_in_the_place_of_a_file_is_refused);
	tcase_add_test(tc, where_no_folder_can_be_is_told);
	tcase_add_loop_test(tc, without_memory_nothing_stays_behind, 0, 2);
	tcase_add_test(tc, a_walk_gives_every_name);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
