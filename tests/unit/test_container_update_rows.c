/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_update_rows.c - tests of lib/container/update_rows.c: tensors are tied and untied,
 * and all kinds of edits follow one another. */
#include "container/layout.h"
#include "edit_heft.h"
#include "tensor/dtype.h"

/* --- ties --- */

/* Two tensors of equal values, stored twice, one of them coded, and one that differs. */
static void make_equal(void)
{
	static const struct make_tensor equal[] = {
		{ "b", HEFT_DTYPE_F32, 0, 1, { 700000 }, .seed = 1, .is_coded = true },
		{ "a", HEFT_DTYPE_F32, 0, 1, { 700000 }, .seed = 1 },
		{ "c", HEFT_DTYPE_F32, 0, 1, { 700000 }, .seed = 2 },
		{ "d", HEFT_DTYPE_F32, 0, 1, { 700000 }, .is_tied = true, .of = 1 },
		{ "e", HEFT_DTYPE_F32, 0, 2, { 7, 100000 }, .seed = 1 },
		{ "f", HEFT_DTYPE_I32, 0, 1, { 700000 }, .seed = 1 },
		{ "g", HEFT_DTYPE_F32, 0, 1, { 700000 }, .shares = true, .of = 0 },
		{ "h", HEFT_DTYPE_F32, 0, 1, { 0 }, .seed = 3 },
		{ "i", HEFT_DTYPE_F32, 0, 1, { 0 }, .seed = 3 },
	};

	model_n = sizeof equal / sizeof *equal;
	memcpy(model, equal, sizeof equal);
	make_model(path);
}

static void model_tie(uint32_t i, uint32_t of)
{
	model[i].is_tied = true;
	model[i].shares = false;
	model[i].of = of;
}

/* [R8.2-7]: the weights digest stays, the artifact digest does not (D1-7). */
START_TEST(equal_tensors_are_tied)
{
	uint8_t weights[2][32];
	uint8_t artifact[2][32];
	struct heft_row rows[2];
	struct made f;

	make_equal();
	digests(path, weights[0], artifact[0]);
	tie_one("c", "c");
	tie_one("d", "a");
	ck_assert_uint_eq(generation(), 1); /* as it was */
	tie_one("b", "a");
	ck_assert_uint_eq(generation(), 2);
	check_tie("b", "a");
	check_tie("d", "a");
	check_tie("g", "g"); /* sharing means nothing */
	digests(path, weights[1], artifact[1]);
	ck_assert_mem_eq(weights[0], weights[1], 32);
	ck_assert_mem_ne(artifact[0], artifact[1], 32);
	made_open(&f, path);
	get_row(&f, "a", &rows[0]);
	get_row(&f, "b", &rows[1]);
	ck_assert(!rows[1].is_coded);
	ck_assert_uint_eq(rows[0].place, rows[1].place);
	made_close(&f);
	/* What was b's is still g's. */
	model[6] = model[0];
	model[6].name = "g";
	model_tie(0, 1);
	model[0].is_tied = false;
	model[0].seed = 1;
	model[0].is_coded = false;
	model_tie(1, 0);
	model_tie(3, 0);
	check_model();
}
END_TEST

/* [R8.2-7] */
START_TEST(what_differs_is_not_tied)
{
	static const struct {
		const char *name;
		const char *first;
		const char *why;
	} mistakes[] = {
		{ "c", "a", "the values of 'c' and 'a' differ" },
		{ "e", "a", "'e' and 'a' differ in dtype or shape" },
		{ "f", "a", "'f' and 'a' differ in dtype or shape" },
		{ "h", "a", "'h' and 'a' differ in dtype or shape" },
		{ "x", "a", "there is no tensor 'x'" },
		{ "a", "x", "there is no tensor 'x'" },
	};
	struct heft_edit *edit;
	struct heft_error err;
	char *bytes;
	size_t n;

	make_equal();
	bytes = scratch_read(path, &n);
	edit = begin();
	ck_assert_int_eq(heft_edit_tie(edit, mistakes[_i].name, mistakes[_i].first, &err),
	                 HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, mistakes[_i].why);
	commit(edit);
	scratch_check(path, bytes, n);
	free(bytes);
}
END_TEST

START_TEST(groups_are_joined)
{
	struct heft_edit *edit;

	make_equal();
	edit = begin();
	OK(heft_edit_tie(edit, "b", "g", &err_));
	OK(heft_edit_tie(edit, "d", "b", &err_)); /* and a with it */
	OK(heft_edit_tie(edit, "h", "i", &err_));
	commit(edit);
	check_tie("a", "a");
	check_tie("b", "a");
	check_tie("d", "a");
	check_tie("g", "a");
	check_tie("i", "h");
	model_tie(1, 0);
	model_tie(3, 0);
	model_tie(6, 0);
	model_tie(8, 7);
	check_model();
}
END_TEST

/* [R8.2-7]: one leaves, the others stay together, and all keep their bytes. */
START_TEST(a_tie_is_undone)
{
	static const char *const names[] = { "a", "b", "d" };
	static const char *const rest[][3] = { { "b", "d", "b" },
		                               { "a", "d", "a" },
		                               { "a", "b", "a" } };
	struct heft_edit *edit;
	struct heft_error err;

	make_equal();
	tie_one("b", "a");
	untie_one(names[_i]);
	check_tie(names[_i], names[_i]);
	check_tie(rest[_i][0], rest[_i][2]);
	check_tie(rest[_i][1], rest[_i][2]);
	made_verify(path, false);
	edit = begin();
	ck_assert_int_eq(heft_edit_untie(edit, names[_i], &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_edit_untie(edit, "x", &err), HEFT_E_USAGE);
	OK(heft_edit_untie(edit, rest[_i][0], &err_));
	ck_assert_int_eq(heft_edit_untie(edit, rest[_i][1], &err), HEFT_E_USAGE);
	commit(edit);
	check_tie(rest[_i][1], rest[_i][1]);
	made_verify(path, false);
}
END_TEST

START_TEST(a_group_outlives_its_first)
{
	struct heft_edit *edit;

	make_equal();
	edit = begin();
	OK(heft_edit_tie(edit, "b", "a", &err_));
	OK(heft_edit_delete(edit, "a", &err_));
	OK(heft_edit_rename(edit, "d", "0", &err_));
	commit(edit);
	check_tie("b", "0");
	model[6] = model[0]; /* g has b's old bytes */
	model[6].name = "g";
	model[0].seed = 1;
	model[0].is_coded = false;
	model_tie(3, 0);
	model[3].name = "0";
	memmove(model + 1, model + 2, (--model_n - 1) * sizeof *model);
	check_model();
}
END_TEST

/* --- all together --- */

START_TEST(all_kinds_of_changes_are_one_generation)
{
	struct heft_edit_report report;
	struct heft_edit *edit;
	struct heft_section s;
	struct made f;

	make_equal();
	edit = begin();
	OK(heft_edit_set_metadata(edit, "k", "1", &err_));
	OK(heft_edit_rename(edit, "c", "z", &err_));
	OK(heft_edit_delete(edit, "[ef]", &err_));
	OK(heft_edit_tie(edit, "b", "a", &err_));
	OK(heft_edit_untie(edit, "d", &err_));
	OK(heft_edit_check(edit, &report, &err_));
	ck_assert_uint_eq(generation(), 1);
	commit(edit);
	ck_assert_uint_eq(report.n_renamed, 1);
	ck_assert_uint_eq(report.n_deleted, 2);
	ck_assert_uint_eq(report.n_tied, 1);
	ck_assert_uint_eq(report.n_untied, 1);
	ck_assert(report.is_changed && report.changes_metadata && !report.is_rewrite);
	ck_assert_str_eq(report.note, "");
	ck_assert_uint_eq(generation(), 2);
	made_verify(path, false);
	made_open(&f, path);
	ck_assert_uint_eq(heft_index_n_tensors(f.ix), 7);
	ck_assert(heft_index_find_section(f.ix, HEFT_SECTION_META, &s));
	made_close(&f);
	/* metadata that are not spoken of stay */
	rename_one("z", "c");
	made_open(&f, path);
	ck_assert(heft_index_find_section(f.ix, HEFT_SECTION_META, &s));
	made_close(&f);
	check_tie("b", "a");
}
END_TEST

START_TEST(what_changes_nothing_writes_nothing)
{
	struct heft_edit_report report;
	struct heft_edit *edit;
	char *bytes;
	size_t n;

	bytes = scratch_read(path, &n);
	edit = begin();
	OK(heft_edit_rename(edit, "six", "six", &err_));
	OK(heft_edit_rename(edit, "b*", "b*", &err_));
	OK(heft_edit_tie(edit, "embed", "lm_head", &err_));
	OK(heft_edit_untie(edit, "embed", &err_));
	OK(heft_edit_tie(edit, "embed", "lm_head", &err_));
	OK(heft_edit_check(edit, &report, &err_));
	ck_assert(!report.is_changed);
	ck_assert_uint_eq(report.n_renamed, 0);
	commit(edit);
	scratch_check(path, bytes, n);
	free(bytes);
}
END_TEST

/* --- many edits behind one another --- */

static uint32_t random_below(uint32_t n)
{
	static uint64_t state = 1;

	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(state >> 33) % n;
}

/* What each tensor is called and tied to; space 0 alone. */
#define MANY_N 12
struct one {
	char name[8];
	uint32_t seed;
	uint32_t group;
	bool is_gone;
};

static void check_many(const struct one *many, uint32_t n_order)
{
	struct made f;
	uint32_t n = 0;

	made_verify(path, false);
	made_open(&f, path);
	for (uint32_t i = 0; i < n_order; i++) {
		struct make_tensor t = { .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 50 } };
		struct heft_chunk_reader *r;
		struct heft_row row;
		uint32_t row_i;
		uint8_t wanted[200];
		uint8_t *found;
		size_t size;

		if (many[i].is_gone)
			continue;
		ck_assert_int_eq(heft_index_row_at(f.ix, n++, &row_i, NULL), HEFT_OK);
		ck_assert_int_eq(heft_index_row(f.ix, row_i, &row, NULL), HEFT_OK);
		ck_assert_uint_eq(row.name_size, strlen(many[i].name));
		ck_assert_mem_eq(row.name, many[i].name, row.name_size);
		t.seed = many[i].seed;
		make_bytes(&t, 0, wanted, sizeof wanted);
		found = malloc(HEFT_CHUNK_MAX);
		ck_assert_int_eq(heft_chunk_reader_new(f.ix, &r, NULL), HEFT_OK);
		ck_assert_int_eq(heft_chunk_read(r, &row, 0, found, &size, NULL), HEFT_OK);
		ck_assert_mem_eq(found, wanted, sizeof wanted);
		heft_chunk_reader_free(r);
		free(found);
		for (uint32_t k = 0; k < i; k++) {
			struct heft_row other_row;

			if (many[k].is_gone)
				continue;
			get_row(&f, many[k].name, &other_row);
			ck_assert_int_eq(other_row.tie == row.tie, many[k].group == many[i].group);
		}
	}
	ck_assert_uint_eq(heft_index_n_tensors(f.ix), n);
	made_close(&f);
}

static void swap_names(struct one *a, struct one *b)
{
	char name[8];

	memcpy(name, a->name, sizeof name);
	memcpy(a->name, b->name, sizeof name);
	memcpy(b->name, name, sizeof name);
}

/* One change; names are those of the edit's begin, so no tensor is named twice. */
static void change_one(struct heft_edit *edit, struct one *many, uint32_t i, uint32_t k)
{
	const uint32_t what = random_below(8);
	uint32_t n_group = 0;

	for (uint32_t m = 0; m < MANY_N; m++)
		n_group += !many[m].is_gone && many[m].group == many[i].group;
	if (what == 0) {
		OK(heft_edit_delete(edit, many[i].name, &err_));
		many[i].is_gone = true;
	} else if (what < 4) {
		OK(heft_edit_rename(edit, many[i].name, many[k].name, &err_));
		OK(heft_edit_rename(edit, many[k].name, many[i].name, &err_));
		swap_names(&many[i], &many[k]);
	} else if (what < 6 && many[i].seed == many[k].seed) {
		const uint32_t group = many[i].group;

		OK(heft_edit_tie(edit, many[i].name, many[k].name, &err_));
		for (uint32_t m = 0; m < MANY_N; m++)
			if (many[m].group == group)
				many[m].group = many[k].group;
	} else if (n_group > 1) {
		static uint32_t next_group = MANY_N;

		OK(heft_edit_untie(edit, many[i].name, &err_));
		many[i].group = next_group++;
	} else {
		char name[8];

		snprintf(name, sizeof name, "%c%u", 'a' + (int)random_below(26),
		         (unsigned)random_below(100000));
		OK(heft_edit_rename(edit, many[i].name, name, &err_));
		memcpy(many[i].name, name, sizeof name);
	}
}

START_TEST(many_edits_behind_one_another)
{
	struct make_tensor tensors[MANY_N];
	const struct make_heft m = { .tensors = tensors, .n = MANY_N, .mixed = true };
	struct one many[MANY_N];

	memset(tensors, 0, sizeof tensors);
	for (uint32_t i = 0; i < MANY_N; i++) {
		many[i] = (struct one){ .seed = i / 3, .group = i };
		snprintf(many[i].name, sizeof many[i].name, "t%u", (unsigned)(i * 7 % MANY_N));
		tensors[i] = (struct make_tensor){ .name = many[i].name,
			                           .dtype = HEFT_DTYPE_F32,
			                           .rank = 1,
			                           .dims = { 50 },
			                           .seed = i / 3,
			                           .is_coded = i % 2 != 0 };
	}
	make_heft(&m, path);
	for (int round = 0; round < 120; round++) {
		const uint32_t i = random_below(MANY_N);
		const uint32_t k = (i + 1 + random_below(MANY_N - 1)) % MANY_N;
		struct heft_edit *edit;

		if (many[i].is_gone || many[k].is_gone)
			continue;
		edit = begin();
		change_one(edit, many, i, k);
		commit(edit);
		check_many(many, MANY_N);
		if (round % 40 == 39)
			ck_assert_int_eq(heft_compact(path, &quick, NULL, NULL), HEFT_OK);
	}
	ck_assert_int_eq(heft_compact(path, &quick, NULL, NULL), HEFT_OK);
	check_many(many, MANY_N);
	made_verify(path, true);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("container_update_rows");
	TCase *t = tcase_create("update_rows");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, equal_tensors_are_tied);
	tcase_add_loop_test(t, what_differs_is_not_tied, 0, 6);
	tcase_add_test(t, groups_are_joined);
	tcase_add_loop_test(t, a_tie_is_undone, 0, 3);
	tcase_add_test(t, a_group_outlives_its_first);
	tcase_add_test(t, all_kinds_of_changes_are_one_generation);
	tcase_add_test(t, what_changes_nothing_writes_nothing);
	tcase_add_test(t, many_edits_behind_one_another);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(suite());
}
