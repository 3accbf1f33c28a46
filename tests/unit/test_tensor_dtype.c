/* SPDX-License-Identifier: Apache-2.0 */
/* test_tensor_dtype.c - tests of lib/tensor/dtype.c. */
#include "tensor/dtype.h"

#include <ctype.h>
#include <string.h>

#include "unit.h"

#define N_NUMBERS 0x200

/* What each number is, apart from the table: name, elements, bytes. */
static const struct {
	uint32_t number;
	const char *name;
	uint32_t n_elements;
	uint32_t n_bytes;
} known[] = {
	{ 0x01, "BOOL", 1, 1 },
	{ 0x02, "U8", 1, 1 },
	{ 0x03, "I8", 1, 1 },
	{ 0x04, "U16", 1, 2 },
	{ 0x05, "I16", 1, 2 },
	{ 0x06, "U32", 1, 4 },
	{ 0x07, "I32", 1, 4 },
	{ 0x08, "U64", 1, 8 },
	{ 0x09, "I64", 1, 8 },
	{ 0x10, "F16", 1, 2 },
	{ 0x11, "BF16", 1, 2 },
	{ 0x12, "F32", 1, 4 },
	{ 0x13, "F64", 1, 8 },
	{ 0x18, "C64", 1, 8 },
	{ 0x19, "C128", 1, 16 },
	{ 0x20, "F8_E4M3", 1, 1 },
	{ 0x21, "F8_E5M2", 1, 1 },
	{ 0x22, "F8_E4M3FNUZ", 1, 1 },
	{ 0x23, "F8_E5M2FNUZ", 1, 1 },
	{ 0x24, "F8_E8M0", 1, 1 },
	{ 0x28, "F6_E2M3", 4, 3 },
	{ 0x29, "F6_E3M2", 4, 3 },
	{ 0x2A, "F4", 2, 1 },
	{ 0x30, "U4", 2, 1 },
	{ 0x31, "I4", 2, 1 },
	{ 0x32, "U2", 4, 1 },
	{ 0x33, "I2", 4, 1 },
	{ 0x100 + 2, "Q4_0", 32, 18 },
	{ 0x100 + 3, "Q4_1", 32, 20 },
	{ 0x100 + 6, "Q5_0", 32, 22 },
	{ 0x100 + 7, "Q5_1", 32, 24 },
	{ 0x100 + 8, "Q8_0", 32, 34 },
	{ 0x100 + 9, "Q8_1", 32, 36 },
	{ 0x100 + 10, "Q2_K", 256, 84 },
	{ 0x100 + 11, "Q3_K", 256, 110 },
	{ 0x100 + 12, "Q4_K", 256, 144 },
	{ 0x100 + 13, "Q5_K", 256, 176 },
	{ 0x100 + 14, "Q6_K", 256, 210 },
	{ 0x100 + 15, "Q8_K", 256, 292 },
	{ 0x100 + 16, "IQ2_XXS", 256, 66 },
	{ 0x100 + 17, "IQ2_XS", 256, 74 },
	{ 0x100 + 18, "IQ3_XXS", 256, 98 },
	{ 0x100 + 19, "IQ1_S", 256, 50 },
	{ 0x100 + 20, "IQ4_NL", 32, 18 },
	{ 0x100 + 21, "IQ3_S", 256, 110 },
	{ 0x100 + 22, "IQ2_S", 256, 82 },
	{ 0x100 + 23, "IQ4_XS", 256, 136 },
	{ 0x100 + 29, "IQ1_M", 256, 56 },
	{ 0x100 + 34, "TQ1_0", 256, 54 },
	{ 0x100 + 35, "TQ2_0", 256, 66 },
	{ 0x100 + 39, "MXFP4", 32, 17 },
	{ 0x100 + 40, "NVFP4", 64, 36 },
	{ 0x100 + 41, "Q1_0", 128, 18 },
	{ 0x100 + 42, "Q2_0", 64, 18 },
};

#define N_KNOWN (sizeof known / sizeof *known)

START_TEST(the_table_is_that_of_the_spec)
{
	size_t n_described = 0;

	for (size_t i = 0; i < N_KNOWN; i++) {
		const struct heft_dtype_info *info = heft_dtype_describe(known[i].number);

		ck_assert_ptr_nonnull(info);
		ck_assert_str_eq(info->name, known[i].name);
		ck_assert_uint_eq(info->n_elements, known[i].n_elements);
		ck_assert_uint_eq(info->n_bytes, known[i].n_bytes);
		ck_assert_int_eq(info->is_block, known[i].number >= 0x100);
		ck_assert_str_eq(heft_dtype_name(known[i].number), known[i].name);
	}
	for (uint32_t number = 0; number < N_NUMBERS; number++)
		n_described += heft_dtype_describe(number) != NULL;
	ck_assert_uint_eq(n_described, N_KNOWN);
}
END_TEST

START_TEST(every_dtype_is_of_one_kind_and_bool_of_none)
{
	for (size_t i = 0; i < N_KNOWN; i++) {
		const struct heft_dtype_info *info = heft_dtype_describe(known[i].number);
		const int n_kinds = info->is_float + info->is_integer + info->is_complex +
		                    info->is_block;

		ck_assert_int_eq(n_kinds, known[i].number == HEFT_DTYPE_BOOL ? 0 : 1);
		ck_assert(!info->is_float || strchr(info->name, 'F'));
		ck_assert(!info->is_integer || *info->name == 'U' || *info->name == 'I');
	}
}
END_TEST

START_TEST(unknown_numbers_have_no_description)
{
	static const uint32_t numbers[] = { 0,    0x0A,  0x14,   0x25,      0x34,
		                            0xFF, 0x12B, 0xFFFF, UINT32_MAX };

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		ck_assert_ptr_null(heft_dtype_describe(numbers[i]));
		ck_assert_str_eq(heft_dtype_name(numbers[i]), "?");
	}
}
END_TEST

START_TEST(names_are_found_in_either_case)
{
	char name[32];

	for (size_t i = 0; i < N_KNOWN; i++) {
		ck_assert_uint_eq(heft_dtype_from_name(known[i].name), known[i].number);
		for (size_t at = 0; at <= strlen(known[i].name); at++)
			name[at] = (char)tolower((unsigned char)known[i].name[at]);
		ck_assert_uint_eq(heft_dtype_from_name(name), known[i].number);
	}
}
END_TEST

START_TEST(what_only_begins_like_a_name_is_none)
{
	static const char *const names[] = { "", "F", "F3", "F322", "F32 ", "Q4_", "float32", "?" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		ck_assert_uint_eq(heft_dtype_from_name(names[i]), HEFT_DTYPE_NONE);
}
END_TEST

START_TEST(plain_and_removed_numbers_of_ggml_are_refused)
{
	static const uint32_t refused[] = { 0,  1,  4,  5,  24, 25, 26, 27,
		                            28, 30, 31, 32, 33, 36, 37, 38 };
	size_t n_refused = 0;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		ck_assert(heft_dtype_is_refused(0x100 + refused[i]));
	for (uint32_t number = 0; number < N_NUMBERS; number++)
		n_refused += heft_dtype_is_refused(number);
	ck_assert_uint_eq(n_refused, sizeof refused / sizeof *refused);
}
END_TEST

START_TEST(a_shape_gives_elements_and_bytes)
{
	static const struct {
		enum heft_dtype dtype;
		uint32_t rank;
		uint64_t dims[3];
		uint64_t n_elements;
		uint64_t n_bytes;
	} cases[] = {
		{ HEFT_DTYPE_F32, 0, { 0 }, 1, 4 },
		{ HEFT_DTYPE_F32, 2, { 3, 5 }, 15, 60 },
		{ HEFT_DTYPE_C128, 1, { 7 }, 7, 112 },
		{ HEFT_DTYPE_BF16, 3, { 4, 0, 9 }, 0, 0 },
		{ HEFT_DTYPE_F4, 2, { 3, 3 }, 9, 5 },
		{ HEFT_DTYPE_U2, 1, { 5 }, 5, 2 },
		{ HEFT_DTYPE_F6_E2M3, 1, { 4 }, 4, 3 },
		{ HEFT_DTYPE_F6_E2M3, 1, { 5 }, 5, 4 },
		{ HEFT_DTYPE_F6_E3M2, 1, { 7 }, 7, 6 },
		{ HEFT_DTYPE_GGML + 14, 2, { 2, 512 }, 1024, 840 },
		{ HEFT_DTYPE_GGML + 39, 2, { 0, 32 }, 0, 0 },
		{ HEFT_DTYPE_U8,
		  1,
		  { (UINT64_C(1) << 63) - 1 },
		  (UINT64_C(1) << 63) - 1,
		  (UINT64_C(1) << 63) - 1 },
		{ HEFT_DTYPE_I2,
		  1,
		  { (UINT64_C(1) << 63) - 1 },
		  (UINT64_C(1) << 63) - 1,
		  UINT64_C(1) << 61 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t n_elements = 99;
		uint64_t n_bytes = 99;

		ck_assert_int_eq(heft_tensor_size(cases[i].dtype, cases[i].rank, cases[i].dims,
		                                  &n_elements, &n_bytes, NULL),
		                 HEFT_OK);
		ck_assert_uint_eq(n_elements, cases[i].n_elements);
		ck_assert_uint_eq(n_bytes, cases[i].n_bytes);
	}
	ck_assert_int_eq(heft_tensor_size(HEFT_DTYPE_F32, 0, NULL, NULL, NULL, NULL), HEFT_OK);
}
END_TEST

START_TEST(shapes_that_cannot_be_are_refused)
{
	static const struct {
		enum heft_dtype dtype;
		uint32_t rank;
		uint64_t dims[HEFT_MAX_RANK + 1];
		enum heft_status status;
	} cases[] = {
		{ HEFT_DTYPE_NONE, 0, { 0 }, HEFT_E_USAGE },
		{ HEFT_DTYPE_GGML + 4, 1, { 32 }, HEFT_E_USAGE },
		{ HEFT_DTYPE_F32, HEFT_MAX_RANK + 1, { 1 }, HEFT_E_USAGE },
		{ HEFT_DTYPE_GGML + 2, 0, { 0 }, HEFT_E_USAGE },
		{ HEFT_DTYPE_GGML + 2, 2, { 32, 31 }, HEFT_E_USAGE },
		{ HEFT_DTYPE_GGML + 2, 2, { 0, 31 }, HEFT_E_USAGE },
		{ HEFT_DTYPE_U8, 1, { UINT64_C(1) << 63 }, HEFT_E_LIMIT },
		{ HEFT_DTYPE_U2, 1, { UINT64_C(1) << 63 }, HEFT_E_LIMIT },
		{ HEFT_DTYPE_F64, 1, { UINT64_C(1) << 60 }, HEFT_E_LIMIT },
		{ HEFT_DTYPE_U8, 3, { UINT64_C(1) << 63, 2, 0 }, HEFT_E_LIMIT },
		{ HEFT_DTYPE_U8, 3, { 0, UINT64_C(1) << 32, UINT64_C(1) << 31 }, HEFT_E_LIMIT },
		{ HEFT_DTYPE_U8, 2, { UINT64_C(1) << 32, UINT64_C(1) << 32 }, HEFT_E_LIMIT },
		{ HEFT_DTYPE_GGML + 8, 1, { UINT64_C(0x7fffffffffffffe0) }, HEFT_E_LIMIT },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t n_elements = 99;
		uint64_t n_bytes = 99;
		struct heft_error err = { 0 };

		ck_assert_int_eq(heft_tensor_size(cases[i].dtype, cases[i].rank, cases[i].dims,
		                                  &n_elements, &n_bytes, &err),
		                 cases[i].status);
		ck_assert_int_eq(err.code, cases[i].status);
		ck_assert_uint_eq(n_elements, 99);
		ck_assert_uint_eq(n_bytes, 99);
	}
}
END_TEST

START_TEST(chunks_hold_whole_units)
{
	ck_assert_uint_eq(heft_chunk_size(1), 1048576);
	ck_assert_uint_eq(heft_chunk_size(3), 1048575);
	ck_assert_uint_eq(heft_chunk_size(210), 1048530);
	ck_assert_uint_eq(heft_chunk_size(1 << 20), 1048576);
	ck_assert_uint_eq(heft_n_chunks(0, 4), 0);
	ck_assert_uint_eq(heft_n_chunks(1048576, 4), 1);
	ck_assert_uint_eq(heft_n_chunks(1048576, 3), 2);
	ck_assert_uint_eq(heft_n_chunks(UINT64_MAX, 1), UINT64_C(1) << 44);
}
END_TEST

START_TEST(the_unit_of_elements_of_any_size_is_their_size)
{
	static const struct {
		enum heft_dtype dtype;
		uint64_t n_elements;
		uint64_t n_bytes;
		uint32_t unit;
	} units[] = {
		{ HEFT_DTYPE_STR, 4, 20, 5 },
		{ HEFT_DTYPE_UCS4, 2, 24, 12 },
		{ HEFT_DTYPE_VOID, 1, 1048576, 1048576 },
		{ HEFT_DTYPE_VOID, 1, 1048577, 1 },
		{ HEFT_DTYPE_UCS4, 1, 1048580, 4 },
		{ HEFT_DTYPE_STR, 3, 0, 1 },
		{ HEFT_DTYPE_UCS4, 0, 0, 4 },
		{ HEFT_DTYPE_VOID, 3, 10, 1 },
	};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		ck_assert(heft_dtype_has_any_size(units[i].dtype));
		ck_assert_uint_eq(heft_any_size_unit(units[i].dtype, units[i].n_elements,
		                                     units[i].n_bytes),
		                  units[i].unit);
	}
	ck_assert(!heft_dtype_has_any_size(HEFT_DTYPE_F32));
	ck_assert(!heft_dtype_has_any_size((enum heft_dtype)0x43));
}
END_TEST

START_TEST(spaces_and_roles_have_names)
{
	ck_assert_str_eq(heft_space_name(HEFT_SPACE_WEIGHTS), "weights");
	ck_assert_str_eq(heft_space_name(HEFT_SPACE_OPTIMIZER), "optimizer");
	ck_assert_str_eq(heft_space_name(HEFT_SPACE_STATE), "state");
	ck_assert_str_eq(heft_space_name((enum heft_space)3), "?");
	ck_assert_str_eq(heft_role_name(HEFT_ROLE_UNKNOWN), "");
	ck_assert_str_eq(heft_role_name(HEFT_ROLE_NORM), "norm");
	ck_assert_str_eq(heft_role_name(HEFT_ROLE_BUFFER), "buffer");
	ck_assert_str_eq(heft_role_name((enum heft_role)6), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tensor_dtype");
	TCase *tcase = tcase_create("dtype");

	tcase_add_test(tcase, the_table_is_that_of_the_spec);
	tcase_add_test(tcase, every_dtype_is_of_one_kind_and_bool_of_none);
	tcase_add_test(tcase, unknown_numbers_have_no_description);
	tcase_add_test(tcase, names_are_found_in_either_case);
	tcase_add_test(tcase, what_only_begins_like_a_name_is_none);
	tcase_add_test(tcase, plain_and_removed_numbers_of_ggml_are_refused);
	tcase_add_test(tcase, a_shape_gives_elements_and_bytes);
	tcase_add_test(tcase, shapes_that_cannot_be_are_refused);
	tcase_add_test(tcase, chunks_hold_whole_units);
	tcase_add_test(tcase, the_unit_of_elements_of_any_size_is_their_size);
	tcase_add_test(tcase, spaces_and_roles_have_names);
	suite_add_tcase(suite, tcase);
	return heft_unit_run(suite);
}
