/* SPDX-License-Identifier: Apache-2.0 */
/* test_train_tree.c - tests of lib/train/gradient_tree.c: spec F7-30. */
#include <stdlib.h>
#include <string.h>

#include "alloc_fail.h"
#include "base/cpu.h"
#include "kernel/philox.h"
#include "train/gradient_tree.h"
#include "unit.h"

#define N 40000
#define MOST_LEAVES 40

static const uint32_t thread_counts[] = { 1, 2, 3, 7 };
static const uint32_t masks[] = { 0, HEFT_CPU_AVX2, HEFT_CPU_AVX2 | HEFT_CPU_AVX512 };

static float leaves[MOST_LEAVES][N];

static void draw_leaves(void)
{
	for (uint32_t i = 0; i < MOST_LEAVES; i++) {
		const struct heft_random_place place = { .seed = 9, .step = i };

		heft_random_normal_f32(&place, 0, leaves[i], N);
	}
}

static struct heft_loss_sums sums_of(uint32_t leaf)
{
	return (struct heft_loss_sums){ .loss = 1.0 / (3 + leaf), .divisor = 2 + leaf };
}

static void put(enum heft_dtype dtype, void *values, uint32_t leaf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (dtype == HEFT_DTYPE_F32)
			((float *)values)[i] = leaves[leaf][i];
		else
			((double *)values)[i] = (double)leaves[leaf][i] / 3;
}

static double leaf_of(enum heft_dtype dtype, uint32_t leaf, size_t i)
{
	return dtype == HEFT_DTYPE_F32 ? (double)leaves[leaf][i] : (double)leaves[leaf][i] / 3;
}

/* Element i of the tree over n_leaves, level by level, as the rule is written. */
static double level_by_level(enum heft_dtype dtype, uint32_t n_leaves, size_t i)
{
	double s[MOST_LEAVES];

	for (uint32_t k = 0; k < n_leaves; k++)
		s[k] = leaf_of(dtype, k, i);
	for (uint32_t n = n_leaves; n > 1; n = n / 2 + n % 2) {
		for (uint32_t k = 0; k < n / 2; k++)
			s[k] = dtype == HEFT_DTYPE_F32
			               ? (double)((float)s[2 * k] + (float)s[2 * k + 1])
			               : s[2 * k] + s[2 * k + 1];
		if (n % 2)
			s[n / 2] = s[n - 1];
	}
	return s[0];
}

static void check_root(enum heft_dtype dtype, uint32_t n_leaves, const void *root)
{
	for (size_t i = 0; i < N; i += 613) {
		const double got = dtype == HEFT_DTYPE_F32 ? (double)((const float *)root)[i]
		                                           : ((const double *)root)[i];

		ck_assert(got == level_by_level(dtype, n_leaves, i));
	}
}

static void *walk(struct heft_gradient_tree *t, enum heft_dtype dtype, uint32_t n_leaves,
                  struct heft_team *team, uint32_t cpu_bits, struct heft_loss_sums *sums)
{
	void *values;

	for (uint32_t i = 0; i < n_leaves; i++) {
		ck_assert_int_eq(heft_gradient_tree_leaf(t, &values, NULL), HEFT_OK);
		ck_assert_uint_eq((uintptr_t)values % 64, 0);
		put(dtype, values, i, N);
		heft_gradient_tree_add(t, team, cpu_bits, sums_of(i));
	}
	return heft_gradient_tree_root(t, team, cpu_bits, sums);
}

START_TEST(leaves_meet_level_by_level_whatever_threads_there_are)
{
	const enum heft_dtype dtype = _i == 0 ? HEFT_DTYPE_F32 : HEFT_DTYPE_F64;
	struct heft_gradient_tree *t;

	draw_leaves();
	ck_assert_int_eq(heft_gradient_tree_new(dtype, N, &t, NULL), HEFT_OK);
	for (uint32_t n = 1; n <= MOST_LEAVES; n = n < 9 ? n + 1 : n * 2 - 3) {
		struct heft_loss_sums sums;
		struct heft_team *team;
		const void *root;

		ck_assert_int_eq(heft_team_new(thread_counts[n % 4], &team, NULL), HEFT_OK);
		root = walk(t, dtype, n, team, masks[n % 3] & heft_cpu_bits(), &sums);
		check_root(dtype, n, root);
		ck_assert(sums.divisor == 2.0 * n + n * (n - 1) / 2.0);
		heft_team_free(team);
	}
	heft_gradient_tree_free(t);
}
END_TEST

/* The sums of losses, of numbers that do not add up exactly: 5 leaves are ((0+1)+(2+3))+4. */
START_TEST(losses_meet_as_gradients_do)
{
	struct heft_gradient_tree *t;
	struct heft_loss_sums sums;
	double s[5];

	draw_leaves();
	for (uint32_t i = 0; i < 5; i++)
		s[i] = sums_of(i).loss;
	ck_assert_int_eq(heft_gradient_tree_new(HEFT_DTYPE_F32, N, &t, NULL), HEFT_OK);
	walk(t, HEFT_DTYPE_F32, 5, NULL, 0, &sums);
	ck_assert(sums.loss == ((s[0] + s[1]) + (s[2] + s[3])) + s[4]);
	heft_gradient_tree_free(t);
}
END_TEST

START_TEST(no_more_is_held_than_the_walk_needs)
{
	struct heft_loss_sums sums;

	for (uint32_t n = 1, most = 1; n <= 33; n++) {
		struct heft_gradient_tree *t;

		if (n >= 2 * (1U << (most - 1)))
			most++;
		ck_assert_int_eq(heft_gradient_tree_new(HEFT_DTYPE_F32, N, &t, NULL), HEFT_OK);
		walk(t, HEFT_DTYPE_F32, n, NULL, 0, &sums);
		ck_assert_uint_eq(heft_gradient_tree_n_held(t), most); /* log2 n + 1 */
		heft_gradient_tree_free(t);
	}
}
END_TEST

START_TEST(a_tree_may_be_cleared_and_used_again)
{
	struct heft_gradient_tree *t;
	struct heft_loss_sums sums;
	void *values;

	draw_leaves();
	ck_assert_int_eq(heft_gradient_tree_new(HEFT_DTYPE_F32, N, &t, NULL), HEFT_OK);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(heft_gradient_tree_leaf(t, &values, NULL), HEFT_OK);
		put(HEFT_DTYPE_F32, values, 7 + i, N);
		heft_gradient_tree_add(t, NULL, 0, sums_of(i));
	}
	heft_gradient_tree_clear(t);
	check_root(HEFT_DTYPE_F32, 6, walk(t, HEFT_DTYPE_F32, 6, NULL, 0, &sums));
	heft_gradient_tree_free(t);
}
END_TEST

START_TEST(without_memory_the_tree_stays_as_it_was)
{
	enum heft_status st = HEFT_E_NOMEM;

	draw_leaves();
	for (unsigned n = 1; st == HEFT_E_NOMEM; n++) {
		struct heft_gradient_tree *t = NULL;
		struct heft_error err = { 0 };
		void *values;
		uint32_t i = 0;

		alloc_fail_at(n);
		st = heft_gradient_tree_new(HEFT_DTYPE_F32, N, &t, &err);
		while (st == HEFT_OK && i < 6) {
			st = heft_gradient_tree_leaf(t, &values, &err);
			if (st != HEFT_OK)
				break;
			put(HEFT_DTYPE_F32, values, i++, N);
			heft_gradient_tree_add(t, NULL, 0, sums_of(0));
		}
		alloc_fail_done();
		if (st != HEFT_OK)
			ck_assert_int_eq(err.code, HEFT_E_NOMEM);
		if (t) {
			struct heft_loss_sums sums;

			for (; i < 6; i++) {
				ck_assert_int_eq(heft_gradient_tree_leaf(t, &values, NULL),
				                 HEFT_OK);
				put(HEFT_DTYPE_F32, values, i, N);
				heft_gradient_tree_add(t, NULL, 0, sums_of(0));
			}
			check_root(HEFT_DTYPE_F32, 6, heft_gradient_tree_root(t, NULL, 0, &sums));
		}
		heft_gradient_tree_free(t);
	}
	ck_assert_int_eq(st, HEFT_OK);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("train_tree");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, leaves_meet_level_by_level_whatever_threads_there_are, 0, 2);
	tcase_add_test(tc, losses_meet_as_gradients_do);
	tcase_add_test(tc, no_more_is_held_than_the_walk_needs);
	tcase_add_test(tc, a_tree_may_be_cleared_and_used_again);
	tcase_add_test(tc, without_memory_the_tree_stays_as_it_was);
	suite_add_tcase(s, tc);
	return heft_unit_run(s);
}
