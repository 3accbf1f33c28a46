/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph_import_constants.c - constants of an imported graph: those of the file, and inputs
 * that are given with the model. */
#include "import_made.h"
#include "unit.h"

/* --- constants --- */

/* Constants, of which y = Sum is made. */
static struct import_made with_constants(void)
{
	struct import_made m = import_start(17);
	struct heft_buffer n = import_node("i = Constant");
	struct heft_buffer a;
	struct heft_buffer t;

	import_add_int(&n, "value_int", 3);
	made_message(&m.graph, 1, &n);
	a = import_attr("value_ints", 7);
	made_bytes(&a, 8, "\x01\x02", 2);
	n = made_constant("is", &a);
	made_message(&m.graph, 1, &n);
	n = import_node("f = Constant");
	import_add_float(&n, "value_float", 0.5F);
	made_message(&m.graph, 1, &n);
	a = import_attr("value_floats", 6);
	made_bytes(&a, 7, "\0\0\x80\x3f\0\0\0\x40", 8);
	n = made_constant("fs", &a);
	made_message(&m.graph, 1, &n);
	t = made_tensor("t", 7, 2, 0); /* INT64: stays in the graph */
	made_bytes(&t, 7, "\x01\x05", 2);
	a = import_attr("value", 4);
	made_message(&a, 5, &t);
	n = made_constant("t", &a);
	made_message(&m.graph, 1, &n);
	t = made_tensor("w", 1, 1, 0); /* FLOAT: a weight */
	made_bytes(&t, 9, "\0\0\x40\x40", 4);
	a = import_attr("value", 4);
	made_message(&a, 5, &t);
	n = made_constant("w", &a);
	made_message(&m.graph, 1, &n);
	graph_add_names(&m.graph, 12, "i; is; f; fs; t; w");
	return m;
}

static void check_constant(const struct imported *im, const char *name, enum heft_dtype dtype,
                           uint32_t rank, const void *bytes, size_t n)
{
	const struct heft_array *a = import_find_constant(im->model, name);

	ck_assert_int_eq(a->dtype, dtype);
	ck_assert_uint_eq(a->rank, rank);
	ck_assert_uint_eq(a->n_bytes, n);
	ck_assert_mem_eq(a->bytes, bytes, n);
	ck_assert_uint_eq((uintptr_t)a->bytes % 4, 0);
}

START_TEST(constants_are_values_and_no_nodes)
{
	struct import_made m = with_constants();
	struct imported im = import_whole(&m, NULL);
	const int64_t is[] = { 1, 2 };
	const int64_t ts[] = { 1, 5 };
	const float fs[] = { 1, 2 };
	const int64_t i = 3;
	const float f = 0.5F;
	const float w = 3;

	ck_assert_uint_eq(im.model->n_nodes, 0);
	check_constant(&im, "i", HEFT_DTYPE_I64, 0, &i, sizeof i);
	check_constant(&im, "is", HEFT_DTYPE_I64, 1, is, sizeof is);
	check_constant(&im, "f", HEFT_DTYPE_F32, 0, &f, sizeof f);
	check_constant(&im, "fs", HEFT_DTYPE_F32, 1, fs, sizeof fs);
	check_constant(&im, "t", HEFT_DTYPE_I64, 1, ts, sizeof ts);
	check_constant(&im, "w", HEFT_DTYPE_F32, 1, &w, sizeof w);
	ck_assert_uint_ne(heft_ir_constant(im.model, im.model->outputs[5])->tensor, HEFT_IR_NONE);
	ck_assert_uint_eq(heft_ir_constant(im.model, im.model->outputs[4])->tensor, HEFT_IR_NONE);
	import_done(&im);
}
END_TEST

START_TEST(an_input_with_an_initializer_is_a_constant)
{
	struct import_made m = import_start(17);
	struct imported im;
	char *text;

	graph_add_weights(&m.graph, "w F32 2");
	graph_add_names(&m.graph, 11, "w; x");
	graph_add_nodes(&m.graph, "y = Add x w");
	graph_add_names(&m.graph, 12, "y");
	im = import_whole(&m, NULL);
	text = import_text(im.model);
	ck_assert_str_eq(text, "(#w x) y = Add x #w (y)");
	ck_assert_uint_eq(im.model->n_inputs, 1);
	ck_assert_str_eq(im.model->values[im.model->inputs[0]].name, "x");
	heft_free(text);
	import_done(&im);
}
END_TEST

/* Names before them move them about in the file. */
START_TEST(weights_are_borrowed_where_they_lie_well)
{
	struct import_made m = import_start(17);
	struct heft_tensor t;
	const void *mapped;
	struct imported im;

	graph_add_weights(&m.graph, "w F32 1000; v F64 1000");
	graph_add_names(&m.graph, 12, "w; v");
	im = import_whole(&m, NULL);
	for (uint32_t i = 0; i < 2; i++) {
		const struct heft_ir_constant *c = heft_ir_constant(im.model, im.model->outputs[i]);
		bool lies_well;

		ck_assert_int_eq(heft_tensor_at(im.file, c->tensor, &t, NULL), HEFT_OK);
		ck_assert_int_eq(heft_map(im.file, &t, &mapped, NULL), HEFT_OK);
		lies_well = (uintptr_t)mapped % (i == 0 ? 4 : 8) == 0;
		ck_assert(lies_well == (c->array.bytes == mapped));
		ck_assert_mem_eq(c->array.bytes, mapped, c->array.n_bytes);
	}
	import_done(&im);
}
END_TEST

/* --- pins --- */

static struct import_made with_inputs(void)
{
	struct import_made m = import_start(17);

	graph_add_value(&m.graph, 11, "x", 1, "N,2");
	graph_add_value(&m.graph, 11, "rate", 7, "");
	graph_add_nodes(&m.graph, "f = Cast rate; y = Add x rate");
	graph_add_names(&m.graph, 12, "y");
	return m;
}

START_TEST(an_input_may_be_pinned)
{
	const int64_t rate = 16000;
	const struct heft_value pin = {
		.name = "rate", .dtype = HEFT_DTYPE_I64, .bytes = &rate, .n_bytes = sizeof rate
	};
	const struct heft_import_options options = { .pins = &pin, .n_pins = 1 };
	struct import_made m = with_inputs();
	struct imported im = import_whole(&m, &options);
	char *text = import_text(im.model);

	ck_assert_str_eq(text, "(x #rate) y = Add x #rate (y)");
	ck_assert_uint_eq(im.model->n_inputs, 1);
	check_constant(&im, "rate", HEFT_DTYPE_I64, 0, &rate, sizeof rate);
	ck_assert(import_find_constant(im.model, "rate")->bytes != (const void *)&rate);
	heft_free(text);
	import_done(&im);
}
END_TEST

static const float two[] = { 1, 2 };
static const struct heft_value x_pin = { .name = "x",
	                                 .dtype = HEFT_DTYPE_F32,
	                                 .rank = 2,
	                                 .dims = { 1, 2 },
	                                 .bytes = two,
	                                 .n_bytes = sizeof two };

static void check_pin(const struct heft_value *pins, uint32_t n, enum heft_status st,
                      const char *message)
{
	const struct heft_import_options options = { .pins = pins, .n_pins = n };
	struct import_made m = with_inputs();

	check_refused(&m, &options, st, message);
}

START_TEST(a_pin_is_what_its_input_is)
{
	struct heft_value pins[2] = { x_pin, x_pin };

	check_pin(pins, 2, HEFT_E_USAGE, "the value for input 'x' is given twice");
	pins[0].name = "z";
	check_pin(pins, 1, HEFT_E_NOT_FOUND, "the model has no input 'z'; it has 'x', 'rate'");
	pins[0] = x_pin;
	pins[0].dtype = HEFT_DTYPE_I32;
	check_pin(pins, 1, HEFT_E_USAGE, "the value for input 'x' is I32 and not F32");
	pins[0] = x_pin;
	pins[0].rank = 1;
	check_pin(pins, 1, HEFT_E_USAGE, "the value for input 'x' has 1 dimensions and not 2");
	pins[0] = x_pin;
	pins[0].dims[1] = 1;
	check_pin(pins, 1, HEFT_E_USAGE, "the value for input 'x' has 1 in dimension 1 and not 2");
	pins[0] = x_pin;
	pins[0].n_bytes = 7;
	check_pin(pins, 1, HEFT_E_USAGE,
	          "the value for input 'x' has another number of bytes than its shape");
}
END_TEST

static Suite *import_constants_suite(void)
{
	Suite *s = suite_create("graph_import_constants");
	TCase *t = tcase_create("constants");

	tcase_add_test(t, constants_are_values_and_no_nodes);
	tcase_add_test(t, an_input_with_an_initializer_is_a_constant);
	tcase_add_test(t, weights_are_borrowed_where_they_lie_well);
	tcase_add_test(t, an_input_may_be_pinned);
	tcase_add_test(t, a_pin_is_what_its_input_is);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(import_constants_suite());
}
