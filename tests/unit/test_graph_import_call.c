/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph_import_call.c - functions of a model in place of their calls. */
#include "import_made.h"
#include "unit.h"

/* x -> y through the nodes that `text` says; the model may be added to. */
static struct import_made through(const char *text)
{
	struct import_made m = import_start(17);

	import_add_opset(&m.rest, 8, "f", 1);
	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, text);
	graph_add_names(&m.graph, 12, "y");
	return m;
}

START_TEST(a_function_stands_where_it_is_called)
{
	struct import_made m = through("a = f::Twice x; y = f::Twice a");
	struct heft_buffer f = import_function("f", "Twice", "in", "out",
	                                       "t = Add in in; out = Mul t t");

	import_add_function(&m, &f);
	check_import(&m, NULL, "(x) t = Add x x; a = Mul t t; t = Add a a; y = Mul t t (y)");
}
END_TEST

START_TEST(each_call_has_values_of_its_own)
{
	struct import_made m = through("a = f::Twice x; y = f::Twice a");
	struct heft_buffer f = import_function("f", "Twice", "in", "out",
	                                       "t = Add in in; out = Mul t t");
	struct imported im;

	import_add_function(&m, &f);
	im = import_whole(&m, NULL);
	ck_assert_uint_eq(im.model->n_nodes, 4);
	ck_assert_uint_eq(im.model->n_values, 5);
	ck_assert_uint_ne(heft_ir_out(im.model, &im.model->nodes[0], 0),
	                  heft_ir_out(im.model, &im.model->nodes[2], 0));
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_uint_eq(
			im.model->values[heft_ir_out(im.model, &im.model->nodes[i], 0)].node, i);
	import_done(&im);
}
END_TEST

START_TEST(functions_call_functions)
{
	struct import_made m = through("y = f::Outer x");
	struct heft_buffer outer = import_function("f", "Outer", "p", "q",
	                                           "r = f::Inner p; q = f::Inner r");
	struct heft_buffer inner = import_function("f", "Inner", "p", "q", "q = Relu p");

	import_add_function(&m, &outer);
	import_add_function(&m, &inner);
	check_import(&m, NULL, "(x) r = Relu x; y = Relu r (y)");
}
END_TEST

START_TEST(overloads_are_told_apart)
{
	struct import_made m = through("");
	struct heft_buffer f = import_function("f", "F", "p", "q", "q = Relu p");
	struct heft_buffer g = import_function("f", "F", "p", "q", "q = Neg p");
	struct heft_buffer n = import_node("y = f::F x");

	made_text(&g, 13, "neg");
	import_add_function(&m, &f);
	import_add_function(&m, &g);
	made_text(&n, 8, "neg");
	made_message(&m.graph, 1, &n);
	check_import(&m, NULL, "(x) y = Neg x (y)");
}
END_TEST

START_TEST(what_is_handed_through_is_copied)
{
	struct import_made m = through("y z = f::F x");
	struct heft_buffer f = import_function("f", "F", "p", "p r", "r = Relu p");

	graph_add_names(&m.graph, 12, "z");
	import_add_function(&m, &f);
	check_import(&m, NULL, "(x) z = Relu x; y = Identity x (y z)");
}
END_TEST

START_TEST(what_is_given_twice_is_copied)
{
	struct import_made m = through("y z = f::F x");
	struct heft_buffer f = import_function("f", "F", "p", "r r", "r = Relu p");

	graph_add_names(&m.graph, 12, "z");
	import_add_function(&m, &f);
	check_import(&m, NULL, "(x) y = Relu x; z = Identity y (y z)");
}
END_TEST

START_TEST(an_input_may_be_left_out)
{
	struct import_made m = through("y = f::F x");
	struct heft_buffer f = import_function("f", "F", "p low high", "q", "q = Clip p low high");

	import_add_function(&m, &f);
	check_import(&m, NULL, "(x) y = Clip x - - (y)");
}
END_TEST

START_TEST(constants_may_be_what_a_function_gives)
{
	struct import_made m = through("c = f::F; y = Add x c");
	struct heft_buffer f = import_function("f", "F", "", "q", "");
	struct heft_buffer n = import_node("q = Constant");
	const struct heft_array *c;
	struct imported im;
	int64_t value;

	import_add_int(&n, "value_int", 42);
	made_message(&f, 7, &n);
	import_add_function(&m, &f);
	im = import_whole(&m, NULL);
	ck_assert_uint_eq(im.model->n_nodes, 1);
	c = import_find_constant(im.model, "c");
	ck_assert_int_eq(c->dtype, HEFT_DTYPE_I64);
	ck_assert_uint_eq(c->rank, 0);
	memcpy(&value, c->bytes, sizeof value);
	ck_assert_int_eq(value, 42);
	import_done(&im);
}
END_TEST

/* --- attributes --- */

/* LeakyRelu with the alpha of the function, and a Constant of it. */
static struct heft_buffer leaky(void)
{
	struct heft_buffer f = import_function("f", "Leaky", "p", "q", "");
	struct heft_buffer n = import_node("c = Constant");

	import_add_ref(&n, "value_float", "slope", 1);
	made_message(&f, 7, &n);
	n = import_node("r = LeakyRelu p");
	import_add_ref(&n, "alpha", "slope", 1);
	made_message(&f, 7, &n);
	graph_add_nodes_in(&f, 7, "q = Mul r c");
	return f;
}

static float constant_float(const struct heft_model *m, uint32_t value)
{
	float f;

	memcpy(&f, heft_ir_constant(m, value)->array.bytes, sizeof f);
	return f;
}

START_TEST(attributes_are_those_of_the_call)
{
	struct import_made m = through("");
	struct heft_buffer f = leaky();
	struct heft_buffer n = import_node("a = f::Leaky x");
	struct imported im;

	import_add_float(&n, "slope", 0.5F);
	made_message(&m.graph, 1, &n);
	n = import_node("y = f::Leaky a");
	import_add_float(&n, "slope", 0.25F);
	made_message(&m.graph, 1, &n);
	import_add_function(&m, &f);
	im = import_whole(&m, NULL);
	ck_assert_uint_eq(im.model->n_nodes, 4);
	ck_assert_float_eq(import_find_attr(&im.model->nodes[0], "alpha")->f, 0.5F);
	ck_assert_float_eq(constant_float(im.model, heft_ir_in(im.model, &im.model->nodes[1], 1)),
	                   0.5F);
	ck_assert_float_eq(import_find_attr(&im.model->nodes[2], "alpha")->f, 0.25F);
	ck_assert_float_eq(constant_float(im.model, heft_ir_in(im.model, &im.model->nodes[3], 1)),
	                   0.25F);
	import_done(&im);
}
END_TEST

START_TEST(attributes_that_are_not_given_are_the_functions)
{
	struct import_made m = through("y = f::Leaky x");
	struct heft_buffer f = leaky();
	struct heft_buffer a = import_attr("slope", 1);
	struct imported im;

	made_bytes(&f, 6, "other", 5);
	heft_buffer_addf(&a, "%c%c%c%c%c", 2 << 3 | 5, 0, 0, 0, 0x3e);
	made_message(&f, 11, &a);
	import_add_function(&m, &f);
	im = import_whole(&m, NULL);
	ck_assert_float_eq(import_find_attr(&im.model->nodes[0], "alpha")->f, 0.125F);
	import_done(&im);
}
END_TEST

START_TEST(attributes_that_nobody_gives_are_not_there)
{
	struct import_made m = through("y = f::F x");
	struct heft_buffer f = import_function("f", "F", "p", "q", "");
	struct heft_buffer n = import_node("q = LeakyRelu p");
	struct imported im;

	import_add_ref(&n, "alpha", "slope", 1);
	made_message(&f, 7, &n);
	import_add_function(&m, &f);
	im = import_whole(&m, NULL);
	ck_assert_uint_eq(im.model->nodes[0].attrs.n, 0);
	import_done(&im);
}
END_TEST

START_TEST(a_constant_of_what_nobody_gives_is_none)
{
	struct import_made m = through("y = f::Leaky x");
	struct heft_buffer f = leaky();

	import_add_function(&m, &f);
	check_refused(&m, NULL, HEFT_E_UNSUPPORTED,
	              "cannot be computed: Mul: its input 1 has no value");
}
END_TEST

START_TEST(attributes_go_through_calls)
{
	struct import_made m = through("");
	struct heft_buffer outer = import_function("f", "Outer", "p", "q", "");
	struct heft_buffer f = leaky();
	struct heft_buffer n = import_node("q = f::Leaky p");
	struct imported im;

	import_add_ref(&n, "slope", "outer_slope", 1);
	made_message(&outer, 7, &n);
	import_add_function(&m, &outer);
	import_add_function(&m, &f);
	n = import_node("y = f::Outer x");
	import_add_float(&n, "outer_slope", 2);
	made_message(&m.graph, 1, &n);
	im = import_whole(&m, NULL);
	ck_assert_float_eq(import_find_attr(&im.model->nodes[0], "alpha")->f, 2.0F);
	import_done(&im);
}
END_TEST

START_TEST(a_function_has_operator_sets_of_its_own)
{
	struct import_made m = through("a = Relu x; y = f::F a");
	struct heft_buffer f = import_function("f", "F", "p", "q", "q = Neg p");
	struct imported im;

	import_add_opset(&f, 9, "ai.onnx", 13);
	import_add_function(&m, &f);
	im = import_whole(&m, NULL);
	ck_assert_uint_eq(import_find(im.model, "Relu")->opset, 17);
	ck_assert_uint_eq(import_find(im.model, "Neg")->opset, 13);
	import_done(&im);
}
END_TEST

/* A call in both branches of an If in a function: blocks of each call are others. */
START_TEST(graphs_in_functions_are_blocks_of_each_call)
{
	struct import_made m = through("a = f::F x x; y = f::F a x");
	struct heft_buffer f = import_function("f", "F", "c p", "q", "");
	struct heft_buffer n = import_node("q = If c");
	struct heft_buffer branch = made_empty();

	graph_add_nodes(&branch, "u = Relu p");
	graph_add_names(&branch, 12, "u");
	graph_add_subgraph(&n, "then_branch", &branch);
	branch = made_empty();
	graph_add_nodes(&branch, "u = Neg p");
	graph_add_names(&branch, 12, "u");
	graph_add_subgraph(&n, "else_branch", &branch);
	made_message(&f, 7, &n);
	import_add_function(&m, &f);
	check_import(&m, NULL,
	             "(x) a = If {1} {2} x; y = If {3} {4} a (y) | () u = Relu x (u) | "
	             "() u = Neg x (u) | () u = Relu x (u) | () u = Neg x (u)");
}
END_TEST

/* --- refusals --- */

START_TEST(a_function_does_not_call_itself)
{
	struct import_made m = through("y = f::F x");
	struct heft_buffer f = import_function("f", "F", "p", "q", "q = f::G p");
	struct heft_buffer g = import_function("f", "G", "p", "q", "q = f::F p");

	import_add_function(&m, &f);
	import_add_function(&m, &g);
	check_refused(&m, NULL, HEFT_E_CORRUPT, "node '' (F) calls a function inside itself");
}
END_TEST

START_TEST(a_call_has_no_more_inputs_than_the_function)
{
	struct import_made m = through("y = f::F x x");
	struct heft_buffer f = import_function("f", "F", "p", "q", "q = Relu p");

	import_add_function(&m, &f);
	check_refused(&m, NULL, HEFT_E_CORRUPT,
	              "node '' (F) has more inputs than the function that it calls");
	m = through("y z = f::F x");
	f = import_function("f", "F", "p", "q", "q = Relu p");
	import_add_function(&m, &f);
	check_refused(&m, NULL, HEFT_E_CORRUPT,
	              "node '' (F) has more outputs than the function that it calls");
}
END_TEST

START_TEST(what_was_not_given_cannot_be_handed_through)
{
	struct import_made m = through("y = f::F");
	struct heft_buffer f = import_function("f", "F", "p", "p", "");

	import_add_function(&m, &f);
	check_refused(&m, NULL, HEFT_E_CORRUPT,
	              "node '' (F) wants from a function what was not given to it");
}
END_TEST

START_TEST(a_function_is_there_once)
{
	struct import_made m = through("y = f::F x");
	struct heft_buffer f = import_function("f", "F", "p", "q", "q = Relu p");
	struct heft_buffer g = import_function("f", "F", "p", "q", "q = Neg p");

	import_add_function(&m, &f);
	import_add_function(&m, &g);
	check_refused(&m, NULL, HEFT_E_CORRUPT, "function 'f::F' is there twice");
}
END_TEST

START_TEST(a_function_is_given_no_graph)
{
	struct import_made m = through("");
	struct heft_buffer f = import_function("f", "F", "p", "q", "q = Relu p");
	struct heft_buffer n = import_node("y = f::F x");
	struct heft_buffer graph = made_empty();

	graph_add_subgraph(&n, "body", &graph);
	made_message(&m.graph, 1, &n);
	import_add_function(&m, &f);
	check_refused(&m, NULL, HEFT_E_UNSUPPORTED, "node '' (F) gives a graph to a function");
}
END_TEST

/* Each function calls the next ten times: 10^20 nodes. */
START_TEST(functions_cannot_make_too_much)
{
	struct import_made m = through("y = f::F0 x");

	for (unsigned i = 0; i < 20; i++) {
		struct heft_buffer f;
		char name[16];
		char nodes[400] = "q0 = Relu p";
		size_t n = strlen(nodes);

		snprintf(name, sizeof name, "F%u", i);
		for (unsigned k = 1; i < 19 && k <= 10; k++)
			n += (size_t)snprintf(nodes + n, sizeof nodes - n, "; q%u = f::F%u q%u", k,
			                      i + 1, k - 1);
		f = import_function("f", name, "p", i < 19 ? "q10" : "q0", nodes);
		import_add_function(&m, &f);
	}
	check_refused(&m, NULL, HEFT_E_LIMIT,
	              "the model's functions make too many nodes where they are called");
}
END_TEST

START_TEST(functions_cannot_lie_too_deep)
{
	struct import_made m = through("y = f::F0 x");

	for (unsigned i = 0; i < 200; i++) {
		struct heft_buffer f;
		char name[16];
		char nodes[32] = "q = Relu p";

		snprintf(name, sizeof name, "F%u", i);
		if (i < 199)
			snprintf(nodes, sizeof nodes, "q = f::F%u p", i + 1);
		f = import_function("f", name, "p", "q", nodes);
		import_add_function(&m, &f);
	}
	check_refused(&m, NULL, HEFT_E_LIMIT,
	              "node '' (F128) lies too deep in functions and graphs");
}
END_TEST

static Suite *import_call_suite(void)
{
	Suite *s = suite_create("graph_import_call");
	TCase *t = tcase_create("expanding");

	tcase_add_test(t, a_function_stands_where_it_is_called);
	tcase_add_test(t, each_call_has_values_of_its_own);
	tcase_add_test(t, functions_call_functions);
	tcase_add_test(t, overloads_are_told_apart);
	tcase_add_test(t, what_is_handed_through_is_copied);
	tcase_add_test(t, what_is_given_twice_is_copied);
	tcase_add_test(t, an_input_may_be_left_out);
	tcase_add_test(t, constants_may_be_what_a_function_gives);
	tcase_add_test(t, attributes_are_those_of_the_call);
	tcase_add_test(t, attributes_that_are_not_given_are_the_functions);
	tcase_add_test(t, attributes_that_nobody_gives_are_not_there);
	tcase_add_test(t, a_constant_of_what_nobody_gives_is_none);
	tcase_add_test(t, attributes_go_through_calls);
	tcase_add_test(t, a_function_has_operator_sets_of_its_own);
	tcase_add_test(t, graphs_in_functions_are_blocks_of_each_call);
	suite_add_tcase(s, t);
	t = tcase_create("refusing");
	tcase_add_test(t, a_function_does_not_call_itself);
	tcase_add_test(t, a_call_has_no_more_inputs_than_the_function);
	tcase_add_test(t, what_was_not_given_cannot_be_handed_through);
	tcase_add_test(t, a_function_is_there_once);
	tcase_add_test(t, a_function_is_given_no_graph);
	tcase_add_test(t, functions_cannot_make_too_much);
	tcase_add_test(t, functions_cannot_lie_too_deep);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(import_call_suite());
}
