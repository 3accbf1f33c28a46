/* SPDX-License-Identifier: Apache-2.0 */
/* test_train_trainer.c - a model is trained: the same bits for any number of threads, on any CPU,
 * with and without kept features, interrupted or not; micro-batches; what is refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "heft/train.h"
#include "import_made.h"
#include "unit.h"

#define N 61      /* samples */
#define N_DIMS 12 /* of one */

static struct scratch s;
static struct heft_error err;
static struct heft_file *file;
static struct heft_dataset *data;
static char *model_path;

/* --- a model and data --- */

static float drawn(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return (float)(*state >> 8) * 0x1p-23f - 1;
}

/* An initializer of drawn numbers. */
static void add_drawn(struct heft_buffer *graph, const char *name, const uint64_t *dims,
                      uint32_t *state)
{
	struct heft_buffer t = made_empty();
	float values[512];
	size_t n = 1;

	for (; *dims; dims++) {
		made_uint(&t, 1, *dims);
		n *= *dims;
	}
	ck_assert_uint_le(n, 512);
	for (size_t i = 0; i < n; i++)
		values[i] = drawn(state) / 2;
	made_uint(&t, 2, 1);
	made_text(&t, 8, name);
	made_bytes(&t, 9, values, n * sizeof *values);
	made_message(graph, 5, &t);
}

/* A layer of 8, a dropout where asked for, a layer of 3 classes, and a softmax. */
static void make_model(const char *path, bool drops)
{
	struct import_made m = import_start(13);
	uint32_t state = 5;

	graph_add_value(&m.graph, 11, "x", 1, "N,12");
	add_drawn(&m.graph, "w1", (const uint64_t[]){ 12, 8, 0 }, &state);
	add_drawn(&m.graph, "b1", (const uint64_t[]){ 8, 0 }, &state);
	add_drawn(&m.graph, "w2", (const uint64_t[]){ 8, 3, 0 }, &state);
	add_drawn(&m.graph, "b2", (const uint64_t[]){ 3, 0 }, &state);
	graph_add_nodes(&m.graph, "h = Gemm x w1 b1; r = Relu h");
	graph_add_nodes(&m.graph, drops ? "d = Dropout r; s = Gemm d w2 b2" : "s = Gemm r w2 b2");
	graph_add_nodes(&m.graph, "y = Softmax s");
	graph_add_value(&m.graph, 12, "y", 1, "N,3");
	made_message(&m.rest, 7, &m.graph);
	scratch_write(path, m.rest.bytes, m.rest.size);
	heft_buffer_done(&m.rest);
}

static void write_npy(const char *path, const char *dtype, const char *shape, const void *bytes,
                      size_t n)
{
	struct heft_buffer b = made_empty();
	char header[118];

	memset(header, ' ', sizeof header);
	header[snprintf(header, sizeof header,
	                "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", dtype, shape)] =
		' ';
	header[117] = '\n';
	heft_buffer_add(&b, "\x93NUMPY\x01\x00\x76\x00", 10);
	heft_buffer_add(&b, header, sizeof header);
	heft_buffer_add(&b, bytes, n);
	scratch_write(path, b.bytes, b.size);
	heft_buffer_done(&b);
}

/* Three clouds of points; the label of the last sample may be wrong. */
static void make_data(const char *folder, int64_t last)
{
	static float x[N][N_DIMS];
	int64_t y[N];
	uint32_t state = 77;
	char path[600];

	for (int i = 0; i < N; i++) {
		y[i] = i % 3;
		for (int k = 0; k < N_DIMS; k++)
			x[i][k] = drawn(&state) + (float)(k % 3 == y[i]);
	}
	if (last >= 0)
		y[N - 1] = last;
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	snprintf(path, sizeof path, "%s/x.npy", folder);
	write_npy(path, "<f4", "(61, 12)", x, sizeof x);
	snprintf(path, sizeof path, "%s/y.npy", folder);
	write_npy(path, "<i8", "(61,)", y, sizeof y);
}

static void set_up(void)
{
	scratch_init(&s);
	model_path = strdup(scratch_path(&s, "model.onnx"));
	make_model(model_path, false);
	make_data(scratch_path(&s, "data"), -1);
	ck_assert_int_eq(heft_open(model_path, NULL, &file, &err), HEFT_OK);
	ck_assert_msg(heft_dataset_open(scratch_path(&s, "data"), NULL, &data, &err) == HEFT_OK,
	              "%s", err.msg);
}

static void tear_down(void)
{
	heft_dataset_close(data);
	heft_close(file);
	free(model_path);
	scratch_done(&s);
}

/* --- runs --- */

/* A recipe from "key value key value". */
static struct heft_recipe *recipe_of(const char *text)
{
	struct heft_recipe *r;
	char key[64];
	char value[64];
	int n;

	ck_assert_int_eq(heft_recipe_new(&r, &err), HEFT_OK);
	for (; sscanf(text, "%63s %63s%n", key, value, &n) == 2; text += n)
		ck_assert_msg(heft_recipe_set(r, key, value, &err) == HEFT_OK, "%s", err.msg);
	return r;
}

static enum heft_status try_trainer(const char *recipe, const struct heft_trainer_options *o,
                                    struct heft_trainer **t)
{
	struct heft_recipe *r = recipe_of(recipe);
	const enum heft_status st = heft_trainer_new(file, r, data, NULL, o, t, &err);

	heft_recipe_free(r);
	return st;
}

static struct heft_trainer *trainer_of(const char *recipe, const struct heft_trainer_options *o)
{
	struct heft_trainer *t;

	ck_assert_msg(try_trainer(recipe, o, &t) == HEFT_OK, "%s", err.msg);
	return t;
}

static struct heft_epoch_report run_on(struct heft_trainer *t)
{
	struct heft_epoch_report e;

	do {
		ck_assert_msg(heft_trainer_epoch(t, &e, &err) == HEFT_OK, "%s", err.msg);
	} while (!e.is_last);
	return e;
}

static struct heft_epoch_report run(const char *recipe, const struct heft_trainer_options *o)
{
	struct heft_trainer *t = trainer_of(recipe, o);
	const struct heft_epoch_report e = run_on(t);

	heft_trainer_free(t);
	return e;
}

#define BASE "optimizer sgd lr 0.2 momentum 0.9 epochs 5 batch 16 split 0.2 "

/* --- tests --- */

START_TEST(a_model_learns)
{
	struct heft_trainer *t = trainer_of("lr 0.02 epochs 30 batch 16 split 0.2", NULL);
	struct heft_epoch_report first;
	struct heft_epoch_report last;
	struct heft_trainer_facts facts;

	heft_trainer_facts(t, &facts);
	ck_assert_uint_eq(facts.n_params, 12 * 8 + 8 + 8 * 3 + 3);
	ck_assert_uint_eq(facts.n_trained, facts.n_params);
	ck_assert_uint_eq(facts.n_train + facts.n_val, N);
	ck_assert_uint_eq(facts.n_val, 12);
	ck_assert_uint_eq(facts.n_classes, 3);
	ck_assert_str_eq(facts.loss, "cross_entropy");
	ck_assert_str_eq(facts.stripped, "Softmax");
	ck_assert_int_eq(heft_trainer_epoch(t, &first, &err), HEFT_OK);
	last = run_on(t);
	ck_assert(last.train_loss < first.train_loss / 2);
	ck_assert_uint_eq(last.val.n, 12);
	ck_assert_str_eq(last.val.metrics[0].name, "accuracy");
	ck_assert(last.val.metrics[0].value > 0.6);
	ck_assert_int_eq(heft_trainer_epoch(t, &last, &err), HEFT_E_USAGE);
	heft_trainer_free(t);
}
END_TEST

START_TEST(threads_and_cpus_change_no_bit)
{
	static const char *const recipes[] = {
		BASE,
		BASE "micro_batch 5 ",
		"optimizer adam lr 0.01 epochs 3 batch 20 clip_norm 0.5 schedule cosine warmup 2",
		"optimizer amsgrad lr 0.01 epochs 3 batch 61 micro_batch 7 weight_decay 0.1",
		"lr 0.01 epochs 3 batch 16 label_smoothing 0.1 clip_value 0.01",
	};
	static const uint32_t masks[] = { 0, HEFT_RUN_AVX2, HEFT_RUN_SCALAR };
	static const uint32_t counts[] = { 1, 2, 3, 7 };

	for (size_t r = 0; r < sizeof recipes / sizeof *recipes; r++) {
		const struct heft_trainer_options plain = { .n_threads = 1 };
		const struct heft_epoch_report want = run(recipes[r], &plain);

		for (size_t k = 0; k < 12; k++) {
			const struct heft_trainer_options o = { .n_threads = counts[k % 4],
				                                .cpu_mask = masks[k / 4] };
			const struct heft_epoch_report got = run(recipes[r], &o);

			ck_assert_msg(memcmp(got.weights_digest, want.weights_digest, 32) == 0,
			              "recipe %zu, %u threads, mask %x", r, o.n_threads,
			              o.cpu_mask);
			ck_assert_mem_eq(&got.train_loss, &want.train_loss, sizeof(double));
			ck_assert_mem_eq(&got.val.loss, &want.val.loss, sizeof(double));
		}
	}
}
END_TEST

START_TEST(kept_features_change_no_bit)
{
	const struct heft_trainer_options plain = { .n_threads = 1, .no_features = true };
	const struct heft_trainer_options keeps = { .n_threads = 1 };
	struct heft_trainer *t = trainer_of(BASE "freeze ?1", &keeps);
	const struct heft_epoch_report got = run_on(t);
	const struct heft_epoch_report want = run(BASE "freeze ?1", &plain);
	struct heft_trainer_facts facts;

	heft_trainer_facts(t, &facts);
	ck_assert_uint_eq(facts.feature_bytes, N * 8 * sizeof(float));
	ck_assert_uint_eq(facts.n_trained_tensors, 2);
	ck_assert_mem_eq(got.weights_digest, want.weights_digest, 32);
	heft_trainer_free(t);
}
END_TEST

static bool stop_at_third(void *user, uint64_t n_done, uint64_t n_total)
{
	(void)n_done;
	(void)n_total;
	return ++*(int *)user == 3;
}

/* Loop: recipes. */
START_TEST(a_resumed_run_is_the_same)
{
	static const char *const recipes[] = { BASE,
		                               "lr 0.01 epochs 4 batch 16 split 0.2 keep last",
		                               "optimizer amsgrad epochs 3 batch 7 split 0.2" };
	const char *recipe = recipes[_i];
	int n_calls = 0;
	const struct heft_trainer_options o = { .n_threads = 1,
		                                .progress = stop_at_third,
		                                .user = &n_calls };
	const struct heft_epoch_report want = run(recipe, NULL);
	char *path = strdup(scratch_path(&s, "run.ckpt"));
	struct heft_trainer *t = trainer_of(recipe, &o);
	struct heft_epoch_report e;
	uint64_t epoch;
	uint64_t step;

	ck_assert_int_eq(heft_trainer_epoch(t, &e, &err), HEFT_E_CANCELLED);
	ck_assert_msg(heft_trainer_save(t, path, &err) == HEFT_OK, "%s", err.msg);
	heft_trainer_free(t);
	t = trainer_of(recipe, NULL);
	ck_assert_msg(heft_trainer_resume(t, path, &err) == HEFT_OK, "%s", err.msg);
	e = run_on(t);
	ck_assert_mem_eq(e.weights_digest, want.weights_digest, 32);
	ck_assert_mem_eq(&e.val.loss, &want.val.loss, sizeof(double));
	ck_assert_mem_eq(&e.train_loss, &want.train_loss, sizeof(double));
	heft_trainer_result_at(t, &epoch, &step);
	ck_assert_uint_gt(epoch, 0);
	ck_assert_int_eq(heft_trainer_save(t, path, &err), HEFT_OK);
	heft_trainer_free(t);
	/* what was over stays over */
	t = trainer_of(recipe, NULL);
	ck_assert_int_eq(heft_trainer_resume(t, path, &err), HEFT_OK);
	ck_assert_int_eq(heft_trainer_epoch(t, &e, &err), HEFT_E_USAGE);
	heft_trainer_free(t);
	free(path);
}
END_TEST

START_TEST(a_checkpoint_of_something_else_is_refused)
{
	char *path = strdup(scratch_path(&s, "run.ckpt"));
	struct heft_trainer *t = trainer_of(BASE, NULL);

	ck_assert_int_eq(heft_trainer_save(t, path, &err), HEFT_OK);
	heft_trainer_free(t);
	t = trainer_of(BASE "lr 0.3", NULL);
	ck_assert_int_eq(heft_trainer_resume(t, path, &err), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, "it is a checkpoint of another recipe: 'lr' differs");
	heft_trainer_free(t);
	t = trainer_of(BASE "split 0.1", NULL);
	ck_assert_int_eq(heft_trainer_resume(t, path, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "other data"));
	ck_assert_int_eq(heft_trainer_resume(t, model_path, &err), HEFT_E_USAGE);
	heft_trainer_free(t);
	free(path);
}
END_TEST

START_TEST(micro_batches_give_nearly_the_batch)
{
	const struct heft_epoch_report whole = run(BASE, NULL);
	const struct heft_epoch_report parts = run(BASE "micro_batch 3", NULL);

	ck_assert(fabs(whole.train_loss - parts.train_loss) < 1e-5 * whole.train_loss);
}
END_TEST

/* F7-6 */
START_TEST(dropout_drops_in_training_alone)
{
	const char *path = scratch_path(&s, "drops.onnx");
	struct heft_epoch_report off;
	struct heft_epoch_report on;
	struct heft_epoch_report again;

	heft_close(file);
	make_model(path, true);
	ck_assert_int_eq(heft_open(path, NULL, &file, &err), HEFT_OK);
	off = run(BASE "dropout false", NULL);
	on = run(BASE, NULL);
	again = run(BASE, NULL);
	ck_assert_mem_ne(off.weights_digest, on.weights_digest, 32);
	ck_assert_mem_eq(again.weights_digest, on.weights_digest, 32);
}
END_TEST

START_TEST(patience_ends_a_run)
{
	struct heft_trainer *t = trainer_of("optimizer sgd lr 0 epochs 50 split 0.2 patience 2",
	                                    NULL);
	const struct heft_epoch_report e = run_on(t);
	uint64_t epoch;
	uint64_t step;

	ck_assert(e.is_stopped);
	ck_assert_uint_eq(e.epoch, 3);
	heft_trainer_result_at(t, &epoch, &step);
	ck_assert_uint_eq(epoch, 1);
	heft_trainer_free(t);
}
END_TEST

START_TEST(what_is_not_finite_stops_or_is_skipped)
{
	struct heft_trainer *t = trainer_of("optimizer sgd lr 1e30 epochs 3 batch 16", NULL);
	struct heft_epoch_report e;
	enum heft_status st;

	do
		st = heft_trainer_epoch(t, &e, &err);
	while (st == HEFT_OK && !e.is_last);
	ck_assert_int_eq(st, HEFT_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.msg, "is not finite"));
	heft_trainer_free(t);
}
END_TEST

/* Loop: what is asked for, and what is said. */
static const struct refused {
	const char *recipe;
	const char *message;
} refused[] = {
	{ "freeze nothing", "freeze 'nothing' matches no tensor that could be trained" },
	{ "freeze *", "nothing is left to train: every tensor is frozen" },
	{ "patience 3", "patience wants validation data, or monitor train_loss" },
};

START_TEST(what_cannot_be_is_refused)
{
	struct heft_trainer *t;

	ck_assert_int_eq(try_trainer(refused[_i].recipe, NULL, &t), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, refused[_i].message);
}
END_TEST

START_TEST(a_label_that_is_no_class_is_told)
{
	const char *folder = scratch_path(&s, "bad");
	struct heft_trainer *t;

	make_data(folder, 7);
	heft_dataset_close(data);
	ck_assert_int_eq(heft_dataset_open(folder, NULL, &data, &err), HEFT_OK);
	ck_assert_int_eq(try_trainer(BASE, NULL, &t), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "label 7"));
}
END_TEST

static Suite *trainer_suite(void)
{
	Suite *suite = suite_create("train_trainer");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_model_learns);
	tcase_add_test(t, threads_and_cpus_change_no_bit);
	tcase_add_test(t, kept_features_change_no_bit);
	tcase_add_loop_test(t, a_resumed_run_is_the_same, 0, 3);
	tcase_add_test(t, a_checkpoint_of_something_else_is_refused);
	tcase_add_test(t, micro_batches_give_nearly_the_batch);
	tcase_add_test(t, dropout_drops_in_training_alone);
	tcase_add_test(t, patience_ends_a_run);
	tcase_add_test(t, what_is_not_finite_stops_or_is_skipped);
	tcase_add_loop_test(t, what_cannot_be_is_refused, 0, sizeof refused / sizeof *refused);
	tcase_add_test(t, a_label_that_is_no_class_is_told);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return heft_unit_run(trainer_suite());
}
