/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_graph_fit.c - a graph beside tensors: written, read, carried from file to file, and
 * what changes of the tensors it bears. */
#include "heft/convert.h"

#include <pthread.h>

#include "alloc_fail.h"
#include "heft/edit.h"
#include "model.h"
#include "onnx_made.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct heft_error err;
static struct heft_convert_report report;
static struct heft_buffer graph;
static char *path;

/* A model with one weight, F32 a[2], and a node. */
static struct heft_buffer make_graph(void)
{
	struct heft_buffer g = made_empty();
	struct heft_buffer node = made_empty();
	struct heft_buffer t = made_tensor("a", 1, 2, 0);

	made_text(&node, 1, "a");
	made_text(&node, 2, "y");
	made_text(&node, 4, "Identity");
	made_message(&g, 1, &node);
	made_bytes(&t, 9, "", 0);
	made_message(&g, 5, &t);
	return made_model(&g);
}

static void set_up(void)
{
	scratch_init(&s);
	path = scratch_path(&s, "a.heft");
	graph = make_graph();
	err.msg[0] = '\0';
}

static void tear_down(void)
{
	heft_buffer_done(&graph);
	scratch_done(&s);
}

static void ok(enum heft_status st)
{
	ck_assert_msg(st == HEFT_OK, "%s", st == HEFT_OK ? "" : err.msg);
}

/* --- files --- */

/* The graph's tensor, and, where there may be one, another one. */
static enum heft_status try_make(const char *format, bool with_other)
{
	static const struct heft_tensor tensors[] = {
		{ .name = "a", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 2 } },
		{ .name = "b", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 2 } },
	};
	static const float values[] = { 1, 2 };
	const struct heft_write_options options = { .overwrite = true, .no_sync = true };
	const uint32_t n = with_other ? 2 : 1;
	struct heft_writer *w;
	enum heft_status st = heft_create(path, format, &options, &w, &err);

	if (st != HEFT_OK)
		return st;
	for (uint32_t i = 0; st == HEFT_OK && i < n; i++)
		st = heft_declare(w, &tensors[i], &err);
	if (st == HEFT_OK)
		st = heft_set_graph(w, graph.bytes, graph.size, &err);
	for (uint32_t i = 0; st == HEFT_OK && i < n; i++)
		st = heft_put(w, i, values, sizeof values, &err);
	if (st == HEFT_OK)
		return heft_commit(w, NULL, &err);
	heft_discard(w);
	return st;
}

static void make(const char *format, bool with_other)
{
	ok(try_make(format, with_other));
}

static void check_graph(const char *file, bool is_there)
{
	struct heft_file *f = model_open(file);
	const void *bytes;
	size_t size;

	ok(heft_graph(f, &bytes, &size, &err));
	ck_assert_uint_eq(size, is_there ? graph.size : 0);
	if (is_there)
		ck_assert_mem_eq(bytes, graph.bytes, size);
	else
		ck_assert_ptr_null(bytes);
	heft_close(f);
}

static void check_verifies(const char *file)
{
	const struct heft_verify_options options = { .strict = true };
	struct heft_verify_report verified;
	struct heft_file *f = model_open(file);

	ok(heft_verify(f, &options, NULL, NULL, &verified, &err));
	ck_assert(verified.ok);
	heft_close(f);
}

/* --- writing and reading --- */

START_TEST(a_graph_is_read_as_it_was_written)
{
	make("heft", true);
	check_graph(path, true);
	check_verifies(path);
}
END_TEST

START_TEST(a_format_without_a_place_refuses_a_graph)
{
	static const char *const formats[] = { "safetensors", "npz" };

	ck_assert_int_eq(try_make(formats[_i], true), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "no place for a graph"));
	ck_assert_uint_eq(scratch_n_files(&s), 0);
}
END_TEST

/* The last one counts, and one of no bytes is none. */
START_TEST(a_graph_can_be_taken_back)
{
	struct heft_writer *w;

	ok(heft_create(path, "heft", NULL, &w, &err));
	ok(heft_set_graph(w, graph.bytes, graph.size, &err));
	ok(heft_set_graph(w, NULL, 0, &err));
	ok(heft_commit(w, NULL, &err));
	check_graph(path, false);
	ok(heft_create(path, "safetensors", &(struct heft_write_options){ .overwrite = true }, &w,
	               &err));
	ok(heft_set_graph(w, NULL, 0, &err));
	ok(heft_commit(w, NULL, &err));
	check_graph(path, false);
}
END_TEST

START_TEST(external_data_is_refused_where_there_is_none)
{
	static const char *const formats[] = { "heft", "safetensors", "npz" };
	const struct heft_write_options options = { .external_data = true };
	struct heft_writer *w;

	ck_assert_int_eq(heft_create(path, formats[_i], &options, &w, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "external data"));
}
END_TEST

static void *read_it(void *file)
{
	const void *bytes = NULL;
	size_t size = 0;

	return heft_graph(file, &bytes, &size, NULL) == HEFT_OK && size == graph.size
	               ? (void *)(uintptr_t)bytes
	               : NULL;
}

START_TEST(many_threads_ask_for_the_graph)
{
	pthread_t threads[4];
	void *bytes[4];
	struct heft_file *f;

	make("heft", false);
	f = model_open(path);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_it, f), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &bytes[i]), 0);
		ck_assert_ptr_nonnull(bytes[i]);
		ck_assert_ptr_eq(bytes[i], bytes[0]);
	}
	heft_close(f);
}
END_TEST

/* [R7.3-2]: the file opens, and says so when it is asked for the graph. */
START_TEST(a_damaged_graph_is_found_when_it_is_used)
{
	struct heft_file *f;
	const void *bytes;
	size_t size;
	char *all;
	char *at;

	make("heft", false);
	all = scratch_read(path, &size);
	at = memmem(all, size, "Identity", 8);
	ck_assert_ptr_nonnull(at);
	*at ^= 1;
	scratch_write(path, all, size);
	free(all);
	f = model_open(path);
	ck_assert_int_eq(heft_graph(f, &bytes, &size, &err), HEFT_E_CORRUPT);
	heft_close(f);
}
END_TEST

/* --- conversions --- */

static enum heft_status try_convert(const char *from, const char *to,
                                    const struct heft_convert_plan *plan)
{
	struct heft_file *file = model_open(from);
	enum heft_status st;

	report.note[0] = '\0';
	st = heft_convert(file, to, plan, &report, &err);
	heft_close(file);
	return st;
}

/* [R7.3-1] */
START_TEST(a_graph_goes_with_its_tensors)
{
	static const struct heft_rename others[] = { { "b", "c" } };
	static const char *const without_b[] = { "b" };
	static const struct heft_dtype_rule cast_b[] = { { "b", HEFT_DTYPE_F16 } };
	const struct heft_convert_plan plans[] = {
		{ .drop_metadata = false },
		{ .write = { .compress = HEFT_COMPRESS_BEST } },
		{ .renames = others, .n_renames = 1 },
		{ .exclude = without_b, .n_exclude = 1 },
		{ .dtype_rules = cast_b, .n_dtype_rules = 1 },
	};
	char *to = scratch_path(&s, "to.heft");

	make("heft", true);
	ok(try_convert(path, to, &plans[_i]));
	ck_assert_str_eq(report.note, "");
	check_graph(to, true);
	check_verifies(to);
}
END_TEST

START_TEST(a_graph_without_its_tensors_is_refused)
{
	static const struct heft_rename renamed[] = { { "a", "c" } };
	static const char *const without_a[] = { "a" };
	struct heft_convert_plan plans[] = {
		{ .renames = renamed, .n_renames = 1 },
		{ .exclude = without_a, .n_exclude = 1 },
		{ .float_dtype = HEFT_DTYPE_F16 },
	};
	char *to = scratch_path(&s, "to.heft");
	const char *words = _i < 2 ? "the graph needs tensor 'a', which is left out or renamed: "
	                             "--no-graph writes the tensors alone"
	                           : "the graph needs tensor 'a', which is cast: "
	                             "--no-graph writes the tensors alone";

	make("heft", true);
	ck_assert_int_eq(try_convert(path, to, &plans[_i]), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, words);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
	plans[_i].drop_graph = true;
	ok(try_convert(path, to, &plans[_i]));
	ck_assert_str_eq(report.note, "");
	check_graph(to, false);
}
END_TEST

START_TEST(a_target_without_a_place_says_so)
{
	const struct heft_convert_plan plans[] = {
		{ .format = "safetensors" },
		{ .format = "npz" },
		{ .format = "safetensors", .shard_size = 8 },
		{ .format = "safetensors", .drop_graph = true },
	};
	char *to = scratch_path(&s, _i == 2 ? "to.safetensors.index.json" : "to");

	make("heft", true);
	ok(try_convert(path, to, &plans[_i]));
	ck_assert_str_eq(report.note,
	                 _i == 3   ? ""
	                 : _i == 1 ? "the graph is left out: npz has no place for it"
	                           : "the graph is left out: safetensors has no place for it");
	check_graph(to, false);
}
END_TEST

/* Nothing of it is known to be carried where it is not given as the graph. */
START_TEST(a_graph_comes_back_byte_for_byte)
{
	char *onnx = scratch_path(&s, "a.onnx");
	char *back = scratch_path(&s, "back.heft");
	char *again = scratch_path(&s, "again.onnx");
	size_t size;
	char *bytes;

	make("heft", false);
	ok(try_convert(path, onnx, NULL));
	ok(try_convert(onnx, back, NULL));
	check_graph(back, true);
	ok(try_convert(back, again, NULL));
	bytes = scratch_read(onnx, &size);
	scratch_check(again, bytes, size);
	ck_assert_ptr_nonnull(memmem(bytes, size, "Identity", 8));
	free(bytes);
}
END_TEST

/* --- edits --- */

static const struct heft_edit_options quick = { .lock_ms = 1, .no_sync = true };

static const struct {
	const char *rename;
	const char *to;
	const char *delete_it;
	const char *set;
	bool ties;
	bool keeps;
} edits[] = {
	{ .set = "key", .keeps = true },
	{ .rename = "b", .to = "c", .keeps = true },
	{ .rename = "*", .to = "*", .set = "key", .keeps = true }, /* to the same names */
	{ .delete_it = "b", .keeps = true },
	{ .ties = true, .keeps = true },
	{ .rename = "a", .to = "c", .keeps = false },
	{ .delete_it = "a", .keeps = false },
	{ .set = "other key", .keeps = true },
};

static enum heft_status try_edit(int i, struct heft_edit_report *edit_report)
{
	struct heft_edit *edit;
	enum heft_status st = heft_edit_open(path, &quick, &edit, &err);

	if (st != HEFT_OK)
		return st;
	if (edits[i].rename)
		st = heft_edit_rename(edit, edits[i].rename, edits[i].to, &err);
	if (st == HEFT_OK && edits[i].delete_it)
		st = heft_edit_delete(edit, edits[i].delete_it, &err);
	if (st == HEFT_OK && edits[i].ties)
		st = heft_edit_tie(edit, "b", "a", &err);
	if (st == HEFT_OK && edits[i].set)
		st = heft_edit_set_metadata(edit, edits[i].set, "\"v\"", &err);
	if (st == HEFT_OK)
		st = heft_edit_check(edit, edit_report, &err);
	if (st == HEFT_OK)
		return heft_edit_commit(edit, &err);
	heft_edit_discard(edit);
	return st;
}

/* [R7.3-1] */
START_TEST(an_edit_of_its_tensors_drops_the_graph)
{
	struct heft_edit_report edit_report;

	make("heft", true);
	ok(try_edit(_i, &edit_report));
	ck_assert_str_eq(edit_report.note, edits[_i].keeps ? ""
	                                                   : "the graph is dropped: it names "
	                                                     "tensors that are renamed or deleted");
	check_graph(path, edits[_i].keeps);
	ok(heft_compact(path, &quick, NULL, &err));
	check_graph(path, edits[_i].keeps);
	check_verifies(path);
}
END_TEST

/* There is nothing else to a model's file: it is not edited to pieces. */
START_TEST(an_edit_never_drops_the_graph_of_a_model)
{
	struct heft_edit_report edit_report;
	size_t size;
	char *before;

	make("onnx", false);
	before = scratch_read(path, &size);
	ck_assert_int_eq(try_edit(5, &edit_report), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, "the graph needs tensor 'a', which is left out or renamed: "
	                          "'heft convert --no-graph' writes the tensors alone");
	ck_assert_int_eq(try_edit(6, &edit_report), HEFT_E_USAGE);
	scratch_check(path, before, size);
	free(before);
	ok(try_edit(0, &edit_report));
	ck_assert(edit_report.changes_metadata);
	before = scratch_read(path, &size);
	ck_assert_ptr_nonnull(memmem(before, size, "Identity", 8));
	ck_assert_ptr_nonnull(memmem(before, size, "key", 3));
	free(before);
}
END_TEST

/* What lies beside stays beside, under the model's own name. */
START_TEST(an_edit_leaves_external_data_external)
{
	static const struct heft_tensor t = {
		.name = "w", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 1000 }
	};
	const struct heft_write_options options = { .external_data = true, .no_sync = true };
	char *moved = scratch_path(&s, "moved.onnx");
	struct heft_edit_report edit_report;
	float *values = model_values(1000);
	uint8_t digest[2][HEFT_DIGEST_SIZE];
	struct heft_writer *w;

	ok(heft_create(path, "onnx", &options, &w, &err));
	ok(heft_declare(w, &t, &err));
	ok(heft_put(w, 0, values, 4000, &err));
	ok(heft_commit(w, digest[0], &err));
	ok(try_edit(0, &edit_report));
	ck_assert_str_eq(edit_report.note, "");
	ck_assert_uint_eq(scratch_n_files(&s), 2);
	ck_assert_int_eq(rename(path, moved), 0);
	path = moved;
	ok(try_edit(0, &edit_report));
	ck_assert(!edit_report.is_changed);
	ck_assert_str_eq(edit_report.note, "");
	ok(try_edit(7, &edit_report));
	ck_assert_str_eq(edit_report.note, "the bytes that are in 'a.heft.data' are written anew, "
	                                   "and that file is not removed");
	ck_assert_uint_eq(scratch_n_files(&s), 3);
	model_digest(path, digest[1]);
	ck_assert_mem_eq(digest[0], digest[1], HEFT_DIGEST_SIZE);
	free(values);
}
END_TEST

/* --- without memory --- */

static enum heft_status do_one(int what, const char *out)
{
	static const struct heft_rename renamed[] = { { "b", "c" } };
	const struct heft_convert_plan plan = { .renames = renamed,
		                                .n_renames = 1,
		                                .write = { .overwrite = true, .no_sync = true },
		                                .run = { .n_threads = 1 } };
	struct heft_edit_report edit_report;
	struct heft_file *file;
	const void *bytes;
	size_t size;
	enum heft_status st;

	if (what == 0)
		return try_make("heft", true);
	if (what == 1)
		return try_edit(1, &edit_report);
	st = heft_open(path, NULL, &file, &err);
	if (st != HEFT_OK)
		return st;
	st = what == 2 ? heft_graph(file, &bytes, &size, &err)
	               : heft_convert(file, out, &plan, &report, &err);
	heft_close(file);
	return st;
}

START_TEST(without_memory_nothing_is_half_done)
{
	char *out = scratch_path(&s, "to.heft");
	bool has_failed = true;

	make("heft", true);
	for (size_t n = 1; has_failed; n++) {
		enum heft_status st;

		alloc_fail_at(n);
		st = do_one(_i, out);
		has_failed = alloc_fail_done();
		ck_assert_int_eq(st, has_failed ? HEFT_E_NOMEM : HEFT_OK);
		ck_assert_uint_eq(scratch_n_files(&s), !has_failed && _i == 3 ? 2 : 1);
	}
	check_graph(_i == 3 ? out : path, true);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights graph fit");
	TCase *tc = tcase_create("graph");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_graph_is_read_as_it_was_written);
	tcase_add_loop_test(tc, a_format_without_a_place_refuses_a_graph, 0, 2);
	tcase_add_test(tc, a_graph_can_be_taken_back);
	tcase_add_loop_test(tc, external_data_is_refused_where_there_is_none, 0, 3);
	tcase_add_test(tc, many_threads_ask_for_the_graph);
	tcase_add_test(tc, a_damaged_graph_is_found_when_it_is_used);
	tcase_add_loop_test(tc, a_graph_goes_with_its_tensors, 0, 5);
	tcase_add_loop_test(tc, a_graph_without_its_tensors_is_refused, 0, 3);
	tcase_add_loop_test(tc, a_target_without_a_place_says_so, 0, 4);
	tcase_add_test(tc, a_graph_comes_back_byte_for_byte);
	tcase_add_loop_test(tc, an_edit_of_its_tensors_drops_the_graph, 0, 8);
	tcase_add_test(tc, an_edit_never_drops_the_graph_of_a_model);
	tcase_add_test(tc, an_edit_leaves_external_data_external);
	tcase_add_loop_test(tc, without_memory_nothing_is_half_done, 0, 4);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
