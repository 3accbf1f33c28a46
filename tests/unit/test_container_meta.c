/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_meta.c - checking metadata, and changing one member of it. */
#include "container/meta.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "container/layout.h"
#include "unit.h"

/* --- setting and unsetting ------------------------------------------------------------------ */

struct change {
	const char *text;
	const char *key;
	const char *value; /* NULL: unset */
	const char *want;  /* NULL: a failure */
	enum heft_status status;
};

static const struct change changes[] = {
	{ NULL, "a", "1", "{\"a\":1}", HEFT_OK },
	{ "{}", "a", "\"x\"", "{\"a\":\"x\"}", HEFT_OK },
	{ " { \n } \n", "a", "1", " {\"a\":1} \n", HEFT_OK },
	{ "{\"a\":1}", "b", "2", "{\"a\":1,\"b\":2}", HEFT_OK },
	{ "{\"a\": 1}", "b", "2", "{\"a\": 1, \"b\": 2}", HEFT_OK },
	{ "{\"a\": 1, \"c\": []}", "b", "{}", "{\"a\": 1, \"c\": [], \"b\": {}}", HEFT_OK },
	{ "{\n  \"a\": 1\n}\n", "b", "2", "{\n  \"a\": 1,\n  \"b\": 2\n}\n", HEFT_OK },
	{ "{\n\t\"a\" : 1 ,\n\t\"c\" : 2\n}", "b", "3",
	  "{\n\t\"a\" : 1 ,\n\t\"c\" : 2,\n\t\"b\" : 3\n}", HEFT_OK },
	{ "{\"a\":1,\"b\":2}", "a", "[1, {}]", "{\"a\":[1, {}],\"b\":2}", HEFT_OK },
	{ "{\"a\": {\"b\": [1,2]} , \"b\":2}", "a", "null", "{\"a\": null , \"b\":2}", HEFT_OK },
	{ "{\"x\":{\"a\":1},\"a\":2}", "a", "3", "{\"x\":{\"a\":1},\"a\":3}", HEFT_OK },
	{ "{\"\\u0061\":1}", "a", "2", "{\"\\u0061\":2}", HEFT_OK },
	{ "{}", "q\"\\\n", "1", "{\"q\\\"\\\\\\n\":1}", HEFT_OK },
	{ "{}", "", "1", "{\"\":1}", HEFT_OK },
	{ "{}", "a", "", NULL, HEFT_E_USAGE },
	{ "{}", "a", "1 2", NULL, HEFT_E_USAGE },
	{ "{}", "a", "1,\"b\":2", NULL, HEFT_E_USAGE },
	{ "{}", "a", "{\"x\":1,\"x\":2}", NULL, HEFT_E_USAGE },
	{ "{}", "a", "nul", NULL, HEFT_E_USAGE },
	{ "{}", "a", "\"\xff\"", NULL, HEFT_E_USAGE },
	{ "{}", "\xff", "1", NULL, HEFT_E_USAGE },
	{ "{\"a\":1}", "a", NULL, "{}", HEFT_OK },
	{ "{ \"a\": 1 }\n", "a", NULL, "{}\n", HEFT_OK },
	{ "{\"a\":1,\"b\":2}", "a", NULL, "{\"b\":2}", HEFT_OK },
	{ "{\"a\":1,\"b\":2}", "b", NULL, "{\"a\":1}", HEFT_OK },
	{ "{\"a\":1,\"b\":2,\"c\":3}", "b", NULL, "{\"a\":1,\"c\":3}", HEFT_OK },
	{ "{\n  \"a\": 1,\n  \"b\": {\"c\": [2]},\n  \"c\": 3\n}", "b", NULL,
	  "{\n  \"a\": 1,\n  \"c\": 3\n}", HEFT_OK },
	{ "{\n  \"a\": 1,\n  \"b\": 2\n}", "a", NULL, "{\n  \"b\": 2\n}", HEFT_OK },
	{ "{\n  \"a\": 1 ,\n  \"b\": 2\n}", "b", NULL, "{\n  \"a\": 1\n}", HEFT_OK },
	{ "{\"a\":1}", "b", NULL, NULL, HEFT_E_NOT_FOUND },
	{ "{\"b\":{\"a\":1}}", "a", NULL, NULL, HEFT_E_NOT_FOUND },
	{ NULL, "a", NULL, NULL, HEFT_E_NOT_FOUND },
};

START_TEST(one_member_changes_and_the_others_keep_their_bytes)
{
	const struct change *c = &changes[_i];
	struct heft_error err = { .code = HEFT_OK };
	char *out = NULL;
	enum heft_status st;

	if (c->value)
		st = heft_meta_set(c->text, c->key, c->value, &out, &err);
	else
		st = heft_meta_unset(c->text, c->key, &out, &err);
	ck_assert_msg(st == c->status, "%s: %s", heft_status_name(st), err.msg);
	if (c->want) {
		ck_assert_str_eq(out, c->want);
		ck_assert_int_eq(heft_meta_check(out, strlen(out), HEFT_E_CORRUPT, 0, NULL),
		                 HEFT_OK);
	} else {
		ck_assert_ptr_null(out);
		ck_assert_int_eq(err.code, st);
	}
	heft_free(out);
}
END_TEST

/* --- checking ------------------------------------------------------------------------------- */

static const char *const wrong[] = {
	"",
	" ",
	"[]",
	"1",
	"null",
	"\"a\"",
	"{",
	"{}{}",
	"{},",
	"{\"a\"}",
	"{\"a\":}",
	"{a:1}",
	"{\"a\":1,}",
	"\xef\xbb\xbf{}",
	"{\"a\":\"\xc0\xaf\"}",
	"{\"a\":\"\\ud800\"}",
	"{\"a\":1,\"\\u0061\":2}",
	"{\"x\":[{\"a\":1,\"a\":2}]}",
};

/* R7.1-1, R7.1-3 */
START_TEST(what_is_no_object_is_refused_as_the_caller_says)
{
	const enum heft_status codes[] = { HEFT_E_CORRUPT, HEFT_E_USAGE };
	struct heft_error err;

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(heft_meta_check(wrong[_i], strlen(wrong[_i]), codes[i], 1000,
		                                 &err),
		                 codes[i]);
		ck_assert_int_eq(err.code, codes[i]);
		ck_assert_uint_ge(err.offset, 1000);
		ck_assert_uint_le(err.offset, 1000 + strlen(wrong[_i]));
	}
}
END_TEST

/* R7.1-2: the object itself is depth 1. */
START_TEST(depth_is_at_most_64)
{
	char text[300] = "{\"a\":";
	char *out;

	for (int n_arrays = 62; n_arrays <= 64; n_arrays++) {
		memset(text + 5, '[', (size_t)n_arrays);
		memset(text + 5 + n_arrays, ']', (size_t)n_arrays);
		memcpy(text + 5 + 2 * n_arrays, "}", 2);
		ck_assert_int_eq(heft_meta_check(text, strlen(text), HEFT_E_CORRUPT, 0, NULL),
		                 n_arrays <= 63 ? HEFT_OK : HEFT_E_LIMIT);
		text[5 + 2 * n_arrays] = '\0';
		ck_assert_int_eq(heft_meta_set("{}", "a", text + 5, &out, NULL),
		                 n_arrays <= 63 ? HEFT_OK : HEFT_E_LIMIT);
		if (n_arrays <= 63)
			heft_free(out);
	}
}
END_TEST

/* R7.1-2 */
START_TEST(size_is_at_most_256_mib)
{
	ck_assert_int_eq(heft_meta_check("{}", HEFT_META_MAX + 1, HEFT_E_CORRUPT, 0, NULL),
	                 HEFT_E_LIMIT);
}
END_TEST

static Suite *meta_suite(void)
{
	Suite *s = suite_create("container/meta");
	TCase *tc = tcase_create("meta");

	tcase_add_loop_test(tc, one_member_changes_and_the_others_keep_their_bytes, 0,
	                    sizeof changes / sizeof *changes);
	tcase_add_loop_test(tc, what_is_no_object_is_refused_as_the_caller_says, 0,
	                    sizeof wrong / sizeof *wrong);
	tcase_add_test(tc, depth_is_at_most_64);
	tcase_add_test(tc, size_is_at_most_256_mib);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(meta_suite());
}
