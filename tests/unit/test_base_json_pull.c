/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_json_pull.c - tests of lib/base/json_pull.c. */
#include "base/json_pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "unit.h"

static const char letters[] = "$OoAaKSNTFZ"; /* a letter for each kind, in the enum's order */

/* Reads a text to its end. `trace` gets what was read: a letter a token, and the text of strings
 * and numbers. */
static enum heft_status read_all(const char *text, size_t size,
                                 const struct heft_json_limits *limits, struct heft_buffer *trace,
                                 struct heft_error *err)
{
	struct heft_json *j;
	struct heft_json_token token;
	bool is_placed = true; /* an assertion for each token would take most of the time */
	enum heft_status st = heft_json_new(text, size, 1000, limits, &j, err);

	ck_assert_int_eq(st, HEFT_OK);
	do {
		st = heft_json_next(j, &token, err);
		if (st != HEFT_OK)
			break;
		is_placed = is_placed && token.off == 1000 + token.pos &&
		            token.pos + token.raw_size <= size;
		heft_buffer_add_u8(trace, (uint8_t)letters[token.kind]);
		if (token.kind == HEFT_JSON_KEY || token.kind == HEFT_JSON_STRING ||
		    token.kind == HEFT_JSON_NUMBER) {
			heft_buffer_add(trace, token.text, token.text_size);
			heft_buffer_add_u8(trace, ' ');
		}
	} while (token.kind != HEFT_JSON_END);
	heft_json_free(j);
	ck_assert(is_placed);
	return st;
}

static const struct {
	const char *text;
	const char *trace;
} accepted[] = {
	{ "{}", "Oo$" },
	{ "[]", "Aa$" },
	{ " \t\r\n[ ] \n", "Aa$" },
	{ "true", "T$" },
	{ "false", "F$" },
	{ "null", "Z$" },
	{ "0", "N0 $" },
	{ "-0", "N-0 $" },
	{ "-0.0e-0", "N-0.0e-0 $" },
	{ "12345678901234567890123", "N12345678901234567890123 $" },
	{ "1.5E+10", "N1.5E+10 $" },
	{ "1e5", "N1e5 $" },
	{ "\"\"", "S $" },
	{ "\"abc\"", "Sabc $" },
	{ "\"a longer string of plain text\"", "Sa longer string of plain text $" },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "S\"\\/\b\f\n\r\t $" },
	{ "\"\\u0041\\u00f6\\u20AC\"", "SA\xc3\xb6\xe2\x82\xac $" },
	{ "\"\\ud83d\\uDE00\"", "S\xf0\x9f\x98\x80 $" },
	{ "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "S\xf0\x90\x80\x80\xf4\x8f\xbf\xbf $" },
	{ "\"\\uFFFF\"", "S\xef\xbf\xbf $" },
	{ "\"\xc3\xb6 and plain text behind it\"", "S\xc3\xb6 and plain text behind it $" },
	{ "\"\x7f\"", "S\x7f $" },
	{ "\"/\"", "S/ $" },
	{ "[1,2]", "AN1 N2 a$" },
	{ "[ 1 , [ ] , { } ]", "AN1 AaOoa$" },
	{ "[\"a\",\"b\"]", "ASa Sb a$" },
	{ "{\"a\":1}", "OKa N1 o$" },
	{ "{ \"a\" : 1 , \"b\" : [ true ] }", "OKa N1 Kb ATao$" },
	{ "{\"\":null}", "OK Zo$" },
	{ "{\"a\":{\"a\":{\"a\":1}}}", "OKa OKa OKa N1 ooo$" },
	{ "[{\"a\":1},{\"a\":2}]", "AOKa N1 oOKa N2 oa$" },
	{ "{\"a\":[{\"b\":1},{\"b\":1}],\"b\":2}", "OKa AOKb N1 oOKb N1 oaKb N2 o$" },
	{ "{\"\\u0061\\n\":1,\"a\":2}", "OKa\n N1 Ka N2 o$" },
};

START_TEST(well_formed_text_gives_its_tokens)
{
	struct heft_buffer trace;
	struct heft_error err;
	enum heft_status st;

	heft_buffer_init(&trace);
	st = read_all(accepted[_i].text, strlen(accepted[_i].text), NULL, &trace, &err);
	ck_assert_msg(st == HEFT_OK, "%s: %s", accepted[_i].text, err.msg);
	heft_buffer_add_u8(&trace, 0);
	ck_assert_str_eq((char *)trace.bytes, accepted[_i].trace);
	heft_buffer_done(&trace);
}
END_TEST

/* Texts and where they go wrong. */
static const struct {
	const char *text;
	size_t pos;
} refused[] = {
	{ "", 0 },
	{ "   ", 3 },
	{ "\xef\xbb\xbf{}", 0 }, /* a byte order mark */
	{ "{", 1 },
	{ "[", 1 },
	{ "}", 0 },
	{ "]", 0 },
	{ "[}", 1 },
	{ "{]", 1 },
	{ "[1}", 2 },
	{ "{\"a\":1]", 6 },
	{ ",", 0 },
	{ "[,]", 1 },
	{ "[,1]", 1 },
	{ "[1,]", 3 },
	{ "[1,,2]", 3 },
	{ "[1 2]", 3 },
	{ "[1", 2 },
	{ "[1,", 3 },
	{ "{\"a\":1,}", 7 },
	{ "{,}", 1 },
	{ "{a:1}", 1 },
	{ "{'a':1}", 1 },
	{ "{1:1}", 1 },
	{ "{null:1}", 1 },
	{ "{\"a\"}", 4 },
	{ "{\"a\":}", 5 },
	{ "{\"a\",1}", 4 },
	{ "{\"a\" 1}", 5 },
	{ "{\"a\"::1}", 5 },
	{ "{\"a\":1 \"b\":2}", 7 },
	{ "{\"a\":1", 6 },
	{ "{\"a\":", 5 },
	{ "{\"a\"", 4 },
	{ "{} {}", 3 },
	{ "{}x", 2 },
	{ "1 2", 2 },
	{ "[]]", 2 },
	{ "\"a\" ,", 4 },
	{ "tru", 0 },
	{ "truE", 0 },
	{ "True", 0 },
	{ "truex", 4 },
	{ "nul", 0 },
	{ "NaN", 0 },
	{ "[NaN]", 1 },
	{ "Infinity", 0 },
	{ "-Infinity", 0 },
	{ "undefined", 0 },
	{ "01", 0 },
	{ "-01", 0 },
	{ "00", 0 },
	{ "-", 0 },
	{ "+1", 0 },
	{ ".5", 0 },
	{ "1.", 0 },
	{ "1.e5", 0 },
	{ "1e", 0 },
	{ "1e+", 0 },
	{ "1.5.5", 0 },
	{ "1-1", 0 },
	{ "0x10", 0 },
	{ "1_000", 1 },
	{ "1f", 0 },
	{ "\"", 1 },
	{ "\"abc", 4 },
	{ "\"abc\\", 4 },
	{ "\"abc\\\"", 6 },
	{ "'a'", 0 },
	{ "\"a\nb\"", 2 },
	{ "\"a\tb\"", 2 },
	{ "\"some text and \x1f\"", 15 },
	{ "\"\\n and \x01\"", 8 },
	{ "\"\\x41\"", 1 },
	{ "\"\\a\"", 1 },
	{ "\"\\'\"", 1 },
	{ "\"\\U0041\"", 1 },
	{ "\"\\u\"", 1 },
	{ "\"\\u004\"", 1 },
	{ "\"\\u004g\"", 1 },
	{ "\"\\u+041\"", 1 },
	{ "\"\\u 041\"", 1 },
	{ "\"\\ud800\"", 1 },
	{ "\"\\udc00\"", 1 },
	{ "\"x\\ud800x\"", 2 },
	{ "\"\\ud800\\n\"", 1 },
	{ "\"\\ud800\\ud800\"", 1 },
	{ "\"\\ud800\\u0041\"", 1 },
	{ "\"\\ud800\\udc0\"", 1 },
	{ "\"\\udc00\\ud800\"", 1 },
	{ "\"\x80\"", 1 },
	{ "\"\xc0\x80\"", 1 },
	{ "\"\xc3\"", 1 },
	{ "\"abc\xed\xa0\x80\"", 4 },
	{ "\"\xf4\x90\x80\x80\"", 1 },
	{ "\"\xc3\xb6\xff\"", 3 },
	{ "\"\\n\xff\"", 3 },
	{ "// c\n1", 0 },
	{ "/**/1", 0 },
	{ "#\n1", 0 },
	{ "\f1", 0 },
	{ "\v1", 0 },
	{ "\xc2\xa0"
	  "1",
	  0 },
	/* duplicate keys */
	{ "{\"a\":1,\"a\":2}", 7 },
	{ "{\"\":1,\"\":2}", 6 },
	{ "{\"a\":1,\"b\":2,\"a\":3}", 13 },
	{ "{\"a\":1,\"\\u0061\":2}", 7 },
	{ "{\"\\u0061\":1,\"a\":2}", 12 },
	{ "{\"\\u0061b\":1,\"a\\u0062\":2}", 13 },
	{ "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", 18 },
	{ "{\"x\":{\"a\":1,\"a\":2}}", 12 },
	{ "[[{\"x\":[{\"a\":{},\"a\":2}]}]]", 16 },
	{ "{\"a\":{\"a\":1},\"a\":2}", 13 },
};

START_TEST(malformed_text_is_refused_at_its_offset)
{
	struct heft_buffer trace;
	struct heft_error err;
	const char *text = refused[_i].text;
	enum heft_status st;
	char *copy = malloc(strlen(text)); /* without the NUL: nothing is to be read past the end */

	heft_buffer_init(&trace);
	memcpy(copy, text, strlen(text));
	st = read_all(copy, strlen(text), NULL, &trace, &err);
	ck_assert_msg(st == HEFT_E_CORRUPT, "accepted: %s", text);
	ck_assert_msg(err.offset == 1000 + refused[_i].pos, "%s: at %u: %s", text,
	              (unsigned)err.offset - 1000, err.msg);
	ck_assert_int_eq(err.code, HEFT_E_CORRUPT);
	free(copy);
	heft_buffer_done(&trace);
}
END_TEST

START_TEST(every_prefix_of_a_text_is_refused)
{
	static const char text[] =
		"{\"a\\n\\u00e4\":[1.5e3,true,null,{\"b\":\"\\ud83d\\ude00\"}],\"c\":{}}";

	for (size_t n = 0; n < sizeof text - 1; n++) {
		char *copy = malloc(n); /* no byte more: nothing is to be read past the end */
		struct heft_buffer trace;
		struct heft_error err;

		heft_buffer_init(&trace);
		memcpy(copy, text, n);
		ck_assert_int_eq(read_all(copy, n, NULL, &trace, &err), HEFT_E_CORRUPT);
		ck_assert_uint_le(err.offset, 1000 + n);
		free(copy);
		heft_buffer_done(&trace);
	}
}
END_TEST

START_TEST(a_nul_is_a_byte_like_any_other)
{
	struct heft_buffer trace;
	struct heft_error err;

	heft_buffer_init(&trace);
	ck_assert_int_eq(read_all("{}\0", 3, NULL, &trace, &err), HEFT_E_CORRUPT);
	ck_assert_uint_eq(err.offset, 1002);
	ck_assert_int_eq(read_all("\0", 1, NULL, &trace, &err), HEFT_E_CORRUPT);
	ck_assert_int_eq(read_all("\"\0\"", 3, NULL, &trace, &err), HEFT_E_CORRUPT);
	ck_assert_uint_eq(err.offset, 1001);
	trace.size = 0;
	ck_assert_int_eq(read_all("\"\\u0000\"", 8, NULL, &trace, &err), HEFT_OK);
	ck_assert_mem_eq(trace.bytes, "S\0 $", 4);
	heft_buffer_done(&trace);
}
END_TEST

START_TEST(nesting_stops_at_the_limit)
{
	const struct heft_json_limits three = { .max_depth = 3 };
	struct heft_buffer trace;
	struct heft_error err;
	char deep[200];

	heft_buffer_init(&trace);
	ck_assert_int_eq(read_all("[{\"a\":[]}]", 10, &three, &trace, &err), HEFT_OK);
	ck_assert_int_eq(read_all("[{\"a\":[[]]}]", 12, &three, &trace, &err), HEFT_E_LIMIT);
	ck_assert_uint_eq(err.offset, 1007);
	memset(deep, '[', 65);
	memset(deep + 65, ']', 65);
	ck_assert_int_eq(read_all(deep, 130, NULL, &trace, &err), HEFT_E_LIMIT);
	ck_assert_uint_eq(err.offset, 1064);
	ck_assert_int_eq(read_all(deep + 1, 128, NULL, &trace, &err), HEFT_OK);
	heft_buffer_done(&trace);
}
END_TEST

START_TEST(strings_stop_at_the_limit)
{
	const struct heft_json_limits three = { .max_string_size = 3 };
	struct heft_buffer trace;
	struct heft_error err;

	heft_buffer_init(&trace);
	ck_assert_int_eq(read_all("[\"abc\",\"\\u00e4a\"]", 17, &three, &trace, &err), HEFT_OK);
	ck_assert_int_eq(read_all("[\"abcd\"]", 8, &three, &trace, &err), HEFT_E_LIMIT);
	ck_assert_uint_eq(err.offset, 1001);
	ck_assert_int_eq(read_all("{\"abcd\":1}", 10, &three, &trace, &err), HEFT_E_LIMIT);
	heft_buffer_done(&trace);
}
END_TEST

START_TEST(a_refused_text_stays_refused)
{
	struct heft_json *j;
	struct heft_json_token token;
	struct heft_error err;

	ck_assert_int_eq(heft_json_new("[x]", 3, 0, NULL, &j, &err), HEFT_OK);
	ck_assert_int_eq(heft_json_next(j, &token, &err), HEFT_OK);
	ck_assert_int_eq(heft_json_next(j, &token, &err), HEFT_E_CORRUPT);
	ck_assert_int_ne(heft_json_next(j, &token, NULL), HEFT_OK);
	ck_assert_int_ne(heft_json_next(j, &token, NULL), HEFT_OK);
	heft_json_free(j);
	heft_json_free(NULL);
}
END_TEST

static void next_is(struct heft_json *j, enum heft_json_kind kind, const char *text,
                    struct heft_json_token *token)
{
	struct heft_error err;

	ck_assert_int_eq(heft_json_next(j, token, &err), HEFT_OK);
	ck_assert_int_eq(token->kind, kind);
	if (text)
		ck_assert_mem_eq(token->text, text, strlen(text));
}

START_TEST(tokens_tell_where_they_stand)
{
	static const char text[] = " {\"a\\n\" : -1.5 , \"b\":[] }";
	struct heft_json *j;
	struct heft_json_token token;

	ck_assert_int_eq(heft_json_new(text, sizeof text - 1, 8, NULL, &j, NULL), HEFT_OK);
	next_is(j, HEFT_JSON_OBJECT, NULL, &token);
	ck_assert_uint_eq(token.off, 9);
	next_is(j, HEFT_JSON_KEY, "a\n", &token);
	ck_assert_uint_eq(token.pos, 2);
	ck_assert_uint_eq(token.raw_size, 5);
	ck_assert_uint_eq(token.text_size, 2);
	next_is(j, HEFT_JSON_NUMBER, "-1.5", &token);
	ck_assert_uint_eq(token.off, 18);
	ck_assert_uint_eq(token.raw_size, 4);
	next_is(j, HEFT_JSON_KEY, "b", &token);
	ck_assert_ptr_eq(token.text, text + 18); /* given where it lies */
	next_is(j, HEFT_JSON_ARRAY, NULL, &token);
	next_is(j, HEFT_JSON_ARRAY_END, NULL, &token);
	ck_assert_uint_eq(token.pos, 22);
	next_is(j, HEFT_JSON_OBJECT_END, NULL, &token);
	next_is(j, HEFT_JSON_END, NULL, &token);
	ck_assert_uint_eq(token.pos, sizeof text - 1);
	next_is(j, HEFT_JSON_END, NULL, &token);
	heft_json_free(j);
}
END_TEST

START_TEST(skipping_passes_over_a_whole_value_and_checks_it)
{
	static const char text[] =
		"{\"a\":{\"x\":[1,{}],\"y\":2},\"b\":[[],[]],\"c\":3,\"d\":[{\"e\":1,\"e\":2}]}";
	struct heft_json *j;
	struct heft_json_token token;
	struct heft_error err;

	ck_assert_int_eq(heft_json_new(text, sizeof text - 1, 0, NULL, &j, NULL), HEFT_OK);
	next_is(j, HEFT_JSON_OBJECT, NULL, &token);
	next_is(j, HEFT_JSON_KEY, "a", &token);
	next_is(j, HEFT_JSON_OBJECT, NULL, &token);
	ck_assert_int_eq(heft_json_skip(j, &token, &err), HEFT_OK);
	next_is(j, HEFT_JSON_KEY, "b", &token);
	next_is(j, HEFT_JSON_ARRAY, NULL, &token);
	ck_assert_int_eq(heft_json_skip(j, &token, &err), HEFT_OK);
	next_is(j, HEFT_JSON_KEY, "c", &token);
	next_is(j, HEFT_JSON_NUMBER, "3", &token);
	ck_assert_int_eq(heft_json_skip(j, &token, &err), HEFT_OK);
	next_is(j, HEFT_JSON_KEY, "d", &token);
	next_is(j, HEFT_JSON_ARRAY, NULL, &token);
	ck_assert_int_eq(heft_json_skip(j, &token, &err), HEFT_E_CORRUPT);
	ck_assert_str_eq(err.msg, "the key 'e' is there twice");
	heft_json_free(j);
}
END_TEST

static const struct {
	const char *text;
	bool is_u64;
	uint64_t value;
} numbers[] = {
	{ "0", true, 0 },
	{ "7", true, 7 },
	{ "9007199254740993", true, UINT64_C(9007199254740993) },
	{ "18446744073709551615", true, UINT64_MAX },
	{ "18446744073709551616", false, 0 },
	{ "99999999999999999999999", false, 0 },
	{ "-1", false, 0 },
	{ "-0", false, 0 },
	{ "1.0", false, 0 },
	{ "1e3", false, 0 },
	{ "\"1\"", false, 0 },
	{ "true", false, 0 },
};

START_TEST(only_whole_numbers_that_fit_are_u64)
{
	struct heft_json *j;
	struct heft_json_token token;
	uint64_t v = 77;

	heft_json_new(numbers[_i].text, strlen(numbers[_i].text), 0, NULL, &j, NULL);
	ck_assert_int_eq(heft_json_next(j, &token, NULL), HEFT_OK);
	ck_assert(heft_json_u64(&token, &v) == numbers[_i].is_u64);
	ck_assert_uint_eq(v, numbers[_i].is_u64 ? numbers[_i].value : 77);
	heft_json_free(j);
}
END_TEST

/* An object of n keys, each with an object of ten keys, and maybe a last key that was there. */
static void build_large(struct heft_buffer *b, unsigned n, int twice_i)
{
	heft_buffer_add_u8(b, '{');
	for (unsigned i = 0; i < n; i++) {
		heft_buffer_addf(b, "\"k%u\":{", i);
		for (unsigned k = 0; k < 10; k++)
			heft_buffer_addf(b, "%s\"%s%u\":%u", k > 0 ? "," : "",
			                 k % 3 ? "k" : "\\u006b", k, i);
		heft_buffer_addf(b, "},");
	}
	heft_buffer_addf(b, "\"%s%d\":0}", twice_i % 2 ? "k" : "\\u006b", twice_i);
}

START_TEST(duplicates_are_found_among_thousands_of_keys)
{
	for (int twice_i = 0; twice_i <= 3000; twice_i += twice_i < 20 ? 1 : 745) {
		struct heft_buffer b;
		struct heft_buffer trace;
		struct heft_error err;
		enum heft_status st;

		heft_buffer_init(&b);
		heft_buffer_init(&trace);
		build_large(&b, 3000, twice_i);
		ck_assert(b.ok);
		st = read_all((char *)b.bytes, b.size, NULL, &trace, &err);
		ck_assert_int_eq(st, twice_i < 3000 ? HEFT_E_CORRUPT : HEFT_OK);
		heft_buffer_done(&b);
		heft_buffer_done(&trace);
	}
}
END_TEST

/* Against a slow and simple search, over small alphabets that make duplicates likely. */
START_TEST(duplicates_are_found_as_a_plain_search_finds_them)
{
	uint64_t random = 88172645463325252u;

	for (unsigned round = 0; round < 3000; round++) {
		const unsigned n = 1 + round % 24;
		unsigned keys[24];
		bool has_duplicate = false;
		struct heft_buffer b;
		struct heft_buffer trace;

		heft_buffer_init(&b);
		heft_buffer_init(&trace);
		for (unsigned i = 0; i < n; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			keys[i] = (unsigned)(random % (n * n));
			for (unsigned k = 0; k < i; k++)
				has_duplicate = has_duplicate || keys[k] == keys[i];
			heft_buffer_addf(&b, "%c\"%s%u\":{\"0\":0}", i > 0 ? ',' : '{',
			                 random >> 63 ? "k" : "\\u006b", keys[i]);
		}
		heft_buffer_add_u8(&b, '}');
		ck_assert_int_eq(read_all((char *)b.bytes, b.size, NULL, &trace, NULL),
		                 has_duplicate ? HEFT_E_CORRUPT : HEFT_OK);
		heft_buffer_done(&b);
		heft_buffer_done(&trace);
	}
}
END_TEST

static Suite *json_pull_suite(void)
{
	Suite *s = suite_create("base_json_pull");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, well_formed_text_gives_its_tokens, 0,
	                    sizeof accepted / sizeof accepted[0]);
	tcase_add_loop_test(t, malformed_text_is_refused_at_its_offset, 0,
	                    sizeof refused / sizeof refused[0]);
	tcase_add_test(t, every_prefix_of_a_text_is_refused);
	tcase_add_test(t, a_nul_is_a_byte_like_any_other);
	tcase_add_test(t, nesting_stops_at_the_limit);
	tcase_add_test(t, strings_stop_at_the_limit);
	tcase_add_test(t, a_refused_text_stays_refused);
	tcase_add_test(t, tokens_tell_where_they_stand);
	tcase_add_test(t, skipping_passes_over_a_whole_value_and_checks_it);
	tcase_add_loop_test(t, only_whole_numbers_that_fit_are_u64, 0,
	                    sizeof numbers / sizeof numbers[0]);
	tcase_add_test(t, duplicates_are_found_among_thousands_of_keys);
	tcase_add_test(t, duplicates_are_found_as_a_plain_search_finds_them);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(json_pull_suite());
}
