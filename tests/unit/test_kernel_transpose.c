/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_transpose.c - tests of lib/kernel/transpose.c: every variant, all small sizes, bytes
 * around and between untouched. */
#include "kernel/transpose.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "unit.h"

static void check_size(uint32_t cpu_bits, size_t n_rows, size_t n_columns, size_t slack)
{
	const size_t x_ld = n_columns + slack;
	const size_t y_ld = n_rows + slack;
	uint32_t *x = malloc((n_rows * x_ld + 1) * sizeof *x);
	uint32_t *y = malloc((n_columns * y_ld + 1) * sizeof *y);
	size_t n_wrong = 0;

	ck_assert(x && y);
	for (size_t i = 0; i < n_rows * x_ld; i++)
		x[i] = 0x7f800001 + (uint32_t)i; /* NaNs that signal */
	memset(y, 0, (n_columns * y_ld + 1) * sizeof *y);
	heft_transpose_by(cpu_bits, (const float *)(const void *)x, x_ld, n_rows, n_columns,
	                  (float *)(void *)y, y_ld);
	for (size_t j = 0; j < n_columns; j++)
		for (size_t i = 0; i < y_ld; i++)
			n_wrong += y[j * y_ld + i] != (i < n_rows ? x[i * x_ld + j] : 0);
	ck_assert_uint_eq(n_wrong, 0);
	ck_assert_uint_eq(y[n_columns * y_ld], 0);
	free(x);
	free(y);
}

START_TEST(rows_become_columns)
{
	const uint32_t bits = _i == 0 ? 0 : heft_cpu_bits();

	for (size_t rows = 0; rows < 36; rows++)
		for (size_t columns = 0; columns < 20; columns++)
			check_size(bits, rows, columns, rows % 3);
	check_size(bits, 3, 1000, 0);
	check_size(bits, 1000, 3, 1);
	check_size(bits, 67, 131, 5);
}
END_TEST

START_TEST(padded_rows_have_zeros_on_both_sides)
{
	static const float x[] = { 1, 2, 3, 9, 4, 5, 6, 9 };
	static const float want[] = { 0, 0, 1, 2, 3, 0, 0, 0, 4, 5, 6, 0, 7 };
	float y[13];

	for (size_t i = 0; i < 13; i++)
		y[i] = 7;
	heft_pad_rows(x, 4, 2, 3, 2, 1, y);
	ck_assert_mem_eq(y, want, sizeof y);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel transpose");
	TCase *tc = tcase_create("transpose");

	tcase_add_loop_test(tc, rows_become_columns, 0, 2);
	tcase_add_test(tc, padded_rows_have_zeros_on_both_sides);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
