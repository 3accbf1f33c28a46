/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_onnx_layout.c - tests of lib/format/onnx_layout.c and onnx_write.c: external data,
 * failing disks, ties. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc_fail.h"
#include "heft/write.h"
#include "io_fail.h"
#include "onnx_models.h"
#include "unit.h"

static struct scratch scratch;
static char *path;
static char *data_path;

static void setup(void)
{
	io_fail_at(0, 0);
	scratch_init(&scratch);
	path = scratch_path(&scratch, "m.onnx");
	data_path = scratch_path(&scratch, "m.onnx.data");
}

static void teardown(void)
{
	scratch_done(&scratch);
}

/* --- external data --- */

static void add_entry(struct heft_buffer *t, const char *key, const char *value)
{
	struct heft_buffer entry = made_empty();

	made_text(&entry, 1, key);
	made_text(&entry, 2, value);
	made_message(t, 13, &entry);
}

static void add_external(struct heft_buffer *t, const char *off, const char *length)
{
	add_entry(t, "location", "m.onnx.data");
	add_entry(t, "offset", off);
	add_entry(t, "length", length);
	made_uint(t, 14, 1);
}

static void check_data_file(const struct made *m, const uint64_t *offs)
{
	size_t size;
	char *bytes = scratch_read(data_path, &size);
	uint64_t end = 0;

	for (uint32_t i = 0; i < heft_listing_n(m->tensors); i++) {
		const uint64_t n = heft_listing_row(m->tensors, i)->n_bytes;

		if (offs[i] == UINT64_MAX)
			continue;
		ck_assert_uint_le(offs[i] + n, size);
		for (uint64_t k = 0; k < n; k++)
			ck_assert_int_eq((uint8_t)bytes[offs[i] + k], made_byte(i, k));
		end = offs[i] + n;
	}
	ck_assert_uint_eq(size, end);
	free(bytes);
}

START_TEST(large_tensors_go_into_a_file_beside)
{
	static const uint64_t offs[] = { 0, UINT64_MAX, 8192, UINT64_MAX };
	struct heft_buffer initializers = made_empty();
	struct heft_buffer t;
	struct heft_buffer expect;
	struct made m;

	/* [O5-5] */
	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_F32, 1, 1025, 0);
	made_add(&m, "b", HEFT_DTYPE_U8, 1, 1023, 0);
	made_add(&m, "c", HEFT_DTYPE_U8, 1, 1024, 0);
	made_add(&m, "d", HEFT_DTYPE_U8, 1, 0, 0);
	m.plan.options.external_data = true;
	t = made_tensor("a", FLOAT, 1025, 0);
	add_external(&t, "0", "4100");
	made_message(&initializers, 5, &t);
	t = made_tensor("b", 2, 1023, 0);
	add_filled(&t, 9, 1, 1023);
	made_message(&initializers, 5, &t);
	t = made_tensor("c", 2, 1024, 0);
	add_external(&t, "8192", "1024");
	made_message(&initializers, 5, &t);
	t = made_tensor("d", 2, 0, 0);
	add_filled(&t, 9, 3, 0);
	made_message(&initializers, 5, &t);
	expect = plain_model(&initializers, 10, 21);
	check_written(&m, path, &expect);
	check_data_file(&m, offs);
	ck_assert_uint_eq(scratch_n_files(&scratch), 2);
	made_done(&m);
}
END_TEST

START_TEST(of_a_graph_initializers_alone_go_into_a_file_beside)
{
	static const uint64_t offs[] = { UINT64_MAX, 0, UINT64_MAX };
	struct heft_buffer graph = graph_model(true, true);
	struct heft_file *file;
	struct heft_tensor t;
	struct made m;
	uint8_t bytes[1600];

	/* [O5-5]: a data_location that says DEFAULT does not stay behind the other one */
	make_graph_plan(&m, &graph);
	m.plan.options.external_data = true;
	made_write(&m, "onnx", path);
	check_data_file(&m, offs);
	ck_assert_int_eq(heft_open(path, NULL, &file, NULL), HEFT_OK);
	ck_assert_int_eq(heft_find(file, "loop.body.t", &t, NULL), HEFT_OK);
	ck_assert_int_eq(heft_read(file, &t, 0, bytes, 1600, NULL), HEFT_OK);
	for (size_t i = 0; i < 1600; i++)
		ck_assert_int_eq(bytes[i], made_byte(1, i));
	heft_close(file);
	made_done(&m);
	heft_buffer_done(&graph);
}
END_TEST

START_TEST(nothing_large_needs_no_file_beside)
{
	struct made m;

	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_U8, 1, 1023, 0);
	m.plan.options.external_data = true;
	made_write(&m, "onnx", path);
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
	made_done(&m);
}
END_TEST

/* [O5-5]: "It is so without being asked for where the model would be 2^31 bytes or more." Nothing
 * of the tensor is written. */
START_TEST(a_model_of_two_gibibytes_gets_a_file_beside)
{
	static const struct {
		uint64_t n;
		unsigned n_files;
	} cases[] = {
		{ (UINT64_C(1) << 31) - 52, 2 },
		{ (UINT64_C(1) << 31) - 53, 1 },
		{ UINT64_C(1) << 40, 2 },
	};
	const struct heft_format *f = heft_format_by_name("onnx");
	struct heft_error err;
	struct heft_sink *sink;
	uint32_t order[1];
	struct made m;
	void *w;

	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_U8, 1, cases[_i].n, 0);
	ck_assert_int_eq(heft_sink_open(path, NULL, &sink, NULL), HEFT_OK);
	ck_assert_msg(f->begin(&m.plan, sink, order, &w, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_uint_eq(scratch_n_files(&scratch), cases[_i].n_files);
	f->writer_free(w);
	heft_sink_discard(sink);
	ck_assert_uint_eq(scratch_n_files(&scratch), 0);
	made_done(&m);
}
END_TEST

static enum heft_status begin_external(const char *at, bool overwrite, struct heft_error *err)
{
	const struct heft_sink_options options = { .overwrite = overwrite };
	const struct heft_format *f = heft_format_by_name("onnx");
	struct heft_sink *sink;
	uint32_t order[1];
	enum heft_status st;
	struct made m;
	void *w = NULL;

	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_U8, 1, 5000, 0);
	m.plan.options.external_data = true;
	ck_assert_int_eq(heft_sink_open(at, &options, &sink, NULL), HEFT_OK);
	st = f->begin(&m.plan, sink, order, &w, err);
	f->writer_free(w);
	heft_sink_discard(sink);
	made_done(&m);
	return st;
}

START_TEST(a_file_beside_that_is_there_is_told_before)
{
	struct heft_error err;

	scratch_write(data_path, "old", 3);
	ck_assert_int_eq(begin_external(path, false, &err), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, "the file 'm.onnx.data' beside exists already");
	ck_assert_int_eq(begin_external(path, true, &err), HEFT_OK);
	scratch_check(data_path, "old", 3);
}
END_TEST

START_TEST(a_name_that_no_location_can_be_is_refused)
{
	struct heft_error err;

	ck_assert_int_eq(begin_external(scratch_path(&scratch, "a\\b.onnx"), false, &err),
	                 HEFT_E_USAGE);
	ck_assert_int_eq(begin_external(scratch_path(&scratch, "\xff.onnx"), false, &err),
	                 HEFT_E_USAGE);
	ck_assert_uint_eq(scratch_n_files(&scratch), 0);
}
END_TEST

/* --- through the library --- */

/* `graph` NULL: without one. */
static enum heft_status put_all(const struct heft_buffer *graph, bool is_external,
                                struct heft_error *err)
{
	static const struct heft_tensor tensors[] = {
		{ .name = "c", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 2 } },
		{ .name = "loop.body.t", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 400 } },
		{ .name = "w", .dtype = HEFT_DTYPE_F32, .rank = 2, .dims = { 2, 3 } },
	};
	const struct heft_write_options options = { .overwrite = true,
		                                    .external_data = is_external };
	float values[400];
	struct heft_writer *w;
	enum heft_status st = heft_create(path, "onnx", &options, &w, err);

	for (size_t i = 0; i < 400; i++)
		values[i] = (float)i;
	if (st != HEFT_OK)
		return st;
	for (size_t i = 0; st == HEFT_OK && i < 3; i++)
		st = heft_declare(w, &tensors[i], err);
	if (st == HEFT_OK && graph)
		st = heft_set_graph(w, graph->bytes, graph->size, err);
	for (uint32_t i = 0; st == HEFT_OK && i < 3; i++)
		st = heft_put(w, i, values, i == 0 ? 8 : i == 1 ? 1600 : 24, err);
	if (st == HEFT_OK)
		return heft_commit(w, NULL, err);
	heft_discard(w);
	return st;
}

START_TEST(a_failing_disk_leaves_nothing_new)
{
	struct heft_buffer graph = graph_model(true, false);
	struct heft_error err;
	size_t n = 1;

	scratch_write(path, "old", 3);
	scratch_write(data_path, "old data", 8);
	for (;; n++) {
		enum heft_status st;

		io_fail_at(n, ENOSPC);
		st = put_all(&graph, true, &err);
		if (st == HEFT_OK)
			break;
		ck_assert_int_eq(st, HEFT_E_IO);
		ck_assert_uint_eq(scratch_n_files(&scratch), 2);
		/* The last sync, of the folder, comes when both have their names. */
		if (io_fail_log()[strlen(io_fail_log()) - 1] == 's' && n > 6)
			continue;
		scratch_check(path, "old", 3);
		scratch_check(data_path, "old data", 8);
	}
	ck_assert_uint_gt(n, 5);
	ck_assert_uint_eq(scratch_n_files(&scratch), 2);
	heft_buffer_done(&graph);
}
END_TEST

START_TEST(a_writer_without_memory_leaves_nothing)
{
	struct heft_buffer graph = graph_model(true, false);
	bool has_failed = true;
	struct heft_error err;

	for (size_t n = 1; has_failed; n++) {
		enum heft_status st;

		alloc_fail_at(n);
		st = put_all(_i & 1 ? &graph : NULL, _i & 2, &err);
		has_failed = alloc_fail_done();
		ck_assert_int_eq(st, has_failed ? HEFT_E_NOMEM : HEFT_OK);
		if (has_failed)
			ck_assert_uint_eq(scratch_n_files(&scratch), 0);
	}
	heft_buffer_done(&graph);
}
END_TEST

/* Ties are stored again: read back from floats behind tags, from a file beside, from the model. */
START_TEST(ties_are_stored_again)
{
	static const struct heft_tensor tensors[] = {
		{ .name = "a", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 1300 } },
		{ .name = "b", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 1300 } },
	};
	const struct heft_write_options options = { .external_data = _i == 1 };
	struct heft_buffer attribute = made_empty();
	struct heft_buffer graph = made_empty();
	struct heft_buffer t = made_tensor("b", FLOAT, 1300, 0);
	struct heft_buffer model;
	struct heft_buffer node;
	struct heft_file *file;
	struct heft_writer *w;
	struct heft_tensor found;
	float values[1300];
	float read[1300];

	for (size_t i = 0; i < 1300; i++)
		values[i] = (float)i;
	made_text(&attribute, 1, "value_floats");
	made_uint(&attribute, HEFT_ONNX_N_FLOATS, 1300);
	node = made_constant("a", &attribute);
	made_message(&graph, 1, &node);
	made_message(&graph, 5, &t);
	model = made_model(&graph);
	ck_assert_int_eq(heft_create(path, "onnx", &options, &w, NULL), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &tensors[0], NULL), HEFT_OK);
	ck_assert_int_eq(heft_declare_tied(w, &tensors[1], 0, NULL), HEFT_OK);
	if (_i == 2)
		ck_assert_int_eq(heft_set_graph(w, model.bytes, model.size, NULL), HEFT_OK);
	ck_assert_int_eq(heft_put(w, 0, values, sizeof values, NULL), HEFT_OK);
	ck_assert_int_eq(heft_commit(w, NULL, NULL), HEFT_OK);
	ck_assert_int_eq(heft_open(path, NULL, &file, NULL), HEFT_OK);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(heft_find(file, tensors[i].name, &found, NULL), HEFT_OK);
		ck_assert_int_eq(heft_read(file, &found, 0, read, sizeof read, NULL), HEFT_OK);
		ck_assert_mem_eq(read, values, sizeof read);
	}
	heft_close(file);
	heft_buffer_done(&model);
}
END_TEST

static Suite *onnx_layout_suite(void)
{
	Suite *s = suite_create("format_onnx_layout");
	TCase *tc = tcase_create("layout");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, large_tensors_go_into_a_file_beside);
	tcase_add_test(tc, of_a_graph_initializers_alone_go_into_a_file_beside);
	tcase_add_test(tc, nothing_large_needs_no_file_beside);
	tcase_add_loop_test(tc, a_model_of_two_gibibytes_gets_a_file_beside, 0, 3);
	tcase_add_test(tc, a_file_beside_that_is_there_is_told_before);
	tcase_add_test(tc, a_name_that_no_location_can_be_is_refused);
	tcase_add_test(tc, a_failing_disk_leaves_nothing_new);
	tcase_add_loop_test(tc, a_writer_without_memory_leaves_nothing, 0, 4);
	tcase_add_loop_test(tc, ties_are_stored_again, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(onnx_layout_suite());
}
