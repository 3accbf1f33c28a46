/* SPDX-License-Identifier: Apache-2.0 */
/* test_onnx_scan.c - what the scan of a model tells beside names, shapes and dtypes, which the
 * fixtures show: messages around, stores, graphs without weights, limits, time. */
#include <stdio.h>
#include <time.h>

#include "alloc_fail.h"
#include "onnx/model.h"
#include "onnx_made.h"
#include "unit.h"

static struct heft_error err;
static struct heft_onnx_model model;
static const struct heft_limits usual = { .max_tensors = INT32_MAX,
	                                  .max_name_size = 4096,
	                                  .max_metadata_size = 1 << 20,
	                                  .max_logical_bytes = INT64_MAX };

static enum heft_status scan(const struct heft_buffer *b, const struct heft_limits *limits,
                             bool is_graph)
{
	struct heft_wire_input in;
	enum heft_status st;

	heft_wire_input_memory(&in, b->bytes, b->size);
	st = heft_onnx_scan(&in, limits, is_graph, &model, &err);
	heft_wire_input_done(&in);
	return st;
}

static void scan_whole(const struct heft_buffer *b)
{
	ck_assert_msg(scan(b, &usual, false) == HEFT_OK, "%s", err.msg);
}

static uint32_t number_of(uint8_t space, const char *name)
{
	uint32_t i;

	ck_assert_msg(heft_listing_find(model.tensors, space, name, strlen(name), &i), "no %s",
	              name);
	return i;
}

static const struct heft_onnx_weight *weight_of(const char *name)
{
	return &model.weights[number_of(HEFT_SPACE_WEIGHTS, name)];
}

/* FLOAT [2] of raw_data. */
static struct heft_buffer made_raw(const char *name)
{
	struct heft_buffer t = made_tensor(name, 1, 2, 0);

	made_bytes(&t, 9, "\1\2\3\4\5\6\7\10", 8);
	return t;
}

/* An attribute that has the message as its field `number`. */
static struct heft_buffer made_attribute(const char *name, uint32_t number,
                                         struct heft_buffer *content)
{
	struct heft_buffer a = made_empty();

	made_text(&a, 1, name);
	made_message(&a, number, content);
	return a;
}

/* A node called `name` with a graph. */
static struct heft_buffer made_node(const char *name, struct heft_buffer *graph)
{
	struct heft_buffer a = made_attribute("body", 6, graph);
	struct heft_buffer n = made_empty();

	made_text(&n, 3, name);
	made_message(&n, 5, &a);
	return n;
}

/* Graph: initializer a; node n { body { initializer b, Constant c } }; initializer d. */
static struct heft_buffer made_nested(void)
{
	struct heft_buffer inner = made_empty();
	struct heft_buffer graph = made_empty();
	struct heft_buffer t = made_raw("a");
	struct heft_buffer node;
	struct heft_buffer a;

	made_message(&graph, 5, &t);
	t = made_raw("b");
	made_message(&inner, 5, &t);
	t = made_raw("");
	a = made_attribute("value", 5, &t);
	node = made_constant("c", &a);
	made_message(&inner, 1, &node);
	node = made_node("n", &inner);
	made_message(&graph, 1, &node);
	t = made_raw("d");
	made_message(&graph, 5, &t);
	return made_model(&graph);
}

/* --- messages around --- */

START_TEST(each_weight_has_the_messages_around_it_in_the_order_of_the_file)
{
	struct heft_buffer b = made_nested();
	struct heft_wire_input in;
	const struct heft_onnx_frame *f;

	scan_whole(&b);
	ck_assert_uint_eq(heft_listing_n(model.tensors), 4);
	ck_assert_uint_eq(model.n_nodes, 2);
	ck_assert_uint_eq(model.ir_version, 8);
	/* graph, a, n, its attribute, its graph, b, c, its attribute, its tensor, d */
	ck_assert_uint_eq(model.n_frames, 10);
	heft_wire_input_memory(&in, b.bytes, b.size);
	for (uint32_t i = 0; i < model.n_frames; i++) {
		struct heft_wire_message message;
		uint64_t size;

		f = &model.frames[i];
		message = (struct heft_wire_message){ f->len_off, f->off };
		ck_assert_int_eq(heft_wire_varint(&in, &message, &size, &err), HEFT_OK);
		ck_assert_uint_eq(size, f->size);
		ck_assert_uint_eq(message.at, f->off);
		ck_assert(i == 0 || f->off > f[-1].off);
		ck_assert_uint_eq(f->parent == HEFT_ONNX_NONE, i == 0);
		if (i > 0) {
			const struct heft_onnx_frame *p = &model.frames[f->parent];

			ck_assert_uint_lt(f->parent, i);
			ck_assert(f->off > p->off && f->off + f->size <= p->off + p->size);
		}
	}
	heft_wire_input_done(&in);
	ck_assert_uint_eq(weight_of("a")->frame, 1);
	ck_assert_uint_eq(weight_of("n.body.b")->frame, 5);
	ck_assert_uint_eq(weight_of("n.body.c")->frame, 8);
	ck_assert_uint_eq(weight_of("d")->frame, 9);
	ck_assert_uint_eq(model.frames[9].parent, 0);
	heft_onnx_model_done(&model);
	heft_buffer_done(&b);
}
END_TEST

START_TEST(dense_initializers_of_the_models_graph_are_told_from_other_weights)
{
	struct heft_buffer b = made_nested();
	struct heft_buffer function = made_empty();
	struct heft_buffer inner = made_empty();
	struct heft_buffer t = made_raw("f");
	struct heft_buffer node;

	made_message(&inner, 5, &t);
	node = made_node("n", &inner);
	made_message(&function, 7, &node);
	made_text(&function, 1, "F");
	made_message(&b, 25, &function);
	scan_whole(&b);
	ck_assert(weight_of("a")->is_initializer);
	ck_assert(weight_of("n.body.b")->is_initializer);
	ck_assert(!weight_of("n.body.c")->is_initializer);
	ck_assert(!weight_of("::F.n.body.f")->is_initializer);
	heft_onnx_model_done(&model);
	heft_buffer_done(&b);
}
END_TEST

/* spec O2-5, O2-9 */
START_TEST(what_training_has_is_in_a_space_of_its_own_and_nothing_is_tied)
{
	struct heft_buffer b = made_nested();
	struct heft_buffer training = made_empty();
	struct heft_buffer graph = made_empty();
	struct heft_buffer t = made_raw("a");
	uint32_t i;

	made_message(&graph, 5, &t);
	made_message(&training, 2, &graph);
	made_message(&b, 20, &training);
	scan_whole(&b);
	i = number_of(HEFT_SPACE_OPTIMIZER, "training.0.algorithm.a");
	ck_assert_uint_eq(i, 4);
	for (i = 0; i < 5; i++) {
		ck_assert_uint_eq(heft_listing_row(model.tensors, i)->tie, i);
		ck_assert_uint_eq(heft_listing_row(model.tensors, i)->share, i);
	}
	heft_onnx_model_done(&model);
	heft_buffer_done(&b);
}
END_TEST

/* --- where the bytes are --- */

START_TEST(raw_bytes_and_one_packed_run_of_floats_lie_where_they_are)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer t = made_raw("raw");
	struct heft_buffer b;

	made_message(&graph, 5, &t);
	t = made_tensor("packed", 1, 2, 0);
	made_bytes(&t, 4, "\1\2\3\4\5\6\7\10", 8);
	made_message(&graph, 5, &t);
	t = made_tensor("runs", 1, 2, 0);
	made_bytes(&t, 4, "\1\2\3\4", 4);
	made_bytes(&t, 4, "\5\6\7\10", 4);
	made_message(&graph, 5, &t);
	b = made_model(&graph);
	scan_whole(&b);
	ck_assert_uint_eq(weight_of("raw")->store, HEFT_ONNX_RAW);
	ck_assert_mem_eq(b.bytes + weight_of("raw")->off, "\1\2\3\4\5\6\7\10", 8);
	ck_assert_uint_eq(weight_of("packed")->store, HEFT_ONNX_RAW);
	ck_assert_mem_eq(b.bytes + weight_of("packed")->off, "\1\2\3\4\5\6\7\10", 8);
	ck_assert_uint_eq(weight_of("runs")->store, HEFT_ONNX_FIELDS);
	heft_onnx_model_done(&model);
	heft_buffer_done(&b);
}
END_TEST

/* spec O4-2 */
START_TEST(a_graph_has_weights_without_their_bytes)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer t = made_tensor("nothing", 1, 2, 0);
	struct heft_buffer node;
	struct heft_buffer b;

	made_message(&graph, 5, &t);
	t = made_tensor("empty", 7, 3, 0);
	made_bytes(&t, 9, NULL, 0);
	made_message(&graph, 5, &t);
	t = made_empty(); /* an attribute */
	made_text(&t, 1, "value_floats");
	made_bytes(&t, 7, NULL, 0);
	made_uint(&t, HEFT_ONNX_N_FLOATS, 5);
	node = made_constant("floats", &t);
	made_message(&graph, 1, &node);
	b = made_model(&graph);
	ck_assert_int_eq(scan(&b, &usual, false), HEFT_E_CORRUPT);
	ck_assert_msg(scan(&b, &usual, true) == HEFT_OK, "%s", err.msg);
	ck_assert_uint_eq(heft_listing_n(model.tensors), 3);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(model.weights[i].store, HEFT_ONNX_EMPTY);
	ck_assert(weight_of("floats")->is_floats);
	ck_assert_uint_eq(heft_listing_row(model.tensors, number_of(0, "floats"))->n_elements, 5);
	heft_onnx_model_done(&model);
	heft_buffer_done(&b);
}
END_TEST

START_TEST(a_model_does_not_say_how_many_floats_there_were)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer t = made_empty();
	struct heft_buffer node;
	struct heft_buffer b;

	made_text(&t, 1, "value_floats");
	made_uint(&t, HEFT_ONNX_N_FLOATS, 5);
	node = made_constant("floats", &t);
	made_message(&graph, 1, &node);
	b = made_model(&graph);
	scan_whole(&b);
	ck_assert_uint_eq(heft_listing_row(model.tensors, 0)->n_elements, 0);
	heft_onnx_model_done(&model);
	heft_buffer_done(&b);
}
END_TEST

/* spec O1-5 */
START_TEST(metadata_is_an_object_of_strings_and_the_last_of_a_key_counts)
{
	static const char *const entries[][2] = {
		{ "k", "first" }, { "a\"\n", "1" },    { "", "" },
		{ "k", "last" },  { "\xc3\xa9", "b" },
	};
	struct heft_buffer graph = made_empty();
	struct heft_buffer b = made_model(&graph);

	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
		struct heft_buffer e = made_empty();

		made_text(&e, 2, entries[i][1]);
		made_text(&e, 1, entries[i][0]);
		made_message(&b, 14, &e);
	}
	scan_whole(&b);
	ck_assert_str_eq(model.metadata,
	                 "{\"a\\\"\\n\":\"1\",\"\":\"\",\"k\":\"last\",\"\xc3\xa9\":\"b\"}");
	heft_onnx_model_done(&model);
	heft_buffer_done(&b);
}
END_TEST

/* --- limits --- */

static const struct {
	struct heft_limits limits;
	const char *what;
} limits[] = {
	{ { .max_tensors = 3,
	    .max_name_size = 99,
	    .max_metadata_size = 99,
	    .max_logical_bytes = 99 },
	  "more than 3 tensors" },
	{ { .max_tensors = 9,
	    .max_name_size = 7,
	    .max_metadata_size = 99,
	    .max_logical_bytes = 99 },
	  "longer than 7 bytes" },
	{ { .max_tensors = 9,
	    .max_name_size = 99,
	    .max_metadata_size = 8,
	    .max_logical_bytes = 99 },
	  "metadata is larger than 8 bytes" },
	{ { .max_tensors = 9,
	    .max_name_size = 99,
	    .max_metadata_size = 99,
	    .max_logical_bytes = 31 },
	  "more than 31 bytes" },
};

START_TEST(a_model_past_a_limit_of_the_caller_is_refused)
{
	struct heft_buffer b = made_nested();
	struct heft_buffer e = made_empty();

	made_text(&e, 1, "key");
	made_text(&e, 2, "value");
	made_message(&b, 14, &e);
	ck_assert_int_eq(scan(&b, &limits[_i].limits, false), HEFT_E_LIMIT);
	ck_assert_msg(strstr(err.msg, limits[_i].what) != NULL, "%s", err.msg);
	heft_buffer_done(&b);
}
END_TEST

/* A long name that many graphs would repeat costs no more than the longest that there may be. */
START_TEST(names_of_subgraphs_do_not_add_up)
{
	char name[5000];
	struct heft_buffer graph = made_raw("w");
	struct heft_buffer b = made_empty();

	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	made_message(&b, 5, &graph);
	for (unsigned i = 0; i < 60; i++) {
		graph = made_node(name, &b);
		b = made_empty();
		made_message(&b, 1, &graph);
	}
	graph = b;
	b = made_model(&graph);
	ck_assert_int_eq(scan(&b, &usual, false), HEFT_E_LIMIT);
	heft_buffer_done(&b);
}
END_TEST

/* spec O2-7: a few hundred KiB would become a hundred MiB of names. */
START_TEST(what_stands_in_front_of_many_names_may_not_fill_the_memory)
{
	char name[4081];
	struct heft_buffer inner = made_empty();
	struct heft_buffer graph = made_empty();
	struct heft_buffer node;
	struct heft_buffer b;

	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	for (unsigned i = 0; i < 25000; i++) {
		struct heft_buffer t = made_tensor("", 1, 0, 0);

		made_message(&inner, 5, &t);
	}
	node = made_node(name, &inner);
	made_message(&graph, 1, &node);
	b = made_model(&graph);
	ck_assert_uint_lt(b.size, 300000);
	ck_assert_int_eq(scan(&b, &usual, false), HEFT_E_LIMIT);
	ck_assert_msg(strstr(err.msg, "64 MiB more than the file") != NULL, "%s", err.msg);
	heft_buffer_done(&b);
}
END_TEST

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#define MANY 1000000u

START_TEST(a_million_nodes_and_many_weights_of_one_name_take_seconds_at_most)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer small = made_empty();
	struct heft_buffer b;
	char last[32];
	double begin;

	made_text(&small, 1, "in");
	made_text(&small, 2, "out");
	made_text(&small, 4, "Relu");
	for (unsigned i = 0; i < MANY; i++)
		heft_wire_add_bytes(&graph, 1, small.bytes, small.size);
	heft_buffer_done(&small);
	small = made_raw("w");
	for (unsigned i = 0; i < MANY / 10; i++)
		heft_wire_add_bytes(&graph, 5, small.bytes, small.size);
	heft_buffer_done(&small);
	b = made_model(&graph);
	begin = seconds();
	scan_whole(&b);
	ck_assert(seconds() - begin < 20);
	ck_assert_uint_eq(model.n_nodes, MANY);
	snprintf(last, sizeof last, "w#%u", MANY / 10);
	ck_assert_uint_eq(number_of(HEFT_SPACE_WEIGHTS, last), MANY / 10 - 1);
	heft_onnx_model_done(&model);
	heft_buffer_done(&b);
}
END_TEST

START_TEST(a_scan_without_memory_says_so_and_leaks_nothing)
{
	struct heft_buffer b = made_nested();
	struct heft_buffer e = made_empty();
	enum heft_status st = HEFT_E_NOMEM;

	made_text(&e, 1, "key");
	made_text(&e, 2, "value");
	made_message(&b, 14, &e);
	for (size_t n = 1; st != HEFT_OK; n++) {
		alloc_fail_at(n);
		st = scan(&b, &usual, false);
		ck_assert_int_eq(st, alloc_fail_done() ? HEFT_E_NOMEM : HEFT_OK);
	}
	heft_onnx_model_done(&model);
	heft_buffer_done(&b);
}
END_TEST

START_TEST(data_types_and_dtypes_are_one_to_one)
{
	unsigned n = 0;

	for (uint32_t type = 0; type < 100; type++) {
		const enum heft_dtype dtype = heft_onnx_dtype(type);

		ck_assert_uint_eq(dtype != HEFT_DTYPE_NONE, heft_onnx_type(type) != NULL);
		if (dtype == HEFT_DTYPE_NONE)
			continue;
		ck_assert_uint_eq(heft_onnx_data_type(dtype), type);
		n++;
	}
	ck_assert_uint_eq(n, 27); /* O2-8: all but STRING */
	ck_assert_ptr_null(heft_onnx_type(8));
	ck_assert_ptr_null(heft_onnx_type(UINT64_MAX));
	ck_assert_uint_eq(heft_onnx_data_type(HEFT_DTYPE_STR), 0);
	ck_assert_uint_eq(heft_onnx_data_type(HEFT_DTYPE_NONE), 0);
}
END_TEST

static Suite *scan_suite(void)
{
	Suite *s = suite_create("onnx_scan");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, each_weight_has_the_messages_around_it_in_the_order_of_the_file);
	tcase_add_test(t, dense_initializers_of_the_models_graph_are_told_from_other_weights);
	tcase_add_test(t, what_training_has_is_in_a_space_of_its_own_and_nothing_is_tied);
	tcase_add_test(t, raw_bytes_and_one_packed_run_of_floats_lie_where_they_are);
	tcase_add_test(t, a_graph_has_weights_without_their_bytes);
	tcase_add_test(t, a_model_does_not_say_how_many_floats_there_were);
	tcase_add_test(t, metadata_is_an_object_of_strings_and_the_last_of_a_key_counts);
	tcase_add_loop_test(t, a_model_past_a_limit_of_the_caller_is_refused, 0,
	                    sizeof limits / sizeof *limits);
	tcase_add_test(t, names_of_subgraphs_do_not_add_up);
	tcase_add_test(t, what_stands_in_front_of_many_names_may_not_fill_the_memory);
	tcase_add_test(t, a_million_nodes_and_many_weights_of_one_name_take_seconds_at_most);
	tcase_add_test(t, a_scan_without_memory_says_so_and_leaks_nothing);
	tcase_add_test(t, data_types_and_dtypes_are_one_to_one);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(scan_suite());
}
