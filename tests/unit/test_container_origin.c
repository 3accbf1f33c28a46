/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_origin.c - tests of lib/container/origin.c. */
#include "container/origin.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "unit.h"

#define FORMAT_AT 64

static const uint32_t row_of[] = { 4, 2, 9 };
static const uint8_t list_digest[32] = { 1 };
static const uint8_t meta_digest[32] = { 2 };

/* Two files: "ab" and 8 bytes of a tensor, then a tensor and nothing. */
static uint8_t *encode(size_t *size)
{
	struct heft_origin_file *file;
	struct heft_origin o;
	struct heft_buffer b;
	uint8_t *bytes;

	heft_origin_init(&o);
	memcpy(o.format, "npy", 4);
	ck_assert_int_eq(heft_origin_add_file(&o, "a.npy", 10, 2, &file, NULL), HEFT_OK);
	file->pieces[0].literal = (const uint8_t *)"ab";
	file->pieces[0].size = 2;
	file->pieces[1] = (struct heft_origin_piece){ .tensor = 1, .first = 3, .size = 8 };
	ck_assert_int_eq(heft_origin_add_file(&o, "b", 5, 1, &file, NULL), HEFT_OK);
	file->pieces[0] = (struct heft_origin_piece){ .tensor = 2, .size = 5 };
	heft_buffer_init(&b);
	heft_origin_encode(&o, row_of, list_digest, meta_digest, &b);
	heft_origin_done(&o);
	bytes = heft_buffer_take(&b, size);
	ck_assert_ptr_nonnull(bytes);
	return bytes;
}

static enum heft_status parse(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = heft_alloc(size);
	struct heft_origin o;
	struct heft_error err;
	enum heft_status st;

	memcpy(copy, bytes, size);
	st = heft_origin_parse(copy, size, 0, &o, &err);
	if (st == HEFT_OK)
		heft_origin_done(&o);
	else
		heft_free(copy);
	return st;
}

START_TEST(what_is_encoded_is_parsed)
{
	size_t size;
	uint8_t *bytes = encode(&size);
	struct heft_origin o;

	ck_assert_int_eq(heft_origin_parse(bytes, size, 0, &o, NULL), HEFT_OK);
	ck_assert_str_eq(o.format, "npy");
	ck_assert_mem_eq(o.list_digest, list_digest, 32);
	ck_assert_mem_eq(o.meta_digest, meta_digest, 32);
	ck_assert_uint_eq(o.n_files, 2);
	ck_assert_str_eq(o.files[0].name, "a.npy");
	ck_assert_uint_eq(o.files[0].size, 10);
	ck_assert_uint_eq(o.files[0].n_pieces, 2);
	ck_assert_mem_eq(o.files[0].pieces[0].literal, "ab", 2);
	ck_assert_ptr_null(o.files[0].pieces[1].literal);
	ck_assert_uint_eq(o.files[0].pieces[1].tensor, 2);
	ck_assert_uint_eq(o.files[0].pieces[1].first, 3);
	ck_assert_uint_eq(o.files[0].pieces[1].size, 8);
	ck_assert_uint_eq(o.files[1].pieces[0].tensor, 9);
	heft_origin_done(&o);
}
END_TEST

/* [R7.2-1] */
START_TEST(every_cut_and_every_byte_more_is_refused)
{
	size_t size;
	uint8_t *bytes = encode(&size);

	ck_assert_int_eq(parse(bytes, size), HEFT_OK);
	for (size_t n = 0; n < size; n++)
		ck_assert_int_eq(parse(bytes, n), HEFT_E_CORRUPT);
	bytes[size] = 0; /* heft_buffer_take left room for it */
	ck_assert_int_eq(parse(bytes, size + 1), HEFT_E_CORRUPT);
	heft_free(bytes);
}
END_TEST

/* Where the fields of encode()'s bytes lie. */
enum {
	N_FILES_AT = FORMAT_AT + 1 + 3,
	NAME_SIZE_AT = N_FILES_AT + 4,
	NAME_AT = NAME_SIZE_AT + 4,
	FILE_SIZE_AT = NAME_AT + 5,
	N_PIECES_AT = FILE_SIZE_AT + 8,
	KIND_AT = N_PIECES_AT + 8,
	LITERAL_SIZE_AT = KIND_AT + 1,
	KIND_2_AT = LITERAL_SIZE_AT + 8 + 2,
	ROW_AT = KIND_2_AT + 1,
	FIRST_AT = ROW_AT + 4,
	LENGTH_AT = FIRST_AT + 8,
	TRANSFORM_AT = LENGTH_AT + 8,
};

struct change {
	size_t at;
	const char *bytes;
	size_t n;
};

#define CHANGE(at, text)                   \
	{                                  \
		at, text, sizeof(text) - 1 \
	}

/* [R7.2-1] */
static const struct change changes[] = {
	CHANGE(FORMAT_AT + 1, "n/y"),
	CHANGE(FORMAT_AT + 1, "n\0y"),
	CHANGE(N_FILES_AT, "\0\0\0\0"),
	CHANGE(N_FILES_AT, "\1\0\0\0"),
	CHANGE(N_FILES_AT, "\377\377\377\377"),
	CHANGE(NAME_SIZE_AT, "\0\0\0\0"),
	CHANGE(NAME_SIZE_AT, "\0\1\0\0"),
	CHANGE(NAME_AT, "a/npy"),
	CHANGE(NAME_AT, "a\\npy"),
	CHANGE(NAME_AT, "a\nnpy"),
	CHANGE(NAME_AT, "a\177npy"),
	CHANGE(NAME_AT, "a\0npy"),
	CHANGE(FILE_SIZE_AT, "\13"),
	CHANGE(FILE_SIZE_AT, "\11"),
	CHANGE(N_PIECES_AT, "\1"),
	CHANGE(N_PIECES_AT, "\377\377\377\377\377\377\377\377"),
	CHANGE(N_PIECES_AT, "\377\377\377\377\377\377\377\17"),
	CHANGE(KIND_AT, "\2"),
	CHANGE(LITERAL_SIZE_AT, "\3"),
	CHANGE(LITERAL_SIZE_AT, "\377\377\377\377\377\377\377\377"),
	CHANGE(FIRST_AT, "\377\377\377\377\377\377\377\377"),
	CHANGE(LENGTH_AT, "\377\377\377\377\377\377\377\377"),
	CHANGE(TRANSFORM_AT, "\4"),
};

START_TEST(every_wrong_field_is_refused)
{
	const struct change *c = &changes[_i];
	size_t size;
	uint8_t *bytes = encode(&size);

	memcpy(bytes + c->at, c->bytes, c->n);
	ck_assert_int_eq(parse(bytes, size), HEFT_E_CORRUPT);
	heft_free(bytes);
}
END_TEST

/* [R7.2-1] */
START_TEST(names_that_lead_out_of_the_folder_are_refused)
{
	static const char *const names[] = { ".", "..", "...", "a" };
	struct heft_origin_file *file;
	struct heft_origin o;
	struct heft_buffer b;

	heft_origin_init(&o);
	ck_assert_int_eq(heft_origin_add_file(&o, names[_i], 0, 0, &file, NULL), HEFT_OK);
	heft_buffer_init(&b);
	heft_origin_encode(&o, row_of, list_digest, meta_digest, &b);
	heft_origin_done(&o);
	ck_assert_int_eq(parse(b.bytes, b.size), _i < 2 ? HEFT_E_CORRUPT : HEFT_OK);
	heft_buffer_done(&b);
}
END_TEST

/* Random bytes never do more than fail; run under the sanitizers. */
START_TEST(flipped_bytes_do_no_harm)
{
	uint32_t state = 1;
	size_t size;
	uint8_t *bytes = encode(&size);

	for (int i = 0; i < 20000; i++) {
		size_t at;
		uint8_t was;

		state = state * 1664525 + 1013904223;
		at = FORMAT_AT + (state >> 8) % (size - FORMAT_AT);
		was = bytes[at];
		bytes[at] = (uint8_t)state;
		parse(bytes, size);
		if (i % 4 != 0)
			bytes[at] = was;
	}
	heft_free(bytes);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("container_origin");
	TCase *t = tcase_create("origin");

	tcase_add_test(t, what_is_encoded_is_parsed);
	tcase_add_test(t, every_cut_and_every_byte_more_is_refused);
	tcase_add_loop_test(t, every_wrong_field_is_refused, 0,
	                    (int)(sizeof changes / sizeof *changes));
	tcase_add_loop_test(t, names_that_lead_out_of_the_folder_are_refused, 0, 4);
	tcase_add_test(t, flipped_bytes_do_no_harm);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(suite());
}
