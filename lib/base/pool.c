/* SPDX-License-Identifier: Apache-2.0 */
/* base/pool.c - threads that work through numbered pieces, and the turnstile that puts results back
 * in order. */
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/error.h"

struct worker {
	struct heft_pool *pool;
	uint32_t i;
	pthread_t thread;
};

/* One call of heft_pool_run. */
struct run {
	heft_piece_fn fn;
	void *ctx;
	uint64_t n;
	_Atomic uint64_t next_i;
	atomic_bool has_failed;
	pthread_mutex_t mutex; /* over the rest */
	uint64_t failed_i;
	enum heft_status status;
	struct heft_error error;
};

struct heft_pool {
	uint32_t n_workers;     /* threads besides the caller's */
	pthread_mutex_t mutex;  /* over the rest */
	pthread_cond_t has_run; /* or is_ending */
	pthread_cond_t all_left;
	bool is_ending;
	struct run *run;   /* NULL: none, or its pieces are all handed out */
	bool is_running;   /* a caller is inside heft_pool_run with the workers */
	uint64_t n_runs;   /* tells a worker that has left a run from one that has not seen it */
	uint32_t n_inside; /* workers in the run */
	struct worker workers[];
};

static void run_init(struct run *r, uint64_t n, heft_piece_fn fn, void *ctx)
{
	*r = (struct run){ .fn = fn, .ctx = ctx, .n = n, .failed_i = UINT64_MAX };
	pthread_mutex_init(&r->mutex, NULL);
}

/* Every piece below a failed one has begun already and is not stopped, so the lowest failure does
 * not depend on who was faster. */
static void note_failure(struct run *r, uint64_t i, enum heft_status status,
                         const struct heft_error *error)
{
	atomic_store(&r->has_failed, true);
	pthread_mutex_lock(&r->mutex);
	if (i < r->failed_i) {
		r->failed_i = i;
		r->status = status;
		r->error = *error;
	}
	pthread_mutex_unlock(&r->mutex);
}

static void work_through(struct run *r, uint32_t worker_i)
{
	while (!atomic_load(&r->has_failed)) {
		struct heft_error error = { .code = HEFT_OK, .offset = HEFT_NO_OFFSET };
		const uint64_t i = atomic_fetch_add(&r->next_i, 1);
		enum heft_status status;

		if (i >= r->n)
			return;
		status = r->fn(r->ctx, i, worker_i, &error);
		if (status != HEFT_OK)
			note_failure(r, i, status, &error);
	}
}

static enum heft_status run_done(struct run *r, struct heft_error *err)
{
	pthread_mutex_destroy(&r->mutex);
	if (r->status != HEFT_OK && err)
		*err = r->error;
	return r->status;
}

static void *worker_main(void *arg)
{
	const struct worker *w = arg;
	struct heft_pool *p = w->pool;
	uint64_t n_seen = 0;

	pthread_mutex_lock(&p->mutex);
	for (;;) {
		struct run *r;

		while (!p->is_ending && (!p->run || p->n_runs == n_seen))
			pthread_cond_wait(&p->has_run, &p->mutex);
		if (p->is_ending)
			break;
		r = p->run;
		n_seen = p->n_runs;
		p->n_inside++;
		pthread_mutex_unlock(&p->mutex);
		work_through(r, w->i);
		pthread_mutex_lock(&p->mutex);
		p->n_inside--;
		if (p->n_inside == 0)
			pthread_cond_signal(&p->all_left);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

static bool start_worker(void *ctx, const pthread_attr_t *attr)
{
	struct heft_pool *p = ctx;
	struct worker *w = &p->workers[p->n_workers];

	w->pool = p;
	w->i = p->n_workers + 1;
	if (pthread_create(&w->thread, attr, worker_main, w) != 0)
		return false;
	p->n_workers++;
	return true;
}

enum heft_status heft_pool_new(uint32_t n_threads, struct heft_pool **out, struct heft_error *err)
{
	const uint32_t n_workers = heft_threads_beside(n_threads);
	struct heft_pool *p = heft_zalloc(sizeof *p + n_workers * sizeof p->workers[0]);

	if (!p)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a thread pool");
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->has_run, NULL);
	pthread_cond_init(&p->all_left, NULL);
	heft_threads_start(n_workers, start_worker, p);
	*out = p;
	return HEFT_OK;
}

void heft_pool_free(struct heft_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->mutex);
	p->is_ending = true;
	pthread_cond_broadcast(&p->has_run);
	pthread_mutex_unlock(&p->mutex);
	for (uint32_t i = 0; i < p->n_workers; i++)
		pthread_join(p->workers[i].thread, NULL);
	pthread_cond_destroy(&p->all_left);
	pthread_cond_destroy(&p->has_run);
	pthread_mutex_destroy(&p->mutex);
	heft_free(p);
}

uint32_t heft_pool_n_threads(const struct heft_pool *p)
{
	return p->n_workers + 1;
}

/* False where the workers are taken: by a run that this one lies within, or by another thread's. */
static bool call_workers(struct heft_pool *p, struct run *r)
{
	bool is_free;

	if (p->n_workers == 0 || r->n < 2)
		return false;
	pthread_mutex_lock(&p->mutex);
	is_free = !p->is_running;
	if (is_free) {
		p->is_running = true;
		p->run = r;
		p->n_runs++;
		pthread_cond_broadcast(&p->has_run);
	}
	pthread_mutex_unlock(&p->mutex);
	return is_free;
}

/* A worker that wakes too late to get a piece is not waited for: it finds no run. */
static void dismiss_workers(struct heft_pool *p)
{
	pthread_mutex_lock(&p->mutex);
	p->run = NULL;
	while (p->n_inside > 0)
		pthread_cond_wait(&p->all_left, &p->mutex);
	p->is_running = false;
	pthread_mutex_unlock(&p->mutex);
}

enum heft_status heft_pool_run(struct heft_pool *p, uint64_t n, heft_piece_fn fn, void *ctx,
                               struct heft_error *err)
{
	struct run r;
	bool has_workers;

	run_init(&r, n, fn, ctx);
	has_workers = call_workers(p, &r);
	work_through(&r, 0);
	if (has_workers)
		dismiss_workers(p);
	return run_done(&r, err);
}

struct heft_turn {
	pthread_mutex_t mutex;
	pthread_cond_t moved;
	uint64_t next_i;   /* whose turn it is */
	uint64_t failed_i; /* the lowest piece that failed, else UINT64_MAX */
};

enum heft_status heft_turn_new(struct heft_turn **out, struct heft_error *err)
{
	struct heft_turn *t = heft_zalloc(sizeof *t);

	if (!t)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a turnstile");
	pthread_mutex_init(&t->mutex, NULL);
	pthread_cond_init(&t->moved, NULL);
	t->failed_i = UINT64_MAX;
	*out = t;
	return HEFT_OK;
}

void heft_turn_free(struct heft_turn *t)
{
	if (!t)
		return;
	pthread_cond_destroy(&t->moved);
	pthread_mutex_destroy(&t->mutex);
	heft_free(t);
}

bool heft_turn_wait(struct heft_turn *t, uint64_t i)
{
	bool passes;

	pthread_mutex_lock(&t->mutex);
	while (t->next_i < i && i < t->failed_i)
		pthread_cond_wait(&t->moved, &t->mutex);
	passes = i < t->failed_i;
	pthread_mutex_unlock(&t->mutex);
	return passes;
}

void heft_turn_leave(struct heft_turn *t)
{
	pthread_mutex_lock(&t->mutex);
	t->next_i++;
	pthread_cond_broadcast(&t->moved);
	pthread_mutex_unlock(&t->mutex);
}

void heft_turn_fail(struct heft_turn *t, uint64_t i)
{
	pthread_mutex_lock(&t->mutex);
	if (i < t->failed_i)
		t->failed_i = i;
	pthread_cond_broadcast(&t->moved);
	pthread_mutex_unlock(&t->mutex);
}
