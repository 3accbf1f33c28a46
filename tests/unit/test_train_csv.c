/* SPDX-License-Identifier: Apache-2.0 */
/* test_train_csv.c - CSV files as data sets: fields, numbers, targets of each kind, and where a
 * file is refused. */
#include <locale.h>
#include <math.h>

#include "data_made.h"
#include "train/csv_number.h"
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

static enum heft_status open_text(const char *text, size_t n,
                                  const struct heft_dataset_options *options,
                                  struct heft_dataset **ds)
{
	char *path = scratch_path(&s, "a.csv");

	scratch_write(path, text, n);
	return heft_dataset_open(path, options, ds, &err);
}

/* A table with a target, as text: "x: 1 2|3 4 y I64: 0|1 names: no yes". */
static const struct good {
	const char *text;
	const char *target;
	const char *says;
} good[] = {
	{ "a,b,y\n1,2,0\n3,4,1\n", NULL, "x 1 2|3 4 y I64 0|1" },
	{ "a,b,y\r\n1,2,0\r\n3,4,1", NULL, "x 1 2|3 4 y I64 0|1" },
	{ "a,b,y\n1,2,0.5\n3,4,1\n", NULL, "x 1 2|3 4 y F32 0.5|1" },
	{ "a,b,y\n1,2,no\n3,4,yes\n5,6,no\n", NULL, "x 1 2|3 4|5 6 y I64 0|1|0 names no,yes" },
	{ "a,b,y\n1,2,7\n3,4,x\n5,6,7\n", NULL, "x 1 2|3 4|5 6 y I64 0|1|0 names 7,x" },
	{ "a,b,y\n1,2,0\n3,4,1\n", "a", "x 2 0|4 1 y I64 1|3" },
	{ "a,b,y\n1,2,0\n3,4,1\n", "2", "x 1 0|3 1 y I64 2|4" },
	{ "3,2,y\n1,2,0\n3,4,1\n", "3", "x 2 0|4 1 y I64 1|3" }, /* a name before a number */
	{ "\xef\xbb\xbf"
	  "a,y\n1,-5\n",
	  NULL, "x 1 y I64 -5" },
	{ "a;y\n1;2\n", NULL, "x 1 y I64 2" },
	{ "a\ty\n1\t2\n", NULL, "x 1 y I64 2" },
	{ "\"a;b\",y\n1,2\n", NULL, "x 1 y I64 2" },
	{ " a , y \n 1 ,\t2 \n\n   \n 3 , 4\n\n", NULL, "x 1|3 y I64 2|4" },
	{ "a,y\n\"1\",\"x, \"\"y\"\"\nz\"\n", NULL, "x 1 y I64 0 names x, \"y\"\nz" },
	{ "a,y\n-1e-3,+9223372036854775807\n.5,-9223372036854775808\n", NULL,
	  "x -0.001|0.5 y I64 9223372036854775807|-9223372036854775808" },
	{ "a,y\n1,9223372036854775808\n", NULL, "x 1 y F32 9.22337e+18" },
};

static void print_table(struct heft_dataset *ds, struct heft_buffer *out)
{
	const uint64_t n = heft_dataset_n_samples(ds);
	const char *const *names;
	struct heft_dataset_array x;
	struct heft_dataset_array y;
	float values[64];
	int64_t whole[64];
	uint32_t n_names;

	ck_assert_int_eq(heft_dataset_array_at(ds, 0, &x, &err), HEFT_OK);
	ck_assert_int_eq(heft_dataset_array_at(ds, 1, &y, &err), HEFT_OK);
	ck_assert_uint_eq(y.rank, 0);
	data_read(ds, 0, n, values);
	heft_buffer_addf(out, "%s", x.name);
	for (uint64_t i = 0; i < n * x.dims[0]; i++)
		heft_buffer_addf(out, "%s%g", i > 0 && i % x.dims[0] == 0 ? "|" : " ",
		                 (double)values[i]);
	heft_buffer_addf(out, " %s %s", y.name, heft_dtype_name(y.dtype));
	data_read(ds, 1, n, y.dtype == HEFT_DTYPE_I64 ? (void *)whole : values);
	for (uint64_t i = 0; i < n; i++) {
		heft_buffer_addf(out, "%s", i > 0 ? "|" : " ");
		if (y.dtype == HEFT_DTYPE_I64)
			heft_buffer_addf(out, "%lld", (long long)whole[i]);
		else
			heft_buffer_addf(out, "%g", (double)values[i]);
	}
	names = heft_dataset_class_names(ds, &n_names);
	for (uint32_t i = 0; i < n_names; i++)
		heft_buffer_addf(out, "%s%s", i > 0 ? "," : " names ", names[i]);
	heft_buffer_add_u8(out, 0);
}

START_TEST(tables_are_numbers_and_a_target)
{
	const struct good *g = &good[_i];
	const struct heft_dataset_options options = { .target = g->target };
	struct heft_buffer out;
	struct heft_dataset *ds;

	ck_assert_msg(open_text(g->text, strlen(g->text), &options, &ds) == HEFT_OK, "%s", err.msg);
	heft_buffer_init(&out);
	print_table(ds, &out);
	ck_assert_str_eq((const char *)out.bytes, g->says);
	heft_buffer_done(&out);
	heft_dataset_close(ds);
}
END_TEST

static const struct bad {
	const char *text;
	enum heft_status st;
	const char *says;
	uint64_t offset;
} bad[] = {
	{ "", HEFT_E_UNSUPPORTED, "there is nothing in it", 0 },
	{ "a,b\n", HEFT_E_UNSUPPORTED, "no lines behind the first", HEFT_NO_OFFSET },
	{ "a\n1\n", HEFT_E_UNSUPPORTED, "but one column, 'a'", 0 },
	{ "a,b\n1,2\n3\n", HEFT_E_CORRUPT, "line 3 has 1 columns, the first line 2", 8 },
	{ "a,b\n1,2\n3,4,5\n", HEFT_E_CORRUPT, "line 3 has more than 2 columns", 12 },
	{ "a,b\n1,2\nold,4\n", HEFT_E_CORRUPT,
	  "line 3, column 1 ('a'): 'old' is no number, and only the target may be text", 8 },
	{ "a,b\n1,2\n,4\n", HEFT_E_CORRUPT, "line 3, column 1 ('a') is empty", 8 },
	{ "a,b\n1,\n", HEFT_E_CORRUPT, "line 2, column 2 ('b') is empty", 6 },
	{ "a,b\nnan,2\n", HEFT_E_CORRUPT, "'nan' is no number", 4 },
	{ "a,b\n1e39,2\n", HEFT_E_CORRUPT, "'1e39' is too large for F32", 4 },
	{ "a,b\n1,\"x\n", HEFT_E_CORRUPT, "line 2, column 2: a quote that is never closed", 6 },
	{ "a,b\n1,\"x\"y\n", HEFT_E_CORRUPT, "line 2, column 2: text behind the closing quote", 9 },
	{ "a,b\n1,x\"y\n", HEFT_E_CORRUPT, "line 2, column 2: a quote within a field", 7 },
	{ "a,b\n1,x\ry\n", HEFT_E_CORRUPT, "a carriage return that ends no line", 7 },
	{ "a,b\n1,\xff\n", HEFT_E_CORRUPT, "text that is not UTF-8", 6 },
	{ "a,\"multi\nline\"\n1,2\nx,2\n", HEFT_E_CORRUPT, "line 4, column 1", 19 },
};

START_TEST(bad_tables_are_refused_with_line_and_column)
{
	const struct bad *b = &bad[_i];
	struct heft_dataset *ds = NULL;

	ck_assert_int_eq(open_text(b->text, strlen(b->text), NULL, &ds), b->st);
	ck_assert_msg(strstr(err.msg, b->says), "'%s' is not in: %s", b->says, err.msg);
	ck_assert_uint_eq(err.offset, b->offset);
	ck_assert_ptr_null(ds);
}
END_TEST

START_TEST(a_byte_zero_and_a_long_field_are_refused)
{
	const size_t n = 70000;
	char *text = malloc(n);
	struct heft_dataset *ds;

	ck_assert_int_eq(open_text("a,b\n1,\0\n", 8, NULL, &ds), HEFT_E_CORRUPT);
	ck_assert_ptr_nonnull(strstr(err.msg, "a byte 0"));
	ck_assert_ptr_nonnull(text);
	memset(text, 'z', n);
	memcpy(text, "a,b\n1,", 6);
	ck_assert_int_eq(open_text(text, n, NULL, &ds), HEFT_E_LIMIT);
	free(text);
}
END_TEST

START_TEST(a_target_that_is_not_there_is_refused)
{
	struct heft_dataset_options options = { .target = "c" };
	struct heft_dataset *ds;

	ck_assert_int_eq(open_text("a,b\n1,2\n", 8, &options, &ds), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg,
	                 "no column is called 'c', nor is it a number from 1 to 2; there are a, b");
	options.target = "3";
	ck_assert_int_eq(open_text("a,b\n1,2\n", 8, &options, &ds), HEFT_E_USAGE);
	options.target = "a";
	ck_assert_int_eq(open_text("a,a\n1,2\n", 8, &options, &ds), HEFT_E_USAGE);
}
END_TEST

START_TEST(known_classes_keep_their_numbers)
{
	static const char *const names[] = { "yes", "no", "1" };
	const struct heft_dataset_options options = { .class_names = names, .n_class_names = 3 };
	struct heft_dataset *ds;
	int64_t y[3];

	ck_assert_msg(open_text("a,b\n1,no\n2,1\n3,yes\n", 19, &options, &ds) == HEFT_OK, "%s",
	              err.msg);
	data_read(ds, 1, 3, y);
	ck_assert(y[0] == 1 && y[1] == 2 && y[2] == 0);
	heft_dataset_close(ds);
	ck_assert_int_eq(open_text("a,b\n1,no\n2,maybe\n", 17, &options, &ds), HEFT_E_CORRUPT);
	ck_assert_ptr_nonnull(strstr(err.msg, "line 3, column 2 ('b'): 'maybe' is none of"));
}
END_TEST

START_TEST(the_first_line_may_be_data)
{
	const struct heft_dataset_options options = { .no_header = true, .target = "1" };
	struct heft_dataset *ds;
	int64_t y[2];

	ck_assert_msg(open_text("5,6\n7,8\n", 8, &options, &ds) == HEFT_OK, "%s", err.msg);
	ck_assert_uint_eq(heft_dataset_n_samples(ds), 2);
	data_read(ds, 1, 2, y);
	ck_assert(y[0] == 5 && y[1] == 7);
	heft_dataset_close(ds);
}
END_TEST

START_TEST(a_packed_table_of_many_pieces_is_the_same)
{
	struct heft_buffer b;
	uint8_t digests[2][32];

	heft_buffer_init(&b);
	heft_buffer_addf(&b, "a,b,kind\n");
	for (unsigned i = 0; i < 20000; i++)
		heft_buffer_addf(&b, "%u.%u,-%ue-2,class %u\n", i, i % 97, i, i * 7919 % 300);
	for (int packed = 0; packed < 2; packed++) {
		char *path = scratch_path(&s, packed ? "a.csv.gz" : "a.csv");
		struct heft_dataset *ds;
		uint32_t n;

		data_write(path, packed, b.bytes, b.size);
		ds = data_open(path);
		ck_assert_str_eq(heft_dataset_kind_name(ds), "csv");
		ck_assert_uint_eq(heft_dataset_n_samples(ds), 20000);
		ck_assert_str_eq(heft_dataset_class_names(ds, &n)[1], "class 119");
		ck_assert_uint_eq(n, 300);
		ck_assert_int_eq(heft_dataset_digest(ds, NULL, digests[packed], &err), HEFT_OK);
		heft_dataset_close(ds);
	}
	ck_assert_mem_eq(digests[0], digests[1], 32);
	heft_buffer_done(&b);
}
END_TEST

START_TEST(numbers_are_the_nearest_ones)
{
	static const char *const texts[] = {
		"0",
		"-0",
		"1",
		"0.1",
		"-0.3",
		"123456.789",
		"9007199254740993",
		"9007199254740991",
		"0.000000000000000000001",
		"1e22",
		"1e23",
		"5e-324",
		"1.7976931348623157e308",
		"3.14159265358979323846264338327950288",
		"00000000000000000000000000000001.5",
		"+7.",
	};
	static const char *const none[] = { "",    ".",   "-",   "1x",  "0x10", "1e999",
		                            "inf", "nan", "1 2", "1,5", "--1",  "1.2.3" };
	double value;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		ck_assert_msg(heft_csv_real(texts[i], strlen(texts[i]), &value), "%s", texts[i]);
		ck_assert_msg(value == strtod(texts[i], NULL) &&
		                      signbit(value) == signbit(strtod(texts[i], NULL)),
		              "%s", texts[i]);
	}
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		ck_assert_msg(!heft_csv_real(none[i], strlen(none[i]), &value), "%s", none[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("train_csv");
	TCase *t = tcase_create("tables");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, tables_are_numbers_and_a_target, 0,
	                    (int)(sizeof good / sizeof good[0]));
	tcase_add_loop_test(t, bad_tables_are_refused_with_line_and_column, 0,
	                    (int)(sizeof bad / sizeof bad[0]));
	tcase_add_test(t, a_byte_zero_and_a_long_field_are_refused);
	tcase_add_test(t, a_target_that_is_not_there_is_refused);
	tcase_add_test(t, known_classes_keep_their_numbers);
	tcase_add_test(t, the_first_line_may_be_data);
	tcase_add_test(t, a_packed_table_of_many_pieces_is_the_same);
	tcase_add_test(t, numbers_are_the_nearest_ones);
	suite_add_tcase(suite, t);
	return heft_unit_run(suite);
}
