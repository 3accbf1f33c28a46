/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_cast_chunk.c - casts of tensors of several chunks, cut at other places on both
 * sides, down to types narrower than a byte (spec D1-1, D1-2). */
#include "heft/convert.h"

#include "scratch.h"
#include "tensor/dtype.h"
#include "unit.h"

/* I2: one chunk and 3 elements in 6 bits. F6: four chunks, and three elements in 18 bits. */
#define N_ELEMENTS ((UINT64_C(4) << 20) + 3)

static const enum heft_dtype dtypes[] = {
	HEFT_DTYPE_I2, HEFT_DTYPE_U4, HEFT_DTYPE_F6_E3M2,
	HEFT_DTYPE_F4, HEFT_DTYPE_I8, HEFT_DTYPE_BF16,
};
#define N_DTYPES ((int)(sizeof dtypes / sizeof *dtypes))

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

static uint64_t size_of(enum heft_dtype dtype)
{
	const uint64_t n_elements = N_ELEMENTS;
	uint64_t n_bytes;

	ck_assert_int_eq(heft_tensor_size(dtype, 1, &n_elements, NULL, &n_bytes, NULL), HEFT_OK);
	return n_bytes;
}

static uint8_t *cast(enum heft_dtype to, enum heft_dtype from, const uint8_t *values)
{
	uint8_t *bytes = malloc(size_of(to));

	ck_assert_int_eq(heft_cast_elements(to, bytes, from, values, N_ELEMENTS, &err), HEFT_OK);
	return bytes;
}

static uint8_t *make_values(void)
{
	uint8_t *values = malloc(N_ELEMENTS);

	for (uint64_t i = 0; i < N_ELEMENTS; i++)
		values[i] = (uint8_t)((i * 2654435761u >> 9) % 4);
	return values;
}

static void write_tensor(const char *path, enum heft_dtype dtype, const uint8_t *bytes,
                         enum heft_compress compress)
{
	const struct heft_tensor t = {
		.name = "w", .dtype = dtype, .rank = 1, .dims = { N_ELEMENTS }
	};
	const struct heft_write_options options = { .compress = compress, .no_sync = true };
	struct heft_writer *w;

	ck_assert_int_eq(heft_create(path, "heft", &options, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &t, &err), HEFT_OK);
	ck_assert_msg(heft_put(w, 0, bytes, size_of(dtype), &err) == HEFT_OK, "%s", err.msg);
	ck_assert_int_eq(heft_commit(w, NULL, &err), HEFT_OK);
}

static void check_tensor(const char *path, const uint8_t *bytes, uint64_t n)
{
	const struct heft_open_options options = { .flags = HEFT_OPEN_VERIFY };
	struct heft_file *file;
	struct heft_tensor t;
	uint8_t *found = malloc(n);

	ck_assert_int_eq(heft_open(path, &options, &file, &err), HEFT_OK);
	ck_assert_int_eq(heft_tensor_at(file, 0, &t, &err), HEFT_OK);
	ck_assert_uint_eq(t.n_bytes, n);
	ck_assert_int_eq(heft_read(file, &t, 0, found, n, &err), HEFT_OK);
	ck_assert_mem_eq(found, bytes, n);
	heft_close(file);
	free(found);
}

/* Every dtype to every other one. */
START_TEST(chunks_are_cut_at_other_places)
{
	const enum heft_dtype from = dtypes[_i / N_DTYPES];
	const enum heft_dtype to = dtypes[_i % N_DTYPES];
	const struct heft_dtype_rule rule = { "w", to };
	const struct heft_convert_plan plan = { .dtype_rules = &rule,
		                                .n_dtype_rules = 1,
		                                .write = { .no_sync = true },
		                                .run = { .n_threads = 1 + (uint32_t)_i % 3 } };
	uint8_t *values = make_values();
	uint8_t *source = cast(from, HEFT_DTYPE_U8, values);
	uint8_t *wanted = cast(to, from, source);
	struct heft_file *file;

	write_tensor(scratch_path(&s, "a.heft"), from, source,
	             _i % 2 ? HEFT_COMPRESS_FAST : HEFT_COMPRESS_NONE);
	ck_assert_int_eq(heft_open(scratch_path(&s, "a.heft"), NULL, &file, &err), HEFT_OK);
	ck_assert_msg(heft_convert(file, scratch_path(&s, "b.heft"), &plan, NULL, &err) == HEFT_OK,
	              "%s", err.msg);
	heft_close(file);
	check_tensor(scratch_path(&s, "b.heft"), wanted, size_of(to));
	free(values);
	free(source);
	free(wanted);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights cast chunk");
	TCase *tc = tcase_create("cast chunk");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, chunks_are_cut_at_other_places, 0, N_DTYPES * N_DTYPES);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
