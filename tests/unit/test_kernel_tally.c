/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_tally.c - tests of lib/kernel/tally.c. */
#include "kernel/tally.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define MAX_N 1000u

static uint8_t random_bytes[2 * MAX_N + 8];

static void set_up(void)
{
	uint32_t state = 5;

	for (size_t i = 0; i < sizeof random_bytes; i++) {
		state = state * 1664525 + 1013904223;
		random_bytes[i] = (uint8_t)(state >> 24);
	}
}

/* Bit by bit. */
static uint32_t code_at(const uint8_t *p, unsigned n_bits, size_t i)
{
	uint32_t code = 0;

	for (unsigned b = 0; b < n_bits; b++) {
		const size_t at = i * n_bits + b;

		code |= (uint32_t)(p[at / 8] >> (at % 8) & 1) << b;
	}
	return code;
}

static void check(unsigned n_bits, size_t n, size_t shift)
{
	const size_t n_codes = (size_t)1 << n_bits;
	const size_t size = (n * n_bits + 7) / 8;
	uint32_t *wanted = calloc(n_codes, sizeof *wanted);
	uint32_t *found = calloc(n_codes + 1, sizeof *found);
	uint8_t *p = malloc(size + shift + 1); /* to the byte, for sanitizers */

	ck_assert(wanted && found && p);
	memcpy(p + shift, random_bytes, size);
	found[n_codes] = 77;
	found[3] = 5; /* it adds */
	wanted[3] = 5;
	for (size_t i = 0; i < n; i++)
		wanted[code_at(random_bytes, n_bits, i)]++;
	heft_tally(n_bits, found, p + shift, n);
	ck_assert_mem_eq(found, wanted, n_codes * sizeof *found);
	ck_assert_uint_eq(found[n_codes], 77);
	free(p);
	free(found);
	free(wanted);
}

START_TEST(codes_of_every_width_are_counted)
{
	static const unsigned widths[] = { 2, 4, 6, 8, 16 };

	for (size_t n = 0; n <= MAX_N; n += n < 66 ? 1 : 131)
		for (size_t shift = 0; shift < 3; shift++)
			check(widths[_i], n, shift);
}
END_TEST

START_TEST(a_run_of_one_code_is_counted)
{
	static uint8_t zeros[4096];
	static uint32_t counts[65536];

	heft_tally(16, counts, zeros, 2048);
	ck_assert_uint_eq(counts[0], 2048);
	heft_tally(8, counts, zeros, 4096);
	ck_assert_uint_eq(counts[0], 2048 + 4096);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel_tally");
	TCase *tcase = tcase_create("tally");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(tcase, codes_of_every_width_are_counted, 0, 5);
	tcase_add_test(tcase, a_run_of_one_code_is_counted);
	suite_add_tcase(suite, tcase);
	return heft_unit_run(suite);
}
