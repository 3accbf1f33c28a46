/* SPDX-License-Identifier: Apache-2.0 */
/* test_train_metrics.c - tests of lib/train/metric*.c, outcomes.c and confusion.c beside what
 * scikit-learn 1.7 says of the same numbers. */
#include <math.h>
#include <string.h>

#include "alloc_fail.h"
#include "kernel/philox.h"
#include "train/metric.h"
#include "unit.h"

#define N 10
#define C 4

static const int64_t targets[N] = { 0, 1, 2, 2, 1, 0, 3, 3, 1, 2 };
static const int guesses[N] = { 0, 2, 2, 2, 1, 1, 3, 0, 1, 1 };

static double value_of(const char *name, const struct heft_outcomes *o)
{
	const struct heft_metric *m = heft_metric_find(name);

	ck_assert_ptr_nonnull(m);
	ck_assert(heft_metric_applies(m, o));
	return m->value(o);
}

static bool applies(const char *name, const struct heft_outcomes *o)
{
	return heft_metric_applies(heft_metric_find(name), o);
}

static void check_value(const char *name, const struct heft_outcomes *o, double want)
{
	const double got = value_of(name, o);

	ck_assert_msg(fabs(got - want) <= 1e-15, "%s: %.17g and not %.17g", name, got, want);
}

/* Scores whose greatest is that of the guess. */
static void make_scores(float *scores, size_t n_inner)
{
	for (size_t i = 0; i < N; i++)
		for (size_t k = 0; k < C; k++)
			scores[i / n_inner * C * n_inner + k * n_inner + i % n_inner] =
				(int)k == guesses[i] ? 3.5f : (float)k - 2;
}

/* F7-70, F7-71. */
START_TEST(classes_are_counted_as_scikit_learn_does)
{
	static const double of_class[3][C] = { { 0.5, 0.5, 2.0 / 3, 1 },
		                               { 0.5, 2.0 / 3, 2.0 / 3, 0.5 },
		                               { 0.5, 4.0 / 7, 2.0 / 3, 2.0 / 3 } };
	static const uint64_t matrix[C * C] = { 1, 1, 0, 0, 0, 2, 1, 0, 0, 1, 2, 0, 1, 0, 0, 1 };
	const char *const names[] = { "precision", "recall", "f1" };
	const size_t n_inner = _i == 0 ? 1 : 5;
	struct heft_outcomes o;
	float scores[N * C];

	make_scores(scores, n_inner);
	ck_assert_int_eq(heft_outcomes_init(&o, HEFT_OUTCOME_CLASSES, C, -100, NULL), HEFT_OK);
	for (int pass = 0; pass < 2; pass++) {
		heft_outcomes_clear(&o);
		heft_outcomes_add_classes(&o, HEFT_DTYPE_F32, scores, N / n_inner, n_inner,
		                          targets);
		ck_assert_uint_eq(o.n, N);
		ck_assert_int_eq(memcmp(o.confusion.matrix, matrix, sizeof matrix), 0);
		check_value("accuracy", &o, 0.6);
		check_value("precision", &o, 2.0 / 3);
		check_value("recall", &o, 0.5833333333333333);
		check_value("f1", &o, 0.6011904761904762);
	}
	for (int k = 0; k < 3; k++)
		for (uint32_t c = 0; c < C; c++)
			ck_assert(fabs(heft_metric_find(names[k])->of_class(&o.confusion, c) -
			               of_class[k][c]) < 1e-15);
	ck_assert(!applies("top5", &o) && !applies("mse", &o));
	heft_outcomes_done(&o);
}
END_TEST

/* What is ignored, or no class, is not counted; classes that never come are not in the mean. */
START_TEST(only_targets_that_are_classes_count)
{
	const double scores[4 * 3] = { 5, 1, 0, 0, 9, 1, 3, 2, 1, 1, 0, 7 };
	const int64_t t[4] = { 0, 1, -7, 3 };
	struct heft_outcomes o;

	ck_assert_int_eq(heft_outcomes_init(&o, HEFT_OUTCOME_CLASSES, 3, 1, NULL), HEFT_OK);
	heft_outcomes_add_classes(&o, HEFT_DTYPE_F64, scores, 4, 1, t);
	ck_assert_uint_eq(o.n, 1);
	check_value("accuracy", &o, 1);
	check_value("precision", &o, 1);
	check_value("recall", &o, 1);
	heft_outcomes_done(&o);
	ck_assert_int_eq(heft_outcomes_init(&o, HEFT_OUTCOME_CLASSES, 3, 1, NULL), HEFT_OK);
	check_value("accuracy", &o, 0);
	check_value("f1", &o, 0);
	heft_outcomes_done(&o);
}
END_TEST

/* F7-70: of equal scores the lowest class comes first; a NaN is above every number. */
START_TEST(ties_go_to_the_lowest_class)
{
	const float scores[4 * 7] = {
		1, 1, 1, 1, 1, 1,   1, /* 4 is the last of five, 5 is not among them */
		1, 1, 1, 1, 1, 1,   1, /**/
		0, 9, 9, 1, 2, 3,   4, /* 1, 2, 6, 5, 4 */
		0, 9, 9, 1, 2, NAN, 4, /* 5, 1, 2, 6, 4 */
	};
	const int64_t in[4] = { 4, 0, 4, 5 };
	const int64_t out[4] = { 5, 6, 3, 3 };
	struct heft_outcomes o;

	ck_assert_int_eq(heft_outcomes_init(&o, HEFT_OUTCOME_CLASSES, 7, -1, NULL), HEFT_OK);
	heft_outcomes_add_classes(&o, HEFT_DTYPE_F32, scores, 4, 1, in);
	check_value("top5", &o, 1);
	ck_assert_uint_eq(o.confusion.of_guess[0], 2);
	ck_assert_uint_eq(o.confusion.of_guess[1], 1);
	ck_assert_uint_eq(o.confusion.of_guess[5], 1);
	heft_outcomes_add_classes(&o, HEFT_DTYPE_F32, scores, 4, 1, out);
	check_value("top5", &o, 0.5);
	heft_outcomes_done(&o);
}
END_TEST

START_TEST(many_classes_are_counted_without_a_matrix)
{
	struct heft_confusion c;

	ck_assert_int_eq(heft_confusion_init(&c, HEFT_CONFUSION_MAX_MATRIX + 1, NULL), HEFT_OK);
	ck_assert_ptr_null(c.matrix);
	heft_confusion_add(&c, 1024, 1024);
	heft_confusion_add(&c, 1024, 3);
	ck_assert(heft_confusion_recall(&c, 1024) == 0.5);
	ck_assert(heft_confusion_mean(&c, heft_confusion_recall) == 0.25);
	heft_confusion_clear(&c);
	ck_assert(heft_confusion_mean(&c, heft_confusion_recall) == 0);
	heft_confusion_done(&c);
}
END_TEST

/* Logits; a target of a half and more is a yes. Precision, recall and F1 are those of yes. */
START_TEST(answers_are_counted_as_scikit_learn_does)
{
	const float logits[7] = { 2, 0.1f, -1, 7, 0, 1e-30f, 3 };
	const float answers[7] = { 1, 0, 1, 0.5f, 0, 0.4f, 1 };
	struct heft_outcomes o;

	ck_assert_int_eq(heft_outcomes_init(&o, HEFT_OUTCOME_BINARY, 1, 0, NULL), HEFT_OK);
	heft_outcomes_add(&o, HEFT_DTYPE_F32, logits, answers, 7, 1);
	check_value("accuracy", &o, 4.0 / 7);
	check_value("precision", &o, 0.6);
	check_value("recall", &o, 0.75);
	check_value("f1", &o, 2.0 / 3);
	ck_assert(!applies("top5", &o) && !applies("r2", &o));
	heft_outcomes_done(&o);
}
END_TEST

/* F7-72. */
START_TEST(reals_are_measured_as_scikit_learn_does)
{
	const double t[8] = { 1, 2, 0.5, -1, 3, 0.25, -2, 4 };
	const double p[8] = { 1.5, 2, 0, -1.5, 2, 1.25, -2.5, 3 };
	struct heft_outcomes o;

	ck_assert_int_eq(heft_outcomes_init(&o, HEFT_OUTCOME_REALS, 2, 0, NULL), HEFT_OK);
	heft_outcomes_add(&o, HEFT_DTYPE_F64, p, t, 1, 2);
	heft_outcomes_add(&o, HEFT_DTYPE_F64, p + 2, t + 2, 3, 2);
	check_value("mse", &o, 0.5);
	check_value("mae", &o, 0.625);
	check_value("r2", &o, 0.85165190282477288);
	check_value("mse", &o, 0.5); /* asking changes nothing */
	ck_assert(!applies("accuracy", &o) && !applies("top5", &o));
	heft_outcomes_done(&o);
}
END_TEST

START_TEST(targets_that_never_change_have_no_variance_to_explain)
{
	const float t[3] = { 2, 2, 2 };
	const float p[3] = { 2, 2, 1 };
	struct heft_outcomes o;

	ck_assert_int_eq(heft_outcomes_init(&o, HEFT_OUTCOME_REALS, 1, 0, NULL), HEFT_OK);
	heft_outcomes_add(&o, HEFT_DTYPE_F32, p, t, 2, 1);
	check_value("r2", &o, 1);
	heft_outcomes_add(&o, HEFT_DTYPE_F32, p + 2, t + 2, 1, 1);
	check_value("r2", &o, 0);
	heft_outcomes_done(&o);
}
END_TEST

/* However the samples are cut into batches, the sums are those of one run of elements. */
START_TEST(sums_do_not_depend_on_the_batches)
{
	static float t[3000 * 3];
	static float p[3000 * 3];
	const struct heft_random_place place = { .seed = 4 };
	double first[3] = { 0 };

	heft_random_normal_f32(&place, 0, t, 9000);
	heft_random_normal_f32(&place, 16000, p, 9000);
	for (uint64_t batch = 1; batch <= 3000; batch = batch * 5 + 1) {
		const char *const names[] = { "mse", "mae", "r2" };
		struct heft_outcomes o;

		ck_assert_int_eq(heft_outcomes_init(&o, HEFT_OUTCOME_REALS, 3, 0, NULL), HEFT_OK);
		for (uint64_t i = 0; i < 3000; i += batch)
			heft_outcomes_add(&o, HEFT_DTYPE_F32, p + 3 * i, t + 3 * i,
			                  3000 - i < batch ? 3000 - i : batch, 3);
		for (int k = 0; k < 3; k++) {
			const double value = value_of(names[k], &o);

			if (batch == 1)
				first[k] = value;
			ck_assert(memcmp(&value, &first[k], sizeof value) == 0);
		}
		heft_outcomes_done(&o);
	}
	ck_assert(first[0] > 1.8 && first[0] < 2.2);
}
END_TEST

START_TEST(a_monitor_knows_which_way_is_better)
{
	struct heft_monitor m;

	ck_assert(heft_monitor_find("train_loss", &m) && m.is_of_training && !m.metric);
	ck_assert(heft_monitor_find("val_loss", &m) && !m.is_of_training && !m.metric);
	ck_assert(heft_monitor_is_better(&m, 1, 2) && !heft_monitor_is_better(&m, 2, 2));
	ck_assert(heft_monitor_is_better(&m, 1, NAN) && !heft_monitor_is_better(&m, NAN, 2));
	ck_assert(!heft_monitor_is_better(&m, NAN, NAN));
	ck_assert(heft_monitor_find("val_accuracy", &m) && m.metric);
	ck_assert(heft_monitor_is_better(&m, 2, 1) && !heft_monitor_is_better(&m, 1, 2));
	ck_assert(heft_monitor_find("val_mae", &m) && heft_monitor_is_better(&m, 1, 2));
	ck_assert(!heft_monitor_find("val_", &m) && !heft_monitor_find("accuracy", &m));
}
END_TEST

START_TEST(without_memory_nothing_is_left)
{
	static const enum heft_outcome kinds[] = { HEFT_OUTCOME_CLASSES, HEFT_OUTCOME_BINARY,
		                                   HEFT_OUTCOME_REALS };

	for (int k = 0; k < 3; k++) {
		for (size_t n = 1;; n++) {
			struct heft_outcomes o;
			struct heft_error err = { 0 };
			enum heft_status st;

			alloc_fail_at(n);
			st = heft_outcomes_init(&o, kinds[k], 5, 0, &err);
			if (!alloc_fail_done()) {
				ck_assert_int_eq(st, HEFT_OK);
				heft_outcomes_done(&o);
				break;
			}
			ck_assert_int_eq(st, HEFT_E_NOMEM);
			ck_assert_int_eq(err.code, HEFT_E_NOMEM);
		}
	}
}
END_TEST

START_TEST(too_many_classes_are_refused)
{
	struct heft_outcomes o;

	ck_assert_int_eq(heft_outcomes_init(&o, HEFT_OUTCOME_CLASSES, 1ULL << 40, 0, NULL),
	                 HEFT_E_LIMIT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("train_metrics");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, classes_are_counted_as_scikit_learn_does, 0, 2);
	tcase_add_test(tc, only_targets_that_are_classes_count);
	tcase_add_test(tc, ties_go_to_the_lowest_class);
	tcase_add_test(tc, many_classes_are_counted_without_a_matrix);
	tcase_add_test(tc, answers_are_counted_as_scikit_learn_does);
	tcase_add_test(tc, reals_are_measured_as_scikit_learn_does);
	tcase_add_test(tc, targets_that_never_change_have_no_variance_to_explain);
	tcase_add_test(tc, sums_do_not_depend_on_the_batches);
	tcase_add_test(tc, a_monitor_knows_which_way_is_better);
	tcase_add_test(tc, without_memory_nothing_is_left);
	tcase_add_test(tc, too_many_classes_are_refused);
	suite_add_tcase(s, tc);
	return heft_unit_run(s);
}
