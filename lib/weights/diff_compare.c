/* SPDX-License-Identifier: Apache-2.0 */
/* diff_compare.c - compares the data of all pairs by all threads.
 *
 * Pairs come in batches, so that memory does not go by their number. A pair is cut into pieces
 * of whole chunks, which depend on dtypes and shape alone. A piece whose bytes are the same on
 * both sides needs no sums, for as long as the rest of its pair is the same too: where it is
 * not, those pieces are looked at again, for the cosine. Equal files so take half the time (on
 * an AMD EPYC a core goes through 26 GB/s of both files together, and through 13 with sums), and
 * files that differ everywhere lose nothing, since each piece stops at its first difference. */
#include "weights/diff_compare.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "heft/digest.h"
#include "tensor/dtype.h"
#include "weights/diff_side.h"

#define BATCH_SLOTS 8192
#define BATCH_WORKS 8192
#define PIECES_MAX 1024 /* of a pair */
/* Of a piece, where there are as many. A map's pages are given back piece by piece, while the
 * kernel's own lists of them are in the caches: two threads that read two files of 512 MiB took
 * 0.061 s so, 0.085 s when all went at the end, and 0.09 s chunk by chunk. */
#define CHUNKS_MIN 8

/* An entry of the batch. */
struct work {
	uint32_t entry;
	uint32_t reasons;
	struct heft_diff_way way;
	uint32_t unit[2];
	uint64_t n; /* elements */
	uint64_t n_of_piece;
	uint64_t n_bytes[2];
	uint32_t first_slot;
	uint32_t n_slots;
	bool is_compared;
};

/* A piece of a pair, and what was found in it. */
struct slot {
	struct heft_diff_measure found;
	uint64_t first; /* element */
	uint32_t work;
	bool is_equal; /* its bytes are: there are no sums */
};

struct worker {
	struct heft_diff_side side[2];
	struct heft_diff_room *room;
	uint32_t entry;   /* that the sides are at; HEFT_DIFF_NONE */
	uint32_t failing; /* the file that is being read, as failed_file has it; 0: none */
	uint64_t failed_i;
};

struct job {
	struct heft_diff_match *m;
	struct heft_pool *pool;
	struct heft_meter *meter;
	struct worker *workers;
	struct work *works;
	struct slot *slots;
	uint32_t *again; /* slots whose sums are wanted after all */
	struct heft_diff_measure *kept;
	uint32_t n_works;
	uint32_t n_slots;
	uint32_t n_again;
};

/* --- one piece, by one thread --- */

static enum heft_status go_to(struct job *job, struct worker *w, const struct work *k,
                              struct heft_error *err)
{
	const struct heft_diff_entry *e = &job->m->entries[k->entry];

	if (!w->room)
		HEFT_TRY(heft_diff_room_new(&w->room, err));
	if (w->entry == k->entry)
		return HEFT_OK;
	heft_diff_side_begin(&w->side[0], e->a, k->unit[0], &k->way.layout[0], k->n, k->n_bytes[0]);
	heft_diff_side_begin(&w->side[1], e->b, k->unit[1], &k->way.layout[1], k->n, k->n_bytes[1]);
	w->entry = k->entry;
	return HEFT_OK;
}

/* What lies one behind the other on both sides from element i on, before `end`. */
static enum heft_status look_at(struct worker *w, uint64_t i, uint64_t end, const uint8_t **a,
                                const uint8_t **b, size_t *n, struct heft_error *err)
{
	uint64_t n_a;
	uint64_t n_b;
	uint64_t n_both;

	w->failing = 1;
	HEFT_TRY(heft_diff_side_at(&w->side[0], i, a, &n_a, err));
	w->failing = 2;
	HEFT_TRY(heft_diff_side_at(&w->side[1], i, b, &n_b, err));
	w->failing = 0;
	n_both = n_a < n_b ? n_a : n_b;
	*n = (size_t)(n_both < end - i ? n_both : end - i);
	return HEFT_OK;
}

static enum heft_status find_difference(struct worker *w, const struct work *k, uint64_t i,
                                        uint64_t end, bool *is_equal, struct heft_error *err)
{
	const uint8_t *a;
	const uint8_t *b;
	size_t n;

	for (*is_equal = true; i < end && *is_equal; i += n) {
		HEFT_TRY(look_at(w, i, end, &a, &b, &n, err));
		*is_equal = memcmp(a, b, (size_t)heft_diff_bytes(&k->way.layout[0], n)) == 0;
	}
	return HEFT_OK;
}

static enum heft_status measure(struct worker *w, const struct work *k, uint64_t i, uint64_t end,
                                struct heft_diff_measure *found, struct heft_error *err)
{
	const uint8_t *a;
	const uint8_t *b;
	size_t n;

	for (; i < end; i += n) {
		HEFT_TRY(look_at(w, i, end, &a, &b, &n, err));
		heft_diff_values(&k->way, w->room, a, b, n, found);
	}
	return HEFT_OK;
}

static uint64_t end_of(const struct work *k, const struct slot *s)
{
	return k->n - s->first < k->n_of_piece ? k->n : s->first + k->n_of_piece;
}

static enum heft_status compare_piece(struct job *job, struct worker *w, struct slot *s,
                                      struct heft_error *err)
{
	const struct work *k = &job->works[s->work];
	const uint64_t end = end_of(k, s);
	const bool wants_sums = s->is_equal || !k->way.is_same_dtype;

	HEFT_TRY(go_to(job, w, k, err));
	s->is_equal = false;
	if (!wants_sums)
		HEFT_TRY(find_difference(w, k, s->first, end, &s->is_equal, err));
	if (!s->is_equal)
		HEFT_TRY(measure(w, k, s->first, end, &s->found, err));
	heft_diff_side_leave(&w->side[0], s->first, end);
	heft_diff_side_leave(&w->side[1], s->first, end);
	return HEFT_OK;
}

static enum heft_status note(struct worker *w, uint64_t i, enum heft_status st)
{
	if (st != HEFT_OK)
		w->failed_i = i;
	return st;
}

static enum heft_status compare_slot(void *ctx, uint64_t i, uint32_t worker_i,
                                     struct heft_error *err)
{
	struct job *job = ctx;
	struct worker *w = &job->workers[worker_i];
	struct slot *s = &job->slots[i];
	const struct work *k = &job->works[s->work];
	const uint64_t n = end_of(k, s) - s->first;
	enum heft_status st = compare_piece(job, w, s, err);

	if (st == HEFT_OK) {
		w->failing = 0;
		st = heft_meter_add(job->meter,
		                    heft_diff_bytes(&k->way.layout[0], n) +
		                            heft_diff_bytes(&k->way.layout[1], n),
		                    err);
	}
	return note(w, i, st);
}

static enum heft_status compare_again(void *ctx, uint64_t i, uint32_t worker_i,
                                      struct heft_error *err)
{
	struct job *job = ctx;
	struct worker *w = &job->workers[worker_i];
	enum heft_status st = compare_piece(job, w, &job->slots[job->again[i]], err);

	if (st == HEFT_OK) {
		w->failing = 0;
		st = heft_meter_add(job->meter, 0, err); /* asks whether to go on */
	}
	return note(w, i, st);
}

/* The message is that of the lowest piece that failed; whose file is it about? */
static void name_failed(struct job *job)
{
	const struct worker *lowest = NULL;

	for (uint32_t i = 0; i < heft_pool_n_threads(job->pool); i++) {
		const struct worker *w = &job->workers[i];

		if (w->failed_i != UINT64_MAX && (!lowest || w->failed_i < lowest->failed_i))
			lowest = w;
	}
	if (lowest)
		job->m->failed_file = lowest->failing;
}

static enum heft_status run(struct job *job, uint64_t n, heft_piece_fn fn, struct heft_error *err)
{
	const enum heft_status st = heft_pool_run(job->pool, n, fn, job, err);

	if (st != HEFT_OK)
		name_failed(job);
	return st;
}

/* --- a batch --- */

static uint64_t elements_per_chunk(const struct work *k, int side)
{
	const uint32_t unit = k->unit[side];

	return (uint64_t)(heft_chunk_size(unit) / unit) * k->way.layout[side].n_elements;
}

/* Pieces are whole chunks of the side that has fewer of them. */
static void cut(struct job *job, struct work *k)
{
	const uint64_t a = elements_per_chunk(k, 0);
	const uint64_t b = elements_per_chunk(k, 1);
	const uint64_t chunk = a > b ? a : b;
	const uint64_t n_chunks = k->n / chunk + (k->n % chunk != 0);
	const uint64_t least = n_chunks / PIECES_MAX + (n_chunks % PIECES_MAX != 0);

	k->n_of_piece = chunk * (least > CHUNKS_MIN ? least : CHUNKS_MIN);
	k->first_slot = job->n_slots;
	for (uint64_t first = 0; first < k->n; first += k->n_of_piece) {
		job->slots[job->n_slots++] = (struct slot){ .first = first, .work = job->n_works };
		k->n_slots++;
	}
}

static enum heft_status is_stated_equal(struct job *job, const struct heft_diff_pair *p,
                                        bool *is_equal, struct heft_error *err)
{
	struct heft_file *const *file = job->m->file;
	uint8_t digest[2][HEFT_DIGEST_SIZE];

	*is_equal = false;
	if (!job->m->options->trust_stated || p->reasons || !heft_file_index(file[0]) ||
	    !heft_file_index(file[1]))
		return HEFT_OK;
	for (uint32_t i = 0; i < 2; i++) {
		job->m->failed_file = i + 1;
		HEFT_TRY(heft_stated_tensor_digest(file[i], &p->tensor[i], digest[i], err));
	}
	job->m->failed_file = 0;
	*is_equal = memcmp(digest[0], digest[1], HEFT_DIGEST_SIZE) == 0;
	return HEFT_OK;
}

static enum heft_status add_work(struct job *job, uint32_t entry_i, struct heft_error *err)
{
	const struct heft_diff_entry *e = &job->m->entries[entry_i];
	struct work *k = &job->works[job->n_works];
	struct heft_diff_pair p;
	bool is_equal;

	*k = (struct work){ .entry = entry_i };
	if (e->b == HEFT_DIFF_NONE || e->is_renamed) {
		job->n_works++;
		return HEFT_OK;
	}
	HEFT_TRY(heft_diff_pair_make(job->m, entry_i, &p, err));
	k->reasons = p.reasons;
	if (p.is_compared) {
		k->is_compared = true;
		k->way = p.way;
		memcpy(k->unit, p.unit, sizeof k->unit);
		k->n = p.n;
		k->n_bytes[0] = p.tensor[0].n_bytes;
		k->n_bytes[1] = p.tensor[1].n_bytes;
		HEFT_TRY(is_stated_equal(job, &p, &is_equal, err));
		if (is_equal || e->same != entry_i)
			HEFT_TRY(heft_meter_add(job->meter, k->n_bytes[0] + k->n_bytes[1], err));
		else
			cut(job, k);
	}
	job->n_works++;
	return HEFT_OK;
}

/* The slots of pairs that differ somewhere and not everywhere. */
static void list_again(struct job *job)
{
	job->n_again = 0;
	for (uint32_t i = 0; i < job->n_works; i++) {
		const struct work *k = &job->works[i];
		uint32_t n_equal = 0;

		if (k->way.numbers == HEFT_DIFF_OPAQUE)
			continue;
		for (uint32_t s = 0; s < k->n_slots; s++)
			n_equal += job->slots[k->first_slot + s].is_equal;
		for (uint32_t s = 0; n_equal < k->n_slots && s < k->n_slots; s++)
			if (job->slots[k->first_slot + s].is_equal)
				job->again[job->n_again++] = k->first_slot + s;
	}
}

static void sum_up(struct job *job, const struct work *k, struct heft_difference *d)
{
	const struct heft_diff_entry *e = &job->m->entries[k->entry];
	struct heft_diff_measure total = { .n_different = 0 };

	if (e->same != k->entry)
		total = job->kept[job->m->entries[e->same].kept];
	for (uint32_t s = 0; s < k->n_slots; s++)
		heft_diff_measure_add(&total, &job->slots[k->first_slot + s].found);
	if (e->kept != HEFT_DIFF_NONE)
		job->kept[e->kept] = total;
	heft_diff_measure_finish(&k->way, k->n, &total, d);
	if (total.n_different > 0)
		d->reasons |= HEFT_DIFF_VALUES;
}

static enum heft_status tell(struct job *job, heft_diff_entry_fn fn, void *ctx,
                             struct heft_error *err)
{
	for (uint32_t i = 0; i < job->n_works; i++) {
		const struct work *k = &job->works[i];
		struct heft_difference d = { .reasons = k->reasons };

		if (k->is_compared)
			sum_up(job, k, &d);
		HEFT_TRY(fn(ctx, &job->m->entries[k->entry], &d, err));
	}
	return HEFT_OK;
}

static enum heft_status compare_batch(struct job *job, uint32_t *next, struct heft_error *err)
{
	job->n_works = 0;
	job->n_slots = 0;
	while (*next < job->m->n_entries && job->n_works < BATCH_WORKS &&
	       job->n_slots < BATCH_SLOTS)
		HEFT_TRY(add_work(job, (*next)++, err));
	HEFT_TRY(run(job, job->n_slots, compare_slot, err));
	list_again(job);
	return run(job, job->n_again, compare_again, err);
}

/* --- all --- */

static enum heft_status job_init(struct job *job, struct heft_error *err)
{
	const uint32_t n_workers = heft_pool_n_threads(job->pool);
	const uint32_t n = job->m->n_entries;
	const uint32_t n_works = n < BATCH_WORKS ? n : BATCH_WORKS;

	job->workers = heft_zalloc_array(n_workers, sizeof *job->workers);
	job->works = heft_alloc_array(n_works, sizeof *job->works);
	job->slots = heft_alloc_array(BATCH_SLOTS + PIECES_MAX, sizeof *job->slots);
	job->again = heft_alloc_array(BATCH_SLOTS + PIECES_MAX, sizeof *job->again);
	job->kept = heft_alloc_array(job->m->n_kept, sizeof *job->kept);
	if (!job->workers || !job->works || !job->slots || !job->again || !job->kept)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a comparison");
	for (uint32_t i = 0; i < n_workers; i++) {
		struct worker *w = &job->workers[i];

		heft_diff_side_init(&w->side[0], job->m->file[0]);
		heft_diff_side_init(&w->side[1], job->m->file[1]);
		w->entry = HEFT_DIFF_NONE;
		w->failed_i = UINT64_MAX;
	}
	return HEFT_OK;
}

static void job_done(struct job *job)
{
	const uint32_t n = job->workers ? heft_pool_n_threads(job->pool) : 0;

	for (uint32_t i = 0; i < n; i++) {
		heft_diff_side_done(&job->workers[i].side[0]);
		heft_diff_side_done(&job->workers[i].side[1]);
		heft_diff_room_free(job->workers[i].room);
	}
	heft_free(job->workers);
	heft_free(job->works);
	heft_free(job->slots);
	heft_free(job->again);
	heft_free(job->kept);
}

enum heft_status heft_diff_compare(struct heft_diff_match *m, struct heft_pool *pool,
                                   struct heft_meter *meter, heft_diff_entry_fn fn, void *ctx,
                                   struct heft_error *err)
{
	struct job job = { .m = m, .pool = pool, .meter = meter };
	enum heft_status st = job_init(&job, err);
	uint32_t next = 0;

	while (st == HEFT_OK && next < m->n_entries) {
		st = compare_batch(&job, &next, err);
		if (st == HEFT_OK)
			st = tell(&job, fn, ctx, err);
	}
	job_done(&job);
	return st;
}
