/* SPDX-License-Identifier: Apache-2.0 */
/* test_train_order.c - the order of the samples of an epoch, and the split of a data set. (spec
 * F5-5, F7-8) */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc_fail.h"
#include "kernel/philox.h"
#include "train/order.h"
#include "train/split.h"
#include "unit.h"

static struct heft_error err;

START_TEST(an_epoch_is_ordered_by_its_draws)
{
	const struct heft_random_place at = { .seed = 7, .stream = HEFT_RANDOM_ORDER, .epoch = 3 };
	const size_t n = 5000;
	uint64_t *samples = malloc(n * sizeof *samples);
	uint8_t *seen = calloc(3 * n, 1);
	const uint64_t *got;
	struct heft_order *o;

	ck_assert(samples && seen);
	for (size_t i = 0; i < n; i++)
		samples[i] = 3 * i;
	ck_assert_int_eq(heft_order_new(samples, n, &o, &err), HEFT_OK);
	(void)heft_order_of_epoch(o, 7, 2); /* leaves nothing behind */
	got = heft_order_of_epoch(o, 7, 3);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_lt(got[i], 3 * n);
		ck_assert_uint_eq(seen[got[i]]++, 0);
		if (i > 0)
			ck_assert(heft_random_u64(&at, (uint32_t)got[i - 1]) <
			          heft_random_u64(&at, (uint32_t)got[i]));
	}
	heft_order_free(o);
	samples[n - 1] = UINT32_MAX;
	ck_assert_int_eq(heft_order_new(samples, n, &o, &err), HEFT_E_LIMIT);
	free(samples);
	free(seen);
}
END_TEST

START_TEST(a_split_parts_the_samples)
{
	static const struct {
		uint64_t n;
		double fraction;
		uint64_t n_val;
	} k[] = { { 1000, 0.1, 100 }, { 5, 0.5, 2 }, { 7, 0.5, 4 }, { 10, 0, 0 }, { 3, 0.34, 1 } };
	uint8_t seen[1000] = { 0 };
	struct heft_split a;
	struct heft_split b;

	ck_assert_int_eq(heft_split_new(k[_i].n, k[_i].fraction, 11, &a, &err), HEFT_OK);
	ck_assert_uint_eq(a.n_val, k[_i].n_val);
	ck_assert_uint_eq(a.n_train + a.n_val, k[_i].n);
	for (uint64_t i = 0; i < a.n_train; i++)
		seen[a.train[i]]++;
	for (uint64_t i = 0; i < a.n_val; i++)
		seen[a.val[i]]++;
	for (uint64_t i = 0; i < k[_i].n; i++)
		ck_assert_uint_eq(seen[i], 1);
	for (uint64_t i = 1; i < a.n_train; i++)
		ck_assert_uint_lt(a.train[i - 1], a.train[i]);
	for (uint64_t i = 1; i < a.n_val; i++)
		ck_assert_uint_lt(a.val[i - 1], a.val[i]);
	if (_i == 0) {
		ck_assert_int_eq(heft_split_new(1000, 0.1, 12, &b, &err), HEFT_OK);
		ck_assert_mem_ne(a.val, b.val, 100 * sizeof *a.val);
		heft_split_done(&b);
	}
	heft_split_done(&a);
	ck_assert_int_eq(heft_split_new(10, 0.01, 1, &a, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_split_new(10, 1, 1, &a, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_split_new(10, (double)NAN, 1, &a, &err), HEFT_E_USAGE);
}
END_TEST

START_TEST(failing_allocation_is_told_and_leaks_nothing)
{
	struct heft_split split;

	for (size_t n = 1;; n++) {
		enum heft_status st;

		alloc_fail_at(n);
		st = heft_split_new(10, 0.5, 1, &split, &err);
		if (!alloc_fail_done()) {
			ck_assert_int_eq(st, HEFT_OK);
			break;
		}
		ck_assert_int_eq(st, HEFT_E_NOMEM);
	}
	heft_split_done(&split);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("train_order");
	TCase *t = tcase_create("order");

	tcase_add_test(t, an_epoch_is_ordered_by_its_draws);
	tcase_add_loop_test(t, a_split_parts_the_samples, 0, 5);
	tcase_add_test(t, failing_allocation_is_told_and_leaks_nothing);
	suite_add_tcase(suite, t);
	return heft_unit_run(suite);
}
