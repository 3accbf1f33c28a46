/* SPDX-License-Identifier: Apache-2.0 */
/* test_artifact_tuned.c - models written anew: tuned weights with their lineage, new heads, first
 * values; and what fails leaves nothing behind. */
#include "heft/tuned.h"

#include <math.h>
#include <stdlib.h>

#include "artifact/first_values.h"
#include "base/error.h"
#include "graph_made.h"
#include "heft/digest.h"
#include "lineage_made.h"
#include "model.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct heft_error err;
static char *model; /* ONNX: y = x w + b, w [4,10] */

static struct heft_file *opened(const char *path)
{
	struct heft_file *file;

	ck_assert_msg(heft_open(path, NULL, &file, &err) == HEFT_OK, "%s", err.msg);
	return file;
}

static void set_up(void)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer opset = made_empty();
	struct heft_buffer b;

	scratch_init(&s);
	model = scratch_path(&s, "model.onnx");
	graph_add_weights(&graph, "w F32 4,10; b F32 10");
	graph_add_nodes(&graph, "m = MatMul x w; y = Add m b");
	graph_add_value(&graph, 11, "x", 1, "N,4");
	graph_add_value(&graph, 12, "y", 1, "N,10");
	b = made_model(&graph);
	made_uint(&opset, 2, 17);
	made_message(&b, 8, &opset);
	scratch_write(model, b.bytes, b.size);
	heft_buffer_done(&b);
}

static void tear_down(void)
{
	scratch_done(&s);
}

/* --- tuned weights --- */

struct tuned {
	const char *name;
	float values[40];
};

static enum heft_status give(void *user, const struct heft_tensor *t, const void **bytes,
                             struct heft_error *e)
{
	struct tuned *tuned = user;

	(void)e;
	if (strcmp(t->name, tuned->name) == 0)
		*bytes = tuned->values;
	return HEFT_OK;
}

static enum heft_status give_nothing(void *user, const struct heft_tensor *t, const void **bytes,
                                     struct heft_error *e)
{
	(void)user;
	(void)bytes;
	return heft_fail(e, HEFT_E_IO, HEFT_NO_OFFSET, "no bytes of '%s'", t->name);
}

static void make_tuned(struct tuned *tuned, const char *name)
{
	tuned->name = name;
	for (unsigned i = 0; i < 40; i++)
		tuned->values[i] = (float)i / 8;
}

static const struct heft_tuned_options quick = { .write = { .no_sync = true } };

static const char *const columns[] = { "epoch", "loss" };
static const double cells[] = { 1, 0.5, 2, 0.25 };
static const struct heft_epochs table = {
	.columns = columns, .n_columns = 2, .cells = cells, .n_rows = 2
};

static struct heft_lineage_step simple_step(void)
{
	static const char *const changed[] = { "w" };

	return (struct heft_lineage_step){ .numerics = 1,
		                           .recipe = "{\"lr\":0.1}",
		                           .changed = changed,
		                           .n_changed = 1,
		                           .kept = "last",
		                           .kept_epoch = 2,
		                           .kept_step = 7 };
}

static void check_lineage(struct heft_file *file, uint32_t n_steps)
{
	struct heft_lineage_report report;
	uint8_t digest[HEFT_DIGEST_SIZE];

	ck_assert_int_eq(heft_weights_digest(file, NULL, digest, &err), HEFT_OK);
	ck_assert_int_eq(heft_lineage_verify(file, digest, &report, &err), HEFT_OK);
	ck_assert_msg(report.answer == (n_steps > 0 ? HEFT_LINEAGE_AGREES : HEFT_LINEAGE_NONE),
	              "%s", report.msg);
	ck_assert_uint_eq(report.n_steps, n_steps);
}

static void check_values(struct heft_file *file, const char *name, const float *expected, size_t n)
{
	struct heft_tensor t;
	float found[40];

	ck_assert_int_eq(heft_find(file, name, &t, &err), HEFT_OK);
	ck_assert_uint_eq(t.n_bytes, n * sizeof *found);
	ck_assert_int_eq(heft_read(file, &t, 0, found, n * sizeof *found, &err), HEFT_OK);
	ck_assert_mem_eq(found, expected, n * sizeof *found);
}

static void check_same_graph(struct heft_file *a, struct heft_file *b)
{
	const void *x;
	const void *y;
	size_t n_x;
	size_t n_y;

	ck_assert_int_eq(heft_graph(a, &x, &n_x, &err), HEFT_OK);
	ck_assert_int_eq(heft_graph(b, &y, &n_y, &err), HEFT_OK);
	ck_assert_uint_eq(n_x, n_y);
	ck_assert_mem_eq(x, y, n_x);
}

static void write_tuned(const char *from, const char *to, const char *name,
                        const struct heft_epochs *epochs)
{
	const struct heft_lineage_step step = simple_step();
	struct heft_file *file = opened(from);
	struct tuned tuned;

	make_tuned(&tuned, name);
	ck_assert_msg(heft_tuned_write(file, to, give, &tuned, &step, epochs, &quick, NULL, &err) ==
	                      HEFT_OK,
	              "%s", err.msg);
	heft_close(file);
}

START_TEST(tuned_weights_take_the_place_of_the_old_ones)
{
	char *out = scratch_path(&s, "out.heft");
	static const float zeros[10];
	struct heft_lineage_step step;
	struct heft_lineage *lineage;
	struct heft_epochs *epochs;
	struct tuned tuned;
	struct heft_file *parent = opened(model);
	struct heft_file *file;
	uint8_t digest[HEFT_DIGEST_SIZE];

	make_tuned(&tuned, "w");
	write_tuned(model, out, "w", &table);
	file = opened(out);
	check_values(file, "w", tuned.values, 40);
	check_values(file, "b", zeros, 10);
	check_same_graph(file, parent);
	check_lineage(file, 1);
	ck_assert_int_eq(heft_lineage_read(file, &lineage, &err), HEFT_OK);
	ck_assert_int_eq(heft_lineage_step_at(lineage, 0, &step, &err), HEFT_OK);
	ck_assert_int_eq(heft_weights_digest(parent, NULL, digest, &err), HEFT_OK);
	ck_assert_mem_eq(step.parent_digest, digest, sizeof digest);
	ck_assert(!step.has_parent_artifact);
	ck_assert_str_eq(step.recipe, "{\"lr\":0.1}");
	ck_assert_int_eq(heft_epochs_read(file, &epochs, &err), HEFT_OK);
	ck_assert_uint_eq(epochs->n_rows, 2);
	ck_assert_double_eq(epochs->cells[3], 0.25);
	heft_epochs_free(epochs);
	heft_lineage_free(lineage);
	heft_close(file);
	heft_close(parent);
}
END_TEST

START_TEST(a_second_training_stands_behind_the_first)
{
	char *a = scratch_path(&s, "a.heft");
	char *b = scratch_path(&s, "b.heft");
	struct heft_lineage_step steps[2];
	struct heft_lineage *lineage;
	uint8_t artifact[HEFT_DIGEST_SIZE];
	struct heft_file *file;

	write_tuned(model, a, "w", &table);
	write_tuned(a, b, "b", NULL);
	file = opened(a);
	ck_assert_int_eq(heft_artifact_digest(file, artifact, &err), HEFT_OK);
	heft_close(file);
	file = opened(b);
	check_lineage(file, 2);
	ck_assert_int_eq(heft_lineage_read(file, &lineage, &err), HEFT_OK);
	for (uint32_t i = 0; i < 2; i++)
		ck_assert_int_eq(heft_lineage_step_at(lineage, i, &steps[i], &err), HEFT_OK);
	ck_assert_mem_eq(steps[0].result_digest, steps[1].parent_digest, HEFT_DIGEST_SIZE);
	ck_assert(steps[1].has_parent_artifact);
	ck_assert_mem_eq(steps[1].parent_artifact, artifact, HEFT_DIGEST_SIZE);
	/* The run of the first training is not that of the second. */
	ck_assert_int_eq(heft_epochs_read(file, &(struct heft_epochs *){ NULL }, &err),
	                 HEFT_E_NOT_FOUND);
	heft_lineage_free(lineage);
	heft_close(file);
}
END_TEST

START_TEST(another_format_has_the_weights_and_no_lineage)
{
	char *out = scratch_path(&s, "out.onnx");
	struct tuned tuned;
	struct heft_file *file;

	make_tuned(&tuned, "w");
	write_tuned(model, out, "w", &table);
	file = opened(out);
	ck_assert_str_eq(heft_format_name(file), "onnx");
	check_values(file, "w", tuned.values, 40);
	check_lineage(file, 0);
	heft_close(file);
}
END_TEST

START_TEST(tied_tensors_stay_tied)
{
	char *from = scratch_path(&s, "tied.heft");
	char *out = scratch_path(&s, "out.heft");
	struct heft_lineage_step step = simple_step();
	static const char *const changed[] = { "layer.weight" };
	struct heft_file *file;
	struct tuned tuned;
	struct heft_tensor t;

	step.changed = changed;
	model_write(from, "heft", &quick.write, true, NULL);
	make_tuned(&tuned, "layer.weight");
	file = opened(from);
	ck_assert_msg(heft_tuned_write(file, out, give, &tuned, &step, NULL, &quick, NULL, &err) ==
	                      HEFT_OK,
	              "%s", err.msg);
	heft_close(file);
	file = opened(out);
	ck_assert_uint_eq(heft_n_tensors(file), MODEL_N + 1);
	check_values(file, "tied.weight", tuned.values, 6);
	ck_assert_int_eq(heft_find(file, "tied.weight", &t, &err), HEFT_OK);
	ck_assert_uint_ne(t.tie, t.index);
	check_lineage(file, 1);
	heft_close(file);
}
END_TEST

/* A checkpoint of a training becomes a model. */
START_TEST(what_spoke_of_the_old_weights_is_left_out)
{
	static const struct heft_tensor tensors[] = {
		{ .name = "w.m",
		  .dtype = HEFT_DTYPE_F32,
		  .space = HEFT_SPACE_OPTIMIZER,
		  .rank = 1,
		  .dims = { 2 } },
		{ .name = "w", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 2 } },
		{ .name = "n", .dtype = HEFT_DTYPE_I64, .space = HEFT_SPACE_STATE, .rank = 0 },
	};
	char *from = scratch_path(&s, "from.heft");
	char *out = scratch_path(&s, "out.heft");
	struct heft_writer *w;
	struct heft_file *file;
	const char *json;
	struct tuned tuned;
	static const uint8_t zeros[8];

	ck_assert_int_eq(heft_create(from, "heft", &quick.write, &w, &err), HEFT_OK);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(heft_declare(w, &tensors[i], &err), HEFT_OK);
	ck_assert_int_eq(heft_set_metadata(w, "{\"heft.checkpoint\":{\"step\":3},\"note\":\"x\"}",
	                                   &err),
	                 HEFT_OK);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(heft_put(w, i, zeros, 8, &err), HEFT_OK);
	ck_assert_int_eq(heft_commit(w, NULL, &err), HEFT_OK);
	make_tuned(&tuned, "w");
	write_tuned(from, out, "w", NULL);
	file = opened(out);
	ck_assert_uint_eq(heft_n_tensors(file), 2);
	check_values(file, "w", tuned.values, 2);
	ck_assert_int_eq(heft_metadata(file, &json, &err), HEFT_OK);
	ck_assert_str_eq(json, "{\"note\":\"x\"}");
	heft_close(file);
}
END_TEST

/* Of a dtype that this version does not know the unit goes along. */
START_TEST(tensors_of_unknown_dtypes_are_carried)
{
	static const struct heft_tensor unknown = { .name = "u",
		                                    .dtype = (enum heft_dtype)0x7001,
		                                    .rank = 1,
		                                    .dims = { 2 },
		                                    .n_elements = 2,
		                                    .n_bytes = 10,
		                                    .alignment = 5 };
	static const struct heft_tensor known = { .name = "w", .dtype = HEFT_DTYPE_F32 };
	char *from = scratch_path(&s, "from.heft");
	char *out = scratch_path(&s, "out.heft");
	struct heft_file *a;
	struct heft_file *b;
	struct heft_writer *w;
	struct heft_tensor t;
	uint8_t digests[2][2 * HEFT_DIGEST_SIZE];

	ck_assert_int_eq(heft_create(from, "heft", &quick.write, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &unknown, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &known, &err), HEFT_OK);
	ck_assert_int_eq(heft_put(w, 0, "0123456789", 10, &err), HEFT_OK);
	ck_assert_int_eq(heft_put(w, 1, "0123", 4, &err), HEFT_OK);
	ck_assert_int_eq(heft_commit(w, NULL, &err), HEFT_OK);
	write_tuned(from, out, "w", NULL);
	a = opened(from);
	b = opened(out);
	ck_assert_int_eq(heft_tensor_digests(a, NULL, digests[0], &err), HEFT_OK);
	ck_assert_int_eq(heft_tensor_digests(b, NULL, digests[1], &err), HEFT_OK);
	ck_assert_mem_eq(digests[0], digests[1], HEFT_DIGEST_SIZE);
	ck_assert_mem_ne(digests[0] + HEFT_DIGEST_SIZE, digests[1] + HEFT_DIGEST_SIZE,
	                 HEFT_DIGEST_SIZE);
	ck_assert_int_eq(heft_find(b, "u", &t, &err), HEFT_OK);
	ck_assert_uint_eq(t.n_bytes, 10);
	heft_close(a);
	heft_close(b);
}
END_TEST

START_TEST(what_fails_leaves_nothing_behind)
{
	static const char *const odd[] = { "\xff" };
	const struct heft_epochs bad = {
		.columns = odd, .n_columns = 1, .cells = cells, .n_rows = 1
	};
	struct heft_lineage_step step = simple_step();
	struct heft_lineage_link link = { .n_steps = 7, .loss = 0.5 };
	char *out = scratch_path(&s, "out.heft");
	struct heft_file *file = opened(model);
	struct tuned tuned;
	enum heft_status st;

	make_tuned(&tuned, "w");
	if (_i == 1) { /* a chain of other weights */
		step.links = &link;
		step.n_links = 1;
	}
	st = heft_tuned_write(file, out, _i == 0 ? give_nothing : give, &tuned, &step,
	                      _i == 2 ? &bad : NULL, &quick, NULL, &err);
	ck_assert_int_eq(st, _i == 0 ? HEFT_E_IO : HEFT_E_USAGE);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
	heft_close(file);
}
END_TEST

/* --- heads and first values --- */

START_TEST(a_head_of_another_size_keeps_the_rest)
{
	const struct heft_head_options o = { .n_classes = 3, .seed = 1, .target = quick };
	char *out = scratch_path(&s, "out.heft");
	struct heft_head_report report;
	struct heft_file *file = opened(model);
	struct heft_tensor t;

	ck_assert_msg(heft_head_write(file, out, &o, &report, &err) == HEFT_OK, "%s", err.msg);
	heft_close(file);
	ck_assert_uint_eq(report.n_old, 10);
	ck_assert_str_eq(report.weight, "w");
	ck_assert_str_eq(report.bias, "b");
	ck_assert_str_eq(report.layer_op, "MatMul");
	file = opened(out);
	ck_assert_int_eq(heft_find(file, "w", &t, &err), HEFT_OK);
	ck_assert(t.dims[0] == 4 && t.dims[1] == 3);
	ck_assert_int_eq(heft_find(file, "b", &t, &err), HEFT_OK);
	ck_assert_uint_eq(t.dims[0], 3);
	check_lineage(file, 1);
	heft_close(file);
}
END_TEST

START_TEST(options_out_of_range_are_refused)
{
	const struct heft_head_options heads[] = {
		{ .n_classes = 0 },
		{ .n_classes = UINT64_MAX },
		{ .n_classes = 2, .first = HEFT_FIRST_NORMAL },
	};
	const struct heft_init_options inits[] = {
		{ .first = HEFT_FIRST_NORMAL },
		{ .first = HEFT_FIRST_NORMAL, .deviation = (double)NAN },
		{ .first = (enum heft_first_values)7 },
	};
	struct heft_file *file = opened(model);
	char *out = scratch_path(&s, "out.heft");

	ck_assert_int_eq(heft_head_write(file, out, &heads[_i], NULL, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_init_write(file, out, &inits[_i], NULL, &err), HEFT_E_USAGE);
	heft_close(file);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

START_TEST(a_file_without_a_graph_has_no_head)
{
	const struct heft_head_options head = { .n_classes = 3 };
	const struct heft_init_options init = { .first = HEFT_FIRST_HE };
	char *from = scratch_path(&s, "plain.heft");
	char *out = scratch_path(&s, "out.heft");
	struct heft_file *file;

	model_write(from, "heft", &quick.write, false, NULL);
	file = opened(from);
	ck_assert_int_eq(heft_head_write(file, out, &head, NULL, &err), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(heft_init_write(file, out, &init, NULL, &err), HEFT_E_NOT_FOUND);
	heft_close(file);
}
END_TEST

/* L5-3, L5-4: an element does not depend on how many there are; types are rounded once more. */
START_TEST(first_values_of_every_type_are_those_of_f32)
{
	enum {
		N = 2050
	};
	static const enum heft_dtype dtypes[] = { HEFT_DTYPE_F16, HEFT_DTYPE_BF16 };
	const struct heft_first first = { .first = _i == 0 ? HEFT_FIRST_HE : HEFT_FIRST_XAVIER,
		                          .fan_in = 48,
		                          .fan_out = 7 };
	struct heft_tensor t = {
		.name = "t", .dtype = HEFT_DTYPE_F32, .index = 3, .n_elements = N
	};
	static float values[N];
	static float fewer[N];
	static double wide[N];
	static uint16_t narrow[N];
	static uint16_t expected[N];

	ck_assert_int_eq(heft_first_fill(&first, 9, &t, values, &err), HEFT_OK);
	t.n_elements = 1027;
	ck_assert_int_eq(heft_first_fill(&first, 9, &t, fewer, &err), HEFT_OK);
	ck_assert_mem_eq(fewer, values, 1027 * sizeof *fewer);
	t.n_elements = N;
	for (unsigned k = 0; k < 2; k++) {
		t.dtype = dtypes[k];
		ck_assert_int_eq(heft_first_fill(&first, 9, &t, narrow, &err), HEFT_OK);
		ck_assert_int_eq(heft_cast_elements(dtypes[k], expected, HEFT_DTYPE_F32, values, N,
		                                    &err),
		                 HEFT_OK);
		ck_assert_mem_eq(narrow, expected, sizeof narrow);
	}
	t.dtype = HEFT_DTYPE_F64;
	ck_assert_int_eq(heft_first_fill(&first, 9, &t, wide, &err), HEFT_OK);
	for (unsigned i = 0; i < N; i++)
		ck_assert_double_le(fabs(wide[i] - (double)values[i]),
		                    2e-7 * fabs((double)values[i]));
	t.index = 4;
	t.dtype = HEFT_DTYPE_F32;
	ck_assert_int_eq(heft_first_fill(&first, 9, &t, fewer, &err), HEFT_OK);
	ck_assert_mem_ne(fewer, values, sizeof values);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("artifact tuned");
	TCase *tc = tcase_create("tuned");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, tuned_weights_take_the_place_of_the_old_ones);
	tcase_add_test(tc, a_second_training_stands_behind_the_first);
	tcase_add_test(tc, another_format_has_the_weights_and_no_lineage);
	tcase_add_test(tc, tied_tensors_stay_tied);
	tcase_add_test(tc, what_spoke_of_the_old_weights_is_left_out);
	tcase_add_test(tc, tensors_of_unknown_dtypes_are_carried);
	tcase_add_loop_test(tc, what_fails_leaves_nothing_behind, 0, 3);
	tcase_add_test(tc, a_head_of_another_size_keeps_the_rest);
	tcase_add_loop_test(tc, options_out_of_range_are_refused, 0, 3);
	tcase_add_test(tc, a_file_without_a_graph_has_no_head);
	tcase_add_loop_test(tc, first_values_of_every_type_are_those_of_f32, 0, 2);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
