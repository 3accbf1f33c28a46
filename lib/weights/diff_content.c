/* SPDX-License-Identifier: Apache-2.0 */
/* diff_content.c - matches what is only in one file with what is only in the other by tensor
 * digest. What has no tensor of its dtype and shape on the other side is not read. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "heft/digest.h"
#include "weights/diff_match.h"
#include "weights/file.h"

struct candidate {
	uint64_t key; /* of space, dtype and shape */
	uint64_t n_bytes;
	uint32_t tensor; /* of its file */
	uint32_t at;     /* the entry of A, or the position in only_b */
	uint8_t digest[HEFT_DIGEST_SIZE];
};

struct heft_diff_content {
	struct heft_diff_match *m;
	struct candidate *list[2];
	uint32_t n[2];
	struct heft_meter *meter;
	bool *has_failed; /* of each candidate */
};

/* FNV-1a. Two kinds of tensors under one key cost no more than a look at their data. */
static uint64_t add_to_key(uint64_t key, uint64_t v)
{
	for (int i = 0; i < 8; i++, v >>= 8)
		key = (key ^ (v & 255)) * UINT64_C(0x100000001b3);
	return key;
}

static uint64_t key_of(const struct heft_tensor *t)
{
	uint64_t key = UINT64_C(0xcbf29ce484222325);

	key = add_to_key(key, (uint64_t)t->space);
	key = add_to_key(key, (uint64_t)t->dtype);
	key = add_to_key(key, t->n_bytes);
	for (uint32_t i = 0; i < t->rank; i++)
		key = add_to_key(key, t->dims[i]);
	return key;
}

static enum heft_status add_candidate(struct heft_diff_content *c, uint32_t k, uint32_t tensor,
                                      uint32_t at, struct heft_error *err)
{
	struct heft_tensor t;
	const enum heft_status st = heft_tensor_at(c->m->file[k], tensor, &t, err);

	if (st != HEFT_OK) {
		c->m->failed_file = k + 1;
		return st;
	}
	c->list[k][c->n[k]++] = (struct candidate){
		.key = key_of(&t), .n_bytes = t.n_bytes, .tensor = tensor, .at = at
	};
	return HEFT_OK;
}

static int by_key(const void *a, const void *b)
{
	const struct candidate *x = a;
	const struct candidate *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int by_digest(const void *a, const void *b)
{
	const struct candidate *x = a;
	const struct candidate *y = b;
	const int order = memcmp(x->digest, y->digest, HEFT_DIGEST_SIZE);

	return order ? order : by_key(a, b);
}

static void sort(struct heft_diff_content *c, int (*order)(const void *, const void *))
{
	for (uint32_t k = 0; k < 2; k++)
		if (c->n[k] > 1)
			qsort(c->list[k], c->n[k], sizeof *c->list[k], order);
}

static bool has_key(const struct candidate *list, uint32_t n, uint64_t key)
{
	uint32_t low = 0;
	uint32_t high = n;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (list[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && list[low].key == key;
}

static uint32_t keep_common(struct candidate *list, uint32_t n, const struct candidate *others,
                            uint32_t n_others)
{
	uint32_t n_kept = 0;

	for (uint32_t i = 0; i < n; i++)
		if (has_key(others, n_others, list[i].key))
			list[n_kept++] = list[i];
	return n_kept;
}

static enum heft_status list_all(struct heft_diff_content *c, struct heft_error *err)
{
	struct heft_diff_match *m = c->m;
	uint32_t n_a = 0;

	for (uint32_t i = 0; i < m->n_entries; i++)
		n_a += m->entries[i].b == HEFT_DIFF_NONE;
	c->list[0] = heft_alloc_array(n_a, sizeof *c->list[0]);
	c->list[1] = heft_alloc_array(m->n_only_b, sizeof *c->list[1]);
	c->has_failed = heft_zalloc_array((size_t)n_a + m->n_only_b, sizeof *c->has_failed);
	if (!c->list[0] || !c->list[1] || !c->has_failed)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for a list of %u tensors", n_a + m->n_only_b);
	for (uint32_t i = 0; i < m->n_entries; i++)
		if (m->entries[i].b == HEFT_DIFF_NONE)
			HEFT_TRY(add_candidate(c, 0, m->entries[i].a, i, err));
	for (uint32_t i = 0; i < m->n_only_b; i++)
		HEFT_TRY(add_candidate(c, 1, m->only_b[i], i, err));
	sort(c, by_key);
	c->n[0] = keep_common(c->list[0], c->n[0], c->list[1], c->n[1]);
	c->n[1] = keep_common(c->list[1], c->n[1], c->list[0], c->n[0]);
	return HEFT_OK;
}

enum heft_status heft_diff_content_new(struct heft_diff_match *m, struct heft_diff_content **out,
                                       struct heft_error *err)
{
	struct heft_diff_content *c = heft_zalloc(sizeof *c);
	enum heft_status st;

	if (!c)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a comparison");
	c->m = m;
	st = list_all(c, err);
	if (st != HEFT_OK) {
		heft_diff_content_free(c);
		return st;
	}
	*out = c;
	return HEFT_OK;
}

void heft_diff_content_free(struct heft_diff_content *c)
{
	if (!c)
		return;
	heft_free(c->list[0]);
	heft_free(c->list[1]);
	heft_free(c->has_failed);
	heft_free(c);
}

static bool is_stated(const struct heft_diff_content *c, uint32_t k)
{
	return c->m->options->trust_stated && heft_file_index(c->m->file[k]);
}

uint64_t heft_diff_content_bytes(const struct heft_diff_content *c)
{
	uint64_t n_bytes = 0;

	for (uint32_t k = 0; k < 2; k++)
		for (uint32_t i = 0; !is_stated(c, k) && i < c->n[k]; i++)
			n_bytes += c->list[k][i].n_bytes;
	return n_bytes;
}

/* Candidates of A, then of B: each by one thread. */
static enum heft_status hash_one(void *ctx, uint64_t i, uint32_t worker_i, struct heft_error *err)
{
	static const struct heft_run alone = { .n_threads = 1 };
	struct heft_diff_content *c = ctx;
	const uint32_t k = i >= c->n[0];
	struct candidate *x = &c->list[k][k ? i - c->n[0] : i];
	struct heft_file *file = c->m->file[k];
	struct heft_tensor t;
	enum heft_status st = heft_tensor_at(file, x->tensor, &t, err);

	(void)worker_i;
	if (st == HEFT_OK && is_stated(c, k))
		return heft_stated_tensor_digest(file, &t, x->digest, err);
	if (st == HEFT_OK)
		st = heft_tensor_digest(file, &t, &alone, x->digest, err);
	c->has_failed[i] = st != HEFT_OK;
	return st == HEFT_OK ? heft_meter_add(c->meter, x->n_bytes, err) : st;
}

/* The lowest one that failed is the one whose message the run gives. */
static void name_failed(struct heft_diff_content *c)
{
	uint32_t i = 0;

	while (i < c->n[0] + c->n[1] && !c->has_failed[i])
		i++;
	if (i < c->n[0] + c->n[1])
		c->m->failed_file = i < c->n[0] ? 1 : 2;
}

static int compare(const struct candidate *a, const struct candidate *b)
{
	const int order = memcmp(a->digest, b->digest, HEFT_DIGEST_SIZE);

	if (order)
		return order;
	return a->key < b->key ? -1 : a->key > b->key;
}

/* Of several with one digest, the first of A is the first of B, and so on. */
static void join(struct heft_diff_content *c)
{
	struct heft_diff_match *m = c->m;
	uint32_t i = 0;
	uint32_t k = 0;

	while (i < c->n[0] && k < c->n[1]) {
		const int order = compare(&c->list[0][i], &c->list[1][k]);

		if (order == 0) {
			struct heft_diff_entry *e = &m->entries[c->list[0][i].at];

			e->b = c->list[1][k].tensor;
			e->is_renamed = true;
			m->only_b[c->list[1][k].at] = HEFT_DIFF_NONE;
		}
		i += order <= 0;
		k += order >= 0;
	}
}

static void drop_renamed(struct heft_diff_match *m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_only_b; i++)
		if (m->only_b[i] != HEFT_DIFF_NONE)
			m->only_b[n++] = m->only_b[i];
	m->n_only_b = n;
}

enum heft_status heft_diff_content_match(struct heft_diff_content *c, struct heft_pool *pool,
                                         struct heft_meter *meter, struct heft_error *err)
{
	enum heft_status st;

	c->meter = meter;
	st = heft_pool_run(pool, (uint64_t)c->n[0] + c->n[1], hash_one, c, err);
	if (st != HEFT_OK) {
		name_failed(c);
		return st;
	}
	sort(c, by_digest);
	join(c);
	drop_renamed(c->m);
	return HEFT_OK;
}
