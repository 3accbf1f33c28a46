/* SPDX-License-Identifier: Apache-2.0 */
/* test_train_dataset.c - data sets of arrays and of IDX files: what is found, what is read, what is
 * refused and why; the digest, which is that of the weights; failing allocation. */
#include <sys/stat.h>

#include "alloc_fail.h"
#include "data_made.h"
#include "heft/digest.h"
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

/* Opening fails so, and says this. */
static void refused(const char *path, enum heft_status st, const char *says)
{
	struct heft_dataset *ds = NULL;

	ck_assert_int_eq(heft_dataset_open(path, NULL, &ds, &err), st);
	ck_assert_msg(strstr(err.msg, says), "'%s' is not in: %s", says, err.msg);
	ck_assert_ptr_null(ds);
}

static const uint8_t pixels[24] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
	                            12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 255 };
static const uint8_t labels[4] = { 3, 0, 1, 2 };

/* Four images of 2 x 3, and their labels. */
static void write_pair(const char *folder, const char *prefix, bool is_packed)
{
	const char *end = is_packed ? ".gz" : "";
	char name[256];

	mkdir(scratch_path(&s, folder), 0700);
	snprintf(name, sizeof name, "%s/%s-images-idx3-ubyte%s", folder, prefix, end);
	data_write_idx(scratch_path(&s, name), is_packed, 8, 3, (const uint32_t[]){ 4, 2, 3 },
	               pixels, sizeof pixels);
	snprintf(name, sizeof name, "%s/%s-labels-idx1-ubyte%s", folder, prefix, end);
	data_write_idx(scratch_path(&s, name), is_packed, 8, 1, (const uint32_t[]){ 4 }, labels,
	               sizeof labels);
}

/* --- arrays --- */

START_TEST(a_folder_of_npy_files_has_an_array_each)
{
	const float x[3][2] = { { 1, 2 }, { 3, 4 }, { 5, 6 } };
	const int64_t y[3] = { 7, 8, 9 };
	const uint64_t samples[] = { 2, 0, 1, 1 };
	struct heft_dataset_array a;
	float got[4][2];
	uint32_t i;
	struct heft_dataset *ds;

	mkdir(scratch_path(&s, "d"), 0700);
	data_write_npy(scratch_path(&s, "d/zebra.npy"), "<i8", "(3,)", y, sizeof y);
	data_write_npy(scratch_path(&s, "d/ant.npy"), "<f4", "(3, 2)", x, sizeof x);
	scratch_write(scratch_path(&s, "d/.hidden.npy"), "no", 2);
	ds = data_open(scratch_path(&s, "d"));
	ck_assert_str_eq(heft_dataset_kind_name(ds), "npy_folder");
	ck_assert_uint_eq(heft_dataset_n_samples(ds), 3);
	ck_assert_uint_eq(heft_dataset_n_arrays(ds), 2);
	ck_assert_int_eq(heft_dataset_array_at(ds, 0, &a, &err), HEFT_OK);
	ck_assert_str_eq(a.name, "ant");
	ck_assert_int_eq(a.dtype, HEFT_DTYPE_F32);
	ck_assert_uint_eq(a.rank, 1);
	ck_assert_uint_eq(a.dims[0], 2);
	ck_assert_uint_eq(a.n_bytes, 8);
	ck_assert(heft_dataset_find(ds, "zebra", &i) && i == 1);
	ck_assert(!heft_dataset_find(ds, "zebr", NULL));
	ck_assert_int_eq(heft_dataset_read(ds, 0, samples, 4, got, &err), HEFT_OK);
	for (int k = 0; k < 4; k++)
		ck_assert_mem_eq(got[k], x[samples[k]], sizeof got[k]);
	ck_assert_int_eq(heft_dataset_read(ds, 0, (const uint64_t[]){ 3 }, 1, got, &err),
	                 HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, "sample 3 of 3");
	ck_assert_int_eq(heft_dataset_read(ds, 2, samples, 1, got, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_dataset_array_at(ds, 2, &a, &err), HEFT_E_USAGE);
	heft_dataset_close(ds);
	heft_dataset_close(NULL);
}
END_TEST

START_TEST(arrays_that_are_no_data_set_are_refused)
{
	const float x[8] = { 0 };

	mkdir(scratch_path(&s, "d"), 0700);
	refused(scratch_path(&s, "d"), HEFT_E_USAGE, "a folder without a file of weights");
	refused(scratch_path(&s, "none"), HEFT_E_NOT_FOUND, "no such file");
	data_write_npy(scratch_path(&s, "d/a.npy"), "<f4", "(2, 2)", x, 16);
	data_write_npy(scratch_path(&s, "d/b.npy"), "<f4", "(4,)", x, 16);
	refused(scratch_path(&s, "d"), HEFT_E_UNSUPPORTED,
	        "do not share their first dimension, the samples: a F32 [2,2], b F32 [4]");
	data_write_npy(scratch_path(&s, "d/b.npy"), "<f4", "()", x, 4);
	refused(scratch_path(&s, "d"), HEFT_E_UNSUPPORTED, "b.npy: array 'b' has 0 dimensions");
	data_write_npy(scratch_path(&s, "d/b.npy"), "<f4", "(0, 3)", x, 0);
	refused(scratch_path(&s, "d"), HEFT_E_UNSUPPORTED, "array 'b' has no samples");
	data_write_npy(scratch_path(&s, "d/b.npy"), "<c8", "(2,)", x, 16);
	refused(scratch_path(&s, "d"), HEFT_E_UNSUPPORTED, "array 'b' is C64, which no sample");
	data_write_npy(scratch_path(&s, "d/b.npy"), "<f4", "(2, 9)", x, 16);
	refused(scratch_path(&s, "d"), HEFT_E_CORRUPT, "b.npy: ");
	scratch_write(scratch_path(&s, "words"), "no data", 7);
	refused(scratch_path(&s, "words"), HEFT_E_NOT_FORMAT, "");
}
END_TEST

START_TEST(a_limit_on_bytes_is_kept)
{
	const struct heft_dataset_options options = { .limits = { .max_logical_bytes = 27 } };
	struct heft_dataset *ds;

	write_pair("d", "train", _i == 1);
	ck_assert_int_eq(heft_dataset_open(scratch_path(&s, "d"), &options, &ds, &err),
	                 HEFT_E_LIMIT);
}
END_TEST

START_TEST(a_kind_can_be_named)
{
	struct heft_dataset_options options = { .kind = "npy_folder" };
	struct heft_dataset *ds;
	uint32_t n = 0;

	write_pair("d", "train", false);
	data_write_npy(scratch_path(&s, "d/a.npy"), "|u1", "(4,)", labels, 4);
	ck_assert_int_eq(heft_dataset_open(scratch_path(&s, "d"), &options, &ds, &err), HEFT_OK);
	ck_assert_uint_eq(heft_dataset_n_arrays(ds), 1);
	heft_dataset_close(ds);
	options.kind = "hdf";
	ck_assert_int_eq(heft_dataset_open(scratch_path(&s, "d"), &options, &ds, &err),
	                 HEFT_E_USAGE);
	while (heft_dataset_kind_at(n))
		n++;
	ck_assert_uint_eq(n, 4);
}
END_TEST

/* --- IDX --- */

START_TEST(a_folder_of_idx_files_is_images_and_labels)
{
	struct heft_dataset_array a;
	uint8_t got[sizeof pixels];
	struct heft_dataset *ds;

	write_pair("d", "train", _i == 1);
	write_pair("d", "t10k", _i == 1);
	ds = data_open(scratch_path(&s, "d"));
	ck_assert_str_eq(heft_dataset_kind_name(ds), "idx");
	ck_assert_uint_eq(heft_dataset_n_samples(ds), 4);
	ck_assert_int_eq(heft_dataset_array_at(ds, 0, &a, &err), HEFT_OK);
	ck_assert_str_eq(a.name, "x");
	ck_assert_int_eq(a.dtype, HEFT_DTYPE_U8);
	ck_assert_uint_eq(a.rank, 2);
	ck_assert_uint_eq(a.dims[0] * 10 + a.dims[1], 23);
	data_read(ds, 0, 4, got);
	ck_assert_mem_eq(got, pixels, sizeof pixels);
	data_read(ds, 1, 4, got);
	ck_assert_mem_eq(got, labels, sizeof labels);
	heft_dataset_close(ds);
}
END_TEST

static const char *const ways[] = { "d/t10k", "d/t10k-images-idx3-ubyte",
	                            "d/t10k-labels-idx1-ubyte" };

START_TEST(a_prefix_or_a_file_stands_for_the_pair)
{
	uint8_t got[sizeof pixels];
	struct heft_dataset *ds;

	write_pair("d", "train", true);
	write_pair("d", "t10k", false);
	ds = data_open(scratch_path(&s, ways[_i]));
	ck_assert_uint_eq(heft_dataset_n_arrays(ds), 2);
	data_read(ds, 0, 4, got);
	ck_assert_mem_eq(got, pixels, sizeof pixels);
	heft_dataset_close(ds);
	refused(scratch_path(&s, "d/valid"), HEFT_E_NOT_FOUND, "no such file");
}
END_TEST

START_TEST(sets_of_another_name_are_found_or_to_be_named)
{
	write_pair("d", "letters-train", false);
	write_pair("d", "letters-test", false);
	heft_dataset_close(data_open(scratch_path(&s, "d")));
	write_pair("e", "a", false);
	heft_dataset_close(data_open(scratch_path(&s, "e")));
	write_pair("e", "b", false);
	refused(scratch_path(&s, "e"), HEFT_E_USAGE, "of which one is to be named");
	unlink(scratch_path(&s, "d/letters-train-labels-idx1-ubyte"));
	refused(scratch_path(&s, "d"), HEFT_E_NOT_FOUND, "'letters-train-labels-idx1-ubyte'");
}
END_TEST

static const struct typed {
	uint8_t code;
	enum heft_dtype dtype;
	size_t size;
} types[] = {
	{ 0x08, HEFT_DTYPE_U8, 1 },  { 0x09, HEFT_DTYPE_I8, 1 },  { 0x0b, HEFT_DTYPE_I16, 2 },
	{ 0x0c, HEFT_DTYPE_I32, 4 }, { 0x0d, HEFT_DTYPE_F32, 4 }, { 0x0e, HEFT_DTYPE_F64, 8 },
};

START_TEST(numbers_of_idx_files_are_big_endian)
{
	const struct typed *t = &types[_i / 2];
	uint8_t got[24];
	struct heft_dataset_array a;
	struct heft_dataset *ds;

	data_write_idx(scratch_path(&s, "a.idx"), _i % 2 == 1, t->code, 2,
	               (const uint32_t[]){ 1, (uint32_t)(24 / t->size) }, pixels, 24);
	ds = data_open(scratch_path(&s, "a.idx"));
	ck_assert_uint_eq(heft_dataset_n_arrays(ds), 1);
	ck_assert_int_eq(heft_dataset_array_at(ds, 0, &a, &err), HEFT_OK);
	ck_assert_int_eq(a.dtype, t->dtype);
	data_read(ds, 0, 1, got);
	for (size_t i = 0; i < 24; i++)
		ck_assert_uint_eq(got[i],
		                  pixels[i / t->size * t->size + t->size - 1 - i % t->size]);
	heft_dataset_close(ds);
}
END_TEST

START_TEST(idx_files_of_another_size_are_refused)
{
	const uint32_t dims[] = { 4, 2, 3 };
	char *path = scratch_path(&s, "a.idx");

	data_write_idx(path, false, 8, 3, dims, pixels, 23);
	refused(path, HEFT_E_CORRUPT, "the file ends too early: its header states 24 bytes");
	ck_assert_uint_eq(err.offset, 16 + 23);
	data_write_idx(path, false, 8, 3, (const uint32_t[]){ 3, 2, 3 }, pixels, 24);
	refused(path, HEFT_E_CORRUPT, "bytes follow the last element");
	ck_assert_uint_eq(err.offset, 16 + 18);
	data_write_idx(path, false, 8, 3, (const uint32_t[]){ 0xffffffff, 0xffffffff, 2 }, pixels,
	               24);
	refused(path, HEFT_E_LIMIT, "");
	data_write_idx(path, true, 8, 3, (const uint32_t[]){ 65535, 65535, 4 }, pixels, 24);
	refused(path, HEFT_E_CORRUPT, "the file ends too early");
	scratch_write(path, "\0\0\x08\x03\0\0\0\x04\0", 9);
	refused(path, HEFT_E_CORRUPT, "the header is cut short");
	data_write_idx(path, false, 8, 10, (const uint32_t[10]){ 4, 2, 3, 1, 1, 1, 1, 1, 1, 1 },
	               pixels, 24);
	refused(path, HEFT_E_UNSUPPORTED, "an array of 10 dimensions");
}
END_TEST

/* Opening unpacks a few bytes, reading all of them: of a small file the first finds the damage. */
static enum heft_status open_and_read(const char *path, size_t n, void *dst)
{
	const uint64_t samples[] = { 0, 1 };
	struct heft_dataset *ds;
	enum heft_status st = heft_dataset_open(path, NULL, &ds, &err);

	if (st != HEFT_OK)
		return st;
	st = heft_dataset_read(ds, 0, samples, n, dst, &err);
	heft_dataset_close(ds);
	return st;
}

#define PACKED_ROW 3000u

START_TEST(packed_idx_files_are_checked_when_they_are_read)
{
	const uint32_t dims[] = { 2, _i < 4 ? 12 : PACKED_ROW };
	static uint8_t data[2 * PACKED_ROW];
	static uint8_t got[2 * PACKED_ROW];
	char *path = scratch_path(&s, "a.gz");
	size_t size;
	char *bytes;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * i / 7);
	data_write_idx(path, true, 8, 2, dims, data, 2 * (size_t)dims[1] - (_i % 4 == 0));
	bytes = scratch_read(path, &size);
	if (_i % 4 == 1)
		bytes[size - 5] ^= 1; /* the CRC */
	if (_i % 4 == 2)
		size -= 3;
	if (_i % 4 == 3)
		bytes[size - 8 - 9] ^= 0x7f;
	scratch_write(path, bytes, size);
	free(bytes);
	err.offset = HEFT_NO_OFFSET;
	ck_assert_int_eq(open_and_read(path, 2, got), HEFT_E_CORRUPT);
	ck_assert_uint_ne(err.offset, HEFT_NO_OFFSET);
}
END_TEST

START_TEST(members_of_gzip_follow_one_another)
{
	const uint8_t head[] = { 0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 12 };
	char *path = scratch_path(&s, "a.gz");
	struct heft_buffer b;
	uint8_t got[24];

	heft_buffer_init(&b);
	data_add_gzip(&b, head, 5);
	data_add_gzip(&b, head + 5, sizeof head - 5);
	data_add_gzip(&b, pixels, 24);
	heft_buffer_add_zeros(&b, _i == 1 ? 700 : 0);
	if (_i == 2)
		heft_buffer_add(&b, "more", 4);
	scratch_write(path, b.bytes, b.size);
	heft_buffer_done(&b);
	ck_assert_int_eq(open_and_read(path, 2, got), _i == 2 ? HEFT_E_CORRUPT : HEFT_OK);
	if (_i < 2)
		ck_assert_mem_eq(got, pixels, 24);
}
END_TEST

/* --- rows where they lie --- */

#define BIG_ROW 40000u
#define N_BIG 5u

START_TEST(large_rows_are_read_where_they_lie)
{
	const uint64_t samples[] = { 3, 4, 0 };
	uint8_t *bytes = malloc(N_BIG * BIG_ROW);
	uint8_t *got = malloc(3 * BIG_ROW);
	char *path = scratch_path(&s, "big.idx");
	struct heft_dataset *ds;

	ck_assert(bytes && got);
	for (size_t i = 0; i < N_BIG * BIG_ROW; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	data_write_idx(path, false, 8, 2, (const uint32_t[]){ N_BIG, BIG_ROW }, bytes,
	               N_BIG * BIG_ROW);
	ds = data_open(path);
	ck_assert_int_eq(heft_dataset_read(ds, 0, samples, 3, got, &err), HEFT_OK);
	ck_assert_mem_eq(got, bytes + 3 * BIG_ROW, 2 * BIG_ROW);
	ck_assert_mem_eq(got + 2 * BIG_ROW, bytes, BIG_ROW);
	/* Somebody cuts the file short meanwhile: no signal, but a sentence. */
	ck_assert_int_eq(truncate(path, 12 + 4 * BIG_ROW), 0);
	ck_assert_int_eq(heft_dataset_read(ds, 0, samples, 1, got, &err), HEFT_OK);
	ck_assert_int_eq(heft_dataset_read(ds, 0, samples, 2, got, &err), HEFT_E_CORRUPT);
	ck_assert_uint_eq(err.offset, 12 + 4 * BIG_ROW);
	heft_dataset_close(ds);
	free(bytes);
	free(got);
}
END_TEST

/* --- the digest --- */

START_TEST(the_digest_is_that_of_the_weights)
{
	uint8_t digest[HEFT_DIGEST_SIZE];
	uint8_t same[HEFT_DIGEST_SIZE];
	struct heft_dataset *ds;

	mkdir(scratch_path(&s, "n"), 0700);
	data_write_npy(scratch_path(&s, "n/y.npy"), "|u1", "(4,)", labels, 4);
	data_write_npy(scratch_path(&s, "n/x.npy"), "|u1", "(4, 2, 3)", pixels, 24);
	ds = data_open(scratch_path(&s, "n"));
	ck_assert_int_eq(heft_dataset_digest(ds, NULL, digest, &err), HEFT_OK);
	heft_dataset_close(ds);
	for (int packed = 0; packed < 2; packed++) {
		write_pair(packed ? "b" : "a", "train", packed);
		ds = data_open(scratch_path(&s, packed ? "b" : "a"));
		ck_assert_int_eq(heft_dataset_digest(ds, NULL, same, &err), HEFT_OK);
		ck_assert_mem_eq(same, digest, sizeof digest);
		heft_dataset_close(ds);
	}
	data_write_npy(scratch_path(&s, "n/x.npy"), "|u1", "(4, 3, 2)", pixels, 24);
	ds = data_open(scratch_path(&s, "n"));
	ck_assert_int_eq(heft_dataset_digest(ds, NULL, same, &err), HEFT_OK);
	ck_assert_mem_ne(same, digest, sizeof digest);
	heft_dataset_close(ds);
}
END_TEST

/* Through the heft_open of one file, and through chunks of a folder: more than two of them. */
START_TEST(the_digest_of_many_chunks_is_that_of_the_file)
{
	const size_t n = (5u << 20) + 12345;
	uint8_t digests[2][HEFT_DIGEST_SIZE];
	uint8_t *bytes = malloc(n);
	struct heft_dataset *ds;
	char shape[32];

	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 1021);
	snprintf(shape, sizeof shape, "(1, %zu)", n);
	mkdir(scratch_path(&s, "d"), 0700);
	data_write_npy(scratch_path(&s, "d/arr_0.npy"), "|u1", shape, bytes, n);
	ds = data_open(scratch_path(&s, "d"));
	ck_assert_int_eq(heft_dataset_digest(ds, NULL, digests[0], &err), HEFT_OK);
	heft_dataset_close(ds);
	ds = data_open(scratch_path(&s, "d/arr_0.npy"));
	ck_assert_str_eq(heft_dataset_kind_name(ds), "file");
	ck_assert_int_eq(heft_dataset_digest(ds, NULL, digests[1], &err), HEFT_OK);
	ck_assert_mem_eq(digests[0], digests[1], HEFT_DIGEST_SIZE);
	heft_dataset_close(ds);
	free(bytes);
}
END_TEST

static bool stop(void *user, uint64_t n_done, uint64_t n_total)
{
	(void)user;
	ck_assert_uint_le(n_done, n_total);
	return true;
}

START_TEST(a_digest_can_be_stopped)
{
	const struct heft_run run = { .progress = stop };
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_dataset *ds;

	write_pair("d", "train", false);
	ds = data_open(scratch_path(&s, "d"));
	ck_assert_int_eq(heft_dataset_digest(ds, &run, digest, &err), HEFT_E_CANCELLED);
	heft_dataset_close(ds);
}
END_TEST

/* --- failing allocation --- */

static const char *const places[] = { "plain", "packed", "plain/train", "arrays", "table.csv" };

static enum heft_status use(const char *path)
{
	const uint64_t samples[] = { 1, 0 };
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_dataset *ds;
	uint8_t got[64];
	enum heft_status st = heft_dataset_open(path, NULL, &ds, &err);

	if (st != HEFT_OK)
		return st;
	for (uint32_t i = 0; st == HEFT_OK && i < heft_dataset_n_arrays(ds); i++)
		st = heft_dataset_read(ds, i, samples, 2, got, &err);
	if (st == HEFT_OK)
		st = heft_dataset_digest(ds, NULL, digest, &err);
	heft_dataset_close(ds);
	return st;
}

START_TEST(failing_allocation_is_told_and_leaks_nothing)
{
	const char *table = "a,b,kind\n1,2.5,no\n3,4,yes\n5,6,no\n";
	char *path = scratch_path(&s, places[_i]);
	enum heft_status st;

	write_pair("plain", "train", false);
	write_pair("packed", "train", true);
	mkdir(scratch_path(&s, "arrays"), 0700);
	data_write_npy(scratch_path(&s, "arrays/x.npy"), "|u1", "(4, 2, 3)", pixels, 24);
	data_write_npy(scratch_path(&s, "arrays/y.npy"), "|u1", "(4,)", labels, 4);
	scratch_write(scratch_path(&s, "table.csv"), table, strlen(table));
	for (size_t n = 1;; n++) {
		alloc_fail_at(n);
		st = use(path);
		if (!alloc_fail_done())
			break;
		ck_assert_msg(st == HEFT_E_NOMEM, "allocation %zu: %d %s", n, st, err.msg);
	}
	ck_assert_msg(st == HEFT_OK, "%s", err.msg);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("train_dataset");
	TCase *t = tcase_create("data sets");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_folder_of_npy_files_has_an_array_each);
	tcase_add_test(t, arrays_that_are_no_data_set_are_refused);
	tcase_add_loop_test(t, a_limit_on_bytes_is_kept, 0, 2);
	tcase_add_test(t, a_kind_can_be_named);
	tcase_add_loop_test(t, a_folder_of_idx_files_is_images_and_labels, 0, 2);
	tcase_add_loop_test(t, a_prefix_or_a_file_stands_for_the_pair, 0, 3);
	tcase_add_test(t, sets_of_another_name_are_found_or_to_be_named);
	tcase_add_loop_test(t, numbers_of_idx_files_are_big_endian, 0,
	                    2 * (int)(sizeof types / sizeof types[0]));
	tcase_add_test(t, idx_files_of_another_size_are_refused);
	tcase_add_loop_test(t, packed_idx_files_are_checked_when_they_are_read, 0, 8);
	tcase_add_loop_test(t, members_of_gzip_follow_one_another, 0, 3);
	tcase_add_test(t, large_rows_are_read_where_they_lie);
	tcase_add_test(t, the_digest_is_that_of_the_weights);
	tcase_add_test(t, the_digest_of_many_chunks_is_that_of_the_file);
	tcase_add_test(t, a_digest_can_be_stopped);
	tcase_add_loop_test(t, failing_allocation_is_told_and_leaks_nothing, 0,
	                    (int)(sizeof places / sizeof places[0]));
	suite_add_tcase(suite, t);
	return heft_unit_run(suite);
}
