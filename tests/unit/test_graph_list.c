/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph_list.c - the listing of a graph: nodes and parts, values with their shapes, attributes
 * as texts; and roles of a file's tensors by its graph. */
#include "alloc_fail.h"
#include "graph_made.h"
#include "heft/convert.h"
#include "heft/graph.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct heft_error err;

static void ok(enum heft_status st)
{
	ck_assert_msg(st == HEFT_OK, "%s", err.msg);
}

/* Takes the model. */
static struct heft_file *open_model(struct heft_buffer *model)
{
	const char *path = scratch_path(&s, "model.onnx");
	struct heft_file *file;

	scratch_write(path, model->bytes, model->size);
	heft_buffer_done(model);
	ok(heft_open(path, NULL, &file, &err));
	return file;
}

static struct heft_graph_list *list_of(struct heft_file *file)
{
	struct heft_graph_list *list;

	ok(heft_graph_list_open(file, &list, &err));
	return list;
}

/* "F32 [1, N, ?]", or nothing */
static const char *type_text(const struct heft_graph_value *value)
{
	static char text[256];
	size_t n = (size_t)snprintf(text, sizeof text, "%s%s", value->type,
	                            value->has_shape ? " [" : "");

	for (uint32_t i = 0; i < value->rank; i++) {
		const struct heft_graph_dim *dim = &value->dims[i];

		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i > 0 ? ", " : "",
		                      dim->symbol && !*dim->symbol ? "?"
		                      : dim->symbol                ? dim->symbol
		                                                   : "");
		if (!dim->symbol)
			n += (size_t)snprintf(text + n, sizeof text - n, "%u", (unsigned)dim->size);
	}
	snprintf(text + n, sizeof text - n, "%s", value->has_shape ? "]" : "");
	return text;
}

/* y = Conv x w b, with types of all three; and a model that says where it is from. */
static struct heft_buffer plain_model(void)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer opset = made_empty();
	struct heft_buffer model;
	const char *text = "y = Conv x w b";
	struct heft_buffer node = graph_node(&text);

	made_text(&node, 3, "first");
	made_message(&graph, 1, &node);
	graph_add_nodes(&graph, "z u = com.x::Op y - y");
	made_text(&graph, 2, "main");
	graph_add_weights(&graph, "w F32 8,3,3,3; b F32 8");
	graph_add_value(&graph, 11, "x", 1, "N,3,?,32");
	graph_add_value(&graph, 12, "z", 7, "");
	graph_add_value(&graph, 13, "y", 10, "8,height");
	model = made_model(&graph);
	made_text(&model, 2, "maker");
	made_text(&model, 3, "1.2");
	made_text(&model, 4, "org.example");
	made_uint(&model, 5, 3);
	made_text(&opset, 1, "");
	made_uint(&opset, 2, 17);
	made_message(&model, 8, &opset);
	opset = made_empty();
	made_text(&opset, 1, "com.x");
	made_uint(&opset, 2, 1);
	made_message(&model, 8, &opset);
	return model;
}

START_TEST(the_model_tells_of_itself)
{
	struct heft_buffer model = plain_model();
	struct heft_file *file = open_model(&model);
	struct heft_graph_list *list = list_of(file);
	struct heft_graph_facts facts;
	struct heft_graph_opset opset;

	heft_graph_list_facts(list, &facts);
	ck_assert_str_eq(facts.name, "main");
	ck_assert_str_eq(facts.domain, "org.example");
	ck_assert_str_eq(facts.producer_name, "maker");
	ck_assert_str_eq(facts.producer_version, "1.2");
	ck_assert_uint_eq(facts.model_version, 3);
	ck_assert_uint_eq(facts.ir_version, 8);
	ck_assert_uint_eq(facts.n_opsets, 2);
	ck_assert_uint_eq(facts.n_parts, 1);
	ck_assert_uint_eq(facts.n_nodes, 2);
	ck_assert_uint_eq(facts.n_functions, 0);
	ok(heft_graph_list_opset(list, 1, &opset, &err));
	ck_assert_str_eq(opset.domain, "com.x");
	ck_assert_uint_eq(opset.version, 1);
	heft_graph_list_close(list);
	heft_close(file);
}
END_TEST

START_TEST(nodes_stand_in_order_with_what_they_read_and_make)
{
	struct heft_buffer model = plain_model();
	struct heft_file *file = open_model(&model);
	struct heft_graph_list *list = list_of(file);
	struct heft_graph_node node;
	struct heft_graph_value v;
	struct heft_tensor t;
	uint32_t made;

	ok(heft_graph_list_node(list, 0, &node, &err));
	ck_assert_str_eq(node.op, "Conv");
	ck_assert_str_eq(node.name, "first");
	ck_assert_str_eq(node.domain, "");
	ck_assert_uint_eq(node.n_inputs, 3);
	ck_assert_uint_eq(node.n_outputs, 1);
	ok(heft_graph_list_input(list, 0, 0, &v, &err));
	ck_assert_str_eq(v.name, "x");
	ck_assert_str_eq(type_text(&v), "F32 [N, 3, ?, 32]");
	ck_assert(v.node == HEFT_GRAPH_NONE && v.tensor == HEFT_GRAPH_NONE && !v.is_constant);
	ok(heft_graph_list_input(list, 0, 1, &v, &err));
	ck_assert_str_eq(type_text(&v), "F32 [8, 3, 3, 3]");
	ck_assert(v.is_constant);
	ok(heft_tensor_at(file, v.tensor, &t, &err));
	ck_assert_str_eq(t.name, "w");
	ok(heft_graph_list_output(list, 0, 0, &v, &err));
	ck_assert_str_eq(v.name, "y");
	ck_assert_str_eq(type_text(&v), "F16 [8, height]");
	ck_assert_uint_eq(v.node, 0);
	made = v.index;
	ok(heft_graph_list_node(list, 1, &node, &err));
	ck_assert_str_eq(node.domain, "com.x");
	ok(heft_graph_list_input(list, 1, 0, &v, &err));
	ck_assert_uint_eq(v.index, made);
	ok(heft_graph_list_input(list, 1, 1, &v, &err));
	ck_assert_uint_eq(v.index, HEFT_GRAPH_NONE);
	ck_assert_str_eq(v.name, "");
	ok(heft_graph_list_output(list, 1, 1, &v, &err));
	ck_assert_str_eq(type_text(&v), "");
	ok(heft_graph_list_part_output(list, 0, 0, &v, &err));
	ck_assert_str_eq(type_text(&v), "I64 []");
	ck_assert_uint_eq(v.node, 1);
	heft_graph_list_close(list);
	heft_close(file);
}
END_TEST

START_TEST(what_is_not_there_is_a_mistake)
{
	struct heft_buffer model = plain_model();
	struct heft_file *file = open_model(&model);
	struct heft_graph_list *list = list_of(file);
	struct heft_graph_node node;
	struct heft_graph_part part;
	struct heft_graph_opset opset;
	struct heft_graph_value v;
	const char *name;
	char text[8];

	ck_assert_int_eq(heft_graph_list_node(list, 2, &node, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_graph_list_part(list, 1, &part, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_graph_list_opset(list, 2, &opset, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_graph_list_input(list, 0, 3, &v, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_graph_list_input(list, 2, 0, &v, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_graph_list_output(list, 0, 1, &v, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_graph_list_part_input(list, 0, 1, &v, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_graph_list_part_output(list, 1, 0, &v, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_graph_list_attribute(list, 0, 0, &name, text, sizeof text, &err),
	                 HEFT_E_USAGE);
	ck_assert_int_eq(heft_graph_list_constant(list, HEFT_GRAPH_NONE, text, sizeof text, &err),
	                 HEFT_E_USAGE);
	heft_graph_list_close(list);
	heft_close(file);
}
END_TEST

/* --- attributes --- */

/* An AttributeProto called `a` with one field of bytes. */
static struct heft_buffer attribute(uint32_t number, const void *bytes, size_t n, unsigned type)
{
	struct heft_buffer a = made_empty();

	made_text(&a, 1, "a");
	if (number)
		made_bytes(&a, number, bytes, n);
	made_uint(&a, 20, type);
	return a;
}

/* A tensor's bytes as raw_data. */
static struct heft_buffer tensor(unsigned data_type, uint64_t d0, const void *bytes, size_t n)
{
	struct heft_buffer t = made_empty();

	if (d0)
		made_uint(&t, 1, d0);
	made_uint(&t, 2, data_type);
	made_bytes(&t, 9, bytes, n);
	return t;
}

static void check_attribute(struct heft_buffer *a, const char *expected)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer node = made_empty();
	struct heft_buffer model;
	struct heft_graph_list *list;
	struct heft_file *file;
	const char *name;
	char text[256];

	made_text(&node, 4, "Op");
	made_message(&node, 5, a);
	made_message(&graph, 1, &node);
	model = made_model(&graph);
	file = open_model(&model);
	list = list_of(file);
	ok(heft_graph_list_attribute(list, 0, 0, &name, text, sizeof text, &err));
	ck_assert_str_eq(name, "a");
	ck_assert_str_eq(text, expected);
	for (size_t n = 0; n <= strlen(expected); n++) {
		memset(text, 'x', sizeof text);
		ok(heft_graph_list_attribute(list, 0, 0, &name, text, n, &err));
		ck_assert_int_eq(text[n], 'x');
		ck_assert(n == 0 || (strlen(text) == n - 1 && strncmp(text, expected, n - 1) == 0));
	}
	heft_graph_list_close(list);
	heft_close(file);
}

START_TEST(an_attribute_is_a_short_text)
{
	struct heft_buffer a = attribute(8, "\1\2\377\377\377\377\377\377\377\377\377\1", 12, 7);
	struct heft_buffer inner;

	check_attribute(&a, "[1, 2, -1]");
	a = attribute(0, NULL, 0, 2);
	made_uint(&a, 3, 64);
	check_attribute(&a, "64");
	a = attribute(0, NULL, 0, 7);
	made_uint(&a, 8, 3);
	made_uint(&a, 8, 4);
	check_attribute(&a, "[3, 4]");
	a = attribute(0, NULL, 0, 7);
	check_attribute(&a, "[]");
	a = attribute(8, "\1\2\3\4\5\6\7\10\11\12", 10, 7);
	check_attribute(&a, "[1, 2, 3, 4, 5, 6, 7, 8, … (10)]");
	a = attribute(7, "\0\0\0\077\0\0\200\277", 8, 6);
	check_attribute(&a, "[0.5, -1]");
	a = attribute(4, "linear", 6, 3);
	check_attribute(&a, "\"linear\"");
	a = attribute(9, "one", 3, 8);
	made_text(&a, 9, "two");
	check_attribute(&a, "[\"one\", \"two\"]");
	a = attribute(4, "0123456789012345678901234567890123456789012345678901234567890123456", 67,
	              3);
	check_attribute(&a,
	                "\"0123456789012345678901234567890123456789012345678901234567890123…\"");
	a = attribute(0, NULL, 0, 7);
	made_text(&a, 21, "outer");
	check_attribute(&a, "@outer");
	inner = tensor(7, 2, "\5\0\0\0\0\0\0\0\377\377\377\377\377\377\377\377", 16);
	a = attribute(0, NULL, 0, 4);
	made_message(&a, 5, &inner);
	check_attribute(&a, "[5, -1]");
	inner = tensor(1, 0, "\0\0\200\077", 4);
	a = attribute(0, NULL, 0, 4);
	made_message(&a, 5, &inner);
	check_attribute(&a, "1");
}
END_TEST

START_TEST(a_constant_in_the_graph_shows_its_numbers)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer a = attribute(0, NULL, 0, 4);
	struct heft_buffer t = tensor(6, 2, "\5\0\0\0\376\377\377\377", 8);
	struct heft_buffer node;
	struct heft_buffer model;
	struct heft_graph_list *list;
	struct heft_graph_value v;
	struct heft_file *file;
	char text[64];

	made_message(&a, 5, &t);
	node = made_constant("c", &a);
	made_message(&graph, 1, &node);
	a = made_empty();
	made_text(&a, 1, "value_float");
	heft_wire_add_tag(&a, 2, HEFT_WIRE_FIXED32);
	heft_buffer_add_le32(&a, 0x3f000000);
	node = made_constant("d", &a);
	made_message(&graph, 1, &node);
	graph_add_nodes(&graph, "y = Op c d w");
	graph_add_weights(&graph, "w F32 8");
	model = made_model(&graph);
	file = open_model(&model);
	list = list_of(file);
	ok(heft_graph_list_input(list, 2, 0, &v, &err));
	ck_assert(v.is_constant && v.tensor == HEFT_GRAPH_NONE && v.node == 0);
	ck_assert_str_eq(type_text(&v), "I32 [2]");
	ok(heft_graph_list_constant(list, v.index, text, sizeof text, &err));
	ck_assert_str_eq(text, "[5, -2]");
	ok(heft_graph_list_input(list, 2, 1, &v, &err));
	ck_assert_str_eq(type_text(&v), "F32 []");
	ok(heft_graph_list_constant(list, v.index, text, sizeof text, &err));
	ck_assert_str_eq(text, "0.5");
	ok(heft_graph_list_input(list, 2, 2, &v, &err));
	ok(heft_graph_list_constant(list, v.index, text, sizeof text, &err));
	ck_assert_str_eq(text, "");
	heft_graph_list_close(list);
	heft_close(file);
}
END_TEST

/* --- parts --- */

/* If with a branch that uses what is outside, and a function. */
static struct heft_buffer nested_model(void)
{
	const char *text = "y = If c";
	struct heft_buffer graph = made_empty();
	struct heft_buffer branch = made_empty();
	struct heft_buffer function = made_empty();
	struct heft_buffer node = graph_node(&text);
	struct heft_buffer model;

	made_text(&branch, 2, "inner");
	graph_add_nodes(&branch, "t = Relu x; z = MatMul t w");
	graph_add_names(&branch, 12, "z");
	graph_add_subgraph(&node, "then_branch", &branch);
	made_message(&graph, 1, &node);
	graph_add_nodes(&graph, "q = pkg::F y");
	graph_add_weights(&graph, "w F32 4,8");
	model = made_model(&graph);
	made_text(&function, 1, "F");
	made_text(&function, 4, "a");
	graph_add_nodes_in(&function, 7, "r = Neg a");
	made_text(&function, 5, "r");
	made_text(&function, 10, "pkg");
	made_message(&model, 25, &function);
	return model;
}

START_TEST(parts_stand_before_those_inside)
{
	static const char *const ops[] = { "If", "Relu", "MatMul", "F", "Neg" };
	static const uint32_t parts[] = { 0, 1, 1, 0, 2 };
	struct heft_buffer model = nested_model();
	struct heft_file *file = open_model(&model);
	struct heft_graph_list *list = list_of(file);
	struct heft_graph_facts facts;
	struct heft_graph_part part;
	struct heft_graph_node node;
	struct heft_graph_value v;

	heft_graph_list_facts(list, &facts);
	ck_assert_uint_eq(facts.n_parts, 3);
	ck_assert_uint_eq(facts.n_functions, 1);
	ck_assert_uint_eq(facts.n_nodes, 5);
	for (uint32_t i = 0; i < 5; i++) {
		ok(heft_graph_list_node(list, i, &node, &err));
		ck_assert_str_eq(node.op, ops[i]);
		ck_assert_uint_eq(node.part, parts[i]);
		ck_assert_uint_eq(node.depth, parts[i] == 1);
	}
	ok(heft_graph_list_part(list, 0, &part, &err));
	ck_assert(part.kind == HEFT_GRAPH_MAIN && part.first_node == 0 && part.end_node == 4 &&
	          part.n_nodes == 2 && part.node == HEFT_GRAPH_NONE);
	ok(heft_graph_list_part(list, 1, &part, &err));
	ck_assert(part.kind == HEFT_GRAPH_SUBGRAPH && part.first_node == 1 && part.end_node == 3 &&
	          part.n_nodes == 2 && part.node == 0 && part.depth == 1);
	ck_assert_str_eq(part.name, "inner");
	ck_assert_str_eq(part.attribute, "then_branch");
	ok(heft_graph_list_part_output(list, 1, 0, &v, &err));
	ck_assert_uint_eq(v.node, 2);
	ok(heft_graph_list_part(list, 2, &part, &err));
	ck_assert(part.kind == HEFT_GRAPH_FUNCTION && part.first_node == 4 && part.n_inputs == 1);
	ck_assert_str_eq(part.domain, "pkg");
	ck_assert_str_eq(part.name, "F");
	ok(heft_graph_list_input(list, 2, 1, &v, &err));
	ck_assert_uint_eq(v.tensor, 0);
	heft_graph_list_close(list);
	heft_close(file);
}
END_TEST

/* --- files --- */

START_TEST(a_heft_file_keeps_the_graph)
{
	const struct heft_convert_plan plan = { .format = "heft", .write = { .no_sync = true } };
	struct heft_buffer model = plain_model();
	struct heft_file *file = open_model(&model);
	const char *path = scratch_path(&s, "model.heft");
	struct heft_graph_list *list;
	struct heft_graph_value v;
	struct heft_tensor t;

	ok(heft_convert(file, path, &plan, NULL, &err));
	heft_close(file);
	ok(heft_open(path, NULL, &file, &err));
	list = list_of(file);
	ok(heft_graph_list_input(list, 0, 2, &v, &err));
	ok(heft_tensor_at(file, v.tensor, &t, &err));
	ck_assert_str_eq(t.name, "b");
	heft_graph_list_close(list);
	heft_close(file);
}
END_TEST

START_TEST(a_file_without_a_graph_says_so)
{
	const char *path = scratch_path(&s, "a.safetensors");
	struct heft_graph_list *list;
	struct heft_file *file;

	scratch_write(path, "\2\0\0\0\0\0\0\0{}", 10);
	ok(heft_open(path, NULL, &file, &err));
	ck_assert_int_eq(heft_graph_list_open(file, &list, &err), HEFT_E_NOT_FOUND);
	ck_assert_str_eq(err.msg, "the file has no graph");
	heft_graph_list_close(NULL);
	heft_close(file);
}
END_TEST

START_TEST(roles_come_from_the_graph_or_else_from_the_name)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer model;
	struct heft_file *file;
	enum heft_role roles[4];

	graph_add_nodes(&graph, "y = Conv x 487 489; z = Op y fc.bias");
	graph_add_weights(&graph, "487 F32 8,3,3,3; 489 F32 8; fc.bias F32 8; r F32 3");
	model = made_model(&graph);
	file = open_model(&model);
	ok(heft_roles(file, roles, &err));
	ck_assert_int_eq(roles[0], HEFT_ROLE_WEIGHT);
	ck_assert_int_eq(roles[1], HEFT_ROLE_BIAS);
	ck_assert_int_eq(roles[2], HEFT_ROLE_BIAS);
	ck_assert_int_eq(roles[3], HEFT_ROLE_UNKNOWN);
	heft_close(file);
}
END_TEST

START_TEST(too_many_nodes_leave_roles_to_the_names)
{
	struct heft_buffer graph = made_empty();
	struct heft_graph_list *list;
	struct heft_buffer model;
	struct heft_file *file;
	enum heft_role role;

	graph_add_thousands(&graph, 1200);
	graph_add_weights(&graph, "fc.bias F32 8");
	model = made_model(&graph);
	file = open_model(&model);
	ok(heft_roles(file, &role, &err));
	ck_assert_int_eq(role, HEFT_ROLE_BIAS);
	ck_assert_int_eq(heft_graph_list_open(file, &list, &err), HEFT_E_LIMIT);
	heft_close(file);
}
END_TEST

START_TEST(failing_allocations_are_told)
{
	struct heft_buffer model = nested_model();
	struct heft_file *file = open_model(&model);
	struct heft_graph_list *list = NULL;
	enum heft_role roles[1];
	enum heft_status st;
	size_t n = 0;

	do {
		alloc_fail_at(++n);
		st = heft_graph_list_open(file, &list, &err);
		if (!alloc_fail_done())
			break;
		ck_assert_int_eq(st, HEFT_E_NOMEM);
		ck_assert_ptr_null(list);
	} while (true);
	ck_assert_int_eq(st, HEFT_OK);
	ck_assert_uint_gt(n, 20);
	heft_graph_list_close(list);
	n = 0;
	do {
		alloc_fail_at(++n);
		st = heft_roles(file, roles, &err);
		if (!alloc_fail_done())
			break;
		ck_assert_int_eq(st, HEFT_E_NOMEM);
	} while (true);
	ck_assert_int_eq(st, HEFT_OK);
	heft_close(file);
}
END_TEST

static void set_up(void)
{
	scratch_init(&s);
}

static void tear_down(void)
{
	scratch_done(&s);
}

static Suite *suite(void)
{
	Suite *suite = suite_create("graph_list");
	TCase *t = tcase_create("list");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, the_model_tells_of_itself);
	tcase_add_test(t, nodes_stand_in_order_with_what_they_read_and_make);
	tcase_add_test(t, what_is_not_there_is_a_mistake);
	tcase_add_test(t, an_attribute_is_a_short_text);
	tcase_add_test(t, a_constant_in_the_graph_shows_its_numbers);
	tcase_add_test(t, parts_stand_before_those_inside);
	tcase_add_test(t, a_heft_file_keeps_the_graph);
	tcase_add_test(t, a_file_without_a_graph_says_so);
	tcase_add_test(t, roles_come_from_the_graph_or_else_from_the_name);
	tcase_add_test(t, too_many_nodes_leave_roles_to_the_names);
	tcase_add_test(t, failing_allocations_are_told);
	tcase_set_timeout(t, 60);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return heft_unit_run(suite());
}
