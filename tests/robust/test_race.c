/* SPDX-License-Identifier: Apache-2.0 */
/* test_race.c - processes that change one file at the same time, and others that read it. */
#include "robust.h"

static struct scratch scratch;
static char *path;

static void setup(void)
{
	scratch_init(&scratch);
	path = scratch_path(&scratch, "a.heft");
	ck_assert_int_eq(make_counted(path, 0, true), HEFT_OK);
}

static void teardown(void)
{
	scratch_done(&scratch);
}

/* A child's exit status: 0 done, 1 busy, 2 anything else. */
static int code_of(enum heft_status st)
{
	return st == HEFT_OK ? 0 : st == HEFT_E_BUSY ? 1 : 2;
}

static pid_t start_update(const char *key, uint64_t n, uint32_t lock_ms)
{
	const pid_t pid = start();

	if (pid == 0)
		_exit(code_of(set_member(path, key, n, lock_ms, true)));
	return pid;
}

START_TEST(two_updates_are_both_kept_or_one_is_told_to_wait)
{
	const unsigned n_rounds = rounds(30, 500);
	uint64_t a = 0;
	uint64_t b = 0;

	for (unsigned i = 1; i <= n_rounds; i++) {
		const uint32_t lock_ms = i % 2 ? 1 : 5000;
		const pid_t first = start_update("a", i, lock_ms);
		const pid_t second = start_update("b", i, lock_ms);
		const int first_code = wait_for(first);
		const int second_code = wait_for(second);

		ck_assert_int_le(first_code, lock_ms == 1);
		ck_assert_int_le(second_code, lock_ms == 1);
		ck_assert_int_lt(first_code + second_code, 2);
		a = first_code == 0 ? i : a;
		b = second_code == 0 ? i : b;
		ck_assert_uint_eq(member(path, "a"), a);
		ck_assert_uint_eq(member(path, "b"), b);
		made_verify(path, false);
	}
}
END_TEST

/* [R8.2-2] */
START_TEST(mapped_readers_see_whole_files_beside_an_update)
{
	const unsigned n_updates = rounds(200, 5000);
	const uint8_t *map;
	struct made held;
	uint64_t last = 0;
	pid_t pid;

	made_open(&held, path);
	ck_assert_int_eq(heft_source_map(held.src, &map, NULL), HEFT_OK);
	pid = start();
	if (pid == 0) {
		for (unsigned i = 1; i <= n_updates; i++) {
			if (set_member(path, "n", i, 1000, true) != HEFT_OK)
				_exit(1);
		}
		_exit(0);
	}
	while (last < n_updates && waitpid(pid, NULL, WNOHANG | WNOWAIT) == 0) {
		struct made f;
		uint64_t found;

		made_open(&f, path);
		made_check(&f, small_tensors, SMALL_N);
		found = member_of(&f, "n");
		/* a page that is read while it is written is a bad page, and the other one
		 * counts */
		ck_assert_uint_ge(found + 1, last);
		last = found > last ? found : last;
		made_close(&f);
		made_check(&held, small_tensors, SMALL_N);
		ck_assert_uint_eq(member_of(&held, "n"), 0);
	}
	ck_assert_int_eq(wait_for(pid), 0);
	ck_assert_uint_eq(member_of(&held, "n"), 0);
	made_close(&held);
	ck_assert_uint_eq(member(path, "n"), n_updates);
	made_verify(path, false);
}
END_TEST

static pid_t start_compact(void)
{
	const struct heft_edit_options options = { .lock_ms = 5000, .no_sync = true };
	const pid_t pid = start();

	if (pid == 0)
		_exit(code_of(heft_compact(path, &options, NULL, NULL)));
	return pid;
}

/* [R8.2-5]: whoever waited for the old file's lock finds that another one has its name. */
START_TEST(an_update_that_waited_for_a_compaction_changes_the_new_file)
{
	const unsigned n_rounds = rounds(30, 500);

	for (unsigned i = 1; i <= n_rounds; i++) {
		struct heft_edit *edit;
		pid_t compaction;
		pid_t update;
		pid_t other;

		ck_assert_int_eq(heft_edit_open(path, NULL, &edit, NULL), HEFT_OK);
		compaction = start_compact();
		update = start_update("a", i, 5000);
		other = start_update("b", i, 5000);
		pause_us(random_below(5000));
		heft_edit_discard(edit);
		ck_assert_int_eq(wait_for(compaction), 0);
		ck_assert_int_eq(wait_for(update), 0);
		ck_assert_int_eq(wait_for(other), 0);
		ck_assert_uint_eq(member(path, "a"), i);
		ck_assert_uint_eq(member(path, "b"), i);
		made_verify(path, false);
		ck_assert_uint_eq(scratch_n_files(&scratch), 1);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("race");
	TCase *t = tcase_create("race");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 0);
	tcase_add_test(t, two_updates_are_both_kept_or_one_is_told_to_wait);
	tcase_add_test(t, mapped_readers_see_whole_files_beside_an_update);
	tcase_add_test(t, an_update_that_waited_for_a_compaction_changes_the_new_file);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(suite());
}
