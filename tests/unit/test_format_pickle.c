/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_pickle.c - what becomes of a pickle, opcode by opcode, and what is refused. Whole
 * pickles of every protocol, and those that want something run, are fixtures
 * (tests/vectors/make_pickle.py). */
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc_fail.h"
#include "pickle_bytes.h"

/* --- constants: K1-1, K1-2 --- */

START_TEST(integers_are_read_from_text_and_from_bytes)
{
	ASSERT_INT("I-12\n.", -12);
	ASSERT_INT("I9223372036854775807\n.", INT64_MAX);
	ASSERT_INT("L-9223372036854775808L\n.", INT64_MIN);
	ASSERT_INT("L5\n.", 5);
	ASSERT_INT("I000000000000000000000000000000000007\n.", 7);
	ASSERT_INT("J\xff\xff\xff\xff.", -1);
	ASSERT_INT("K\xff.", 255);
	ASSERT_INT("M\xff\xff.", 65535);
	ASSERT_INT("\x8a\x00.", 0);
	ASSERT_INT("\x8a\x01\x80.", -128);
	ASSERT_INT("\x8a\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff.", -1);
	ASSERT_INT("\x8b\x02\x00\x00\x00\x00\x01.", 256);
}
END_TEST

START_TEST(an_integer_above_64_bits_keeps_its_bytes)
{
	ASSERT_BYTES("L9223372036854775808L\n.", HEFT_PICKLE_BIG,
	             "\x00\x00\x00\x00\x00\x00\x00\x80\x00");
	ASSERT_BYTES("L-9223372036854775809L\n.", HEFT_PICKLE_BIG,
	             "\xff\xff\xff\xff\xff\xff\xff\x7f\xff");
	ASSERT_BYTES("\x8a\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00.", HEFT_PICKLE_BIG,
	             "\x00\x00\x00\x00\x00\x00\x00\x00\x01");
	ASSERT_BYTES("I340282366920938463463374607431768211456\n.", HEFT_PICKLE_BIG,
	             "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01");
}
END_TEST

START_TEST(a_malformed_integer_is_refused)
{
	REFUSE("I\n.", HEFT_E_CORRUPT, 0);
	REFUSE("I-\n.", HEFT_E_CORRUPT, 0);
	REFUSE("I1x\n.", HEFT_E_CORRUPT, 0);
	REFUSE("I 1\n.", HEFT_E_CORRUPT, 0);
	REFUSE("L\n.", HEFT_E_CORRUPT, 0);
}
END_TEST

static double real_of(const char *bytes, size_t size)
{
	struct heft_pickle *p = parse_ok(bytes, size);
	double v;

	ck_assert_int_eq(heft_pickle_kind(p, heft_pickle_root(p)), HEFT_PICKLE_FLOAT);
	v = heft_pickle_float(p, heft_pickle_root(p));
	heft_pickle_free(p);
	return v;
}

#define REAL(literal) real_of(literal, sizeof(literal) - 1)

START_TEST(floats_are_read_from_text_and_from_bytes)
{
	ck_assert(REAL("F1.5\n.") == 1.5);
	ck_assert(REAL("F-1e-300\n.") == -1e-300);
	ck_assert(isnan(REAL("Fnan\n.")));
	ck_assert(REAL("F-inf\n.") == -INFINITY);
	ck_assert(REAL("G\x3f\xf8\x00\x00\x00\x00\x00\x00.") == 1.5);
	REFUSE("F0x1p3\n.", HEFT_E_CORRUPT, 0);
	REFUSE("Finfinity\n.", HEFT_E_CORRUPT, 0);
	REFUSE("F\n.", HEFT_E_CORRUPT, 0);
}
END_TEST

START_TEST(bools_and_none_have_their_own_kinds)
{
	struct heft_pickle *p = PARSE("(I01\nI00\n\x88\x89Nt.");
	const heft_pickle_ref t = heft_pickle_root(p);

	ck_assert_int_eq(heft_pickle_kind(p, t), HEFT_PICKLE_TUPLE);
	ck_assert_uint_eq(heft_pickle_n_items(p, t), 5);
	for (uint32_t i = 0; i < 4; i++) {
		const heft_pickle_ref v = heft_pickle_item(p, t, i);

		ck_assert_int_eq(heft_pickle_kind(p, v), HEFT_PICKLE_BOOL);
		ck_assert(heft_pickle_bool(p, v) == (i % 2 == 0));
	}
	ck_assert_int_eq(heft_pickle_kind(p, heft_pickle_item(p, t, 4)), HEFT_PICKLE_NULL);
	ck_assert_uint_eq(heft_pickle_at(p, heft_pickle_item(p, t, 2)), FILE_OFF + 9);
	heft_pickle_free(p);
}
END_TEST

START_TEST(text_is_unescaped_as_its_opcode_says)
{
	ASSERT_BYTES("X\x02\x00\x00\x00\xc3\xa9.", HEFT_PICKLE_TEXT, "\xc3\xa9");
	ASSERT_BYTES("\x8c\x01x.", HEFT_PICKLE_TEXT, "x");
	ASSERT_BYTES("\x8d\x01\x00\x00\x00\x00\x00\x00\x00x.", HEFT_PICKLE_TEXT, "x");
	ASSERT_BYTES("V\xe9\\u20ac\\U0001f600\\\\u0041\\n\n.", HEFT_PICKLE_TEXT,
	             "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\\\\u0041\\n");
	ASSERT_BYTES("S'a\\x41\\101\\n\\\\\\'\\q\"'\n.", HEFT_PICKLE_TEXT, "aAA\n\\'\\q\"");
	ASSERT_BYTES("S\"'\"\n.", HEFT_PICKLE_TEXT, "'");
	ASSERT_BYTES("\x8c\x03\xed\xa0\x80.", HEFT_PICKLE_TEXT, "\xed\xa0\x80");
	ASSERT_BYTES("V\\udc80\n.", HEFT_PICKLE_TEXT, "\xed\xb2\x80");
	REFUSE("V\\u00\n.", HEFT_E_CORRUPT, 0);
	REFUSE("V\\U00110000\n.", HEFT_E_CORRUPT, 0);
	REFUSE("S'a\n.", HEFT_E_CORRUPT, 0);
	REFUSE("S'\\'\n.", HEFT_E_CORRUPT, 0);
	REFUSE("\x8c\x02\xed\xa0.", HEFT_E_CORRUPT, 0);
}
END_TEST

/* K1-6 */
START_TEST(a_string_of_python_2_that_is_not_utf8_is_bytes)
{
	ASSERT_BYTES("U\x02\xff\x41.", HEFT_PICKLE_BYTES, "\xff\x41");
	ASSERT_BYTES("U\x02\x41\x41.", HEFT_PICKLE_TEXT, "AA");
	ASSERT_BYTES("T\x01\x00\x00\x00\x80.", HEFT_PICKLE_BYTES, "\x80");
	ASSERT_BYTES("S'\\xff'\n.", HEFT_PICKLE_BYTES, "\xff");
}
END_TEST

/* --- the stack and the memo: K1-3, K1-4 --- */

START_TEST(the_stack_and_the_memo_work_as_in_python)
{
	ASSERT_INT("K\x01K\x02"
	           "0.",
	           1); /* POP */
	ASSERT_INT("K\x01(K\x02K\x03"
	           "1.",
	           1);             /* POP_MARK */
	ASSERT_INT("K\x01(0.", 1); /* POP takes a mark */
	ASSERT_INT("K\x07q\x00"
	           "0h\x00.",
	           7);
	ASSERT_INT("K\x07r\x02\x00\x00\x00"
	           "0j\x02\x00\x00\x00.",
	           7);
	ASSERT_INT("K\x07p1\n0g1\n.", 7);
	ASSERT_INT("K\x07\x94"
	           "0K\x08\x94"
	           "0h\x00.",
	           7);
	ASSERT_INT("K\x07q\x02"
	           "0K\x08\x94"
	           "0h\x01.",
	           8); /* MEMOIZE counts what was put */
	ASSERT_INT("\x80\x04\x95\x03\x00\x00\x00\x00\x00\x00\x00K\x07.", 7);
	REFUSE("K\x07p-1\n.", HEFT_E_CORRUPT, 2);
	REFUSE("K\x07p\n.", HEFT_E_CORRUPT, 2);
	REFUSE("g0\n.", HEFT_E_CORRUPT, 0);
	REFUSE("2.", HEFT_E_CORRUPT, 0);
	REFUSE("0.", HEFT_E_CORRUPT, 0);
	REFUSE("(.", HEFT_E_CORRUPT, 1);
}
END_TEST

START_TEST(a_pickle_that_is_cut_anywhere_says_so)
{
	static const char whole[] = "\x80\x02}q\x00(X\x01\x00\x00\x00"
				    "aK\x01X\x01\x00\x00\x00"
				    "b]q\x01(K\x01K\x02"
				    "eu.";
	struct heft_pickle *p;
	size_t n_used;
	bool is_cut;

	for (size_t n = 0; n < sizeof whole - 1; n++) {
		is_cut = false;
		ck_assert_int_eq(heft_pickle_parse((const uint8_t *)whole, n, FILE_OFF, NULL, &p,
		                                   &n_used, &is_cut, &err),
		                 HEFT_E_CORRUPT);
		ck_assert(is_cut);
		ck_assert_uint_eq(err.offset, FILE_OFF + n);
	}
	ck_assert_int_eq(heft_pickle_parse((const uint8_t *)whole, sizeof whole, FILE_OFF, NULL, &p,
	                                   &n_used, &is_cut, &err),
	                 HEFT_OK);
	ck_assert_uint_eq(n_used, sizeof whole - 1);
	ck_assert(!is_cut);
	heft_pickle_free(p);
}
END_TEST

START_TEST(the_limits_hold)
{
	const struct heft_pickle_limits small = { .max_size = 4 };
	const struct heft_pickle_limits few = { .max_values = 3 };
	struct heft_pickle *p;

	ck_assert_int_eq(parse_limited("NNN000N.", 8, &small, &p), HEFT_E_LIMIT);
	ck_assert_int_eq(parse_limited("N0N.", 4, &small, &p), HEFT_OK);
	heft_pickle_free(p);
	ck_assert_int_eq(parse_limited("N0N0N0N.", 8, &few, &p), HEFT_E_LIMIT);
	ck_assert_int_eq(parse_limited("N2220000.", 9, &few, &p), HEFT_E_LIMIT);
	ck_assert_int_eq(parse_limited("N((((1.", 7, &few, &p), HEFT_E_LIMIT);
}
END_TEST

/* --- containers --- */

START_TEST(lists_tuples_and_sets_hold_their_items)
{
	struct heft_pickle *p = PARSE("(]K\x01"
	                              "aK\x02"
	                              "a(K\x01K\x02l(K\x01K\x02tK\x01\x85\x8f(K\x01"
	                              "K\x02\x90(K\x01K\x02\x91t.");
	const heft_pickle_ref t = heft_pickle_root(p);
	static const enum heft_pickle_kind kinds[] = { HEFT_PICKLE_LIST,  HEFT_PICKLE_LIST,
		                                       HEFT_PICKLE_TUPLE, HEFT_PICKLE_TUPLE,
		                                       HEFT_PICKLE_SET,   HEFT_PICKLE_SET };

	ck_assert_uint_eq(heft_pickle_n_items(p, t), 6);
	for (uint32_t i = 0; i < 6; i++) {
		const heft_pickle_ref v = heft_pickle_item(p, t, i);

		ck_assert_int_eq(heft_pickle_kind(p, v), kinds[i]);
		ck_assert_uint_eq(heft_pickle_n_items(p, v), i == 3 ? 1 : 2);
		for (uint32_t k = 0; k < heft_pickle_n_items(p, v); k++)
			ck_assert_int_eq(heft_pickle_int(p, heft_pickle_item(p, v, k)), k + 1);
	}
	heft_pickle_free(p);
}
END_TEST

/* Long enough that its run moves, beside another list that grows. */
START_TEST(lists_that_grow_in_turns_keep_their_items)
{
	enum {
		N = 1000
	};
	char *bytes = malloc(16 + 20 * N);
	struct heft_pickle *p;
	size_t n = 0;

	ck_assert_ptr_nonnull(bytes);
	memcpy(bytes, "]q\x00]q\x01(", 7);
	n = 7;
	for (int i = 0; i < N; i++) {
		memcpy(bytes + n, "h\x00M", 3);
		bytes[n + 3] = (char)i;
		bytes[n + 4] = (char)(i >> 8);
		memcpy(bytes + n + 5, "ah\x01Na", 5);
		n += 10;
	}
	memcpy(bytes + n, "1\x86.", 3);
	p = parse_ok(bytes, n + 3);
	for (uint32_t k = 0; k < 2; k++) {
		const heft_pickle_ref v = heft_pickle_item(p, heft_pickle_root(p), k);

		ck_assert_uint_eq(heft_pickle_n_items(p, v), N);
		for (uint32_t i = 0; k == 0 && i < N; i++)
			ck_assert_int_eq(heft_pickle_int(p, heft_pickle_item(p, v, i)), i);
	}
	heft_pickle_free(p);
	free(bytes);
}
END_TEST

/* K1-7 */
START_TEST(a_key_that_is_set_twice_is_there_once_with_its_last_value)
{
	struct heft_pickle *p = PARSE("}(\x8c\x01"
	                              "aK\x01K\x01K\x02\x88K\x03G?\xf0\0\0\0\0\0\0K\x04"
	                              "Va\nK\x05NK\x06NK\x07u.");
	const heft_pickle_ref d = heft_pickle_root(p);

	ck_assert_int_eq(heft_pickle_kind(p, d), HEFT_PICKLE_DICT);
	ck_assert_uint_eq(heft_pickle_n_pairs(p, d), 3);
	assert_pair(p, d, 0, 5);
	assert_pair(p, d, 1, 4); /* 1, True and 1.0 are one key */
	assert_pair(p, d, 2, 7);
	ck_assert_int_eq(heft_pickle_int(p, heft_pickle_get(p, d, "a")), 5);
	ck_assert_uint_eq(heft_pickle_get(p, d, "b"), HEFT_PICKLE_NONE);
	heft_pickle_free(p);
}
END_TEST

START_TEST(an_empty_key_is_one_however_it_is_written)
{
	struct heft_pickle *p = PARSE("}(S''\nK\x01X\x00\x00\x00\x00K\x02V\nK\x03u.");

	ck_assert_uint_eq(heft_pickle_n_pairs(p, heft_pickle_root(p)), 1);
	assert_pair(p, heft_pickle_root(p), 0, 3);
	heft_pickle_free(p);
}
END_TEST

/* Keys 0 to n - 1, each set twice. */
START_TEST(large_dicts_find_their_keys)
{
	const uint32_t n = (uint32_t)_i;
	char *bytes = malloc(16 + 24 * (size_t)n);
	struct heft_pickle *p;
	size_t size = 2;

	ck_assert_ptr_nonnull(bytes);
	memcpy(bytes, "}(", 2);
	for (uint32_t i = 0; i < 2 * n; i++)
		size += (size_t)snprintf(bytes + size, 24, "Vk%u\nI%u\n", i % n, i);
	memcpy(bytes + size, "u.", 2);
	p = parse_ok(bytes, size + 2);
	ck_assert_uint_eq(heft_pickle_n_pairs(p, heft_pickle_root(p)), n);
	for (uint32_t i = 0; i < n; i++) {
		char key[16];

		snprintf(key, sizeof key, "k%u", i);
		assert_pair(p, heft_pickle_root(p), i, n + i);
		ck_assert_int_eq(heft_pickle_int(p, heft_pickle_get(p, heft_pickle_root(p), key)),
		                 n + i);
	}
	ck_assert_uint_eq(heft_pickle_get(p, heft_pickle_root(p), "k"), HEFT_PICKLE_NONE);
	heft_pickle_free(p);
	free(bytes);
}
END_TEST

/* K1-5 */
START_TEST(a_value_may_contain_itself)
{
	struct heft_pickle *p = PARSE("]q\x00h\x00"
	                              "a}q\x01\x8c\x01kh\x01sh\x00\x86"
	                              "a.");
	const heft_pickle_ref l = heft_pickle_root(p);
	const heft_pickle_ref d = heft_pickle_item(p, heft_pickle_item(p, l, 1), 0);

	ck_assert_uint_eq(heft_pickle_item(p, l, 0), l);
	ck_assert_uint_eq(heft_pickle_get(p, d, "k"), d);
	heft_pickle_free(p);
}
END_TEST

/* Puts text, and a number in the place of its '#'. */
static size_t put(char *bytes, size_t size, size_t n, const char *text, int number)
{
	const size_t before = strcspn(text, "#");

	n += (size_t)snprintf(bytes + n, size - n, "%.*s", (int)before, text);
	if (text[before] == '#')
		n += (size_t)snprintf(bytes + n, size - n, "%d%s", number, text + before + 1);
	return n;
}

/* Each list holds the one before ten times: shared, not copied. */
START_TEST(a_billion_laughs_stay_small)
{
	char bytes[2048];
	size_t n = 0;
	struct heft_pickle *p;

	n = put(bytes, sizeof bytes, 0, "]p0\n", 0);
	for (int i = 1; i < 30; i++) {
		n = put(bytes, sizeof bytes, n, "](", 0);
		for (int k = 0; k < 10; k++)
			n = put(bytes, sizeof bytes, n, "g#\n", i - 1);
		n = put(bytes, sizeof bytes, n, "ep#\n", i);
	}
	n = put(bytes, sizeof bytes, n, "p99\n0", 0);
	for (int i = 1; i < 30; i++)
		n = put(bytes, sizeof bytes, n, "0", 0);
	n = put(bytes, sizeof bytes, n, "g29\n.", 0);
	p = parse_ok(bytes, n);
	ck_assert_uint_eq(heft_pickle_n_values(p), 30);
	heft_pickle_free(p);
}
END_TEST

/* --- memory --- */

START_TEST(failing_allocations_are_told)
{
	static const char whole[] =
		"\x80\x02}(Va\\u20ac\nc_codecs\nencode\nV\xff\nVlatin1\n\x86RVb\n"
		"cm\nC\n)\x81}bVc\nL99999999999999999999L\n"
		"Vd\n(NtVe\nNVf\nNVg\nNVh\nNVi\nNVj\nNVk\nNu.";
	struct heft_pickle *p;
	size_t n_used;
	size_t n;

	for (n = 1;; n++) {
		enum heft_status st;

		p = NULL;
		alloc_fail_at(n);
		st = heft_pickle_parse((const uint8_t *)whole, sizeof whole - 1, 0, NULL, &p,
		                       &n_used, NULL, &err);
		if (!alloc_fail_done()) {
			ck_assert_int_eq(st, HEFT_OK);
			break;
		}
		ck_assert_int_eq(st, HEFT_E_NOMEM);
		ck_assert_ptr_null(p);
	}
	ck_assert_uint_gt(n, 5);
	heft_pickle_free(p);
	heft_pickle_free(NULL);
}
END_TEST

static Suite *pickle_suite(void)
{
	Suite *s = suite_create("format_pickle");
	TCase *tc = tcase_create("pickle");

	tcase_add_test(tc, integers_are_read_from_text_and_from_bytes);
	tcase_add_test(tc, an_integer_above_64_bits_keeps_its_bytes);
	tcase_add_test(tc, a_malformed_integer_is_refused);
	tcase_add_test(tc, floats_are_read_from_text_and_from_bytes);
	tcase_add_test(tc, bools_and_none_have_their_own_kinds);
	tcase_add_test(tc, text_is_unescaped_as_its_opcode_says);
	tcase_add_test(tc, a_string_of_python_2_that_is_not_utf8_is_bytes);
	tcase_add_test(tc, the_stack_and_the_memo_work_as_in_python);
	tcase_add_test(tc, a_pickle_that_is_cut_anywhere_says_so);
	tcase_add_test(tc, the_limits_hold);
	tcase_add_test(tc, lists_tuples_and_sets_hold_their_items);
	tcase_add_test(tc, lists_that_grow_in_turns_keep_their_items);
	tcase_add_test(tc, a_key_that_is_set_twice_is_there_once_with_its_last_value);
	tcase_add_test(tc, an_empty_key_is_one_however_it_is_written);
	tcase_add_loop_test(tc, large_dicts_find_their_keys, 1, 20);
	tcase_add_loop_test(tc, large_dicts_find_their_keys, 1000, 1001);
	tcase_add_test(tc, a_value_may_contain_itself);
	tcase_add_test(tc, a_billion_laughs_stay_small);
	tcase_add_test(tc, failing_allocations_are_told);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(pickle_suite());
}
