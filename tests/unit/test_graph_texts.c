/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph_texts.c - strings in models: constants, what moves them, operators of their own,
 * letter case and regular expressions (spec F6-93). */
#include "alloc_fail.h"
#include "graph/code_points.h"
#include "graph/regex.h"
#include "kinds_made.h"
#include "unit.h"

static struct import_made words(unsigned opset, const char *list)
{
	struct import_made m = import_start(opset);

	kinds_texts(&m.graph, "x", list);
	return m;
}

static void check(struct import_made m, const char *nodes, const char *outputs, const char *expect)
{
	graph_add_nodes(&m.graph, nodes);
	graph_add_names(&m.graph, 12, outputs);
	kinds_check(&m, NULL, expect);
}

static void refused(struct import_made m, enum heft_status st, const char *nodes,
                    const char *message)
{
	graph_add_nodes(&m.graph, nodes);
	graph_add_names(&m.graph, 12, "y");
	kinds_refused(&m, NULL, st, message);
}

/* --- what moves elements --- */

START_TEST(strings_are_moved)
{
	struct import_made m = words(20, "a,bc,,def");

	kinds_ints(&m.graph, "shape", "2,2");
	kinds_ints(&m.graph, "i", "-1,0");
	graph_add_nodes(&m.graph,
	                "r = Reshape x shape; t = Transpose r; g = Gather x i; n = Shape r;"
	                "o = Identity g");
	kinds_node(&m.graph, "c = Concat g x", "axis", (int64_t)0, NULL);
	check(m, "", "r; t; g; n; o; c",
	      "r = ['a' 'bc'; '' 'def'], t = ['a' ''; 'bc' 'def'], g = ['def' 'a'], n = [2 2], "
	      "o = ['def' 'a'], c = ['def' 'a' 'a' 'bc' '' 'def']");
}
END_TEST

START_TEST(strings_are_compared_and_chosen)
{
	struct import_made m = words(20, "a,bc,a");

	kinds_texts(&m.graph, "one", "a");
	check(m, "e = Equal x one; w = Where e x one; j = StringConcat x one", "e; w; j",
	      "e = [true false true], w = ['a' 'a' 'a'], j = ['aa' 'bca' 'aa']");
	m = words(20, "a,b");
	kinds_texts(&m.graph, "three", "a,b,c");
	refused(m, HEFT_E_USAGE, "y = Equal x three",
	        "node 'y' (Equal): shapes do not go together: 2 and 3 in one dimension");
	m = words(20, "a,b");
	kinds_ints(&m.graph, "i", "1,2");
	refused(m, HEFT_E_UNSUPPORTED, "y = Equal x i",
	        "node 'y' (Equal): input 1 of Equal is I64 and not strings");
	m = words(20, "a,b");
	kinds_ints(&m.graph, "i", "1,2");
	kinds_node(&m.graph, "y = Concat x i", "axis", (int64_t)0, NULL);
	refused(m, HEFT_E_USAGE, "", "node 'y' (Concat): inputs 0 and 1 are C128 and I64");
}
END_TEST

/* A tensor of strings in the file, of any shape. */
static struct import_made tensor(unsigned n_dims, unsigned n_texts)
{
	struct import_made m = import_start(17);
	struct heft_buffer a = import_attr("value", 4);
	struct heft_buffer t = made_empty();
	struct heft_buffer n;

	for (unsigned i = 0; i < n_dims; i++)
		made_uint(&t, 1, 2);
	made_uint(&t, 2, 8);
	for (unsigned i = 0; i < n_texts; i++)
		made_bytes(&t, 6, "a\0b", i % 4);
	made_message(&a, 5, &t);
	n = made_constant("x", &a);
	made_message(&m.graph, 1, &n);
	graph_add_nodes(&m.graph, "y = Identity x");
	graph_add_names(&m.graph, 12, "y");
	return m;
}

START_TEST(numbers_become_strings_and_back)
{
	static const float reals[6] = { 0.1F, -2, 1e20F, 16777216, 1.0F / 3, -1.0F / 0.0F };
	const struct heft_value v = { .name = "r",
		                      .dtype = HEFT_DTYPE_F32,
		                      .rank = 1,
		                      .dims = { 6 },
		                      .bytes = reals,
		                      .n_bytes = sizeof reals };
	struct import_made m = words(19, "1.5,-2,1e3,nan");

	graph_add_names(&m.graph, 11, "r");
	kinds_ints(&m.graph, "i", "-7,0,9223372036854775807");
	kinds_texts(&m.graph, "j", "-7,+12");
	kinds_node(&m.graph, "a = Cast x", "to", (int64_t)1, NULL);
	kinds_node(&m.graph, "b = Cast i", "to", (int64_t)8, NULL);
	kinds_node(&m.graph, "c = Cast r", "to", (int64_t)8, NULL);
	kinds_node(&m.graph, "d = Cast j", "to", (int64_t)7, NULL);
	graph_add_nodes(&m.graph, "e = CastLike d j; f = CastLike c r; g = Equal f r");
	graph_add_names(&m.graph, 12, "a; b; c; d; e; g");
	kinds_check(&m, &v,
	            "a = [1.5 -2 1000 nan], b = ['-7' '0' '9223372036854775807'], "
	            "c = ['0.1' '-2' '1e+20' '16777216' '0.33333334' '-INF'], d = [-7 12], "
	            "e = ['-7' '12'], g = [true true true true true true]");
	m = words(19, "1,2x");
	kinds_node(&m.graph, "y = Cast x", "to", (int64_t)1, NULL);
	refused(m, HEFT_E_USAGE, "", "node 'y' (Cast): element 1 is not a number of F32");
	m = words(19, "9223372036854775808");
	kinds_node(&m.graph, "y = Cast x", "to", (int64_t)7, NULL);
	refused(m, HEFT_E_USAGE, "", "node 'y' (Cast): element 0 is not a number of I64");
}
END_TEST

START_TEST(a_tensor_of_strings_has_as_many_as_its_shape_says)
{
	struct import_made m = tensor(1, 2);

	kinds_check(&m, NULL, "y = ['' 'a']");
	m = tensor(0, 1);
	kinds_check(&m, NULL, "y = ''");
	m = tensor(2, 3);
	check_refused(&m, NULL, HEFT_E_CORRUPT,
	              "a constant has another number of elements than its shape");
}
END_TEST

START_TEST(a_loop_carries_and_stacks_strings)
{
	struct import_made m = words(17, "a,bc");
	struct heft_buffer body = made_empty();
	struct heft_buffer n = import_node("v all = Loop n - x");

	graph_add_names(&body, 11, "i; go; p");
	graph_add_nodes(&body, "on = Identity go; first = Gather p i; q = Identity x");
	graph_add_names(&body, 12, "on; q; first");
	kinds_int(&m.graph, "n", 2);
	graph_add_subgraph(&n, "body", &body);
	made_message(&m.graph, 1, &n);
	check(m, "", "v; all", "v = ['a' 'bc'], all = ['a' 'bc']");
}
END_TEST

/* --- operators of strings --- */

static void add_split(struct import_made *m, const char *text, const char *delimiter, int64_t most)
{
	struct heft_buffer n = import_node(text);

	if (delimiter)
		kinds_text_attr(&n, "delimiter", delimiter);
	if (most >= 0)
		import_add_int(&n, "maxsplit", most);
	made_message(&m->graph, 1, &n);
}

START_TEST(strings_are_split)
{
	struct import_made m = words(20, "a-b--c,,-x");

	add_split(&m, "y n = StringSplit x", "-", -1);
	check(m, "", "y; n", "y = ['a' 'b' '' 'c'; '' '' '' ''; '' 'x' '' ''], n = [4 1 2]");
	m = words(20, " one  two three , ");
	add_split(&m, "y n = StringSplit x", NULL, -1);
	add_split(&m, "z = StringSplit x", "", 1);
	check(m, "", "y; n; z",
	      "y = ['one' 'two' 'three'; '' '' ''], n = [3 0], z = ['one' 'two three '; '' '']");
	m = words(20, "aXXbXXc");
	add_split(&m, "y n = StringSplit x", "XX", 0);
	check(m, "", "y; n", "y = ['aXXbXXc'], n = [1]");
}
END_TEST

static void check_normal(const char *list, const char *action, int64_t is_exact, const char *stops,
                         const char *expect)
{
	struct import_made m = words(10, list);
	struct heft_buffer n = import_node("y = StringNormalizer x");

	kinds_text_attr(&n, "case_change_action", action);
	import_add_int(&n, "is_case_sensitive", is_exact);
	if (stops)
		kinds_texts_attr(&n, "stopwords", stops);
	made_message(&m.graph, 1, &n);
	check(m, "", "y", expect);
}

START_TEST(strings_are_normalised)
{
	check_normal("Monday,TUESDAY", "LOWER", 1, "monday", "y = ['monday' 'tuesday']");
	check_normal("Monday,TUESDAY", "UPPER", 0, "monday", "y = ['TUESDAY']");
	check_normal("Monday,monday", "NONE", 1, "monday", "y = ['Monday']");
	check_normal("Monday,monday", "NONE", 0, "MONDAY", "y = ['']");
	check_normal("\xc3\x84rger,\xd0\x9f\xd1\x80", "LOWER", 1, NULL,
	             "y = ['\xc3\xa4rger' '\xd0\xbf\xd1\x80']");
	check_normal("\xc9\x90\xff"
	             "b",
	             "UPPER", 1, NULL,
	             "y = ['\xe2\xb1\xaf\xff"
	             "B']");
}
END_TEST

static void check_tf_idf(const char *list, const char *mode, int64_t skip, const char *expect)
{
	static const float weights[4] = { 2, 3, 4, 5 };
	struct import_made m = import_start(9);
	struct heft_buffer n = import_node("y = TfIdfVectorizer x");
	struct heft_buffer a = import_attr("weights", 6);

	kinds_ints(&m.graph, "x", list);
	kinds_text_attr(&n, "mode", mode);
	import_add_int(&n, "min_gram_length", 1);
	import_add_int(&n, "max_gram_length", 2);
	import_add_int(&n, "max_skip_count", skip);
	kinds_ints_attr(&n, "ngram_counts", "0,2");
	kinds_ints_attr(&n, "ngram_indexes", "3,2,1,0");
	kinds_ints_attr(&n, "pool_int64s", "5,7,5,5,7,5");
	made_bytes(&a, 7, weights, sizeof weights);
	made_message(&n, 5, &a);
	made_message(&m.graph, 1, &n);
	check(m, "", "y", expect);
}

START_TEST(n_grams_are_counted_and_weighed)
{
	/* columns: 0 is (7 5), 1 is (5 5), 2 is (7), 3 is (5) */
	check_tf_idf("5,5,7,5", "TF", 0, "y = [1 1 1 3]");
	check_tf_idf("5,5,7,5", "TF", 1, "y = [1 2 1 3]");
	check_tf_idf("5,5,7,5", "TF", 100, "y = [1 3 1 3]");
	check_tf_idf("5,5,7,5", "TFIDF", 0, "y = [2 3 4 15]");
	check_tf_idf("5,5", "IDF", 0, "y = [0 3 0 5]");
}
END_TEST

static void refuse_tf_idf(const char *counts, const char *indexes, const char *message)
{
	struct import_made m = words(9, "a,b");
	struct heft_buffer n = import_node("y = TfIdfVectorizer x");

	kinds_text_attr(&n, "mode", "TF");
	import_add_int(&n, "min_gram_length", 1);
	import_add_int(&n, "max_gram_length", 2);
	import_add_int(&n, "max_skip_count", 0);
	kinds_ints_attr(&n, "ngram_counts", counts);
	kinds_ints_attr(&n, "ngram_indexes", indexes);
	kinds_texts_attr(&n, "pool_strings", "a,b,a,b");
	made_message(&m.graph, 1, &n);
	refused(m, HEFT_E_USAGE, "", message);
}

START_TEST(a_pool_that_is_none_is_refused)
{
	refuse_tf_idf("0,3", "0,1,2,3",
	              "node 'y' (TfIdfVectorizer): ngram_counts do not cut the pool into n-grams");
	refuse_tf_idf("0,2", "0,1",
	              "node 'y' (TfIdfVectorizer): ngram_indexes are fewer than n-grams");
	refuse_tf_idf("0,2", "0,1,2,3",
	              "node 'y' (TfIdfVectorizer): ngram_indexes are more than n-grams");
	refuse_tf_idf("0,2", "0,1,-2", "node 'y' (TfIdfVectorizer): ngram_indexes are no columns");
	refuse_tf_idf("0", "0,1,2,3",
	              "node 'y' (TfIdfVectorizer): it counts n-grams of no size that the pool has");
}
END_TEST

static struct import_made with_ml(const char *list, uint64_t version)
{
	struct import_made m = words(17, list);

	import_add_opset(&m.rest, 8, "ai.onnx.ml", version);
	return m;
}

START_TEST(labels_become_numbers_and_back)
{
	struct import_made m = with_ml("b,a,z", 2);
	struct heft_buffer n = import_node("k = ai.onnx.ml::LabelEncoder x");

	kinds_texts_attr(&n, "keys_strings", "a,b,a");
	kinds_ints_attr(&n, "values_int64s", "10,20,30");
	made_message(&m.graph, 1, &n);
	n = import_node("y = ai.onnx.ml::LabelEncoder k");
	kinds_ints_attr(&n, "keys_int64s", "20,10");
	kinds_texts_attr(&n, "values_strings", "B,A");
	kinds_text_attr(&n, "default_string", "?");
	made_message(&m.graph, 1, &n);
	check(m, "", "k; y", "k = [20 10 -1], y = ['B' 'A' '?']");
	m = with_ml("b,a,z", 1);
	n = import_node("k = ai.onnx.ml::LabelEncoder x");
	kinds_texts_attr(&n, "classes_strings", "a,b");
	made_message(&m.graph, 1, &n);
	n = import_node("y = ai.onnx.ml::LabelEncoder k");
	kinds_texts_attr(&n, "classes_strings", "a,b");
	made_message(&m.graph, 1, &n);
	check(m, "", "k; y", "k = [1 0 -1], y = ['b' 'a' '_Unused']");
	m = with_ml("b,a,z", 2);
	n = import_node("y = ai.onnx.ml::LabelEncoder x");
	kinds_texts_attr(&n, "keys_strings", "a,b");
	kinds_ints_attr(&n, "values_int64s", "10");
	made_message(&m.graph, 1, &n);
	refused(m, HEFT_E_USAGE, "", "node 'y' (LabelEncoder): it has 2 keys and 1 values");
}
END_TEST

/* --- regular expressions --- */

static const struct {
	const char *pattern;
	const char *text;
	bool matches;
} matches[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "abc", "abc", true },
	{ "abc", "abcd", false },
	{ "a|bc|", "bc", true },
	{ "a|bc|", "", true },
	{ "a|bc|", "b", false },
	{ "a*", "aaaa", true },
	{ "(a*)*b", "aaab", true },
	{ "(a|b|c)+d?", "abcabc", true },
	{ "x{2,3}", "x", false },
	{ "x{2,3}", "xxx", true },
	{ "x{2,3}", "xxxx", false },
	{ "x{0,2}y", "xxy", true },
	{ "x{0,2}y", "xxxy", false },
	{ "x{2,}", "xxxxx", true },
	{ "x{2,}", "x", false },
	{ "x{0}y", "y", true },
	{ "(ab|c){2}", "abc", true },
	{ "(ab|c){2}", "ab", false },
	{ "x{,2}", "x{,2}", true },
	{ "[a-c]+[^a-c]", "abcd", true },
	{ "[]a]+", "]a", true },
	{ "[^]]", "]", false },
	{ "[a-]+", "a-a", true },
	{ "\\d{3}-\\w+", "123-a_9", true },
	{ "\\D\\W\\S", "a-b", true },
	{ "[\\d.]+", "1.5", true },
	{ "[[:alpha:]_]+", "aZ_", true },
	{ "[^[:space:]]", " ", false },
	{ ".", "\xc3\xa4", true },
	{ ".", "\n", false },
	{ "[\xc3\xa0-\xc3\xbf]+", "\xc3\xa4\xc3\xb6", true },
	{ "\\x41\\x{1F600}", "A\xf0\x9f\x98\x80", true },
	{ "^a$", "a", true },
	{ "a^b", "ab", false },
	{ "\\bfoo\\b.*", "foo bar", true },
	{ "\\bfoo\\b.*", "foobar", false },
	{ "foo\\Bbar", "foobar", true },
	{ "(?:a)(?P<n>b)(?<m>c)", "abc", true },
	{ "\\.\\*\\\\", ".*\\", true },
	{ "a*?b+?", "aab", true },
	{ "((a|b)?){3}c", "abc", true },
};

START_TEST(a_regular_expression_matches)
{
	const struct heft_text text = heft_text_of(matches[_i].text);
	struct heft_regex r;
	struct heft_error err;

	ck_assert_msg(heft_regex_init(&r, matches[_i].pattern, &err) == HEFT_OK, "%s: %s",
	              matches[_i].pattern, err.msg);
	ck_assert_msg(heft_regex_matches(&r, &text) == matches[_i].matches, "%s on %s",
	              matches[_i].pattern, matches[_i].text);
	heft_regex_done(&r);
}
END_TEST

static const struct {
	const char *pattern;
	enum heft_status st;
} refusals[] = {
	{ "(a", HEFT_E_USAGE },
	{ "a)", HEFT_E_USAGE },
	{ "[a", HEFT_E_USAGE },
	{ "*a", HEFT_E_USAGE },
	{ "a**", HEFT_E_USAGE },
	{ "a{3,2}", HEFT_E_USAGE },
	{ "a{1001}", HEFT_E_USAGE },
	{ "[b-a]", HEFT_E_USAGE },
	{ "[[:foo:]]", HEFT_E_USAGE },
	{ "\\x{110000}", HEFT_E_USAGE },
	{ "\\xg", HEFT_E_USAGE },
	{ "a\\", HEFT_E_USAGE },
	{ "\xff", HEFT_E_USAGE },
	{ "(?i)a", HEFT_E_UNSUPPORTED },
	{ "\\pL", HEFT_E_UNSUPPORTED },
	{ "(a)\\1", HEFT_E_UNSUPPORTED },
	{ "((a{1000}){1000}){1000}", HEFT_E_LIMIT },
};

START_TEST(a_regular_expression_is_refused)
{
	struct heft_regex r;
	struct heft_error err;

	ck_assert_int_eq(heft_regex_init(&r, refusals[_i].pattern, &err), refusals[_i].st);
	ck_assert_int_eq(err.code, refusals[_i].st);
	heft_regex_done(&r);
}
END_TEST

/* What takes others exponential time; and parts that are nothing, however often. */
START_TEST(no_regular_expression_runs_away)
{
	char text[2000];
	char deep[1000];
	struct heft_text t = { .bytes = text, .n_bytes = sizeof text };
	struct heft_regex r;

	memset(text, 'a', sizeof text);
	ck_assert_int_eq(heft_regex_init(&r, "(a*)*(a|aa)+(a?){50}b", NULL), HEFT_OK);
	ck_assert(!heft_regex_matches(&r, &t));
	heft_regex_done(&r);
	ck_assert_int_eq(heft_regex_init(&r, "(((){1000}){1000}){1000}a*", NULL), HEFT_OK);
	ck_assert(heft_regex_matches(&r, &t));
	heft_regex_done(&r);
	memset(deep, '(', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	ck_assert_int_eq(heft_regex_init(&r, deep, NULL), HEFT_E_LIMIT);
	heft_regex_done(&r);
}
END_TEST

START_TEST(no_memory_for_a_regular_expression)
{
	for (size_t n = 1;; n++) {
		struct heft_regex r;
		enum heft_status st;

		alloc_fail_at(n);
		st = heft_regex_init(&r, "(a|b[cd]{3})*x{20}", NULL);
		if (!alloc_fail_done()) {
			ck_assert_int_eq(st, HEFT_OK);
			heft_regex_done(&r);
			ck_assert_uint_gt(n, 2);
			break;
		}
		ck_assert_int_eq(st, HEFT_E_NOMEM);
		heft_regex_done(&r);
	}
}
END_TEST

static void check_pattern(const char *pattern, const char *expect)
{
	struct import_made m = words(20, "a1,b,");
	struct heft_buffer n = import_node("y = RegexFullMatch x");

	kinds_text_attr(&n, "pattern", pattern);
	made_message(&m.graph, 1, &n);
	check(m, "", "y", expect);
}

START_TEST(strings_are_matched)
{
	check_pattern("[a-z]\\d?", "y = [true true false]");
	check_pattern(".*", "y = [true true true]");
}
END_TEST

/* --- characters --- */

START_TEST(characters_are_read_and_written)
{
	static const uint32_t all[] = {
		0, 'a', 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff
	};
	char text[HEFT_CODE_POINT_BYTES];

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		const size_t n = heft_code_point_put(text, all[i]);
		const char *at = text;

		ck_assert_uint_eq(heft_code_point_next(&at, text + n), all[i]);
		ck_assert_ptr_eq(at, text + n);
	}
	for (const char *at = "\xc3("; *at;) {
		const uint32_t c = heft_code_point_next(&at, at + strlen(at));

		ck_assert(c == '(' || (c > HEFT_CODE_POINT_MAX &&
		                       heft_code_point_put(text, c) == 1 && text[0] == '\xc3'));
	}
}
END_TEST

START_TEST(letters_have_two_cases)
{
	static const uint32_t pairs[][2] = {
		{ 'A', 'a' },         { 0xc4, 0xe4 },       { 0x100, 0x101 },  { 0x178, 0xff },
		{ 0x391, 0x3b1 },     { 0x410, 0x430 },     { 0x401, 0x451 },  { 0x531, 0x561 },
		{ 0x10a0, 0x2d00 },   { 0x1e00, 0x1e01 },   { 0x2c6f, 0x250 }, { 0xff21, 0xff41 },
		{ 0x10400, 0x10428 }, { 0x1e900, 0x1e922 },
	};
	static const uint32_t none[] = { '1', '[', '`', 0xd7, 0xdf, 0x4e00, 0x1f600, 0x10ffff };

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		ck_assert_uint_eq(heft_code_point_lower(pairs[i][0]), pairs[i][1]);
		ck_assert_uint_eq(heft_code_point_upper(pairs[i][1]), pairs[i][0]);
		ck_assert_uint_eq(heft_code_point_lower(pairs[i][1]), pairs[i][1]);
		ck_assert_uint_eq(heft_code_point_upper(pairs[i][0]), pairs[i][0]);
	}
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		ck_assert_uint_eq(heft_code_point_lower(none[i]), none[i]);
		ck_assert_uint_eq(heft_code_point_upper(none[i]), none[i]);
	}
}
END_TEST

static Suite *texts_suite(void)
{
	Suite *s = suite_create("graph_texts");
	TCase *t = tcase_create("texts");

	tcase_add_test(t, strings_are_moved);
	tcase_add_test(t, strings_are_compared_and_chosen);
	tcase_add_test(t, numbers_become_strings_and_back);
	tcase_add_test(t, a_tensor_of_strings_has_as_many_as_its_shape_says);
	tcase_add_test(t, a_loop_carries_and_stacks_strings);
	tcase_add_test(t, strings_are_split);
	tcase_add_test(t, strings_are_normalised);
	tcase_add_test(t, n_grams_are_counted_and_weighed);
	tcase_add_test(t, a_pool_that_is_none_is_refused);
	tcase_add_test(t, labels_become_numbers_and_back);
	tcase_add_loop_test(t, a_regular_expression_matches, 0,
	                    (int)(sizeof matches / sizeof *matches));
	tcase_add_loop_test(t, a_regular_expression_is_refused, 0,
	                    (int)(sizeof refusals / sizeof *refusals));
	tcase_add_test(t, no_regular_expression_runs_away);
	tcase_add_test(t, no_memory_for_a_regular_expression);
	tcase_add_test(t, strings_are_matched);
	tcase_add_test(t, characters_are_read_and_written);
	tcase_add_test(t, letters_have_two_cases);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(texts_suite());
}
