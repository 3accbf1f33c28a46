/* SPDX-License-Identifier: Apache-2.0 */
/* test_codec_sha1.c - SHA-1 against the examples of FIPS 180 (spec O3-5 needs it). */
#include "codec/sha1.h"

#include <string.h>

#include "alloc_fail.h"
#include "unit.h"

static const struct {
	const char *text;
	const char *digest;
} examples[] = {
	{ "", "\xda\x39\xa3\xee\x5e\x6b\x4b\x0d\x32\x55\xbf\xef\x95\x60\x18\x90\xaf\xd8\x07\x09" },
	{ "abc",
	  "\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "\x84\x98\x3e\x44\x1c\x3b\xd2\x6e\xba\xae\x4a\xa1\xf9\x51\x29\xe5\xe5\x46\x70\xf1" },
};

START_TEST(the_digest_is_that_of_the_standard_however_the_bytes_come)
{
	const char *text = examples[_i].text;
	const size_t size = strlen(text);
	uint8_t digest[HEFT_SHA1_SIZE];
	struct heft_sha1 *h;

	for (size_t cut = 0; cut <= size; cut++) {
		ck_assert_int_eq(heft_sha1_new(&h, NULL), HEFT_OK);
		ck_assert_int_eq(heft_sha1_add(h, text, cut, NULL), HEFT_OK);
		ck_assert_int_eq(heft_sha1_add(h, text + cut, size - cut, NULL), HEFT_OK);
		ck_assert_int_eq(heft_sha1_end(h, digest, NULL), HEFT_OK);
		ck_assert_mem_eq(digest, examples[_i].digest, HEFT_SHA1_SIZE);
		heft_sha1_free(h);
	}
}
END_TEST

START_TEST(without_memory_there_is_no_hasher)
{
	struct heft_sha1 *h = NULL;

	alloc_fail_at(1);
	ck_assert_int_eq(heft_sha1_new(&h, NULL), HEFT_E_NOMEM);
	ck_assert(alloc_fail_done());
	ck_assert_ptr_null(h);
	heft_sha1_free(NULL);
}
END_TEST

static Suite *sha1_suite(void)
{
	Suite *s = suite_create("codec_sha1");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, the_digest_is_that_of_the_standard_however_the_bytes_come, 0,
	                    sizeof examples / sizeof *examples);
	tcase_add_test(t, without_memory_there_is_no_hasher);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(sha1_suite());
}
