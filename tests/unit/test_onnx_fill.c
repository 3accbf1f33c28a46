/* SPDX-License-Identifier: Apache-2.0 */
/* test_onnx_fill.c - tests of lib/onnx/fill.c: graphs as strangers make them. What a graph of
 * heft's own becomes is tested with the writer. */
#include "onnx/fill.h"

#include <stdlib.h>

#include "alloc_fail.h"
#include "base/error.h"
#include "onnx_made.h"
#include "unit.h"

static const struct heft_limits limits = {
	.max_tensors = INT32_MAX,
	.max_name_size = HEFT_MAX_NAME,
	.max_metadata_size = 1 << 20,
	.max_logical_bytes = INT64_MAX,
};

struct filled {
	const struct heft_wire_input *graph;
	struct heft_buffer model; /* holes filled with 'h' */
};

static enum heft_status take(void *ctx, const struct heft_splice_piece *p, struct heft_error *err)
{
	struct filled *f = ctx;
	uint8_t *to;

	if (!heft_buffer_reserve(&f->model, (size_t)p->size))
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory");
	to = f->model.bytes + f->model.size;
	f->model.size += (size_t)p->size;
	if (p->bytes)
		memcpy(to, p->bytes, (size_t)p->size);
	else if (p->weight == HEFT_ONNX_NONE)
		memcpy(to, f->graph->bytes + p->from, (size_t)p->size);
	else
		memset(to, 'h', (size_t)p->size);
	return HEFT_OK;
}

/* Fills as `how` says, whose first two members are set here. No assertions: they allocate. */
static enum heft_status fill(const struct heft_buffer *graph, const struct heft_onnx_fill *how,
                             struct heft_buffer *model, struct heft_error *err)
{
	struct heft_onnx_fill f = *how;
	struct heft_onnx_model scanned;
	struct heft_wire_input in;
	struct filled filled = { .graph = &in, .model = made_empty() };
	enum heft_status st;

	heft_wire_input_memory(&in, graph->bytes, graph->size);
	HEFT_TRY(heft_onnx_scan(&in, &limits, true, &scanned, err));
	f.in = &in;
	f.model = &scanned;
	st = heft_onnx_fill_init(&f, err);
	if (st == HEFT_OK)
		st = heft_onnx_fill_walk(&f, take, &filled, err);
	if (st == HEFT_OK && f.splice.size != filled.model.size)
		st = HEFT_E_CORRUPT;
	heft_onnx_fill_done(&f);
	heft_onnx_model_done(&scanned);
	*model = filled.model;
	return st;
}

/* Takes `graph` and `expect`. */
static void check_fill(struct heft_buffer *graph, const struct heft_onnx_fill *how,
                       struct heft_buffer *expect)
{
	struct heft_buffer model;
	struct heft_error err;

	ck_assert_msg(fill(graph, how, &model, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_uint_eq(model.size, expect->size);
	ck_assert_mem_eq(model.bytes, expect->bytes, model.size);
	heft_buffer_done(&model);
	heft_buffer_done(graph);
	heft_buffer_done(expect);
}

static struct heft_buffer model_of(struct heft_buffer *tensor)
{
	struct heft_buffer graph = made_empty();

	made_message(&graph, 5, tensor);
	made_text(&graph, 2, "g");
	return made_model(&graph);
}

static const struct heft_onnx_fill plainly;

START_TEST(bytes_of_a_weight_without_a_field_come_last)
{
	struct heft_buffer t = made_tensor("w", 1, 2, 0);
	struct heft_buffer e = made_tensor("w", 1, 2, 0);
	struct heft_buffer graph;
	struct heft_buffer expect;

	/* [O5-1] */
	made_bytes(&e, 9, "hhhhhhhh", 8);
	graph = model_of(&t);
	expect = model_of(&e);
	check_fill(&graph, &plainly, &expect);
}
END_TEST

START_TEST(bytes_that_a_graph_still_has_make_way)
{
	struct heft_buffer t = made_empty();
	struct heft_buffer e = made_empty();
	struct heft_buffer graph;
	struct heft_buffer expect;

	/* [O5-1] [O4-2] */
	made_uint(&t, 2, 1);
	made_bytes(&t, 4, "\0\0\0\0", 4);
	made_text(&t, 8, "w");
	made_uint(&e, 2, 1);
	made_bytes(&e, 9, "hhhh", 4);
	made_text(&e, 8, "w");
	graph = model_of(&t);
	expect = model_of(&e);
	check_fill(&graph, &plainly, &expect);
}
END_TEST

START_TEST(every_data_location_makes_way_for_external)
{
	static const uint64_t off[] = { 4096 };
	const struct heft_onnx_fill how = { .external_off = off, .location = "m.data" };
	struct heft_buffer t = made_tensor("w", 1, 300, 0);
	struct heft_buffer e = made_tensor("w", 1, 300, 0);
	struct heft_buffer graph;
	struct heft_buffer expect;

	/* [O5-5] */
	made_uint(&t, 14, 0);
	made_bytes(&t, 9, "", 0);
	made_uint(&t, 14, 0);
	heft_onnx_add_location(&e, "m.data", 4096, 1200);
	graph = model_of(&t);
	expect = model_of(&e);
	check_fill(&graph, &how, &expect);
}
END_TEST

static void add_prop(struct heft_buffer *b, const char *key)
{
	struct heft_buffer entry = made_empty();

	made_text(&entry, 1, key);
	made_text(&entry, 2, "");
	made_message(b, 14, &entry);
}

/* In front of the graph, between, and at the end. */
static struct heft_buffer with_props(void)
{
	struct heft_buffer t = made_tensor("w", 1, 1, 0);
	struct heft_buffer model = made_empty();
	struct heft_buffer graph = made_empty();

	made_message(&graph, 5, &t);
	add_prop(&model, "a");
	made_message(&model, 7, &graph);
	add_prop(&model, "b");
	made_uint(&model, 1, 8);
	add_prop(&model, "c");
	return model;
}

START_TEST(metadata_go_from_everywhere_and_come_at_the_end)
{
	const struct heft_onnx_fill how = { .props = (const uint8_t *)"new", .props_size = 3 };
	struct heft_buffer graph = with_props();
	struct heft_buffer t = made_tensor("w", 1, 1, 0);
	struct heft_buffer g = made_empty();
	struct heft_buffer expect = made_empty();

	/* [O5-2] */
	made_bytes(&t, 9, "hhhh", 4);
	made_message(&g, 5, &t);
	made_message(&expect, 7, &g);
	made_uint(&expect, 1, 8);
	heft_buffer_add(&expect, "new", 3);
	check_fill(&graph, &how, &expect);
}
END_TEST

START_TEST(without_memory_it_says_so)
{
	static const uint64_t off[] = { 0 };
	const struct heft_onnx_fill how = { .props = (const uint8_t *)"",
		                            .external_off = off,
		                            .location = "x" };
	struct heft_buffer graph = with_props();
	bool has_failed = true;

	for (size_t n = 1; has_failed; n++) {
		struct heft_buffer model = made_empty();
		struct heft_error err;
		enum heft_status st;

		alloc_fail_at(n);
		st = fill(&graph, &how, &model, &err);
		has_failed = alloc_fail_done();
		ck_assert_int_eq(st, has_failed ? HEFT_E_NOMEM : HEFT_OK);
		heft_buffer_done(&model);
	}
	heft_buffer_done(&graph);
}
END_TEST

static Suite *fill_suite(void)
{
	Suite *s = suite_create("onnx_fill");
	TCase *tc = tcase_create("fill");

	tcase_add_test(tc, bytes_of_a_weight_without_a_field_come_last);
	tcase_add_test(tc, bytes_that_a_graph_still_has_make_way);
	tcase_add_test(tc, every_data_location_makes_way_for_external);
	tcase_add_test(tc, metadata_go_from_everywhere_and_come_at_the_end);
	tcase_add_test(tc, without_memory_it_says_so);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(fill_suite());
}
