/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_scratch.c - bytes in an unnamed temporary file. */
#include "base/scratch.h"

#include <pthread.h>

#include "scratch.h"
#include "unit.h"

START_TEST(regions_keep_their_bytes_and_leave_no_file)
{
	struct heft_scratch *f;
	struct scratch s;
	uint64_t off[2];
	char bytes[8];

	scratch_init(&s);
	ck_assert_int_eq(heft_scratch_new(s.folder, &f, NULL), HEFT_OK);
	ck_assert_int_eq(heft_scratch_add(f, 5, &off[0], NULL), HEFT_OK);
	ck_assert_int_eq(heft_scratch_add(f, 7, &off[1], NULL), HEFT_OK);
	ck_assert_int_eq(heft_scratch_write(f, off[0], "hello", 5, NULL), HEFT_OK);
	ck_assert_int_eq(heft_scratch_write(f, off[1], "goodbye", 7, NULL), HEFT_OK);
	ck_assert_int_eq(heft_scratch_read(f, off[0], bytes, 5, NULL), HEFT_OK);
	ck_assert_mem_eq(bytes, "hello", 5);
	ck_assert_int_eq(heft_scratch_read(f, off[1] + 4, bytes, 3, NULL), HEFT_OK);
	ck_assert_mem_eq(bytes, "bye", 3);
	ck_assert_uint_eq(scratch_n_files(&s), 0);
	heft_scratch_free(f);
	scratch_done(&s);
}
END_TEST

START_TEST(a_region_is_mapped)
{
	const uint64_t n = 3000000;
	struct heft_scratch *f;
	struct scratch s;
	uint8_t *map;
	uint8_t byte;
	uint64_t off;

	scratch_init(&s);
	ck_assert_int_eq(heft_scratch_new(s.folder, &f, NULL), HEFT_OK);
	ck_assert_int_eq(heft_scratch_add(f, 1, &off, NULL), HEFT_OK);
	ck_assert_int_eq(heft_scratch_add(f, n, &off, NULL), HEFT_OK);
	ck_assert_int_eq(heft_scratch_map(f, off, n, &map, NULL), HEFT_OK);
	memset(map, 0x5a, n);
	ck_assert_int_eq(heft_scratch_read(f, off + n - 1, &byte, 1, NULL), HEFT_OK);
	ck_assert_uint_eq(byte, 0x5a);
	ck_assert_int_eq(heft_scratch_write(f, off + 17, "x", 1, NULL), HEFT_OK);
	ck_assert_uint_eq(map[17], 'x');
	heft_scratch_unmap(map, n);
	heft_scratch_drop(f, off, n);
	heft_scratch_free(f);
	scratch_done(&s);
}
END_TEST

START_TEST(a_region_of_nothing_is_one)
{
	struct heft_scratch *f;
	uint64_t off;
	uint8_t *map;

	ck_assert_int_eq(heft_scratch_new(NULL, &f, NULL), HEFT_OK);
	ck_assert_int_eq(heft_scratch_add(f, 0, &off, NULL), HEFT_OK);
	ck_assert_int_eq(heft_scratch_map(f, off, 0, &map, NULL), HEFT_OK);
	heft_scratch_unmap(map, 0);
	heft_scratch_drop(f, off, 0);
	heft_scratch_free(f);
	heft_scratch_free(NULL);
}
END_TEST

START_TEST(a_folder_that_takes_no_file_is_said_and_can_be_asked_again)
{
	struct heft_scratch *f;
	struct heft_error err;
	uint64_t off;

	ck_assert_int_eq(heft_scratch_new("/nowhere/at/all", &f, NULL), HEFT_OK);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(heft_scratch_add(f, 1, &off, &err), HEFT_E_IO);
		ck_assert_ptr_nonnull(strstr(err.msg, "'/nowhere/at/all'"));
	}
	heft_scratch_free(f);
}
END_TEST

START_TEST(a_region_that_no_file_can_have_is_refused)
{
	struct heft_scratch *f;
	struct heft_error err;
	uint64_t off;

	ck_assert_int_eq(heft_scratch_new(NULL, &f, NULL), HEFT_OK);
	ck_assert_int_eq(heft_scratch_add(f, UINT64_MAX, &off, &err), HEFT_E_LIMIT);
	ck_assert_int_eq(heft_scratch_add(f, INT64_MAX, &off, &err), HEFT_E_IO);
	/* It goes on. */
	ck_assert_int_eq(heft_scratch_add(f, 1, &off, &err), HEFT_OK);
	ck_assert_uint_eq(off, 0);
	heft_scratch_free(f);
}
END_TEST

static void *add_regions(void *arg)
{
	struct heft_scratch *f = arg;
	uint64_t off;
	uint64_t found;

	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(heft_scratch_add(f, sizeof off, &off, NULL), HEFT_OK);
		ck_assert_int_eq(heft_scratch_write(f, off, &off, sizeof off, NULL), HEFT_OK);
		ck_assert_int_eq(heft_scratch_read(f, off, &found, sizeof found, NULL), HEFT_OK);
		ck_assert_uint_eq(found, off);
	}
	return NULL;
}

START_TEST(threads_get_regions_of_their_own)
{
	struct heft_scratch *f;
	pthread_t threads[4];

	ck_assert_int_eq(heft_scratch_new(NULL, &f, NULL), HEFT_OK);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, add_regions, f), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	heft_scratch_free(f);
}
END_TEST

static Suite *scratch_suite(void)
{
	Suite *s = suite_create("base_scratch");
	TCase *tc = tcase_create("scratch");

	tcase_add_test(tc, regions_keep_their_bytes_and_leave_no_file);
	tcase_add_test(tc, a_region_is_mapped);
	tcase_add_test(tc, a_region_of_nothing_is_one);
	tcase_add_test(tc, a_folder_that_takes_no_file_is_said_and_can_be_asked_again);
	tcase_add_test(tc, a_region_that_no_file_can_have_is_refused);
	tcase_add_test(tc, threads_get_regions_of_their_own);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(scratch_suite());
}
