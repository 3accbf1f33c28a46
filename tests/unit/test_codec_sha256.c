/* SPDX-License-Identifier: Apache-2.0 */
/* test_codec_sha256.c - tests of lib/codec/sha256.c, with the vectors of FIPS 180-4's examples. */
#include "codec/sha256.h"
#include "codec/sha256_block.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static struct heft_sha256 *h;

static void set_up(void)
{
	ck_assert_int_eq(heft_sha256_new(&h, NULL), HEFT_OK);
}

static void tear_down(void)
{
	heft_sha256_free(h);
}

static void assert_digest(const uint8_t *digest, const char *hex)
{
	char text[2 * HEFT_SHA256_SIZE + 1];

	for (size_t i = 0; i < HEFT_SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	ck_assert_str_eq(text, hex);
}

static void hash_in_pieces(const uint8_t *bytes, size_t n, size_t piece_size, uint8_t *digest)
{
	heft_sha256_begin(h);
	for (size_t at = 0; at < n; at += piece_size)
		heft_sha256_add(h, bytes + at, n - at < piece_size ? n - at : piece_size);
	heft_sha256_end(h, digest);
}

START_TEST(published_vectors_agree)
{
	static const struct {
		const char *text;
		const char *hex;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopq"
		  "klmnopqrlmnopqrsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
	};
	uint8_t digest[HEFT_SHA256_SIZE];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		hash_in_pieces((const uint8_t *)cases[i].text, strlen(cases[i].text), 1000, digest);
		assert_digest(digest, cases[i].hex);
	}
}
END_TEST

START_TEST(a_million_a_agree_in_any_pieces)
{
	static const size_t piece_sizes[] = { 999, 512, 513, 64, 1000000 };
	static uint8_t bytes[1000000];
	uint8_t digest[HEFT_SHA256_SIZE];

	memset(bytes, 'a', sizeof bytes);
	for (size_t i = 0; i < sizeof piece_sizes / sizeof *piece_sizes; i++) {
		hash_in_pieces(bytes, sizeof bytes, piece_sizes[i], digest);
		assert_digest(digest,
		              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	}
}
END_TEST

START_TEST(gathering_changes_nothing)
{
	uint8_t bytes[1300];
	uint8_t whole[HEFT_SHA256_SIZE];
	uint8_t parts[HEFT_SHA256_SIZE];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 256);
	for (size_t n = 0; n < sizeof bytes; n += 13) {
		hash_in_pieces(bytes, n, sizeof bytes, whole);
		hash_in_pieces(bytes, n, 1 + n % 9, parts);
		ck_assert_mem_eq(whole, parts, sizeof whole);
	}
}
END_TEST

START_TEST(portable_and_openssl_agree)
{
	static uint8_t bytes[5000];
	uint8_t wanted[HEFT_SHA256_SIZE];
	uint8_t found[HEFT_SHA256_SIZE];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37 + i / 256);
	hash_in_pieces(bytes, sizeof bytes, sizeof bytes, wanted); /* from here on by OpenSSL */
	heft_sha256_portable(bytes, sizeof bytes, found);
	ck_assert_mem_eq(found, wanted, sizeof found);
	for (size_t n = 0; n < 1030; n++) {
		hash_in_pieces(bytes, n, sizeof bytes, wanted);
		heft_sha256_portable(bytes, n, found);
		ck_assert_mem_eq(found, wanted, sizeof found);
	}
}
END_TEST

START_TEST(numbers_are_little_endian)
{
	static const uint8_t bytes[] = { 0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f,
		                         0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08 };
	uint8_t of_bytes[HEFT_SHA256_SIZE];
	uint8_t of_numbers[HEFT_SHA256_SIZE];

	hash_in_pieces(bytes, sizeof bytes, sizeof bytes, of_bytes);
	heft_sha256_begin(h);
	heft_sha256_add_u8(h, 0x01);
	heft_sha256_add_le16(h, 0x0203);
	heft_sha256_add_le32(h, 0x04050607);
	heft_sha256_add_le64(h, UINT64_C(0x08090a0b0c0d0e0f));
	heft_sha256_end(h, of_numbers);
	ck_assert_mem_eq(of_bytes, of_numbers, sizeof of_bytes);
}
END_TEST

START_TEST(a_begun_digest_may_be_dropped)
{
	uint8_t digest[HEFT_SHA256_SIZE];

	heft_sha256_begin(h);
	heft_sha256_add(h, "left over", 9);
	hash_in_pieces((const uint8_t *)"abc", 3, 3, digest);
	assert_digest(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	ck_assert(heft_sha256_ok(h));
	ck_assert_int_eq(heft_sha256_check(h, NULL), HEFT_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("codec_sha256");
	TCase *tcase = tcase_create("sha256");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, published_vectors_agree);
	tcase_add_test(tcase, a_million_a_agree_in_any_pieces);
	tcase_add_test(tcase, gathering_changes_nothing);
	tcase_add_test(tcase, portable_and_openssl_agree);
	tcase_add_test(tcase, numbers_are_little_endian);
	tcase_add_test(tcase, a_begun_digest_may_be_dropped);
	suite_add_tcase(suite, tcase);
	return heft_unit_run(suite);
}
