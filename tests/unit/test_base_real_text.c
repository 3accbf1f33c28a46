/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_real_text.c - tests of lib/base/real_text.c. */
#include <float.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/real_text.h"
#include "unit.h"

static const struct {
	double value;
	const char *text;
} rows[] = {
	{ 0, "0" },
	{ -0.0, "0" },
	{ 1, "1" },
	{ -2.5, "-2.5" },
	{ 0.1, "0.1" },
	{ 1e-5, "1e-05" },
	{ 1e-8, "1e-08" },
	{ 1e22, "1e+22" },
	{ 123456789012345, "123456789012345" },
	{ 1.0 / 3, "0.3333333333333333" },
	{ 0.1 + 0.2, "0.30000000000000004" },
	{ DBL_MAX, "1.7976931348623157e+308" },
	{ 0x1p-1074, "4.94065645841247e-324" },
};

START_TEST(a_number_is_its_shortest_decimal)
{
	char text[HEFT_REAL_TEXT_SIZE];

	ck_assert_uint_eq(heft_real_text(rows[_i].value, text), strlen(rows[_i].text));
	ck_assert_str_eq(text, rows[_i].text);
}
END_TEST

START_TEST(every_number_reads_back)
{
	uint64_t bits = 0x123456789abcdefULL;

	for (int i = 0; i < 20000; i++) {
		char text[HEFT_REAL_TEXT_SIZE];
		double value;

		bits = bits * 6364136223846793005ULL + 1442695040888963407ULL;
		memcpy(&value, &bits, sizeof value);
		if (!(value - value == 0))
			continue;
		ck_assert_uint_lt(heft_real_text(value, text), HEFT_REAL_TEXT_SIZE);
		ck_assert(strtod(text, NULL) == value);
	}
}
END_TEST

/* Where the machine has a locale with a comma. */
START_TEST(the_locale_does_not_matter)
{
	static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C" };
	char text[HEFT_REAL_TEXT_SIZE];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (setlocale(LC_ALL, names[i]))
			break;
	ck_assert_uint_eq(heft_real_text(-1.5e-7, text), 8);
	ck_assert_str_eq(text, "-1.5e-07");
	setlocale(LC_ALL, "C");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base_real_text");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, a_number_is_its_shortest_decimal, 0,
	                    (int)(sizeof rows / sizeof *rows));
	tcase_add_test(tc, every_number_reads_back);
	tcase_add_test(tc, the_locale_does_not_matter);
	suite_add_tcase(s, tc);
	return heft_unit_run(s);
}
