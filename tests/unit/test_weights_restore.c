/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_restore.c - recipes that give a source file back: right ones, and those that a
 * stranger wrote. */
#include "heft/convert.h"

#include <fcntl.h>

#include "made.h"
#include "model.h"
#include "scratch.h"
#include "unit.h"

#define BIG_SIZE ((3u << 20) + 77)
#define N_PIECES 8u

static struct scratch s;
static struct heft_error err;
static struct heft_convert_report report;
static struct made m;
static char *source;
static char *target;
static char *plain; /* the source file, written by the ordinary writer */
static uint8_t *head;
static size_t head_size;

/* Two tensors of the same shape, of several chunks. */
static void set_up(void)
{
	char *bytes;
	size_t size;

	scratch_init(&s);
	source = scratch_path(&s, "a.heft");
	target = scratch_path(&s, "b.safetensors");
	plain = scratch_path(&s, "plain.safetensors");
	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_U8, 1, BIG_SIZE, 0);
	made_add(&m, "b", HEFT_DTYPE_U8, 1, BIG_SIZE, 0);
	made_write(&m, "safetensors", plain);
	bytes = scratch_read(plain, &size);
	head = (uint8_t *)bytes;
	head_size = size - 2 * (size_t)BIG_SIZE;
}

static void tear_down(void)
{
	made_done(&m);
	free(head);
	scratch_done(&s);
}

static struct heft_origin_piece part(uint32_t tensor, uint64_t first, uint64_t size)
{
	return (struct heft_origin_piece){ .tensor = tensor, .first = first, .size = size };
}

static struct heft_origin_piece literal(uint64_t at, uint64_t size)
{
	return (struct heft_origin_piece){ .literal = head + at, .size = size };
}

/* Writes the heft file with a recipe of these pieces for a file of `format`. */
static void make(const char *format, const struct heft_origin_piece *pieces, uint32_t n,
                 uint32_t n_files)
{
	struct heft_origin_file *file;
	struct heft_origin origin;
	uint64_t size = 0;

	for (uint32_t k = 0; k < n; k++)
		size += pieces[k].size;
	heft_origin_init(&origin);
	memcpy(origin.format, format, strlen(format) + 1);
	for (uint32_t i = 0; i < n_files; i++) {
		ck_assert_int_eq(heft_origin_add_file(&origin, "x", size, n, &file, NULL), HEFT_OK);
		memcpy(file->pieces, pieces, n * sizeof *pieces);
	}
	m.plan.origin = &origin;
	made_write(&m, "heft", source);
	m.plan.origin = NULL;
	heft_origin_done(&origin);
}

static enum heft_status convert_to(const char *path, const char *format)
{
	const struct heft_convert_plan plan = { .format = format,
		                                .write = { .overwrite = true },
		                                .run = { .n_threads = 3 } };
	struct heft_file *file = model_open(source);
	enum heft_status st = heft_convert(file, path, &plan, &report, &err);

	heft_close(file);
	return st;
}

/* Converts to standard output, which is a file meanwhile. */
static enum heft_status convert_to_stream(void)
{
	const int out = dup(STDOUT_FILENO);
	const int fd = open(target, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	enum heft_status st;

	ck_assert(out >= 0 && fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0);
	st = convert_to("-", "safetensors");
	ck_assert(dup2(out, STDOUT_FILENO) >= 0);
	close(out);
	close(fd);
	return st;
}

static void check_result(bool is_restored, const char *note)
{
	size_t size;
	char *bytes = scratch_read(plain, &size);

	ck_assert(report.is_restored == is_restored);
	ck_assert_msg(strstr(report.note, note) != NULL, "note: '%s'", report.note);
	scratch_check(target, bytes, size);
	free(bytes);
}

/* spec R7.2-3 */
START_TEST(pieces_may_be_cut_anywhere)
{
	const struct heft_origin_piece pieces[N_PIECES] = {
		literal(0, 3),
		literal(3, head_size - 3),
		part(0, 0, 5),
		part(0, 5, 2 << 20),
		literal(0, 0),
		part(0, 5 + (2 << 20), BIG_SIZE - 5 - (2 << 20)),
		part(1, 0, BIG_SIZE - 1),
		part(1, BIG_SIZE - 1, 1),
	};

	make("safetensors", pieces, N_PIECES, 1);
	ck_assert_msg(convert_to(target, "safetensors") == HEFT_OK, "%s", err.msg);
	check_result(true, "");
	ck_assert_uint_eq(report.file_size, head_size + 2 * (size_t)BIG_SIZE);
	ck_assert_msg(convert_to_stream() == HEFT_OK, "%s", err.msg);
	check_result(true, "");
}
END_TEST

/* What only the look at the new file finds. spec R7.2-3 */
START_TEST(other_bytes_than_the_tensors_are_refused)
{
	const struct heft_origin_piece pieces[][4] = {
		{ literal(0, head_size), part(1, 0, BIG_SIZE), part(0, 0, BIG_SIZE) },
		{ literal(0, head_size), part(0, 0, BIG_SIZE), part(0, 0, BIG_SIZE) },
		{ literal(0, head_size), literal(head_size, 2 * BIG_SIZE), literal(0, 0) },
		{ literal(0, head_size), part(0, 0, BIG_SIZE), part(1, 1, BIG_SIZE - 1),
		  literal(0, 1) },
		{ literal(0, head_size - 1), part(0, 0, BIG_SIZE), part(1, 0, BIG_SIZE),
		  literal(0, 1) },
		{ part(0, 0, 1), literal(0, 0), literal(0, 0) },
	};

	make("safetensors", pieces[_i], pieces[_i][3].literal ? 4 : 3, 1);
	ck_assert_int_eq(convert_to(target, "safetensors"), HEFT_E_CORRUPT);
	ck_assert_uint_eq(scratch_n_files(&s), 2); /* nothing was left */
	/* What goes into a pipe is looked at before. */
	ck_assert_msg(convert_to_stream() == HEFT_OK, "%s", err.msg);
	check_result(false, "not restored byte for byte: ");
}
END_TEST

/* spec R7.2-1, R7.2-2 */
START_TEST(a_damaged_recipe_is_not_used)
{
	const struct heft_origin_piece pieces[][5] = {
		{ literal(0, head_size), part(0, 1, BIG_SIZE), part(1, 0, BIG_SIZE) },
		{ literal(0, head_size), part(0, UINT64_MAX - BIG_SIZE, BIG_SIZE),
		  part(1, 0, BIG_SIZE) },
		{ literal(0, head_size), part(0, 0, BIG_SIZE), part(1, 0, BIG_SIZE),
		  part(0, 0, 1) },
		{ literal(0, head_size), part(0, 0, BIG_SIZE), part(0, 0, BIG_SIZE),
		  part(1, 0, BIG_SIZE), part(0, 0, BIG_SIZE) },
	};
	static const uint32_t n[] = { 3, 3, 4, 5 };

	make("safetensors", pieces[_i], n[_i], 1);
	ck_assert_msg(convert_to(target, "safetensors") == HEFT_OK, "%s", err.msg);
	check_result(false, "not restored byte for byte: the recipe is damaged");
}
END_TEST

START_TEST(a_recipe_for_several_files_is_not_used)
{
	const struct heft_origin_piece piece = part(0, 0, 1);

	make("safetensors", &piece, 1, 2);
	ck_assert_msg(convert_to(target, "safetensors") == HEFT_OK, "%s", err.msg);
	check_result(false, "several files");
}
END_TEST

/* spec R7.2-4: no recipe for a format of which no reader makes one, be it heft itself. */
START_TEST(a_recipe_for_another_format_is_not_used)
{
	static const char *const formats[] = { "pickle", "heft", "" };
	const struct heft_origin_piece pieces[] = {
		literal(0, head_size),
		part(0, 0, BIG_SIZE),
		part(1, 0, BIG_SIZE),
	};
	char *copy = scratch_path(&s, "copy.heft");
	char *bytes;
	size_t size;

	make(formats[_i], pieces, 3, 1);
	ck_assert_msg(convert_to(target, "safetensors") == HEFT_OK, "%s", err.msg);
	check_result(false, "");
	ck_assert_str_eq(report.note, "");
	ck_assert_int_eq(convert_to(copy, "heft"), HEFT_OK);
	ck_assert(!report.is_restored);
	bytes = scratch_read(source, &size);
	scratch_check(copy, bytes, size);
	free(bytes);
}
END_TEST

/* 0.2 MB of pieces must not ask for memory by what they add up to. */
START_TEST(a_recipe_that_repeats_a_tensor_is_not_used)
{
	const uint32_t n = 10000;
	struct heft_origin_piece *pieces = calloc(n, sizeof *pieces);

	for (uint32_t k = 0; k < n; k++)
		pieces[k] = part(0, 0, BIG_SIZE);
	make("safetensors", pieces, n, 1);
	ck_assert_msg(convert_to(target, "safetensors") == HEFT_OK, "%s", err.msg);
	check_result(false, "the recipe is damaged");
	free(pieces);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights restore");
	TCase *tc = tcase_create("restore");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, pieces_may_be_cut_anywhere);
	tcase_add_loop_test(tc, other_bytes_than_the_tensors_are_refused, 0, 6);
	tcase_add_loop_test(tc, a_damaged_recipe_is_not_used, 0, 4);
	tcase_add_test(tc, a_recipe_for_several_files_is_not_used);
	tcase_add_loop_test(tc, a_recipe_for_another_format_is_not_used, 0, 3);
	tcase_add_test(tc, a_recipe_that_repeats_a_tensor_is_not_used);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
