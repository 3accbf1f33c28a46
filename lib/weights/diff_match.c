/* SPDX-License-Identifier: Apache-2.0 */
/* diff_match.c - matches the tensors of two files by space and name, and says which pairs can be
 * compared. */
#include "weights/diff_match.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "tensor/dtype.h"
#include "weights/file.h"
#include "weights/same_bytes.h"
#include "weights/selection.h"
#include "weights/unit.h"

/* A match in the making. */
struct maker {
	struct heft_diff_match *m;
	bool *used;    /* of each pattern: include, then exclude */
	bool *is_in_a; /* of each tensor of B */
	bool has_ties;
};

/* A failure is of file k, 0 or 1. */
static enum heft_status try_file(struct heft_diff_match *m, uint32_t k, enum heft_status st)
{
	if (st != HEFT_OK)
		m->failed_file = k + 1;
	return st;
}

static enum heft_status no_memory(uint32_t n, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a list of %u tensors",
	                 n);
}

/* --- patterns --- */

static bool is_looked_at(struct maker *k, const struct heft_tensor *t)
{
	const struct heft_diff_options *o = k->m->options;
	const bool in = heft_match_any(o->include, o->n_include, t->name, k->used) ||
	                o->n_include == 0;
	const bool out = heft_match_any(o->exclude, o->n_exclude, t->name, k->used + o->n_include);

	return in && !out && !(o->weights_only && t->space != HEFT_SPACE_WEIGHTS);
}

static enum heft_status check_used(const struct maker *k, struct heft_error *err)
{
	const struct heft_diff_options *o = k->m->options;

	for (uint32_t i = 0; i < o->n_include + o->n_exclude; i++)
		if (!k->used[i])
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "no tensor matches '%s'",
			                 i < o->n_include ? o->include[i]
			                                  : o->exclude[i - o->n_include]);
	return HEFT_OK;
}

/* --- pairs --- */

/* Goes to the next dimension that is not 1. */
static uint32_t skip_ones(const struct heft_tensor *t, uint32_t i)
{
	while (i < t->rank && t->dims[i] == 1)
		i++;
	return i;
}

/* Whether the elements stand in the same order: shapes that differ in dimensions of 1 alone. */
static bool is_same_order(const struct heft_tensor *a, const struct heft_tensor *b)
{
	uint32_t i = skip_ones(a, 0);
	uint32_t k = skip_ones(b, 0);

	while (i < a->rank && k < b->rank && a->dims[i] == b->dims[k]) {
		i = skip_ones(a, i + 1);
		k = skip_ones(b, k + 1);
	}
	return i == a->rank && k == b->rank;
}

static bool is_same_shape(const struct heft_tensor *a, const struct heft_tensor *b)
{
	return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof a->dims[0]) == 0;
}

/* What a format does not say of a dtype without a unit of its own, its elements tell. */
static enum heft_status find_unit(struct heft_file *file, const struct heft_tensor *t,
                                  uint32_t *unit, struct heft_error *err)
{
	const uint64_t size = t->n_elements ? t->n_bytes / t->n_elements : 0;

	if (heft_tensor_unit(file, t, unit, NULL) == HEFT_OK)
		return HEFT_OK;
	if (heft_file_index(file))
		return heft_tensor_unit(file, t, unit, err);
	*unit = size > 0 && size <= HEFT_CHUNK_MAX && t->n_bytes % t->n_elements == 0
	                ? (uint32_t)size
	                : 1;
	return HEFT_OK;
}

/* The shape of an unknown dtype says nothing of its bytes: one side may have more of them. */
static void check_sizes(struct heft_diff_pair *p)
{
	const struct heft_diff_layout *layout = p->way.layout;
	const struct heft_tensor *t = p->tensor;

	p->n = layout[0].n_elements == 1 ? t[0].n_bytes / layout[0].n_bytes : t[0].n_elements;
	if (heft_diff_bytes(&layout[0], p->n) == t[0].n_bytes &&
	    heft_diff_bytes(&layout[1], p->n) == t[1].n_bytes)
		return;
	p->reasons |= HEFT_DIFF_SHAPE;
	p->is_compared = false;
}

static enum heft_status pair_up(struct heft_diff_match *m, struct heft_diff_pair *p,
                                struct heft_error *err)
{
	const struct heft_tensor *t = p->tensor;
	const enum heft_dtype dtype[2] = { t[0].dtype, t[1].dtype };

	for (uint32_t k = 0; k < 2; k++)
		HEFT_TRY(try_file(m, k, find_unit(m->file[k], &t[k], &p->unit[k], err)));
	p->reasons = 0;
	if (dtype[0] != dtype[1] || p->unit[0] != p->unit[1])
		p->reasons |= HEFT_DIFF_DTYPE;
	if (!is_same_shape(&t[0], &t[1]))
		p->reasons |= HEFT_DIFF_SHAPE;
	p->is_compared = is_same_order(&t[0], &t[1]) && heft_diff_way_pick(dtype, p->unit, &p->way);
	if (p->is_compared)
		check_sizes(p);
	return HEFT_OK;
}

enum heft_status heft_diff_pair_make(struct heft_diff_match *m, uint32_t entry_i,
                                     struct heft_diff_pair *pair, struct heft_error *err)
{
	const struct heft_diff_entry *e = &m->entries[entry_i];

	HEFT_TRY(try_file(m, 0, heft_tensor_at(m->file[0], e->a, &pair->tensor[0], err)));
	HEFT_TRY(try_file(m, 1, heft_tensor_at(m->file[1], e->b, &pair->tensor[1], err)));
	return pair_up(m, pair, err);
}

/* --- the match --- */

/* The tensor of B that has t's name; HEFT_DIFF_NONE. */
static enum heft_status find_in_b(struct heft_diff_match *m, const struct heft_tensor *t,
                                  uint32_t *i, struct heft_error *err)
{
	struct heft_file *b = m->file[1];
	const enum heft_status st = b->format->find(b->st, (uint8_t)t->space, t->name, i, NULL);

	if (st == HEFT_OK)
		return HEFT_OK;
	*i = HEFT_DIFF_NONE;
	if (st == HEFT_E_NOT_FOUND)
		return HEFT_OK;
	/* It costs a message per tensor to ask for one at once. */
	return try_file(m, 1, b->format->find(b->st, (uint8_t)t->space, t->name, i, err));
}

static enum heft_status add_entry(struct maker *k, uint32_t a_i, struct heft_error *err)
{
	struct heft_diff_match *m = k->m;
	struct heft_diff_entry *e = &m->entries[m->n_entries];
	struct heft_diff_pair pair;

	HEFT_TRY(try_file(m, 0, heft_tensor_at(m->file[0], a_i, &pair.tensor[0], err)));
	if (!is_looked_at(k, &pair.tensor[0]))
		return HEFT_OK;
	*e = (struct heft_diff_entry){ .a = a_i, .same = m->n_entries, .kept = HEFT_DIFF_NONE };
	HEFT_TRY(find_in_b(m, &pair.tensor[0], &e->b, err));
	k->has_ties |= pair.tensor[0].tie != a_i;
	m->n_entries++;
	if (e->b == HEFT_DIFF_NONE)
		return HEFT_OK;
	HEFT_TRY(try_file(m, 1, heft_tensor_at(m->file[1], e->b, &pair.tensor[1], err)));
	HEFT_TRY(pair_up(m, &pair, err));
	e->is_compared = pair.is_compared;
	if (e->is_compared)
		m->n_bytes += pair.tensor[0].n_bytes + pair.tensor[1].n_bytes;
	k->has_ties |= pair.tensor[1].tie != e->b;
	k->is_in_a[e->b] = true;
	m->n_looked_at[1]++;
	return HEFT_OK;
}

static enum heft_status add_rest(struct maker *k, uint32_t b_i, struct heft_error *err)
{
	struct heft_diff_match *m = k->m;
	struct heft_tensor t;

	if (k->is_in_a[b_i])
		return HEFT_OK;
	HEFT_TRY(try_file(m, 1, heft_tensor_at(m->file[1], b_i, &t, err)));
	if (!is_looked_at(k, &t))
		return HEFT_OK;
	m->only_b[m->n_only_b++] = b_i;
	m->n_looked_at[1]++;
	return HEFT_OK;
}

/* Two tensors that are tied to the same one in A must be so in B, and the other way round. */
static enum heft_status compare_ties(struct heft_diff_match *m, uint32_t *b_of, uint32_t *a_of,
                                     struct heft_error *err)
{
	struct heft_tensor a;
	struct heft_tensor b;

	for (uint32_t i = 0; i < m->n_entries; i++) {
		if (m->entries[i].b == HEFT_DIFF_NONE)
			continue;
		HEFT_TRY(try_file(m, 0, heft_tensor_at(m->file[0], m->entries[i].a, &a, err)));
		HEFT_TRY(try_file(m, 1, heft_tensor_at(m->file[1], m->entries[i].b, &b, err)));
		if (b_of[a.tie] == HEFT_DIFF_NONE && a_of[b.tie] == HEFT_DIFF_NONE) {
			b_of[a.tie] = b.tie;
			a_of[b.tie] = a.tie;
		}
		m->n_tied_otherwise += b_of[a.tie] != b.tie || a_of[b.tie] != a.tie;
	}
	return HEFT_OK;
}

static uint32_t *alloc_nones(uint32_t n)
{
	uint32_t *list = heft_alloc_array(n, sizeof *list);

	for (uint32_t i = 0; list && i < n; i++)
		list[i] = HEFT_DIFF_NONE;
	return list;
}

static enum heft_status count_ties(struct heft_diff_match *m, struct heft_error *err)
{
	const uint32_t n_a = heft_n_tensors(m->file[0]);
	uint32_t *b_of = alloc_nones(n_a);
	uint32_t *a_of = alloc_nones(heft_n_tensors(m->file[1]));
	const enum heft_status st = b_of && a_of ? compare_ties(m, b_of, a_of, err)
	                                         : no_memory(n_a, err);

	heft_free(b_of);
	heft_free(a_of);
	return st;
}

static enum heft_status make(struct maker *k, struct heft_error *err)
{
	struct heft_diff_match *m = k->m;
	const uint32_t n_a = heft_n_tensors(m->file[0]);
	const uint32_t n_b = heft_n_tensors(m->file[1]);

	m->entries = heft_alloc_array(n_a, sizeof *m->entries);
	m->only_b = heft_alloc_array(n_b, sizeof *m->only_b);
	k->is_in_a = heft_zalloc_array(n_b, sizeof *k->is_in_a);
	k->used = heft_zalloc_array((size_t)m->options->n_include + m->options->n_exclude,
	                            sizeof *k->used);
	if (!m->entries || !m->only_b || !k->is_in_a || !k->used)
		return no_memory(n_a > n_b ? n_a : n_b, err);
	for (uint32_t i = 0; i < n_a; i++)
		HEFT_TRY(add_entry(k, i, err));
	m->n_looked_at[0] = m->n_entries;
	for (uint32_t i = 0; i < n_b; i++)
		HEFT_TRY(add_rest(k, i, err));
	HEFT_TRY(check_used(k, err));
	return k->has_ties ? count_ties(m, err) : HEFT_OK;
}

enum heft_status heft_diff_match_make(struct heft_diff_match *m, struct heft_file *a,
                                      struct heft_file *b, const struct heft_diff_options *options,
                                      struct heft_error *err)
{
	struct maker k = { .m = m };
	enum heft_status st;

	*m = (struct heft_diff_match){ .file = { a, b }, .options = options };
	st = make(&k, err);
	heft_free(k.used);
	heft_free(k.is_in_a);
	return st;
}

void heft_diff_match_done(struct heft_diff_match *m)
{
	heft_free(m->entries);
	heft_free(m->only_b);
}

/* --- entries that compare the same bytes --- */

/* What is compared, and by which entry. */
struct share {
	uint32_t bytes[2]; /* the first tensor that stores them */
	enum heft_dtype dtype[2];
	uint64_t n_elements;
	uint32_t entry;
};

static int order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_shares(const struct share *x, const struct share *y)
{
	int o = order(x->bytes[0], y->bytes[0]);

	o = o ? o : order(x->bytes[1], y->bytes[1]);
	o = o ? o : order((uint64_t)x->dtype[0], (uint64_t)y->dtype[0]);
	o = o ? o : order((uint64_t)x->dtype[1], (uint64_t)y->dtype[1]);
	return o ? o : order(x->n_elements, y->n_elements);
}

static int by_share(const void *a, const void *b)
{
	const struct share *x = a;
	const struct share *y = b;
	const int o = compare_shares(x, y);

	return o ? o : order(x->entry, y->entry);
}

static enum heft_status list_shares(struct heft_diff_match *m, uint32_t *const *leader,
                                    struct share *shares, uint32_t *n, struct heft_error *err)
{
	struct heft_diff_pair p;

	*n = 0;
	for (uint32_t i = 0; i < m->n_entries; i++) {
		const struct heft_diff_entry *e = &m->entries[i];

		if (e->b == HEFT_DIFF_NONE || !e->is_compared)
			continue;
		HEFT_TRY(heft_diff_pair_make(m, i, &p, err));
		shares[(*n)++] = (struct share){
			.bytes = { leader[0][e->a], leader[1][e->b] },
			.dtype = { p.tensor[0].dtype, p.tensor[1].dtype },
			.n_elements = p.tensor[0].n_elements,
			.entry = i,
		};
	}
	return HEFT_OK;
}

static void join_shares(struct heft_diff_match *m, const struct share *shares, uint32_t n)
{
	for (uint32_t i = 1, first = 0; i < n; i++) {
		struct heft_diff_entry *leader = &m->entries[shares[first].entry];

		if (compare_shares(&shares[first], &shares[i]) != 0) {
			first = i;
			continue;
		}
		if (leader->kept == HEFT_DIFF_NONE)
			leader->kept = m->n_kept++;
		m->entries[shares[i].entry].same = shares[first].entry;
	}
}

static bool has_shares(const uint32_t *leader, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (leader[i] != i)
			return true;
	return false;
}

static enum heft_status find_shares(struct heft_diff_match *m, uint32_t *const *leader,
                                    struct heft_error *err)
{
	struct share *shares;
	enum heft_status st;
	uint32_t n;

	for (uint32_t k = 0; k < 2; k++) {
		const uint32_t n_tensors = heft_n_tensors(m->file[k]);

		HEFT_TRY(try_file(m, k, heft_same_bytes(m->file[k], 0, n_tensors, leader[k], err)));
		/* Where one file has every tensor's bytes once, no two pairs are the same. */
		if (!has_shares(leader[k], n_tensors))
			return HEFT_OK;
	}
	shares = heft_alloc_array(m->n_entries, sizeof *shares);
	if (!shares)
		return no_memory(m->n_entries, err);
	st = list_shares(m, leader, shares, &n, err);
	if (st == HEFT_OK && n > 1)
		qsort(shares, n, sizeof *shares, by_share);
	if (st == HEFT_OK)
		join_shares(m, shares, n);
	heft_free(shares);
	return st;
}

enum heft_status heft_diff_match_shared(struct heft_diff_match *m, struct heft_error *err)
{
	uint32_t *leader[2];
	enum heft_status st;

	/* Other formats have every tensor by itself. */
	if (!heft_file_index(m->file[0]) || !heft_file_index(m->file[1]))
		return HEFT_OK;
	leader[0] = heft_alloc_array(heft_n_tensors(m->file[0]), sizeof *leader[0]);
	leader[1] = heft_alloc_array(heft_n_tensors(m->file[1]), sizeof *leader[1]);
	st = leader[0] && leader[1] ? find_shares(m, leader, err) : no_memory(m->n_entries, err);
	heft_free(leader[0]);
	heft_free(leader[1]);
	return st;
}
