/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_pool.c - tests of lib/base/pool.c. */
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

#include "base/error.h"
#include "unit.h"

static const uint32_t thread_counts[] = { 1, 2, 3, 7 };
#define N_COUNTS (int)(sizeof thread_counts / sizeof thread_counts[0])
#define N_PIECES 1000

struct job {
	struct heft_pool *pool;
	struct heft_turn *turn;
	uint32_t n_threads;
	uint64_t fail_at; /* pieces from here on fail, in steps of fail_step */
	uint64_t fail_step;
	bool fails_before_turn;
	atomic_uint n_calls[N_PIECES];
	_Atomic uint64_t sum;
	atomic_uint n_in_worker[8];
	uint64_t order[N_PIECES]; /* behind the turnstile: no lock */
	uint64_t n_ordered;
};

static void job_init(struct job *job, int i)
{
	*job = (struct job){ .n_threads = thread_counts[i], .fail_at = UINT64_MAX, .fail_step = 1 };
	ck_assert_int_eq(heft_pool_new(job->n_threads, &job->pool, NULL), HEFT_OK);
	ck_assert_uint_eq(heft_pool_n_threads(job->pool), job->n_threads);
	ck_assert_int_eq(heft_turn_new(&job->turn, NULL), HEFT_OK);
}

static void job_done(struct job *job)
{
	heft_turn_free(job->turn);
	heft_pool_free(job->pool);
}

static void nap(long us)
{
	const struct timespec t = { .tv_nsec = us * 1000 };

	nanosleep(&t, NULL);
}

static enum heft_status add_up(void *ctx, uint64_t i, uint32_t worker_i, struct heft_error *err)
{
	struct job *job = ctx;

	ck_assert_uint_lt(worker_i, job->n_threads);
	ck_assert_uint_eq(atomic_fetch_add(&job->n_in_worker[worker_i], 1), 0);
	atomic_fetch_add(&job->n_calls[i], 1);
	atomic_fetch_add(&job->sum, i);
	if (i % 100 == 0)
		nap(200);
	atomic_fetch_sub(&job->n_in_worker[worker_i], 1);
	if (i >= job->fail_at && (i - job->fail_at) % job->fail_step == 0)
		return heft_fail(err, HEFT_E_CORRUPT, i, "piece %u", (unsigned)i);
	return HEFT_OK;
}

START_TEST(every_piece_is_done_once_by_one_worker_at_a_time)
{
	struct job job;

	job_init(&job, _i);
	for (unsigned round = 1; round <= 20; round++) {
		ck_assert_int_eq(heft_pool_run(job.pool, N_PIECES, add_up, &job, NULL), HEFT_OK);
		ck_assert_uint_eq(atomic_load(&job.sum), round * (N_PIECES * (N_PIECES - 1) / 2));
	}
	for (size_t i = 0; i < N_PIECES; i++)
		ck_assert_uint_eq(atomic_load(&job.n_calls[i]), 20);
	job_done(&job);
}
END_TEST

START_TEST(runs_of_no_piece_and_of_one_need_no_thread)
{
	struct job job;

	job_init(&job, _i);
	ck_assert_int_eq(heft_pool_run(job.pool, 0, add_up, &job, NULL), HEFT_OK);
	ck_assert_int_eq(heft_pool_run(job.pool, 1, add_up, &job, NULL), HEFT_OK);
	ck_assert_uint_eq(atomic_load(&job.n_calls[0]), 1);
	ck_assert_uint_eq(atomic_load(&job.n_calls[1]), 0);
	job_done(&job);
}
END_TEST

START_TEST(the_lowest_failure_is_returned_and_stops_the_run)
{
	struct heft_error err;
	struct job job;

	for (unsigned round = 0; round < 50; round++) {
		unsigned n_begun = 0;

		job_init(&job, _i);
		job.fail_at = 100;
		ck_assert_int_eq(heft_pool_run(job.pool, N_PIECES, add_up, &job, &err),
		                 HEFT_E_CORRUPT);
		ck_assert_str_eq(err.msg, "piece 100");
		ck_assert_uint_eq(err.offset, 100);
		for (size_t i = 0; i <= 100; i++)
			ck_assert_uint_eq(atomic_load(&job.n_calls[i]), 1);
		for (size_t i = 0; i < N_PIECES; i++)
			n_begun += atomic_load(&job.n_calls[i]);
		ck_assert_uint_lt(n_begun, N_PIECES);
		job.fail_at = UINT64_MAX; /* the pool is as good as new */
		ck_assert_int_eq(heft_pool_run(job.pool, N_PIECES, add_up, &job, NULL), HEFT_OK);
		job_done(&job);
	}
}
END_TEST

static enum heft_status pass_in_turn(void *ctx, uint64_t i, uint32_t worker_i,
                                     struct heft_error *err)
{
	struct job *job = ctx;
	const bool fails = i >= job->fail_at && (i - job->fail_at) % job->fail_step == 0;

	(void)worker_i;
	if (i % 7 == 0)
		nap(20);
	if (fails && job->fails_before_turn) {
		heft_turn_fail(job->turn, i);
		return heft_fail(err, HEFT_E_LIMIT, i, "before its turn");
	}
	if (!heft_turn_wait(job->turn, i))
		return heft_fail(err, HEFT_E_CANCELLED, i, "stopped");
	if (fails) {
		heft_turn_fail(job->turn, i);
		return heft_fail(err, HEFT_E_CORRUPT, i, "in its turn");
	}
	job->order[job->n_ordered++] = i;
	heft_turn_leave(job->turn);
	return HEFT_OK;
}

START_TEST(the_turnstile_lets_pieces_pass_in_order)
{
	struct job job;

	job_init(&job, _i);
	ck_assert_int_eq(heft_pool_run(job.pool, N_PIECES, pass_in_turn, &job, NULL), HEFT_OK);
	ck_assert_uint_eq(job.n_ordered, N_PIECES);
	for (uint64_t i = 0; i < N_PIECES; i++)
		ck_assert_uint_eq(job.order[i], i);
	job_done(&job);
}
END_TEST

START_TEST(a_failure_at_the_turnstile_lets_all_below_it_pass_and_none_above)
{
	for (unsigned round = 0; round < 100; round++) {
		struct heft_error err;
		struct job job;
		enum heft_status st;

		job_init(&job, _i);
		job.fail_at = 1 + round * 3;
		job.fail_step = 1 + round % 3;
		job.fails_before_turn = round % 2 == 0;
		st = heft_pool_run(job.pool, N_PIECES, pass_in_turn, &job, &err);
		ck_assert_int_eq(st, job.fails_before_turn ? HEFT_E_LIMIT : HEFT_E_CORRUPT);
		ck_assert_uint_eq(err.offset, job.fail_at);
		ck_assert_uint_eq(job.n_ordered, job.fail_at);
		job_done(&job);
	}
}
END_TEST

struct outer {
	struct job *job;
	struct heft_pool *pool;
};

static enum heft_status run_inner(void *ctx, uint64_t i, uint32_t worker_i, struct heft_error *err)
{
	struct outer *outer = ctx;
	struct job *job = &outer->job[i];

	(void)worker_i;
	job->n_threads = 1; /* alone: it is always worker 0 of the inner run */
	job->fail_at = UINT64_MAX;
	job->fail_step = 1;
	return heft_pool_run(outer->pool, N_PIECES, add_up, job, err);
}

START_TEST(a_run_within_a_run_works_alone)
{
	static struct job inner[10];
	struct job job;
	struct outer outer = { .job = inner };

	job_init(&job, _i);
	outer.pool = job.pool;
	for (size_t i = 0; i < 10; i++)
		inner[i] = (struct job){ .n_threads = 1 };
	if (job.n_threads > 1) { /* with one thread there is no outer run that holds the workers */
		ck_assert_int_eq(heft_pool_run(job.pool, 10, run_inner, &outer, NULL), HEFT_OK);
		for (size_t i = 0; i < 10; i++)
			ck_assert_uint_eq(atomic_load(&inner[i].sum),
			                  N_PIECES * (N_PIECES - 1) / 2);
	}
	job_done(&job);
}
END_TEST

static enum heft_status check_mask(void *ctx, uint64_t i, uint32_t worker_i, struct heft_error *err)
{
	sigset_t mask;

	(void)ctx;
	(void)i;
	nap(500);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	if (sigismember(&mask, SIGINT) != (worker_i > 0))
		return heft_fail(err, HEFT_E_USAGE, i, "worker %u", (unsigned)worker_i);
	return HEFT_OK;
}

START_TEST(signals_go_to_the_callers_threads_only)
{
	struct job job;

	job_init(&job, _i);
	ck_assert_int_eq(heft_pool_run(job.pool, 50, check_mask, NULL, NULL), HEFT_OK);
	job_done(&job);
}
END_TEST

START_TEST(the_number_of_threads_is_kept_within_bounds)
{
	struct heft_pool *p;

	ck_assert_uint_ge(heft_cpu_count(), 1);
	ck_assert_int_eq(heft_pool_new(0, &p, NULL), HEFT_OK);
	ck_assert_uint_ge(heft_pool_n_threads(p), 1);
	ck_assert_uint_le(heft_pool_n_threads(p), heft_cpu_count());
	heft_pool_free(p);
	ck_assert_int_eq(heft_pool_new(UINT32_MAX, &p, NULL), HEFT_OK);
	ck_assert_uint_le(heft_pool_n_threads(p), 256);
	heft_pool_free(p);
	heft_pool_free(NULL);
	heft_turn_free(NULL);
}
END_TEST

/* A sanitizer's own memory is past any such limit. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#endif

#ifndef IS_SANITIZED
START_TEST(stacks_take_at_most_a_quarter_of_the_data_limit)
{
	struct rlimit before;
	struct rlimit limit;
	struct heft_pool *p;

	ck_assert_int_eq(getrlimit(RLIMIT_DATA, &before), 0);
	limit = (struct rlimit){ .rlim_cur = 64 << 20, .rlim_max = before.rlim_max };
	if (setrlimit(RLIMIT_DATA, &limit) != 0)
		return;
	ck_assert_int_eq(heft_pool_new(256, &p, NULL), HEFT_OK);
	setrlimit(RLIMIT_DATA, &before);
	ck_assert_uint_le(heft_pool_n_threads(p), 65);
	heft_pool_free(p);
}
END_TEST
#endif

static Suite *pool_suite(void)
{
	Suite *s = suite_create("base_pool");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_piece_is_done_once_by_one_worker_at_a_time, 0, N_COUNTS);
	tcase_add_loop_test(t, runs_of_no_piece_and_of_one_need_no_thread, 0, N_COUNTS);
	tcase_add_loop_test(t, the_lowest_failure_is_returned_and_stops_the_run, 0, N_COUNTS);
	tcase_add_loop_test(t, the_turnstile_lets_pieces_pass_in_order, 0, N_COUNTS);
	tcase_add_loop_test(t, a_failure_at_the_turnstile_lets_all_below_it_pass_and_none_above, 0,
	                    N_COUNTS);
	tcase_add_loop_test(t, a_run_within_a_run_works_alone, 0, N_COUNTS);
	tcase_add_loop_test(t, signals_go_to_the_callers_threads_only, 0, N_COUNTS);
	tcase_add_test(t, the_number_of_threads_is_kept_within_bounds);
#ifndef IS_SANITIZED
	tcase_add_test(t, stacks_take_at_most_a_quarter_of_the_data_limit);
#endif
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(pool_suite());
}
