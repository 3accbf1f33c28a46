/* SPDX-License-Identifier: Apache-2.0 */
/* attention_f64.c - attention of F64: each query by itself, number by number (spec F6-84). */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/attention.h"
#include "graph/chain.h"
#include "graph/softmax.h"
#include "kernel/elementary.h"

/* Multiply-adds a task, about. */
#define TASK 32768

struct task {
	const struct heft_call *c; /* of one thread */
	const struct heft_attention *a;
	const struct heft_attention_data_f64 *d;
	uint8_t *scratch;
	size_t row_size; /* bytes of the scores of a row */
	size_t n_each;   /* rows */
};

static size_t row_size(const struct heft_attention *a)
{
	return heft_align_up(a->n_keys * sizeof(double), 64);
}

enum heft_status heft_attention_f64_init(const struct heft_call *c, const struct heft_attention *a,
                                         size_t *size, struct heft_error *err)
{
	size_t bytes;

	if (!heft_mul_size(a->n_keys, sizeof(double), &bytes) || bytes > SIZE_MAX / 4 ||
	    !heft_mul_size(row_size(a), heft_team_n_threads(c->team), size) || *size > SIZE_MAX / 4)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "%llu keys do not fit into memory", (unsigned long long)a->n_keys);
	return HEFT_OK;
}

static void products(const struct task *t, const double *q, const double *k, double *s)
{
	for (size_t j = 0; j < t->a->n_keys; j++) {
		struct heft_chain_f64 sum;

		heft_chain_f64_start(&sum);
		for (size_t i = 0; i < t->a->size; i++)
			heft_chain_f64_add(&sum, q[i], k[j * t->a->k.row + i]);
		s[j] = heft_chain_f64_done(&sum);
		if (t->d->scale != 1)
			s[j] *= t->d->scale;
	}
}

static void cap(const struct task *t, double *s)
{
	const double c = (double)t->a->softcap;

	for (size_t j = 0; j < t->a->n_keys; j++)
		s[j] = s[j] / c;
	heft_tanh_f64_by(t->c->cpu_bits, s, s, t->a->n_keys);
	for (size_t j = 0; j < t->a->n_keys; j++)
		s[j] = s[j] * c;
}

/* Adds the mask to the scores [first, end), -Inf where it has no key; tells whether it leaves
 * anything to look at. */
static bool add_mask(const struct task *t, size_t from, size_t first, size_t end, double *s)
{
	const struct heft_mask_strides *m = &t->a->mask_strides[0];
	const size_t n = end < m->n_keys ? end : m->n_keys;
	bool is_seen = false;

	for (size_t j = first; j < end; j++) {
		double bias = -INFINITY;

		if (j < n && t->a->masks[0] == HEFT_MASK_ADDED)
			bias = ((const double *)t->d->mask)[from + j * m->key];
		else if (j < n && ((const uint8_t *)t->d->mask)[from + j * m->key])
			bias = 0;
		is_seen = is_seen || bias != -INFINITY;
		/* what is masked is so even where the score is +Inf or a NaN */
		s[j] = bias == -INFINITY ? bias : s[j] + bias;
	}
	return is_seen;
}

static void put_scores(const struct task *t, enum heft_scores kind, size_t at, const double *s)
{
	if (t->a->scores == kind && t->d->scores)
		memcpy(t->d->scores + at * t->a->n_keys, s, t->a->n_keys * sizeof *s);
}

/* From products of a query and all keys to their weights; `at` counts rows of all heads. */
static void finish_row(const struct task *t, size_t at, double *s)
{
	const struct heft_attention *a = t->a;
	const struct heft_mask_strides *m = &a->mask_strides[0];
	const struct heft_axis axis = { .n_outer = 1, .n = a->n_keys, .n_inner = 1 };
	const size_t row = at % a->n_rows;
	const size_t head = at / a->n_rows % a->n_heads;
	const size_t batch = at / a->n_rows / a->n_heads;
	bool is_seen;
	size_t first;
	size_t end;

	put_scores(t, HEFT_SCORES_PRODUCT, at, s);
	if (a->softcap != 0)
		cap(t, s);
	put_scores(t, HEFT_SCORES_CAPPED, at, s);
	heft_attention_reach(a, t->d->lengths, batch, row, &first, &end);
	is_seen = first < end;
	for (size_t j = 0; j < first; j++)
		s[j] = -INFINITY;
	for (size_t j = end; j < a->n_keys; j++)
		s[j] = -INFINITY;
	if (a->masks[0] != HEFT_MASK_NONE)
		is_seen = add_mask(t, batch * m->batch + head * m->head + row * m->row, first, end,
		                   s) &&
		          is_seen;
	put_scores(t, HEFT_SCORES_MASKED, at, s);
	if (is_seen)
		heft_softmax_run(t->c, HEFT_SOFTMAX, &axis, HEFT_DTYPE_F64, s, s);
	else
		memset(s, 0, a->n_keys * sizeof *s);
	put_scores(t, HEFT_SCORES_SOFTMAX, at, s);
}

static void weigh(const struct task *t, const double *s, const double *v, double *y)
{
	for (size_t i = 0; i < t->a->value_size; i++) {
		struct heft_chain_f64 sum;

		heft_chain_f64_start(&sum);
		for (size_t j = 0; j < t->a->n_keys; j++)
			heft_chain_f64_add(&sum, s[j], v[j * t->a->v.row + i]);
		y[i] = heft_chain_f64_done(&sum);
	}
}

static void run_row(const struct task *t, size_t at, double *s)
{
	const struct heft_attention *a = t->a;
	const struct heft_attention_data_f64 *d = t->d;
	const size_t row = at % a->n_rows;
	const size_t head = at / a->n_rows % a->n_heads;
	const size_t batch = at / a->n_rows / a->n_heads;
	const size_t kv = head / (a->n_heads / a->n_kv_heads);
	double *y = d->y ? d->y + batch * a->y.batch + head * a->y.head + row * a->y.row : NULL;

	/* without keys, every result is +0 */
	if (a->n_keys == 0) {
		if (y)
			memset(y, 0, a->value_size * sizeof *y);
		return;
	}
	products(t, d->q + batch * a->q.batch + head * a->q.head + row * a->q.row,
	         d->k + batch * a->k.batch + kv * a->k.head, s);
	finish_row(t, at, s);
	if (y)
		weigh(t, s, d->v + batch * a->v.batch + kv * a->v.head, y);
}

static void run_task(void *ctx, uint64_t task, uint32_t worker)
{
	const struct task *t = ctx;
	const size_t n = t->a->n_batch * t->a->n_heads * t->a->n_rows;
	const size_t first = task * t->n_each;
	const size_t end = n - first < t->n_each ? n : first + t->n_each;

	for (size_t i = first; i < end; i++)
		run_row(t, i, (double *)(void *)(t->scratch + worker * t->row_size));
}

void heft_attention_f64_run(const struct heft_call *c, const struct heft_attention *a,
                            const struct heft_attention_data_f64 *d, void *scratch)
{
	struct heft_call alone = *c; /* a task starts no other */
	struct task t = { .c = &alone, .a = a, .d = d, .scratch = scratch };
	const size_t n = a->n_batch * a->n_heads * a->n_rows;
	const size_t each = a->n_keys * (a->size + a->value_size);

	alone.team = NULL;
	t.row_size = row_size(a);
	t.n_each = TASK / (each + 1) + 1;
	if (n > 0 && (d->y || d->scores))
		heft_team_run(n > t.n_each ? c->team : NULL, (n + t.n_each - 1) / t.n_each,
		              run_task, &t);
}
