/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_sync.c - tests of lib/container/update.c and writer.c under failing pwrite and
 * fsync: what is written when, and what is left. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "container/layout.h"
#include "heft/edit.h"
#include "io_fail.h"
#include "make_heft.h"
#include "scratch.h"
#include "unit.h"

static struct scratch scratch;
static char *path;
static char *other;
static char *before;
static size_t before_size;
static bool renames; /* whether the update renames the tensor as well */

static const struct make_tensor tensors[] = {
	{ .name = "w", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 100 }, .seed = 1 },
};
static const struct make_heft one = { .tensors = tensors, .n = 1 };

static void setup(void)
{
	io_fail_at(0, 0);
	renames = false;
	scratch_init(&scratch);
	path = scratch_path(&scratch, "a.heft");
	other = scratch_path(&scratch, "b.heft");
	make_heft(&one, path);
	before = scratch_read(path, &before_size);
}

static void teardown(void)
{
	free(before);
	scratch_done(&scratch);
}

static enum heft_status update(const struct heft_edit_options *options, size_t failing,
                               struct heft_error *err)
{
	struct heft_edit *edit;
	enum heft_status st;

	ck_assert_int_eq(heft_edit_open(path, options, &edit, err), HEFT_OK);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "a", "1", err), HEFT_OK);
	if (renames)
		ck_assert_int_eq(heft_edit_rename(edit, "w", "v", err), HEFT_OK);
	io_fail_at(failing, EIO);
	st = heft_edit_commit(edit, err);
	ck_assert_str_ne(io_fail_log(), "");
	return st;
}

/* [R8.2-1]: the generation is on disk before the page that names it is written; a failure before
 * that cuts the file, and no sync is tried again. */
START_TEST(an_update_that_fails_early_leaves_the_file_as_it_was)
{
	static const char *const logs[] = { "wt", "wst" };
	struct heft_error err;

	renames = _i >= 2;
	ck_assert_int_eq(update(NULL, (size_t)_i % 2 + 1, &err), HEFT_E_IO);
	ck_assert_str_eq(io_fail_log(), logs[_i % 2]);
	scratch_check(path, before, before_size);
}
END_TEST

/* [R8.2-1]: "After step 7 the writer says that the result is unknown." */
START_TEST(an_update_that_fails_late_says_that_it_does_not_know)
{
	static const char *const logs[] = { "wsw", "wsws" };
	const bool is_new = _i % 2 != 0;
	struct make_tensor wanted = tensors[0];
	struct heft_error err;
	struct made f;

	renames = _i >= 2;
	if (renames && is_new)
		wanted.name = "v";
	ck_assert_int_eq(update(NULL, (size_t)is_new + 3, &err), HEFT_E_IO);
	ck_assert_str_eq(io_fail_log(), logs[is_new]);
	ck_assert_ptr_nonnull(strstr(err.msg, "unknown"));
	ck_assert_ptr_nonnull(strstr(err.msg, is_new ? "new" : "old"));
	made_open(&f, path);
	ck_assert_uint_eq(heft_index_page(f.ix)->generation, is_new ? 2 : 1);
	made_check(&f, &wanted, 1);
	made_close(&f);
}
END_TEST

START_TEST(an_update_without_syncs_makes_none)
{
	const struct heft_edit_options options = { .no_sync = true };
	struct heft_error err;

	ck_assert_int_eq(update(&options, 0, &err), HEFT_OK);
	ck_assert_str_eq(io_fail_log(), "ww");
	made_verify(path, false);
}
END_TEST

/* [R8.2-4]: every call of the copy may fail, and the old file is whole. */
START_TEST(an_update_by_copy_is_new_or_old)
{
	struct heft_error err;
	enum heft_status st;
	size_t n = 1;

	renames = _i == 1;
	do {
		unlink(path);
		unlink(other);
		scratch_write(path, before, before_size);
		ck_assert_int_eq(link(path, other), 0);
		st = update(NULL, n, &err);
		io_fail_at(0, 0);
		ck_assert_uint_eq(scratch_n_files(&scratch), 2);
		scratch_check(other, before, before_size);
		made_verify(path, false);
		if (n < 5) /* the folder's sync, the last call, comes behind the rename */
			scratch_check(path, before, before_size);
		n++;
	} while (st != HEFT_OK);
	ck_assert_uint_ge(n, 6);
}
END_TEST

/* [R8.1-1]: whatever call fails, the target is the old file or the new one, and nothing else
 * stays. */
START_TEST(a_new_file_is_there_whole_or_not_at_all)
{
	struct heft_error err;
	enum heft_status st;
	size_t n = 1;

	do {
		const struct make_heft m = { .tensors = tensors, .n = 1, .metadata = "{\"a\":1}" };

		scratch_write(path, before, before_size);
		io_fail_at(n, n % 2 ? EIO : ENOSPC);
		st = make_heft_try(&m, path, &err);
		ck_assert_uint_eq(scratch_n_files(&scratch), 1);
		made_verify(path, true);
		n++;
	} while (st != HEFT_OK);
	ck_assert_uint_ge(n, 6);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("container_sync");
	TCase *t = tcase_create("sync");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, an_update_that_fails_early_leaves_the_file_as_it_was, 0, 4);
	tcase_add_loop_test(t, an_update_that_fails_late_says_that_it_does_not_know, 0, 4);
	tcase_add_test(t, an_update_without_syncs_makes_none);
	tcase_add_loop_test(t, an_update_by_copy_is_new_or_old, 0, 2);
	tcase_add_test(t, a_new_file_is_there_whole_or_not_at_all);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(suite());
}
