/* SPDX-License-Identifier: Apache-2.0 */
/* test_codec_crc32c.c - tests of lib/codec/crc32c.c. */
#include "codec/crc32c.h"

#include <string.h>

#include "base/cpu.h"
#include "unit.h"

/* Bit by bit, from the polynomial alone. */
static uint32_t slow_crc32c(const uint8_t *bytes, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

START_TEST(published_vectors_agree)
{
	uint8_t bytes[32];

	ck_assert_uint_eq(heft_crc32c("123456789", 9), 0xe3069283);
	ck_assert_uint_eq(heft_crc32c("", 0), 0);
	/* RFC 3720, B.4 */
	memset(bytes, 0, sizeof bytes);
	ck_assert_uint_eq(heft_crc32c(bytes, sizeof bytes), 0x8a9136aa);
	memset(bytes, 0xff, sizeof bytes);
	ck_assert_uint_eq(heft_crc32c(bytes, sizeof bytes), 0x62a8ab43);
	for (uint8_t i = 0; i < sizeof bytes; i++)
		bytes[i] = i;
	ck_assert_uint_eq(heft_crc32c(bytes, sizeof bytes), 0x46dd794e);
}
END_TEST

START_TEST(bytes_may_come_in_pieces)
{
	static const char text[] = "123456789";

	for (size_t n = 0; n <= 9; n++)
		ck_assert_uint_eq(heft_crc32c_add(heft_crc32c_add(0, text, n), text + n, 9 - n),
		                  0xe3069283);
}
END_TEST

START_TEST(every_variant_equals_the_slow_one)
{
	static uint8_t bytes[10000];
	uint32_t state = 1;

	for (size_t i = 0; i < sizeof bytes; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(state >> 24);
	}
	/* 3072 is a round of the three lanes */
	for (size_t n = 0; n < sizeof bytes - 8; n += n < 70 || (n > 3060 && n < 3090) ? 1 : 331) {
		const size_t at = n % 8;
		const uint32_t want = slow_crc32c(bytes + at, n);

		ck_assert_uint_eq(heft_crc32c_by(0, bytes + at, n), want);
		ck_assert_uint_eq(heft_crc32c_by(heft_cpu_bits(), bytes + at, n), want);
		ck_assert_uint_eq(heft_crc32c(bytes + at, n), want);
		ck_assert_uint_eq(heft_crc32c_add(heft_crc32c_add(0, bytes + at, n / 3),
		                                  bytes + at + n / 3, n - n / 3),
		                  want);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("codec_crc32c");
	TCase *tcase = tcase_create("crc32c");

	tcase_add_test(tcase, published_vectors_agree);
	tcase_add_test(tcase, bytes_may_come_in_pieces);
	tcase_add_test(tcase, every_variant_equals_the_slow_one);
	suite_add_tcase(suite, tcase);
	return heft_unit_run(suite);
}
