/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_source.c - tests of lib/base/source.c. */
#include "base/source.h"

#include <fcntl.h>
#include <pthread.h>

#include "scratch.h"
#include "unit.h"

static struct scratch scratch;

static void setup(void)
{
	scratch_init(&scratch);
}

static void teardown(void)
{
	scratch_done(&scratch);
}

static struct heft_source *open_text(const char *text, bool may_map)
{
	char *path = scratch_path(&scratch, "file");
	struct heft_source *s;

	scratch_write(path, text, strlen(text));
	ck_assert_int_eq(heft_source_open(path, may_map, &s, NULL), HEFT_OK);
	return s;
}

START_TEST(bytes_are_read_at_any_offset)
{
	struct heft_source *s = open_text("0123456789", true);
	char b[10];

	ck_assert_uint_eq(heft_source_size(s), 10);
	ck_assert_int_ge(heft_source_fd(s), 0);
	ck_assert_int_eq(heft_source_read(s, 0, b, 10, NULL), HEFT_OK);
	ck_assert_mem_eq(b, "0123456789", 10);
	ck_assert_int_eq(heft_source_read(s, 7, b, 3, NULL), HEFT_OK);
	ck_assert_mem_eq(b, "789", 3);
	ck_assert_int_eq(heft_source_read(s, 10, b, 0, NULL), HEFT_OK);
	heft_source_will_need(s, 0, 10);
	heft_source_will_need(s, 5, UINT64_MAX);
	heft_source_close(s);
	heft_source_close(NULL);
}
END_TEST

START_TEST(a_file_that_ends_early_is_corrupt_where_it_ends)
{
	static const struct {
		uint64_t off;
		size_t n;
	} reads[] = {
		{ 0, 11 }, { 8, 3 }, { 10, 1 }, { 11, 1 }, { UINT64_MAX, 1 }, { INT64_MAX, 9 }
	};
	struct heft_source *s = open_text("0123456789", true);
	struct heft_error err;
	char b[20];

	for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
		ck_assert_int_eq(heft_source_read(s, reads[i].off, b, reads[i].n, &err),
		                 HEFT_E_CORRUPT);
		ck_assert_uint_eq(err.offset, 10);
		ck_assert_ptr_nonnull(strstr(err.msg, "the file ends at 10,"));
	}
	ck_assert_int_eq(truncate(scratch_path(&scratch, "file"), 4), 0);
	ck_assert_int_eq(heft_source_read(s, 6, b, 2, &err), HEFT_E_CORRUPT);
	ck_assert_uint_eq(err.offset, 4);
	heft_source_close(s);
}
END_TEST

START_TEST(the_map_is_made_once_and_holds_the_file)
{
	struct heft_source *s = open_text("mapped", true);
	const uint8_t *bytes;
	const uint8_t *again;

	ck_assert_int_eq(heft_source_map(s, &bytes, NULL), HEFT_OK);
	ck_assert_mem_eq(bytes, "mapped", 6);
	ck_assert_int_eq(heft_source_map(s, &again, NULL), HEFT_OK);
	ck_assert_ptr_eq(again, bytes);
	heft_source_close(s);
}
END_TEST

static void *map_it(void *arg)
{
	const uint8_t *bytes = NULL;

	heft_source_map(arg, &bytes, NULL);
	return (void *)(uintptr_t)bytes;
}

START_TEST(threads_that_map_at_once_get_the_same_map)
{
	struct heft_source *s = open_text("mapped", true);
	pthread_t threads[4];
	const void *first = NULL;

	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, map_it, s), 0);
	for (size_t i = 0; i < 4; i++) {
		void *bytes;

		pthread_join(threads[i], &bytes);
		ck_assert_ptr_nonnull(bytes);
		if (i == 0)
			first = bytes;
		ck_assert_ptr_eq(bytes, first);
	}
	heft_source_close(s);
}
END_TEST

START_TEST(an_empty_file_opens_and_maps)
{
	struct heft_source *s = open_text("", true);
	const uint8_t *bytes = NULL;
	char b;

	ck_assert_uint_eq(heft_source_size(s), 0);
	ck_assert_int_eq(heft_source_map(s, &bytes, NULL), HEFT_OK);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_int_eq(heft_source_read(s, 0, &b, 0, NULL), HEFT_OK);
	ck_assert_int_eq(heft_source_read(s, 0, &b, 1, NULL), HEFT_E_CORRUPT);
	heft_source_close(s);
}
END_TEST

START_TEST(mapped_bytes_that_were_dropped_come_back)
{
	const size_t n = 5 * 65536 + 7;
	char *text = malloc(n + 1);
	struct heft_source *s;
	const uint8_t *map;

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' + i % 23);
	text[n] = '\0';
	s = open_text(text, true);
	ck_assert_int_eq(heft_source_map(s, &map, NULL), HEFT_OK);
	for (size_t off = 0; off <= n; off += 12345) {
		ck_assert_mem_eq(map, text, n);
		heft_source_drop(s, off, n - off);
		heft_source_drop(s, off, (n - off) / 2);
	}
	heft_source_drop(s, n, 0);
	heft_source_drop(s, n, 1);
	heft_source_drop(s, UINT64_MAX, 2);
	ck_assert_mem_eq(map, text, n);
	heft_source_close(s);
	free(text);
}
END_TEST

START_TEST(a_map_that_is_not_wanted_is_refused)
{
	struct heft_source *s = open_text("x", false);
	const uint8_t *bytes;

	ck_assert_int_eq(heft_source_map(s, &bytes, NULL), HEFT_E_UNSUPPORTED);
	heft_source_close(s);
}
END_TEST

START_TEST(what_is_no_file_is_refused_in_words)
{
	char *pipe_path = scratch_path(&scratch, "pipe");
	struct heft_source *s;
	struct heft_error err;

	ck_assert_int_eq(heft_source_open(scratch.folder, true, &s, &err), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, "a folder, where a file is needed");
	ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
	ck_assert_int_eq(heft_source_open(pipe_path, true, &s, &err), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, "a pipe, where a file is needed");
	ck_assert_int_eq(heft_source_open("/dev/null", true, &s, &err), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, "a device, where a file is needed");
	ck_assert_int_eq(heft_source_open(scratch_path(&scratch, "none"), true, &s, &err),
	                 HEFT_E_NOT_FOUND);
	ck_assert_str_eq(err.msg, "cannot open: No such file or directory");
}
END_TEST

START_TEST(a_descriptor_is_taken_even_on_failure)
{
	int fds[2];
	struct heft_source *s;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(heft_source_open_fd(fds[0], true, &s, NULL), HEFT_E_USAGE);
	ck_assert_int_eq(fcntl(fds[0], F_GETFD), -1);
	close(fds[1]);
}
END_TEST

START_TEST(a_file_is_known_by_any_of_its_paths)
{
	struct heft_source *s = open_text("x", true);
	char *link_path = scratch_path(&scratch, "link");
	char *hard_path = scratch_path(&scratch, "hard");
	char *copy_path = scratch_path(&scratch, "copy");

	ck_assert_int_eq(symlink("file", link_path), 0);
	ck_assert_int_eq(link(scratch_path(&scratch, "file"), hard_path), 0);
	scratch_write(copy_path, "x", 1);
	ck_assert(heft_source_is(s, link_path));
	ck_assert(heft_source_is(s, hard_path));
	ck_assert(!heft_source_is(s, copy_path));
	ck_assert(!heft_source_is(s, scratch_path(&scratch, "none")));
	heft_source_close(s);
}
END_TEST

static Suite *source_suite(void)
{
	Suite *s = suite_create("base_source");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, bytes_are_read_at_any_offset);
	tcase_add_test(t, a_file_that_ends_early_is_corrupt_where_it_ends);
	tcase_add_test(t, the_map_is_made_once_and_holds_the_file);
	tcase_add_test(t, threads_that_map_at_once_get_the_same_map);
	tcase_add_test(t, an_empty_file_opens_and_maps);
	tcase_add_test(t, mapped_bytes_that_were_dropped_come_back);
	tcase_add_test(t, a_map_that_is_not_wanted_is_refused);
	tcase_add_test(t, what_is_no_file_is_refused_in_words);
	tcase_add_test(t, a_descriptor_is_taken_even_on_failure);
	tcase_add_test(t, a_file_is_known_by_any_of_its_paths);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(source_suite());
}
