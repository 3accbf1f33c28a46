/* SPDX-License-Identifier: Apache-2.0 */
/* test_artifact_lineage.c - lineages and tables of epochs in memory: written, read, refused. */
#include "artifact/lineage.h"

#include <stdlib.h>

#include "alloc_fail.h"
#include "lineage_made.h"
#include "unit.h"

static struct heft_error err;

static struct heft_lineage *new_lineage(void)
{
	struct heft_lineage *l;

	ck_assert_int_eq(heft_lineage_new(&l, &err), HEFT_OK);
	return l;
}

static void append(struct heft_lineage *l, const struct heft_lineage_step *step)
{
	ck_assert_msg(heft_lineage_append(l, step, &err) == HEFT_OK, "%s", err.msg);
}

static const char *text_of(struct heft_lineage *l)
{
	const char *text;

	ck_assert_int_eq(heft_lineage_text(l, &text, &err), HEFT_OK);
	return text;
}

/* L2-1: every member, in its order and spelling. */
START_TEST(a_step_is_written_member_by_member)
{
	static const char expected[] =
		"{\"lineage\":1,\"steps\":[{\"kind\":\"tune\",\"heft\":\"0.1.0\",\"revision\":"
		"\"abc\",\"numerics\":1,\"parent\":{\"weights\":\"01010101010101010101010101010101"
		"01010101010101010101010101010101\"},\"recipe\":" STEP_RECIPE
		",\"seed\":\"18446744073709551615\",\"data\":[{\"use\":\"train\",\"digest\":"
		"\"0000000000000000000000000000000000000000000000000000000000000000\",\"samples\":"
		"1152921504606846976,\"arrays\":[\"x\",\"y\"]},{\"use\":\"val\",\"digest\":"
		"\"0000000000000000000000000000000000000000000000000000000000000000\",\"samples\":"
		"0,\"arrays\":[]}],\"changed\":[\"fc.weight\",\"fc.bias\"],\"frozen\":["
		"\"conv.weight\",\"conv \\\"1\\\"\\\\\\t\xc3\xa9\"],\"rewrites\":[{\"what\":"
		"\"strip\",\"where\":\"/fc/Softmax\"}],\"metrics\":{\"accuracy\":0.1,\"r2\":"
		"\"-inf\",\"f1\":null},\"links\":[{\"steps\":0,\"epochs\":0,\"loss\":"
		"0.3333333333333333,\"weights\":\"000000000000000000000000000000000000000000000000"
		"0000000000000000\",\"chain\":\"";
	struct heft_lineage *l = new_lineage();
	struct made_step m;
	const char *text;

	step_make(&m, 1, 2);
	append(l, &m.step);
	text = text_of(l);
	ck_assert_uint_gt(strlen(text), strlen(expected));
	ck_assert_msg(memcmp(text, expected, strlen(expected)) == 0, "%s", text);
	heft_lineage_free(l);
}
END_TEST

static void check_same(const struct heft_lineage_step *a, const struct heft_lineage_step *b)
{
	ck_assert_str_eq(a->recipe, b->recipe);
	ck_assert_uint_eq(a->seed, b->seed);
	ck_assert_uint_eq(a->n_frozen, b->n_frozen);
	ck_assert_str_eq(a->frozen[1], b->frozen[1]);
	ck_assert_uint_eq(a->data[0].n_samples, b->data[0].n_samples);
	ck_assert_str_eq(a->data[0].arrays[1], b->data[0].arrays[1]);
	ck_assert(isinf(a->metrics[1].value) && isnan(a->metrics[2].value));
	ck_assert_uint_eq(a->n_links, b->n_links);
	ck_assert_double_eq(a->links[2].loss, b->links[2].loss);
	ck_assert_mem_eq(a->links[2].chain, b->links[2].chain, HEFT_DIGEST_SIZE);
	ck_assert_str_eq(a->kept, b->kept);
	ck_assert_mem_eq(a->result_digest, b->result_digest, HEFT_DIGEST_SIZE);
}

START_TEST(what_was_written_reads_back)
{
	struct heft_lineage *l = new_lineage();
	struct heft_lineage *back = new_lineage();
	struct heft_lineage_step step;
	struct made_step m[2];
	const char *text;

	step_make(&m[0], 1, 2);
	step_make(&m[1], 2, 3);
	m[1].step.kind = HEFT_LINEAGE_HEAD;
	m[1].step.has_parent_artifact = true;
	memset(m[1].step.parent_artifact, 0xab, HEFT_DIGEST_SIZE);
	append(l, &m[0].step);
	append(l, &m[1].step);
	text = text_of(l);
	ck_assert_msg(heft_lineage_parse(back, text, strlen(text), 0, &err) == HEFT_OK, "%s",
	              err.msg);
	ck_assert_uint_eq(heft_lineage_n_steps(back), 2);
	for (uint32_t i = 0; i < 2; i++) {
		ck_assert_int_eq(heft_lineage_step_at(back, i, &step, &err), HEFT_OK);
		ck_assert_int_eq(step.kind, m[i].step.kind);
		check_same(&step, &m[i].step);
	}
	ck_assert(step.has_parent_artifact && step.parent_artifact[31] == 0xab);
	ck_assert_int_eq(heft_lineage_step_at(back, 2, &step, &err), HEFT_E_USAGE);
	ck_assert_str_eq(text_of(back), text);
	ck_assert_int_eq(heft_lineage_check(back, &err), HEFT_OK);
	heft_lineage_free(l);
	heft_lineage_free(back);
}
END_TEST

START_TEST(nothing_given_counts_as_empty)
{
	const struct heft_lineage_step bare = { .kind = HEFT_LINEAGE_INIT };
	struct heft_lineage *l = new_lineage();

	append(l, &bare);
	ck_assert_ptr_nonnull(strstr(text_of(l), "\"recipe\":{},\"seed\":\"0\",\"data\":[]"));
	heft_lineage_free(l);
}
END_TEST

START_TEST(blanks_of_a_recipe_are_left_out)
{
	const struct heft_lineage_step step = { .recipe = " { \"a b\" : [ 1 , \"\\\" x\" ] }\n" };
	struct heft_lineage *l = new_lineage();

	append(l, &step);
	ck_assert_ptr_nonnull(strstr(text_of(l), "\"recipe\":{\"a b\":[1,\"\\\" x\"]},"));
	heft_lineage_free(l);
}
END_TEST

/* What a step may not be, and a word of what is said. */
static void spoil(struct made_step *m, int how, const char **word)
{
	/* NULL: what the reader of JSON says */
	static const char *const words[] = {
		"known kind", NULL,          "here",    "twice", "broken chain", "backwards",
		"then",       "step before", "unknown", "kept",  NULL,
	};
	static const char *const bad[] = { "\xff\xfe" };

	*word = words[how];
	if (how == 0)
		m->step.kind = (enum heft_lineage_kind)9;
	else if (how == 1 || how == 2)
		m->step.recipe = how == 1 ? "\"recipe\"" : "{\"a\":1} {}";
	else if (how == 3)
		m->metrics[1].name = "accuracy";
	else if (how == 4)
		m->links[0].loss = 0.5;
	else if (how == 5)
		m->links[2].n_steps = 9;
	else if (how == 6)
		m->links[2].weights_digest[0] ^= 1;
	else if (how == 7)
		m->step.parent_digest[31] ^= 1;
	else if (how == 8)
		m->data[1].use = "test";
	else if (how == 9)
		m->step.kept = "first";
	else
		m->step.changed = bad;
	if (how == 10)
		m->step.n_changed = 1;
	if (how >= 5 && how <= 7)
		step_chain(m);
}

START_TEST(a_step_that_is_not_allowed_is_refused_and_changes_nothing)
{
	struct heft_lineage *l = new_lineage();
	struct made_step m;
	const char *word;
	char *before;

	step_make(&m, 1, 2);
	append(l, &m.step);
	before = strdup(text_of(l));
	step_make(&m, 2, 3);
	spoil(&m, _i, &word);
	ck_assert_int_eq(heft_lineage_append(l, &m.step, &err), HEFT_E_USAGE);
	if (word)
		ck_assert_msg(strstr(err.msg, word) != NULL, "%s", err.msg);
	ck_assert_str_eq(text_of(l), before);
	ck_assert_uint_eq(heft_lineage_n_steps(l), 1);
	free(before);
	heft_lineage_free(l);
}
END_TEST

/* L1-1: any change of a byte is found, by the reader or by the checks; none is passed over. */
START_TEST(no_other_text_reads_as_a_lineage)
{
	struct heft_lineage *l = new_lineage();
	struct made_step m;
	size_t size;
	char *text;

	step_make(&m, 1, 2);
	append(l, &m.step);
	text = strdup(text_of(l));
	size = strlen(text);
	for (size_t i = 0; i < size; i++) {
		static const char others[] = " \"0{,x";
		const char old = text[i];

		for (const char *c = others; *c; c++) {
			struct heft_lineage *back = new_lineage();

			text[i] = *c;
			if (heft_lineage_parse(back, text, size, 0, &err) == HEFT_OK)
				ck_assert_str_eq(text_of(back), text);
			heft_lineage_free(back);
		}
		text[i] = old;
	}
	free(text);
	heft_lineage_free(l);
}
END_TEST

START_TEST(cut_texts_are_refused)
{
	struct heft_lineage *l = new_lineage();
	struct made_step m;
	const char *text;

	step_make(&m, 1, 2);
	append(l, &m.step);
	text = text_of(l);
	for (size_t n = 0; n < strlen(text); n++) {
		struct heft_lineage *back = new_lineage();

		ck_assert_int_eq(heft_lineage_parse(back, text, n, 0, &err), HEFT_E_CORRUPT);
		heft_lineage_free(back);
	}
	heft_lineage_free(l);
}
END_TEST

static const struct {
	const char *text;
	enum heft_status st;
} sections[] = {
	{ "{\"lineage\":2,\"steps\":[]}", HEFT_E_UNSUPPORTED },
	{ "{\"lineage\":0,\"steps\":[]}", HEFT_E_CORRUPT },
	{ "{\"lineage\":1,\"steps\":[]}", HEFT_E_CORRUPT },
	{ "{\"lineage\":1,\"steps\":{}}", HEFT_E_CORRUPT },
	{ "{\"steps\":[],\"lineage\":1}", HEFT_E_CORRUPT },
	{ "{\"lineage\":1,\"steps\":[1]}", HEFT_E_CORRUPT },
	{ "[]", HEFT_E_CORRUPT },
	{ "", HEFT_E_CORRUPT },
};

START_TEST(other_sections_are_refused)
{
	struct heft_lineage *l = new_lineage();

	ck_assert_int_eq(heft_lineage_parse(l, sections[_i].text, strlen(sections[_i].text), 0,
	                                    &err),
	                 sections[_i].st);
	heft_lineage_free(l);
}
END_TEST

/* --- epochs --- */

START_TEST(a_table_of_epochs_reads_back)
{
	static const char *const columns[] = { "epoch", "loss" };
	const double cells[] = { 1, 0.1, 2, (double)NAN, 3, 1e-300 };
	const struct heft_epochs table = {
		.columns = columns, .n_columns = 2, .cells = cells, .n_rows = 3
	};
	static const char expected[] = "{\"run\":1,\"columns\":[\"epoch\",\"loss\"],\"rows\":"
				       "[[1,0.1],[2,null],[3,1e-300]]}";
	struct heft_epochs *back;
	struct heft_buffer b;

	heft_buffer_init(&b);
	heft_epochs_add(&b, &table);
	ck_assert_uint_eq(b.size, strlen(expected));
	ck_assert_mem_eq(b.bytes, expected, b.size);
	ck_assert_msg(heft_epochs_parse(expected, b.size, 0, &back, &err) == HEFT_OK, "%s",
	              err.msg);
	ck_assert_uint_eq(back->n_rows, 3);
	ck_assert_str_eq(back->columns[1], "loss");
	ck_assert_double_eq(back->cells[5], 1e-300);
	ck_assert(isnan(back->cells[3]));
	heft_epochs_free(back);
	heft_buffer_done(&b);
}
END_TEST

static const char *const bad_tables[] = {
	"{\"run\":1,\"columns\":[],\"rows\":[]}",
	"{\"run\":1,\"columns\":[\"a\"],\"rows\":[[1,2]]}",
	"{\"run\":1,\"columns\":[\"a\"],\"rows\":[[]]}",
	"{\"run\":1,\"columns\":[\"a\"],\"rows\":[1]}",
	"{\"run\":1,\"columns\":[\"a\"],\"rows\":[[true]]}",
	"{\"run\":1,\"columns\":[\"a\"],\"rows\":[[1.0]]}",
	"{\"run\":1,\"columns\":[\"a\"],\"rows\":[[1]] }",
	"{\"run\":1,\"columns\":[1],\"rows\":[[1]]}",
	"{\"run\":0,\"columns\":[\"a\"],\"rows\":[[1]]}",
};

/* L4-1 */
START_TEST(other_tables_are_refused)
{
	struct heft_epochs *back;

	ck_assert_int_eq(heft_epochs_parse(bad_tables[_i], strlen(bad_tables[_i]), 0, &back, &err),
	                 HEFT_E_CORRUPT);
}
END_TEST

/* --- no memory --- */

static enum heft_status use_all(const struct heft_lineage_step *step)
{
	struct heft_lineage *l;
	struct heft_lineage *back = NULL;
	const char *text;
	enum heft_status st = heft_lineage_new(&l, &err);

	if (st != HEFT_OK)
		return st;
	st = heft_lineage_append(l, step, &err);
	if (st == HEFT_OK)
		st = heft_lineage_text(l, &text, &err);
	if (st == HEFT_OK)
		st = heft_lineage_new(&back, &err);
	if (st == HEFT_OK)
		st = heft_lineage_parse(back, text, strlen(text), 0, &err);
	heft_lineage_free(back);
	heft_lineage_free(l);
	return st;
}

START_TEST(without_memory_it_says_so)
{
	struct made_step m;
	bool has_failed = true;
	size_t n = 1;

	step_make(&m, 1, 2);
	for (; has_failed; n++) {
		enum heft_status st;

		alloc_fail_at(n);
		st = use_all(&m.step);
		has_failed = alloc_fail_done();
		ck_assert_msg(st == HEFT_OK || (has_failed && st == HEFT_E_NOMEM),
		              "allocation %zu: %d, %s", n, (int)st, err.msg);
	}
	ck_assert_uint_gt(n, 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("artifact lineage");
	TCase *tc = tcase_create("lineage");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_step_is_written_member_by_member);
	tcase_add_test(tc, what_was_written_reads_back);
	tcase_add_test(tc, nothing_given_counts_as_empty);
	tcase_add_test(tc, blanks_of_a_recipe_are_left_out);
	tcase_add_loop_test(tc, a_step_that_is_not_allowed_is_refused_and_changes_nothing, 0, 11);
	tcase_add_test(tc, no_other_text_reads_as_a_lineage);
	tcase_add_test(tc, cut_texts_are_refused);
	tcase_add_loop_test(tc, other_sections_are_refused, 0, sizeof sections / sizeof *sections);
	tcase_add_test(tc, a_table_of_epochs_reads_back);
	tcase_add_loop_test(tc, other_tables_are_refused, 0,
	                    sizeof bad_tables / sizeof *bad_tables);
	tcase_add_test(tc, without_memory_it_says_so);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
