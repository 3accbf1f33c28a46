/* SPDX-License-Identifier: Apache-2.0 */
/* test_cut.c - what a crash may leave: files that are cut at every length, pages that were written
 * in part, disks that were full. */
#include <sys/resource.h>

#include "robust.h"

static struct scratch scratch;
static char *path;
static char *other;
static const struct heft_edit_options quick = { .lock_ms = 1, .no_sync = true };

/* Three generations; the file after each. */
static char *after[3];
static size_t size_after[3];

static void setup(void)
{
	scratch_init(&scratch);
	path = scratch_path(&scratch, "a.heft");
	other = scratch_path(&scratch, "b.heft");
	ck_assert_int_eq(make_counted(path, 1, true), HEFT_OK);
	after[0] = scratch_read(path, &size_after[0]);
	for (unsigned i = 1; i < 3; i++) {
		ck_assert_int_eq(set_member(path, "n", i + 1, 1, true), HEFT_OK);
		after[i] = scratch_read(path, &size_after[i]);
	}
}

static void teardown(void)
{
	for (unsigned i = 0; i < 3; i++)
		free(after[i]);
	scratch_done(&scratch);
}

static enum heft_status try_open(void)
{
	const struct heft_index_options options = { .trust = false };
	struct heft_source *src;
	struct heft_index *ix;
	enum heft_status st;

	ck_assert_int_eq(heft_source_open(path, true, &src, NULL), HEFT_OK);
	st = heft_index_open(src, &options, &ix, NULL);
	if (st == HEFT_OK)
		heft_index_close(ix);
	heft_source_close(src);
	return st;
}

/* [R2.2-3] [R3-1]: the page of the last update reached the disk, and its bytes only in part. */
START_TEST(a_file_cut_short_is_refused_and_recovered)
{
	struct heft_rewrite_report report;

	for (size_t n = size_after[1]; n < size_after[2]; n++) {
		scratch_write(path, after[2], n);
		ck_assert_int_eq(try_open(), HEFT_E_CORRUPT);
		ck_assert_int_eq(heft_recover(path, NULL, &quick, &report, NULL), HEFT_OK);
		ck_assert_uint_eq(report.generation, 2);
		ck_assert_uint_eq(report.newest, 3);
		ck_assert_uint_eq(member(path, "n"), 2);
		check_tensors(path);
	}
	made_verify(path, true);
}
END_TEST

/* [R2.2-5] [R5-2]: the bytes of the last update reached the disk in part, and its page not at
 * all. */
START_TEST(a_tail_of_any_size_is_passed_over_and_updated)
{
	for (size_t n = size_after[1]; n <= size_after[2]; n++) {
		char *bytes = malloc(n);

		ck_assert_ptr_nonnull(bytes);
		memcpy(bytes, after[2], n);
		memcpy(bytes, after[1], HEFT_DATA_START);
		scratch_write(path, bytes, n);
		free(bytes);
		ck_assert_uint_eq(member(path, "n"), 2);
		ck_assert_int_eq(set_member(path, "n", 7, 1, true), HEFT_OK);
		ck_assert_uint_eq(member(path, "n"), 7);
		made_verify(path, false);
	}
}
END_TEST

/* A file whose committed bytes are cut below the generation before is beyond help. */
START_TEST(a_file_cut_shorter_has_no_whole_generation)
{
	struct heft_error err;

	for (size_t n = HEFT_DATA_START; n < size_after[1]; n += 1 + n % 13) {
		scratch_write(path, after[2], n);
		ck_assert_int_eq(try_open(), HEFT_E_CORRUPT);
		ck_assert_int_eq(heft_recover(path, other, &quick, NULL, &err), HEFT_E_CORRUPT);
		ck_assert_ptr_nonnull(strstr(err.msg, "no generation is whole"));
		scratch_check(path, after[2], n);
		ck_assert_uint_eq(scratch_n_files(&scratch), 1);
	}
}
END_TEST

/* Opens as the generation before or as the new one, and takes an update. */
static void check_torn(const char *bytes)
{
	uint64_t found;

	scratch_write(path, bytes, size_after[2]);
	found = member(path, "n");
	ck_assert(found == 2 || found == 3);
	check_tensors(path);
	ck_assert_int_eq(set_member(path, "n", 7, 1, true), HEFT_OK);
	ck_assert_uint_eq(member(path, "n"), 7);
	made_verify(path, false);
}

/* [R2.1-3] [R2.2-2]: page 0 held generation 1 and takes generation 3. */
START_TEST(a_page_written_up_to_any_byte_gives_one_of_both)
{
	char *bytes = malloc(size_after[2]);

	ck_assert_ptr_nonnull(bytes);
	memcpy(bytes, after[2], size_after[2]);
	for (size_t n = 0; n <= HEFT_PAGE_END + 1; n++) {
		memcpy(bytes, after[1], HEFT_PAGE_SIZE);
		memcpy(bytes, after[2], n);
		check_torn(bytes);
		memcpy(bytes, after[2], HEFT_PAGE_SIZE);
		memcpy(bytes, after[1], n);
		check_torn(bytes);
		memset(bytes, 0, HEFT_PAGE_SIZE); /* a page that had not been used */
		memcpy(bytes, after[2], n);
		check_torn(bytes);
	}
	free(bytes);
}
END_TEST

/* Garbage in the page that was to be written. */
START_TEST(a_page_of_garbage_gives_the_other_one)
{
	char *bytes = malloc(size_after[2]);

	ck_assert_ptr_nonnull(bytes);
	memcpy(bytes, after[2], size_after[2]);
	for (unsigned i = 0; i < rounds(50, 2000); i++) {
		for (size_t k = 0; k < HEFT_PAGE_SIZE; k++)
			bytes[k] = (char)random_below(256);
		if (i % 2)
			memcpy(bytes, after[2], HEFT_MAGIC_SIZE + 3);
		scratch_write(path, bytes, size_after[2]);
		ck_assert_uint_eq(member(path, "n"), 2);
		ck_assert_int_eq(heft_recover(path, NULL, &quick, NULL, NULL), HEFT_OK);
		ck_assert_uint_eq(member(path, "n"), 2);
		made_verify(path, true);
	}
	free(bytes);
}
END_TEST

static void limit_files(rlim_t size)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static enum heft_status update_it(void)
{
	return set_member(path, "n", 7, 1, true);
}

static enum heft_status compact_it(void)
{
	return heft_compact(path, &quick, NULL, NULL);
}

static enum heft_status write_it(void)
{
	return make_counted(path, 7, true);
}

/* [R8.1-1] [R8.2-1]: with room for every number of bytes, the work is done or nothing is
 * changed. */
START_TEST(a_full_disk_changes_nothing)
{
	static enum heft_status (*const works[])(void) = { update_it, compact_it, write_it };
	size_t room = _i == 0 ? size_after[2] : 0;
	enum heft_status st;

	signal(SIGXFSZ, SIG_IGN);
	do {
		scratch_write(path, after[2], size_after[2]);
		limit_files(room);
		st = works[_i]();
		limit_files(RLIM_INFINITY);
		if (st != HEFT_OK) {
			ck_assert_int_eq(st, HEFT_E_IO);
			scratch_check(path, after[2], size_after[2]);
		}
		ck_assert_uint_eq(scratch_n_files(&scratch), 1);
		room += _i == 0 ? 1 : 101;
	} while (st != HEFT_OK);
	made_verify(path, _i > 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cut");
	TCase *t = tcase_create("cut");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 0);
	tcase_add_test(t, a_file_cut_short_is_refused_and_recovered);
	tcase_add_test(t, a_tail_of_any_size_is_passed_over_and_updated);
	tcase_add_test(t, a_file_cut_shorter_has_no_whole_generation);
	tcase_add_test(t, a_page_written_up_to_any_byte_gives_one_of_both);
	tcase_add_test(t, a_page_of_garbage_gives_the_other_one);
	tcase_add_loop_test(t, a_full_disk_changes_nothing, 0, 3);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(suite());
}
