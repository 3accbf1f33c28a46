/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_siphash.c - the hash of names that a stranger wrote. */
#include "base/siphash.h"

#include "unit.h"

/* What a table needs is checked; which numbers come out is of no importance. */
static const struct heft_sip_seed seed = { { UINT64_C(0x0706050403020100),
	                                     UINT64_C(0x0f0e0d0c0b0a0908) } };

START_TEST(every_byte_and_the_size_count)
{
	uint8_t bytes[40] = { 0 };

	for (size_t n = 0; n < sizeof bytes; n++) {
		const uint64_t h = heft_siphash(&seed, 0, bytes, n);

		ck_assert_uint_ne(h, heft_siphash(&seed, 0, bytes, n + 1));
		ck_assert_uint_ne(h, heft_siphash(&seed, 1, bytes, n));
		for (size_t i = 0; i < n; i++) {
			bytes[i] ^= 0x80;
			ck_assert_uint_ne(h, heft_siphash(&seed, 0, bytes, n));
			bytes[i] ^= 0x80;
		}
	}
}
END_TEST

START_TEST(seeds_differ)
{
	struct heft_sip_seed a = { { 0 } };
	struct heft_sip_seed b = { { 0 } };

	heft_sip_seed_init(&a, &a);
	heft_sip_seed_init(&b, &b);
	ck_assert(a.word[0] != b.word[0] || a.word[1] != b.word[1]);
	ck_assert_uint_ne(heft_siphash(&a, 0, "w", 1), heft_siphash(&b, 0, "w", 1));
}
END_TEST

START_TEST(low_bits_spread)
{
	unsigned counts[64] = { 0 };

	for (uint32_t i = 0; i < 64000; i++)
		counts[heft_siphash(&seed, 0, &i, sizeof i) % 64]++;
	for (size_t i = 0; i < 64; i++) {
		ck_assert_uint_gt(counts[i], 800);
		ck_assert_uint_lt(counts[i], 1200);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base siphash");
	TCase *tc = tcase_create("siphash");

	tcase_add_test(tc, every_byte_and_the_size_count);
	tcase_add_test(tc, seeds_differ);
	tcase_add_test(tc, low_bits_spread);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
