/* SPDX-License-Identifier: Apache-2.0 */
/* team.c - threads that spin a little between short loops, and then sleep.
 *
 * A run is a gate. The caller describes the run, opens the gate, works along, closes the gate
 * when no task is left, and waits until nobody is inside. A worker that comes too late finds the
 * gate closed and is not waited for, so that a run of few tasks never pays for a sleeper's
 * waking. */
#include "base/team.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/float_mode.h"
#include "base/threads.h"

#define SPIN_NS 50000
/* Looks between two at the clock, which takes as long as several of them. */
#define N_LOOKS 32U
#define CACHE_LINE 64

#define GATE_OPEN (UINT32_C(1) << 31) /* the rest of the gate's bits: how many are inside */

struct member {
	struct heft_team *team;
	uint32_t i;
	pthread_t thread;
};

struct heft_team {
	/* Written by the caller while the gate is closed and nobody is inside. */
	heft_task_fn fn;
	void *ctx;
	uint64_t n;
	bool is_running;
	/* In lines of their own: each is written while others are read. */
	char apart_1[CACHE_LINE];
	_Atomic uint64_t next;
	char apart_2[CACHE_LINE];
	_Atomic uint32_t gate;
	char apart_3[CACHE_LINE];
	_Atomic uint32_t n_runs; /* grows when a gate opens, and at the end */
	_Atomic uint32_t n_sleeping;
	atomic_bool caller_sleeps;
	atomic_bool is_ending;
	pthread_mutex_t mutex; /* over falling asleep and waking */
	pthread_cond_t has_run;
	pthread_cond_t all_left;
	uint32_t n_members; /* threads besides the caller's */
	struct member members[];
};

static void look_again(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
	__builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
	__asm__ volatile("yield");
#endif
}

/* For the gate and for n_runs: whoever waits for one of them sleeps when this says false. */
static bool spin_until_not(const _Atomic uint32_t *word, uint32_t value)
{
	const uint64_t began = heft_clock();

	do {
		for (unsigned i = 0; i < N_LOOKS; i++) {
			if (atomic_load(word) != value)
				return true;
			look_again();
		}
	} while (heft_clock() - began < SPIN_NS);
	return false;
}

static void work_through(struct heft_team *t, uint32_t worker)
{
	const uint64_t mode = heft_float_mode_set();
	uint64_t task;

	while ((task = atomic_fetch_add_explicit(&t->next, 1, memory_order_relaxed)) < t->n)
		t->fn(t->ctx, task, worker);
	heft_float_mode_restore(mode);
}

static void leave(struct heft_team *t)
{
	if (atomic_fetch_sub(&t->gate, 1) == 1 && atomic_load(&t->caller_sleeps)) {
		pthread_mutex_lock(&t->mutex);
		pthread_cond_signal(&t->all_left);
		pthread_mutex_unlock(&t->mutex);
	}
}

/* A sleeper counts itself before it looks at n_runs for the last time, and a caller that has raised
 * n_runs looks at the count: one of the two sees the other. */
static void wait_for_run(struct heft_team *t, uint32_t n_seen)
{
	if (spin_until_not(&t->n_runs, n_seen))
		return;
	pthread_mutex_lock(&t->mutex);
	atomic_fetch_add(&t->n_sleeping, 1);
	while (atomic_load(&t->n_runs) == n_seen)
		pthread_cond_wait(&t->has_run, &t->mutex);
	atomic_fetch_sub(&t->n_sleeping, 1);
	pthread_mutex_unlock(&t->mutex);
}

static void announce(struct heft_team *t)
{
	atomic_fetch_add(&t->n_runs, 1);
	if (atomic_load(&t->n_sleeping) > 0) {
		pthread_mutex_lock(&t->mutex);
		pthread_cond_broadcast(&t->has_run);
		pthread_mutex_unlock(&t->mutex);
	}
}

static void *member_main(void *arg)
{
	const struct member *m = arg;
	struct heft_team *t = m->team;
	uint32_t n_seen = 0;

	for (;;) {
		wait_for_run(t, n_seen);
		n_seen = atomic_load(&t->n_runs);
		if (atomic_load(&t->is_ending))
			return NULL;
		if ((atomic_fetch_add(&t->gate, 1) & GATE_OPEN) != 0)
			work_through(t, m->i);
		leave(t);
	}
}

static bool start_member(void *ctx, const pthread_attr_t *attr)
{
	struct heft_team *t = ctx;
	struct member *m = &t->members[t->n_members];

	m->team = t;
	m->i = t->n_members + 1;
	if (pthread_create(&m->thread, attr, member_main, m) != 0)
		return false;
	t->n_members++;
	return true;
}

enum heft_status heft_team_new(uint32_t n_threads, struct heft_team **out, struct heft_error *err)
{
	const uint32_t n = heft_threads_beside(n_threads);
	struct heft_team *t = heft_zalloc(sizeof *t + n * sizeof t->members[0]);

	if (!t)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a team");
	pthread_mutex_init(&t->mutex, NULL);
	pthread_cond_init(&t->has_run, NULL);
	pthread_cond_init(&t->all_left, NULL);
	heft_threads_start(n, start_member, t);
	*out = t;
	return HEFT_OK;
}

void heft_team_free(struct heft_team *t)
{
	if (!t)
		return;
	atomic_store(&t->is_ending, true);
	announce(t);
	for (uint32_t i = 0; i < t->n_members; i++)
		pthread_join(t->members[i].thread, NULL);
	pthread_cond_destroy(&t->all_left);
	pthread_cond_destroy(&t->has_run);
	pthread_mutex_destroy(&t->mutex);
	heft_free(t);
}

uint32_t heft_team_n_threads(const struct heft_team *t)
{
	return t ? t->n_members + 1 : 1;
}

/* Those inside, and those who only look whether the gate is open: what describes a run is not
 * changed while any of them is there. */
static void wait_until_left(struct heft_team *t)
{
	uint32_t gate;

	while ((gate = atomic_load(&t->gate)) != 0) {
		if (spin_until_not(&t->gate, gate))
			continue;
		pthread_mutex_lock(&t->mutex);
		atomic_store(&t->caller_sleeps, true);
		while (atomic_load(&t->gate) != 0)
			pthread_cond_wait(&t->all_left, &t->mutex);
		atomic_store(&t->caller_sleeps, false);
		pthread_mutex_unlock(&t->mutex);
	}
}

static void run_alone(uint64_t n, heft_task_fn fn, void *ctx)
{
	const uint64_t mode = heft_float_mode_set();

	for (uint64_t i = 0; i < n; i++)
		fn(ctx, i, 0);
	heft_float_mode_restore(mode);
}

void heft_team_run(struct heft_team *t, uint64_t n, heft_task_fn fn, void *ctx)
{
	if (!t || t->n_members == 0 || n < 2) {
		run_alone(n, fn, ctx);
		return;
	}
	assert(!t->is_running);
	t->is_running = true;
	t->fn = fn;
	t->ctx = ctx;
	t->n = n;
	atomic_store(&t->next, 0);
	atomic_fetch_or(&t->gate, GATE_OPEN);
	announce(t);
	work_through(t, 0);
	atomic_fetch_and(&t->gate, ~GATE_OPEN);
	wait_until_left(t);
	t->is_running = false;
}
