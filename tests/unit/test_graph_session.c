/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph_session.c - models planned and run: what is fused, laid out, folded and placed changes
 * no bit; what cannot be computed is told. */
#include <pthread.h>
#include <string.h>

#include "alloc_fail.h"
#include "import_made.h"
#include "kernel/elementary.h"
#include "unit.h"

#define MAX_VALUES 8

/* Weights as graph_made.h has them, but F32 ones are numbers of both signs. */
static void add_weights(struct heft_buffer *graph, const char *text)
{
	static const uint8_t raw_data = 9 << 3 | 2;

	while (graph_next(&text)) {
		struct heft_buffer t = graph_weight(&text);
		const bool is_f32 = memmem(t.bytes, t.size, "\x10\x01", 2) != NULL;
		uint8_t *at = memrchr(t.bytes, raw_data, t.size);

		/* the last field: a length, then zeros */
		ck_assert_ptr_nonnull(at);
		while (at[1] & 0x80)
			at++;
		for (at += 2; is_f32 && at + 4 <= t.bytes + t.size; at += 4) {
			const float v = (float)((int)((size_t)(at - t.bytes) * 37 % 201) - 100) /
			                64;

			memcpy(at, &v, sizeof v);
		}
		made_message(graph, 5, &t);
	}
}

/* A session, and room for what is given to it. */
struct ran {
	struct imported im;
	struct heft_session *session;
	struct heft_value inputs[MAX_VALUES];
	float room[MAX_VALUES][4096];
	uint32_t n_inputs;
	const struct heft_value *outputs;
	uint32_t n_outputs;
	struct heft_error err;
};

static struct ran *start(struct import_made *m, const struct heft_session_options *options)
{
	struct ran *r = calloc(1, sizeof *r);

	ck_assert_ptr_nonnull(r);
	r->im = import_whole(m, NULL);
	ck_assert_int_eq(heft_session_new(r->im.model, options, &r->session, &r->err), HEFT_OK);
	return r;
}

static void done(struct ran *r)
{
	heft_session_free(r->session);
	import_done(&r->im);
	free(r);
}

/* An F32 input of these dims (ends with 0), filled with numbers of both signs. */
static void give(struct ran *r, const char *name, const uint64_t *dims)
{
	struct heft_value *v = &r->inputs[r->n_inputs];
	float *x = r->room[r->n_inputs++];
	uint64_t n = 1;

	*v = (struct heft_value){ .name = name, .dtype = HEFT_DTYPE_F32, .bytes = x };
	for (; dims[v->rank]; v->rank++) {
		v->dims[v->rank] = dims[v->rank];
		n *= dims[v->rank];
	}
	ck_assert_uint_le(n, 4096);
	v->n_bytes = n * sizeof *x;
	for (uint64_t i = 0; i < n; i++)
		x[i] = (float)((int)((i * 2654435761u >> 7) % 2001) - 1000) / 512.0f;
}

static void run(struct ran *r)
{
	ck_assert_msg(heft_session_run(r->session, r->inputs, r->n_inputs, &r->outputs,
	                               &r->n_outputs, &r->err) == HEFT_OK,
	              "%s", r->err.msg);
}

static const struct heft_value *output(const struct ran *r, const char *name)
{
	for (uint32_t i = 0; i < r->n_outputs; i++) {
		if (strcmp(r->outputs[i].name, name) == 0)
			return &r->outputs[i];
	}
	ck_abort_msg("no output %s", name);
	return NULL;
}

static void check_same(const struct heft_value *a, const struct heft_value *b)
{
	ck_assert_uint_eq(a->n_bytes, b->n_bytes);
	ck_assert_int_eq(a->dtype, b->dtype);
	ck_assert_uint_eq(a->rank, b->rank);
	ck_assert_mem_eq(a->dims, b->dims, a->rank * sizeof *a->dims);
	ck_assert_mem_eq(a->bytes, b->bytes, a->n_bytes);
}

static uint32_t n_steps(const struct ran *r)
{
	struct heft_session_facts facts;

	heft_session_facts(r->session, &facts);
	return facts.n_steps;
}

/* A step's label, as "Conv+Relu". */
static const char *label(const struct ran *r, uint32_t i)
{
	static struct heft_session_step step;
	struct heft_error err;

	ck_assert_msg(heft_session_step(r->session, i, &step, &err) == HEFT_OK, "%s", err.msg);
	return step.op;
}

/* `nodes` run with `y` alone as the output, and with all values as outputs, so that nothing can be
 * fused: the same y. Gives the first of both. */
static struct ran *check_passes(const char *weights, const char *nodes, const char *all,
                                const uint64_t *dims)
{
	struct ran *both[2];

	for (int i = 0; i < 2; i++) {
		struct import_made m = import_start(17);

		add_weights(&m.graph, weights);
		graph_add_names(&m.graph, 11, "x");
		graph_add_nodes(&m.graph, nodes);
		graph_add_names(&m.graph, 12, i == 0 ? "y" : all);
		both[i] = start(&m, NULL);
		give(both[i], "x", dims);
		run(both[i]);
	}
	check_same(output(both[0], "y"), output(both[1], "y"));
	ck_assert_uint_le(n_steps(both[0]), n_steps(both[1]));
	done(both[1]);
	return both[0];
}

static const uint64_t matrix[] = { 5, 7, 0 };
static const uint64_t image[] = { 2, 3, 9, 8, 0 };

START_TEST(what_follows_a_product_is_fused_into_it)
{
	struct ran *r = check_passes("w F32 7,6; b F32 6; c F32 5,6",
	                             "h = MatMul x w; a = Add h b; y = Relu a", "h; a; y", matrix);

	ck_assert_uint_eq(n_steps(r), 1);
	ck_assert_str_eq(label(r, 0), "MatMul+Add+Relu");
	done(r);
}
END_TEST

START_TEST(a_residual_is_added_where_it_is_made_last)
{
	struct ran *r = check_passes("w F32 4,3,1,1; v F32 4,3,1,1",
	                             "a = Conv x w; b = Conv x v; s = Add a b; y = Relu s",
	                             "a; b; s; y", image);

	ck_assert_str_eq(label(r, n_steps(r) - 2), "Conv+Add+Relu");
	ck_assert_str_eq(label(r, n_steps(r) - 1), "Layout");
	done(r);
}
END_TEST

START_TEST(what_is_between_convolutions_keeps_their_layout)
{
	struct ran *r = check_passes(
		"w F32 4,3,3,3; v F32 2,4,3,3; s F32 4,1,1; t F32 1,4,1,1",
		"a = Conv x w; b = Mul a s; c = Sigmoid b; d = Add c t; e = Mul d a; y = Conv e v",
		"a; b; c; d; e; y", image);
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_steps(r); i++)
		n += strcmp(label(r, i), "Layout") == 0;
	ck_assert_uint_eq(n, 2);
	done(r);
}
END_TEST

START_TEST(a_view_is_no_step)
{
	struct ran *r = check_passes("s I64 1",
	                             "a = Relu x; b = Unsqueeze a s; c = Flatten b; "
	                             "d = Identity c; y = Neg d",
	                             "a; y", matrix);

	ck_assert_uint_eq(n_steps(r), 2);
	done(r);
}
END_TEST

START_TEST(a_view_of_an_input_lives_as_long_as_the_outputs)
{
	struct import_made m = import_start(17);
	struct ran *r;

	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, "y = Flatten x");
	graph_add_names(&m.graph, 12, "y");
	r = start(&m, NULL);
	give(r, "x", image);
	run(r);
	ck_assert_ptr_ne(output(r, "y")->bytes, r->inputs[0].bytes);
	ck_assert_mem_eq(output(r, "y")->bytes, r->inputs[0].bytes, r->inputs[0].n_bytes);
	ck_assert_uint_eq(output(r, "y")->dims[1], 216);
	done(r);
}
END_TEST

START_TEST(what_is_constant_is_computed_once)
{
	struct ran *r = check_passes("w F32 7,7; v F32 7,7",
	                             "a = Add w v; b = MatMul a w; c = Transpose b; y = MatMul x c",
	                             "y", matrix);

	ck_assert_uint_eq(n_steps(r), 1);
	done(r);
}
END_TEST

START_TEST(places_are_used_again)
{
	struct heft_session_facts facts;
	struct ran *r = check_passes("w F32 1",
	                             "a = Exp x; b = Neg a; c = Add b a; d = Exp c; "
	                             "e = Neg d; f = Exp e; y = Neg f",
	                             "a; b; c; d; e; f; y", matrix);

	heft_session_facts(r->session, &facts);
	/* 35 elements in 192 bytes: two of them at once */
	ck_assert_uint_eq(facts.workspace_bytes, 384);
	done(r);
}
END_TEST

START_TEST(other_shapes_are_planned_anew)
{
	static const uint64_t larger[] = { 9, 7, 0 };
	struct import_made m = import_start(17);
	float first[30];
	struct ran *r;

	add_weights(&m.graph, "w F32 7,6");
	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, "y = MatMul x w");
	graph_add_names(&m.graph, 12, "y");
	r = start(&m, NULL);
	give(r, "x", matrix);
	run(r);
	memcpy(first, output(r, "y")->bytes, sizeof first);
	r->n_inputs = 0;
	give(r, "x", larger);
	run(r);
	ck_assert_uint_eq(output(r, "y")->dims[0], 9);
	/* a row does not depend on the batch around it */
	ck_assert_mem_eq(output(r, "y")->bytes, first, sizeof first);
	r->n_inputs = 0;
	give(r, "x", matrix);
	run(r);
	ck_assert_mem_eq(output(r, "y")->bytes, first, sizeof first);
	done(r);
}
END_TEST

/* spec F1-5: what is narrow is widened, computed, and rounded once. */
START_TEST(half_precision_is_widened_and_rounded_once)
{
	static const uint16_t x[] = { 0x3c01, 0x3555, 0xc123, 0x7bff };
	struct import_made m = import_start(17);
	struct ran *r;
	float wide[4];
	uint16_t expect[4];

	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, "a = Exp x; y = Mul a x");
	graph_add_names(&m.graph, 12, "y");
	r = start(&m, NULL);
	r->inputs[0] = (struct heft_value){ .name = "x",
		                            .dtype = HEFT_DTYPE_F16,
		                            .rank = 1,
		                            .dims = { 4 },
		                            .bytes = x,
		                            .n_bytes = sizeof x };
	r->n_inputs = 1;
	run(r);
	heft_cast_elements(HEFT_DTYPE_F32, wide, HEFT_DTYPE_F16, x, 4, NULL);
	heft_exp_f32(wide, wide, 4);
	heft_cast_elements(HEFT_DTYPE_F16, expect, HEFT_DTYPE_F32, wide, 4, NULL);
	for (int i = 0; i < 4; i++) {
		float e;
		float v;

		heft_cast_elements(HEFT_DTYPE_F32, &e, HEFT_DTYPE_F16, &expect[i], 1, NULL);
		heft_cast_elements(HEFT_DTYPE_F32, &v, HEFT_DTYPE_F16, &x[i], 1, NULL);
		e *= v;
		heft_cast_elements(HEFT_DTYPE_F16, &expect[i], HEFT_DTYPE_F32, &e, 1, NULL);
	}
	ck_assert_int_eq(output(r, "y")->dtype, HEFT_DTYPE_F16);
	ck_assert_mem_eq(output(r, "y")->bytes, expect, sizeof expect);
	done(r);
}
END_TEST

/* --- values that shapes follow from --- */

static struct import_made dynamic_model(void)
{
	struct import_made m = import_start(17);

	add_weights(&m.graph, "w F32 7,6");
	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, "h = MatMul x w; f = Relu h; n = NonZero f; t = Transpose n; "
	                          "v = GatherND f t; c = Shape v; k = Neg h");
	graph_add_names(&m.graph, 12, "v; c; k");
	return m;
}

START_TEST(shapes_that_follow_from_values_are_found_when_it_runs)
{
	struct import_made m = dynamic_model();
	struct ran *r = start(&m, NULL);
	struct heft_session_facts facts;
	const float *k;
	const float *v;
	uint64_t n = 0;

	give(r, "x", matrix);
	run(r);
	heft_session_facts(r->session, &facts);
	ck_assert_uint_eq(facts.n_dynamic, 4);
	k = output(r, "k")->bytes;
	v = output(r, "v")->bytes;
	for (int i = 0; i < 30; i++) {
		if (-k[i] > 0)
			ck_assert_float_eq(v[n++], -k[i]);
	}
	ck_assert_uint_eq(output(r, "v")->dims[0], n);
	ck_assert_int_eq(*(const int64_t *)output(r, "c")->bytes, (int64_t)n);
	done(r);
}
END_TEST

/* --- threads --- */

struct one {
	const struct heft_model *model;
	const struct heft_value *input;
	uint32_t n_threads;
	uint8_t y[120];
};

static void *run_one(void *ctx)
{
	struct one *o = ctx;
	const struct heft_session_options options = { .n_threads = o->n_threads };
	const struct heft_value *outputs;
	struct heft_session *session;
	struct heft_error err;
	uint32_t n;

	if (heft_session_new(o->model, &options, &session, &err) != HEFT_OK)
		return NULL;
	for (int i = 0; i < 3; i++) {
		if (heft_session_run(session, o->input, 1, &outputs, &n, &err) == HEFT_OK)
			memcpy(o->y, outputs[0].bytes, sizeof o->y);
	}
	heft_session_free(session);
	return NULL;
}

START_TEST(several_sessions_run_one_model_at_once)
{
	struct import_made m = import_start(17);
	pthread_t threads[3];
	struct one ones[3];
	struct ran *r;

	add_weights(&m.graph, "w F32 7,6");
	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, "h = MatMul x w; y = Tanh h");
	graph_add_names(&m.graph, 12, "y");
	r = start(&m, NULL);
	give(r, "x", matrix);
	run(r);
	for (uint32_t i = 0; i < 3; i++) {
		ones[i] = (struct one){ r->im.model, &r->inputs[0], i + 1, { 0 } };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run_one, &ones[i]), 0);
	}
	for (uint32_t i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_mem_eq(ones[i].y, output(r, "y")->bytes, sizeof ones[i].y);
	}
	done(r);
}
END_TEST

/* --- what goes wrong --- */

static void check_fails(struct ran *r, enum heft_status st, const char *message)
{
	ck_assert_int_eq(heft_session_run(r->session, r->inputs, r->n_inputs, &r->outputs,
	                                  &r->n_outputs, &r->err),
	                 st);
	ck_assert_str_eq(r->err.msg, message);
}

START_TEST(inputs_are_checked_by_name)
{
	static const uint64_t wrong[] = { 2, 3, 0 };
	struct import_made m = import_start(17);
	struct ran *r;

	graph_add_value(&m.graph, 11, "x", 1, "N,7");
	graph_add_value(&m.graph, 11, "z", 0, "");
	graph_add_nodes(&m.graph, "y = Add x z");
	graph_add_names(&m.graph, 12, "y");
	r = start(&m, NULL);
	check_fails(r, HEFT_E_USAGE, "input 'x' is not given");
	give(r, "q", matrix);
	check_fails(r, HEFT_E_USAGE, "the model has no input 'q'");
	r->n_inputs = 0;
	give(r, "x", wrong);
	check_fails(r, HEFT_E_USAGE, "input 'x': expected F32 [N, 7], given F32 [2, 3]");
	r->n_inputs = 0;
	give(r, "x", matrix);
	r->inputs[0].n_bytes--;
	check_fails(r, HEFT_E_USAGE, "input 'x' is of 139 bytes, and its shape asks for 140");
	r->inputs[0].dtype = HEFT_DTYPE_F64;
	check_fails(r, HEFT_E_USAGE, "input 'x': expected F32 [N, 7], given F64 [5, 7]");
	done(r);
}
END_TEST

static void note_problem(void *ctx, const struct heft_problem *problem)
{
	char *text = ctx;
	const size_t n = strlen(text);

	snprintf(text + n, 200 - n, "[%s %s]", problem->node, problem->op);
}

START_TEST(everything_that_cannot_be_computed_is_told_at_once)
{
	char text[200] = "";
	const struct heft_session_options options = { .problem = note_problem,
		                                      .problem_ctx = text };
	struct import_made m = import_start(17);
	struct ran *r;

	add_weights(&m.graph, "w F32 3,4; v F32 5,5");
	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, "a = MatMul x w; b = Add a a; c = MatMul x v; d = Neg x");
	graph_add_names(&m.graph, 12, "b; c; d");
	r = start(&m, &options);
	give(r, "x", matrix);
	ck_assert_int_eq(heft_session_run(r->session, r->inputs, 1, &r->outputs, &r->n_outputs,
	                                  &r->err),
	                 HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(r->err.msg, "node 'a' (MatMul): "));
	ck_assert_ptr_nonnull(strstr(r->err.msg, "(and 1 more)"));
	ck_assert_str_eq(text, "[ MatMul][ MatMul]");
	done(r);
}
END_TEST

START_TEST(memory_has_a_bound)
{
	const struct heft_session_options options = { .max_bytes = 4096 };
	struct import_made m = import_start(17);
	struct ran *r;

	graph_add_names(&m.graph, 11, "x");
	graph_add_nodes(&m.graph, "a = Neg x; b = MatMul a x; c = MatMul b b; y = Neg c");
	graph_add_names(&m.graph, 12, "y");
	r = start(&m, &options);
	give(r, "x", (const uint64_t[]){ 60, 60, 0 });
	ck_assert_int_eq(heft_session_run(r->session, r->inputs, 1, &r->outputs, &r->n_outputs,
	                                  &r->err),
	                 HEFT_E_LIMIT);
	done(r);
}
END_TEST

START_TEST(without_memory_it_fails_and_holds_nothing)
{
	struct import_made m = dynamic_model();
	struct imported im = import_whole(&m, NULL);
	const struct heft_session_options options = { .n_threads = 1 };
	static float x[35] = { 1 };
	const struct heft_value input = { .name = "x",
		                          .dtype = HEFT_DTYPE_F32,
		                          .rank = 2,
		                          .dims = { 5, 7 },
		                          .bytes = x,
		                          .n_bytes = sizeof x };

	for (size_t n = 1;; n++) {
		const struct heft_value *outputs;
		struct heft_session *session = NULL;
		struct heft_error err;
		uint32_t n_outputs;
		enum heft_status st;

		alloc_fail_at(n);
		st = heft_session_new(im.model, &options, &session, &err);
		if (st == HEFT_OK)
			st = heft_session_run(session, &input, 1, &outputs, &n_outputs, &err);
		heft_session_free(session);
		if (!alloc_fail_done())
			break;
		ck_assert_int_eq(st, HEFT_E_NOMEM);
	}
	import_done(&im);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_test(t, what_follows_a_product_is_fused_into_it);
	tcase_add_test(t, a_residual_is_added_where_it_is_made_last);
	tcase_add_test(t, what_is_between_convolutions_keeps_their_layout);
	tcase_add_test(t, a_view_is_no_step);
	tcase_add_test(t, a_view_of_an_input_lives_as_long_as_the_outputs);
	tcase_add_test(t, what_is_constant_is_computed_once);
	tcase_add_test(t, places_are_used_again);
	tcase_add_test(t, other_shapes_are_planned_anew);
	tcase_add_test(t, half_precision_is_widened_and_rounded_once);
	tcase_add_test(t, shapes_that_follow_from_values_are_found_when_it_runs);
	tcase_add_test(t, several_sessions_run_one_model_at_once);
	tcase_add_test(t, inputs_are_checked_by_name);
	tcase_add_test(t, everything_that_cannot_be_computed_is_told_at_once);
	tcase_add_test(t, memory_has_a_bound);
	tcase_add_test(t, without_memory_it_fails_and_holds_nothing);
}

static Suite *session_suite(void)
{
	Suite *s = suite_create("graph_session");
	TCase *t = tcase_create("session");

	tcase_set_timeout(t, 60);
	add_tests(t);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(session_suite());
}
