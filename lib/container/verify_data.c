/* SPDX-License-Identifier: Apache-2.0 */
/* verify_data.c - reads every chunk of the generations once, in the order of the file, and compares
 * it with what is stated of it (spec/container.md 4.3 and 4.4). */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/meter.h"
#include "codec/digest_tree.h"
#include "container/index_parts.h"
#include "container/verify_parts.h"
#include "tensor/dtype.h"

/* Chunks of a run that are read and hashed together. */
#define PIECE_CHUNKS 2

/* A run whose chunks are read. */
struct job {
	const struct heft_generation *g;
	uint64_t off;         /* of its first stored bytes; 0: it stores none */
	uint64_t first_piece; /* pieces of the jobs before */
	uint32_t run_i;
};

/* A chunk whose leaf is not the stated one. */
struct other_leaf {
	uint64_t leaf_i;
	uint8_t leaf[HEFT_LEAF_SIZE];
};

struct worker {
	struct heft_chunk_reader *readers[2]; /* of the generation that is asked for, and before */
	struct heft_sha256 *h;
	uint8_t *chunks; /* PIECE_CHUNKS of w->room */
};

/* What became of one chunk of a piece. */
struct outcome {
	enum heft_status st;
	struct heft_error found;
	uint8_t leaf[HEFT_LEAF_SIZE]; /* when st is HEFT_OK */
};

struct work {
	struct heft_verification *v;
	struct job *jobs;
	size_t n_jobs;
	uint64_t n_pieces;
	size_t room; /* for the largest chunk */
	struct worker *workers;
	uint32_t n_workers;
	struct heft_meter meter;
	atomic_bool is_unreadable; /* a chunk has no logical bytes: nothing can be computed */
	atomic_bool *is_dirty;     /* runs whose root cannot be taken from TENSORS */
	pthread_mutex_t mutex;     /* over the rest */
	struct other_leaf *others;
	size_t n_others;
	size_t others_capacity;
};

static struct heft_error no_error(void)
{
	return (struct heft_error){ .code = HEFT_OK, .offset = HEFT_NO_OFFSET };
}

/* --- the jobs --- */

/* Where the run's first stored bytes lie; 0 when there are none or they cannot be told. */
static uint64_t first_stored(struct heft_index *ix, const struct heft_row *row)
{
	for (uint64_t i = 0; i < row->n_chunks; i++) {
		struct heft_extent e;

		if (heft_index_extent(ix, row, i, &e, NULL) != HEFT_OK)
			return 0;
		if (e.stored_size > 0)
			return e.off;
	}
	return 0;
}

static int compare_jobs(const void *a, const void *b)
{
	const struct job *x = a;
	const struct job *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	if (x->g->is_before != y->g->is_before)
		return x->g->is_before ? 1 : -1;
	return x->run_i < y->run_i ? -1 : x->run_i > y->run_i;
}

static bool same_extents(struct heft_index *a, const struct heft_row *row_a, struct heft_index *b,
                         const struct heft_row *row_b)
{
	for (uint64_t i = 0; i < row_a->n_chunks; i++) {
		struct heft_extent x;
		struct heft_extent y;

		if (heft_index_extent(a, row_a, i, &x, NULL) != HEFT_OK ||
		    heft_index_extent(b, row_b, i, &y, NULL) != HEFT_OK)
			return false;
		if (x.off != y.off || x.stored_size != y.stored_size || x.codec != y.codec ||
		    x.crc != y.crc)
			return false;
	}
	return true;
}

/* Whether the job, of the generation before, is one of the n first jobs, sorted by offset: the same
 * stored bytes with the same root. They need not be read twice. */
static enum heft_status is_known(const struct job *jobs, size_t n, const struct job *job,
                                 const struct heft_row *row, bool *known, struct heft_error *err)
{
	struct heft_row there;
	size_t low = 0;
	size_t high = n;

	*known = false;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (jobs[middle].off < job->off)
			low = middle + 1;
		else
			high = middle;
	}
	if (job->off == 0 || low == n || jobs[low].off != job->off)
		return HEFT_OK;
	HEFT_TRY(heft_index_row(jobs[low].g->ix, jobs[low].g->runs.rows[jobs[low].run_i], &there,
	                        err));
	*known = there.n_bytes == row->n_bytes && there.unit == row->unit &&
	         there.is_coded == row->is_coded && there.dtype == row->dtype &&
	         memcmp(there.root, row->root, sizeof there.root) == 0 &&
	         same_extents(jobs[low].g->ix, &there, job->g->ix, row);
	return HEFT_OK;
}

/* Appends the runs of g that the jobs so far do not cover. */
static enum heft_status add_jobs(struct work *w, const struct heft_generation *g, uint64_t *n_bytes,
                                 struct heft_error *err)
{
	const size_t n_before = w->n_jobs;

	for (uint32_t i = 0; g->ix && i < g->runs.n; i++) {
		struct job job = { .g = g, .run_i = i };
		struct heft_row row;
		bool known;

		HEFT_TRY(heft_index_row(g->ix, g->runs.rows[i], &row, err));
		job.off = first_stored(g->ix, &row);
		HEFT_TRY(is_known(w->jobs, g->is_before ? n_before : 0, &job, &row, &known, err));
		if (known)
			continue;
		*n_bytes += row.n_bytes;
		w->jobs[w->n_jobs++] = job;
	}
	qsort(w->jobs, w->n_jobs, sizeof *w->jobs, compare_jobs);
	return HEFT_OK;
}

static enum heft_status number_pieces(struct work *w, struct heft_error *err)
{
	for (size_t i = 0; i < w->n_jobs; i++) {
		const struct heft_generation *g = w->jobs[i].g;
		struct heft_row row;

		HEFT_TRY(heft_index_row(g->ix, g->runs.rows[w->jobs[i].run_i], &row, err));
		w->jobs[i].first_piece = w->n_pieces;
		w->n_pieces += row.n_chunks / PIECE_CHUNKS + (row.n_chunks % PIECE_CHUNKS > 0);
		if (heft_chunk_bytes(&row, 0) > w->room)
			w->room = (size_t)heft_chunk_bytes(&row, 0);
	}
	return HEFT_OK;
}

static enum heft_status make_jobs(struct work *w, uint64_t *n_bytes, struct heft_error *err)
{
	const struct heft_verification *v = w->v;

	*n_bytes = 0;
	w->jobs = heft_alloc_array((size_t)v->of.runs.n + v->before.runs.n, sizeof *w->jobs);
	w->is_dirty = heft_zalloc_array(v->of.runs.n, sizeof *w->is_dirty);
	if (!w->jobs || !w->is_dirty)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a list of runs");
	HEFT_TRY(add_jobs(w, &v->of, n_bytes, err));
	HEFT_TRY(add_jobs(w, &v->before, n_bytes, err));
	return number_pieces(w, err);
}

static const struct job *job_of(const struct work *w, uint64_t piece)
{
	size_t low = 0;
	size_t high = w->n_jobs;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		if (w->jobs[middle].first_piece <= piece)
			low = middle;
		else
			high = middle;
	}
	return &w->jobs[low];
}

/* --- one chunk --- */

static enum heft_status note(struct work *w, const struct job *job, const char *what,
                             const struct heft_row *row, enum heft_status st,
                             const struct heft_error *found, struct heft_error *err)
{
	return heft_faults_note(&w->v->faults, job->g->is_before ? "previous" : what, row->name,
	                        row->name_size, st, found, err);
}

static enum heft_status keep_other(struct work *w, const struct job *job, uint64_t leaf_i,
                                   const uint8_t *leaf, struct heft_error *err)
{
	enum heft_status st = HEFT_OK;

	if (job->g->is_before)
		return HEFT_OK;
	atomic_store(&w->is_dirty[job->run_i], true);
	pthread_mutex_lock(&w->mutex);
	if (w->n_others == w->others_capacity) {
		const size_t capacity = w->n_others > 0 ? 2 * w->n_others : 16;
		struct other_leaf *others = heft_realloc_array(w->others, capacity, sizeof *others);

		if (others) {
			w->others = others;
			w->others_capacity = capacity;
		} else {
			st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for leaves");
		}
	}
	if (st == HEFT_OK) {
		w->others[w->n_others].leaf_i = leaf_i;
		memcpy(w->others[w->n_others].leaf, leaf, HEFT_LEAF_SIZE);
		w->n_others++;
	}
	pthread_mutex_unlock(&w->mutex);
	return st;
}

static enum heft_status check_root(struct work *w, struct worker *worker, const struct job *job,
                                   const struct heft_row *row, struct heft_error *err)
{
	struct heft_error found = no_error();
	const enum heft_status st = heft_index_check_root(job->g->ix, job->g->runs.rows[job->run_i],
	                                                  row, worker->h, &found);

	if (st != HEFT_OK && !job->g->is_before)
		atomic_store(&w->is_dirty[job->run_i], true);
	return note(w, job, "leaves", row, st, &found, err);
}

/* The leaf that LEAVES has, whatever the root says: a wrong root is one fault, not one a chunk. */
static enum heft_status compare_leaf(struct work *w, const struct job *job,
                                     const struct heft_row *row, uint64_t chunk_i,
                                     const uint8_t *leaf, struct heft_error *err)
{
	struct heft_error found = no_error();
	uint8_t stated[HEFT_LEAF_SIZE];
	struct heft_extent e;
	enum heft_status st = heft_index_stated_leaf(job->g->ix, row, chunk_i, stated, &found);

	if (st == HEFT_OK && memcmp(leaf, stated, sizeof stated) == 0)
		return HEFT_OK;
	if (st != HEFT_OK) {
		atomic_store(&w->is_unreadable, true);
	} else {
		HEFT_TRY(heft_index_extent(job->g->ix, row, chunk_i, &e, err));
		st = heft_fail(&found, HEFT_E_CORRUPT, e.off > 0 ? e.off : HEFT_NO_OFFSET,
		               "chunk %llu of tensor '%.*s' does not match its digest",
		               (unsigned long long)chunk_i, (int)row->name_size, row->name);
	}
	HEFT_TRY(keep_other(w, job, row->first_leaf + chunk_i, leaf, err));
	return note(w, job, "chunk", row, st, &found, err);
}

/* Reads n chunks from `first` on, and hashes those that could be read. */
static enum heft_status read_piece(struct worker *worker, const struct job *job,
                                   const struct heft_row *row, uint64_t first, size_t n,
                                   struct outcome *outcomes, struct heft_error *err)
{
	struct heft_sha256_input inputs[PIECE_CHUNKS];
	uint8_t *to = worker->chunks;
	size_t n_read = 0;

	for (size_t i = 0; i < n; i++) {
		struct outcome *o = &outcomes[i];
		size_t size;

		o->found = no_error();
		o->st = heft_chunk_read(worker->readers[job->g->is_before], row, first + i, to,
		                        &size, &o->found);
		if (o->st != HEFT_OK)
			continue;
		inputs[n_read++] = (struct heft_sha256_input){ .bytes = to,
			                                       .n = size,
			                                       .digest = o->leaf };
		to += size;
	}
	heft_digest_leaves(worker->h, inputs, n_read);
	return heft_sha256_check(worker->h, err);
}

static enum heft_status note_chunk(struct work *w, const struct job *job,
                                   const struct heft_row *row, uint64_t chunk_i,
                                   const struct outcome *o, struct heft_error *err)
{
	if (o->st == HEFT_OK)
		return compare_leaf(w, job, row, chunk_i, o->leaf, err);
	if (!job->g->is_before)
		atomic_store(&w->is_unreadable, true);
	return note(w, job, "chunk", row, o->st, &o->found, err);
}

static enum heft_status verify_piece(void *ctx, uint64_t i, uint32_t worker_i,
                                     struct heft_error *err)
{
	struct work *w = ctx;
	struct worker *worker = &w->workers[worker_i];
	const struct job *job = job_of(w, i);
	const uint64_t first = (i - job->first_piece) * PIECE_CHUNKS;
	struct outcome outcomes[PIECE_CHUNKS];
	struct heft_row row;
	size_t n;

	HEFT_TRY(heft_index_row(job->g->ix, job->g->runs.rows[job->run_i], &row, err));
	n = row.n_chunks - first < PIECE_CHUNKS ? (size_t)(row.n_chunks - first) : PIECE_CHUNKS;
	if (first == 0)
		HEFT_TRY(check_root(w, worker, job, &row, err));
	HEFT_TRY(read_piece(worker, job, &row, first, n, outcomes, err));
	for (size_t k = 0; k < n; k++) {
		HEFT_TRY(note_chunk(w, job, &row, first + k, &outcomes[k], err));
		HEFT_TRY(heft_meter_add(&w->meter, heft_chunk_bytes(&row, first + k), err));
	}
	return HEFT_OK;
}

/* --- the workers --- */

static enum heft_status worker_init(struct worker *worker, const struct work *w,
                                    struct heft_error *err)
{
	const struct heft_verification *v = w->v;

	HEFT_TRY(heft_sha256_new(&worker->h, err));
	HEFT_TRY(heft_chunk_reader_new(v->of.ix, &worker->readers[0], err));
	if (v->before.ix)
		HEFT_TRY(heft_chunk_reader_new(v->before.ix, &worker->readers[1], err));
	worker->chunks = heft_alloc_array(PIECE_CHUNKS, w->room);
	if (!worker->chunks)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to read chunks");
	return HEFT_OK;
}

static enum heft_status run_pool(struct work *w, struct heft_pool *pool, struct heft_error *err)
{
	w->n_workers = heft_pool_n_threads(pool);
	w->workers = heft_zalloc_array(w->n_workers, sizeof *w->workers);
	if (!w->workers)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to read chunks");
	for (uint32_t i = 0; i < w->n_workers; i++)
		HEFT_TRY(worker_init(&w->workers[i], w, err));
	return heft_pool_run(pool, w->n_pieces, verify_piece, w, err);
}

static enum heft_status run_all(struct work *w, struct heft_error *err)
{
	struct heft_source *src = heft_index_source(w->v->of.ix);
	struct heft_pool *pool;
	enum heft_status st;

	heft_source_will_need(src, 0, heft_source_size(src));
	HEFT_TRY(heft_pool_new(w->v->run->n_threads, &pool, err));
	st = run_pool(w, pool, err);
	heft_pool_free(pool);
	return st;
}

static void work_done(struct work *w)
{
	for (uint32_t i = 0; w->workers && i < w->n_workers; i++) {
		heft_chunk_reader_free(w->workers[i].readers[0]);
		heft_chunk_reader_free(w->workers[i].readers[1]);
		heft_sha256_free(w->workers[i].h);
		heft_free(w->workers[i].chunks);
	}
	heft_free(w->workers);
	heft_free(w->jobs);
	heft_free(w->is_dirty);
	heft_free(w->others);
	pthread_mutex_destroy(&w->mutex);
}

/* --- the digests of what was read --- */

static int compare_others(const void *a, const void *b)
{
	const struct other_leaf *x = a;
	const struct other_leaf *y = b;

	return x->leaf_i < y->leaf_i ? -1 : x->leaf_i > y->leaf_i;
}

/* The root of the leaves that were computed: the stated ones, but for the others from *at on. */
static enum heft_status computed_root(struct work *w, const struct heft_row *row, size_t *at,
                                      struct heft_sha256 *h, uint8_t *root, struct heft_error *err)
{
	struct heft_tree tree;

	heft_tree_init(&tree, HEFT_DOMAIN_NODE);
	for (uint64_t i = 0; i < row->n_chunks; i++) {
		uint8_t leaf[HEFT_LEAF_SIZE];

		HEFT_TRY(heft_index_stated_leaf(w->v->of.ix, row, i, leaf, err));
		if (*at < w->n_others && w->others[*at].leaf_i == row->first_leaf + i)
			memcpy(leaf, w->others[(*at)++].leaf, sizeof leaf);
		heft_tree_add(&tree, h, leaf);
	}
	heft_tree_root(&tree, h, root);
	return HEFT_OK;
}

static enum heft_status find_roots(struct work *w, struct heft_sha256 *h,
                                   struct heft_other_root *roots, size_t *n, struct heft_error *err)
{
	const struct heft_generation *g = &w->v->of;
	size_t at = 0;

	if (w->n_others > 0)
		qsort(w->others, w->n_others, sizeof *w->others, compare_others);
	*n = 0;
	for (uint32_t i = 0; i < g->runs.n; i++) {
		struct heft_row row;

		if (!atomic_load(&w->is_dirty[i]))
			continue;
		HEFT_TRY(heft_index_row(g->ix, g->runs.rows[i], &row, err));
		roots[*n].first_leaf = row.first_leaf;
		HEFT_TRY(computed_root(w, &row, &at, h, roots[(*n)++].root, err));
	}
	return HEFT_OK;
}

static enum heft_status digest_all(struct work *w, struct heft_other_root *roots,
                                   struct heft_verify_report *report, struct heft_error *err)
{
	struct heft_other_roots others = { .roots = roots };
	struct heft_sha256 *h;
	enum heft_status st;

	HEFT_TRY(heft_sha256_new(&h, err));
	st = find_roots(w, h, roots, &others.n, err);
	heft_sha256_free(h);
	if (st == HEFT_OK)
		st = heft_digests_with(w->v->of.ix, &others, report->weights_digest,
		                       report->artifact_digest, err);
	return st;
}

static enum heft_status report_digests(struct work *w, struct heft_verify_report *report,
                                       struct heft_error *err)
{
	struct heft_other_root *roots;
	enum heft_status st;
	size_t n_dirty = 0;

	if (atomic_load(&w->is_unreadable))
		return HEFT_OK;
	for (uint32_t i = 0; i < w->v->of.runs.n; i++)
		n_dirty += atomic_load(&w->is_dirty[i]);
	roots = heft_alloc_array(n_dirty, sizeof *roots);
	if (!roots)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for roots");
	st = digest_all(w, roots, report, err);
	heft_free(roots);
	report->has_artifact_digest = st == HEFT_OK && w->v->sections_ok;
	if (!report->has_artifact_digest)
		memset(report->artifact_digest, 0, sizeof report->artifact_digest);
	return st;
}

enum heft_status heft_verify_data(struct heft_verification *v, struct heft_verify_report *report,
                                  struct heft_error *err)
{
	struct work w = { .v = v };
	uint64_t n_bytes;
	enum heft_status st;

	pthread_mutex_init(&w.mutex, NULL);
	st = make_jobs(&w, &n_bytes, err);
	if (st == HEFT_OK) {
		heft_meter_init(&w.meter, v->run, n_bytes);
		st = run_all(&w, err);
		heft_meter_done(&w.meter);
	}
	if (st == HEFT_OK)
		st = report_digests(&w, report, err);
	work_done(&w);
	return st;
}
