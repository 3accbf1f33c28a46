/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_zip_crc.c - tests of lib/format/zip_crc.c. */
#include "format/zip_crc.h"

#include "base/cpu.h"
#include "format/zip.h"
#include "unit.h"

/* Bit by bit, from the polynomial alone. */
static uint32_t slow_crc(uint32_t crc, const uint8_t *bytes, size_t n)
{
	crc = ~crc;
	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

START_TEST(the_published_vector_agrees)
{
	ck_assert_uint_eq(heft_zip_crc(0, "123456789", 9), 0xcbf43926);
	ck_assert_uint_eq(heft_zip_crc(0, "", 0), 0);
}
END_TEST

START_TEST(every_variant_equals_the_slow_one)
{
	uint8_t bytes[700];
	uint32_t seed = 1;

	for (size_t i = 0; i < sizeof bytes; i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(seed >> 24);
	}
	for (size_t n = 0; n < 300; n++) {
		for (size_t at = 0; at < 17; at += 8) {
			const uint32_t crc = (uint32_t)n * 77777;
			const uint32_t slow = slow_crc(crc, bytes + at, n);

			ck_assert_uint_eq(heft_zip_crc_by(0, crc, bytes + at, n), slow);
			ck_assert_uint_eq(heft_zip_crc(crc, bytes + at, n), slow);
		}
	}
}
END_TEST

START_TEST(bytes_may_come_in_pieces)
{
	uint8_t bytes[200];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t n = 0; n <= sizeof bytes; n++)
		ck_assert_uint_eq(heft_zip_crc(heft_zip_crc(0, bytes, n), bytes + n,
		                               sizeof bytes - n),
		                  slow_crc(0, bytes, sizeof bytes));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("format_zip_crc");
	TCase *tcase = tcase_create("crc");

	tcase_add_test(tcase, the_published_vector_agrees);
	tcase_add_test(tcase, every_variant_equals_the_slow_one);
	tcase_add_test(tcase, bytes_may_come_in_pieces);
	suite_add_tcase(suite, tcase);
	return heft_unit_run(suite);
}
