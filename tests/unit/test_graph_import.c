/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph_import.c - a file's graph as a model: nodes, attributes, graphs in nodes, and what is
 * left out because nobody wants it. */
#include "alloc_fail.h"
#include "import_made.h"
#include "unit.h"

/* --- nodes and values --- */

START_TEST(nodes_come_in_the_order_of_the_file)
{
	struct import_made m = import_start(17);

	graph_add_weights(&m.graph, "w F32 2,2; b F32 2");
	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, "h = MatMul x w; a = Add h b; y = Relu a");
	graph_add_names(&m.graph, 12, "y; a");
	check_import(&m, NULL, "(x) h = MatMul x #w; a = Add h #b; y = Relu a (y a)");
}
END_TEST

START_TEST(what_is_left_out_at_the_end_is_not_counted)
{
	struct import_made m = import_start(17);

	graph_add_names(&m.graph, 11, "x; h");
	graph_add_nodes(&m.graph, "a - = Clip x - h -; y = Clip a - -");
	graph_add_names(&m.graph, 12, "y");
	check_import(&m, NULL, "(x h) a = Clip x - h; y = Clip a (y)");
}
END_TEST

START_TEST(each_domain_has_its_operator_set)
{
	struct import_made m = import_start(0);
	struct imported im;

	import_add_opset(&m.rest, 8, "ai.onnx", 13);
	import_add_opset(&m.rest, 8, "com.microsoft", 1);
	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, "a = com.microsoft::Gelu x; y = ai.onnx::Relu a");
	graph_add_names(&m.graph, 12, "y");
	im = import_whole(&m, NULL);
	ck_assert_uint_eq(im.model->n_opsets, 2);
	ck_assert_str_eq(im.model->opsets[0].domain, "");
	ck_assert_uint_eq(import_find(im.model, "Gelu")->opset, 1);
	ck_assert_str_eq(import_find(im.model, "Gelu")->domain, "com.microsoft");
	ck_assert_uint_eq(import_find(im.model, "Relu")->opset, 13);
	ck_assert_str_eq(import_find(im.model, "Relu")->domain, "");
	import_done(&im);
}
END_TEST

START_TEST(old_models_need_not_say_their_operator_set)
{
	struct import_made m = { .graph = made_empty(), .rest = made_empty() };
	struct imported im;

	made_uint(&m.rest, 1, 2);
	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, "y = Relu x");
	graph_add_names(&m.graph, 12, "y");
	im = import_whole(&m, NULL);
	ck_assert_uint_eq(im.model->nodes[0].opset, 1);
	import_done(&im);
}
END_TEST

START_TEST(a_model_tells_of_its_inputs_and_outputs)
{
	struct import_made m = import_start(17);
	struct heft_model_value v;
	struct imported im;

	graph_add_value(&m.graph, 11, "x", 1, "N,3,?,-1");
	graph_add_nodes(&m.graph, "y = Relu x");
	graph_add_value(&m.graph, 12, "y", 10, "");
	im = import_whole(&m, NULL);
	ck_assert_uint_eq(heft_model_n_inputs(im.model), 1);
	ck_assert_uint_eq(heft_model_n_outputs(im.model), 1);
	ck_assert_int_eq(heft_model_input(im.model, 0, &v, NULL), HEFT_OK);
	ck_assert_str_eq(v.name, "x");
	ck_assert_int_eq(v.dtype, HEFT_DTYPE_F32);
	ck_assert(v.has_shape);
	ck_assert_uint_eq(v.rank, 4);
	ck_assert_str_eq(v.symbols[0], "N");
	ck_assert_ptr_null(v.symbols[1]);
	ck_assert_uint_eq(v.dims[1], 3);
	ck_assert_str_eq(v.symbols[2], "");
	ck_assert_uint_eq(v.dims[2], 0);
	ck_assert_str_eq(v.symbols[3], "");
	ck_assert_int_eq(heft_model_output(im.model, 0, &v, NULL), HEFT_OK);
	ck_assert_str_eq(v.name, "y");
	ck_assert_int_eq(v.dtype, HEFT_DTYPE_F16);
	ck_assert_uint_eq(v.rank, 0);
	ck_assert_int_eq(heft_model_input(im.model, 1, &v, &im.err), HEFT_E_USAGE);
	ck_assert_str_eq(im.err.msg, "input 1 of 1");
	ck_assert_int_eq(heft_model_output(im.model, 7, &v, &im.err), HEFT_E_USAGE);
	ck_assert_str_eq(im.err.msg, "output 7 of 1");
	import_done(&im);
}
END_TEST

/* --- attributes --- */

/* All kinds, lists packed and not; the last says no type, as in old files. */
static struct heft_buffer node_of_all_kinds(const char *text)
{
	struct heft_buffer n = import_node(text);
	struct heft_buffer a;
	struct heft_buffer t = made_empty();

	import_add_float(&n, "float", 1.5F);
	import_add_int(&n, "int", -7);
	a = import_attr("text", 3);
	made_bytes(&a, 4, "a\0b", 3);
	made_message(&n, 5, &a);
	a = import_attr("tensor", 4);
	made_uint(&t, 1, 2);
	made_uint(&t, 2, 4); /* UINT16 in int32_data */
	made_bytes(&t, 5, "\x05\xff\xff\x03", 4);
	made_message(&a, 5, &t);
	made_message(&n, 5, &a);
	a = import_attr("floats", 6);
	made_bytes(&a, 7, "\0\0\x80\x3f\0\0\0\x40", 8);
	heft_buffer_addf(&a, "%c%c%c%c%c", 7 << 3 | 5, 0, 0, 0x40, 0x40);
	made_message(&n, 5, &a);
	a = import_attr("ints", 7);
	made_uint(&a, 8, 1);
	made_bytes(&a, 8, "\x02\x03", 2);
	made_message(&n, 5, &a);
	a = import_attr("texts", 8);
	made_text(&a, 9, "p");
	made_text(&a, 9, "");
	made_message(&n, 5, &a);
	a = import_attr("type", 13);
	made_bytes(&a, 14, "", 0);
	made_message(&n, 5, &a);
	a = import_attr("old", 0);
	made_uint(&a, 8, 9);
	made_message(&n, 5, &a);
	a = import_attr("empty", 7);
	made_message(&n, 5, &a);
	return n;
}

static void check_lists(const struct heft_ir_node *n)
{
	const struct heft_attr *a = import_find_attr(n, "floats");

	ck_assert_int_eq(a->kind, HEFT_ATTR_FLOATS);
	ck_assert_uint_eq(a->n, 3);
	ck_assert_float_eq(a->floats[0], 1);
	ck_assert_float_eq(a->floats[1], 2);
	ck_assert_float_eq(a->floats[2], 3);
	a = import_find_attr(n, "ints");
	ck_assert_uint_eq(a->n, 3);
	ck_assert_int_eq(a->ints[0], 1);
	ck_assert_int_eq(a->ints[2], 3);
	a = import_find_attr(n, "texts");
	ck_assert_uint_eq(a->n, 2);
	ck_assert_str_eq(a->texts[0], "p");
	ck_assert_str_eq(a->texts[1], "");
	a = import_find_attr(n, "old");
	ck_assert_int_eq(a->kind, HEFT_ATTR_INTS);
	ck_assert_int_eq(a->ints[0], 9);
	a = import_find_attr(n, "empty");
	ck_assert_int_eq(a->kind, HEFT_ATTR_INTS);
	ck_assert_uint_eq(a->n, 0);
}

START_TEST(attributes_of_all_kinds)
{
	static const uint16_t numbers[] = { 5, 0xffff };
	struct import_made m = import_start(17);
	struct heft_buffer n = node_of_all_kinds("y = Relu x");
	const struct heft_ir_node *node;
	const struct heft_attr *a;
	struct imported im;

	graph_add_names(&m.graph, 11, "x");
	made_message(&m.graph, 1, &n);
	graph_add_names(&m.graph, 12, "y");
	im = import_whole(&m, NULL);
	node = &im.model->nodes[0];
	ck_assert_uint_eq(node->attrs.n, 9);
	ck_assert_float_eq(import_find_attr(node, "float")->f, 1.5F);
	ck_assert_int_eq(import_find_attr(node, "int")->i, -7);
	ck_assert_str_eq(import_find_attr(node, "text")->text, "a");
	a = import_find_attr(node, "tensor");
	ck_assert_int_eq(a->tensor->dtype, HEFT_DTYPE_U16);
	ck_assert_uint_eq(a->tensor->n_bytes, sizeof numbers);
	ck_assert_mem_eq(a->tensor->bytes, numbers, sizeof numbers);
	ck_assert_ptr_null(import_find_attr(node, "type"));
	check_lists(node);
	import_done(&im);
}
END_TEST

/* --- graphs in nodes --- */

/* y = If c: Add x w, or Foo x; w is an initializer inside. */
static struct import_made with_if(void)
{
	struct import_made m = import_start(17);
	struct heft_buffer n = import_node("y = If c");
	struct heft_buffer branch = made_empty();

	graph_add_names(&m.graph, 11, "c; x");
	graph_add_nodes(&m.graph, "a = Relu x");
	graph_add_weights(&branch, "w F32 2");
	graph_add_nodes(&branch, "u = Add a w");
	graph_add_names(&branch, 12, "u");
	graph_add_subgraph(&n, "then_branch", &branch);
	branch = made_empty();
	graph_add_nodes(&branch, "u = Foo x; dead = Foo u");
	graph_add_names(&branch, 12, "u");
	graph_add_subgraph(&n, "else_branch", &branch);
	made_message(&m.graph, 1, &n);
	graph_add_nodes(&m.graph, "z = Neg y");
	graph_add_names(&m.graph, 12, "z");
	return m;
}

START_TEST(graphs_of_nodes_are_blocks)
{
	struct import_made m = with_if();

	check_import(&m, NULL,
	             "(c x) a = Relu x; y = If {1} {2} c; z = Neg y (z) | () u = Add a #w (u) | "
	             "() u = Foo? x (u)");
}
END_TEST

START_TEST(values_of_blocks_say_where_they_are)
{
	struct import_made m = with_if();
	struct imported im = import_whole(&m, NULL);
	const struct heft_ir_node *add = import_find(im.model, "Add");

	ck_assert_uint_eq(add->block, 1);
	ck_assert_uint_eq(im.model->values[heft_ir_in(im.model, add, 0)].block, 0);
	ck_assert_uint_eq(im.model->values[heft_ir_in(im.model, add, 1)].block, 1);
	ck_assert_uint_eq(im.model->values[heft_ir_out(im.model, add, 0)].block, 1);
	ck_assert_uint_eq(im.model->blocks[1].node, 1);
	ck_assert_uint_eq(im.model->blocks[0].node, HEFT_IR_NONE);
	import_done(&im);
}
END_TEST

/* A loop in a loop; the inner body reads values of both around it. */
START_TEST(graphs_lie_in_graphs)
{
	struct import_made m = import_start(17);
	struct heft_buffer outer = import_node("y = Loop n - x");
	struct heft_buffer body = made_empty();
	struct heft_buffer inner = import_node("u = Loop i go v");
	struct heft_buffer inner_body = made_empty();

	graph_add_names(&m.graph, 11, "n; x");
	graph_add_names(&inner_body, 11, "j; on; s");
	graph_add_nodes(&inner_body, "t = Add s v; r = Add t x");
	graph_add_names(&inner_body, 12, "on; r");
	graph_add_subgraph(&inner, "body", &inner_body);
	graph_add_names(&body, 11, "i; go; v");
	made_message(&body, 1, &inner);
	graph_add_names(&body, 12, "go; u");
	graph_add_subgraph(&outer, "body", &body);
	made_message(&m.graph, 1, &outer);
	graph_add_names(&m.graph, 12, "y");
	check_import(&m, NULL,
	             "(n x) y = Loop {1} n - x (y) | (i go v) u = Loop {2} i go v (go u) | "
	             "(j on s) t = Add s v; r = Add t x (on r)");
}
END_TEST

/* --- what nobody wants --- */

START_TEST(dead_nodes_are_left_out_and_do_not_matter)
{
	struct import_made m = import_start(17);
	struct imported im;
	char *text;

	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, "a = Relu x; b = Foo a; c = Neg b; y = Abs a; = Relu x");
	graph_add_names(&m.graph, 12, "y");
	im = import_whole(&m, NULL);
	text = import_text(im.model);
	ck_assert_str_eq(text, "(x) a = Relu x; y = Abs a (y)");
	ck_assert_uint_eq(im.model->n_nodes, 5);
	ck_assert(import_find(im.model, "Foo")->is_dead);
	ck_assert(!import_find(im.model, "Abs")->is_dead);
	heft_free(text);
	import_done(&im);
}
END_TEST

START_TEST(weights_that_nobody_wants_are_not_read)
{
	struct import_made m = import_start(17);
	struct imported im;

	graph_add_weights(&m.graph, "w F32 2; v F32 2");
	graph_add_nodes(&m.graph, "dead = Relu w; y = Relu v");
	graph_add_names(&m.graph, 12, "y");
	im = import_whole(&m, NULL);
	ck_assert_ptr_null(import_find_constant(im.model, "w")->bytes);
	ck_assert_ptr_nonnull(import_find_constant(im.model, "v")->bytes);
	import_done(&im);
}
END_TEST

START_TEST(strings_do_not_matter_where_nobody_reads_them)
{
	struct import_made m = import_start(17);
	struct heft_buffer a = import_attr("value_string", 3);
	struct heft_buffer n;

	made_text(&a, 4, "hello");
	n = made_constant("s", &a);
	made_message(&m.graph, 1, &n);
	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, "dead = Foo s; y = Relu x");
	graph_add_names(&m.graph, 12, "y");
	check_import(&m, NULL, "(x) y = Relu x (y)");
}
END_TEST

/* --- much, and no memory --- */

START_TEST(a_million_nodes)
{
	struct import_made m = import_start(17);
	struct imported im;

	graph_add_names(&m.graph, 11, "x");
	graph_add_thousands(&m.graph, 1000);
	graph_add_nodes(&m.graph, "y = Relu x");
	graph_add_names(&m.graph, 12, "y");
	im = import_whole(&m, NULL);
	ck_assert_uint_eq(im.model->n_nodes, 1000001);
	ck_assert_uint_eq(im.model->blocks[0].n_nodes, 1);
	import_done(&im);
}
END_TEST

static struct import_made with_everything(void)
{
	struct import_made m = with_if();
	struct heft_buffer f = import_function("f", "F", "p", "q", "");
	struct heft_buffer n = import_node("c = Constant");

	import_add_ref(&n, "value_float", "slope", 1);
	made_message(&f, 7, &n);
	graph_add_nodes_in(&f, 7, "q = Add p c");
	import_add_opset(&f, 9, "", 17);
	import_add_function(&m, &f);
	n = import_node("k = f::F z");
	import_add_float(&n, "slope", 2);
	made_message(&m.graph, 1, &n);
	n = node_of_all_kinds("l = Relu x");
	made_message(&m.graph, 1, &n);
	graph_add_names(&m.graph, 12, "k; l");
	graph_add_weights(&m.graph, "big F64 40000");
	graph_add_names(&m.graph, 12, "big");
	return m;
}

START_TEST(no_memory_is_told_and_nothing_leaks)
{
	struct import_made m = with_everything();
	static const float two[] = { 1, 2 };
	const struct heft_value pin = { .name = "c",
		                        .dtype = HEFT_DTYPE_F32,
		                        .rank = 1,
		                        .dims = { 2 },
		                        .bytes = two,
		                        .n_bytes = sizeof two };
	const struct heft_import_options options = { .pins = &pin, .n_pins = 1 };
	struct imported im;

	im = import_try(&m, &options);
	ck_assert_msg(im.st == HEFT_OK, "%s", im.err.msg);
	heft_model_free(im.model);
	for (size_t n = 1;; n++) {
		im.model = NULL;
		alloc_fail_at(n);
		im.st = heft_model_import(im.file, &options, &im.model, &im.err);
		if (!alloc_fail_done())
			break;
		if (im.st == HEFT_OK) { /* a map that could not be made is done without */
			heft_model_free(im.model);
			continue;
		}
		ck_assert_int_eq(im.st, HEFT_E_NOMEM);
		ck_assert_ptr_null(im.model);
	}
	ck_assert_int_eq(im.st, HEFT_OK);
	import_done(&im);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_test(t, nodes_come_in_the_order_of_the_file);
	tcase_add_test(t, what_is_left_out_at_the_end_is_not_counted);
	tcase_add_test(t, each_domain_has_its_operator_set);
	tcase_add_test(t, old_models_need_not_say_their_operator_set);
	tcase_add_test(t, a_model_tells_of_its_inputs_and_outputs);
	tcase_add_test(t, attributes_of_all_kinds);
	tcase_add_test(t, graphs_of_nodes_are_blocks);
	tcase_add_test(t, values_of_blocks_say_where_they_are);
	tcase_add_test(t, graphs_lie_in_graphs);
	tcase_add_test(t, dead_nodes_are_left_out_and_do_not_matter);
	tcase_add_test(t, weights_that_nobody_wants_are_not_read);
	tcase_add_test(t, strings_do_not_matter_where_nobody_reads_them);
	tcase_add_test(t, a_million_nodes);
	tcase_add_test(t, no_memory_is_told_and_nothing_leaks);
}

static Suite *import_suite(void)
{
	Suite *s = suite_create("graph_import");
	TCase *t = tcase_create("import");

	tcase_set_timeout(t, 60);
	add_tests(t);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(import_suite());
}
