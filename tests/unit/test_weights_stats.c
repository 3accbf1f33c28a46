/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_stats.c - statistics of open files: known answers, the order of results, what is
 * shared, what has no numbers, and failing allocations. */
#include "heft/stats.h"

#include <math.h>

#include "alloc_fail.h"
#include "made.h"
#include "model.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct heft_error err;

static void set_up(void)
{
	scratch_init(&s);
}

static void tear_down(void)
{
	scratch_done(&s);
}

struct results {
	uint32_t n;
	uint32_t index[MADE_MAX_TENSORS];
	struct heft_stats stats[MADE_MAX_TENSORS];
};

static void collect(void *user, const struct heft_tensor *t, const struct heft_stats *stats)
{
	struct results *r = user;

	ck_assert_uint_lt(r->n, MADE_MAX_TENSORS);
	r->index[r->n] = t->index;
	r->stats[r->n++] = *stats;
}

static void all_stats(struct heft_file *file, const uint32_t *indexes, uint32_t n,
                      uint32_t n_threads, struct results *r)
{
	const struct heft_run run = { .n_threads = n_threads };

	memset(r, 0, sizeof *r);
	ck_assert_msg(heft_stats_each(file, indexes, n, &run, collect, r, &err) == HEFT_OK, "%s",
	              err.msg);
	ck_assert_uint_eq(r->n, n);
}

/* spec T1-1, T2-6, T4-1 */
START_TEST(a_small_tensor_has_the_figures_that_one_computes_by_hand)
{
	struct heft_file *file;
	struct heft_stats st;
	struct heft_tensor t;

	model_write(scratch_path(&s, "a"), "heft", NULL, false, NULL);
	file = model_open(scratch_path(&s, "a"));
	ck_assert_int_eq(heft_find(file, "layer.weight", &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_tensor_stats(file, &t, NULL, &st, &err), HEFT_OK);
	/* -100, -99.75, ... -98.75 */
	ck_assert(st.is_numeric && !st.is_integer);
	ck_assert_uint_eq(st.n_elements, 6);
	ck_assert_double_eq(st.min, -100);
	ck_assert_double_eq(st.max, -98.75);
	ck_assert_double_eq(st.mean, -99.375);
	ck_assert_double_eq_tol(st.std, 0.25 * sqrt(35.0 / 12), 1e-15);
	ck_assert_double_eq(st.abs_max, 100);
	ck_assert_double_eq_tol(st.l2, sqrt(6 * 99.375 * 99.375 + 6 * 0.0625 * 35 / 12), 1e-12);
	ck_assert_int_eq(heft_find(file, "mask", &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_tensor_stats(file, &t, NULL, &st, &err), HEFT_OK);
	ck_assert(st.is_integer);
	ck_assert_uint_eq(st.n_zero, 1);
	ck_assert_uint_eq(st.max_integer, 1);
	ck_assert_double_eq(st.quantiles[4], 1);
	ck_assert_int_eq(heft_find(file, "ids", &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_tensor_stats(file, &t, NULL, &st, &err), HEFT_OK);
	ck_assert_int_eq((int64_t)st.min_integer, -1);
	ck_assert_int_eq((int64_t)st.max_integer, 7);
	ck_assert_double_eq(st.mean, 3);
	ck_assert_double_eq(st.quantiles[4], 3);
	heft_close(file);
}
END_TEST

/* spec T1-2 */
START_TEST(an_empty_tensor_has_no_figures_and_no_length)
{
	struct heft_file *file;
	struct heft_stats st;
	struct heft_tensor t;

	model_write(scratch_path(&s, "a"), "safetensors", NULL, false, NULL);
	file = model_open(scratch_path(&s, "a"));
	ck_assert_int_eq(heft_find(file, "empty", &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_tensor_stats(file, &t, NULL, &st, &err), HEFT_OK);
	ck_assert(st.is_numeric);
	ck_assert(isnan(st.min) && isnan(st.max) && isnan(st.mean) && isnan(st.std));
	ck_assert(isnan(st.abs_max) && isnan(st.quantiles[0]));
	ck_assert_double_eq(st.l2, 0);
	ck_assert_uint_eq(st.n_bins, 0);
	heft_close(file);
}
END_TEST

START_TEST(results_come_in_the_order_that_was_asked_for)
{
	static const uint32_t indexes[] = { 4, 1, 0, 2, 5, 1 };
	static const char *const formats[] = { "heft", "safetensors" };
	struct results all;
	struct results some;
	struct heft_file *file;

	model_write(scratch_path(&s, "a"), formats[_i], NULL, true, NULL);
	file = model_open(scratch_path(&s, "a"));
	all_stats(file, NULL, MODEL_N + 1, 1, &all);
	for (uint32_t i = 0; i <= MODEL_N; i++)
		ck_assert_uint_eq(all.index[i], i);
	all_stats(file, indexes, 6, 3, &some);
	for (uint32_t i = 0; i < 6; i++) {
		ck_assert_uint_eq(some.index[i], indexes[i]);
		ck_assert_mem_eq(&some.stats[i], &all.stats[indexes[i]], sizeof some.stats[i]);
	}
	/* the tie */
	ck_assert_mem_eq(&all.stats[MODEL_N], &all.stats[0], sizeof all.stats[0]);
	heft_close(file);
}
END_TEST

/* 40 tensors of several chunks among small ones: more than there are tables for. spec T2-3 */
START_TEST(the_number_of_threads_changes_nothing)
{
	static const uint32_t flags[] = { 0, HEFT_OPEN_VERIFY, HEFT_OPEN_PREAD };
	struct heft_open_options options = { .flags = flags[_i] };
	struct results one;
	struct results many;
	struct heft_file *file;
	struct made m;
	char name[16];

	made_init(&m);
	for (uint32_t i = 0; i < MADE_MAX_TENSORS; i++) {
		snprintf(name, sizeof name, "t%u", i);
		made_add(&m, name, i % 4 == 1 ? HEFT_DTYPE_F32 : HEFT_DTYPE_BF16, 1,
		         i % 3 == 0   ? 300000
		         : i % 3 == 1 ? 600000
		                      : i * 3,
		         0);
	}
	made_write(&m, "heft", scratch_path(&s, "a.heft"));
	made_done(&m);
	ck_assert_int_eq(heft_open(scratch_path(&s, "a.heft"), &options, &file, &err), HEFT_OK);
	all_stats(file, NULL, MADE_MAX_TENSORS, 1, &one);
	for (uint32_t n_threads = 2; n_threads < 8; n_threads += 5) {
		all_stats(file, NULL, MADE_MAX_TENSORS, n_threads, &many);
		ck_assert_mem_eq(&one, &many, sizeof one);
	}
	heft_close(file);
}
END_TEST

static bool keep_total(void *user, uint64_t n_done, uint64_t n_total)
{
	uint64_t *total = user;

	*total = n_total;
	return n_done > n_total;
}

/* spec R9-2 */
START_TEST(shared_bytes_are_read_once)
{
	struct heft_run run = { .n_threads = 2, .progress = keep_total };
	struct results r = { .n = 0 };
	struct heft_file *file;
	uint64_t total;
	struct made m;
	char name[16];

	run.user = &total;
	made_init(&m);
	for (uint32_t i = 0; i < 6; i++) {
		snprintf(name, sizeof name, "t%u", i);
		made_add(&m, name, HEFT_DTYPE_F32, 1, i == 3 ? 5 : 300000, 0);
		heft_listing_row_mut(m.tensors, i)->share = i == 3 ? 3 : 0;
	}
	made_write(&m, "heft", scratch_path(&s, "a.heft"));
	made_done(&m);
	file = model_open(scratch_path(&s, "a.heft"));
	ck_assert_int_eq(heft_stats_each(file, NULL, 6, &run, collect, &r, &err), HEFT_OK);
	ck_assert_uint_eq(total, 1200000 + 20);
	ck_assert_mem_eq(&r.stats[0], &r.stats[2], sizeof r.stats[0]);
	ck_assert_mem_eq(&r.stats[0], &r.stats[5], sizeof r.stats[0]);
	ck_assert_uint_eq(r.stats[3].n_elements, 5);
	heft_close(file);
}
END_TEST

/* spec T1-4 */
START_TEST(a_dtype_without_numbers_has_no_figures)
{
	static const unsigned dtypes[] = { 0x8001, HEFT_DTYPE_GGML + 12, HEFT_DTYPE_STR };
	struct heft_file *file;
	struct heft_stats st;
	struct heft_tensor t;
	struct made m;

	made_init(&m);
	made_add(&m, "w", dtypes[_i], 1, 256, 0);
	if (_i == 2)
		heft_listing_row_mut(m.tensors, 0)->n_bytes = 256;
	made_write(&m, "heft", scratch_path(&s, "a.heft"));
	made_done(&m);
	file = model_open(scratch_path(&s, "a.heft"));
	ck_assert_int_eq(heft_tensor_at(file, 0, &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_tensor_stats(file, &t, NULL, &st, &err), HEFT_OK);
	ck_assert(!st.is_numeric);
	ck_assert_uint_eq(st.n_elements, 256);
	ck_assert_uint_eq(st.n_bins, 0);
	heft_close(file);
}
END_TEST

static bool stop(void *user, uint64_t n_done, uint64_t n_total)
{
	(void)user;
	return n_done > 0 && n_done <= n_total;
}

START_TEST(what_cannot_be_done_is_said)
{
	static const struct heft_run run = { .progress = stop };
	static const uint32_t wrong[] = { 0, 99 };
	struct heft_stats st = { .n_elements = 12345 };
	struct heft_file *file;
	struct heft_tensor t;
	struct results r = { .n = 0 };

	model_write(scratch_path(&s, "a"), "heft", NULL, false, NULL);
	file = model_open(scratch_path(&s, "a"));
	ck_assert_int_eq(heft_stats_each(file, wrong, 2, NULL, collect, &r, &err), HEFT_E_USAGE);
	ck_assert_uint_eq(r.n, 0);
	ck_assert_int_eq(heft_stats_each(file, NULL, MODEL_N + 1, NULL, collect, &r, &err),
	                 HEFT_E_USAGE);
	ck_assert_int_eq(heft_find(file, "big", &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_tensor_stats(file, &t, &run, &st, &err), HEFT_E_CANCELLED);
	ck_assert_uint_eq(st.n_elements, 12345);
	ck_assert(isnan(heft_stats_fraction(HEFT_STATS_QUANTILES)));
	ck_assert_double_eq(heft_stats_fraction(4), 0.5);
	heft_close(file);
}
END_TEST

static void ignore(void *user, const struct heft_tensor *t, const struct heft_stats *stats)
{
	(void)t;
	(void)stats;
	(*(uint32_t *)user)++;
}

/* A worker that there is no memory for is done without; whoever comes first says so. */
START_TEST(a_failing_allocation_is_said_or_done_without)
{
	static const char *const formats[] = { "heft", "safetensors" };
	const struct heft_run run = { .n_threads = 1 + (uint32_t)_i / 2 };
	bool has_failed = true;
	struct heft_file *file;
	size_t n = 1;

	model_write(scratch_path(&s, "a"), formats[_i % 2], NULL, true, NULL);
	for (; has_failed; n++) {
		uint32_t n_results = 0;
		enum heft_status st;

		file = model_open(scratch_path(&s, "a"));
		alloc_fail_at(n);
		st = heft_stats_each(file, NULL, MODEL_N + 1, &run, ignore, &n_results, &err);
		has_failed = alloc_fail_done();
		ck_assert_msg(st == HEFT_OK || (has_failed && st == HEFT_E_NOMEM),
		              "allocation %zu: %d", n, (int)st);
		ck_assert(st != HEFT_OK || n_results == MODEL_N + 1);
		heft_close(file);
	}
	ck_assert_uint_gt(n, 8);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights stats");
	TCase *tc = tcase_create("stats");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_small_tensor_has_the_figures_that_one_computes_by_hand);
	tcase_add_test(tc, an_empty_tensor_has_no_figures_and_no_length);
	tcase_add_loop_test(tc, results_come_in_the_order_that_was_asked_for, 0, 2);
	tcase_add_loop_test(tc, the_number_of_threads_changes_nothing, 0, 3);
	tcase_add_test(tc, shared_bytes_are_read_once);
	tcase_add_loop_test(tc, a_dtype_without_numbers_has_no_figures, 0, 3);
	tcase_add_test(tc, what_cannot_be_done_is_said);
	tcase_add_loop_test(tc, a_failing_allocation_is_said_or_done_without, 0, 4);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
