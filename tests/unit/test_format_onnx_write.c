/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_onnx_write.c - what lib/format/onnx_write.c and onnx_match.c make of tensors, with a
 * graph and without one. */
#include <stdlib.h>
#include <string.h>

#include "heft/file.h"
#include "onnx_models.h"
#include "unit.h"

static struct scratch scratch;
static char *path;

static void setup(void)
{
	scratch_init(&scratch);
	path = scratch_path(&scratch, "m.onnx");
}

static void teardown(void)
{
	scratch_done(&scratch);
}

/* --- without a graph --- */

START_TEST(tensors_alone_become_a_model_of_initializers)
{
	struct heft_buffer initializers = made_empty();
	struct heft_buffer t;
	struct heft_buffer expect;
	struct made m;

	/* [O5-3]: in the declared order, a scalar and one without elements among them; and [O5-2]:
	 * metadata in their order, what is bookkeeping left out */
	made_init(&m);
	made_add(&m, "w", HEFT_DTYPE_F32, 2, 2, 300);
	made_add(&m, "s", HEFT_DTYPE_I64, 0, 0, 0);
	made_add(&m, "e", HEFT_DTYPE_F16, 1, 0, 0);
	m.plan.metadata = "{\"z\":\"1\",\"heft.class\":{\"a\":[1]},\"a\":\"\\u00e9\"}";
	t = made_tensor("w", FLOAT, 2, 300);
	add_filled(&t, 9, 0, 2400);
	made_message(&initializers, 5, &t);
	t = made_empty();
	made_uint(&t, 2, INT64);
	made_text(&t, 8, "s");
	add_filled(&t, 9, 1, 8);
	made_message(&initializers, 5, &t);
	t = made_tensor("e", 10, 0, 0);
	add_filled(&t, 9, 2, 0);
	made_message(&initializers, 5, &t);
	expect = plain_model(&initializers, 10, 21);
	add_prop(&expect, "z", "1");
	add_prop(&expect, "a", "\xc3\xa9");
	check_written(&m, path, &expect);
	made_done(&m);
}
END_TEST

START_TEST(no_tensor_at_all_is_a_model_as_well)
{
	struct heft_buffer none = made_empty();
	struct heft_buffer expect = plain_model(&none, 10, 21);
	struct made m;

	made_init(&m);
	check_written(&m, path, &expect);
	made_done(&m);
}
END_TEST

/* [O5-3]: "what a tensor's type needs" */
static const struct versioned {
	unsigned dtype;
	unsigned data_type;
	unsigned ir;
	unsigned opset;
	size_t n_bytes; /* of four elements */
} versioned[] = {
	{ HEFT_DTYPE_U4, 21, 10, 21, 2 },      { HEFT_DTYPE_I4, 22, 10, 21, 2 },
	{ HEFT_DTYPE_F8_E5M2, 19, 10, 21, 4 }, { HEFT_DTYPE_F4, 23, 11, 23, 2 },
	{ HEFT_DTYPE_F8_E8M0, 24, 12, 24, 4 }, { HEFT_DTYPE_U2, 25, 13, 25, 1 },
	{ HEFT_DTYPE_I2, 26, 13, 25, 1 },      { HEFT_DTYPE_F6_E2M3, 27, 14, 28, 3 },
	{ HEFT_DTYPE_F6_E3M2, 28, 14, 28, 3 },
};

START_TEST(the_versions_are_what_the_types_need)
{
	const struct versioned *v = &versioned[_i];
	struct heft_buffer initializers = made_empty();
	struct heft_buffer t;
	struct heft_buffer expect;
	struct made m;

	made_init(&m);
	made_add(&m, "f", HEFT_DTYPE_U8, 1, 1, 0);
	made_add(&m, "v", v->dtype, 1, 4, 0);
	t = made_tensor("f", 2, 1, 0);
	add_filled(&t, 9, 0, 1);
	made_message(&initializers, 5, &t);
	t = made_tensor("v", v->data_type, 4, 0);
	add_filled(&t, 9, 1, v->n_bytes);
	made_message(&initializers, 5, &t);
	expect = plain_model(&initializers, v->ir, v->opset);
	check_written(&m, path, &expect);
	made_done(&m);
}
END_TEST

/* [O5-4] [O5-2] */
static const struct unheld {
	const char *name;
	unsigned dtype;
	uint8_t space;
	uint64_t dim;
	const char *metadata;
	const char *help;
} unheld[] = {
	{ "a", HEFT_DTYPE_GGML + 2, 0, 32, NULL, "Q4_0" },
	{ "a", 0x7777, 0, 1, NULL, "0x7777" },
	{ "a", HEFT_DTYPE_F32, 1, 1, NULL, "--weights-only" },
	{ "a", HEFT_DTYPE_F32, 2, 1, NULL, "--weights-only" },
	{ "a", HEFT_DTYPE_F32, 0, 1, "{\"k\":1}", "--no-metadata" },
	{ "a", HEFT_DTYPE_F32, 0, 1, "{\"j\":\"\",\"k\":{}}", "metadata 'k'" },
};

START_TEST(what_a_model_cannot_hold_is_told_before)
{
	const struct unheld *u = &unheld[_i];
	struct heft_error err;
	struct made m;

	made_init(&m);
	made_add_in(&m, u->name, u->dtype, u->space, 1, u->dim, 0);
	m.plan.metadata = u->metadata;
	ck_assert_int_eq(heft_format_by_name("onnx")->check(&m.plan, &err), HEFT_E_USAGE);
	ck_assert_msg(strstr(err.msg, u->help) != NULL, "%s", err.msg);
	made_done(&m);
}
END_TEST

/* --- with a graph --- */

START_TEST(each_weight_comes_back_into_its_place)
{
	struct heft_buffer graph = graph_model(true, true);
	struct heft_buffer expect = graph_model(false, true);
	struct made m;

	/* [O5-1], value_floats as unpacked floats; [O5-2]: metadata in another order are the
	 * same */
	make_graph_plan(&m, &graph);
	check_written(&m, path, &expect);
	made_done(&m);
	heft_buffer_done(&graph);
}
END_TEST

START_TEST(tensors_may_be_declared_in_any_order)
{
	struct heft_buffer graph = graph_model(true, false);
	struct made m;
	struct heft_file *file;
	struct heft_tensor t;
	uint8_t bytes[24];

	made_init(&m);
	made_add(&m, "w", HEFT_DTYPE_F32, 2, 2, 3);
	made_add(&m, "c", HEFT_DTYPE_F32, 1, 2, 0);
	made_add(&m, "loop.body.t", HEFT_DTYPE_F32, 1, 400, 0);
	m.plan.graph = graph.bytes;
	m.plan.graph_size = graph.size;
	made_write(&m, "onnx", path);
	ck_assert_int_eq(heft_open(path, NULL, &file, NULL), HEFT_OK);
	ck_assert_int_eq(heft_find(file, "w", &t, NULL), HEFT_OK);
	ck_assert_int_eq(heft_read(file, &t, 0, bytes, 24, NULL), HEFT_OK);
	ck_assert_int_eq(bytes[0], made_byte(0, 0));
	ck_assert_int_eq(heft_find(file, "c", &t, NULL), HEFT_OK);
	ck_assert_int_eq(heft_read(file, &t, 0, bytes, 8, NULL), HEFT_OK);
	ck_assert_int_eq(bytes[7], made_byte(1, 7));
	heft_close(file);
	made_done(&m);
	heft_buffer_done(&graph);
}
END_TEST

START_TEST(other_metadata_replace_those_of_the_graph)
{
	static const char *const others[] = { "{\"a\":\"1\",\"c\":\"2\"}", "{}", NULL };
	struct heft_buffer graph = graph_model(true, true);
	struct heft_buffer expect = graph_model(false, false);
	struct made m;

	/* [O5-2]: "behind the other fields of the model" */
	make_graph_plan(&m, &graph);
	m.plan.metadata = others[_i];
	if (_i == 0) {
		add_prop(&expect, "a", "1");
		add_prop(&expect, "c", "2");
	}
	check_written(&m, path, &expect);
	made_done(&m);
	heft_buffer_done(&graph);
}
END_TEST

/* [O5-1]: "else USAGE, with what is different"; and R7.3-1: a file may have more tensors than its
 * graph has weights, an ONNX model may not. */
static const struct mismatch {
	const char *name; /* of the first one, else "c" */
	unsigned dtype;
	uint64_t n;
	bool is_more;
	const char *message;
} mismatches[] = {
	{ "d", HEFT_DTYPE_F32, 2, false,
	  "no tensor is called 'c', which the graph has: --no-graph leaves the graph out" },
	{ "c", HEFT_DTYPE_F16, 2, false,
	  "tensor 'c' is F16, and F32 in the graph: --no-graph leaves the graph out" },
	{ "c", HEFT_DTYPE_F32, 3, false,
	  "tensor 'c' has the shape [3], and [2] in the graph: --no-graph leaves the graph out" },
	{ "c", HEFT_DTYPE_F32, 2, true,
	  "tensor 'more' has no place in the graph: --exclude leaves it out, --no-graph leaves the "
	  "graph out" },
};

START_TEST(tensors_that_are_not_those_of_the_graph_are_refused)
{
	const struct mismatch *c = &mismatches[_i];
	const struct heft_format *f = heft_format_by_name("onnx");
	struct heft_buffer graph = graph_model(true, false);
	struct heft_error err;
	struct heft_sink *sink;
	uint32_t order[4];
	struct made m;
	void *w;

	made_init(&m);
	made_add(&m, "w", HEFT_DTYPE_F32, 2, 2, 3);
	made_add(&m, c->name, c->dtype, 1, c->n, 0);
	made_add(&m, "loop.body.t", HEFT_DTYPE_F32, 1, 400, 0);
	if (c->is_more)
		made_add(&m, "more", HEFT_DTYPE_F32, 1, 1, 0);
	m.plan.graph = graph.bytes;
	m.plan.graph_size = graph.size;
	ck_assert_int_eq(heft_sink_open(path, NULL, &sink, NULL), HEFT_OK);
	ck_assert_int_eq(f->check(&m.plan, &err), HEFT_OK);
	ck_assert_int_eq(f->begin(&m.plan, sink, order, &w, &err), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, c->message);
	heft_sink_discard(sink);
	made_done(&m);
	heft_buffer_done(&graph);
}
END_TEST

START_TEST(a_graph_that_is_none_is_refused)
{
	const struct heft_format *f = heft_format_by_name("onnx");
	struct heft_error err;
	struct heft_sink *sink;
	struct made m;
	void *w;

	/* R7.3-2: "Whoever uses it checks it: CORRUPT." */
	made_init(&m);
	m.plan.graph = (const uint8_t *)"\x3a\x05nope";
	m.plan.graph_size = 6;
	ck_assert_int_eq(heft_sink_open(path, NULL, &sink, NULL), HEFT_OK);
	ck_assert_int_eq(f->begin(&m.plan, sink, NULL, &w, &err), HEFT_E_CORRUPT);
	heft_sink_discard(sink);
	made_done(&m);
}
END_TEST

static Suite *onnx_write_suite(void)
{
	Suite *s = suite_create("format_onnx_write");
	TCase *tc = tcase_create("write");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tensors_alone_become_a_model_of_initializers);
	tcase_add_test(tc, no_tensor_at_all_is_a_model_as_well);
	tcase_add_loop_test(tc, the_versions_are_what_the_types_need, 0,
	                    sizeof versioned / sizeof *versioned);
	tcase_add_loop_test(tc, what_a_model_cannot_hold_is_told_before, 0,
	                    sizeof unheld / sizeof *unheld);
	tcase_add_test(tc, each_weight_comes_back_into_its_place);
	tcase_add_test(tc, tensors_may_be_declared_in_any_order);
	tcase_add_loop_test(tc, other_metadata_replace_those_of_the_graph, 0, 3);
	tcase_add_loop_test(tc, tensors_that_are_not_those_of_the_graph_are_refused, 0,
	                    sizeof mismatches / sizeof *mismatches);
	tcase_add_test(tc, a_graph_that_is_none_is_refused);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(onnx_write_suite());
}
