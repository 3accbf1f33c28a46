/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_write.c - new files by heft_create, heft_declare, heft_put, heft_commit. */
#include "heft/write.h"

#include <fcntl.h>

#include "base/lock.h"
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

static const struct heft_tensor one = {
	.name = "w", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 2 }
};

START_TEST(what_was_put_is_read_back)
{
	char *path = scratch_path(&s, "model");
	uint8_t digest[HEFT_DIGEST_SIZE];
	uint8_t found[HEFT_DIGEST_SIZE];
	struct heft_file *file;
	struct heft_tensor t;
	float *v = model_values(MODEL_BIG_N);
	float *back = malloc(MODEL_BIG_N * sizeof *back);
	const char *json;

	model_write(path, formats[_i], NULL, true, digest);
	file = model_open(path);
	ck_assert_str_eq(heft_format_name(file), formats[_i]);
	ck_assert_uint_eq(heft_n_tensors(file), MODEL_N + 1);
	ck_assert_int_eq(heft_find(file, "big", &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_read(file, &t, 0, back, MODEL_BIG_N * sizeof *back, &err), HEFT_OK);
	ck_assert_mem_eq(back, v, MODEL_BIG_N * sizeof *back);
	ck_assert_int_eq(heft_read(file, &t, (1 << 20) - 4, back, 12, &err), HEFT_OK);
	ck_assert_mem_eq(back, v + (1 << 18) - 1, 12);
	ck_assert_int_eq(heft_read(file, &t, t.n_bytes - 4, back, 8, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_find(file, "tied.weight", &t, &err), HEFT_OK);
	ck_assert_uint_eq(t.tie, strcmp(formats[_i], "heft") == 0 ? 0 : t.index);
	ck_assert_int_eq(heft_read(file, &t, 0, back, 24, &err), HEFT_OK);
	ck_assert_mem_eq(back, v, 24);
	ck_assert_int_eq(heft_metadata(file, &json, &err), HEFT_OK);
	ck_assert_str_eq(json, MODEL_METADATA);
	ck_assert_int_eq(heft_weights_digest(file, NULL, found, &err), HEFT_OK);
	ck_assert_mem_eq(found, digest, sizeof digest);
	heft_close(file);
	free(back);
	free(v);
}
END_TEST

START_TEST(formats_agree_on_the_weights_digest)
{
	uint8_t digest[2][HEFT_DIGEST_SIZE];

	model_write(scratch_path(&s, "a"), formats[0], NULL, true, digest[0]);
	model_write(scratch_path(&s, "b"), formats[1], NULL, true, digest[1]);
	ck_assert_mem_eq(digest[0], digest[1], HEFT_DIGEST_SIZE);
}
END_TEST

START_TEST(a_tie_takes_no_bytes_in_a_heft_file)
{
	size_t with;
	size_t without;

	model_write(scratch_path(&s, "a"), "heft", NULL, true, NULL);
	model_write(scratch_path(&s, "b"), "heft", NULL, false, NULL);
	free(scratch_read(scratch_path(&s, "a"), &with));
	free(scratch_read(scratch_path(&s, "b"), &without));
	ck_assert_uint_lt(with - without, 200);
}
END_TEST

START_TEST(bytes_out_of_order_are_refused)
{
	struct heft_tensor second = one;
	struct heft_writer *w;
	float v[2] = { 1, 2 };

	second.name = "x";
	ck_assert_int_eq(heft_create(scratch_path(&s, "f"), formats[_i], NULL, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &one, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &second, &err), HEFT_OK);
	ck_assert_int_eq(heft_put(w, 1, v, sizeof v, &err), HEFT_E_USAGE);
	/* it has failed before */
	ck_assert_int_eq(heft_put(w, 0, v, sizeof v, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_commit(w, NULL, &err), HEFT_E_USAGE);
	ck_assert_uint_eq(scratch_n_files(&s), 0);
}
END_TEST

START_TEST(missing_and_spare_bytes_are_refused)
{
	struct heft_writer *w;
	float v[3] = { 1, 2, 3 };

	ck_assert_int_eq(heft_create(scratch_path(&s, "f"), formats[_i], NULL, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &one, &err), HEFT_OK);
	ck_assert_int_eq(heft_put(w, 0, v, 4, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &one, &err), HEFT_E_USAGE); /* data has begun */
	ck_assert_int_eq(heft_commit(w, NULL, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_create(scratch_path(&s, "f"), formats[_i], NULL, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &one, &err), HEFT_OK);
	ck_assert_int_eq(heft_put(w, 0, v, sizeof v, &err), HEFT_E_USAGE);
	heft_discard(w);
	ck_assert_uint_eq(scratch_n_files(&s), 0);
}
END_TEST

START_TEST(a_name_twice_is_refused)
{
	struct heft_writer *w;

	ck_assert_int_eq(heft_create(scratch_path(&s, "f"), formats[_i], NULL, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &one, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &one, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "'w'"));
	heft_discard(w);
}
END_TEST

START_TEST(a_tie_of_another_shape_is_refused)
{
	struct heft_tensor other = one;
	struct heft_writer *w;

	other.name = "x";
	other.dims[0] = 3;
	ck_assert_int_eq(heft_create(scratch_path(&s, "f"), formats[_i], NULL, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &one, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare_tied(w, &other, 0, &err), HEFT_E_USAGE);
	heft_discard(w);
}
END_TEST

START_TEST(an_existing_file_is_kept_unless_told_otherwise)
{
	const struct heft_write_options replace = { .overwrite = true };
	char *path = scratch_path(&s, "f");
	struct heft_writer *w;

	scratch_write(path, "old", 3);
	ck_assert_int_eq(heft_create(path, formats[_i], NULL, &w, &err), HEFT_E_USAGE);
	scratch_check(path, "old", 3);
	ck_assert_int_eq(heft_create(path, formats[_i], &replace, &w, &err), HEFT_OK);
	heft_discard(w);
	scratch_check(path, "old", 3);
	model_write(path, formats[_i], &replace, false, NULL);
	heft_close(model_open(path));
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

START_TEST(a_file_without_tensors_is_written)
{
	char *path = scratch_path(&s, "f");
	uint8_t digest[HEFT_DIGEST_SIZE];
	uint8_t found[HEFT_DIGEST_SIZE];
	struct heft_writer *w;

	ck_assert_int_eq(heft_create(path, formats[_i], NULL, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_commit(w, digest, &err), HEFT_OK);
	model_digest(path, found);
	ck_assert_mem_eq(found, digest, sizeof digest);
}
END_TEST

START_TEST(options_that_a_format_lacks_are_refused)
{
	const struct heft_write_options packed = { .compress = HEFT_COMPRESS_FAST };
	const struct heft_write_options odd = { .alignment = 100 };
	struct heft_writer *w;

	ck_assert_int_eq(heft_create(scratch_path(&s, "f"), "safetensors", &packed, &w, &err),
	                 HEFT_E_USAGE);
	ck_assert_int_eq(heft_create(scratch_path(&s, "f"), "heft", &odd, &w, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_create(scratch_path(&s, "f"), "zip", NULL, &w, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_create("-", "heft", NULL, &w, &err), HEFT_E_USAGE);
	ck_assert_uint_eq(scratch_n_files(&s), 0);
}
END_TEST

START_TEST(metadata_must_be_an_object_without_doubles)
{
	struct heft_writer *w;

	ck_assert_int_eq(heft_create(scratch_path(&s, "f"), formats[_i], NULL, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_set_metadata(w, "[1]", &err), HEFT_E_USAGE);
	heft_discard(w);
	ck_assert_int_eq(heft_create(scratch_path(&s, "f"), formats[_i], NULL, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_set_metadata(w, "{\"a\":1,\"a\":2}", &err), HEFT_E_USAGE);
	heft_discard(w);
}
END_TEST

START_TEST(compression_and_alignment_keep_every_value)
{
	const struct heft_write_options options[] = {
		{ .compress = HEFT_COMPRESS_FAST },
		{ .compress = HEFT_COMPRESS_BEST },
		{ .alignment = 4096 },
	};
	char *path = scratch_path(&s, "f");
	uint8_t plain[HEFT_DIGEST_SIZE];
	uint8_t digest[HEFT_DIGEST_SIZE];

	model_write(scratch_path(&s, "plain"), "heft", NULL, true, plain);
	model_write(path, "heft", &options[_i], true, digest);
	ck_assert_mem_eq(digest, plain, sizeof plain);
	model_digest(path, digest);
	ck_assert_mem_eq(digest, plain, sizeof plain);
}
END_TEST

/* spec R8.2-5: even where only the second slot page is whole. */
START_TEST(a_heft_file_is_locked_while_it_is_replaced)
{
	static const char zeros[4096];
	const struct heft_write_options replace = { .overwrite = true };
	char *path = scratch_path(&s, "f");
	struct heft_writer *w;
	char *bytes;
	size_t size;
	int fd = -1;

	model_write(path, "heft", NULL, false, NULL);
	bytes = scratch_read(path, &size);
	if (_i == 1) {
		memcpy(bytes + sizeof zeros, bytes, sizeof zeros);
		memcpy(bytes, zeros, sizeof zeros);
		scratch_write(path, bytes, size);
	}
	ck_assert_int_eq(heft_create(path, "heft", &replace, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_lock_open(path, 1, &fd, &err), HEFT_E_BUSY);
	heft_discard(w);
	ck_assert_int_eq(heft_lock_open(path, 1, &fd, &err), HEFT_OK);
	heft_lock_close(fd);
	scratch_check(path, bytes, size);
	free(bytes);
	model_write(path, formats[_i], &replace, true, NULL);
	ck_assert_int_eq(heft_lock_open(path, 1, &fd, &err), HEFT_OK);
	heft_lock_close(fd);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

/* After the first failure nothing else is taken, whichever call it was. */
START_TEST(a_failure_is_final)
{
	const struct heft_tensor nothing = { .name = "x", .dtype = (enum heft_dtype)0x103 };
	const float v[2] = { 1, 2 };
	struct heft_writer *w;

	ck_assert_int_eq(heft_create(scratch_path(&s, "f"), formats[_i % 2], NULL, &w, &err),
	                 HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &one, &err), HEFT_OK);
	switch (_i / 2) {
	case 0:
		ck_assert_int_eq(heft_declare(w, &nothing, &err), HEFT_E_USAGE);
		break;
	case 1:
		ck_assert_int_eq(heft_put(w, 0, v, sizeof v, &err), HEFT_OK);
		ck_assert_int_eq(heft_set_metadata(w, "{}", &err), HEFT_E_USAGE);
		break;
	default:
		ck_assert_int_eq(heft_put(w, 0, v, 5, &err), HEFT_OK);
		ck_assert_int_eq(heft_put(w, 1, v, 1, &err), HEFT_E_USAGE);
		break;
	}
	ck_assert_int_eq(heft_put(w, 0, v, 1, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "failed before"));
	if (_i % 2)
		heft_discard(w);
	else
		ck_assert_int_eq(heft_commit(w, NULL, &err), HEFT_E_USAGE);
	heft_discard(NULL);
	ck_assert_uint_eq(scratch_n_files(&s), 0);
}
END_TEST

static enum heft_status put_all(struct heft_writer *w, const struct heft_tensor *tensors)
{
	const double values[] = { 1, 2 };
	enum heft_status st = heft_declare(w, &tensors[0], &err);

	if (st == HEFT_OK)
		st = heft_declare(w, &tensors[1], &err);
	if (st == HEFT_OK)
		st = heft_put(w, 0, values, 8, &err);
	if (st == HEFT_OK)
		st = heft_put(w, 1, values, 8, &err);
	if (st == HEFT_OK)
		return heft_commit(w, NULL, &err);
	heft_discard(w);
	return st;
}

/* Standard output, which is a file meanwhile, takes bytes in the order in which they lie. */
START_TEST(a_stream_is_put_in_order)
{
	const struct heft_tensor tensors[] = {
		{ .name = "a", .dtype = HEFT_DTYPE_F64, .rank = 1, .dims = { 1 } },
		{ .name = "b", .dtype = HEFT_DTYPE_U8, .rank = 1, .dims = { 8 } },
		{ .name = "c", .dtype = HEFT_DTYPE_F64, .rank = 1, .dims = { 1 } },
	};
	const int out = dup(STDOUT_FILENO);
	const int fd = open(scratch_path(&s, "f"), O_WRONLY | O_CREAT, 0600);
	struct heft_writer *w;
	enum heft_status st[3];

	ck_assert(out >= 0 && fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0);
	st[0] = heft_create("-", "safetensors", NULL, &w, &err);
	st[1] = heft_declare(w, &tensors[0], &err);
	if (st[1] == HEFT_OK)
		st[1] = heft_declare_tied(w, &tensors[2], 0, &err);
	heft_discard(w);
	st[2] = heft_create("-", "safetensors", NULL, &w, &err);
	if (st[2] == HEFT_OK)
		st[2] = put_all(w, tensors + _i);
	ck_assert(dup2(out, STDOUT_FILENO) >= 0);
	close(out);
	close(fd);
	ck_assert_int_eq(st[0], HEFT_OK);
	ck_assert_int_eq(st[1], HEFT_E_USAGE); /* a tie would have to be read back */
	ck_assert_int_eq(st[2], HEFT_OK);
	heft_close(model_open(scratch_path(&s, "f")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights write");
	TCase *tc = tcase_create("write");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, what_was_put_is_read_back, 0, 2);
	tcase_add_test(tc, formats_agree_on_the_weights_digest);
	tcase_add_test(tc, a_tie_takes_no_bytes_in_a_heft_file);
	tcase_add_loop_test(tc, bytes_out_of_order_are_refused, 0, 2);
	tcase_add_loop_test(tc, missing_and_spare_bytes_are_refused, 0, 2);
	tcase_add_loop_test(tc, a_name_twice_is_refused, 0, 2);
	tcase_add_loop_test(tc, a_tie_of_another_shape_is_refused, 0, 2);
	tcase_add_loop_test(tc, an_existing_file_is_kept_unless_told_otherwise, 0, 2);
	tcase_add_loop_test(tc, a_file_without_tensors_is_written, 0, 2);
	tcase_add_test(tc, options_that_a_format_lacks_are_refused);
	tcase_add_loop_test(tc, metadata_must_be_an_object_without_doubles, 0, 2);
	tcase_add_loop_test(tc, compression_and_alignment_keep_every_value, 0, 3);
	tcase_add_loop_test(tc, a_heft_file_is_locked_while_it_is_replaced, 0, 2);
	tcase_add_loop_test(tc, a_failure_is_final, 0, 6);
	tcase_add_loop_test(tc, a_stream_is_put_in_order, 0, 2);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
