/* SPDX-License-Identifier: Apache-2.0 */
/* test_kill.c - kills a process at random points while it writes a new file, updates one or
 * compacts one: what it had committed is there, and the file is whole. */
#include "robust.h"

static struct scratch scratch;
static char *path;

static void setup(void)
{
	scratch_init(&scratch);
	path = scratch_path(&scratch, "a.heft");
}

static void teardown(void)
{
	scratch_done(&scratch);
}

/* Works with the numbers from `n` on for ever, and tells each one that was committed. */
static void work_for_ever(enum heft_status (*work)(uint64_t n), uint64_t n, int told_fd)
{
	for (;; n++) {
		if (work(n) != HEFT_OK || write(told_fd, &n, sizeof n) != sizeof n)
			_exit(1);
	}
}

/* Lets a child work until it is killed. *told: the last number that it said it had committed. */
static void work_and_kill(enum heft_status (*work)(uint64_t n), uint64_t n, uint64_t *told)
{
	uint64_t number;
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = start();
	if (pid == 0)
		work_for_ever(work, n, ends[1]);
	close(ends[1]);
	pause_us(random_below(20000));
	kill(pid, SIGKILL);
	ck_assert_int_eq(wait_for(pid), -1);
	while (read(ends[0], &number, sizeof number) == sizeof number)
		*told = number;
	close(ends[0]);
}

static enum heft_status write_one(uint64_t n)
{
	return make_counted(path, n, n % 4 != 0);
}

/* Only a temporary may lie beside the file; a kill cannot be told from a crash. */
static void sweep(void)
{
	DIR *folder = opendir(scratch.folder);
	struct dirent *entry;

	ck_assert_ptr_nonnull(folder);
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] != '.' || strlen(entry->d_name) < 3)
			continue;
		ck_assert_int_eq(unlinkat(dirfd(folder), entry->d_name, 0), 0);
	}
	closedir(folder);
}

/* [R8.1-1] */
START_TEST(a_killed_writer_leaves_the_old_file_or_the_new_one)
{
	const unsigned n_rounds = rounds(20, 200);
	uint64_t last = 1;

	ck_assert_int_eq(write_one(last), HEFT_OK);
	for (unsigned i = 0; i < n_rounds; i++) {
		uint64_t found;

		work_and_kill(write_one, last + 1, &last);
		found = member(path, "n");
		ck_assert_uint_ge(found, last);
		ck_assert_uint_le(found, last + 1);
		made_verify(path, true);
		last = found;
		sweep();
		ck_assert_uint_eq(scratch_n_files(&scratch), 1);
	}
}
END_TEST

static enum heft_status update_one(uint64_t n)
{
	return set_member(path, "n", n, 1000, n % 4 != 0);
}

/* [R8.2-1] [R8.2-2]: a tail may stay, and the next update takes it for what it is. */
START_TEST(a_killed_update_is_there_whole_or_not_at_all)
{
	const unsigned n_rounds = rounds(20, 200);
	uint64_t last = 1;

	ck_assert_int_eq(write_one(last), HEFT_OK);
	for (unsigned i = 0; i < n_rounds; i++) {
		uint64_t found;

		work_and_kill(update_one, last + 1, &last);
		found = member(path, "n");
		ck_assert_uint_ge(found, last);
		ck_assert_uint_le(found, last + 1);
		check_tensors(path);
		last = found + 1;
		ck_assert_int_eq(update_one(last), HEFT_OK);
		made_verify(path, false);
	}
}
END_TEST

/* "w" goes by a name that says the number, and "b" and "tied" change names each time. */
static enum heft_status rename_one(uint64_t n)
{
	const struct heft_edit_options options = { .lock_ms = 1000, .no_sync = n % 4 != 0 };
	char from[24];
	char to[24];
	struct heft_edit *edit;
	enum heft_status st = heft_edit_open(path, &options, &edit, NULL);

	if (st != HEFT_OK)
		return st;
	snprintf(from, sizeof from, "w%" PRIu64, n - 1);
	snprintf(to, sizeof to, "w%" PRIu64, n);
	st = heft_edit_rename(edit, from, to, NULL);
	if (st == HEFT_OK)
		st = heft_edit_rename(edit, "b", "tied", NULL);
	if (st == HEFT_OK)
		st = heft_edit_rename(edit, "tied", "b", NULL);
	if (st == HEFT_OK)
		return heft_edit_commit(edit, NULL);
	heft_edit_discard(edit);
	return st;
}

/* The number in the name of the first tensor; the others have the names that go with it. */
static uint64_t renamed(void)
{
	struct make_tensor wanted[SMALL_N];
	struct heft_row row;
	char name[24];
	struct made f;
	uint32_t row_i;

	made_open(&f, path);
	ck_assert_int_eq(heft_index_row_at(f.ix, 0, &row_i, NULL), HEFT_OK);
	ck_assert_int_eq(heft_index_row(f.ix, row_i, &row, NULL), HEFT_OK);
	snprintf(name, sizeof name, "%.*s", (int)row.name_size, row.name);
	ck_assert_int_eq(name[0], 'w');
	memcpy(wanted, small_tensors, sizeof wanted);
	wanted[0].name = name;
	if (strtoull(name + 1, NULL, 10) % 2 != 0) {
		wanted[1].name = "tied";
		wanted[2].name = "b";
	}
	made_check(&f, wanted, SMALL_N);
	made_close(&f);
	return strtoull(name + 1, NULL, 10);
}

/* [R8.2-1] [R8.2-6]: with new tables too. */
START_TEST(a_killed_renaming_is_there_whole_or_not_at_all)
{
	const unsigned n_rounds = rounds(20, 200);
	struct heft_edit *edit;
	uint64_t last = 0;

	ck_assert_int_eq(write_one(1), HEFT_OK);
	ck_assert_int_eq(heft_edit_open(path, NULL, &edit, NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_rename(edit, "w", "w0", NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_commit(edit, NULL), HEFT_OK);
	for (unsigned i = 0; i < n_rounds; i++) {
		uint64_t found;

		work_and_kill(rename_one, last + 1, &last);
		found = renamed();
		ck_assert_uint_ge(found, last);
		ck_assert_uint_le(found, last + 1);
		last = found + 1;
		ck_assert_int_eq(rename_one(last), HEFT_OK);
		made_verify(path, false);
	}
}
END_TEST

static enum heft_status compact_one(uint64_t n)
{
	const struct heft_edit_options options = { .no_sync = true,
		                                   .run.n_threads = (uint32_t)(n % 3) + 1 };
	const enum heft_status st = set_member(path, "n", n, 1000, true);

	return st == HEFT_OK ? heft_compact(path, &options, NULL, NULL) : st;
}

START_TEST(a_killed_compaction_loses_nothing)
{
	const unsigned n_rounds = rounds(20, 200);
	uint64_t last = 1;

	ck_assert_int_eq(write_one(last), HEFT_OK);
	for (unsigned i = 0; i < n_rounds; i++) {
		uint64_t found;

		work_and_kill(compact_one, last + 1, &last);
		found = member(path, "n");
		ck_assert_uint_ge(found, last);
		ck_assert_uint_le(found, last + 1);
		check_tensors(path);
		last = found;
		sweep();
	}
	ck_assert_int_eq(compact_one(last + 1), HEFT_OK);
	made_verify(path, true);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("kill");
	TCase *t = tcase_create("kill");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 0);
	tcase_add_test(t, a_killed_writer_leaves_the_old_file_or_the_new_one);
	tcase_add_test(t, a_killed_update_is_there_whole_or_not_at_all);
	tcase_add_test(t, a_killed_renaming_is_there_whole_or_not_at_all);
	tcase_add_test(t, a_killed_compaction_loses_nothing);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(suite());
}
