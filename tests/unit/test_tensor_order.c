/* SPDX-License-Identifier: Apache-2.0 */
/* test_tensor_order.c - bytes of numbers reversed, dimensions reversed. */
#include "tensor/order.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

START_TEST(what_is_swapped_together_follows_from_the_dtype)
{
	static const struct {
		enum heft_dtype dtype;
		uint32_t size;
	} sizes[] = {
		{ HEFT_DTYPE_BOOL, 1 },         { HEFT_DTYPE_U8, 1 },
		{ HEFT_DTYPE_I16, 2 },          { HEFT_DTYPE_BF16, 2 },
		{ HEFT_DTYPE_F32, 4 },          { HEFT_DTYPE_U64, 8 },
		{ HEFT_DTYPE_C64, 4 },          { HEFT_DTYPE_C128, 8 },
		{ HEFT_DTYPE_F8_E4M3, 1 },      { HEFT_DTYPE_F6_E2M3, 1 },
		{ HEFT_DTYPE_U4, 1 },           { HEFT_DTYPE_STR, 1 },
		{ HEFT_DTYPE_UCS4, 4 },         { HEFT_DTYPE_VOID, 1 },
		{ HEFT_DTYPE_GGML + 2, 1 },     { HEFT_DTYPE_NONE, 1 },
		{ (enum heft_dtype)0x7777, 1 },
	};

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		ck_assert_uint_eq(heft_swap_size(sizes[i].dtype), sizes[i].size);
}
END_TEST

/* Every number of bytes up to 80, at every address within eight, nothing around it touched. */
START_TEST(numbers_are_swapped_at_any_address)
{
	const uint32_t size = 1u << _i;
	uint8_t bytes[120];

	for (size_t from = 8; from < 16; from++) {
		for (size_t n = 0; n <= 80; n += size) {
			for (size_t i = 0; i < sizeof bytes; i++)
				bytes[i] = (uint8_t)i;
			heft_swap_bytes(bytes + from, n, size);
			for (size_t i = 0; i < sizeof bytes; i++) {
				const size_t at = i - from;
				const size_t want = at / size * size + size - 1 - at % size;

				ck_assert_uint_eq(bytes[i], i < from || at >= n ? i : from + want);
			}
		}
	}
}
END_TEST

static const struct shape {
	uint32_t rank;
	uint64_t dims[6];
} shapes[] = {
	{ 0, { 0 } },
	{ 1, { 7 } },
	{ 2, { 3, 5 } },
	{ 2, { 1, 5 } },
	{ 2, { 5, 1 } },
	{ 2, { 64, 64 } },
	{ 2, { 100, 37 } },
	{ 2, { 2, 3000 } },
	{ 2, { 3000, 2 } },
	{ 3, { 4, 3, 2 } },
	{ 3, { 1, 300, 7 } },
	{ 3, { 13, 17, 19 } },
	{ 4, { 3, 3, 8, 40 } },
	{ 4, { 40, 8, 1, 3 } },
	{ 6, { 2, 3, 2, 3, 2, 3 } },
	{ 6, { 5, 1, 4, 1, 6, 3 } },
};

static const size_t element_sizes[] = { 1, 2, 3, 4, 8, 12, 16, 33 };

/* Where element `e`, counted row-major, lies column-major. */
static uint64_t column_major(const struct shape *s, uint64_t e)
{
	uint64_t at[6];
	uint64_t place = 0;

	for (uint32_t d = s->rank; d > 0; d--) {
		at[d - 1] = e % s->dims[d - 1];
		e /= s->dims[d - 1];
	}
	for (uint32_t d = s->rank; d > 0; d--)
		place = place * s->dims[d - 1] + at[d - 1];
	return place;
}

static void check_order(const struct shape *s, size_t size)
{
	uint64_t reversed[6];
	size_t n = size;

	for (uint32_t d = 0; d < s->rank; d++) {
		n *= (size_t)s->dims[d];
		reversed[s->rank - 1 - d] = s->dims[d];
	}
	/* of exactly the size, so that a sanitizer sees a step past the end */
	uint8_t *src = malloc(n);
	uint8_t *dst = malloc(n);
	uint8_t *back = malloc(n);

	ck_assert(src && dst && back);
	for (size_t i = 0; i < n; i++)
		src[i] = (uint8_t)(i * 31 + i / 251);
	heft_to_row_major(dst, src, s->rank, s->dims, size);
	for (size_t e = 0; e < n / size; e++)
		ck_assert_int_eq(memcmp(dst + e * size, src + column_major(s, e) * size, size), 0);
	heft_to_row_major(back, dst, s->rank, reversed, size);
	ck_assert_int_eq(memcmp(back, src, n), 0);
	free(back);
	free(dst);
	free(src);
}

START_TEST(elements_of_any_size_are_put_in_order_and_back)
{
	for (size_t i = 0; i < sizeof element_sizes / sizeof *element_sizes; i++)
		check_order(&shapes[_i], element_sizes[i]);
}
END_TEST

START_TEST(nothing_is_put_in_order_without_a_touch)
{
	const uint64_t dims[] = { 5, 0, UINT64_MAX };
	uint8_t byte = 7;

	heft_to_row_major(&byte, &byte, 3, dims, 4);
	ck_assert_uint_eq(byte, 7);
}
END_TEST

static Suite *order_suite(void)
{
	Suite *s = suite_create("tensor_order");
	TCase *tc = tcase_create("order");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, what_is_swapped_together_follows_from_the_dtype);
	tcase_add_loop_test(tc, numbers_are_swapped_at_any_address, 0, 4);
	tcase_add_loop_test(tc, elements_of_any_size_are_put_in_order_and_back, 0,
	                    (int)(sizeof shapes / sizeof *shapes));
	tcase_add_test(tc, nothing_is_put_in_order_without_a_touch);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(order_suite());
}
