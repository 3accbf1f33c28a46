/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_bind.c - conversions into a model: which bytes its tensors get, which graph, and
 * what is said of the rest. */
#include "bind_files.h"
#include "onnx_made.h"

/* --- by name --- */

START_TEST(names_decide_whatever_the_order)
{
	const struct maker m = { .format = "heft", .metadata = "{\"of\":\"model\"}" };
	struct heft_file *file;
	const char *json;
	struct heft_tensor t;
	char *out;

	MAKE(scratch_path(&s, "w"), NULL, VECTOR("b", 2, 10), VECTOR("a", 2, 20));
	MAKE(scratch_path(&s, "model"), &m, VECTOR("a", 2, 1), VECTOR("b", 2, 2));
	out = bind(NULL);
	check(out, "a", 20);
	check(out, "b", 10);
	ck_assert_str_eq(report.note, "");
	ck_assert_uint_eq(report.n_tensors, 2);
	file = model_open(out);
	ck_assert_int_eq(heft_tensor_at(file, 0, &t, &err), HEFT_OK);
	ck_assert_str_eq(t.name, "a");
	ck_assert_int_eq(heft_metadata(file, &json, &err), HEFT_OK);
	ck_assert_str_eq(json, "{\"of\":\"model\"}");
	heft_close(file);
}
END_TEST

START_TEST(a_namesake_must_fit)
{
	static const struct {
		struct spec of_w;
		struct spec of_model;
		const char *words;
	} cases[] = {
		{ VECTOR("a", 3, 0), VECTOR("a", 2, 0), "F32 [2] in the model and F32 [3]" },
		{ VECTOR_OF("a", 2, 0, HEFT_DTYPE_F16), VECTOR("a", 2, 0), ": --dtype F32" },
		{ VECTOR_OF("a", 2, 0, HEFT_DTYPE_I64), VECTOR("a", 2, 0),
		  ": --dtype-of 'NAME=F32'" },
		{ MATRIX("a", 2, 3, 0), MATRIX("a", 3, 2, 0), "--allow-transpose takes" },
		{ MATRIX_OF("a", 2, 3, 0, HEFT_DTYPE_F16), MATRIX("a", 3, 2, 0),
		  ": --dtype F32 --allow-transpose" },
		{ SCALAR("a", 0), VECTOR("a", 1, 0), "F32 [1] in the model and F32 []" },
		{ VECTOR_OF("n", 2, 0, HEFT_DTYPE_I32), VECTOR_OF("n", 2, 0, HEFT_DTYPE_I64),
		  ": --dtype-of 'NAME=I64'" },
	};

	make(scratch_path(&s, "w"), NULL, &cases[_i].of_w, 1);
	make(scratch_path(&s, "model"), NULL, &cases[_i].of_model, 1);
	refuse(NULL, cases[_i].words);
}
END_TEST

/* The source is chosen from, renamed and cast first. */
START_TEST(rules_are_for_the_source)
{
	const struct heft_rename renames[] = { { "net.*", "*" } };
	const char *const out_of_it[] = { "net.c" };
	const struct heft_convert_plan plan = { .renames = renames,
		                                .n_renames = 1,
		                                .exclude = out_of_it,
		                                .n_exclude = 1,
		                                .float_dtype = HEFT_DTYPE_F16 };
	char *out;

	MAKE(scratch_path(&s, "w"), NULL, VECTOR("net.a", 2, 10), VECTOR("net.b", 2, 20),
	     VECTOR("net.c", 9, 30));
	MAKE(scratch_path(&s, "model"), NULL, VECTOR_OF("a", 2, 1, HEFT_DTYPE_F16),
	     VECTOR_OF("b", 2, 2, HEFT_DTYPE_F16));
	out = bind(&plan);
	check(out, "a", 10);
	check(out, "b", 20);
	ck_assert_uint_eq(report.n_cast, 2);
	ck_assert_str_eq(report.note, "");
}
END_TEST

START_TEST(a_rule_that_matches_nothing_is_a_mistake)
{
	const char *const none[] = { "x*" };
	const struct heft_convert_plan plans[] = {
		{ .include = none, .n_include = 1 },
		{ .keep = none, .n_keep = 1 },
	};

	MAKE(scratch_path(&s, "w"), NULL, VECTOR("a", 2, 10));
	MAKE(scratch_path(&s, "model"), NULL, VECTOR("a", 2, 1));
	refuse(&plans[_i], _i == 0 ? "--include 'x*' matches no tensor" : "--keep 'x*'");
}
END_TEST

/* --- what keeps its own --- */

START_TEST(scalars_and_integers_keep_the_models_bytes)
{
	char *out;

	MAKE(scratch_path(&s, "w"), NULL, VECTOR("a", 2, 10), SCALAR("spare", 20),
	     VECTOR_OF("shape", 2, 30, HEFT_DTYPE_I64), VECTOR("more", 9, 0));
	MAKE(scratch_path(&s, "model"), NULL, VECTOR("a", 2, 1), SCALAR("eps", 2),
	     VECTOR_OF("ids", 2, 3, HEFT_DTYPE_I64), VECTOR_OF("shape", 2, 4, HEFT_DTYPE_I64));
	out = bind(NULL);
	check(out, "a", 10);
	ck_assert_double_eq(value_at(out, "eps", 0), 2);
	check(out, "ids", 3);
	check(out, "shape", 30);
	ck_assert_str_eq(report.note, "2 of the model keep its bytes, as 'eps'; "
	                              "2 of the source have no place, as 'spare'");
}
END_TEST

START_TEST(a_pattern_keeps_the_models_bytes)
{
	const char *const keep[] = { "mean*" };
	const struct heft_convert_plan plan = { .keep = keep, .n_keep = 1 };
	char *out;

	MAKE(scratch_path(&s, "w"), NULL, VECTOR("a", 2, 10), VECTOR("mean.b", 2, 20));
	MAKE(scratch_path(&s, "model"), NULL, VECTOR("a", 2, 1), VECTOR("mean.a", 2, 2),
	     VECTOR("mean.b", 2, 3));
	out = bind(&plan);
	check(out, "a", 10);
	check(out, "mean.a", 2);
	check(out, "mean.b", 3);
	ck_assert_str_eq(report.note, "1 of the source has no place, as 'mean.b'");
}
END_TEST

/* Neither a shape nor a name goes from one space to another. */
START_TEST(spaces_stay_apart)
{
	const struct maker again = { .format = "heft", .options = { .overwrite = true } };
	char *out;

	MAKE(scratch_path(&s, "w"), NULL, VECTOR("a", 2, 10),
	     VECTOR_IN("m", 3, 20, HEFT_SPACE_OPTIMIZER),
	     VECTOR_IN("n", 4, 30, HEFT_SPACE_OPTIMIZER));
	MAKE(scratch_path(&s, "model"), NULL, VECTOR("a", 2, 1),
	     VECTOR_IN("o", 4, 2, HEFT_SPACE_OPTIMIZER));
	out = bind(NULL);
	check(out, "a", 10);
	ck_assert_str_eq(
		report.note,
		"1 of the model keeps its bytes, as 'o'; 2 of the source have no place, as 'm'");
	MAKE(scratch_path(&s, "model"), &again, VECTOR("a", 2, 1), VECTOR("b", 3, 1));
	unlink(out);
	refuse(NULL, "'b' F32 [3]: nothing left has its shape");
}
END_TEST

/* --- ties --- */

static uint32_t tie_of(const char *path, const char *name)
{
	struct heft_file *file = model_open(path);
	struct heft_tensor t;

	ck_assert_int_eq(heft_find(file, name, &t, &err), HEFT_OK);
	heft_close(file);
	return t.tie;
}

START_TEST(a_tie_of_the_model_stays_where_both_get_the_same)
{
	const struct maker tied = { .format = "heft", .n_tied = 1 };
	const struct spec model[] = { VECTOR("a", 2, 1), VECTOR("t", 2, 1) };
	const struct spec w[][2] = {
		{ VECTOR("a", 2, 10), VECTOR("x", 7, 0) },  /* one of the two names */
		{ VECTOR("t", 2, 10), VECTOR("x", 7, 0) },  /* the other one */
		{ VECTOR("q", 2, 10), VECTOR("x", 7, 0) },  /* by shape: one parameter */
		{ VECTOR("a", 2, 10), VECTOR("t", 2, 10) }, /* tied there as well */
		{ VECTOR("a", 2, 10), VECTOR("t", 2, 20) }, /* two parameters */
	};
	char *out;

	make(scratch_path(&s, "model"), &tied, model, 2);
	make(scratch_path(&s, "w"), _i == 3 ? &tied : NULL, w[_i], 2);
	out = bind(NULL);
	check(out, "a", 10);
	check(out, "t", _i == 4 ? 20 : 10);
	ck_assert_uint_eq(tie_of(out, "t"), _i == 4 ? 1 : 0);
}
END_TEST

/* --- the graph --- */

/* Of a model with one initializer, F32 a[2]. */
static struct heft_buffer make_graph(void)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer t = made_tensor("a", 1, 2, 0);

	made_bytes(&t, 9, "", 0);
	made_message(&graph, 5, &t);
	return made_model(&graph);
}

static void check_graph(const char *path, const void *bytes, size_t n)
{
	struct heft_file *file = model_open(path);
	const void *found;
	size_t size;

	ck_assert_int_eq(heft_graph(file, &found, &size, &err), HEFT_OK);
	ck_assert_uint_eq(size, n);
	if (n > 0)
		ck_assert_mem_eq(found, bytes, n);
	else
		ck_assert_ptr_null(found);
	heft_close(file);
}

/* [R7.3-1] */
START_TEST(the_graph_is_the_models)
{
	struct heft_buffer graph = make_graph();
	const struct maker m = { .format = "heft", .graph = graph.bytes, .graph_size = graph.size };
	const struct heft_convert_plan plans[] = {
		{ .drop_graph = false },
		{ .drop_graph = true },
		{ .format = "safetensors" },
	};

	MAKE(scratch_path(&s, "w"), NULL, VECTOR("a", 2, 10));
	MAKE(scratch_path(&s, "model"), &m, VECTOR("a", 2, 1));
	check_graph(bind(&plans[_i]), graph.bytes, _i == 0 ? graph.size : 0);
	ck_assert_str_eq(report.note, _i == 2 ? "the graph is left out: safetensors has no place "
	                                        "for it"
	                                      : "");
	heft_buffer_done(&graph);
}
END_TEST

/* As of what an exporter computed. One that could be something else, or does a weight's work, is
 * missed. */
START_TEST(what_has_no_role_and_no_counterpart_keeps_its_bytes)
{
	static const char *const words[] = { NULL, "'q' has its shape", "'fc.weight' F32 [3]" };
	const struct spec consts[] = { VECTOR("k", 3, 5), VECTOR("k", 3, 5),
		                       VECTOR("fc.weight", 3, 5) };
	struct heft_buffer graph = make_graph();
	const struct maker m = { .format = "heft", .graph = graph.bytes, .graph_size = graph.size };
	const struct spec model[] = { VECTOR("a", 2, 1), consts[_i] };

	MAKE(scratch_path(&s, "w"), NULL, VECTOR("a", 2, 10),
	     VECTOR_OF("q", _i == 1 ? 3 : 7, 20, HEFT_DTYPE_F16));
	make(scratch_path(&s, "model"), &m, model, 2);
	if (words[_i]) {
		refuse(NULL, words[_i]);
	} else {
		check(bind(NULL), "k", 5);
		ck_assert_str_eq(report.note, "1 of the model keeps its bytes, as 'k'; "
		                              "1 of the source has no place, as 'q'");
	}
	heft_buffer_done(&graph);
}
END_TEST

/* --- the rest --- */

/* spec R5-6 */
START_TEST(bytes_never_depend_on_the_threads)
{
	struct heft_convert_plan plan = { .allow_transpose = true, .run = { .n_threads = 1 } };
	size_t size;
	char *bytes;

	MAKE(scratch_path(&s, "w"), NULL, MATRIX("a", 700, 900, 5), VECTOR("b", 500000, 1));
	MAKE(scratch_path(&s, "model"), NULL, VECTOR_OF("k", 300000, 3, HEFT_DTYPE_I64),
	     MATRIX("a", 900, 700, 1), VECTOR("b", 500000, 2));
	bytes = scratch_read(bind(&plan), &size);
	plan.run.n_threads = 3;
	scratch_check(bind(&plan), bytes, size);
	free(bytes);
}
END_TEST

START_TEST(the_target_may_be_the_model)
{
	char *model = scratch_path(&s, "model");

	MAKE(scratch_path(&s, "w"), NULL, VECTOR("a", 2, 10));
	MAKE(model, NULL, VECTOR("a", 2, 1));
	ck_assert_msg(try_bind(model, NULL) == HEFT_OK, "%s", err.msg);
	check(model, "a", 10);
}
END_TEST

START_TEST(a_model_is_one_file)
{
	const struct heft_convert_plan plan = { .format = "safetensors", .shard_size = 100 };

	MAKE(scratch_path(&s, "w"), NULL, VECTOR("a", 2, 10));
	MAKE(scratch_path(&s, "model"), NULL, VECTOR("a", 2, 1));
	refuse(&plan, "into one file");
}
END_TEST

START_TEST(options_for_a_model_need_one)
{
	const char *const keep[] = { "*" };
	const struct heft_convert_plan plans[] = {
		{ .format = "heft", .allow_transpose = true },
		{ .format = "heft", .keep = keep, .n_keep = 1 },
	};
	struct heft_file *file;

	MAKE(scratch_path(&s, "w"), NULL, VECTOR("a", 2, 10));
	file = model_open(scratch_path(&s, "w"));
	ck_assert_int_eq(heft_convert(file, scratch_path(&s, "out"), &plans[_i], NULL, &err),
	                 HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "only with a model"));
	heft_close(file);
}
END_TEST

static bool cancel(void *user, uint64_t done, uint64_t total)
{
	(void)user;
	(void)done;
	(void)total;
	return true;
}

START_TEST(a_cancelled_conversion_leaves_nothing)
{
	const struct heft_convert_plan plan = { .allow_transpose = true,
		                                .run = { .progress = cancel, .n_threads = 1 } };

	MAKE(scratch_path(&s, "w"), NULL, MATRIX("a", 700, 900, 5));
	MAKE(scratch_path(&s, "model"), NULL, MATRIX("a", 900, 700, 1));
	ck_assert_int_eq(try_bind(scratch_path(&s, "out"), &plan), HEFT_E_CANCELLED);
	ck_assert_uint_eq(scratch_n_files(&s), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights bind");
	TCase *tc = tcase_create("bind");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, names_decide_whatever_the_order);
	tcase_add_loop_test(tc, a_namesake_must_fit, 0, 7);
	tcase_add_test(tc, rules_are_for_the_source);
	tcase_add_loop_test(tc, a_rule_that_matches_nothing_is_a_mistake, 0, 2);
	tcase_add_test(tc, scalars_and_integers_keep_the_models_bytes);
	tcase_add_test(tc, a_pattern_keeps_the_models_bytes);
	tcase_add_test(tc, spaces_stay_apart);
	tcase_add_loop_test(tc, a_tie_of_the_model_stays_where_both_get_the_same, 0, 5);
	tcase_add_loop_test(tc, the_graph_is_the_models, 0, 3);
	tcase_add_loop_test(tc, what_has_no_role_and_no_counterpart_keeps_its_bytes, 0, 3);
	tcase_add_test(tc, bytes_never_depend_on_the_threads);
	tcase_add_test(tc, the_target_may_be_the_model);
	tcase_add_test(tc, a_model_is_one_file);
	tcase_add_loop_test(tc, options_for_a_model_need_one, 0, 2);
	tcase_add_test(tc, a_cancelled_conversion_leaves_nothing);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
