/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_utf8.c - tests of lib/base/utf8.c. */
#include "base/utf8.h"

#include <string.h>

#include "unit.h"

/* The encoding of any number, well-formed or not, in the fewest bytes or in more. */
static size_t encode(uint32_t c, size_t size, uint8_t *out)
{
	static const uint8_t marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = size; i-- > 1; c >>= 6)
		out[i] = (uint8_t)(0x80 | (c & 0x3f));
	out[0] = (uint8_t)(marks[size] | c);
	return size;
}

static size_t least_size(uint32_t c)
{
	return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

START_TEST(every_character_and_nothing_else_is_well_formed)
{
	for (uint32_t c = 0; c < 0x1fffff; c++) {
		for (size_t size = least_size(c); size <= 4; size++) {
			uint8_t b[4];
			const bool is_character = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) &&
			                          size == least_size(c);

			encode(c, size, b);
			if (heft_utf8_ok(b, size) != is_character)
				ck_abort_msg("U+%04X in %u bytes", (unsigned)c, (unsigned)size);
		}
	}
}
END_TEST

START_TEST(a_sequence_that_is_cut_short_is_refused_where_it_begins)
{
	static const char *whole[] = { "\xc3\xb6", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

	for (size_t i = 0; i < 3; i++) {
		char text[40] = "some words before it";
		const size_t n = strlen(text);

		memcpy(text + n, whole[i], strlen(whole[i]));
		ck_assert(heft_utf8_ok(text, n + strlen(whole[i])));
		for (size_t cut = 1; cut < strlen(whole[i]); cut++) {
			ck_assert_uint_eq(heft_utf8_span(text, n + cut), n);
			text[n + cut] = 'x';
			ck_assert_uint_eq(heft_utf8_span(text, sizeof text), n);
			text[n + cut] = whole[i][cut];
		}
	}
}
END_TEST

START_TEST(the_first_bad_byte_is_found_at_any_position)
{
	for (size_t n = 0; n < 40; n++) {
		for (size_t bad = 0; bad < n; bad++) {
			char text[40];

			memset(text, 'a', n);
			text[bad] = (char)0x80;
			ck_assert_uint_eq(heft_utf8_span(text, n), bad);
		}
	}
}
END_TEST

START_TEST(nul_and_no_bytes_are_well_formed)
{
	ck_assert(heft_utf8_ok("", 0));
	ck_assert(heft_utf8_ok(NULL, 0));
	ck_assert(heft_utf8_ok("a\0b", 3));
	ck_assert(!heft_utf8_ok("\xfe", 1));
	ck_assert(!heft_utf8_ok("\xff", 1));
}
END_TEST

static Suite *utf8_suite(void)
{
	Suite *s = suite_create("base_utf8");
	TCase *t = tcase_create("all");

	tcase_add_test(t, every_character_and_nothing_else_is_well_formed);
	tcase_add_test(t, a_sequence_that_is_cut_short_is_refused_where_it_begins);
	tcase_add_test(t, the_first_bad_byte_is_found_at_any_position);
	tcase_add_test(t, nul_and_no_bytes_are_well_formed);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(utf8_suite());
}
