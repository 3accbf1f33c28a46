/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_registry.c - the list of formats, and what every one of them keeps to. */
#include <stdlib.h>
#include <string.h>

#include "container/layout.h"
#include "format/format.h"
#include "scratch.h"
#include "unit.h"

START_TEST(formats_are_found_by_name_and_by_extension)
{
	ck_assert_str_eq(heft_format_by_name("heft")->name, "heft");
	ck_assert_ptr_null(heft_format_by_name("native"));
	ck_assert_ptr_null(heft_format_by_name(""));
	ck_assert_str_eq(heft_format_by_path("a/b.heft")->name, "heft");
	ck_assert_str_eq(heft_format_by_path("model.SafeTensors")->name, "safetensors");
	ck_assert_str_eq(heft_format_by_path("x.safetensors.index.json")->name,
	                 "safetensors-shards");
	ck_assert_ptr_null(heft_format_by_path("model.heft.txt"));
	ck_assert_ptr_null(heft_format_by_path("heft"));
	ck_assert_ptr_null(heft_format_by_path(".heft"));
	ck_assert_ptr_null(heft_format_by_path(""));
	ck_assert_ptr_null(heft_format_get(UINT32_MAX));
}
END_TEST

START_TEST(every_format_is_whole)
{
	const struct heft_format *f;
	uint32_t n = 0;

	for (; (f = heft_format_get(n)); n++) {
		ck_assert_ptr_eq(heft_format_by_name(f->name), f);
		ck_assert_int_eq(f->ext[0], '.');
		ck_assert_uint_le(f->head_size, HEFT_DATA_START);
		ck_assert(f->caps & HEFT_FORMAT_READ);
		ck_assert(f->probe && f->open && f->close && f->n_tensors && f->tensor_at);
		ck_assert(f->find && f->read && f->locate && f->metadata);
		if (f->caps & HEFT_FORMAT_WRITE)
			ck_assert(f->check && f->begin && f->scratch_size && f->encode &&
			          f->place && f->store && f->finish && f->writer_free);
		f->close(NULL);
		if (f->writer_free)
			f->writer_free(NULL);
	}
	ck_assert_uint_ge(n, 2);
}
END_TEST

/* A head of any size, of zeros and of all ones, is nobody's; a probe must not read past it. */
START_TEST(short_and_empty_heads_are_recognised_by_nobody)
{
	static const uint8_t filling[] = { 0x00, 0xff, '{' };
	const struct heft_format *f;

	for (uint32_t i = 0; (f = heft_format_get(i)); i++) {
		for (size_t n = 0; n <= f->head_size; n += n < 64 ? 1 : 509) {
			uint8_t *head = malloc(n > 0 ? n : 1); /* a sanitizer sees its end */

			ck_assert_ptr_nonnull(head);
			memset(head, filling[_i], n);
			ck_assert_uint_eq(f->probe(head, n, n), 0);
			free(head);
		}
	}
}
END_TEST

static enum heft_status probe(const void *bytes, size_t n, const struct heft_format **f,
                              struct heft_error *err)
{
	struct heft_source *src;
	struct scratch s;
	enum heft_status st;

	scratch_init(&s);
	scratch_write(scratch_path(&s, "file"), bytes, n);
	ck_assert_int_eq(heft_source_open(s.paths[0], true, &src, NULL), HEFT_OK);
	st = heft_format_probe(src, f, err);
	heft_source_close(src);
	scratch_done(&s);
	return st;
}

START_TEST(a_heft_file_is_recognised_by_either_page)
{
	const struct heft_format *f;
	const size_t at = (size_t)_i * HEFT_PAGE_SIZE;
	static uint8_t bytes[HEFT_DATA_START];

	memset(bytes, 0xa5, sizeof bytes);
	ck_assert_int_eq(probe(bytes, sizeof bytes, &f, NULL), HEFT_E_NOT_FORMAT);
	memcpy(bytes + at, HEFT_MAGIC, HEFT_MAGIC_SIZE);
	ck_assert_int_eq(probe(bytes, sizeof bytes, &f, NULL), HEFT_OK);
	ck_assert_str_eq(f->name, "heft");
	bytes[at + 8] ^= 1;
	ck_assert_int_eq(probe(bytes, sizeof bytes, &f, NULL), HEFT_E_NOT_FORMAT);
}
END_TEST

static const struct head {
	const char *bytes;
	size_t n;
	const char *format; /* NULL: nobody's */
} heads[] = {
	{ "", 0, NULL },
	{ "{", 1, NULL },
	{ "\x08\0\0\0\0\0\0\0", 8, NULL },
	{ "\x08\0\0\0\0\0\0\0{}      ", 16, "safetensors" },
	{ "\x08\0\0\0\0\0\0\0[]      ", 16, NULL },
	{ "\xff\xff\0\0\0\0\0\0{\"a\"", 12,
	  "safetensors" }, /* cut short: open says what is wrong */
	{ "\x01\0\0\0\0\0\0\0{", 9, NULL },
	{ "\0\0\0\0\1\0\0\0{}", 10, "safetensors" }, /* over the cap: the same */
	{ "\0\0\0\0\0\0\0\1{}", 10, NULL },
	{ "not a file of weights, but words", 32, NULL },
};

START_TEST(a_file_is_told_by_its_begin)
{
	const struct head *h = &heads[_i];
	const struct heft_format *f = NULL;
	struct heft_error err;

	ck_assert_int_eq(probe(h->bytes, h->n, &f, &err), h->format ? HEFT_OK : HEFT_E_NOT_FORMAT);
	if (h->format)
		ck_assert_str_eq(f->name, h->format);
	else
		ck_assert_ptr_null(f);
}
END_TEST

/* What each format says of a file that is no such file, or is cut short: a failure with a
 * sentence. */
START_TEST(no_opener_trips_over_a_short_file)
{
	static const char bytes[64] = "\x30\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\",\"shape\":[]";
	const struct heft_format *f;
	struct heft_source *src;
	struct scratch s;

	scratch_init(&s);
	scratch_path(&s, "file");
	for (size_t n = 0; n <= sizeof bytes; n++) {
		scratch_write(s.paths[0], bytes, n);
		ck_assert_int_eq(heft_source_open(s.paths[0], false, &src, NULL), HEFT_OK);
		for (uint32_t i = 0; (f = heft_format_get(i)); i++) {
			struct heft_error err = { .msg = "" };
			void *st = NULL;

			ck_assert_int_ne(f->open(src, s.paths[0], NULL, &st, &err), HEFT_OK);
			ck_assert_ptr_null(st);
			ck_assert_uint_gt(strlen(err.msg), 0);
		}
		heft_source_close(src);
	}
	scratch_done(&s);
}
END_TEST

START_TEST(a_set_is_found_by_its_shards)
{
	const struct heft_format *set = heft_format_by_name("safetensors-shards");

	ck_assert_ptr_eq(heft_format_set_of(set), set);
	ck_assert_ptr_eq(heft_format_set_of(heft_format_by_name("safetensors")), set);
	ck_assert_ptr_null(heft_format_set_of(heft_format_by_name("heft")));
}
END_TEST

static Suite *registry_suite(void)
{
	Suite *s = suite_create("format_registry");
	TCase *tc = tcase_create("registry");

	tcase_add_test(tc, formats_are_found_by_name_and_by_extension);
	tcase_add_test(tc, a_set_is_found_by_its_shards);
	tcase_add_test(tc, every_format_is_whole);
	tcase_add_loop_test(tc, short_and_empty_heads_are_recognised_by_nobody, 0, 3);
	tcase_add_loop_test(tc, a_heft_file_is_recognised_by_either_page, 0, 2);
	tcase_add_loop_test(tc, a_file_is_told_by_its_begin, 0,
	                    (int)(sizeof heads / sizeof *heads));
	tcase_add_test(tc, no_opener_trips_over_a_short_file);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(registry_suite());
}
