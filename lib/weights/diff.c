/* SPDX-License-Identifier: Apache-2.0 */
/* diff.c - heft_diff: matches the tensors of two files, compares them, and tells what differs. */
#include "heft/diff.h"

#include "base/error.h"
#include "weights/diff_compare.h"
#include "weights/file.h"

/* Less is compared before another thread has started. */
#define N_BYTES_ALONE (UINT64_C(1) << 20)
#define N_TENSORS_ALONE 256

struct job {
	struct heft_diff_match match;
	struct heft_diff_content *content; /* NULL: not by content */
	struct heft_pool *pool;
	struct heft_meter meter;
	heft_diff_fn fn;
	void *user;
	struct heft_diff_summary summary;
};

static enum heft_status tensor_at(struct job *job, uint32_t k, uint32_t i, struct heft_tensor *t,
                                  struct heft_error *err)
{
	const enum heft_status st = heft_tensor_at(job->match.file[k], i, t, err);

	if (st != HEFT_OK)
		job->match.failed_file = k + 1;
	return st;
}

static void count(struct heft_diff_summary *s, const struct heft_difference *d)
{
	switch (d->kind) {
	case HEFT_DIFF_CHANGED:
		s->n_changed++;
		s->n_dtype += (d->reasons & HEFT_DIFF_DTYPE) != 0;
		s->n_shape += (d->reasons & HEFT_DIFF_SHAPE) != 0;
		s->n_values += (d->reasons & HEFT_DIFF_VALUES) != 0;
		break;
	case HEFT_DIFF_ONLY_IN_A:
		s->n_only_in_a++;
		break;
	case HEFT_DIFF_ONLY_IN_B:
		s->n_only_in_b++;
		break;
	case HEFT_DIFF_RENAMED:
		s->n_renamed++;
		break;
	}
}

/* `a` and `b` are indexes; HEFT_DIFF_NONE: the tensor is not there. */
static enum heft_status tell(struct job *job, struct heft_difference *d, uint32_t a, uint32_t b,
                             struct heft_error *err)
{
	struct heft_tensor t[2];

	if (a != HEFT_DIFF_NONE) {
		HEFT_TRY(tensor_at(job, 0, a, &t[0], err));
		d->a = &t[0];
	}
	if (b != HEFT_DIFF_NONE) {
		HEFT_TRY(tensor_at(job, 1, b, &t[1], err));
		d->b = &t[1];
	}
	count(&job->summary, d);
	if (job->fn)
		job->fn(job->user, d);
	return HEFT_OK;
}

static enum heft_status take_entry(void *ctx, const struct heft_diff_entry *e,
                                   const struct heft_difference *found, struct heft_error *err)
{
	struct job *job = ctx;
	struct heft_difference d = *found;

	job->summary.n_compared += d.n_compared;
	job->summary.n_different += d.n_different;
	if (e->b == HEFT_DIFF_NONE)
		d.kind = HEFT_DIFF_ONLY_IN_A;
	else if (e->is_renamed)
		d.kind = HEFT_DIFF_RENAMED;
	else if (d.reasons)
		d.kind = HEFT_DIFF_CHANGED;
	else {
		job->summary.n_equal++;
		return HEFT_OK;
	}
	return tell(job, &d, e->a, e->b, err);
}

static enum heft_status tell_only_b(struct job *job, struct heft_error *err)
{
	for (uint32_t i = 0; i < job->match.n_only_b; i++) {
		struct heft_difference d = { .kind = HEFT_DIFF_ONLY_IN_B };

		HEFT_TRY(tell(job, &d, HEFT_DIFF_NONE, job->match.only_b[i], err));
	}
	return HEFT_OK;
}

/* Everything that has to be known before the first byte of data is read. */
static enum heft_status prepare(struct job *job, struct heft_file *a, struct heft_file *b,
                                const struct heft_diff_options *o, struct heft_error *err)
{
	uint64_t n_bytes;
	bool is_small;

	HEFT_TRY(heft_diff_match_make(&job->match, a, b, o, err));
	HEFT_TRY(heft_diff_match_shared(&job->match, err));
	n_bytes = job->match.n_bytes;
	if (o->by_content) {
		HEFT_TRY(heft_diff_content_new(&job->match, &job->content, err));
		n_bytes += heft_diff_content_bytes(job->content);
	}
	job->meter.n_total = n_bytes;
	is_small = n_bytes < N_BYTES_ALONE && job->match.n_entries < N_TENSORS_ALONE;
	return heft_pool_new(is_small ? 1 : o->run.n_threads, &job->pool, err);
}

static enum heft_status work(struct job *job, struct heft_error *err)
{
	if (job->content)
		HEFT_TRY(heft_diff_content_match(job->content, job->pool, &job->meter, err));
	HEFT_TRY(heft_diff_compare(&job->match, job->pool, &job->meter, take_entry, job, err));
	return tell_only_b(job, err);
}

static void sum_up(const struct job *job, struct heft_diff_summary *s)
{
	*s = job->summary;
	s->n_a = job->match.n_looked_at[0];
	s->n_b = job->match.n_looked_at[1];
	s->n_tied_otherwise = job->match.n_tied_otherwise;
	s->is_equal = s->n_equal == s->n_a && s->n_equal == s->n_b;
}

enum heft_status heft_diff(struct heft_file *a, struct heft_file *b,
                           const struct heft_diff_options *options, heft_diff_fn fn, void *user,
                           struct heft_diff_summary *summary, struct heft_error *err)
{
	static const struct heft_diff_options defaults = { .by_content = false };
	const struct heft_diff_options *o = options ? options : &defaults;
	struct job job = { .fn = fn, .user = user };
	enum heft_status st;

	heft_meter_init(&job.meter, &o->run, 0);
	st = prepare(&job, a, b, o, err);
	if (st == HEFT_OK)
		st = work(&job, err);
	if (st == HEFT_OK)
		sum_up(&job, summary);
	else
		summary->failed_file = job.match.failed_file;
	heft_pool_free(job.pool);
	heft_diff_content_free(job.content);
	heft_diff_match_done(&job.match);
	heft_meter_done(&job.meter);
	return st;
}
