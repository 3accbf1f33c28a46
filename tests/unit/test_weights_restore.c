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
		ck_assert_int_eq(heft_origin_add_file(&origin, i > 0 ? "y" : "x", size, n, &file,
		                                      NULL),
		                 HEFT_OK);
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

/* --- sets --- */

#define SHARD "{\"%s\":{\"dtype\":\"U8\",\"shape\":[3145805],\"data_offsets\":[0,3145805]}} "
#define MAP "{\"weight_map\":{\"a\":\"%s\",\"b\":\"%s\"}}"

/* A file of a set that a stranger made up: a literal, and a piece of a tensor. */
struct made_file {
	const char *name;
	const char *text;
	uint32_t tensor; /* UINT32_MAX: none */
};

/* Writes the heft file with the recipe of a set. */
static void make_set(const struct made_file *files, uint32_t n)
{
	struct heft_origin_file *file;
	struct heft_origin origin;

	heft_origin_init(&origin);
	memcpy(origin.format, "safetensors-shards", sizeof "safetensors-shards");
	for (uint32_t i = 0; i < n; i++) {
		const bool has_tensor = files[i].tensor != UINT32_MAX;
		const size_t size = strlen(files[i].text);

		ck_assert_int_eq(heft_origin_add_file(&origin, files[i].name,
		                                      size + (has_tensor ? 8 + BIG_SIZE : 0),
		                                      has_tensor ? 3 : 1, &file, NULL),
		                 HEFT_OK);
		file->pieces[has_tensor] = (struct heft_origin_piece){
			.literal = (const uint8_t *)files[i].text, .size = size
		};
		if (has_tensor) {
			file->pieces[0] = literal(0, 8); /* the size of a header as long */
			file->pieces[2] = part(files[i].tensor, 0, BIG_SIZE);
		}
	}
	m.plan.origin = &origin;
	made_write(&m, "heft", source);
	m.plan.origin = NULL;
	heft_origin_done(&origin);
}

static void set_header_size(size_t size)
{
	memset(head, 0, 8);
	head[0] = (uint8_t)size;
	ck_assert_uint_lt(size, 256);
}

/* spec H4-3, R7.2-3 */
START_TEST(a_set_is_looked_at_before_it_appears)
{
	char a[128];
	char b[128];
	char map[64];
	char swapped[64];
	char *folder = scratch_path(&s, "set/");

	snprintf(a, sizeof a, SHARD, "a");
	snprintf(b, sizeof b, SHARD, "b");
	snprintf(map, sizeof map, MAP, "x", "y");
	snprintf(swapped, sizeof swapped, MAP, "y", "x");
	set_header_size(strlen(a));
	{
		const struct made_file sets[][4] = {
			{ { "i", map, UINT32_MAX }, { "x", a, 0 }, { "y", b, 1 } },
			/* the files' places exchanged, which their names must tell */
			{ { "i", swapped, UINT32_MAX }, { "x", a, 0 }, { "y", b, 1 } },
			{ { "i", map, UINT32_MAX }, { "y", b, 1 }, { "x", a, 0 } },
			{ { "i", map, UINT32_MAX }, { "x", a, 1 }, { "y", b, 0 } },
			{ { "i", map, UINT32_MAX }, { "x", a, 0 }, { "z", b, 1 } },
			{ { "i", map, UINT32_MAX },
			  { "x", a, 0 },
			  { "y", b, 1 },
			  { "z", "more", UINT32_MAX } },
		};

		make_set(sets[_i], _i == 5 ? 4 : 3);
	}
	if (_i == 0) {
		ck_assert_msg(convert_to(folder, NULL) == HEFT_OK, "%s", err.msg);
		ck_assert(report.is_restored);
		return;
	}
	ck_assert_int_eq(convert_to(folder, NULL), HEFT_E_CORRUPT);
	ck_assert_uint_eq(scratch_n_files(&s), 2);
}
END_TEST

/* --- transforms --- */

/* Bytes of the form that NumPy gives arrays: magic, header, data. */
static size_t npy_head(uint8_t *to, const char *descr, const char *shape, bool is_fortran)
{
	char text[118 + 1];
	const int n = snprintf(text, sizeof text,
	                       "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr,
	                       is_fortran ? "True" : "False", shape);

	ck_assert(n > 0 && n < 118);
	memset(text + n, ' ', sizeof text - (size_t)n);
	text[117] = '\n';
	memcpy(to, "\x93NUMPY\x01\x00\x76\x00", 10);
	memcpy(to + 10, text, 118);
	return 128;
}

/* spec R7.2-1: what comes out is what went in, whatever the order of bytes and elements. */
START_TEST(an_array_comes_back_in_its_own_order)
{
	static const struct {
		const char *descr;
		size_t item_size;
		bool is_fortran;
	} arrays[] = {
		{ ">f4", 4, false },  { "<f4", 4, true }, { ">f4", 4, true },
		{ ">c16", 16, true }, { "|u1", 1, true }, { ">i2", 2, false },
	};
	const size_t n_data = (size_t)3 * 70001 * 2 * arrays[_i].item_size;
	uint8_t *bytes = malloc(128 + n_data);
	char *npy = scratch_path(&s, "a.npy");
	char *back = scratch_path(&s, "back.npy");
	const struct heft_convert_plan plan = { .run = { .n_threads = 3 } };
	struct heft_file *file;

	npy_head(bytes, arrays[_i].descr, "(3, 70001, 2)", arrays[_i].is_fortran);
	for (size_t i = 0; i < n_data; i++)
		bytes[128 + i] = (uint8_t)(i * 7 + i / 251);
	scratch_write(npy, bytes, 128 + n_data);
	file = model_open(npy);
	ck_assert_msg(heft_convert(file, source, &plan, &report, &err) == HEFT_OK, "%s", err.msg);
	heft_close(file);
	file = model_open(source);
	ck_assert_msg(heft_convert(file, back, &plan, &report, &err) == HEFT_OK, "%s", err.msg);
	heft_close(file);
	ck_assert(report.is_restored);
	scratch_check(back, bytes, 128 + n_data);
	free(bytes);
}
END_TEST

/* Compression that is asked for comes before the old bytes, which have none. */
START_TEST(a_recipe_is_not_used_where_compression_is_asked_for)
{
	const struct heft_convert_plan packed = { .write = { .overwrite = true,
		                                             .compress = HEFT_COMPRESS_FAST } };
	char *npz = scratch_path(&s, "a.npz");
	struct heft_file *file;
	uint64_t size;

	made_write(&m, "heft", source);
	ck_assert_msg(convert_to(npz, NULL) == HEFT_OK, "%s", err.msg);
	size = report.file_size;
	for (int i = 0; i < 2; i++) {
		file = model_open(i == 0 ? npz : source);
		ck_assert_msg(heft_convert(file, target, &packed, &report, &err) == HEFT_E_USAGE,
		              "%s", err.msg); /* safetensors has none */
		ck_assert_msg(heft_convert(file, scratch_path(&s, "b.npz"), &packed, &report,
		                           &err) == HEFT_OK,
		              "%s", err.msg);
		heft_close(file);
		ck_assert(!report.is_restored);
		ck_assert_uint_lt(report.file_size, size);
	}
}
END_TEST

/* A recipe that says another order than the new file's reader takes it for. */
START_TEST(a_wrong_transform_is_refused)
{
	static const uint8_t transforms[] = { 0, 1, 3 };
	struct heft_origin_piece pieces[2];

	free(head);
	head = malloc(128);
	made_done(&m);
	made_init(&m);
	made_add(&m, "arr_0", HEFT_DTYPE_F32, 2, 3, 4);
	npy_head(head, "<f4", "(3, 4)", true);
	pieces[0] = literal(0, 128);
	pieces[1] = part(0, 0, 48);
	pieces[1].transform = transforms[_i];
	make("npy", pieces, 2, 1);
	ck_assert_int_eq(convert_to(scratch_path(&s, "a.npy"), "npy"), HEFT_E_CORRUPT);
	pieces[1].transform = HEFT_TRANSFORM_COLUMN_MAJOR;
	make("npy", pieces, 2, 1);
	ck_assert_msg(convert_to(scratch_path(&s, "a.npy"), "npy") == HEFT_OK, "%s", err.msg);
	ck_assert(report.is_restored);
	/* spec R7.2-1: a part of a tensor has no transform */
	pieces[1].size = 24;
	make("npy", pieces, 2, 1);
	ck_assert_msg(convert_to(scratch_path(&s, "a.npy"), "npy") == HEFT_OK, "%s", err.msg);
	ck_assert(!report.is_restored);
	ck_assert_str_eq(report.note, "not restored byte for byte: the recipe is damaged");
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
	tcase_add_loop_test(tc, a_set_is_looked_at_before_it_appears, 0, 6);
	tcase_add_loop_test(tc, an_array_comes_back_in_its_own_order, 0, 6);
	tcase_add_loop_test(tc, a_wrong_transform_is_refused, 0, 3);
	tcase_add_test(tc, a_recipe_is_not_used_where_compression_is_asked_for);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
