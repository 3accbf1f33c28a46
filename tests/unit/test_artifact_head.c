/* SPDX-License-Identifier: Apache-2.0 */
/* test_artifact_head.c - which layer is the last one, what stands in the way of a new one, and what
 * a graph does with its weights. */
#include <stdlib.h>

#include "artifact/head_graph.h"
#include "artifact/weight_use.h"
#include "base/alloc.h"
#include "graph_made.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct heft_error err;
static struct heft_file *file;
static struct heft_graph_list *list;

static void set_up(void)
{
	scratch_init(&s);
	file = NULL;
	list = NULL;
}

static void tear_down(void)
{
	heft_graph_list_close(list);
	heft_close(file);
	scratch_done(&s);
}

/* Opens a model of opset 17 of these weights and nodes; its input is x, its output y. */
static void make(const char *weights, const char *nodes, const char *y_dims)
{
	char *path = scratch_path(&s, "m.onnx");
	struct heft_buffer graph = made_empty();
	struct heft_buffer opset = made_empty();
	struct heft_buffer b;

	graph_add_weights(&graph, weights);
	graph_add_nodes(&graph, nodes);
	graph_add_value(&graph, 11, "x", 1, "N,4");
	graph_add_value(&graph, 12, "y", 1, y_dims);
	graph_add_value(&graph, 13, "h", 1, "N,10");
	b = made_model(&graph);
	made_uint(&opset, 2, 17);
	made_message(&b, 8, &opset);
	scratch_write(path, b.bytes, b.size);
	heft_buffer_done(&b);
	ck_assert_msg(heft_open(path, NULL, &file, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_msg(heft_graph_list_open(file, &list, &err) == HEFT_OK, "%s", err.msg);
}

static const struct {
	const char *weights;
	const char *nodes;
	const char *word; /* of what is said; NULL: there is a layer */
	uint32_t axis;    /* of the classes in its weight */
	uint32_t n_path;
} layers[] = {
	{ "w F32 4,10; b F32 10", "y = Gemm x w b", NULL, 1, 1 },
	{ "w F32 4,10", "y = MatMul x w", NULL, 1, 1 },
	{ "w F32 4,10; b F32 1", "h = MatMul x w; y = Add h b", NULL, 1, 2 },
	{ "w F32 4,10; b F32 10", "h = MatMul x w; y = Add b h", NULL, 1, 2 },
	{ "w F32 10,4", "t = Transpose w; y = MatMul x t", NULL, 0, 1 },
	{ "w F32 10,4; b F32 10", "i = Identity w; h = Conv x w b; y = Relu h", "shares", 0, 0 },
	{ "w F32 10,4,1,1; b F32 10", "h = Conv x w b; p = GlobalAveragePool h; y = Flatten p",
	  NULL, 0, 3 },
	{ "w F32 4,10; n F32 1", "h = Gemm x w; m = Mul n h; y = Softmax m", NULL, 1, 3 },
	/* the zeros keep both dimensions */
	{ "w F32 4,10; r I64 2", "h = Gemm x w; y = Reshape h r", NULL, 1, 2 },
	{ "w F32 4,10; r I64 1", "h = Gemm x w; y = Reshape h r", "fixes", 0, 0 },
	{ "w F32 4,10", "h = Gemm x w; r = Shape x; y = Reshape h r", NULL, 1, 2 },
	{ "w F32 4,10; v F32 10", "h = Gemm x w; y = Div h v", "old classes", 0, 0 },
	{ "w F32 4,10; b F32 2,10", "h = MatMul x w; y = Add h b", "bias", 0, 0 },
	{ "w F32 4,10", "h = Gemm x w; y = Mul h h", "joins two", 0, 0 },
	{ "w F32 4,10", "h = Gemm x w; r = Relu h; y = Softmax h", "several", 0, 0 },
	{ "w F32 4,10", "h = Gemm x w; p = GlobalAveragePool h; y = Flatten p", "no convolution", 0,
	  0 },
	{ "w F32 10,4,3,3", "h = Conv x w; y = Flatten h", "1x1", 0, 0 },
	{ "w I8 4,10", "y = MatMul x w", "no floating", 0, 0 },
	{ "w F32 2,4,10", "y = MatMul x w", "no matrix", 0, 0 },
	{ "v F32 4", "y = MatMul x x", "is no tensor", 0, 0 },
	{ "w F32 4,10", "h = MatMul x w; y = Concat h h", "stands between", 0, 0 },
	{ "v F32 4", "y = Relu x", "no linear layer", 0, 0 },
	{ "w F32 4,10", "h = Gemm x w; z = Gemm x w; y = Relu h", "shares", 0, 0 },
};

/* L6-1, L6-2 */
START_TEST(the_last_layer_is_found_or_what_keeps_it_from_being_one)
{
	struct heft_head_layer layer;
	enum heft_status st;

	make(layers[_i].weights, layers[_i].nodes, "N,10");
	st = heft_head_find(list, file, &layer, &err);
	if (layers[_i].word) {
		ck_assert_int_eq(st, HEFT_E_UNSUPPORTED);
		ck_assert_msg(strstr(err.msg, layers[_i].word) != NULL, "%s", err.msg);
		return;
	}
	ck_assert_msg(st == HEFT_OK, "%s", err.msg);
	ck_assert_uint_eq(layer.weight, 0);
	ck_assert_uint_eq(layer.weight_axis, layers[_i].axis);
	ck_assert_uint_eq(layer.n_old, 10);
	ck_assert_uint_eq(layer.fan_in, 4);
	ck_assert_uint_eq(layer.n_path, layers[_i].n_path);
}
END_TEST

/* L6-3: what the graph states is stated anew, or left out. */
START_TEST(shapes_in_the_graph_are_those_of_the_new_head)
{
	struct heft_head_layer layer;
	const struct heft_limits limits = { .max_tensors = 100,
		                            .max_name_size = 100,
		                            .max_metadata_size = 100,
		                            .max_logical_bytes = 1 << 20 };
	struct heft_onnx_model model;
	struct heft_wire_input in;
	struct heft_buffer graph;

	make("w F32 4,10; b F32 10", "h = MatMul x w; y = Add h b", "N,10");
	ck_assert_int_eq(heft_head_find(list, file, &layer, &err), HEFT_OK);
	heft_buffer_init(&graph);
	ck_assert_msg(heft_head_graph(list, &layer, 300, &graph, &err) == HEFT_OK, "%s", err.msg);
	heft_wire_input_memory(&in, graph.bytes, graph.size);
	ck_assert_msg(heft_onnx_scan(&in, &limits, true, &model, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_uint_eq(heft_listing_dims(model.tensors, 0)[0], 4);
	ck_assert_uint_eq(heft_listing_dims(model.tensors, 0)[1], 300);
	ck_assert_uint_eq(heft_listing_dims(model.tensors, 1)[0], 300);
	/* dim_value 300 stands in the output's shape; of h nothing is stated any more */
	ck_assert_ptr_nonnull(memmem(graph.bytes, graph.size, "\x0a\x03\x08\xac\x02", 5));
	ck_assert_ptr_null(memmem(graph.bytes, graph.size, "\x0a\x01h\x12", 4));
	heft_onnx_model_done(&model);
	heft_buffer_done(&graph);
}
END_TEST

START_TEST(an_output_that_is_declared_otherwise_is_refused)
{
	static const char *const dims[] = { "N,11", "N" };
	struct heft_head_layer layer;
	struct heft_buffer graph;

	make("w F32 4,10", "y = Gemm x w", dims[_i]);
	ck_assert_int_eq(heft_head_find(list, file, &layer, &err), HEFT_OK);
	heft_buffer_init(&graph);
	ck_assert_int_eq(heft_head_graph(list, &layer, 3, &graph, &err), HEFT_E_UNSUPPORTED);
	heft_buffer_done(&graph);
}
END_TEST

static const struct {
	const char *weights;
	const char *nodes;
	enum heft_use_kind kind;
	uint64_t fan_in;
	uint64_t fan_out;
} uses[] = {
	{ "w F32 8,3,5,7", "y = Conv x w", HEFT_USE_WEIGHT, 105, 280 },
	{ "w F32 8,3,5,7", "y = ConvTranspose x w", HEFT_USE_WEIGHT, 280, 105 },
	{ "w F32 4,10", "y = MatMul x w", HEFT_USE_WEIGHT, 4, 10 },
	{ "w F32 4,10", "y = MatMul w x", HEFT_USE_WEIGHT, 10, 4 },
	{ "w F32 4", "y = MatMul x w", HEFT_USE_WEIGHT, 4, 1 },
	{ "w F32 2,4,10", "i = Identity w; y = MatMul x i", HEFT_USE_WEIGHT, 4, 10 },
	{ "w F32 4,10", "t = Transpose w; y = MatMul x t", HEFT_USE_WEIGHT, 10, 4 },
	{ "w F32 4,10", "y = Gemm x w", HEFT_USE_WEIGHT, 4, 10 },
	{ "w F32 4,10", "y = Gemm x x w", HEFT_USE_ZERO, 0, 0 },
	{ "w F32 1,12,5", "y = LSTM x w w", HEFT_USE_WEIGHT, 5, 3 },
	{ "w F32 1,12,5", "y = GRU x w w", HEFT_USE_WEIGHT, 5, 4 },
	{ "w F32 12", "y = BatchNormalization x w w w w", HEFT_USE_ONE, 0, 0 },
	{ "w F32 12", "y = BatchNormalization x x w w x", HEFT_USE_ZERO, 0, 0 },
	{ "w F32 12", "y = PRelu x w", HEFT_USE_QUARTER, 0, 0 },
	{ "w F32 100,7", "y = Gather w x", HEFT_USE_EMBEDDING, 0, 0 },
	{ "w F32 100,7", "z = MatMul x w; y = Gather w z", HEFT_USE_EMBEDDING, 0, 0 },
	{ "w F32 4", "y = Resize x x w", HEFT_USE_KEPT, 0, 0 },
	{ "w F32 3,7", "y = Add x w", HEFT_USE_UNKNOWN, 0, 0 },
	{ "w F32 3,7", "y = Relu x", HEFT_USE_NONE, 0, 0 },
};

/* L5-1 */
START_TEST(a_weight_is_what_the_graph_does_with_it)
{
	struct heft_weight_use *found;

	make(uses[_i].weights, uses[_i].nodes, "N");
	ck_assert_int_eq(heft_weight_uses(list, file, &found, &err), HEFT_OK);
	ck_assert_int_eq(found[0].kind, uses[_i].kind);
	if (uses[_i].kind == HEFT_USE_WEIGHT) {
		ck_assert_uint_eq(found[0].fan_in, uses[_i].fan_in);
		ck_assert_uint_eq(found[0].fan_out, uses[_i].fan_out);
	}
	heft_free(found);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("artifact head");
	TCase *tc = tcase_create("head");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, the_last_layer_is_found_or_what_keeps_it_from_being_one, 0,
	                    sizeof layers / sizeof *layers);
	tcase_add_test(tc, shapes_in_the_graph_are_those_of_the_new_head);
	tcase_add_loop_test(tc, an_output_that_is_declared_otherwise_is_refused, 0, 2);
	tcase_add_loop_test(tc, a_weight_is_what_the_graph_does_with_it, 0,
	                    sizeof uses / sizeof *uses);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
