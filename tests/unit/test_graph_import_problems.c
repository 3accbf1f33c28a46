/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph_import_problems.c - what is no graph, or none that can be computed, and how that is
 * told. */
#include "import_made.h"
#include "unit.h"

/* x -> y */
static struct import_made through(const char *text)
{
	struct import_made m = import_start(17);

	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, text);
	graph_add_names(&m.graph, 12, "y");
	return m;
}

/* --- what is wrong wherever it is --- */

static const struct {
	const char *nodes;
	const char *message;
} wrong[] = {
	{ "y = Relu z", "node '' (Relu) reads 'z', which nothing before it makes" },
	{ "y = Relu z; z = Neg x", "node '' (Relu) reads 'z', which nothing before it makes" },
	{ "y = Relu y", "node '' (Relu) reads 'y', which nothing before it makes" },
	{ "a = Add x b; b = Neg a; y = Relu b",
	  "node '' (Add) reads 'b', which nothing before it makes" },
	{ "y = Relu x; y = Neg x", "the graph makes 'y' twice" },
	{ "x = Relu x; y = Neg x", "the graph makes 'x' twice" },
	{ "a a = Relu x; y = Neg x", "the graph makes 'a' twice" },
	{ "z = Relu x", "graph '' gives 'y', which nothing in it makes" },
	{ "a b = Constant; y = Relu x", "Constant '' has 2 outputs" },
	{ "y = If x", "If '' lacks its graph then_branch" },
	{ "y = If", "If '' has not one input" },
	{ "y = Loop x", "Loop '' lacks its graph body" },
	{ "y = Loop x x x - x", "Loop '' has an input that is left out" },
	{ "y = Scan x", "Scan '' has not as many inputs as it scans" },
};

START_TEST(a_graph_hangs_together)
{
	struct import_made m = through(wrong[_i].nodes);

	check_refused(&m, NULL, HEFT_E_CORRUPT, wrong[_i].message);
}
END_TEST

START_TEST(names_are_needed_at_the_ends)
{
	struct import_made m = through("y = Relu x");

	graph_add_names(&m.graph, 11, "x");
	check_refused(&m, NULL, HEFT_E_CORRUPT, "the graph makes 'x' twice");
	m = through("y = Relu x");
	made_text(&m.graph, 2, "g");
	made_bytes(&m.graph, 11, "", 0);
	check_refused(&m, NULL, HEFT_E_CORRUPT, "input 1 of graph 'g' has no name");
	m = through("y = Relu x");
	made_bytes(&m.graph, 12, "", 0);
	check_refused(&m, NULL, HEFT_E_CORRUPT, "output 1 of graph '' has no name");
	m = through("w = Relu x; y = Neg w");
	graph_add_weights(&m.graph, "w F32 2");
	check_refused(&m, NULL, HEFT_E_CORRUPT, "the graph makes 'w' twice");
}
END_TEST

/* A graph in a graph may call something as one outside does, and sees what is outside. */
START_TEST(graphs_inside_have_names_of_their_own)
{
	struct import_made m = import_start(17);
	struct heft_buffer n = import_node("y = If x");
	struct heft_buffer branch = made_empty();
	struct heft_buffer same;

	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&branch, "a = Relu x; x = Neg a");
	graph_add_names(&branch, 12, "x");
	same = made_empty();
	heft_buffer_add(&same, branch.bytes, branch.size);
	graph_add_subgraph(&n, "then_branch", &branch);
	graph_add_subgraph(&n, "else_branch", &same);
	made_message(&m.graph, 1, &n);
	graph_add_names(&m.graph, 12, "y");
	check_import(&m, NULL,
	             "(x) y = If {1} {2} x (y) | () a = Relu x; x = Neg a (x) | "
	             "() a = Relu x; x = Neg a (x)");
}
END_TEST

/* --- attributes --- */

static void check_attr(struct heft_buffer *attr, const char *message)
{
	struct import_made m = through("");
	struct heft_buffer n = import_node("y = Relu x");

	made_message(&n, 5, attr);
	made_message(&m.graph, 1, &n);
	check_refused(&m, NULL, HEFT_E_CORRUPT, message);
}

/* A tensor of this data type, dims and raw_data, as an attribute. */
static struct heft_buffer tensor_attr(uint64_t data_type, uint64_t dim, const char *raw, size_t n)
{
	struct heft_buffer a = import_attr("t", 4);
	struct heft_buffer t = made_empty();

	made_uint(&t, 1, dim);
	made_uint(&t, 2, data_type);
	if (raw)
		made_bytes(&t, 9, raw, n);
	made_message(&a, 5, &t);
	return a;
}

START_TEST(attributes_are_whole)
{
	struct heft_buffer a = import_attr("floats", 6);
	struct heft_buffer t = made_empty();

	made_bytes(&a, 7, "abc", 3);
	check_attr(&a, "an attribute has a float that is cut short");
	a = import_attr("ints", 7);
	made_bytes(&a, 2, "abc", 3);
	check_attr(&a, "field 2 of an attribute is of another type than it should be");
	a = import_attr("body", 5);
	check_attr(&a, "node '' has no graph in the attribute 'body'");
	a = tensor_attr(1, 2, "1234", 4);
	check_attr(&a, "a constant has another number of bytes than its shape");
	a = tensor_attr(1, 2, NULL, 0);
	check_attr(&a, "a constant has another number of bytes than its shape");
	a = tensor_attr(1, UINT64_MAX, NULL, 0);
	check_attr(&a, "a constant has a negative dimension");
	a = import_attr("t", 4);
	made_uint(&t, 2, 7);
	made_bytes(&t, 7, "\1\2", 2);
	made_message(&a, 5, &t);
	check_attr(&a, "a constant has another number of elements than its shape");
	a = import_attr("t", 4);
	t = made_empty();
	made_uint(&t, 2, 7);
	made_bytes(&t, 5, "\1", 1);
	made_message(&a, 5, &t);
	check_attr(&a, "a constant has elements in the field of another type");
}
END_TEST

START_TEST(no_attribute_is_there_twice)
{
	struct import_made m = through("");
	struct heft_buffer n = import_node("y = Relu x");

	made_text(&n, 3, "relu");
	import_add_int(&n, "a", 1);
	import_add_int(&n, "b", 1);
	import_add_int(&n, "a", 1);
	made_message(&m.graph, 1, &n);
	check_refused(&m, NULL, HEFT_E_CORRUPT, "node 'relu' has twice the attribute 'a'");
}
END_TEST

START_TEST(operator_sets_are_told_once)
{
	struct import_made m = through("y = Relu x");

	import_add_opset(&m.rest, 8, "ai.onnx", 16);
	check_refused(&m, NULL, HEFT_E_CORRUPT, "operator set '' is there in two versions");
	m = through("y = Relu x");
	import_add_opset(&m.rest, 8, "z", 0);
	check_refused(&m, NULL, HEFT_E_CORRUPT, "operator set 'z' has the version 0");
	m = through("y = Relu x");
	for (unsigned i = 0; i < 300; i++)
		import_add_opset(&m.rest, 8, "", 17);
	check_refused(&m, NULL, HEFT_E_LIMIT, "the model imports more than 256 operator sets");
}
END_TEST

/* --- graphs in nodes --- */

/* A graph of n_in inputs and n_out outputs, which are one value. */
static struct heft_buffer body(unsigned n_in, unsigned n_out)
{
	struct heft_buffer b = made_empty();
	char name[16];

	for (unsigned i = 0; i < n_in; i++) {
		snprintf(name, sizeof name, "i%u", i);
		graph_add_names(&b, 11, name);
	}
	graph_add_nodes(&b, "o = Relu x");
	for (unsigned i = 0; i < n_out; i++)
		graph_add_names(&b, 12, "o");
	return b;
}

static const struct {
	const char *node;
	const char *attr;
	unsigned n_in;
	unsigned n_out;
	const char *message;
} bodies[] = {
	{ "y = If x", "then_branch", 1, 1,
	  "If '' gives another number of inputs to its graph then_branch" },
	{ "y z = If x", "then_branch", 0, 1,
	  "If '' wants more outputs than it has from its graph then_branch" },
	{ "y = Loop x x x", "body", 2, 2,
	  "Loop '' gives another number of inputs to its graph body" },
	{ "y = Loop x x x", "body", 3, 1,
	  "Loop '' wants more outputs than it has from its graph body" },
	{ "y z = Loop x x x", "body", 3, 2,
	  "Loop '' wants more outputs than it has from its graph body" },
};

START_TEST(graphs_take_and_give_what_their_nodes_do)
{
	struct import_made m = through("");
	struct heft_buffer n = import_node(bodies[_i].node);
	struct heft_buffer b = body(bodies[_i].n_in, bodies[_i].n_out);

	graph_add_subgraph(&n, bodies[_i].attr, &b);
	made_message(&m.graph, 1, &n);
	check_refused(&m, NULL, HEFT_E_CORRUPT, bodies[_i].message);
}
END_TEST

START_TEST(a_scan_gives_each_input_to_its_graph)
{
	struct import_made m = through("");
	struct heft_buffer n = import_node("y = Scan x x x");
	struct heft_buffer b = body(2, 2);

	import_add_int(&n, "num_scan_inputs", 1);
	graph_add_subgraph(&n, "body", &b);
	made_message(&m.graph, 1, &n);
	check_refused(&m, NULL, HEFT_E_CORRUPT,
	              "Scan '' gives another number of inputs to its graph body");
	m = through("");
	n = import_node("y = Scan x x x");
	b = body(3, 1);
	import_add_int(&n, "num_scan_inputs", 1);
	graph_add_subgraph(&n, "body", &b);
	made_message(&m.graph, 1, &n);
	check_refused(&m, NULL, HEFT_E_CORRUPT,
	              "Scan '' wants more outputs than it has from its graph body");
}
END_TEST

/* --- what is not computed --- */

static const struct {
	const char *nodes;
	const char *message;
} unknown[] = {
	{ "y = Foo x", "Foo" },
	{ "y = com.z::Foo x", "com.z::Foo: the model does not import operator set 'com.z'" },
	{ "y = com.microsoft::Gelu x",
	  "com.microsoft::Gelu: the model does not import operator set 'com.microsoft'" },
	{ "y = Gelu x", "Gelu: it came with operator set 20, and the model is written for 17" },
	{ "y = Add x", "Add: it has 1 inputs" },
	{ "y = Add x x x", "Add: it has 3 inputs" },
	{ "y = Add - x", "Add: its input 0 is left out" },
	{ "y z = Add x x", "Add: it has 2 outputs" },
	{ "a = Foo x; b = Bar a; c = Foo b; y = Baz c; dead = Qux y", "Foo (2 nodes); Bar; Baz" },
};

START_TEST(what_is_not_computed_is_named)
{
	struct import_made m = through(unknown[_i].nodes);
	char message[240];

	snprintf(message, sizeof message, "cannot be computed: %s", unknown[_i].message);
	check_refused(&m, NULL, HEFT_E_UNSUPPORTED, message);
}
END_TEST

static void add_constant(struct import_made *m, struct heft_buffer *attr)
{
	struct heft_buffer n = made_constant("c", attr);

	made_message(&m->graph, 1, &n);
	graph_add_nodes(&m->graph, "y = Add x c");
}

START_TEST(constants_of_no_dtype_are_told_where_they_are_read)
{
	struct import_made m = through("");
	struct heft_buffer a = import_attr("value_strings", 8);
	struct heft_buffer t;

	add_constant(&m, &a);
	check_refused(&m, NULL, HEFT_E_UNSUPPORTED,
	              "cannot be computed: Add: its input 1 is made of strings");
	m = through("");
	a = import_attr("value", 4);
	t = made_empty();
	for (unsigned i = 0; i < 9; i++)
		made_uint(&t, 1, 1);
	made_uint(&t, 2, 7);
	made_bytes(&t, 7, "\1", 1);
	made_message(&a, 5, &t);
	add_constant(&m, &a);
	check_refused(&m, NULL, HEFT_E_UNSUPPORTED,
	              "cannot be computed: Add: its input 1 has too many dimensions");
	m = through("y = Add x w");
	graph_add_weights(&m.graph, "w F32 1,1,1,1,1,1,1,1,1");
	check_refused(&m, NULL, HEFT_E_UNSUPPORTED,
	              "cannot be computed: Add: its input 1 has too many dimensions");
	m = through("c = Constant; y = Add x c");
	check_refused(&m, NULL, HEFT_E_UNSUPPORTED,
	              "cannot be computed: Add: its input 1 has no value");
	m = import_start(17);
	graph_add_nodes(&m.graph, "y = Constant");
	graph_add_names(&m.graph, 12, "y");
	check_refused(&m, NULL, HEFT_E_UNSUPPORTED, "output 'y' has no value");
}
END_TEST

START_TEST(a_sparse_constant_is_told)
{
	struct import_made m = through("y = Add x s");
	struct heft_buffer sparse = made_empty();
	struct heft_buffer t = made_tensor("s", 1, 1, 0);

	made_bytes(&t, 9, "1234", 4);
	made_message(&sparse, 1, &t);
	t = made_tensor("", 7, 1, 0);
	made_bytes(&t, 7, "\1", 1);
	made_message(&sparse, 2, &t);
	made_uint(&sparse, 3, 4);
	made_message(&m.graph, 15, &sparse);
	check_refused(&m, NULL, HEFT_E_UNSUPPORTED,
	              "cannot be computed: Add: its input 1 is sparse");
}
END_TEST

START_TEST(inputs_are_arrays)
{
	struct import_made m = import_start(17);
	struct heft_buffer value = made_empty();

	graph_add_value(&m.graph, 11, "s", 8, "");
	graph_add_nodes(&m.graph, "y = Relu s");
	graph_add_names(&m.graph, 12, "y");
	check_refused(&m, NULL, HEFT_E_UNSUPPORTED,
	              "cannot be computed: Relu: its input 0 is made of strings");
	m = import_start(17);
	made_text(&value, 1, "s");
	made_bytes(&value, 2, "\x22\0", 2);
	made_message(&m.graph, 11, &value);
	graph_add_nodes(&m.graph, "y = Relu s");
	graph_add_names(&m.graph, 12, "y");
	check_refused(&m, NULL, HEFT_E_UNSUPPORTED,
	              "cannot be computed: Relu: its input 0 is no array");
	m = import_start(17);
	graph_add_value(&m.graph, 11, "x", 1, "1,1,1,1,1,1,1,1,1");
	check_refused(&m, NULL, HEFT_E_UNSUPPORTED,
	              "input 'x' has 9 dimensions, and more than 8 are not computed");
	m = import_start(17);
	graph_add_value(&m.graph, 11, "x", 1, "4611686018427387904,2");
	check_refused(&m, NULL, HEFT_E_LIMIT, "input 'x' has 2^63 bytes or more");
}
END_TEST

START_TEST(a_file_without_a_graph_is_no_model)
{
	struct scratch s;
	struct heft_error err;
	struct heft_file *file;
	struct heft_model *model = NULL;
	static const char bytes[] = "\x02\0\0\0\0\0\0\0{}";

	scratch_init(&s);
	scratch_write(scratch_path(&s, "x.safetensors"), bytes, sizeof bytes - 1);
	ck_assert_int_eq(heft_open(scratch_path(&s, "x.safetensors"), NULL, &file, &err), HEFT_OK);
	ck_assert_int_eq(heft_model_import(file, NULL, &model, &err), HEFT_E_NOT_FOUND);
	ck_assert_str_eq(err.msg, "the file has no graph");
	ck_assert_ptr_null(model);
	heft_close(file);
	heft_model_free(NULL);
	scratch_done(&s);
}
END_TEST

/* --- all at once --- */

struct told {
	struct heft_buffer text;
};

static void tell(void *ctx, const struct heft_problem *p)
{
	struct told *told = ctx;

	heft_buffer_addf(&told->text, "%s|%s|%s\n", p->node, p->op, p->reason);
}

static void add_named(struct heft_buffer *graph, const char *name, const char *text)
{
	struct heft_buffer n = import_node(text);

	made_text(&n, 3, name);
	made_message(graph, 1, &n);
}

START_TEST(every_node_that_is_not_computed_is_told)
{
	struct told told = { .text = made_empty() };
	const struct heft_import_options options = { .problem = tell, .problem_ctx = &told };
	struct import_made m = through("");

	import_add_opset(&m.rest, 8, "z", 1);
	add_named(&m.graph, "first", "a = Foo x");
	add_named(&m.graph, "second", "b = Gelu a");
	add_named(&m.graph, "first", "c = Foo b");
	add_named(&m.graph, "third", "d = z::Foo c");
	add_named(&m.graph, "fourth", "y = Foo d");
	check_refused(&m, &options, HEFT_E_UNSUPPORTED,
	              "cannot be computed: Foo (3 nodes); z::Foo ('third'); Gelu ('second'): it "
	              "came with operator set 20, and the model is written for 17");
	heft_buffer_add_u8(&told.text, '\0');
	ck_assert_str_eq((const char *)told.text.bytes,
	                 "first|Foo|no operator of that name is computed\n"
	                 "fourth|Foo|no operator of that name is computed\n"
	                 "third|z::Foo|no operator of that name is computed\n"
	                 "second|Gelu|it came with operator set 20, and the model is written for "
	                 "17\n");
	heft_buffer_done(&told.text);
}
END_TEST

START_TEST(what_does_not_fit_is_counted)
{
	struct import_made m = import_start(17);
	struct imported im;
	char node[40];

	graph_add_names(&m.graph, 11, "x0");
	for (unsigned i = 0; i < 40; i++) {
		snprintf(node, sizeof node, "x%u = Foo%u x%u", i + 1, i, i);
		graph_add_nodes(&m.graph, node);
	}
	graph_add_names(&m.graph, 12, "x40");
	im = import_try(&m, NULL);
	ck_assert_int_eq(im.st, HEFT_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(im.err.msg, "Foo0; Foo1; "));
	ck_assert_ptr_nonnull(strstr(im.err.msg, "Foo19; and 20 more"));
	import_done(&im);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_loop_test(t, a_graph_hangs_together, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(t, names_are_needed_at_the_ends);
	tcase_add_test(t, graphs_inside_have_names_of_their_own);
	tcase_add_test(t, attributes_are_whole);
	tcase_add_test(t, no_attribute_is_there_twice);
	tcase_add_test(t, operator_sets_are_told_once);
	tcase_add_loop_test(t, graphs_take_and_give_what_their_nodes_do, 0,
	                    sizeof bodies / sizeof *bodies);
	tcase_add_test(t, a_scan_gives_each_input_to_its_graph);
	tcase_add_loop_test(t, what_is_not_computed_is_named, 0, sizeof unknown / sizeof *unknown);
	tcase_add_test(t, constants_of_no_dtype_are_told_where_they_are_read);
	tcase_add_test(t, a_sparse_constant_is_told);
	tcase_add_test(t, inputs_are_arrays);
	tcase_add_test(t, a_file_without_a_graph_is_no_model);
	tcase_add_test(t, every_node_that_is_not_computed_is_told);
	tcase_add_test(t, what_does_not_fit_is_counted);
}

static Suite *import_problems_suite(void)
{
	Suite *s = suite_create("graph_import_problems");
	TCase *t = tcase_create("problems");

	add_tests(t);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(import_problems_suite());
}
