/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_safetensors_write.c - the bytes of safetensors files, and what such a file cannot
 * hold. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "made.h"
#include "scratch.h"
#include "unit.h"

/* Writes the file; gives its bytes. */
static char *written(const struct made *m, size_t *size)
{
	struct scratch s;
	char *bytes;

	scratch_init(&s);
	made_write(m, "safetensors", scratch_path(&s, "out"));
	bytes = scratch_read(s.paths[0], size);
	scratch_done(&s);
	return bytes;
}

static void check_header(const struct made *m, const char *header)
{
	size_t size;
	char *bytes = written(m, &size);
	const size_t n = (size_t)heft_get_le64((const uint8_t *)bytes);

	ck_assert_uint_eq(n % 8, 0);
	ck_assert_uint_lt(n - strlen(header), 8);
	ck_assert_mem_eq(bytes + 8, header, strlen(header));
	for (size_t i = strlen(header); i < n; i++)
		ck_assert_int_eq(bytes[8 + i], ' ');
	ck_assert_uint_eq(size, 8 + n + heft_listing_n_bytes(m->tensors));
	free(bytes);
}

START_TEST(the_known_vectors_are_written)
{
	struct made m;
	size_t size;
	char *bytes;

	/* S7-3 S7-4 */
	made_init(&m);
	m.plan.metadata = "{}";
	bytes = written(&m, &size);
	ck_assert_uint_eq(size, 16);
	ck_assert_mem_eq(bytes, "\x08\0\0\0\0\0\0\0{}      ", 16);
	free(bytes);
	made_add(&m, "attn.0", HEFT_DTYPE_F32, 3, 1, 2);
	m.plan.metadata = NULL;
	bytes = written(&m, &size);
	ck_assert_uint_eq(size, 8 + 64 + 24);
	ck_assert_int_eq(bytes[0], 64);
	ck_assert_mem_eq(bytes + 8,
	                 "{\"attn.0\":{\"dtype\":\"F32\",\"shape\":[1,2,3],\"data_offsets\":[0,24]}"
	                 "}",
	                 64);
	free(bytes);
	made_done(&m);
}
END_TEST

START_TEST(a_declared_order_that_aligns_is_kept)
{
	struct made m;

	/* S7-1 S7-2: 8 bytes of F32, then 8 of F64, then bytes */
	made_init(&m);
	made_add(&m, "f", HEFT_DTYPE_F32, 1, 2, 0);
	made_add(&m, "d", HEFT_DTYPE_F64, 0, 0, 0);
	made_add(&m, "x", HEFT_DTYPE_F4, 1, 6, 0);
	made_add(&m, "b", HEFT_DTYPE_U8, 1, 1, 0);
	check_header(&m, "{\"f\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
	                 "\"d\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[8,16]},"
	                 "\"x\":{\"dtype\":\"F4\",\"shape\":[6],\"data_offsets\":[16,19]},"
	                 "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[19,20]}}");
	made_done(&m);
}
END_TEST

START_TEST(data_that_would_not_align_is_reordered_and_entries_are_not)
{
	struct made m;
	size_t size;
	char *bytes;

	/* S7-1 S7-2 */
	made_init(&m);
	made_add(&m, "b", HEFT_DTYPE_U8, 1, 1, 0);
	made_add(&m, "h", HEFT_DTYPE_BF16, 1, 1, 0);
	made_add(&m, "f", HEFT_DTYPE_F32, 1, 1, 0);
	made_add(&m, "c", HEFT_DTYPE_C64, 1, 1, 0);
	made_add(&m, "d", HEFT_DTYPE_F64, 1, 1, 0);
	check_header(&m, "{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[22,23]},"
	                 "\"h\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[20,22]},"
	                 "\"f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[16,20]},"
	                 "\"c\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]},"
	                 "\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[8,16]}}");
	bytes = written(&m, &size);
	ck_assert_mem_eq(bytes + size - 23, "\4\4\4\4\4\4\4\4\5\5\5\5\5\5\5\5\3\3\3\3\2\2\1", 23);
	free(bytes);
	made_done(&m);
}
END_TEST

START_TEST(metadata_is_sorted_and_escaped)
{
	struct made m;

	/* S7-1 S7-3 S7-4 */
	made_init(&m);
	m.plan.metadata = "{\"b\":\"\\u0001\\n\\\"\\/\", \"\":\"\", \"a\":\"\\u00e9\",\"ab\":\"\"}";
	made_add(&m, "t\"\n", HEFT_DTYPE_U8, 0, 0, 0);
	check_header(&m, "{\"__metadata__\":{\"\":\"\",\"a\":\"\xc3\xa9\",\"ab\":\"\","
	                 "\"b\":\"\\u0001\\n\\\"/\"},"
	                 "\"t\\\"\\n\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}");
	made_done(&m);
}
END_TEST

START_TEST(bytes_that_did_not_come_fail_the_file)
{
	const struct heft_format *f = heft_format_by_name("safetensors");
	struct heft_sink *sink;
	struct scratch s;
	struct made m;
	uint32_t order[1];
	void *w;

	scratch_init(&s);
	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_U8, 0, 0, 0);
	ck_assert_int_eq(heft_sink_open(scratch_path(&s, "out"), NULL, &sink, NULL), HEFT_OK);
	ck_assert_int_eq(f->begin(&m.plan, sink, order, &w, NULL), HEFT_OK);
	ck_assert_int_eq(f->finish(w, NULL, NULL, NULL), HEFT_E_USAGE);
	f->writer_free(w);
	heft_sink_discard(sink);
	ck_assert_uint_eq(scratch_n_files(&s), 0);
	made_done(&m);
	scratch_done(&s);
}
END_TEST

/* S7-5 S7-6 */
static const struct unheld {
	const char *name;
	unsigned dtype;
	uint8_t space;
	uint64_t dim;
	const char *metadata;
	enum heft_compress compress;
	const char *help;
} unheld[] = {
	{ "a", HEFT_DTYPE_C128, 0, 1, NULL, HEFT_COMPRESS_NONE, "--exclude" },
	{ "a", HEFT_DTYPE_U4, 0, 2, NULL, HEFT_COMPRESS_NONE, "--dtype-of" },
	{ "a", HEFT_DTYPE_I4, 0, 2, NULL, HEFT_COMPRESS_NONE, "--dtype-of" },
	{ "a", HEFT_DTYPE_U2, 0, 4, NULL, HEFT_COMPRESS_NONE, "--dtype-of" },
	{ "a", HEFT_DTYPE_I2, 0, 4, NULL, HEFT_COMPRESS_NONE, "--dtype-of" },
	{ "a", HEFT_DTYPE_GGML + 2, 0, 32, NULL, HEFT_COMPRESS_NONE, "Q4_0" },
	{ "a", 0x7777, 0, 1, NULL, HEFT_COMPRESS_NONE, "0x7777" },
	{ "a", HEFT_DTYPE_F4, 0, 3, NULL, HEFT_COMPRESS_NONE, "whole bytes" },
	{ "a", HEFT_DTYPE_F6_E3M2, 0, 2, NULL, HEFT_COMPRESS_NONE, "whole bytes" },
	{ "a", HEFT_DTYPE_F32, 1, 1, NULL, HEFT_COMPRESS_NONE, "--weights-only" },
	{ "a", HEFT_DTYPE_F32, 7, 1, NULL, HEFT_COMPRESS_NONE, "--weights-only" },
	{ "__metadata__", HEFT_DTYPE_F32, 0, 1, NULL, HEFT_COMPRESS_NONE, "--rename" },
	{ "a", HEFT_DTYPE_F32, 0, 1, "{\"k\":1}", HEFT_COMPRESS_NONE, "--no-metadata" },
	{ "a", HEFT_DTYPE_F32, 0, 1, "{\"j\":\"\",\"k\":{}}", HEFT_COMPRESS_NONE, "metadata 'k'" },
	{ "a", HEFT_DTYPE_F32, 0, 1, NULL, HEFT_COMPRESS_FAST, "--compress" },
};

START_TEST(what_the_format_cannot_hold_is_told_before)
{
	const struct unheld *u = &unheld[_i];
	struct heft_error err;
	struct made m;

	made_init(&m);
	made_add_in(&m, u->name, u->dtype, u->space, 1, u->dim, 0);
	m.plan.metadata = u->metadata;
	m.plan.options.compress = u->compress;
	ck_assert_int_eq(heft_format_by_name("safetensors")->check(&m.plan, &err), HEFT_E_USAGE);
	ck_assert_msg(strstr(err.msg, u->help) != NULL, "%s", err.msg);
	made_done(&m);
}
END_TEST

static Suite *safetensors_write_suite(void)
{
	Suite *s = suite_create("format_safetensors_write");
	TCase *tc = tcase_create("write");

	tcase_add_test(tc, the_known_vectors_are_written);
	tcase_add_test(tc, a_declared_order_that_aligns_is_kept);
	tcase_add_test(tc, data_that_would_not_align_is_reordered_and_entries_are_not);
	tcase_add_test(tc, metadata_is_sorted_and_escaped);
	tcase_add_test(tc, bytes_that_did_not_come_fail_the_file);
	tcase_add_loop_test(tc, what_the_format_cannot_hold_is_told_before, 0,
	                    (int)(sizeof unheld / sizeof *unheld));
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(safetensors_write_suite());
}
