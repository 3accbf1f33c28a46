/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_team.c - tests of lib/base/team.c and lib/base/float_mode.c. */
#include "base/team.h"

#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/float_mode.h"
#include "unit.h"

#ifdef HEFT_TARGET_AVX2
#include <immintrin.h>
#define FLUSHES 0x8040U /* MXCSR: flush to zero, denormals are zero */
#endif

static const uint32_t thread_counts[] = { 1, 2, 3, 7 };
#define N_COUNTS (int)(sizeof thread_counts / sizeof thread_counts[0])
#define N_TASKS 500

struct job {
	struct heft_team *team;
	uint32_t n_threads;
	atomic_uint n_calls[N_TASKS];
	atomic_uint n_in_worker[8];
	uint64_t plain; /* written by the caller between runs, read in tasks: the runs order it */
	uint64_t made[N_TASKS];
};

static void nap(long us)
{
	const struct timespec t = { .tv_nsec = us * 1000 };

	nanosleep(&t, NULL);
}

static void job_init(struct job *job, int i)
{
	memset(job, 0, sizeof *job);
	job->n_threads = thread_counts[i];
	ck_assert_int_eq(heft_team_new(job->n_threads, &job->team, NULL), HEFT_OK);
	ck_assert_uint_eq(heft_team_n_threads(job->team), job->n_threads);
}

static void count(void *ctx, uint64_t task, uint32_t worker)
{
	struct job *job = ctx;

	ck_assert_uint_lt(worker, job->n_threads);
	ck_assert_uint_eq(atomic_fetch_add(&job->n_in_worker[worker], 1), 0);
	atomic_fetch_add(&job->n_calls[task], 1);
	job->made[task] = job->plain + task;
	atomic_fetch_sub(&job->n_in_worker[worker], 1);
}

static void run_and_check(struct job *job, uint64_t n, unsigned n_before)
{
	job->plain += 1000;
	heft_team_run(job->team, n, count, job);
	for (uint64_t i = 0; i < n; i++) {
		ck_assert_uint_eq(atomic_load(&job->n_calls[i]), n_before + 1);
		ck_assert_uint_eq(job->made[i], job->plain + i);
	}
}

START_TEST(every_task_is_done_once_by_one_worker_at_a_time)
{
	struct job job;

	job_init(&job, _i);
	for (unsigned round = 0; round < 200; round++)
		run_and_check(&job, N_TASKS, round);
	heft_team_free(job.team);
}
END_TEST

START_TEST(runs_of_any_length_follow_each_other_and_sleep)
{
	struct job job;

	job_init(&job, _i);
	for (uint64_t n = 0; n < N_TASKS; n += 1 + n / 8) {
		memset(job.n_calls, 0, sizeof job.n_calls);
		run_and_check(&job, n, 0);
		nap(n % 3 == 0 ? 300 : 10); /* past the time of spinning, and within it */
	}
	heft_team_free(job.team);
}
END_TEST

static void take_turns_sleeping(void *ctx, uint64_t task, uint32_t worker)
{
	if (worker > 0 || task % 5 == 0)
		nap(400);
	count(ctx, task, worker);
}

START_TEST(a_caller_waits_for_the_slowest)
{
	struct job job;

	job_init(&job, _i);
	for (unsigned round = 0; round < 10; round++) {
		heft_team_run(job.team, 20, take_turns_sleeping, &job);
		for (unsigned i = 0; i < 20; i++)
			ck_assert_uint_eq(atomic_load(&job.n_calls[i]), round + 1);
	}
	heft_team_free(job.team);
}
END_TEST

struct seen {
	atomic_uint n_wrong;
};

/* Sums that other modes round or flush: spec F1-3. */
static void check_mode(void *ctx, uint64_t task, uint32_t worker)
{
	struct seen *seen = ctx;
	const volatile float one = 1.0f;
	const volatile float little = 0x1p-30f;
	const volatile float tiny = 0x1p-140f;
	const volatile float up = one + little;
	const volatile float down = one - little;
	const volatile float kept = tiny * one;

	(void)task;
	(void)worker;
	if (up != 1.0f || down != 1.0f || kept == 0.0f)
		atomic_fetch_add(&seen->n_wrong, 1);
	nap(50);
}

/* By what it computes: fegetround asks the x87 unit, which nobody else uses. */
static bool rounds_to_nearest(void)
{
	const volatile float one = 1.0f;
	const volatile float little = 0x1p-30f;
	const volatile float up = one + little;
	const volatile float down = one - little;

	return up == 1.0f && down == 1.0f;
}

/* spec F1-3 */
START_TEST(every_thread_rounds_to_nearest_and_keeps_subnormals)
{
	static const int modes[] = { FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
	struct seen seen = { 0 };

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		struct heft_team *team;

		ck_assert_int_eq(fesetround(modes[i]), 0);
#ifdef FLUSHES
		_mm_setcsr(_mm_getcsr() | FLUSHES);
#endif
		/* its threads begin with the mode of the one that makes them */
		ck_assert_int_eq(heft_team_new(thread_counts[_i], &team, NULL), HEFT_OK);
		for (unsigned round = 0; round < 5; round++)
			heft_team_run(team, 40, check_mode, &seen);
		heft_team_run(NULL, 2, check_mode, &seen);
		heft_team_run(team, 1, check_mode, &seen);
		heft_team_free(team);
		ck_assert(!rounds_to_nearest()); /* and back */
#ifdef FLUSHES
		ck_assert_uint_eq(_mm_getcsr() & FLUSHES, FLUSHES);
		_mm_setcsr(_mm_getcsr() & ~FLUSHES);
#endif
		fesetround(FE_TONEAREST);
	}
	ck_assert_uint_eq(atomic_load(&seen.n_wrong), 0);
}
END_TEST

/* spec F1-3 */
START_TEST(what_happened_stays_told_when_the_mode_goes_back)
{
	const volatile float zero = 0.0f;
	volatile float infinite;
	uint64_t before;

	feclearexcept(FE_ALL_EXCEPT);
	fesetround(FE_UPWARD);
	before = heft_float_mode_set();
	ck_assert(rounds_to_nearest());
	infinite = 1.0f / zero;
	heft_float_mode_restore(before);
	ck_assert(infinite > 1.0f);
	ck_assert(!rounds_to_nearest());
	fesetround(FE_TONEAREST);
	ck_assert_int_ne(fetestexcept(FE_DIVBYZERO), 0);
}
END_TEST

static void check_mask(void *ctx, uint64_t task, uint32_t worker)
{
	struct seen *seen = ctx;
	sigset_t mask;

	(void)task;
	nap(100);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	if (sigismember(&mask, SIGINT) != (worker > 0))
		atomic_fetch_add(&seen->n_wrong, 1);
}

START_TEST(signals_go_to_the_callers_threads_only)
{
	struct seen seen = { 0 };
	struct job job;

	job_init(&job, _i);
	heft_team_run(job.team, 30, check_mask, &seen);
	ck_assert_uint_eq(atomic_load(&seen.n_wrong), 0);
	heft_team_free(job.team);
}
END_TEST

START_TEST(the_number_of_threads_is_kept_within_bounds)
{
	struct heft_team *t;

	ck_assert_uint_eq(heft_team_n_threads(NULL), 1);
	ck_assert_int_eq(heft_team_new(0, &t, NULL), HEFT_OK);
	ck_assert_uint_ge(heft_team_n_threads(t), 1);
	heft_team_free(t);
	ck_assert_int_eq(heft_team_new(UINT32_MAX, &t, NULL), HEFT_OK);
	ck_assert_uint_le(heft_team_n_threads(t), 256);
	heft_team_free(t);
	heft_team_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base_team");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_task_is_done_once_by_one_worker_at_a_time, 0, N_COUNTS);
	tcase_add_loop_test(t, runs_of_any_length_follow_each_other_and_sleep, 0, N_COUNTS);
	tcase_add_loop_test(t, a_caller_waits_for_the_slowest, 0, N_COUNTS);
	tcase_add_loop_test(t, every_thread_rounds_to_nearest_and_keeps_subnormals, 0, N_COUNTS);
	tcase_add_test(t, what_happened_stays_told_when_the_mode_goes_back);
	tcase_add_loop_test(t, signals_go_to_the_callers_threads_only, 0, N_COUNTS);
	tcase_add_test(t, the_number_of_threads_is_kept_within_bounds);
	suite_add_tcase(suite, t);
	return heft_unit_run(suite);
}
