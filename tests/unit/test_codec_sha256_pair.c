/* SPDX-License-Identifier: Apache-2.0 */
/* test_codec_sha256_pair.c - the two lanes of lib/codec/sha256_pair.c, and the leaves that they
 * make, beside OpenSSL. */
#include "codec/sha256_pair.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "codec/digest_tree.h"
#include "unit.h"

#define MIB ((size_t)1 << 20)
#define N_MAX 32
#define GUARD 0xa5

static struct heft_sha256 *h;
static uint8_t *bytes; /* 3 MiB and a bit */
static uint8_t digests[N_MAX + 1][HEFT_SHA256_SIZE];

static void set_up(void)
{
	uint32_t v = 1;

	ck_assert_int_eq(heft_sha256_new(&h, NULL), HEFT_OK);
	bytes = malloc(3 * MIB + 64);
	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < 3 * MIB + 64; i++) {
		v = v * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(v >> 24);
	}
	memset(digests, GUARD, sizeof digests);
}

static void tear_down(void)
{
	heft_sha256_free(h);
	free(bytes);
}

static struct heft_sha256_input input(size_t i, size_t at, size_t n)
{
	return (struct heft_sha256_input){ .bytes = bytes + at, .n = n, .digest = digests[i] };
}

static void ck_assert_leaves(uint32_t cpu_bits, const struct heft_sha256_input *inputs, size_t n)
{
	uint8_t wanted[HEFT_SHA256_SIZE];

	heft_digest_leaves_by(cpu_bits, h, inputs, n);
	for (size_t i = 0; i < n; i++) {
		heft_digest_bytes(h, HEFT_DOMAIN_LEAF, inputs[i].bytes, inputs[i].n, wanted);
		ck_assert_msg(memcmp(inputs[i].digest, wanted, sizeof wanted) == 0,
		              "message %zu of %zu bytes", i, inputs[i].n);
	}
	for (size_t i = 0; i < HEFT_SHA256_SIZE; i++)
		ck_assert_uint_eq(digests[n][i], GUARD);
	ck_assert(heft_sha256_ok(h));
	memset(digests, GUARD, sizeof digests);
}

/* With what the CPU has, and as if it had nothing. */
static void ck_assert_all(const struct heft_sha256_input *inputs, size_t n)
{
	ck_assert_leaves(heft_cpu_bits(), inputs, n);
	ck_assert_leaves(0, inputs, n);
}

START_TEST(leaves_of_any_size_are_those_of_openssl)
{
	for (size_t n = 0; n <= 300; n++) {
		const struct heft_sha256_input two[] = { input(0, 0, n), input(1, 1000, n) };

		ck_assert_all(two, 1);
		ck_assert_all(two, 2);
	}
}
END_TEST

START_TEST(messages_of_different_sizes_share_the_lanes)
{
	static const size_t sizes[] = { 0,   1,   54,  55,  62,  63,   64,       118,
		                        119, 126, 127, 128, 300, 5000, 64 * 1024 };
	const size_t n = sizeof sizes / sizeof *sizes;
	struct heft_sha256_input inputs[sizeof sizes / sizeof *sizes];

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			const struct heft_sha256_input two[] = { input(0, i, sizes[i]),
				                                 input(1, 70000 + k, sizes[k]) };

			ck_assert_leaves(heft_cpu_bits(), two, 2);
		}
	for (size_t first = 0; first < n; first++) {
		for (size_t i = 0; i < n; i++)
			inputs[i] = input(i, 100 * i, sizes[(first + i) % n]);
		ck_assert_all(inputs, n);
	}
}
END_TEST

START_TEST(chunks_lie_where_they_like)
{
	static const size_t sizes[] = { MIB, MIB - 1, MIB - 16, MIB - 63, MIB - 64, MIB - 65 };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		const struct heft_sha256_input three[] = {
			input(0, 0, sizes[i]), input(1, MIB + 1 + i, sizes[i]),
			input(2, 2 * MIB + 3 + 5 * i, sizes[i])
		};

		ck_assert_all(three, 2);
		ck_assert_all(three, 3);
	}
	for (size_t at = 0; at < 64; at++) {
		const struct heft_sha256_input two[] = { input(0, at, 1111),
			                                 input(1, 5000 - at, 1111) };

		ck_assert_all(two, 2);
	}
}
END_TEST

START_TEST(many_are_hashed_by_one_call)
{
	struct heft_sha256_input inputs[N_MAX];

	for (size_t i = 0; i < N_MAX; i++)
		inputs[i] = input(i, 17 * i, 37 * i * i);
	for (size_t n = 0; n <= N_MAX; n++)
		ck_assert_all(inputs, n);
}
END_TEST

START_TEST(the_first_byte_is_the_caller_s)
{
	const struct heft_sha256_input two[] = { input(0, 0, 1000), input(1, 0, 2000) };
	uint8_t wanted[HEFT_SHA256_SIZE];

	if (!heft_sha256_pairs(heft_cpu_bits(), HEFT_DOMAIN_PAGE, two, 2))
		return;
	for (size_t i = 0; i < 2; i++) {
		heft_digest_bytes(h, HEFT_DOMAIN_PAGE, two[i].bytes, two[i].n, wanted);
		ck_assert_mem_eq(two[i].digest, wanted, sizeof wanted);
	}
}
END_TEST

START_TEST(a_cpu_without_the_instructions_is_told_and_nothing_done)
{
	const struct heft_sha256_input one = input(0, 0, 1000);

	ck_assert(!heft_sha256_pairs(~(uint32_t)HEFT_CPU_SHA, HEFT_DOMAIN_LEAF, &one, 1));
	for (size_t i = 0; i < HEFT_SHA256_SIZE; i++)
		ck_assert_uint_eq(digests[0][i], GUARD);
	ck_assert(heft_sha256_pairs(heft_cpu_bits(), HEFT_DOMAIN_LEAF, &one, 1) ==
	          ((heft_cpu_bits() & HEFT_CPU_SHA) != 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("codec_sha256_pair");
	TCase *tc = tcase_create("pair");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, leaves_of_any_size_are_those_of_openssl);
	tcase_add_test(tc, messages_of_different_sizes_share_the_lanes);
	tcase_add_test(tc, chunks_lie_where_they_like);
	tcase_add_test(tc, many_are_hashed_by_one_call);
	tcase_add_test(tc, the_first_byte_is_the_caller_s);
	tcase_add_test(tc, a_cpu_without_the_instructions_is_told_and_nothing_done);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
