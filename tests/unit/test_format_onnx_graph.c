/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_onnx_graph.c - tests of lib/format/onnx_graph.c. */
#include "format/onnx_graph.h"

#include <stdlib.h>

#include "alloc_fail.h"
#include "format/shared.h"
#include "onnx_made.h"
#include "unit.h"

#define LARGE ((size_t)17 << 20)

/* An INT64 Constant of n bytes, which is no weight, and one that is. */
static struct heft_buffer model_with(size_t n)
{
	struct heft_buffer t = made_tensor("", 7, n / 8, 0);
	struct heft_buffer attribute = made_empty();
	struct heft_buffer graph = made_empty();
	struct heft_buffer node;
	char *zeros = calloc(1, n);

	ck_assert_ptr_nonnull(zeros);
	made_bytes(&t, 9, zeros, n);
	free(zeros);
	made_text(&attribute, 1, "value");
	made_message(&attribute, 5, &t);
	node = made_constant("ids", &attribute);
	made_message(&graph, 1, &node);
	t = made_tensor("w", 1, 2, 0);
	made_bytes(&t, 9, "\1\2\3\4\5\6\7\x08", 8);
	made_message(&graph, 5, &t);
	return made_model(&graph);
}

static void scan(struct heft_wire_input *in, const struct heft_buffer *b,
                 struct heft_onnx_model *model)
{
	const struct heft_limits limits = heft_format_limits(NULL);

	heft_wire_input_memory(in, b->bytes, b->size);
	ck_assert_int_eq(heft_onnx_scan(in, &limits, false, model, NULL), HEFT_OK);
}

static void check_graph(size_t n, const char *folder, bool is_scratch)
{
	struct heft_buffer b = model_with(n);
	struct heft_stripped_graph g = { .bytes = NULL };
	struct heft_onnx_model model;
	struct heft_wire_input in;
	struct heft_error err;

	scan(&in, &b, &model);
	ck_assert_msg(heft_stripped_graph_make(&g, &in, &model, folder, &err) == HEFT_OK, "%s",
	              err.msg);
	ck_assert(is_scratch == (g.scratch != NULL));
	ck_assert_uint_lt(g.size, b.size);
	ck_assert_uint_gt(g.size, n);
	ck_assert_mem_eq(g.bytes + g.size - 2, "\x4a\0", 2);
	heft_stripped_graph_done(&g);
	ck_assert_ptr_null(g.bytes);
	heft_stripped_graph_done(&g);
	heft_onnx_model_done(&model);
	heft_buffer_done(&b);
}

START_TEST(a_small_graph_lies_in_memory)
{
	check_graph(8, NULL, false);
}
END_TEST

START_TEST(a_large_graph_lies_in_a_temporary_file)
{
	check_graph(LARGE, NULL, true);
}
END_TEST

START_TEST(it_lies_in_memory_where_no_file_can_be_made)
{
	check_graph(LARGE, "/no/such/folder", false);
}
END_TEST

START_TEST(without_memory_it_says_so)
{
	struct heft_buffer b = model_with(8);
	struct heft_stripped_graph g = { .bytes = NULL };
	struct heft_onnx_model model;
	struct heft_wire_input in;
	bool has_failed = true;

	scan(&in, &b, &model);
	for (size_t n = 1; has_failed; n++) {
		enum heft_status st;

		alloc_fail_at(n);
		st = heft_stripped_graph_make(&g, &in, &model, NULL, NULL);
		has_failed = alloc_fail_done();
		ck_assert_int_eq(st, has_failed ? HEFT_E_NOMEM : HEFT_OK);
		ck_assert(has_failed == (g.bytes == NULL));
	}
	heft_stripped_graph_done(&g);
	heft_onnx_model_done(&model);
	heft_buffer_done(&b);
}
END_TEST

static Suite *onnx_graph_suite(void)
{
	Suite *s = suite_create("format_onnx_graph");
	TCase *tc = tcase_create("graph");

	tcase_add_test(tc, a_small_graph_lies_in_memory);
	tcase_add_test(tc, a_large_graph_lies_in_a_temporary_file);
	tcase_add_test(tc, it_lies_in_memory_where_no_file_can_be_made);
	tcase_add_test(tc, without_memory_it_says_so);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(onnx_graph_suite());
}
