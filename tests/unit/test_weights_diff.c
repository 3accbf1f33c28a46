/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_diff.c - how two files differ: matching, renamed and shared tensors, the same bits
 * from every format and number of threads. */
#include "heft/diff.h"

#include <math.h>

#include "diff_found.h"
#include "made.h"
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

/* --- matching --- */

START_TEST(a_model_equals_itself_in_every_format)
{
	static const char *const formats[] = { "heft", "safetensors" };
	const struct heft_write_options packed = { .compress = HEFT_COMPRESS_FAST };
	struct found f;

	model_write(scratch_path(&s, "a"), formats[_i / 2], NULL, false, NULL);
	model_write(scratch_path(&s, "b"), formats[_i % 2], _i % 2 ? NULL : &packed, false, NULL);
	diff_with(scratch_path(&s, "a"), scratch_path(&s, "b"), NULL, 0, &f);
	ck_assert(f.summary.is_equal);
	ck_assert_uint_eq(f.n, 0);
	ck_assert_uint_eq(f.summary.n_equal, MODEL_N);
	ck_assert_uint_eq(f.summary.n_a, MODEL_N);
	ck_assert_uint_eq(f.summary.n_compared, MODEL_BIG_N + 6 + 1 + 2 + 3);
	ck_assert_uint_eq(f.summary.n_different, 0);
}
END_TEST

static const float ones[] = { 1, 1, 1, 1 };
static const float twos[] = { 2, 2, 2, 2 };

START_TEST(differences_come_in_the_order_of_the_files)
{
	const struct piece a[] = {
		{ "gone", HEFT_DTYPE_F32, 4, ones, 16 },  { "z", HEFT_DTYPE_F32, 4, ones, 16 },
		{ "same", HEFT_DTYPE_F32, 4, ones, 16 },  { "shape", HEFT_DTYPE_F32, 4, ones, 16 },
		{ "dtype", HEFT_DTYPE_I32, 4, ones, 16 }, { "c", HEFT_DTYPE_F32, 4, ones, 16 },
	};
	const struct piece b[] = {
		{ "new2", HEFT_DTYPE_F32, 3, ones, 12 },  { "c", HEFT_DTYPE_F32, 4, twos, 16 },
		{ "dtype", HEFT_DTYPE_F32, 4, ones, 16 }, { "shape", HEFT_DTYPE_F32, 2, ones, 8 },
		{ "same", HEFT_DTYPE_F32, 4, ones, 16 },  { "z", HEFT_DTYPE_F32, 4, twos, 16 },
		{ "new1", HEFT_DTYPE_F32, 3, ones, 12 },
	};
	static const char *const names[] = { "gone", "z", "shape", "dtype", "c", "new2", "new1" };
	static const uint32_t reasons[] = { 0,
		                            HEFT_DIFF_VALUES,
		                            HEFT_DIFF_SHAPE,
		                            HEFT_DIFF_DTYPE | HEFT_DIFF_VALUES,
		                            HEFT_DIFF_VALUES,
		                            0,
		                            0 };
	struct found f;

	diff_with(write_pieces(&s, "a", "safetensors", a, 6),
	          write_pieces(&s, "b", "safetensors", b, 7), NULL, 0, &f);
	ck_assert_uint_eq(f.n, 7);
	for (uint32_t i = 0; i < 7; i++) {
		ck_assert_str_eq(f.name[i], names[i]);
		ck_assert_uint_eq(f.d[i].reasons, reasons[i]);
		ck_assert_int_eq(f.d[i].kind, i == 0  ? HEFT_DIFF_ONLY_IN_A
		                              : i > 4 ? HEFT_DIFF_ONLY_IN_B
		                                      : HEFT_DIFF_CHANGED);
	}
	ck_assert(!f.d[2].is_compared);
	ck_assert(!f.summary.is_equal);
	ck_assert_uint_eq(f.summary.n_equal, 1);
	ck_assert_uint_eq(f.summary.n_changed, 4);
	ck_assert_uint_eq(f.summary.n_values, 3);
	ck_assert_uint_eq(f.summary.n_shape, 1);
	ck_assert_uint_eq(f.summary.n_dtype, 1);
	ck_assert_uint_eq(f.summary.n_only_in_a, 1);
	ck_assert_uint_eq(f.summary.n_only_in_b, 2);
	ck_assert_uint_eq(f.summary.n_different, 12);
	ck_assert_double_eq(f.d[1].max_abs, 1);
	ck_assert_double_eq(f.d[1].rms, 1);
	ck_assert_double_eq(f.d[1].relative, 1);
	ck_assert_double_eq(f.d[1].cosine, 1);
}
END_TEST

START_TEST(patterns_choose_and_one_that_matches_nothing_is_refused)
{
	const char *const include[] = { "a*", "b" };
	const char *const exclude[] = { "a2" };
	const char *const nothing[] = { "zz" };
	struct heft_diff_options options = {
		.include = include, .n_include = 2, .exclude = exclude, .n_exclude = 1
	};
	const struct piece a[] = {
		{ "a1", HEFT_DTYPE_F32, 4, ones, 16 },
		{ "a2", HEFT_DTYPE_F32, 4, ones, 16 },
		{ "c", HEFT_DTYPE_F32, 4, ones, 16 },
	};
	const struct piece b[] = {
		{ "a2", HEFT_DTYPE_F32, 4, twos, 16 },
		{ "b", HEFT_DTYPE_F32, 4, twos, 16 },
	};
	const char *path_a = write_pieces(&s, "a", "heft", a, 3);
	const char *path_b = write_pieces(&s, "b", "heft", b, 2);
	struct heft_file *files[2] = { model_open(path_a), model_open(path_b) };
	struct found f;

	diff_with(path_a, path_b, &options, 0, &f);
	ck_assert_uint_eq(f.n, 2);
	ck_assert_str_eq(f.name[0], "a1");
	ck_assert_str_eq(f.name[1], "b");
	ck_assert_uint_eq(f.summary.n_a, 1);
	options.exclude = nothing;
	ck_assert_int_eq(heft_diff(files[0], files[1], &options, NULL, NULL, &f.summary, &err),
	                 HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, "no tensor matches 'zz'");
	ck_assert_uint_eq(f.summary.failed_file, 0);
	heft_close(files[0]);
	heft_close(files[1]);
}
END_TEST

START_TEST(shapes_that_differ_in_ones_are_compared)
{
	static const uint64_t dims[][3] = { { 2, 3, 1 }, { 2, 1, 3 }, { 3, 2, 1 } };
	static const float v[] = { 1, 2, 3, 4, 5, 6 };
	const char *paths[3];
	struct found f;

	for (int i = 0; i < 3; i++) {
		struct heft_tensor t = { .name = "w", .dtype = HEFT_DTYPE_F32, .rank = 3 };
		char name[] = { (char)('a' + i), '\0' };
		struct heft_writer *w;

		memcpy(t.dims, dims[i], sizeof dims[i]);
		paths[i] = scratch_path(&s, name);
		ck_assert_int_eq(heft_create(paths[i], "heft", NULL, &w, &err), HEFT_OK);
		ck_assert_int_eq(heft_declare(w, &t, &err), HEFT_OK);
		model_put(w, 0, v, sizeof v);
		ck_assert_int_eq(heft_commit(w, NULL, &err), HEFT_OK);
	}
	diff_with(paths[0], paths[1], NULL, 0, &f);
	ck_assert_uint_eq(f.n, 1);
	ck_assert_uint_eq(f.d[0].reasons, HEFT_DIFF_SHAPE);
	ck_assert(f.d[0].is_compared);
	ck_assert_uint_eq(f.d[0].n_different, 0);
	ck_assert_double_eq(f.d[0].cosine, 1);
	diff_with(paths[0], paths[2], NULL, 0, &f);
	ck_assert_uint_eq(f.d[0].reasons, HEFT_DIFF_SHAPE);
	ck_assert(!f.d[0].is_compared);
}
END_TEST

START_TEST(renamed_tensors_are_found_by_their_content)
{
	const struct heft_diff_options options = { .by_content = true,
		                                   .trust_stated = _i == 1,
		                                   .run = { .n_threads = 2 } };
	const struct piece a[] = {
		{ "a.0", HEFT_DTYPE_F32, 4, ones, 16 },  { "a.1", HEFT_DTYPE_F32, 4, ones, 16 },
		{ "a.2", HEFT_DTYPE_F32, 4, twos, 16 },  { "same", HEFT_DTYPE_F32, 4, twos, 16 },
		{ "alone", HEFT_DTYPE_F32, 2, twos, 8 },
	};
	const struct piece b[] = {
		{ "b.2", HEFT_DTYPE_F32, 4, twos, 16 },  { "b.0", HEFT_DTYPE_F32, 4, ones, 16 },
		{ "same", HEFT_DTYPE_F32, 4, twos, 16 }, { "b.1", HEFT_DTYPE_F32, 4, ones, 16 },
		{ "b.3", HEFT_DTYPE_F32, 4, ones, 16 },  { "int", HEFT_DTYPE_I32, 2, twos, 8 },
	};
	static const char *const from[] = { "a.0", "a.1", "a.2", "alone", "b.3", "int" };
	static const char *const to[] = { "b.0", "b.1", "b.2", "alone", "b.3", "int" };
	struct found f;

	diff_with(write_pieces(&s, "a", "heft", a, 5),
	          write_pieces(&s, "b", _i == 2 ? "safetensors" : "heft", b, 6), &options, 0, &f);
	ck_assert_uint_eq(f.n, 6);
	for (uint32_t i = 0; i < 6; i++) {
		ck_assert_str_eq(f.name[i], from[i]);
		ck_assert_str_eq(f.other[i], to[i]);
	}
	ck_assert_uint_eq(f.summary.n_renamed, 3);
	ck_assert_uint_eq(f.summary.n_only_in_a, 1);
	ck_assert_uint_eq(f.summary.n_only_in_b, 2);
	ck_assert_uint_eq(f.summary.n_equal, 1);
	ck_assert(!f.summary.is_equal);
	ck_assert_int_eq(f.d[0].kind, HEFT_DIFF_RENAMED);
}
END_TEST

START_TEST(spaces_are_apart_and_may_be_left_out)
{
	const struct heft_diff_options options = { .weights_only = true };
	struct made a;
	struct made b;
	struct found f;

	made_init(&a);
	made_add(&a, "w", HEFT_DTYPE_F32, 1, 5, 0);
	made_add_in(&a, "w", HEFT_DTYPE_F32, HEFT_SPACE_OPTIMIZER, 1, 5, 0);
	made_write(&a, "heft", scratch_path(&s, "a"));
	made_done(&a);
	made_init(&b);
	made_add(&b, "w", HEFT_DTYPE_F32, 1, 5, 0);
	made_add_in(&b, "w", HEFT_DTYPE_F32, HEFT_SPACE_STATE, 1, 5, 0);
	made_write(&b, "heft", scratch_path(&s, "b"));
	made_done(&b);
	diff_with(scratch_path(&s, "a"), scratch_path(&s, "b"), NULL, 0, &f);
	ck_assert_uint_eq(f.n, 2);
	ck_assert_int_eq(f.d[0].kind, HEFT_DIFF_ONLY_IN_A);
	ck_assert_int_eq(f.d[1].kind, HEFT_DIFF_ONLY_IN_B);
	diff_with(scratch_path(&s, "a"), scratch_path(&s, "b"), &options, 0, &f);
	ck_assert(f.summary.is_equal);
}
END_TEST

START_TEST(ties_are_told_and_do_not_count)
{
	struct found f;

	model_write(scratch_path(&s, "tied"), "heft", NULL, true, NULL);
	model_write(scratch_path(&s, "plain"), "safetensors", NULL, true, NULL);
	diff_with(scratch_path(&s, "tied"), scratch_path(&s, "plain"), NULL, 0, &f);
	ck_assert(f.summary.is_equal);
	ck_assert_uint_eq(f.summary.n_tied_otherwise, 1);
	diff_with(scratch_path(&s, "plain"), scratch_path(&s, "tied"), NULL, 0, &f);
	ck_assert_uint_eq(f.summary.n_tied_otherwise, 1);
	diff_with(scratch_path(&s, "tied"), scratch_path(&s, "tied"), NULL, 0, &f);
	ck_assert_uint_eq(f.summary.n_tied_otherwise, 0);
}
END_TEST

/* --- the same bits --- */

static void fill_floats(float *v, size_t n, uint32_t state)
{
	for (size_t i = 0; i < n; i++) {
		state = state * 1664525 + 1013904223;
		v[i] = (float)(state >> 8) / 8388608.0F - 1;
	}
}

#define BIG_N ((size_t)(5 << 18) + 77)

START_TEST(formats_and_threads_change_no_bit)
{
	static const char *const formats[] = { "safetensors", "heft" };
	static const uint32_t flags[] = { 0, HEFT_OPEN_PREAD, HEFT_OPEN_VERIFY };
	const struct heft_write_options packed = { .compress = HEFT_COMPRESS_FAST,
		                                   .overwrite = true };
	float *v = malloc(BIG_N * sizeof *v);
	float *w = malloc(BIG_N * sizeof *v);
	const struct heft_tensor t = {
		.name = "w", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { BIG_N }
	};
	const char *path_b = scratch_path(&s, "b");
	const char *path_a;
	struct heft_difference first;
	struct heft_writer *writer;

	ck_assert(v && w);
	fill_floats(v, BIG_N, 1);
	memcpy(w, v, BIG_N * sizeof *v);
	for (size_t i = 3 << 18; i < BIG_N; i++)
		w[i] *= 1.001F;
	w[BIG_N - 1] = INFINITY;
	for (int i = 0; i < 18; i++) {
		const struct heft_diff_options options = { .run = { .n_threads = 1 + (uint32_t)i %
			                                                                     3 } };
		const struct piece x = { "w", HEFT_DTYPE_F32, BIG_N, v, BIG_N * sizeof *v };
		struct found f;

		path_a = write_pieces(&s, "a", formats[i / 9], &x, 1);
		ck_assert_int_eq(heft_create(path_b, "heft", &packed, &writer, &err), HEFT_OK);
		ck_assert_int_eq(heft_declare(writer, &t, &err), HEFT_OK);
		model_put(writer, 0, w, BIG_N * sizeof *w);
		ck_assert_int_eq(heft_commit(writer, NULL, &err), HEFT_OK);
		diff_with(path_a, path_b, &options, flags[i / 3 % 3], &f);
		ck_assert_uint_eq(f.n, 1);
		ck_assert_uint_eq(f.d[0].n_not_finite, 1);
		if (i == 0)
			first = f.d[0];
		ck_assert_uint_eq(f.d[0].n_different, first.n_different);
		ck_assert_mem_eq(&f.d[0].max_abs, &first.max_abs, 4 * sizeof(double));
	}
	ck_assert_double_gt(first.cosine, 0.999);
	ck_assert_double_lt(first.cosine, 1);
	free(v);
	free(w);
}
END_TEST

#define LONG_N ((size_t)(25 << 18) + 3)

/* A piece is 8 chunks. The first two are the same on both sides and get their sums only when the
 * third is found to differ, with the fourth between them and the end. */
START_TEST(pieces_that_are_equal_count_in_the_cosine)
{
	static const uint32_t flags[] = { 0, 0, HEFT_OPEN_PREAD, HEFT_OPEN_VERIFY };
	const struct heft_diff_options options = { .run = { .n_threads = 1 + (uint32_t)_i } };
	float *v = malloc(LONG_N * sizeof *v);
	const struct piece x = { "w", HEFT_DTYPE_F32, LONG_N, v, LONG_N * sizeof *v };
	double squares = 0; /* of either side: a sign changes no square */
	double product = 0;
	const char *paths[2];
	struct found f;

	ck_assert_ptr_nonnull(v);
	fill_floats(v, LONG_N, 5);
	/* By short sums, which round so little that double is enough, as under valgrind. */
	for (size_t first = 0; first < LONG_N; first += 1024) {
		const size_t n = LONG_N - first < 1024 ? LONG_N - first : 1024;
		const bool changes = first >= 17 << 18 && first < 18 << 18;
		double part = 0;

		for (size_t i = first; i < first + n; i++)
			part += (double)v[i] * (double)v[i];
		squares += part;
		product += changes ? -part : part;
	}
	paths[0] = write_pieces(&s, "a", "heft", &x, 1);
	for (size_t i = 17 << 18; i < 18 << 18; i++)
		v[i] = -v[i];
	paths[1] = write_pieces(&s, "b", "safetensors", &x, 1);
	diff_with(paths[0], paths[1], &options, flags[_i], &f);
	ck_assert_uint_eq(f.n, 1);
	ck_assert_uint_gt(f.d[0].n_different, (1 << 18) - 10);
	ck_assert_double_eq_tol(f.d[0].cosine, product / squares, 1e-14);
	free(v);
}
END_TEST

/* BF16 chunks hold twice the elements of F32 chunks. */
START_TEST(two_dtypes_are_cut_by_elements)
{
	uint16_t *narrow = malloc(BIG_N * sizeof *narrow);
	float *v = malloc(BIG_N * sizeof *v);
	struct heft_difference d;

	ck_assert(narrow && v);
	fill_floats(v, BIG_N, 9);
	ck_assert_int_eq(heft_cast_elements(HEFT_DTYPE_BF16, narrow, HEFT_DTYPE_F32, v, BIG_N,
	                                    &err),
	                 HEFT_OK);
	ck_assert_int_eq(heft_cast_elements(HEFT_DTYPE_F32, v, HEFT_DTYPE_BF16, narrow, BIG_N,
	                                    &err),
	                 HEFT_OK);
	d = diff_values(&s, HEFT_DTYPE_F32, v, BIG_N * sizeof *v, HEFT_DTYPE_BF16, narrow,
	                BIG_N * sizeof *narrow, BIG_N);
	ck_assert_uint_eq(d.reasons, HEFT_DIFF_DTYPE);
	ck_assert_uint_eq(d.n_different, 0);
	ck_assert_uint_eq(d.n_compared, BIG_N);
	v[BIG_N - 2] += 1;
	d = diff_values(&s, HEFT_DTYPE_BF16, narrow, BIG_N * sizeof *narrow, HEFT_DTYPE_F32, v,
	                BIG_N * sizeof *v, BIG_N);
	ck_assert_uint_eq(d.n_different, 1);
	ck_assert_double_eq_tol(d.max_abs, 1, 1e-6);
	free(v);
	free(narrow);
}
END_TEST

/* --- what is believed, what is read --- */

static bool keep_progress(void *user, uint64_t n_done, uint64_t n_total)
{
	uint64_t *at = user;

	at[0] = n_done;
	at[1] = n_total;
	return n_done > n_total;
}

static bool cancel(void *user, uint64_t n_done, uint64_t n_total)
{
	(void)user;
	(void)n_done;
	(void)n_total;
	return true;
}

START_TEST(progress_goes_to_its_end_and_may_stop)
{
	uint64_t at[2] = { 0 };
	struct heft_diff_options options = {
		.run = { .n_threads = 2, .progress = keep_progress, .user = at }
	};
	struct heft_diff_summary summary;
	struct heft_file *file;
	struct found f;

	model_write(scratch_path(&s, "a"), "heft", NULL, true, NULL);
	diff_with(scratch_path(&s, "a"), scratch_path(&s, "a"), &options, 0, &f);
	ck_assert_uint_gt(at[1], 2 * 4 * (uint64_t)MODEL_BIG_N);
	ck_assert_uint_eq(at[0], at[1]);
	options.run.progress = cancel;
	file = model_open(scratch_path(&s, "a"));
	ck_assert_int_eq(heft_diff(file, file, &options, NULL, NULL, &summary, &err),
	                 HEFT_E_CANCELLED);
	ck_assert_uint_eq(summary.failed_file, 0);
	heft_close(file);
}
END_TEST

START_TEST(stated_digests_are_believed_only_when_asked)
{
	const struct heft_diff_options trust = { .trust_stated = true };
	struct heft_diff_summary summary;
	struct heft_file *files[2];
	struct found f;
	size_t size;
	char *bytes;

	model_write(scratch_path(&s, "a"), "heft", NULL, false, NULL);
	bytes = scratch_read(scratch_path(&s, "a"), &size);
	bytes[8192 + 100000] ^= 1;
	scratch_write(scratch_path(&s, "b"), bytes, size);
	free(bytes);
	diff_with(scratch_path(&s, "a"), scratch_path(&s, "b"), &trust, 0, &f);
	ck_assert(f.summary.is_equal);
	diff_with(scratch_path(&s, "a"), scratch_path(&s, "b"), NULL, 0, &f);
	ck_assert_uint_eq(f.n, 1);
	ck_assert_str_eq(f.name[0], "big");
	ck_assert_uint_eq(f.d[0].n_different, 1);

	/* A file that is verified as it is read fails, and is named. */
	files[0] = model_open(scratch_path(&s, "a"));
	ck_assert_int_eq(heft_open(scratch_path(&s, "b"),
	                           &(struct heft_open_options){ .flags = HEFT_OPEN_VERIFY },
	                           &files[1], &err),
	                 HEFT_OK);
	ck_assert_int_eq(heft_diff(files[0], files[1], NULL, NULL, NULL, &summary, &err),
	                 HEFT_E_CORRUPT);
	ck_assert_uint_eq(summary.failed_file, 2);
	ck_assert_int_eq(heft_diff(files[1], files[0], NULL, NULL, NULL, &summary, &err),
	                 HEFT_E_CORRUPT);
	ck_assert_uint_eq(summary.failed_file, 1);
	heft_close(files[0]);
	heft_close(files[1]);
}
END_TEST

/* A small heft file may name the same megabytes a thousand times. */
START_TEST(shared_bytes_are_compared_once)
{
	uint64_t at[2] = { 0 };
	const struct heft_diff_options options = {
		.run = { .n_threads = 2, .progress = keep_progress, .user = at }
	};
	struct found f;
	struct made m;
	size_t size;
	char *bytes;

	made_init(&m);
	for (uint32_t i = 0; i < 6; i++) {
		static const char *const names[] = { "a", "b", "c", "d", "e", "f" };

		made_add(&m, names[i], HEFT_DTYPE_U8, 1, (2u << 20) + 5, 0);
		heft_listing_row_mut(m.tensors, i)->share = 0;
	}
	made_write(&m, "heft", scratch_path(&s, "a"));
	made_done(&m);
	bytes = scratch_read(scratch_path(&s, "a"), &size);
	bytes[8192 + (1 << 20)] ^= 1;
	scratch_write(scratch_path(&s, "b"), bytes, size);
	free(bytes);
	diff_with(scratch_path(&s, "a"), scratch_path(&s, "b"), &options, 0, &f);
	ck_assert_uint_eq(f.n, 6);
	ck_assert_uint_eq(at[0], at[1]);
	for (uint32_t i = 0; i < 6; i++) {
		ck_assert_uint_eq(f.d[i].n_different, 1);
		ck_assert_mem_eq(&f.d[i].max_abs, &f.d[0].max_abs, 4 * sizeof(double));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights diff");
	TCase *tc = tcase_create("diff");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_model_equals_itself_in_every_format, 0, 4);
	tcase_add_test(tc, differences_come_in_the_order_of_the_files);
	tcase_add_test(tc, patterns_choose_and_one_that_matches_nothing_is_refused);
	tcase_add_test(tc, shapes_that_differ_in_ones_are_compared);
	tcase_add_loop_test(tc, renamed_tensors_are_found_by_their_content, 0, 3);
	tcase_add_test(tc, spaces_are_apart_and_may_be_left_out);
	tcase_add_test(tc, ties_are_told_and_do_not_count);
	tcase_add_test(tc, formats_and_threads_change_no_bit);
	tcase_add_loop_test(tc, pieces_that_are_equal_count_in_the_cosine, 0, 4);
	tcase_add_test(tc, two_dtypes_are_cut_by_elements);
	tcase_add_test(tc, progress_goes_to_its_end_and_may_stop);
	tcase_add_test(tc, stated_digests_are_believed_only_when_asked);
	tcase_add_test(tc, shared_bytes_are_compared_once);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
