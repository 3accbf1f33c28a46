/* SPDX-License-Identifier: Apache-2.0 */
/* test_onnx_strip.c - tests of lib/onnx/strip.c and weight_cuts.c: what a graph without its weights
 * is. */
#include "onnx/strip.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "base/source.h"
#include "onnx_made.h"
#include "unit.h"

static const struct heft_limits limits = {
	.max_tensors = INT32_MAX,
	.max_name_size = HEFT_MAX_NAME,
	.max_metadata_size = 1 << 20,
	.max_logical_bytes = INT64_MAX,
};

static void scan(struct heft_wire_input *in, const struct heft_buffer *b, bool is_graph,
                 struct heft_onnx_model *model)
{
	struct heft_error err;

	heft_wire_input_memory(in, b->bytes, b->size);
	ck_assert_msg(heft_onnx_scan(in, &limits, is_graph, model, &err) == HEFT_OK, "%s at %llu",
	              err.msg, (unsigned long long)err.offset);
}

static struct heft_buffer stripped(const struct heft_buffer *b, bool is_graph)
{
	struct heft_onnx_model model;
	struct heft_wire_input in;
	struct heft_buffer graph = made_empty();
	struct heft_error err;

	scan(&in, b, is_graph, &model);
	ck_assert_msg(heft_onnx_strip(&in, &model, &graph, &err) == HEFT_OK, "%s", err.msg);
	heft_onnx_model_done(&model);
	return graph;
}

/* [O4-2]: "Read by the rules of section 2 it gives the same names, shapes and dtypes in the same
 * order as the model." */
static void check_same_weights(const struct heft_buffer *model, const struct heft_buffer *graph)
{
	struct heft_wire_input in;
	struct heft_onnx_model a;
	struct heft_onnx_model b;

	scan(&in, model, false, &a);
	scan(&in, graph, true, &b);
	ck_assert_uint_eq(heft_listing_n(a.tensors), heft_listing_n(b.tensors));
	for (uint32_t i = 0; i < heft_listing_n(a.tensors); i++) {
		const struct heft_listed *x = heft_listing_row(a.tensors, i);
		const struct heft_listed *y = heft_listing_row(b.tensors, i);

		ck_assert_str_eq(heft_listing_name(a.tensors, i), heft_listing_name(b.tensors, i));
		ck_assert_uint_eq(x->dtype, y->dtype);
		ck_assert_uint_eq(x->space, y->space);
		ck_assert_uint_eq(x->rank, y->rank);
		for (uint32_t d = 0; d < x->rank; d++)
			ck_assert_uint_eq(heft_listing_dims(a.tensors, i)[d],
			                  heft_listing_dims(b.tensors, i)[d]);
	}
	heft_onnx_model_done(&a);
	heft_onnx_model_done(&b);
}

/* Strips `model`, compares with `expect`; takes both. */
static void check_strip(struct heft_buffer *model, struct heft_buffer *expect)
{
	struct heft_buffer graph = stripped(model, false);
	struct heft_buffer again = stripped(&graph, true);

	ck_assert_uint_eq(graph.size, expect->size);
	ck_assert_mem_eq(graph.bytes, expect->bytes, graph.size);
	ck_assert_uint_eq(again.size, graph.size);
	ck_assert_mem_eq(again.bytes, graph.bytes, graph.size);
	check_same_weights(model, &graph);
	heft_buffer_done(model);
	heft_buffer_done(expect);
	heft_buffer_done(&graph);
	heft_buffer_done(&again);
}

/* A model of one initializer, which it takes, and a graph name behind it. */
static struct heft_buffer model_of(struct heft_buffer *tensor)
{
	struct heft_buffer graph = made_empty();

	made_message(&graph, 5, tensor);
	made_text(&graph, 2, "g");
	return made_model(&graph);
}

enum {
	FLOAT = 1,
	INT32 = 6,
	INT64 = 7,
	STRING = 8,
	DOUBLE = 11
};

static const char zeros[1000];

/* --- fields --- */

START_TEST(raw_data_becomes_empty_where_it_was)
{
	struct heft_buffer t = made_empty();
	struct heft_buffer e = made_empty();
	struct heft_buffer model;
	struct heft_buffer expect;

	/* [O4-1]: fields behind it stay behind it, those unknown here as well */
	made_uint(&t, 1, 2);
	made_uint(&t, 2, FLOAT);
	made_bytes(&t, 9, "\1\2\3\4\5\6\7\x08", 8);
	made_text(&t, 8, "w");
	made_text(&t, 12, "a tensor");
	made_uint(&t, 900, 5);
	made_uint(&e, 1, 2);
	made_uint(&e, 2, FLOAT);
	made_bytes(&e, 9, "", 0);
	made_text(&e, 8, "w");
	made_text(&e, 12, "a tensor");
	made_uint(&e, 900, 5);
	model = model_of(&t);
	expect = model_of(&e);
	check_strip(&model, &expect);
}
END_TEST

START_TEST(typed_fields_in_several_runs_go_and_leave_one_empty_field)
{
	static const uint8_t unpacked[] = { 4 << 3 | 5, 0, 0, 0x80, 0x3f };
	struct heft_buffer t = made_empty();
	struct heft_buffer e = made_tensor("w", FLOAT, 4, 0);
	struct heft_buffer model;
	struct heft_buffer expect;

	/* [O4-1]: packed, unpacked, the name between, unpacked again */
	made_uint(&t, 1, 4);
	made_uint(&t, 2, FLOAT);
	made_bytes(&t, 4, zeros, 8);
	heft_buffer_add(&t, unpacked, sizeof unpacked);
	made_text(&t, 8, "w");
	heft_buffer_add(&t, unpacked, sizeof unpacked);
	heft_buffer_done(&e);
	made_uint(&e, 1, 4);
	made_uint(&e, 2, FLOAT);
	made_bytes(&e, 9, "", 0);
	made_text(&e, 8, "w");
	model = model_of(&t);
	expect = model_of(&e);
	check_strip(&model, &expect);
}
END_TEST

static const struct typed {
	unsigned data_type;
	unsigned field;
	const char *packed;
	size_t n;
} typed[] = {
	{ INT32, 5, "\1\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 12 },
	{ INT64, 7, "\1\2\3", 3 },
	{ DOUBLE, 10, zeros, 24 },
	{ 13, 11, "\1\2\3", 3 },
	{ 10, 5, "\1\2\3", 3 },
};

START_TEST(every_typed_field_goes)
{
	const struct typed *c = &typed[_i];
	struct heft_buffer t = made_tensor("w", c->data_type, 3, 0);
	struct heft_buffer e = made_tensor("w", c->data_type, 3, 0);
	struct heft_buffer model;
	struct heft_buffer expect;

	made_bytes(&t, c->field, c->packed, c->n);
	made_bytes(&e, 9, "", 0);
	model = model_of(&t);
	expect = model_of(&e);
	check_strip(&model, &expect);
}
END_TEST

static void add_entry(struct heft_buffer *t, const char *key, const char *value)
{
	struct heft_buffer entry = made_empty();

	made_text(&entry, 1, key);
	made_text(&entry, 2, value);
	made_message(t, 13, &entry);
}

START_TEST(external_data_and_its_location_go)
{
	struct heft_buffer t = made_tensor("w", FLOAT, 3, 0);
	struct heft_buffer e = made_tensor("w", FLOAT, 3, 0);
	struct heft_buffer model;
	struct heft_buffer expect;

	/* [O4-1] */
	add_entry(&t, "location", "w.bin");
	add_entry(&t, "offset", "4096");
	made_uint(&t, 14, 1);
	made_text(&t, 12, "doc");
	made_bytes(&e, 9, "", 0);
	made_text(&e, 12, "doc");
	model = model_of(&t);
	expect = model_of(&e);
	check_strip(&model, &expect);
}
END_TEST

START_TEST(what_has_no_elements_names_no_file_either)
{
	struct heft_buffer t = made_tensor("w", FLOAT, 0, 0);
	struct heft_buffer e = made_tensor("w", FLOAT, 0, 0);
	struct heft_buffer model;
	struct heft_buffer expect;

	/* [O4-1] */
	add_entry(&t, "location", "w.bin");
	add_entry(&t, "length", "0");
	made_uint(&t, 14, 1);
	made_text(&t, 12, "doc");
	made_text(&e, 12, "doc");
	model = model_of(&t);
	expect = model_of(&e);
	check_strip(&model, &expect);
}
END_TEST

START_TEST(a_location_that_says_default_stays)
{
	struct heft_buffer t = made_tensor("w", FLOAT, 1, 0);
	struct heft_buffer e = made_tensor("w", FLOAT, 1, 0);
	struct heft_buffer model;
	struct heft_buffer expect;

	/* [O4-1] */
	made_uint(&t, 14, 0);
	made_bytes(&t, 9, zeros, 4);
	made_uint(&e, 14, 0);
	made_bytes(&e, 9, "", 0);
	model = model_of(&t);
	expect = model_of(&e);
	check_strip(&model, &expect);
}
END_TEST

START_TEST(what_is_no_weight_or_has_no_elements_stays_whole)
{
	struct heft_buffer strings = made_tensor("s", STRING, 1, 0);
	struct heft_buffer empty = made_tensor("e", FLOAT, 0, 0);
	struct heft_buffer ints = made_tensor("", INT64, 1, 0);
	struct heft_buffer attribute = made_empty();
	struct heft_buffer graph = made_empty();
	struct heft_buffer node;
	struct heft_buffer model;
	struct heft_buffer expect = made_empty();

	/* [O4-1] and O2-1: a shape is no weight */
	made_text(&strings, 6, "text");
	made_bytes(&empty, 4, "", 0);
	made_bytes(&ints, 9, zeros, 8);
	made_text(&attribute, 1, "value");
	made_message(&attribute, 5, &ints);
	made_uint(&attribute, 20, 4);
	node = made_constant("shape", &attribute);
	made_message(&graph, 1, &node);
	made_message(&graph, 5, &strings);
	made_message(&graph, 5, &empty);
	model = made_model(&graph);
	heft_buffer_add(&expect, model.bytes, model.size);
	check_strip(&model, &expect);
}
END_TEST

/* --- Constants --- */

static struct heft_buffer floats_model(bool is_graph)
{
	static const uint8_t unpacked[] = { 7 << 3 | 5, 0, 0, 0x80, 0x3f };
	struct heft_buffer attribute = made_empty();
	struct heft_buffer graph = made_empty();
	struct heft_buffer node;

	made_text(&attribute, 1, "value_floats");
	if (is_graph) {
		made_bytes(&attribute, 7, "", 0);
		made_uint(&attribute, HEFT_ONNX_N_FLOATS, 3);
	} else {
		heft_buffer_add(&attribute, unpacked, sizeof unpacked);
		made_bytes(&attribute, 7, zeros, 4);
		heft_buffer_add(&attribute, unpacked, sizeof unpacked);
	}
	made_uint(&attribute, 20, 6);
	node = made_constant("floats", &attribute);
	made_message(&graph, 1, &node);
	return made_model(&graph);
}

START_TEST(floats_leave_an_empty_field_and_how_many_they_were)
{
	struct heft_buffer model = floats_model(false);
	struct heft_buffer expect = floats_model(true);

	/* [O4-1] [O4-2] */
	check_strip(&model, &expect);
}
END_TEST

/* A Constant in a branch of a branch, whose weight makes five lengths. */
static struct heft_buffer deep_model(size_t n_bytes)
{
	struct heft_buffer t = made_tensor("w", FLOAT, 200, 0);

	made_bytes(&t, 9, zeros, n_bytes);
	for (int level = 0; level < 2; level++) {
		struct heft_buffer graph = made_empty();
		struct heft_buffer attribute = made_empty();
		struct heft_buffer node = made_empty();

		if (level == 0)
			made_message(&graph, 5, &t);
		else
			made_message(&graph, 1, &t);
		made_text(&graph, 2, "branch");
		made_text(&attribute, 1, "then_branch");
		made_message(&attribute, 6, &graph);
		made_uint(&attribute, 20, 5);
		made_text(&node, 4, "If");
		made_message(&node, 5, &attribute);
		t = node;
	}
	{
		struct heft_buffer graph = made_empty();

		made_message(&graph, 1, &t);
		return made_model(&graph);
	}
}

START_TEST(lengths_shrink_through_subgraphs)
{
	struct heft_buffer model = deep_model(800);
	struct heft_buffer expect = deep_model(0);

	/* [O4-1]: "The lengths of the messages around it are those of what is left" */
	check_strip(&model, &expect);
}
END_TEST

START_TEST(a_graph_without_a_field_for_a_weight_gets_one_at_its_end)
{
	struct heft_buffer t = made_tensor("w", FLOAT, 4, 0);
	struct heft_buffer e = made_tensor("w", FLOAT, 4, 0);
	struct heft_buffer strange = model_of(&t);
	struct heft_buffer expect;
	struct heft_buffer graph = stripped(&strange, true);

	made_bytes(&e, 9, "", 0);
	expect = model_of(&e);
	ck_assert_uint_eq(graph.size, expect.size);
	ck_assert_mem_eq(graph.bytes, expect.bytes, expect.size);
	heft_buffer_done(&strange);
	heft_buffer_done(&expect);
	heft_buffer_done(&graph);
}
END_TEST

/* --- limits --- */

/* [O4-3]: a model whose text alone is longer, in a file that takes no room on disk. */
START_TEST(a_graph_of_more_than_a_gibibyte_is_refused)
{
	const uint64_t n = (UINT64_C(1) << 30) + 1;
	const int fd = memfd_create("model", MFD_CLOEXEC);
	struct heft_buffer head = made_empty();
	struct heft_buffer graph = made_empty();
	struct heft_onnx_model model;
	struct heft_wire_input in;
	struct heft_source *src;
	struct heft_error err;

	heft_wire_add_tag(&head, 6, HEFT_WIRE_BYTES);
	heft_wire_add_varint(&head, n);
	ck_assert_int_eq(ftruncate(fd, (off_t)(head.size + n + 2)), 0);
	ck_assert_int_eq(pwrite(fd, head.bytes, head.size, 0), (ssize_t)head.size);
	ck_assert_int_eq(pwrite(fd, "\x3a\x00", 2, (off_t)(head.size + n)), 2);
	heft_buffer_done(&head);
	ck_assert_int_eq(heft_source_open_fd(fd, true, &src, &err), HEFT_OK);
	ck_assert_int_eq(heft_wire_input_source(&in, src, &err), HEFT_OK);
	ck_assert_msg(heft_onnx_scan(&in, &limits, false, &model, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_int_eq(heft_onnx_strip(&in, &model, &graph, &err), HEFT_E_LIMIT);
	ck_assert_uint_eq(graph.size, 0);
	heft_onnx_model_done(&model);
	heft_wire_input_done(&in);
	heft_source_close(src);
}
END_TEST

/* Through a window, with what is stripped longer and shorter than it. */
START_TEST(a_file_gives_what_memory_gives)
{
	const int fd = memfd_create("model", MFD_CLOEXEC);
	struct heft_buffer graph = made_empty();
	struct heft_buffer from_file = made_empty();
	struct heft_buffer b;
	struct heft_buffer expect;
	struct heft_onnx_model model;
	struct heft_wire_input in;
	struct heft_source *src;
	char *zeros_of_all = calloc(1, 400000);

	for (unsigned i = 0; i < 40; i++) {
		char name[8];
		struct heft_buffer t;

		snprintf(name, sizeof name, "w%u", i);
		t = made_tensor(name, FLOAT, 100 + i * 2000, 0);
		made_bytes(&t, 9, zeros_of_all, 4 * (size_t)(100 + i * 2000));
		made_text(&t, 12, "text");
		made_message(&graph, 5, &t);
	}
	free(zeros_of_all);
	b = made_model(&graph);
	expect = stripped(&b, false);
	ck_assert_int_eq(write(fd, b.bytes, b.size), (ssize_t)b.size);
	ck_assert_int_eq(heft_source_open_fd(fd, false, &src, NULL), HEFT_OK);
	ck_assert_int_eq(heft_wire_input_source(&in, src, NULL), HEFT_OK);
	ck_assert_int_eq(heft_onnx_scan(&in, &limits, false, &model, NULL), HEFT_OK);
	ck_assert_int_eq(heft_onnx_strip(&in, &model, &from_file, NULL), HEFT_OK);
	ck_assert_uint_eq(from_file.size, expect.size);
	ck_assert_mem_eq(from_file.bytes, expect.bytes, expect.size);
	heft_onnx_model_done(&model);
	heft_wire_input_done(&in);
	heft_source_close(src);
	heft_buffer_done(&from_file);
	heft_buffer_done(&expect);
	heft_buffer_done(&b);
}
END_TEST

START_TEST(without_memory_nothing_is_made)
{
	struct heft_buffer b = floats_model(false);
	struct heft_onnx_model model;
	struct heft_wire_input in;
	bool has_failed = true;
	size_t n = 0;

	scan(&in, &b, false, &model);
	while (has_failed) {
		struct heft_buffer graph = made_empty();
		struct heft_error err = { .code = HEFT_OK };
		enum heft_status st;

		alloc_fail_at(++n);
		st = heft_onnx_strip(&in, &model, &graph, &err);
		has_failed = alloc_fail_done();
		ck_assert_int_eq(st, has_failed ? HEFT_E_NOMEM : HEFT_OK);
		heft_buffer_done(&graph);
	}
	ck_assert_uint_gt(n, 2);
	heft_onnx_model_done(&model);
	heft_buffer_done(&b);
}
END_TEST

static Suite *strip_suite(void)
{
	Suite *s = suite_create("onnx_strip");
	TCase *tc = tcase_create("strip");

	tcase_add_test(tc, raw_data_becomes_empty_where_it_was);
	tcase_add_test(tc, typed_fields_in_several_runs_go_and_leave_one_empty_field);
	tcase_add_loop_test(tc, every_typed_field_goes, 0, sizeof typed / sizeof *typed);
	tcase_add_test(tc, external_data_and_its_location_go);
	tcase_add_test(tc, what_has_no_elements_names_no_file_either);
	tcase_add_test(tc, a_location_that_says_default_stays);
	tcase_add_test(tc, what_is_no_weight_or_has_no_elements_stays_whole);
	tcase_add_test(tc, floats_leave_an_empty_field_and_how_many_they_were);
	tcase_add_test(tc, lengths_shrink_through_subgraphs);
	tcase_add_test(tc, a_graph_without_a_field_for_a_weight_gets_one_at_its_end);
	tcase_add_test(tc, a_graph_of_more_than_a_gibibyte_is_refused);
	tcase_add_test(tc, a_file_gives_what_memory_gives);
	tcase_add_test(tc, without_memory_nothing_is_made);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(strip_suite());
}
