/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_dump.c - a dump says what is in the file, in words that pack reads back as the
 * same bytes. */
#include <math.h>

#include "alloc_fail.h"
#include "container/dump_text.h"
#include "container/layout.h"
#include "container/pack.h"
#include "scratch.h"
#include "unit.h"

struct text {
	struct heft_buffer out;
	size_t stop_at; /* bytes after which no more are taken; 0: never */
};

static bool take(void *user, const char *text, size_t n)
{
	struct text *t = user;

	heft_buffer_add(&t->out, text, n);
	return t->stop_at == 0 || t->out.size < t->stop_at;
}

static void check_text(struct heft_buffer *out, const char *want)
{
	ck_assert(out->ok);
	heft_buffer_add_u8(out, 0);
	ck_assert_str_eq((const char *)out->bytes, want);
	heft_buffer_done(out);
	heft_buffer_init(out);
}

/* --- words --- */

START_TEST(a_string_escapes_what_could_deceive)
{
	struct heft_buffer out;

	heft_buffer_init(&out);
	heft_dump_string(&out, "a\"\\\n\t", 5);
	check_text(&out, "\"a\\\"\\\\\\n\\t\"");
	heft_dump_string(&out, "\0\x1b\x7f", 3);
	check_text(&out, "\"\\u0000\\u001b\\u007f\"");
	heft_dump_string(&out, "\xc3\xa9\xe2\x80\xae\xef\xbb\xbf\xf0\x9f\xa6\x8a", 12);
	check_text(&out, "\"\xc3\xa9\\u202e\\ufeff\xf0\x9f\xa6\x8a\"");
	heft_dump_string(&out, "\xff\xc3z\xe2\x82", 5);
	check_text(&out, "\"\\xff\\xc3z\\xe2\\x82\"");
}
END_TEST

START_TEST(runs_of_one_byte_become_a_fill)
{
	struct heft_buffer out;
	uint8_t bytes[200] = { 1, 2 };

	heft_buffer_init(&out);
	heft_dump_bytes(&out, "", bytes, 0);
	check_text(&out, "");
	heft_dump_bytes(&out, "  ", bytes + 100, 63);
	check_text(&out,
	           "  hex 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n"
	           "  hex 00000000 00000000 00000000 00000000 00000000 00000000 00000000 000000\n");
	heft_dump_bytes(&out, "", bytes + 100, 64);
	check_text(&out, "fill 00 x64\n");
	heft_dump_bytes(&out, "", bytes, 40);
	check_text(&out,
	           "hex 01020000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n"
	           "hex 00000000 00000000\n");
}
END_TEST

START_TEST(text_among_other_bytes_is_seen)
{
	struct heft_buffer out;

	heft_buffer_init(&out);
	heft_dump_text(&out, "", (const uint8_t *)"\x10\0\0\0{\"sixteen\":bytes}\xff", 22);
	check_text(&out, "hex 10000000\ntext \"{\\\"sixteen\\\":bytes}\"\nhex ff\n");
	heft_dump_text(&out, "", (const uint8_t *)"two\nlines", 9);
	check_text(&out, "text \"two\\n\"\ntext \"lines\"\n");
}
END_TEST

START_TEST(values_are_short_and_exact)
{
	static const float f32[] = { 0.1f, -0.0f, 16777216.0f, 1e-45f, 1234567.0f };
	struct heft_buffer out;
	const uint8_t f6[] = { 0x5f, 0x00, 0x00 }; /* 28, then 0.0625 * 1 */

	heft_buffer_init(&out);
	heft_dump_values(&out, HEFT_DTYPE_F32, (const uint8_t *)f32, sizeof f32, 5);
	check_text(&out, "  values 0.1 -0 16777216 1.4013e-45 1234567\n");
	heft_dump_values(&out, HEFT_DTYPE_F6_E3M2, f6, 3, 4);
	check_text(&out, "  values 28 0.0625 0 0\n");
	/* A NaN has a payload, which no number shows. */
	heft_dump_values(&out, HEFT_DTYPE_F16, (const uint8_t *)"\x01\x7e\x00\x3c", 4, 2);
	check_text(&out, "  hex 017e003c\n");
	heft_dump_values(&out, HEFT_DTYPE_BOOL, (const uint8_t *)"\x00\x01", 2, 2);
	check_text(&out, "  values 0 1\n");
	heft_dump_values(&out, HEFT_DTYPE_BOOL, (const uint8_t *)"\x00\x02", 2, 2);
	check_text(&out, "  hex 0002\n");
	heft_dump_values(&out, HEFT_DTYPE_C64, (const uint8_t *)"\0\0\0\0\0\0\0\0", 8, 1);
	check_text(&out, "  hex 00000000 00000000\n");
}
END_TEST

/* Every bit pattern of every narrow floating type comes back. */
START_TEST(every_value_of_a_narrow_type_comes_back)
{
	static const enum heft_dtype dtypes[] = { HEFT_DTYPE_F16,         HEFT_DTYPE_BF16,
		                                  HEFT_DTYPE_F8_E4M3,     HEFT_DTYPE_F8_E5M2,
		                                  HEFT_DTYPE_F8_E4M3FNUZ, HEFT_DTYPE_F8_E5M2FNUZ,
		                                  HEFT_DTYPE_F8_E8M0 };
	const enum heft_dtype dtype = dtypes[_i];
	const size_t size = _i < 2 ? 131072 : 256;
	uint8_t *bytes = malloc(size);
	struct heft_buffer text;
	struct heft_buffer file;

	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(_i < 2 && i % 2 == 1 ? i >> 9 : _i < 2 ? i >> 1 : i);
	heft_buffer_init(&text);
	heft_buffer_init(&file);
	heft_buffer_addf(&text, "heft-text 1\ntensor \"a\" %s [%d]\n", heft_dtype_name(dtype),
	                 _i < 2 ? 65536 : 256);
	heft_dump_values(&text, dtype, bytes, size, _i < 2 ? 65536 : 256);
	ck_assert_int_eq(heft_pack_bytes((const char *)text.bytes, text.size, 1 << 20, &file, NULL),
	                 HEFT_OK);
	ck_assert_mem_eq(file.bytes + HEFT_DATA_START, bytes, size);
	heft_buffer_done(&file);
	heft_buffer_done(&text);
	free(bytes);
}
END_TEST

/* --- files --- */

static const char whole[] = "heft-text 1\n"
			    "align 128\n"
			    "tensor \"z\" F32 [2]\n"
			    "  values 1 2.5\n"
			    "tensor \"b\" F32 [2] tie=\"a\"\n"
			    "  values 3 4\n"
			    "tensor \"a\" F32 [2] share=\"b\"\n"
			    "tensor \"c\" F32 [2] space=optimizer share=0\n"
			    "tensor \"d\" F32 [2] space=9 tie=4\n"
			    "  values 5 6\n"
			    "tensor \"e\" F32 [2] space=state share=4\n"
			    "tensor \"x\" 0x0900 [7] unit=2\n"
			    "  hex 01020304\n"
			    "tensor \"empty\" F16 [0,2]\n"
			    "tensor \"coded\" U8 [64] coded\n"
			    "  fill aa x64\n"
			    "  chunk zstd\n"
			    "  stored hex 28b52ffd 20400302 00aa\n"
			    "tensor \"plain\" U8 [1] coded\n"
			    "  values 7\n"
			    "  chunk raw\n"
			    "meta {\"a\": \"# no comment\"} \n"
			    "section 0x00000abc\n"
			    "  text \"content\"\n"
			    "origin \"safetensors\"\n"
			    "  file \"m\"\n"
			    "  literal\n"
			    "    more hex 08000000\n"
			    "    more text \"{\\\"some header that is text\\\"}\"\n"
			    "  piece 0 0 8\n"
			    "  file \"empty\"\n";

static enum heft_status dump(const char *path, struct text *t, struct heft_error *err)
{
	heft_buffer_init(&t->out);
	return heft_dump(path, take, t, err);
}

START_TEST(a_dump_is_the_text_that_was_packed)
{
	struct scratch s;
	struct text t = { .stop_at = 0 };
	struct heft_error err = { .msg = "" };
	const char *path;
	char want[sizeof whole];
	char *self;

	scratch_init(&s);
	path = scratch_path(&s, "a.heft");
	ck_assert_msg(heft_pack(whole, strlen(whole), path, false, &err) == HEFT_OK,
	              "line %llu: %s", (unsigned long long)err.offset, err.msg);
	ck_assert_msg(dump(path, &t, &err) == HEFT_OK, "%s", err.msg);
	/* A tie to itself is none. */
	memcpy(want, whole, sizeof want);
	self = strstr(want, "space=9 tie=4");
	memmove(self + 7, self + 13, strlen(self + 13) + 1);
	check_text(&t.out, want);
	heft_buffer_done(&t.out);
	scratch_done(&s);
}
END_TEST

START_TEST(a_dump_stops_when_nobody_takes_it)
{
	struct scratch s;
	struct text t = { .stop_at = 1 };
	struct heft_error err;
	const char *path;

	scratch_init(&s);
	path = scratch_path(&s, "a.heft");
	ck_assert_int_eq(heft_pack("heft-text 1\n", 12, path, false, &err), HEFT_OK);
	ck_assert_int_eq(dump(path, &t, &err), HEFT_E_IO);
	heft_buffer_done(&t.out);
	scratch_done(&s);
}
END_TEST

START_TEST(only_a_whole_heft_file_is_dumped)
{
	static const char damaged[] =
		"heft-text 1\ntensor \"a\" U8 [1]\nhex 07\npoke 8192 hex 06\n";
	struct scratch s;
	struct text t = { .stop_at = 0 };
	struct heft_error err;

	scratch_init(&s);
	scratch_write(scratch_path(&s, "other"), "not a heft file", 15);
	ck_assert_int_eq(dump(s.paths[0], &t, &err), HEFT_E_UNSUPPORTED);
	ck_assert_int_eq(dump(scratch_path(&s, "none"), &t, &err), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(heft_pack(damaged, strlen(damaged), scratch_path(&s, "damaged"), false,
	                           &err),
	                 HEFT_OK);
	ck_assert_int_eq(dump(s.paths[2], &t, &err), HEFT_E_CORRUPT);
	heft_buffer_done(&t.out);
	scratch_done(&s);
}
END_TEST

START_TEST(without_memory_a_dump_says_so)
{
	struct scratch s;
	const char *path;

	scratch_init(&s);
	path = scratch_path(&s, "a.heft");
	ck_assert_int_eq(heft_pack(whole, strlen(whole), path, false, NULL), HEFT_OK);
	for (size_t n = 1;; n++) {
		struct text t = { .stop_at = 0 };
		struct heft_error err;
		enum heft_status st;

		alloc_fail_at(n);
		st = dump(path, &t, &err);
		if (!alloc_fail_done()) {
			ck_assert_int_eq(st, HEFT_OK);
			heft_buffer_done(&t.out);
			break;
		}
		/* The test's own buffer may be what lacked memory, or OpenSSL, which can do
		 * without. */
		if (t.out.ok && st != HEFT_OK)
			ck_assert_msg(st == HEFT_E_NOMEM, "allocation %zu: %s", n, err.msg);
		heft_buffer_done(&t.out);
	}
	scratch_done(&s);
}
END_TEST

static Suite *dump_suite(void)
{
	Suite *s = suite_create("container/dump");
	TCase *words = tcase_create("words");
	TCase *files = tcase_create("files");

	tcase_add_test(words, a_string_escapes_what_could_deceive);
	tcase_add_test(words, runs_of_one_byte_become_a_fill);
	tcase_add_test(words, text_among_other_bytes_is_seen);
	tcase_add_test(words, values_are_short_and_exact);
	tcase_add_loop_test(words, every_value_of_a_narrow_type_comes_back, 0, 7);
	suite_add_tcase(s, words);
	tcase_add_test(files, a_dump_is_the_text_that_was_packed);
	tcase_add_test(files, a_dump_stops_when_nobody_takes_it);
	tcase_add_test(files, only_a_whole_heft_file_is_dumped);
	tcase_add_test(files, without_memory_a_dump_says_so);
	suite_add_tcase(s, files);
	return s;
}

int main(void)
{
	return heft_unit_run(dump_suite());
}
