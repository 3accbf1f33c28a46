/* SPDX-License-Identifier: Apache-2.0 */
/* test_tensor_listing.c - the list of tensor descriptions. */
#include "tensor/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static const struct heft_listed f32_2d = { .dtype = HEFT_DTYPE_F32, .rank = 2 };
static const uint64_t dims_2_3[] = { 2, 3 };

static enum heft_status add(struct heft_listing *l, const char *name, uint8_t space)
{
	struct heft_listed row = f32_2d;

	row.space = space;
	return heft_listing_add(l, name, strlen(name), dims_2_3, &row, HEFT_E_USAGE, 7, NULL);
}

static struct heft_listing *new_listing(void)
{
	struct heft_listing *l;

	ck_assert_int_eq(heft_listing_new(&l, NULL), HEFT_OK);
	return l;
}

START_TEST(an_empty_listing_has_nothing)
{
	struct heft_listing *l = new_listing();
	uint32_t i;

	ck_assert_uint_eq(heft_listing_n(l), 0);
	ck_assert_uint_eq(heft_listing_n_bytes(l), 0);
	ck_assert(!heft_listing_find(l, 0, "w", 1, &i));
	ck_assert_int_eq(heft_listing_sort(l, &i, NULL), HEFT_OK);
	heft_listing_free(l);
	heft_listing_free(NULL);
}
END_TEST

START_TEST(a_row_is_described)
{
	struct heft_listing *l = new_listing();
	const struct heft_listed row = { .dtype = HEFT_DTYPE_BF16, .rank = 2, .data_off = 99 };
	struct heft_tensor t;

	ck_assert_int_eq(sizeof(struct heft_listed), 64);
	ck_assert_int_eq(heft_listing_add(l, "fc.bias.x", 7, dims_2_3, &row, HEFT_E_USAGE, 0, NULL),
	                 HEFT_OK);
	heft_listing_describe(l, 0, &t);
	ck_assert_str_eq(t.name, "fc.bias");
	ck_assert_int_eq(t.dtype, HEFT_DTYPE_BF16);
	ck_assert_uint_eq(t.rank, 2);
	ck_assert_uint_eq(t.dims[0], 2);
	ck_assert_uint_eq(t.dims[1], 3);
	ck_assert_uint_eq(t.n_elements, 6);
	ck_assert_uint_eq(t.n_bytes, 12);
	ck_assert_uint_eq(t.alignment, 1);
	ck_assert_uint_eq(heft_listing_row(l, 0)->data_off, 99);
	ck_assert_uint_eq(heft_listing_row(l, 0)->unit, 2);
	ck_assert_uint_eq(heft_listing_n_bytes(l), 12);
	heft_listing_free(l);
}
END_TEST

START_TEST(a_name_is_unique_within_its_space)
{
	struct heft_listing *l = new_listing();
	uint32_t i;

	ck_assert_int_eq(add(l, "w", 0), HEFT_OK);
	ck_assert_int_eq(add(l, "w", 1), HEFT_OK);
	ck_assert_int_eq(add(l, "w", 0), HEFT_E_USAGE);
	ck_assert_uint_eq(heft_listing_n(l), 2);
	ck_assert(heft_listing_find(l, 1, "w", 1, &i));
	ck_assert_uint_eq(i, 1);
	ck_assert_uint_eq(heft_listing_row(l, 1)->tie, 1);
	ck_assert_uint_eq(heft_listing_row(l, 1)->share, 1);
	ck_assert(!heft_listing_find(l, 2, "w", 1, &i));
	ck_assert(!heft_listing_find(l, 0, "", 0, &i));
	heft_listing_free(l);
}
END_TEST

START_TEST(many_names_are_found_and_sorted)
{
	enum {
		N = 5000
	};
	struct heft_listing *l = new_listing();
	uint32_t *rows = calloc(N, sizeof *rows);
	char name[32];
	uint32_t found;

	for (uint32_t i = 0; i < N; i++) {
		snprintf(name, sizeof name, "layer.%u.w", i * 7919u % N);
		ck_assert_int_eq(add(l, name, (uint8_t)(i % 2)), HEFT_OK);
	}
	for (uint32_t i = 0; i < N; i++) {
		snprintf(name, sizeof name, "layer.%u.w", i * 7919u % N);
		ck_assert(heft_listing_find(l, (uint8_t)(i % 2), name, strlen(name), &found));
		ck_assert_uint_eq(found, i);
		ck_assert_str_eq(heft_listing_name(l, i), name);
	}
	ck_assert_int_eq(heft_listing_sort(l, rows, NULL), HEFT_OK);
	for (uint32_t i = 1; i < N; i++) {
		const uint8_t a = heft_listing_row(l, rows[i - 1])->space;
		const uint8_t b = heft_listing_row(l, rows[i])->space;

		ck_assert(a < b || (a == b && strcmp(heft_listing_name(l, rows[i - 1]),
		                                     heft_listing_name(l, rows[i])) < 0));
	}
	free(rows);
	heft_listing_free(l);
}
END_TEST

START_TEST(a_prefix_sorts_first_and_bytes_are_unsigned)
{
	static const char *const names[] = { "\xc3\xa9", "ab", "a", "" };
	struct heft_listing *l = new_listing();
	uint32_t rows[4];

	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(add(l, names[i], 0), HEFT_OK);
	ck_assert_int_eq(heft_listing_sort(l, rows, NULL), HEFT_OK);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_uint_eq(rows[i], 3 - i);
	heft_listing_free(l);
}
END_TEST

static const struct bad {
	const char *name;
	size_t name_size;
	struct heft_listed row;
	uint64_t dims[2];
} bad[] = {
	{ "a\0b", 3, { .dtype = HEFT_DTYPE_F32 }, { 0 } },
	{ "\xff", 1, { .dtype = HEFT_DTYPE_F32 }, { 0 } },
	{ "w", 1, { .dtype = HEFT_DTYPE_NONE, .unit = 1 }, { 0 } },
	{ "w", 1, { .dtype = 0x101, .unit = 1 }, { 0 } }, /* ggml's F16 */
	{ "w", 1, { .dtype = 0x7777, .unit = 0 }, { 0 } },
	{ "w", 1, { .dtype = 0x7777, .unit = (1 << 20) + 1 }, { 0 } },
	{ "w", 1, { .dtype = 0x7777, .unit = 4, .n_bytes = 6 }, { 0 } },
	{ "w", 1, { .dtype = 0x7777, .unit = 1, .rank = 33 }, { 0 } },
	{ "w", 1, { .dtype = HEFT_DTYPE_F32, .rank = 33 }, { 0 } },
	{ "w", 1, { .dtype = HEFT_DTYPE_U8, .rank = 2 }, { 1ull << 62, 2 } },
	{ "w", 1, { .dtype = HEFT_DTYPE_F32, .rank = 2 }, { 1ull << 40, 1ull << 21 } },
	{ "w",
	  1,
	  { .dtype = HEFT_DTYPE_U8, .rank = 1 },
	  { (1ull << 63) - 1 } }, /* 1 byte is there */
	{ "w", 1, { .dtype = HEFT_DTYPE_GGML + 2, .rank = 1 }, { 33 } },
};

START_TEST(a_fault_adds_nothing)
{
	const struct bad *b = &bad[_i];
	struct heft_listing *l = new_listing();
	const struct heft_listed byte = { .dtype = HEFT_DTYPE_U8 };
	struct heft_error err;

	ck_assert_int_eq(heft_listing_add(l, "first", 5, NULL, &byte, HEFT_E_CORRUPT, 1, NULL),
	                 HEFT_OK);
	ck_assert_int_eq(heft_listing_add(l, b->name, b->name_size, b->dims, &b->row,
	                                  HEFT_E_CORRUPT, 42, &err),
	                 HEFT_E_CORRUPT);
	ck_assert_uint_eq(err.offset, 42);
	ck_assert_uint_eq(heft_listing_n(l), 1);
	ck_assert_uint_eq(heft_listing_n_bytes(l), 1);
	heft_listing_free(l);
}
END_TEST

START_TEST(an_unknown_dtype_goes_by_its_unit)
{
	struct heft_listing *l = new_listing();
	const struct heft_listed row = { .dtype = 0x7777, .unit = 3, .n_bytes = 9, .rank = 2 };

	ck_assert_int_eq(heft_listing_add(l, "w", 1, dims_2_3, &row, HEFT_E_CORRUPT, 0, NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(heft_listing_row(l, 0)->n_bytes, 9);
	ck_assert_uint_eq(heft_listing_row(l, 0)->n_elements, 6);
	heft_listing_free(l);
}
END_TEST

static Suite *listing_suite(void)
{
	Suite *s = suite_create("tensor_listing");
	TCase *tc = tcase_create("listing");

	tcase_add_test(tc, an_empty_listing_has_nothing);
	tcase_add_test(tc, a_row_is_described);
	tcase_add_test(tc, a_name_is_unique_within_its_space);
	tcase_add_test(tc, many_names_are_found_and_sorted);
	tcase_add_test(tc, a_prefix_sorts_first_and_bytes_are_unsigned);
	tcase_add_loop_test(tc, a_fault_adds_nothing, 0, (int)(sizeof bad / sizeof *bad));
	tcase_add_test(tc, an_unknown_dtype_goes_by_its_unit);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(listing_suite());
}
