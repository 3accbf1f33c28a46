/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_update_tables.c - tests of lib/container/update_tables.c and update_generation.c,
 * and of lib/weights/edit_rows.c: tensors are renamed and deleted. */
#include "container/index_parts.h"
#include "container/layout.h"
#include "container/verify.h"
#include "edit_heft.h"

/* --- renaming --- */

/* [R8.2-6] */
START_TEST(a_tensor_gets_another_name)
{
	static const char *const names[][2] = {
		{ "z.last.weight", "a" }, /* the last row becomes the first */
		{ "blocks", "zz" },       /* and the other way round */
		{ "lm_head", "f" },       /* of a tie: not the first row any more */
		{ "embed", "same" },      /* in two spaces */
		{ "nothing", "x" },       /* without bytes */
		{ "pattern", "" },        /* a name may be empty */
		{ "\xc3\xa9t\xc3\xa9", "\xf0\x9f\x8c\x9e" },
		{ "raw.large", "raw.larger" }, /* in its place */
	};

	rename_one(names[_i][0], names[_i][1]);
	ck_assert_uint_eq(generation(), 2);
	model_rename(names[_i][0], names[_i][1]);
	check_model();
}
END_TEST

START_TEST(a_pattern_renames_all_that_match)
{
	struct heft_edit *edit = begin();

	OK(heft_edit_rename(edit, "blocks.0.*", "first/*", &err_));
	OK(heft_edit_rename(edit, "*.large", "*", &err_));
	OK(heft_edit_rename(edit, "nothing*", "void*void", &err_));
	OK(heft_edit_rename(edit, "z*", "Z*", &err_));
	commit(edit);
	ck_assert_uint_eq(generation(), 2);
	model_rename("blocks.0.scale", "first/scale");
	model_rename("raw.large", "raw");
	model_rename("nothing", "voidvoid");
	model_rename("nothing.too", "void.toovoid");
	model_rename("z.last.weight", "Z.last.weight");
	model_rename("zeros", "Zeros");
	check_model();
}
END_TEST

/* [R8.2-8] */
START_TEST(names_are_meant_as_they_were)
{
	struct heft_edit *edit = begin();

	OK(heft_edit_rename(edit, "pattern", "six", &err_));
	OK(heft_edit_rename(edit, "six", "zeros", &err_));
	OK(heft_edit_rename(edit, "zeros", "pattern", &err_));
	commit(edit);
	model_rename("pattern", "?");
	model_rename("zeros", "pattern");
	model_rename("six", "zeros");
	model_rename("?", "six");
	check_model();
}
END_TEST

START_TEST(the_first_rule_that_matches_counts)
{
	struct heft_edit *edit = begin();
	struct heft_error err;

	OK(heft_edit_rename(edit, "six", "seven", &err_));
	OK(heft_edit_rename(edit, "s*", "t*", &err_));
	ck_assert_int_eq(heft_edit_rename(edit, "six", "eight", &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "already"));
	commit(edit);
	model_rename("six", "seven");
	model_rename("same.as.pattern", "tame.as.pattern");
	model_rename("step", "ttep");
	check_model();
}
END_TEST

/* [R8.2-6]: a table with the same bytes stays where it is. */
START_TEST(tables_that_stay_the_same_are_not_written_again)
{
	static const uint32_t types[] = { HEFT_SECTION_TENSORS, HEFT_SECTION_DIMS,
		                          HEFT_SECTION_STRINGS, HEFT_SECTION_ORDER,
		                          HEFT_SECTION_LEAVES,  HEFT_SECTION_EXTENTS };
	/* of the same size and in the same place; longer; elsewhere, and with a run of its own */
	static const char *const names[] = { "raw.largE", "raw.larger", "a" };
	static const bool is_new[][6] = {
		{ false, false, true, false, false, false },
		{ true, false, true, false, false, false },
		{ true, true, true, true, true, false },
	};
	struct heft_section before[6];
	struct heft_section s;
	struct made f;

	made_open(&f, path);
	for (size_t i = 0; i < 6; i++)
		ck_assert(heft_index_find_section(f.ix, types[i], &before[i]));
	made_close(&f);
	rename_one("raw.large", names[_i]);
	made_open(&f, path);
	for (size_t i = 0; i < 6; i++) {
		ck_assert(heft_index_find_section(f.ix, types[i], &s));
		ck_assert_msg((s.off != before[i].off) == is_new[_i][i], "table %zu", i);
	}
	made_close(&f);
	model_rename("raw.large", names[_i]);
	check_model();
}
END_TEST

/* --- deleting --- */

/* [R8.2-6]: what had the first row of a run, or of a tie, may go alone. */
START_TEST(a_tensor_is_deleted)
{
	static const char *const names[] = { "z.last.weight",   "embed",       "lm_head",
		                             "zeros",           "pattern",     "nothing",
		                             "same.as.pattern", "nothing.too", "step",
		                             "unknown",         "blocks" };

	delete_one(names[_i]);
	ck_assert_uint_eq(generation(), 2);
	model_delete(names[_i]);
	check_model();
}
END_TEST

START_TEST(what_is_deleted_is_dead)
{
	uint64_t n_dead = 0;
	struct made f;

	made_open(&f, path);
	ck_assert_int_eq(heft_index_dead_bytes(f.ix, &n_dead, NULL), HEFT_OK);
	ck_assert_uint_eq(n_dead, 0);
	made_close(&f);
	delete_one("raw.*");
	made_open(&f, path);
	ck_assert_int_eq(heft_index_dead_bytes(f.ix, &n_dead, NULL), HEFT_OK);
	ck_assert_uint_ge(n_dead, 8 * 300000);
	made_close(&f);
}
END_TEST

START_TEST(patterns_delete_many)
{
	struct heft_edit *edit = begin();

	OK(heft_edit_delete(edit, "*.[0l]*", &err_));
	OK(heft_edit_delete(edit, "?eros", &err_));
	OK(heft_edit_delete(edit, "unknown", &err_));
	commit(edit);
	ck_assert_uint_eq(generation(), 2);
	model_delete("z.last.weight");
	model_delete("blocks.0.scale");
	model_delete("raw.large");
	model_delete("zeros");
	model_delete("unknown");
	check_model();
}
END_TEST

START_TEST(nothing_has_to_be_left)
{
	struct made f;

	delete_one("*");
	made_open(&f, path);
	ck_assert_uint_eq(heft_index_n_tensors(f.ix), 0);
	ck_assert_uint_eq(heft_index_n_sections(f.ix), 0);
	made_close(&f);
	model_n = 0;
	check_model();
}
END_TEST

START_TEST(a_name_can_be_taken_from_one_that_goes)
{
	struct heft_edit *edit = begin();

	OK(heft_edit_rename(edit, "six", "pattern", &err_));
	OK(heft_edit_delete(edit, "pattern", &err_));
	commit(edit);
	model_delete("pattern");
	model_rename("six", "pattern");
	check_model();
}
END_TEST

/* A mistake is told, and the file stays as it was. */
START_TEST(mistakes_are_told)
{
	static char long_name[HEFT_MAX_NAME + 2];
	static const struct {
		const char *from;
		const char *to;
		const char *deleted;
		bool at_once; /* else when the edit is checked */
	} mistakes[] = {
		{ "x", "y", NULL, true },          { "x*", "y*", NULL, true },
		{ "six", "pattern", NULL, false }, { "*", "one", NULL, true },
		{ "*i*", "one*", NULL, true },     { "six*", "pattern*", NULL, false },
		{ "six", "\xff", NULL, false },    { "six", long_name, NULL, true },
		{ "six", "seven", "s*", false },   { NULL, NULL, "x", true },
		{ NULL, NULL, "x*", true },
	};
	enum heft_status st = HEFT_OK;
	struct heft_edit_report report;
	struct heft_edit *edit;
	struct heft_error err;
	char *bytes;
	size_t n;

	memset(long_name, 'x', sizeof long_name - 1);
	bytes = scratch_read(path, &n);
	edit = begin();
	if (mistakes[_i].from)
		st = heft_edit_rename(edit, mistakes[_i].from, mistakes[_i].to, &err);
	if (st == HEFT_OK && mistakes[_i].deleted)
		st = heft_edit_delete(edit, mistakes[_i].deleted, &err);
	ck_assert_int_eq(st, mistakes[_i].at_once ? HEFT_E_USAGE : HEFT_OK);
	if (st == HEFT_OK) {
		ck_assert_int_eq(heft_edit_check(edit, &report, &err), HEFT_E_USAGE);
		ck_assert_int_eq(heft_edit_commit(edit, &err), HEFT_E_USAGE);
	} else {
		heft_edit_discard(edit);
	}
	scratch_check(path, bytes, n);
	free(bytes);
}
END_TEST

/* The rule that fails half way leaves nothing behind. */
START_TEST(a_name_that_is_too_long_changes_none)
{
	static char long_name[HEFT_MAX_NAME - 3];
	struct heft_edit *edit = begin();
	struct heft_error err;

	memset(long_name, 'x', sizeof long_name - 1);
	long_name[0] = '*';
	ck_assert_int_eq(heft_edit_rename(edit, "*", long_name, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "longer"));
	OK(heft_edit_rename(edit, "six", "seven", &err_));
	commit(edit);
	model_rename("six", "seven");
	check_model();
}
END_TEST

/* [R8.2-3]: what speaks of the tensors goes when they change, and stays when they do not.
 * [R7.3-1]: a graph, and this is none that could be read, goes with names alone. */
START_TEST(bound_sections_are_dropped)
{
	static const uint8_t bytes[5] = "abcd";
	static const struct heft_section_out sections[] = {
		{ 0x00000abcu, bytes, 4 },
		{ 0x1fffffff, bytes, 5 },
		{ HEFT_SECTION_GRAPH, bytes, 5 },
		{ 0x3fffffff, bytes, 5 },
		{ HEFT_SECTION_SIGNATURES, bytes, 5 },
	};
	const struct make_heft m = {
		.tensors = make_all, .n = MAKE_ALL_N, .sections = sections, .n_sections = 5
	};
	static const char *const notes[] = {
		"the graph is dropped: it names tensors that are renamed or deleted",
		"the graph is dropped: it names tensors that are renamed or deleted",
		"section 0x3fffffff spoke of the old tensors and is dropped",
		"",
	};
	static const int n_left[] = { 2, 2, 3, 4 };
	struct heft_edit_report report;
	struct heft_edit *edit;
	struct heft_section s;
	struct made f;

	make_heft(&m, path);
	edit = begin();
	OK(_i == 0   ? heft_edit_rename(edit, "six", "6", &err_)
	   : _i == 1 ? heft_edit_delete(edit, "six", &err_)
	   : _i == 2 ? heft_edit_tie(edit, "pattern", "same.as.pattern", &err_)
	             : heft_edit_rename(edit, "six", "six", &err_));
	OK(heft_edit_set_metadata(edit, "a", "1", &err_));
	OK(heft_edit_check(edit, &report, &err_));
	ck_assert_str_eq(report.note, notes[_i]);
	commit(edit);
	made_open(&f, path);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(heft_index_find_section(f.ix, sections[i].type, &s),
		                 i < n_left[_i]);
	made_close(&f);
	made_verify(path, false);
}
END_TEST

/* [R8.2-2] [R2.2-3] */
START_TEST(readers_and_the_generation_before_stay)
{
	const struct heft_open_options previous = { .flags = HEFT_OPEN_PREVIOUS |
		                                             HEFT_OPEN_VERIFY };
	struct heft_tensor t;
	struct heft_file *file;
	struct made f;

	made_open(&f, path);
	delete_one("b*");
	rename_one("raw.large", "a");
	made_check(&f, make_all, MAKE_ALL_N);
	made_close(&f);
	ck_assert_int_eq(heft_open(path, &previous, &file, NULL), HEFT_OK);
	ck_assert_int_eq(heft_find(file, "raw.large", &t, NULL), HEFT_OK);
	ck_assert_int_eq(heft_find(file, "a", &t, NULL), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(heft_find(file, "blocks", &t, NULL), HEFT_E_NOT_FOUND);
	heft_close(file);
}
END_TEST

/* [R8.2-6]: damage does not get a digest of its own. */
START_TEST(a_damaged_table_is_not_taken_over)
{
	const uint32_t type = _i ? HEFT_SECTION_EXTENTS : HEFT_SECTION_LEAVES;
	struct heft_edit *edit;
	struct heft_error err;
	struct heft_section s;
	struct made f;
	char *bytes;
	size_t n;

	made_open(&f, path);
	ck_assert(heft_index_find_section(f.ix, type, &s));
	made_close(&f);
	bytes = scratch_read(path, &n);
	bytes[s.off + s.size - 5] ^= 1;
	scratch_write(path, bytes, n);
	edit = begin();
	OK(heft_edit_rename(edit, "raw.large", "raw.larger", &err_));
	ck_assert_int_eq(heft_edit_commit(edit, &err), HEFT_E_CORRUPT);
	ck_assert_ptr_nonnull(strstr(err.msg, _i ? "EXTENTS" : "LEAVES"));
	scratch_check(path, bytes, n);
	free(bytes);
	edit = begin(); /* what does not touch it goes on */
	OK(heft_edit_set_metadata(edit, "a", "1", &err_));
	commit(edit);
}
END_TEST

START_TEST(a_file_of_several_names_is_copied)
{
	ck_assert_int_eq(link(path, other), 0);
	rename_one("raw.large", "a");
	ck_assert_uint_eq(generation(), 2);
	made_verify(path, false);
	made_verify(other, true);
	ck_assert_int_eq(unlink(other), 0);
	model_rename("raw.large", "a");
	check_model();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("container_update_tables");
	TCase *t = tcase_create("update_tables");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_tensor_gets_another_name, 0, 8);
	tcase_add_test(t, a_pattern_renames_all_that_match);
	tcase_add_test(t, names_are_meant_as_they_were);
	tcase_add_test(t, the_first_rule_that_matches_counts);
	tcase_add_loop_test(t, tables_that_stay_the_same_are_not_written_again, 0, 3);
	tcase_add_loop_test(t, a_tensor_is_deleted, 0, 11);
	tcase_add_test(t, what_is_deleted_is_dead);
	tcase_add_test(t, patterns_delete_many);
	tcase_add_test(t, nothing_has_to_be_left);
	tcase_add_test(t, a_name_can_be_taken_from_one_that_goes);
	tcase_add_loop_test(t, mistakes_are_told, 0, 11);
	tcase_add_test(t, a_name_that_is_too_long_changes_none);
	tcase_add_loop_test(t, bound_sections_are_dropped, 0, 4);
	tcase_add_test(t, readers_and_the_generation_before_stay);
	tcase_add_loop_test(t, a_damaged_table_is_not_taken_over, 0, 2);
	tcase_add_test(t, a_file_of_several_names_is_copied);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(suite());
}
