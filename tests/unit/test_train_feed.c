/* SPDX-License-Identifier: Apache-2.0 */
/* test_train_feed.c - samples as a model takes them: which array goes where, shapes and numbers,
 * what is found before the first step. (spec F7-7) */
#include <math.h>
#include <sys/stat.h>

#include "alloc_fail.h"
#include "data_made.h"
#include "import_made.h"
#include "train/feed.h"
#include "train/recipe.h"
#include "unit.h"

enum {
	F32 = 1,
	I32 = 6,
	I64 = 7,
	F16 = 10,
	F64 = 11
};

static struct scratch s;
static struct heft_error err;
static struct heft_file *file;
static struct heft_model *model;
static struct heft_dataset *ds;

static void set_up(void)
{
	scratch_init(&s);
	mkdir(scratch_path(&s, "d"), 0700);
	file = NULL;
	model = NULL;
	ds = NULL;
}

static void tear_down(void)
{
	heft_dataset_close(ds);
	heft_model_free(model);
	heft_close(file);
	scratch_done(&s);
}

/* One input, or two where `other` is one; each makes an output of its own. */
static void make_model(const char *name, unsigned type, const char *dims, const char *other,
                       const char *out_dims)
{
	struct import_made m = import_start(13);
	char nodes[128];

	graph_add_value(&m.graph, 11, name, type, dims);
	if (other)
		graph_add_value(&m.graph, 11, other, I32, "N,3");
	snprintf(nodes, sizeof nodes, "out = Neg %s%s%s", name, other ? "; second = Neg " : "",
	         other ? other : "");
	graph_add_nodes(&m.graph, nodes);
	graph_add_value(&m.graph, 12, "out", type, out_dims);
	if (other)
		graph_add_value(&m.graph, 12, "second", I32, "N,3");
	made_message(&m.rest, 7, &m.graph);
	scratch_write(scratch_path(&s, "m.onnx"), m.rest.bytes, m.rest.size);
	heft_buffer_done(&m.rest);
	ck_assert_msg(heft_open(scratch_path(&s, "m.onnx"), NULL, &file, &err) == HEFT_OK, "%s",
	              err.msg);
	ck_assert_msg(heft_model_import(file, NULL, &model, &err) == HEFT_OK, "%s", err.msg);
}

static void add_array(const char *name, const char *dtype, const char *shape, const void *bytes,
                      size_t n)
{
	char path[64];

	snprintf(path, sizeof path, "d/%s.npy", name);
	data_write_npy(scratch_path(&s, path), dtype, shape, bytes, n);
}

static struct heft_feed *open_feed(const struct heft_feed_options *options)
{
	struct heft_feed *f;

	ds = data_open(scratch_path(&s, "d"));
	ck_assert_msg(heft_feed_new(model, ds, options, &f, &err) == HEFT_OK, "%s", err.msg);
	return f;
}

static void refused(const struct heft_feed_options *options, const char *says)
{
	struct heft_feed *f;

	ds = data_open(scratch_path(&s, "d"));
	ck_assert_int_eq(heft_feed_new(model, ds, options, &f, &err), HEFT_E_USAGE);
	ck_assert_msg(strstr(err.msg, says), "'%s' is not in: %s", says, err.msg);
}

static const uint8_t numbers[64] = { 0, 1, 51, 102, 153, 204, 254, 255, 5, 6, 7, 8, 1, 2, 3, 4 };
static const int64_t labels[4] = { 2, 0, 1, 2 };
static const float plain[8] = { 0, 0.5f, -1, 2, 3, 4, 5, 6 };

/* --- which array goes where --- */

static const struct names {
	const char *input;
	const char *arrays[3]; /* U8 [2,4] each, the last but for one an I64 [2] */
	const char *fed;
	const char *target;
} names[] = {
	{ "image", { "image", "y" }, "image", "y" },
	{ "image", { "x", "label" }, "x", "label" },
	{ "image", { "pictures", "targets" }, "pictures", "targets" },
	{ "image", { "image", "class" }, "image", "class" },
	{ "image", { "a", "b" }, "a", "b" }, /* by its shape */
	{ "y", { "y", "target" }, "y", "target" },
	{ "image", { "x", "labels", "weight" }, "x", "labels" },
};

START_TEST(arrays_are_bound_by_their_names)
{
	const struct names *k = &names[_i];
	const struct heft_feed_options options = { .target = NULL };
	struct heft_feed *f;

	make_model(k->input, F32, "N,4", NULL, "N,4");
	add_array(k->arrays[0], "|u1", "(2, 4)", numbers, 8);
	add_array(k->arrays[1], "<i8", "(2,)", labels, 16);
	if (k->arrays[2])
		add_array(k->arrays[2], "|u1", "(2, 9)", numbers, 18);
	f = open_feed(&options);
	ck_assert_str_eq(heft_feed_input_array(f, 0), k->fed);
	ck_assert_str_eq(heft_feed_target_array(f), k->target);
	ck_assert_int_eq(heft_feed_target_kind(f), HEFT_TARGET_CLASSES);
	if (k->arrays[2])
		ck_assert_str_eq(heft_feed_note(f, 0), "array 'weight' is not used");
	heft_feed_free(f);
}
END_TEST

START_TEST(options_decide_otherwise)
{
	const struct heft_feed_bind bind = { "image", "other" };
	const struct heft_feed_options options = { .binds = &bind, .n_binds = 1, .target = "y2" };
	struct heft_feed *f;

	make_model("image", F32, "N,4", NULL, "N,4");
	add_array("image", "|u1", "(2, 4)", numbers, 8);
	add_array("other", "|u1", "(2, 4)", numbers, 8);
	add_array("y", "<i8", "(2,)", labels, 16);
	add_array("y2", "<i8", "(2,)", labels, 16);
	f = open_feed(&options);
	ck_assert_str_eq(heft_feed_input_array(f, 0), "other");
	ck_assert_str_eq(heft_feed_target_array(f), "y2");
	heft_feed_free(f);
}
END_TEST

START_TEST(what_does_not_fit_is_told_with_all_there_is)
{
	static const char *const says[] = {
		"a sample of array 'a' is U8 [4], which does not fit the model's input image F32 "
		"[N,3,8,8]",
		"the model has no input 'picture'; arrays: a U8 [2,4], mask U8 [2,3], y I64 [2]; "
		"inputs of the model: image F32 [N,3,8,8], mask I32 [N,3]",
	};
	const struct heft_feed_bind binds[] = { { "image", "a" }, { "picture", "a" } };
	const struct heft_feed_options options = { .binds = &binds[_i], .n_binds = 1 };

	make_model("image", F32, "N,3,8,8", "mask", "N,4");
	add_array("a", "|u1", "(2, 4)", numbers, 8);
	add_array("mask", "|u1", "(2, 3)", numbers, 6);
	add_array("y", "<i8", "(2,)", labels, 16);
	refused(&options, says[_i]);
}
END_TEST

/* --- shapes --- */

static const struct shapes {
	const char *have; /* of two samples */
	size_t n_bytes;
	const char *want;
	const char *takes; /* NULL: refused */
} shapes[] = {
	{ "(2, 4)", 8, "N,4", "2,4" },
	{ "(2, 4)", 8, "N,C", "2,4" },
	{ "(2, 4)", 8, "5,4", "2,4" }, /* the batch is free */
	{ "(2, 2, 4)", 16, "N,1,2,4", "2,1,2,4" },
	{ "(2, 2, 4)", 16, "N,C,H,W", "2,1,2,4" },
	{ "(2, 2, 4)", 16, "N,2,4,1", "2,2,4,1" },
	{ "(2, 2, 4)", 16, "N,8", "2,8" },
	{ "(2, 2, 4)", 16, "N,F", "2,8" },
	{ "(2, 8)", 16, "N,1,2,4", "2,1,2,4" },
	{ "(2,)", 2, "N,1", "2,1" },
	{ "(2, 1)", 2, "N", "2" },
	{ "(2, 2, 4)", 16, "N,1,4,2", NULL },
	{ "(2, 2, 4)", 16, "N,3,2,4", NULL },
	{ "(2, 2, 4)", 16, "N,9", NULL },
	{ "(2, 4, 4, 2)", 64, "N,2,4,4", NULL },
};

START_TEST(samples_take_the_shape_that_is_wanted)
{
	const struct shapes *k = &shapes[_i];
	const struct heft_feed_options options = { .target_as = HEFT_TARGET_NONE };
	struct heft_buffer got;
	struct heft_value v;
	struct heft_feed *f;

	make_model("x", F32, k->want, NULL, k->want);
	add_array("x", "|u1", k->have, numbers, k->n_bytes);
	if (!k->takes) {
		refused(&options, "a sample of array 'x' is U8 [");
		return;
	}
	f = open_feed(&options);
	heft_feed_describe_input(f, 0, 2, &v);
	heft_buffer_init(&got);
	for (uint32_t d = 0; d < v.rank; d++)
		heft_buffer_addf(&got, "%s%llu", d > 0 ? "," : "", (unsigned long long)v.dims[d]);
	heft_buffer_add_u8(&got, 0);
	ck_assert_str_eq((const char *)got.bytes, k->takes);
	ck_assert_uint_eq(v.n_bytes, 4 * k->n_bytes);
	heft_buffer_done(&got);
	heft_feed_free(f);
}
END_TEST

/* --- numbers --- */

/* The batch of samples 1 and 0. */
static struct heft_feed_batch *fill(const struct heft_feed *f)
{
	struct heft_feed_batch *b;

	ck_assert_int_eq(heft_feed_batch_new(f, 3, &b, &err), HEFT_OK);
	ck_assert_int_eq(heft_feed_fill(f, b, (const uint64_t[]){ 1, 0 }, 2, &err), HEFT_OK);
	ck_assert_uint_eq(b->n, 2);
	return b;
}

static void set_reals(struct heft_reals *r, double *values, uint32_t n)
{
	*r = (struct heft_reals){ .values = values, .n = n };
}

START_TEST(bytes_are_divided_by_255)
{
	const struct heft_feed_options options = { .target = NULL };
	struct heft_feed_batch *b;
	struct heft_feed *f;

	make_model("image", _i == 0 ? F32 : _i == 1 ? F64 : F16, "N,4", NULL, "N,4");
	add_array("x", "|u1", "(2, 4)", numbers, 8);
	add_array("y", "|u1", "(2,)", numbers + 1, 2);
	f = open_feed(&options);
	b = fill(f);
	ck_assert_str_eq(b->inputs[0].name, "image");
	ck_assert_ptr_eq(b->inputs[0].bytes, b->input_bytes[0]);
	for (size_t i = 0; i < 8; i++) {
		const uint8_t from = numbers[i < 4 ? 4 + i : i - 4];
		uint16_t half;
		const float narrow = (float)from / 255;

		(void)heft_cast_elements(HEFT_DTYPE_F16, &half, HEFT_DTYPE_F32, &narrow, 1, NULL);
		if (_i == 0)
			ck_assert(((const float *)b->inputs[0].bytes)[i] == narrow);
		else if (_i == 1)
			ck_assert(((const double *)b->inputs[0].bytes)[i] == (double)from / 255);
		else
			ck_assert_uint_eq(((const uint16_t *)b->inputs[0].bytes)[i], half);
	}
	ck_assert_int_eq(b->target.dtype, HEFT_DTYPE_I64);
	ck_assert_uint_eq(b->target.rank, 1);
	ck_assert_int_eq(((const int64_t *)b->target.bytes)[0], 51);
	ck_assert_int_eq(((const int64_t *)b->target.bytes)[1], 1);
	ck_assert_int_eq(heft_feed_fill(f, b, (const uint64_t[]){ 0, 0, 0, 0 }, 4, &err),
	                 HEFT_E_USAGE);
	heft_feed_batch_free(b);
	heft_feed_free(f);
}
END_TEST

/* (x / scale - mean) / std, channel by channel, each operation rounded. */
START_TEST(channels_are_normalised)
{
	static double mean[] = { 0.1, 0.2 };
	static double std[] = { 0.3, 0.7 };
	struct heft_normalize normalize = { .is_given = true, .scale = _i % 2 == 0 ? 0 : 10 };
	const struct heft_feed_options options = { .target_as = HEFT_TARGET_NONE,
		                                   .normalize = &normalize };
	const bool is_bytes = _i < 2;
	const float scale = _i % 2 == 1 ? 10 : is_bytes ? 255 : 1;
	const float x[16] = { 1, -2, 3.5f, 1e6f, 0, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 0.125f };
	struct heft_feed_batch *b;
	struct heft_feed *f;

	set_reals(&normalize.mean, mean, 2);
	set_reals(&normalize.std, std, 2);
	make_model("x", F32, "N,2,2,2", NULL, "N,2,2,2");
	if (is_bytes)
		add_array("x", "|u1", "(2, 2, 2, 2)", numbers, 16);
	else
		add_array("x", "<f4", "(2, 2, 2, 2)", x, sizeof x);
	f = open_feed(&options);
	b = fill(f);
	for (size_t i = 0; i < 16; i++) {
		const size_t from = (i + 8) % 16;
		const size_t c = from / 4 % 2;
		float want = (is_bytes ? (float)numbers[from] : x[from]) / scale;

		want = want - (float)mean[c];
		want = want / (float)std[c];
		ck_assert_msg(((const float *)b->inputs[0].bytes)[i] == want, "%zu: %g, not %g", i,
		              (double)((const float *)b->inputs[0].bytes)[i], (double)want);
	}
	heft_feed_batch_free(b);
	heft_feed_free(f);
	heft_dataset_close(ds);
	normalize.std.n = 1;
	refused(&options, "2 means are given, and 1 deviations");
}
END_TEST

START_TEST(targets_of_values_take_the_shape_of_the_output)
{
	const struct heft_feed_options options = { .target = NULL };
	const double y[2] = { 0.25, -3 };
	struct heft_feed_batch *b;
	struct heft_feed *f;

	make_model("x", F32, "N,4", NULL, "N,1");
	add_array("x", "<f4", "(2, 4)", plain, 32);
	add_array("y", _i == 0 ? "<f8" : "<f4", _i == 2 ? "(2, 2)" : "(2,)", y, _i == 1 ? 8 : 16);
	if (_i == 2) {
		refused(&options,
		        "a sample of array 'y' is F32 [2], which does not fit the model's "
		        "output out F32 [N,1]");
		return;
	}
	f = open_feed(&options);
	ck_assert_int_eq(heft_feed_target_kind(f), HEFT_TARGET_VALUES);
	b = fill(f);
	ck_assert_int_eq(b->target.dtype, HEFT_DTYPE_F32);
	ck_assert_uint_eq(b->target.rank, 2);
	if (_i == 0)
		ck_assert(((const float *)b->target.bytes)[0] == -3);
	heft_feed_batch_free(b);
	heft_feed_free(f);
}
END_TEST

START_TEST(fractions_are_no_whole_numbers)
{
	const struct heft_feed_options options = { .target_as = HEFT_TARGET_NONE };

	make_model("x", I64, "N,2", NULL, "N,2");
	add_array("x", "<f4", "(2, 2)", plain, 16);
	refused(&options,
	        "a sample of array 'x' is F32 [2], which does not fit the model's input x "
	        "I64 [N,2]");
}
END_TEST

/* --- what is found before the first step --- */

static void check_says(const struct heft_feed_options *options, const struct heft_feed_check *check,
                       const char *says)
{
	struct heft_feed *f = open_feed(options);
	struct heft_feed_report report;
	const enum heft_status st = heft_feed_check(f, check, &report, &err);

	if (!says) {
		ck_assert_msg(st == HEFT_OK, "%s", err.msg);
		heft_feed_report_done(&report);
	} else {
		ck_assert_int_eq(st, HEFT_E_USAGE);
		ck_assert_str_eq(err.msg, says);
	}
	heft_feed_free(f);
	heft_dataset_close(ds);
	ds = NULL;
}

static void write_labels(int64_t a, int64_t b, int64_t c, int64_t d)
{
	const int64_t y[4] = { a, b, c, d };

	add_array("y", "<i8", "(4,)", y, sizeof y);
}

START_TEST(labels_that_are_no_classes_are_told)
{
	static const uint64_t first_two[] = { 0, 1 };
	const struct heft_feed_options options = { .target = NULL };
	struct heft_feed_check check = { .n_classes = 3 };

	make_model("x", F32, "N,2", NULL, "N,3");
	add_array("x", "<f4", "(4, 2)", plain, 32);
	write_labels(0, 1, 2, 0);
	check_says(&options, &check, NULL);
	write_labels(0, 1, 7, 0);
	check_says(&options, &check,
	           "label 7 of sample 2 (array 'y'): the model has 3 classes, 0 to 2; labels go "
	           "from 0 to 7");
	check.samples = first_two;
	check.n_samples = 2;
	check_says(&options, &check, NULL);
	check.samples = NULL;
	write_labels(1, 3, 2, 1);
	check_says(&options, &check,
	           "label 3 of sample 1 (array 'y'): the model has 3 classes, 0 to 2; labels go "
	           "from 1 to 3: one is to be subtracted from each");
	write_labels(0, 1, 2, -1);
	check_says(&options, &check,
	           "label -1 of sample 3 (array 'y'): the model has 3 classes, 0 to 2; labels go "
	           "from -1 to 2");
	check.has_ignored = true;
	check.ignored = -1;
	check_says(&options, &check, NULL);
	write_labels(-1, -1, -1, -1);
	check_says(&options, &check, "no sample has a label (array 'y')");
}
END_TEST

START_TEST(classes_are_counted_and_missing_ones_told)
{
	const struct heft_feed_options options = { .target = NULL };
	struct heft_feed_check check = { .n_classes = 5 };
	struct heft_feed_report r;
	struct heft_feed *f;

	make_model("x", F32, "N,2", NULL, "N,5");
	add_array("x", "<f4", "(4, 2)", plain, 32);
	write_labels(2, 0, 4, 2);
	f = open_feed(&options);
	ck_assert_int_eq(heft_feed_check(f, &check, &r, &err), HEFT_OK);
	ck_assert_uint_eq(r.n_classes, 5);
	ck_assert_uint_eq(r.n_of_class[2], 2);
	ck_assert_uint_eq(r.n_missing, 2);
	ck_assert_str_eq(r.note, "classes 1, 3 have no samples");
	heft_feed_report_done(&r);
	check.n_classes = 0;
	ck_assert_int_eq(heft_feed_check(f, &check, &r, &err), HEFT_OK);
	ck_assert_uint_eq(r.n_classes, 5);
	heft_feed_report_done(&r);
	ck_assert_int_eq(heft_feed_check(f, &check, NULL, &err), HEFT_OK);
	heft_feed_free(f);
}
END_TEST

START_TEST(numbers_that_are_none_are_told)
{
	const float x[4][2] = { { 0, 1 }, { 2, 3 }, { 4, _i == 1 ? INFINITY : NAN }, { 5, 6 } };
	const struct heft_feed_options options = { .target = NULL };
	const struct heft_feed_check check = { .n_classes = 0 };

	make_model("x", _i == 2 ? F64 : F32, "N,2", NULL, "N,3");
	add_array("x", "<f4", "(4, 2)", x, sizeof x);
	add_array("y", "<i8", "(4,)", labels, sizeof labels);
	check_says(&options, &check,
	           _i == 1 ? "sample 2 has an infinity at its element 1 (array 'x')"
	                   : "sample 2 has a NaN at its element 1 (array 'x')");
}
END_TEST

START_TEST(values_that_are_no_shares_are_told)
{
	const float y[2] = { 0.5, 1.5 };
	const struct heft_feed_options options = { .target = NULL };
	struct heft_feed_check check = { .must_be_shares = true };

	make_model("x", F32, "N,2", NULL, "N,1");
	add_array("x", "<f4", "(2, 2)", plain, 16);
	add_array("y", "<f4", "(2,)", y, sizeof y);
	check_says(&options, &check,
	           "1.5 in sample 1 (array 'y'): the loss wants targets from 0 to 1");
	check.must_be_shares = false;
	check_says(&options, &check, NULL);
}
END_TEST

START_TEST(whole_numbers_that_do_not_fit_are_told)
{
	const int64_t x[4] = { 1, -2, INT64_C(3000000000), 4 };
	const float y[2] = { 1, 0.5f };
	const struct heft_feed_options none = { .target_as = HEFT_TARGET_NONE };
	const struct heft_feed_options classes = { .target_as = HEFT_TARGET_CLASSES };
	const struct heft_feed_check check = { .n_classes = 0 };

	make_model("x", I32, "N,2", NULL, "N,2");
	add_array("x", "<i8", "(2, 2)", x, sizeof x);
	check_says(&none, &check, "3000000000 in sample 1 (array 'x') does not fit I32");
	add_array("y", "<f4", "(2,)", y, sizeof y);
	check_says(&classes, &check, "0.5 in sample 1 (array 'y') does not fit I64");
}
END_TEST

/* --- failing allocation --- */

static enum heft_status use_all(void)
{
	const struct heft_feed_options options = { .target = NULL };
	const struct heft_feed_check check = { .n_classes = 0 };
	struct heft_feed_report report;
	struct heft_feed_batch *b = NULL;
	struct heft_feed *f;
	enum heft_status st;

	st = heft_feed_new(model, ds, &options, &f, &err);
	if (st != HEFT_OK)
		return st;
	st = heft_feed_check(f, &check, &report, &err);
	if (st == HEFT_OK)
		heft_feed_report_done(&report);
	if (st == HEFT_OK)
		st = heft_feed_batch_new(f, 2, &b, &err);
	if (st == HEFT_OK)
		st = heft_feed_fill(f, b, (const uint64_t[]){ 3, 0 }, 2, &err);
	heft_feed_batch_free(b);
	heft_feed_free(f);
	return st;
}

START_TEST(failing_allocation_is_told_and_leaks_nothing)
{
	make_model("image", F32, "N,1,2,2", NULL, "N,3");
	add_array("x", "|u1", "(4, 2, 2)", numbers, 16);
	add_array("y", "<i8", "(4,)", labels, sizeof labels);
	add_array("z", "<i8", "(4,)", labels, sizeof labels);
	for (size_t n = 1;; n++) {
		enum heft_status st;

		ds = data_open(scratch_path(&s, "d"));
		alloc_fail_at(n);
		st = use_all();
		if (!alloc_fail_done()) {
			ck_assert_msg(st == HEFT_OK, "%s", err.msg);
			break;
		}
		ck_assert_msg(st == HEFT_E_NOMEM, "allocation %zu: %d %s", n, st, err.msg);
		heft_dataset_close(ds);
		free(s.paths[--s.n_paths]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("train_feed");
	TCase *t = tcase_create("feed");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, arrays_are_bound_by_their_names, 0,
	                    (int)(sizeof names / sizeof names[0]));
	tcase_add_test(t, options_decide_otherwise);
	tcase_add_loop_test(t, what_does_not_fit_is_told_with_all_there_is, 0, 2);
	tcase_add_loop_test(t, samples_take_the_shape_that_is_wanted, 0,
	                    (int)(sizeof shapes / sizeof shapes[0]));
	tcase_add_loop_test(t, bytes_are_divided_by_255, 0, 3);
	tcase_add_loop_test(t, channels_are_normalised, 0, 4);
	tcase_add_loop_test(t, targets_of_values_take_the_shape_of_the_output, 0, 3);
	tcase_add_test(t, fractions_are_no_whole_numbers);
	tcase_add_test(t, labels_that_are_no_classes_are_told);
	tcase_add_test(t, classes_are_counted_and_missing_ones_told);
	tcase_add_loop_test(t, numbers_that_are_none_are_told, 0, 3);
	tcase_add_test(t, values_that_are_no_shares_are_told);
	tcase_add_test(t, whole_numbers_that_do_not_fit_are_told);
	tcase_add_test(t, failing_allocation_is_told_and_leaks_nothing);
	suite_add_tcase(suite, t);
	return heft_unit_run(suite);
}
