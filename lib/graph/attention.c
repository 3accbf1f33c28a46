/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c - scores of queries and keys, their softmax, and the product with the values. */
#include "graph/attention.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "kernel/elementary.h"
#include "kernel/norm.h"

/* Scores of a block, about, in bytes: they stay in the second cache. */
#define BLOCK_SIZE ((size_t)256 << 10)
#define MIN_BLOCK 16

/* Multiply-adds from which threads are worth waking. */
#define WORTH_THREADS (UINT64_C(1) << 16)

static void set_products(const struct heft_call *c, const struct heft_attention *a, size_t n_rows,
                         struct heft_product *qk, struct heft_product *pv)
{
	heft_product_matrix(qk, n_rows, a->size, a->n_keys);
	qk->x_ld = a->q.row;
	qk->end.alpha = a->scale;
	heft_product_init_by(c->cpu_bits, qk);
	heft_product_matrix(pv, n_rows, a->n_keys, a->value_size);
	pv->y_ld = a->y.row;
	heft_product_init_by(c->cpu_bits, pv);
}

static uint64_t n_multiply_adds(const struct heft_attention *a)
{
	uint64_t n;

	return heft_mul_u64(a->n_batch * a->n_heads, a->n_rows, &n) &&
	                       heft_mul_u64(n, a->n_keys, &n) &&
	                       heft_mul_u64(n, a->size + a->value_size, &n)
	               ? n
	               : UINT64_MAX;
}

/* Blocks, and parts of the rows, are a matter of speed alone. */
static void choose_blocks(const struct heft_call *c, struct heft_attention *a)
{
	const size_t n_threads = heft_team_n_threads(c->team);
	const size_t n_tasks = a->n_batch * a->n_kv_heads;
	const size_t fits = BLOCK_SIZE / sizeof(float) / (a->n_keys + 1);

	a->n_block = fits < MIN_BLOCK ? MIN_BLOCK : fits;
	if (a->n_block > a->n_rows)
		a->n_block = a->n_rows;
	a->n_parts = 1;
	if (n_tasks > 0 && n_tasks < n_threads)
		a->n_parts = (n_threads + n_tasks - 1) / n_tasks;
	if (a->n_parts > a->n_rows / MIN_BLOCK)
		a->n_parts = a->n_rows / MIN_BLOCK > 0 ? a->n_rows / MIN_BLOCK : 1;
}

enum heft_status heft_attention_init(const struct heft_call *c, struct heft_attention *a,
                                     size_t *size, struct heft_error *err)
{
	const size_t n_threads = heft_team_n_threads(c->team);
	struct heft_product qk;
	struct heft_product pv;
	size_t most;

	/* room for vectors that are rounded up, and for what lists of taps take */
	if (!heft_mul_size(a->n_keys + 256, a->size + a->value_size + 256, &most) ||
	    !heft_mul_size(most, 16 * sizeof(float), &most) ||
	    !heft_mul_size(most, n_threads, &most) || most > SIZE_MAX / 4)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "%llu keys do not fit into memory", (unsigned long long)a->n_keys);
	choose_blocks(c, a);
	set_products(c, a, a->n_block, &qk, &pv);
	a->packed_k_size = qk.packed_size;
	a->packed_v_size = pv.packed_size;
	a->scores_size = heft_align_up(a->n_block * a->n_keys * sizeof(float), 64);
	a->worker_size = a->packed_k_size + a->packed_v_size + a->scores_size +
	                 heft_align_up(qk.scratch_size > pv.scratch_size ? qk.scratch_size
	                                                                 : pv.scratch_size,
	                               64);
	if (!heft_mul_size(a->worker_size, n_threads, size))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "%llu keys do not fit into memory", (unsigned long long)a->n_keys);
	return HEFT_OK;
}

/* --- a row --- */

struct task {
	const struct heft_call *c;
	const struct heft_attention *a;
	const struct heft_attention_data *d;
	uint8_t *scratch;
};

void heft_attention_reach(const struct heft_attention *a, const int64_t *lengths, size_t batch,
                          size_t row, size_t *first, size_t *end)
{
	const int64_t n = (int64_t)a->n_keys;
	int64_t low = 0;
	int64_t high = n;
	int64_t at = a->offset;

	if (lengths) {
		const int64_t length = lengths[batch];

		high = length < 0 ? 0 : length > n ? n : length;
		at = high - (int64_t)a->n_rows;
	}
	at += (int64_t)row;
	if (a->is_causal && at + 1 < high)
		high = at + 1;
	if (a->has_right && a->right < n && at + a->right + 1 < high)
		high = at + a->right + 1;
	if (a->has_left && a->left < n && at - a->left > low)
		low = at - a->left;
	*first = low < 0 ? 0 : (size_t)low;
	*end = high < low ? *first : (size_t)high;
}

/* Adds mask i to the scores [first, end); tells whether it leaves anything to look at. */
static bool add_mask(const struct task *t, uint32_t i, size_t batch, size_t head, size_t row,
                     size_t first, size_t end, float *s)
{
	const struct heft_mask_strides *m = &t->a->mask_strides[i];
	const size_t at = batch * m->batch + head * m->head + row * m->row;
	const size_t n = end < m->n_keys ? end : m->n_keys;
	bool is_seen = false;

	for (size_t j = first; j < n; j++) {
		const size_t from = at + j * m->key;
		float bias = 0;

		if (t->a->masks[i] == HEFT_MASK_ADDED)
			bias = ((const float *)t->d->masks[i])[from];
		else if (t->a->masks[i] == HEFT_MASK_BOOL)
			bias = ((const uint8_t *)t->d->masks[i])[from] ? 0 : -INFINITY;
		else if (t->a->masks[i] == HEFT_MASK_LENGTHS)
			bias = (int64_t)j < ((const int32_t *)t->d->masks[i])[batch] ? 0
			                                                             : t->a->filter;
		else if (((const int32_t *)t->d->masks[i])[from] == 0)
			bias = t->a->filter;
		is_seen = is_seen || bias != -INFINITY;
		/* what is masked is so even where the score is +Inf or a NaN */
		s[j] = bias == -INFINITY ? bias : s[j] + bias;
	}
	for (size_t j = n > first ? n : first; j < end; j++)
		s[j] = -INFINITY;
	return is_seen;
}

static void cap(const struct task *t, float *s)
{
	const float c = t->a->softcap;

	for (size_t j = 0; j < t->a->n_keys; j++)
		s[j] = s[j] / c;
	heft_tanh_f32_by(t->c->cpu_bits, s, s, t->a->n_keys);
	for (size_t j = 0; j < t->a->n_keys; j++)
		s[j] = s[j] * c;
}

static void put_scores(const struct task *t, enum heft_scores kind, size_t head, size_t row,
                       const float *s)
{
	const struct heft_attention *a = t->a;

	if (a->scores == kind && t->d->scores)
		memcpy(t->d->scores + (head * a->n_rows + row) * a->n_keys, s,
		       a->n_keys * sizeof *s);
}

/* From products of a query and all keys to their weights. `head` counts those of all samples. */
static void finish_row(const struct task *t, size_t head, size_t row, float *s)
{
	const struct heft_attention *a = t->a;
	const size_t batch = head / a->n_heads;
	bool is_seen;
	size_t first;
	size_t end;

	put_scores(t, HEFT_SCORES_PRODUCT, head, row, s);
	if (a->softcap != 0)
		cap(t, s);
	put_scores(t, HEFT_SCORES_CAPPED, head, row, s);
	heft_attention_reach(a, t->d->lengths, batch, row, &first, &end);
	is_seen = first < end;
	for (size_t j = 0; j < first; j++)
		s[j] = -INFINITY;
	for (size_t j = end; j < a->n_keys; j++)
		s[j] = -INFINITY;
	for (uint32_t i = 0; i < 2; i++) {
		if (a->masks[i] != HEFT_MASK_NONE)
			is_seen = add_mask(t, i, batch, head % a->n_heads, row, first, end, s) &&
			          is_seen;
	}
	put_scores(t, HEFT_SCORES_MASKED, head, row, s);
	if (is_seen)
		heft_softmax_f32_by(t->c->cpu_bits, s, s, a->n_keys);
	else
		memset(s, 0, a->n_keys * sizeof *s);
	put_scores(t, HEFT_SCORES_SOFTMAX, head, row, s);
}

/* --- blocks --- */

/* Packs a head's keys and values. */
static void pack(const struct heft_product *qk, const struct heft_product *pv,
                 const struct heft_attention *a, const float *k, const float *v, float *packed_k,
                 float *packed_v)
{
	const struct heft_product_weights of_k = { .w = k, .in_ld = 1, .out_ld = a->k.row };
	const struct heft_product_weights of_v = { .w = v, .in_ld = a->v.row, .out_ld = 1 };

	for (size_t i = 0; i < qk->n_pack_tasks; i++)
		heft_product_pack(qk, &of_k, i, packed_k);
	for (size_t i = 0; i < pv->n_pack_tasks; i++)
		heft_product_pack(pv, &of_v, i, packed_v);
}

static void run_product(const struct heft_product *p, const float *x, const float *packed, float *y,
                        void *scratch)
{
	const struct heft_product_data data = { .x = x, .packed = packed, .y = y };

	for (size_t i = 0; i < p->n_tasks; i++)
		heft_product_run(p, &data, i, scratch);
}

/* Rows [first, end) of a head of queries. */
static void run_head(const struct task *t, size_t head, size_t first, size_t end, uint8_t *scratch)
{
	const struct heft_attention *a = t->a;
	const size_t batch = head / a->n_heads;
	const size_t in_batch = head % a->n_heads;
	const float *q = t->d->q + batch * a->q.batch + in_batch * a->q.head;
	float *y = t->d->y ? t->d->y + batch * a->y.batch + in_batch * a->y.head : NULL;
	const float *packed_k = (const void *)scratch;
	const float *packed_v = (const void *)(scratch + a->packed_k_size);
	float *s = (void *)(scratch + a->packed_k_size + a->packed_v_size);
	void *rest = scratch + a->packed_k_size + a->packed_v_size + a->scores_size;

	for (size_t at = first; at < end; at += a->n_block) {
		const size_t n = end - at < a->n_block ? end - at : a->n_block;
		struct heft_product qk;
		struct heft_product pv;

		set_products(t->c, a, n, &qk, &pv);
		run_product(&qk, q + at * a->q.row, packed_k, s, rest);
		for (size_t i = 0; i < n; i++)
			finish_row(t, head, at + i, s + i * a->n_keys);
		if (t->d->y)
			run_product(&pv, s, packed_v, y + at * a->y.row, rest);
	}
}

/* A part of the rows of all heads of queries that share one of keys. */
static void run_task(void *ctx, uint64_t task, uint32_t worker)
{
	const struct task *t = ctx;
	const struct heft_attention *a = t->a;
	const size_t part = task % a->n_parts;
	const size_t group = task / a->n_parts;
	const size_t batch = group / a->n_kv_heads;
	const size_t kv = group % a->n_kv_heads;
	const size_t n_shared = a->n_heads / a->n_kv_heads;
	uint8_t *scratch = t->scratch + worker * a->worker_size;
	struct heft_product qk;
	struct heft_product pv;

	set_products(t->c, a, 1, &qk, &pv);
	pack(&qk, &pv, a, t->d->k + batch * a->k.batch + kv * a->k.head,
	     t->d->v + batch * a->v.batch + kv * a->v.head, (void *)scratch,
	     (void *)(scratch + a->packed_k_size));
	for (size_t i = 0; i < n_shared; i++)
		run_head(t, batch * a->n_heads + kv * n_shared + i, a->n_rows * part / a->n_parts,
		         a->n_rows * (part + 1) / a->n_parts, scratch);
}

/* Without keys, every result is +0. */
static void run_without_keys(const struct heft_attention *a, float *y)
{
	for (size_t b = 0; y && b < a->n_batch; b++)
		for (size_t h = 0; h < a->n_heads; h++)
			for (size_t r = 0; r < a->n_rows; r++)
				memset(y + b * a->y.batch + h * a->y.head + r * a->y.row, 0,
				       a->value_size * sizeof *y);
}

void heft_attention_run(const struct heft_call *c, const struct heft_attention *a,
                        const struct heft_attention_data *d, void *scratch)
{
	struct task t = { .c = c, .a = a, .d = d, .scratch = scratch };
	const bool is_worth = n_multiply_adds(a) >= WORTH_THREADS;

	if (a->n_rows == 0 || (!d->y && !d->scores))
		return;
	if (a->n_keys == 0)
		run_without_keys(a, d->y);
	else
		heft_team_run(is_worth ? c->team : NULL, a->n_batch * a->n_kv_heads * a->n_parts,
		              run_task, &t);
}

/* --- masks and caches --- */

enum heft_status heft_mask_init(const struct heft_array *mask, const struct heft_attention *a,
                                struct heft_mask_strides *strides, struct heft_error *err)
{
	const uint64_t wanted[4] = { a->n_batch, a->n_heads, a->n_rows, a->n_keys };
	uint64_t found[4] = { 0, 0, 0, 1 };
	uint64_t stride = 1;

	for (uint32_t back = 1; back <= mask->rank; back++) {
		const uint32_t d = 4 - back;
		const uint64_t n = mask->dims[mask->rank - back];

		if (back > 4 || (n != 1 && n != wanted[d] && (back > 1 || n > wanted[d])))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the mask does not go with the scores: %llu in dimension "
			                 "%u",
			                 (unsigned long long)n, mask->rank - back);
		found[d] = n == 1 && back > 1 ? 0 : stride;
		stride *= n;
	}
	*strides = (struct heft_mask_strides){ .batch = found[0],
		                               .head = found[1],
		                               .row = found[2],
		                               .key = found[3],
		                               .n_keys = mask->rank > 0 ? mask->dims[mask->rank - 1]
		                                                        : 1 };
	return HEFT_OK;
}

struct join {
	const struct heft_kv_cache *cache;
	const float *past;
	const float *fresh;
	float *to;
};

static void join_head(void *ctx, uint64_t task, uint32_t worker)
{
	const struct join *j = ctx;
	const struct heft_kv_cache *k = j->cache;
	const size_t n_past = j->past ? k->n_past : 0;
	float *to = j->to + task * (n_past + k->n_new) * k->size;
	const size_t at = task / k->n_heads * k->from.batch + task % k->n_heads * k->from.head;

	(void)worker;
	if (n_past > 0)
		memcpy(to, j->past + task * n_past * k->size, n_past * k->size * sizeof *to);
	to += n_past * k->size;
	for (size_t i = 0; i < k->n_new; i++)
		memcpy(to + i * k->size, j->fresh + at + i * k->from.row, k->size * sizeof *to);
}

void heft_kv_cache_join(const struct heft_call *c, const struct heft_kv_cache *cache,
                        const float *past, const float *fresh, float *to)
{
	struct join j = { cache, past, fresh, to };
	const size_t n = cache->n_batch * cache->n_heads;
	const size_t n_floats = (cache->n_past + cache->n_new) * cache->size;

	if (n * n_floats > 0)
		heft_team_run(n * n_floats > 65536 ? c->team : NULL, n, join_head, &j);
}
