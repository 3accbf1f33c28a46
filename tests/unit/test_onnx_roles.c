/* SPDX-License-Identifier: Apache-2.0 */
/* test_onnx_roles.c - what a graph tells of its weights: by operator and place, through what only
 * changes a shape or a type, through subgraphs and functions. */
#include <stdio.h>
#include <time.h>

#include "alloc_fail.h"
#include "graph_made.h"
#include "unit.h"

static struct heft_error err;
static const struct heft_limits limits = { .max_tensors = INT32_MAX,
	                                   .max_name_size = 4096,
	                                   .max_metadata_size = 1 << 20,
	                                   .max_logical_bytes = INT64_MAX };

struct told {
	struct heft_onnx_model model;
	uint8_t roles[64];
};

static enum heft_status tell(const struct heft_buffer *b, struct told *told)
{
	struct heft_wire_input in;
	enum heft_status st;

	heft_wire_input_memory(&in, b->bytes, b->size);
	st = heft_onnx_scan(&in, &limits, false, &told->model, &err);
	if (st != HEFT_OK)
		return st;
	st = heft_onnx_roles(&in, &told->model, told->roles, &err);
	if (st != HEFT_OK)
		heft_onnx_model_done(&told->model);
	return st;
}

/* "w=weight b=bias" of every tensor, in order. */
static void check_roles(struct heft_buffer *model, const char *expected)
{
	struct told told;
	char found[512] = "";
	size_t n = 0;

	ck_assert_msg(tell(model, &told) == HEFT_OK, "%s", err.msg);
	for (uint32_t i = 0; i < heft_listing_n(told.model.tensors); i++) {
		const char *role = heft_role_name((enum heft_role)told.roles[i]);

		n += (size_t)snprintf(found + n, sizeof found - n, "%s%s=%s", i > 0 ? " " : "",
		                      heft_listing_name(told.model.tensors, i), *role ? role : "?");
		ck_assert_uint_lt(n, sizeof found);
	}
	heft_onnx_model_done(&told.model);
	heft_buffer_done(model);
	ck_assert_str_eq(found, expected);
}

/* --- one graph --- */

static const struct {
	const char *weights;
	const char *nodes;
	const char *roles;
} cases[] = {
	{ "w F32 8,3,3,3; b F32 8", "y = Conv x w b", "w=weight b=bias" },
	{ "w F32 8,3,3,3; b F32 8", "y = ConvTranspose x w b", "w=weight b=bias" },
	{ "w F32 4,8; b F32 8", "y = Gemm x w b", "w=weight b=bias" },
	{ "w F32 4,8", "y = MatMul x w", "w=weight" },
	{ "w F32 4,8", "y = MatMul w x", "w=weight" },
	{ "w F32 4,8", "y = Einsum x w", "w=weight" },
	{ "w F32 8,1,1", "y = PRelu x w", "w=weight" },
	{ "W F32 1,16,4; R F32 1,16,4; B F32 1,32; h F32 1,1,4; P F32 1,12",
	  "y = LSTM x W R B - h - P", "W=weight R=weight B=bias h=buffer P=weight" },
	{ "W F32 1,12,4; R F32 1,12,4; B F32 1,24", "y = GRU x W R B", "W=weight R=weight B=bias" },
	{ "W F32 1,4,4; R F32 1,4,4; B F32 1,8", "y = RNN x W R B", "W=weight R=weight B=bias" },
	{ "w U8 4,8; z U8 1; wz U8 1", "y = MatMulInteger x w z wz",
	  "w=weight z=buffer wz=buffer" },
	{ "w U8 8,3,3,3; wz U8 8", "y = ConvInteger x w - wz", "w=weight wz=buffer" },
	{ "s F32 1; z U8 1; w I8 8,3,3,3; ws F32 8; wz I8 8; ys F32 1; yz U8 1; b I32 8",
	  "y = QLinearConv x s z w ws wz ys yz b",
	  "s=buffer z=buffer w=weight ws=buffer wz=buffer ys=buffer yz=buffer b=bias" },
	{ "w F16 4,8; b F16 8", "y = com.microsoft::FusedGemm x w b", "w=weight b=bias" },
	/* normalisation */
	{ "g F32 8; b F32 8; m F32 8; v F32 8", "y = BatchNormalization x g b m v",
	  "g=norm b=norm m=buffer v=buffer" },
	{ "g F32 8; b F32 8", "y = LayerNormalization x g b", "g=norm b=norm" },
	{ "g F32 8; b F32 8", "y = InstanceNormalization x g b", "g=norm b=norm" },
	{ "g F32 8; b F32 8", "y = GroupNormalization x g b", "g=norm b=norm" },
	{ "g F32 8", "y = RMSNormalization x g", "g=norm" },
	{ "g F32 8", "y = SimplifiedLayerNormalization x g", "g=norm" },
	{ "g F32 8; b F32 8; s F32 8", "y = com.microsoft::SkipLayerNormalization x x2 g b s",
	  "g=norm b=norm s=bias" },
	/* as PyTorch's exporter takes a layer's normalisation apart */
	{ "two F32 1; eps F32 1; g F32 8; b F32 8",
	  "m = ReduceMean x; d = Sub x m; q = Pow d two; v = ReduceMean q; e = Add v eps; "
	  "s = Sqrt e; n = Div d s; t = Mul n g; y = Add t b",
	  "two=buffer eps=buffer g=norm b=norm" },
	/* and a root mean square */
	{ "two F32 1; eps F32 1; g F32 8",
	  "q = Pow x two; v = ReduceMean q; e = Add v eps; s = Sqrt e; r = Reciprocal s; "
	  "n = Mul x r; c = Cast n; y = Mul g c",
	  "two=buffer eps=buffer g=norm" },
	/* and groups: all is normalised by an instance's, whose own scale is 1 */
	{ "one F32 4; zero F32 4; g F32 8,1,1; b F32 8,1,1; s I64 3; s2 I64 4",
	  "r = Reshape x s; n = InstanceNormalization r one zero; r2 = Reshape n s2; "
	  "t = Mul r2 g; y = Add t b",
	  "one=norm zero=norm g=norm b=norm s=buffer s2=buffer" },
	/* a scale that follows nothing of the kind may be anything */
	{ "g F32 8", "y = Mul x g", "g=?" },
	{ "w F32 4,8; g F32 8", "m = MatMul x w; y = Mul m g", "w=weight g=?" },
	/* biases that are added */
	{ "w F32 4,8; b F32 8", "m = MatMul x w; y = Add m b", "w=weight b=bias" },
	{ "w F32 4,8; b F32 8", "m = MatMul x w; y = Add b m", "w=weight b=bias" },
	{ "w F32 4,8; b F32 1,1,8", "m = MatMul x w; y = Add m b", "w=weight b=bias" },
	{ "w F32 4,1; b F32 1", "m = MatMul x w; y = Add m b", "w=weight b=bias" },
	{ "w F32 4,8; s I64 3; b F32 8", "m = MatMul x w; r = Reshape m s; y = Add r b",
	  "w=weight s=buffer b=bias" },
	{ "w F32 4,8; u F32 8,8; b F32 8",
	  "m = MatMul x w; k = MatMul h u; a = Add m k; y = Add a b", "w=weight u=weight b=bias" },
	{ "w U8 4,8; s F32 1; b F32 8",
	  "m = MatMulInteger x w; c = Cast m; d = Mul c s; y = Add d b",
	  "w=weight s=buffer b=bias" },
	{ "b F32 8", "r = Relu x; y = Add r b", "b=?" },
	{ "w F32 4,8; p F32 6,8", "m = MatMul x w; y = Add m p", "w=weight p=?" },
	/* embeddings */
	{ "e F32 100,8", "y = Gather e x", "e=embedding" },
	{ "e F16 100,8", "y = Gather e x; z = MatMul h e", "e=embedding" },
	{ "e F32 100,8; i I64 3", "y = Gather e i", "e=? i=buffer" },
	{ "e F32 100", "y = Gather e x", "e=?" },
	{ "e I64 100,8", "y = Gather e x", "e=buffer" },
	{ "a F32 100,8; b F32 50,8; c F32 2,8; g F32 8; h F32 8",
	  "y = com.microsoft::EmbedLayerNormalization x s a b c g h",
	  "a=embedding b=embedding c=embedding g=norm h=norm" },
	/* what is no parameter */
	{ "lo F32 1; hi F32 1", "y = Clip x lo hi", "lo=buffer hi=buffer" },
	{ "s I64 2; n I64 1; e I64 1", "r = Reshape x s; y = Slice r n e",
	  "s=buffer n=buffer e=buffer" },
	{ "i I64 4", "y = Add x i", "i=buffer" },
	{ "k F32 1", "y = Mul x k", "k=buffer" },
	{ "logit.scale F32 1", "y = Mul x logit.scale", "logit.scale=?" },
	{ "c F32 8; r F32 1", "y = Pow x r", "c=? r=buffer" },
	{ "c BOOL 8,8; v F32 1", "y = Where c x v", "c=buffer v=buffer" },
	/* through what changes a shape, a type or an order */
	{ "w F32 8,4", "t = Transpose w; y = MatMul x t", "w=weight" },
	{ "w F16 8,4", "c = Cast w; t = Transpose c; i = Identity t; y = MatMul x i", "w=weight" },
	{ "w F32 32; s I64 2", "r = Reshape w s; y = MatMul x r", "w=weight s=buffer" },
	{ "w I8 4,8; s F32 8; z I8 8", "d = DequantizeLinear w s z; y = MatMul x d",
	  "w=weight s=buffer z=buffer" },
	{ "b I32 8; s F32 1; w F32 4,8", "d = DequantizeLinear b s; m = MatMul x w; y = Add m d",
	  "b=bias s=buffer w=weight" },
	{ "e I8 100,8; s F32 1", "d = DequantizeLinear e s; y = Gather d x",
	  "e=embedding s=buffer" },
	{ "a F32 4,8; b F32 4,8", "c = Concat a b; y = MatMul x c", "a=weight b=weight" },
	{ "w F32 4,16", "a b = Split w; y = MatMul x b", "w=weight" },
	{ "v F32 4,8; g F32 8", "w = Mul v g; y = MatMul x w", "v=weight g=weight" },
	{ "c F32 1,8", "t = Concat c x; m = MatMul t y", "c=?" },
	/* nobody uses it; a later name hides an earlier one */
	{ "w F32 4,8; u F32 4", "y = MatMul x w", "w=weight u=?" },
	{ "w F32 4,8", "w = Relu x; y = MatMul x w", "w=?" },
	{ "w F32 4,8", "y = MatMul x w; y2 = Unknown y w", "w=weight" },
	{ "w F32 4,8", "y = other.domain::MatMul x w", "w=?" },
	{ "w F32 4,8", "", "w=?" },
	{ "w F32 4,8", "= Nothing", "w=?" },
};

START_TEST(an_operator_tells_the_role)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer model;

	/* Nodes stand before initializers, as ONNX's own encoder writes them. */
	graph_add_nodes(&graph, cases[_i].nodes);
	graph_add_weights(&graph, cases[_i].weights);
	model = made_model(&graph);
	check_roles(&model, cases[_i].roles);
}
END_TEST

/* A Constant of FLOAT [2]. */
static struct heft_buffer constant(const char *output)
{
	struct heft_buffer t = made_tensor("", 1, 2, 0);
	struct heft_buffer a = made_empty();

	made_bytes(&t, 9, "\0\0\0\0\0\0\0\0", 8);
	made_text(&a, 1, "value");
	made_message(&a, 5, &t);
	return made_constant(output, &a);
}

START_TEST(a_constant_has_the_role_of_what_uses_it)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer node = constant("b");
	struct heft_buffer floats = made_empty();
	struct heft_buffer model;

	made_message(&graph, 1, &node);
	made_text(&floats, 1, "value_floats");
	made_bytes(&floats, 7, "\0\0\0\0\0\0\0\0", 8);
	made_uint(&floats, 20, 6);
	node = made_constant("c", &floats);
	made_message(&graph, 1, &node);
	graph_add_nodes(&graph, "y = Conv x w b; z = Gemm y w c");
	model = made_model(&graph);
	check_roles(&model, "b=bias c=bias");
}
END_TEST

START_TEST(the_indices_of_a_sparse_weight_are_a_buffer)
{
	const char *values = "v F32 3";
	const char *indices = "i I64 3";
	struct heft_buffer graph = made_empty();
	struct heft_buffer sparse = made_empty();
	struct heft_buffer t = graph_weight(&values);
	struct heft_buffer model;

	made_message(&sparse, 1, &t);
	t = graph_weight(&indices);
	made_message(&sparse, 2, &t);
	made_uint(&sparse, 3, 100);
	graph_add_nodes(&graph, "y = MatMul x v");
	made_message(&graph, 15, &sparse);
	model = made_model(&graph);
	check_roles(&model, "v.values=weight v.indices=buffer");
}
END_TEST

/* --- more graphs --- */

START_TEST(a_subgraph_uses_what_is_outside)
{
	const char *text = "y = If c";
	struct heft_buffer graph = made_empty();
	struct heft_buffer branch = made_empty();
	struct heft_buffer node = graph_node(&text);
	struct heft_buffer model;

	graph_add_nodes(&branch, "t = Transpose w; z = MatMul x t");
	graph_add_names(&branch, 12, "z");
	graph_add_subgraph(&node, "then_branch", &branch);
	branch = made_empty();
	graph_add_nodes(&branch, "z = Conv x k b");
	graph_add_weights(&branch, "k F32 8,3,3,3; w F32 2");
	graph_add_names(&branch, 12, "z");
	graph_add_subgraph(&node, "else_branch", &branch);
	made_message(&graph, 1, &node);
	graph_add_weights(&graph, "w F32 4,8; b F32 8");
	model = made_model(&graph);
	check_roles(&model, "y.else_branch.k=weight y.else_branch.w=? w=weight b=bias");
}
END_TEST

START_TEST(a_branch_gives_its_weights_to_what_uses_the_node)
{
	const char *text = "w = If c";
	struct heft_buffer graph = made_empty();
	struct heft_buffer branch = made_empty();
	struct heft_buffer node = graph_node(&text);
	struct heft_buffer model;

	graph_add_nodes(&branch, "o = Identity a");
	graph_add_weights(&branch, "a F32 4,8");
	graph_add_names(&branch, 12, "o");
	graph_add_subgraph(&node, "then_branch", &branch);
	branch = made_empty();
	graph_add_weights(&branch, "a F32 4,8");
	graph_add_names(&branch, 12, "a");
	graph_add_subgraph(&node, "else_branch", &branch);
	made_message(&graph, 1, &node);
	graph_add_nodes(&graph, "y = MatMul x w");
	model = made_model(&graph);
	check_roles(&model, "w.then_branch.a=weight w.else_branch.a=weight");
}
END_TEST

START_TEST(a_loop_hands_weights_to_its_body)
{
	const char *text = "a b = Loop n c w h";
	struct heft_buffer graph = made_empty();
	struct heft_buffer body = made_empty();
	struct heft_buffer node = graph_node(&text);
	struct heft_buffer model;

	graph_add_names(&body, 11, "i; go; v; k");
	graph_add_nodes(&body, "m = MatMul k v; go2 = Identity go");
	graph_add_names(&body, 12, "go2; v; m");
	graph_add_subgraph(&node, "body", &body);
	made_message(&graph, 1, &node);
	graph_add_weights(&graph, "w F32 8,8; n I64 1");
	model = made_model(&graph);
	check_roles(&model, "w=weight n=buffer");
}
END_TEST

START_TEST(a_scan_hands_weights_to_its_body)
{
	const char *text = "a = Scan w x";
	struct heft_buffer graph = made_empty();
	struct heft_buffer body = made_empty();
	struct heft_buffer node = graph_node(&text);
	struct heft_buffer model;

	graph_add_names(&body, 11, "v; k");
	graph_add_nodes(&body, "m = MatMul k v");
	graph_add_names(&body, 12, "v; m");
	graph_add_subgraph(&node, "body", &body);
	made_message(&graph, 1, &node);
	graph_add_weights(&graph, "w F32 8,8");
	model = made_model(&graph);
	check_roles(&model, "w=weight");
}
END_TEST

static struct heft_buffer function(const char *name, const char *inputs, const char *nodes)
{
	struct heft_buffer f = made_empty();
	char word[GRAPH_WORD];

	made_text(&f, 1, name);
	while (graph_next(&inputs)) {
		graph_word(&inputs, word);
		made_text(&f, 4, word);
	}
	graph_add_nodes_in(&f, 7, nodes);
	made_text(&f, 5, "y");
	made_text(&f, 10, "pkg");
	return f;
}

/* One function may call another one that is defined before it or behind it, and sees no names but
 * its own. */
START_TEST(a_function_tells_of_what_it_is_given)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer model;
	struct heft_buffer f;

	graph_add_nodes(&graph, "z = pkg::Outer x w; z2 = pkg::Inner z u; z3 = pkg::Other z u2");
	graph_add_weights(&graph, "w F32 4,8; u F32 8,8; u2 F32 8,8; v F32 8,8");
	model = made_model(&graph);
	f = function("Inner", "x; v", "t = Transpose v; y = MatMul x t");
	made_message(&model, 25, &f);
	f = function("Outer", "x; v", "y = pkg::Inner x v");
	made_message(&model, 25, &f);
	f = function("Other", "x; k", "y = MatMul x v");
	made_message(&model, 25, &f);
	check_roles(&model, "w=weight u=weight u2=? v=?");
}
END_TEST

START_TEST(training_uses_the_weights_of_the_model)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer training = made_empty();
	struct heft_buffer model;

	graph_add_weights(&graph, "w F32 4,8");
	model = made_model(&graph);
	graph = made_empty();
	graph_add_nodes(&graph, "y = MatMul x w; z = Gemm y m");
	graph_add_weights(&graph, "m F32 4,8");
	made_message(&training, 2, &graph);
	made_message(&model, 20, &training);
	check_roles(&model, "w=weight training.0.algorithm.m=weight");
}
END_TEST

/* --- much of it --- */

#define N_MANY 100000u

START_TEST(failing_allocations_are_told)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer model;
	struct heft_buffer f;
	struct told told;
	enum heft_status st;
	size_t n = 0;

	graph_add_nodes(&graph, "y = Conv x w b; z = pkg::F y u");
	graph_add_weights(&graph, "w F32 4,3,1,1; b F32 4; u F32 4,4");
	model = made_model(&graph);
	f = function("F", "x; v", "y = MatMul x v");
	made_message(&model, 25, &f);
	do {
		alloc_fail_at(++n);
		st = tell(&model, &told);
		if (!alloc_fail_done())
			break;
		ck_assert_int_eq(st, HEFT_E_NOMEM);
	} while (true);
	ck_assert_int_eq(st, HEFT_OK);
	ck_assert_uint_gt(n, 20);
	heft_onnx_model_done(&told.model);
	heft_buffer_done(&model);
}
END_TEST

/* A hundred thousand nodes, each of which reads what the one before makes. */
START_TEST(many_nodes_take_a_step_each)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer model;
	struct told told;
	char text[64];
	clock_t begin;

	for (unsigned i = 0; i < N_MANY; i++) {
		snprintf(text, sizeof text, "v%u = Add v%u w", i + 1, i);
		graph_add_nodes(&graph, text);
	}
	graph_add_weights(&graph, "w F32 8");
	model = made_model(&graph);
	begin = clock();
	ck_assert_msg(tell(&model, &told) == HEFT_OK, "%s", err.msg);
	ck_assert_double_lt((double)(clock() - begin) / CLOCKS_PER_SEC, 5);
	heft_onnx_model_done(&told.model);
	heft_buffer_done(&model);
}
END_TEST

START_TEST(too_many_nodes_are_a_limit)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer model;
	struct told told;

	graph_add_thousands(&graph, 600);
	graph_add_weights(&graph, "w F32 8");
	model = made_model(&graph);
	ck_assert_int_eq(tell(&model, &told), HEFT_E_LIMIT);
	heft_buffer_done(&model);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("onnx_roles");
	TCase *t = tcase_create("roles");

	tcase_add_loop_test(t, an_operator_tells_the_role, 0, sizeof cases / sizeof *cases);
	tcase_add_test(t, a_constant_has_the_role_of_what_uses_it);
	tcase_add_test(t, the_indices_of_a_sparse_weight_are_a_buffer);
	tcase_add_test(t, a_subgraph_uses_what_is_outside);
	tcase_add_test(t, a_branch_gives_its_weights_to_what_uses_the_node);
	tcase_add_test(t, a_loop_hands_weights_to_its_body);
	tcase_add_test(t, a_scan_hands_weights_to_its_body);
	tcase_add_test(t, a_function_tells_of_what_it_is_given);
	tcase_add_test(t, training_uses_the_weights_of_the_model);
	tcase_add_test(t, failing_allocations_are_told);
	tcase_add_test(t, many_nodes_take_a_step_each);
	tcase_add_test(t, too_many_nodes_are_a_limit);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(suite());
}
