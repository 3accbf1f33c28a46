/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - the statistics of an open file's tensors, by all threads, in memory that does not grow
 * with the file.
 *
 * The groups of a chunk plan are worked through window by window. A tensor of one chunk is done by
 * whoever reads it. A longer one has a slot, where the threads' counts meet, in any order since
 * they are whole numbers, and where the sums of its chunks are merged in the order of the chunks;
 * it may go on over many windows. */
#include "heft/stats.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "tensor/dtype.h"
#include "weights/chunk_source.h"
#include "weights/stats_figures.h"
#include "weights/stats_plan.h"

/* Bounds of a window: its groups leave a counter of 32 bits room (2^22 elements a chunk at most);
 * slots take half a mebibyte each. */
#define N_GROUPS 512
#define N_TENSORS 2048
#define N_SLOTS 16
/* Left to everything else when memory is short: workers are made until it is. */
#define RESERVE ((size_t)6 << 20)
#define RESERVE_PER_THREAD ((size_t)320 << 10)
#define N_THREADS_MAX 256

/* A tensor of several chunks. */
struct slot {
	bool is_used;
	uint32_t tensor; /* place in the plan */
	uint64_t n_chunks_left;
	struct heft_stats_sums sums;
	pthread_mutex_t mutex; /* over the counts */
	uint64_t counts[HEFT_STATS_COUNTS];
};

struct worker {
	struct heft_chunk_source *source;
	uint8_t *bytes;
	struct heft_plan_chunk *chunks;
	uint32_t *counts;  /* zero, or of the slot below */
	struct slot *slot; /* NULL: none */
	struct heft_stats_list *list;
};

struct window {
	uint64_t first_group;
	uint32_t n_groups;
	uint32_t first_tensor;        /* places in the plan */
	uint32_t end_tensor;          /* the last group's last one may go on behind the window */
	struct slot *slots[N_GROUPS]; /* of each group's chunk; NULL: whole tensors */
	struct heft_stats_sums sums[N_GROUPS]; /* of that chunk */
	struct heft_stats results[N_TENSORS];  /* from first_tensor on */
	uint32_t done_slots[N_SLOTS];
	uint32_t n_done_slots;
};

struct job {
	struct heft_file *file;
	struct heft_stats_plan plan;
	struct heft_meter meter;
	struct heft_pool *pool;
	struct worker *workers;
	uint32_t n_workers;
	struct slot *slots[N_SLOTS];
	struct window *window;
	/* results that copies need, by position of the first; NULL when there are no copies */
	struct heft_stats **kept;
	heft_stats_fn fn;
	void *user;
	uint32_t n_told; /* positions */
};

static uint64_t n_chunks_of(const struct job *job, uint32_t tensor)
{
	const struct heft_plan_tensor *t = &job->plan.chunks.tensors[tensor];

	return heft_n_chunks(t->n_bytes, t->unit);
}

/* --- workers --- */

static void worker_done(struct worker *w)
{
	heft_chunk_source_free(w->source);
	heft_free(w->bytes);
	heft_free(w->chunks);
	heft_free(w->counts);
	heft_free(w->list);
}

static enum heft_status worker_init(struct job *job, struct worker *w, struct heft_error *err)
{
	HEFT_TRY(heft_chunk_source_new(job->file, (job->file->flags & HEFT_OPEN_VERIFY) != 0,
	                               &w->source, err));
	w->bytes = heft_alloc(HEFT_GROUP_BYTES);
	w->chunks = heft_alloc_array(HEFT_GROUP_CHUNKS, sizeof *w->chunks);
	w->counts = heft_zalloc_array(HEFT_STATS_COUNTS, sizeof *w->counts);
	w->list = heft_alloc(sizeof *w->list);
	if (!w->bytes || !w->chunks || !w->counts || !w->list)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a worker");
	return HEFT_OK;
}

/* As many as there is memory for, at least one. */
static enum heft_status make_workers(struct job *job, uint32_t n, struct heft_error *err)
{
	void *reserve;
	enum heft_status st;

	job->workers = heft_zalloc_array(n, sizeof *job->workers);
	if (!job->workers)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for workers");
	job->n_workers = 1;
	HEFT_TRY(worker_init(job, &job->workers[0], err));
	while ((reserve = heft_alloc(RESERVE + n * RESERVE_PER_THREAD)) == NULL && n > 1)
		n /= 2;
	for (st = HEFT_OK; st == HEFT_OK && job->n_workers < n;) {
		struct worker *w = &job->workers[job->n_workers];

		st = worker_init(job, w, NULL);
		if (st == HEFT_OK)
			job->n_workers++;
		else
			worker_done(w);
	}
	heft_free(reserve);
	return HEFT_OK;
}

static enum heft_status make_pool(struct job *job, const struct heft_run *run,
                                  struct heft_error *err)
{
	uint32_t n = run && run->n_threads ? run->n_threads : heft_cpu_count();

	if (n > N_THREADS_MAX)
		n = N_THREADS_MAX;
	if (n > job->plan.chunks.n_groups)
		n = (uint32_t)job->plan.chunks.n_groups;
	HEFT_TRY(make_workers(job, n, err));
	return heft_pool_new(job->n_workers, &job->pool, err);
}

/* --- a group --- */

/* Hands a worker's counts over to the slot that they are of. Most are zero. */
static void flush_counts(struct worker *w)
{
	static const uint32_t zeros[16];
	const uint32_t step = sizeof zeros / sizeof *zeros;

	if (!w->slot)
		return;
	pthread_mutex_lock(&w->slot->mutex);
	for (uint32_t i = 0; i < HEFT_STATS_COUNTS; i += step) {
		if (memcmp(w->counts + i, zeros, sizeof zeros) == 0)
			continue;
		for (uint32_t k = i; k < i + step; k++)
			w->slot->counts[k] += w->counts[k];
		memset(w->counts + i, 0, sizeof zeros);
	}
	pthread_mutex_unlock(&w->slot->mutex);
	w->slot = NULL;
}

static size_t n_elements_of(const struct heft_tensor *t, const struct heft_plan_chunk *c)
{
	const struct heft_dtype_info *info = heft_dtype_describe(t->dtype);
	const uint64_t first = c->off / info->n_bytes * info->n_elements;
	const uint64_t n = (uint64_t)c->n / info->n_bytes * info->n_elements +
	                   (c->n % info->n_bytes != 0 ? info->n_elements : 0);

	/* The last byte of a tensor may not be full. */
	return (size_t)(n < t->n_elements - first ? n : t->n_elements - first);
}

static enum heft_status scan_chunk(struct job *job, struct worker *w, uint32_t group_i,
                                   const struct heft_plan_chunk *c, const uint8_t *bytes,
                                   struct heft_error *err)
{
	struct slot *slot = job->window->slots[group_i];
	struct heft_stats_sums own = { .has_integers = false };
	struct heft_tensor t;

	HEFT_TRY(heft_tensor_at(job->file, job->plan.chunks.tensors[c->tensor].id, &t, err));
	if (slot && slot->tensor == c->tensor) {
		if (w->slot != slot)
			flush_counts(w);
		w->slot = slot;
		heft_stats_scan(t.dtype, bytes, n_elements_of(&t, c), &job->window->sums[group_i],
		                w->counts);
		return HEFT_OK;
	}
	flush_counts(w);
	heft_stats_scan(t.dtype, bytes, n_elements_of(&t, c), &own, w->counts);
	heft_stats_list_fill(w->list, t.dtype, w->counts);
	heft_stats_figures(t.n_elements, &own, w->list,
	                   &job->window->results[c->tensor - job->window->first_tensor]);
	return HEFT_OK;
}

/* A full chunk, which is a group of its own, where it lies in the mapped file; NULL: it must be
 * read. The copy that this saves takes half as long as the statistics. */
static const uint8_t *map_chunk(struct job *job, uint64_t group_i, struct heft_plan_chunk *c)
{
	const struct heft_format *format = job->file->format;
	const struct heft_plan_tensor *t;
	struct heft_group_walk walk;
	struct heft_place place;
	const uint8_t *map;

	heft_group_begin(&walk, &job->plan.chunks, group_i);
	heft_group_next(&walk, c);
	t = &job->plan.chunks.tensors[c->tensor];
	if (c->n != heft_chunk_size(t->unit) || (job->file->flags & HEFT_OPEN_VERIFY) ||
	    (format->caps & HEFT_FORMAT_CHECKS_READS) ||
	    format->locate(job->file->st, t->id, &place, NULL) != HEFT_OK || place.transform ||
	    heft_source_map(place.src, &map, NULL) != HEFT_OK ||
	    !heft_in_range(place.off, t->n_bytes, heft_source_size(place.src)))
		return NULL;
	return map + place.off + c->off;
}

static enum heft_status scan_group(void *ctx, uint64_t i, uint32_t worker_i, struct heft_error *err)
{
	struct job *job = ctx;
	struct worker *w = &job->workers[worker_i];
	const uint64_t group_i = job->window->first_group + i;
	const uint8_t *bytes = map_chunk(job, group_i, &w->chunks[0]);
	uint64_t n_bytes = 0;
	uint32_t n = 1;

	if (!bytes) {
		HEFT_TRY(heft_chunk_source_read(w->source, &job->plan.chunks, group_i, w->bytes,
		                                w->chunks, &n, NULL, err));
		bytes = w->bytes;
	}
	for (uint32_t k = 0; k < n; k++) {
		HEFT_TRY(scan_chunk(job, w, (uint32_t)i, &w->chunks[k], bytes, err));
		bytes += w->chunks[k].n;
		n_bytes += w->chunks[k].n;
	}
	return heft_meter_add(&job->meter, n_bytes, err);
}

/* --- a window --- */

static struct slot *find_slot(struct job *job, uint32_t tensor)
{
	for (uint32_t i = 0; i < N_SLOTS; i++)
		if (job->slots[i] && job->slots[i]->is_used && job->slots[i]->tensor == tensor)
			return job->slots[i];
	return NULL;
}

/* *out stays NULL when all are taken. */
static enum heft_status take_slot(struct job *job, uint32_t tensor, struct slot **out,
                                  struct heft_error *err)
{
	for (uint32_t i = 0; i < N_SLOTS; i++) {
		struct slot *s = job->slots[i];

		if (s && s->is_used)
			continue;
		if (!s) {
			s = heft_zalloc(sizeof *s);
			if (!s)
				return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
				                 "no memory for a tensor's counts");
			pthread_mutex_init(&s->mutex, NULL);
			job->slots[i] = s;
		}
		s->is_used = true;
		s->tensor = tensor;
		s->n_chunks_left = n_chunks_of(job, tensor);
		s->sums = (struct heft_stats_sums){ .has_integers = false };
		*out = s;
		return HEFT_OK;
	}
	return HEFT_OK;
}

/* Adds group g to the window, if it fits. A full chunk is a group of its own, and the rest of a
 * tensor that has such begins one; so a group holds at most one chunk of a tensor of several, and
 * that is its first. */
static enum heft_status add_group(struct job *job, uint64_t g, bool *fits, struct heft_error *err)
{
	struct window *win = job->window;
	struct slot *slot = NULL;
	struct heft_group_walk walk;
	struct heft_plan_chunk c;
	uint32_t first;
	uint32_t last;

	heft_group_begin(&walk, &job->plan.chunks, g);
	heft_group_next(&walk, &c);
	first = c.tensor;
	do
		last = c.tensor;
	while (heft_group_next(&walk, &c));
	if (win->n_groups == 0)
		win->first_tensor = first;
	*fits = win->n_groups < N_GROUPS && last - win->first_tensor < N_TENSORS;
	if (!*fits)
		return HEFT_OK;
	if (n_chunks_of(job, first) > 1) {
		slot = find_slot(job, first);
		if (!slot)
			HEFT_TRY(take_slot(job, first, &slot, err));
		*fits = slot != NULL;
		if (!*fits)
			return HEFT_OK;
		slot->n_chunks_left--;
	}
	win->sums[win->n_groups] = (struct heft_stats_sums){ .has_integers = false };
	win->slots[win->n_groups++] = slot;
	win->end_tensor = last + 1;
	return HEFT_OK;
}

static enum heft_status fill_window(struct job *job, uint64_t first_group, struct heft_error *err)
{
	bool fits = true;

	job->window->first_group = first_group;
	job->window->n_groups = 0;
	job->window->n_done_slots = 0;
	for (uint64_t g = first_group; g < job->plan.chunks.n_groups && fits; g++)
		HEFT_TRY(add_group(job, g, &fits, err));
	return HEFT_OK;
}

/* The figures of the i-th tensor of several chunks that is complete. */
static enum heft_status finish_slot(void *ctx, uint64_t i, uint32_t worker_i,
                                    struct heft_error *err)
{
	struct job *job = ctx;
	struct window *win = job->window;
	struct slot *s = job->slots[win->done_slots[i]];
	struct heft_stats_list *list = job->workers[worker_i].list;
	struct heft_tensor t;

	HEFT_TRY(heft_tensor_at(job->file, job->plan.chunks.tensors[s->tensor].id, &t, err));
	heft_stats_list_fill_wide(list, t.dtype, s->counts);
	heft_stats_figures(t.n_elements, &s->sums, list,
	                   &win->results[s->tensor - win->first_tensor]);
	s->is_used = false;
	return HEFT_OK;
}

static enum heft_status run_window(struct job *job, struct heft_error *err)
{
	struct window *win = job->window;

	HEFT_TRY(heft_pool_run(job->pool, win->n_groups, scan_group, job, err));
	for (uint32_t i = 0; i < job->n_workers; i++)
		flush_counts(&job->workers[i]);
	for (uint32_t i = 0; i < win->n_groups; i++)
		if (win->slots[i])
			heft_stats_merge(&win->slots[i]->sums, &win->sums[i]);
	for (uint32_t i = 0; i < N_SLOTS; i++)
		if (job->slots[i] && job->slots[i]->is_used && job->slots[i]->n_chunks_left == 0)
			win->done_slots[win->n_done_slots++] = i;
	return heft_pool_run(job->pool, win->n_done_slots, finish_slot, job, err);
}

/* --- results --- */

/* Whether the results of the plan's tensor are there. */
static bool is_done(const struct job *job, uint32_t tensor)
{
	const struct window *win = job->window;

	if (tensor >= win->end_tensor)
		return false;
	for (uint32_t i = 0; i < N_SLOTS; i++)
		if (job->slots[i] && job->slots[i]->is_used && job->slots[i]->tensor == tensor)
			return false;
	return true;
}

/* Tells the results that there are, in the order of the list, up to the first one that is not. */
static enum heft_status tell(struct job *job, struct heft_error *err)
{
	const struct heft_stats_plan *p = &job->plan;

	for (; job->n_told < p->n; job->n_told++) {
		const uint32_t i = job->n_told;
		const struct heft_stats *stats;
		struct heft_stats nothing;
		struct heft_tensor t;

		HEFT_TRY(heft_tensor_at(job->file, heft_stats_index(p, i), &t, err));
		if (p->same[i] != i) {
			stats = job->kept[p->same[i]];
		} else if (p->place[i] == HEFT_STATS_UNREAD) {
			heft_stats_of_nothing(&t, &nothing);
			stats = &nothing;
		} else if (is_done(job, p->place[i])) {
			stats = &job->window->results[p->place[i] - job->window->first_tensor];
		} else {
			return HEFT_OK;
		}
		if (job->kept && job->kept[i])
			*job->kept[i] = *stats;
		job->fn(job->user, &t, stats);
	}
	return HEFT_OK;
}

/* Room for the results that tensors behind them need. */
static enum heft_status keep_for_copies(struct job *job, struct heft_error *err)
{
	const struct heft_stats_plan *p = &job->plan;

	if (p->n_copies == 0)
		return HEFT_OK;
	job->kept = heft_zalloc_array(p->n, sizeof(struct heft_stats *));
	if (!job->kept)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors",
		                 p->n);
	for (uint32_t i = 0; i < p->n; i++) {
		struct heft_stats **kept = &job->kept[p->same[i]];

		if (p->same[i] == i || *kept)
			continue;
		*kept = heft_zalloc(sizeof **kept);
		if (!*kept)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			                 "no memory for shared statistics");
	}
	return HEFT_OK;
}

static void job_done(struct job *job)
{
	for (uint32_t i = 0; i < job->n_workers; i++)
		worker_done(&job->workers[i]);
	for (uint32_t i = 0; i < N_SLOTS && job->slots[i]; i++) {
		pthread_mutex_destroy(&job->slots[i]->mutex);
		heft_free(job->slots[i]);
	}
	for (uint32_t i = 0; job->kept && i < job->plan.n; i++)
		heft_free(job->kept[i]);
	heft_free(job->kept);
	heft_free(job->workers);
	heft_free(job->window);
	heft_pool_free(job->pool);
	heft_stats_plan_done(&job->plan);
	heft_meter_done(&job->meter);
}

static enum heft_status job_run(struct job *job, const struct heft_run *run, struct heft_error *err)
{
	uint64_t g = 0;

	HEFT_TRY(keep_for_copies(job, err));
	job->window = heft_zalloc(sizeof *job->window);
	if (!job->window)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for results");
	if (job->plan.chunks.n_groups > 0)
		HEFT_TRY(make_pool(job, run, err));
	job->meter.n_total = job->plan.chunks.n_bytes;
	while (g < job->plan.chunks.n_groups) {
		HEFT_TRY(fill_window(job, g, err));
		HEFT_TRY(run_window(job, err));
		HEFT_TRY(tell(job, err));
		g += job->window->n_groups;
	}
	return tell(job, err);
}

enum heft_status heft_stats_each(struct heft_file *file, const uint32_t *indexes, uint32_t n,
                                 const struct heft_run *run, heft_stats_fn fn, void *user,
                                 struct heft_error *err)
{
	struct job job = { .file = file, .fn = fn, .user = user };
	enum heft_status st;

	for (uint32_t i = 0; i < n; i++)
		if ((indexes ? indexes[i] : i) >= heft_n_tensors(file))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "there is no tensor number %u", indexes ? indexes[i] : i);
	heft_meter_init(&job.meter, run, 0);
	st = heft_stats_plan_init(&job.plan, file, indexes, n, err);
	if (st == HEFT_OK)
		st = job_run(&job, run, err);
	job_done(&job);
	return st;
}

static void copy_out(void *user, const struct heft_tensor *t, const struct heft_stats *stats)
{
	struct heft_stats *out = user;

	(void)t;
	*out = *stats;
}

enum heft_status heft_tensor_stats(struct heft_file *file, const struct heft_tensor *tensor,
                                   const struct heft_run *run, struct heft_stats *stats,
                                   struct heft_error *err)
{
	return heft_stats_each(file, &tensor->index, 1, run, copy_out, stats, err);
}
