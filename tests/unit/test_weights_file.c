/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_file.c - open files, read and mapped: what verification finds, descriptions that
 * belong to another file, and files that are cut short meanwhile. */
#include "heft/convert.h"

#include "model.h"
#include "scratch.h"
#include "unit.h"

static const char *const formats[] = { "heft", "safetensors" };

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

static struct heft_file *open_with(const char *path, uint32_t flags)
{
	const struct heft_open_options options = { .flags = flags };
	struct heft_file *file;

	ck_assert_msg(heft_open(path, &options, &file, &err) == HEFT_OK, "%s", err.msg);
	return file;
}

static void flip(const char *path, size_t at)
{
	size_t size;
	char *bytes = scratch_read(path, &size);

	bytes[at] ^= 1;
	scratch_write(path, bytes, size);
	free(bytes);
}

START_TEST(a_map_is_what_a_read_gives)
{
	static const uint32_t flags[] = { 0, HEFT_OPEN_VERIFY, HEFT_OPEN_TRUST_INDEX };
	uint8_t *bytes = malloc(MODEL_BIG_N * 4);
	struct heft_file *file;
	struct heft_tensor t;
	const void *map;

	model_write(scratch_path(&s, "a"), formats[_i / 3], NULL, true, NULL);
	file = open_with(scratch_path(&s, "a"), flags[_i % 3]);
	for (uint32_t i = 0; i < heft_n_tensors(file); i++) {
		ck_assert_int_eq(heft_tensor_at(file, i, &t, &err), HEFT_OK);
		ck_assert_int_eq(heft_map(file, &t, &map, &err), HEFT_OK);
		ck_assert_uint_eq((uintptr_t)map % t.alignment, 0);
		ck_assert_int_eq(heft_read(file, &t, 0, bytes, t.n_bytes, &err), HEFT_OK);
		ck_assert_int_eq(memcmp(map, bytes, t.n_bytes), 0);
	}
	heft_close(file);
	free(bytes);
}
END_TEST

START_TEST(coded_bytes_and_files_that_may_be_cut_are_not_mapped)
{
	const struct heft_write_options packed = { .compress = HEFT_COMPRESS_FAST };
	struct heft_file *file;
	struct heft_tensor t;
	const void *map;

	model_write(scratch_path(&s, "a"), "heft", &packed, true, NULL);
	file = open_with(scratch_path(&s, "a"), 0);
	ck_assert_int_eq(heft_find(file, "big", &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_map(file, &t, &map, &err), HEFT_E_UNSUPPORTED);
	heft_close(file);
	model_write(scratch_path(&s, "b"), formats[_i], NULL, true, NULL);
	file = open_with(scratch_path(&s, "b"), HEFT_OPEN_PREAD);
	ck_assert_int_eq(heft_find(file, "big", &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_map(file, &t, &map, &err), HEFT_E_UNSUPPORTED);
	heft_close(file);
}
END_TEST

START_TEST(verification_covers_reads_and_maps)
{
	struct heft_file *file;
	struct heft_tensor t;
	const void *map;
	uint8_t byte;

	model_write(scratch_path(&s, "a"), "heft", NULL, false, NULL);
	flip(scratch_path(&s, "a"), 8192 + (2 << 20)); /* in the second chunk of "big" */
	file = open_with(scratch_path(&s, "a"), 0);
	ck_assert_int_eq(heft_find(file, "big", &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_map(file, &t, &map, &err), HEFT_OK);
	ck_assert_int_eq(heft_read(file, &t, 3 << 19, &byte, 1, &err), HEFT_OK);
	heft_close(file);
	file = open_with(scratch_path(&s, "a"), HEFT_OPEN_VERIFY);
	ck_assert_int_eq(heft_map(file, &t, &map, &err), HEFT_E_CORRUPT);
	ck_assert_uint_ne(err.offset, HEFT_NO_OFFSET);
	ck_assert_int_eq(heft_read(file, &t, 3 << 19, &byte, 1, &err), HEFT_E_CORRUPT);
	ck_assert_int_eq(heft_read(file, &t, 0, &byte, 1, &err), HEFT_OK);
	heft_close(file);
}
END_TEST

/* A description must not let a read leave its tensor. */
START_TEST(a_description_of_another_file_is_refused)
{
	struct heft_file *file;
	struct heft_tensor t;
	const void *map;
	uint8_t *bytes = calloc(1, 2 << 20);

	model_write(scratch_path(&s, "a"), formats[_i % 2], NULL, false, NULL);
	file = open_with(scratch_path(&s, "a"), _i < 2 ? 0 : HEFT_OPEN_VERIFY);
	ck_assert_int_eq(heft_find(file, "layer.weight", &t, &err), HEFT_OK);
	t.n_bytes += 4;
	ck_assert_int_eq(heft_read(file, &t, 0, bytes, 28, &err), HEFT_E_USAGE);
	t.n_bytes = UINT64_C(1) << 40;
	ck_assert_int_eq(heft_read(file, &t, 100, bytes, 2 << 20, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_map(file, &t, &map, &err), HEFT_E_USAGE);
	t.index = UINT32_MAX;
	ck_assert_int_eq(heft_read(file, &t, 0, bytes, 1, &err), HEFT_E_USAGE);
	t.n_bytes = UINT64_MAX;
	ck_assert_int_eq(heft_read(file, &t, 0, bytes, 1, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_tensor_at(file, MODEL_N, &t, &err), HEFT_E_USAGE);
	heft_close(file);
	free(bytes);
}
END_TEST

START_TEST(a_file_that_is_cut_short_meanwhile_is_corrupt)
{
	const struct heft_convert_plan plan = { .format = "heft" };
	struct heft_verify_report report;
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_file *file;
	size_t size;

	model_write(scratch_path(&s, "a"), formats[_i], NULL, false, NULL);
	free(scratch_read(scratch_path(&s, "a"), &size));
	file = open_with(scratch_path(&s, "a"), 0);
	ck_assert_int_eq(truncate(scratch_path(&s, "a"), 1 << 20), 0);
	ck_assert_int_eq(heft_weights_digest(file, NULL, digest, &err), HEFT_E_CORRUPT);
	ck_assert_uint_eq(err.offset, 1 << 20);
	ck_assert_int_eq(heft_convert(file, scratch_path(&s, "b"), &plan, NULL, &err),
	                 HEFT_E_CORRUPT);
	ck_assert_int_eq(heft_verify(file, NULL, NULL, NULL, &report, &err), HEFT_OK);
	ck_assert(!report.ok);
	ck_assert_uint_ge(report.n_faults, 1);
	heft_close(file);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

START_TEST(a_format_that_is_named_must_be_one)
{
	struct heft_open_options options = { .format = "zip" };
	struct heft_file *file = NULL;

	model_write(scratch_path(&s, "a"), "heft", NULL, false, NULL);
	ck_assert_int_eq(heft_open(scratch_path(&s, "a"), &options, &file, &err), HEFT_E_USAGE);
	options.format = "safetensors";
	ck_assert_int_ne(heft_open(scratch_path(&s, "a"), &options, &file, &err), HEFT_OK);
	ck_assert_ptr_null(file);
	options.format = "heft";
	ck_assert_int_eq(heft_open(scratch_path(&s, "a"), &options, &file, &err), HEFT_OK);
	heft_close(file);
	heft_close(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights file");
	TCase *tc = tcase_create("file");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, a_map_is_what_a_read_gives, 0, 6);
	tcase_add_loop_test(tc, coded_bytes_and_files_that_may_be_cut_are_not_mapped, 0, 2);
	tcase_add_test(tc, verification_covers_reads_and_maps);
	tcase_add_loop_test(tc, a_description_of_another_file_is_refused, 0, 4);
	tcase_add_loop_test(tc, a_file_that_is_cut_short_meanwhile_is_corrupt, 0, 2);
	tcase_add_test(tc, a_format_that_is_named_must_be_one);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
