/* SPDX-License-Identifier: Apache-2.0 */
/* chunk_plan.c - cuts tensors into groups of chunks. */
#include "weights/chunk_plan.h"

#include "base/alloc.h"
#include "base/error.h"
#include "tensor/dtype.h"

enum heft_status heft_chunk_plan_init(struct heft_chunk_plan *p, uint32_t n, struct heft_error *err)
{
	*p = (struct heft_chunk_plan){ .n_tensors = n };
	p->tensors = heft_zalloc_array(n, sizeof *p->tensors);
	if (!p->tensors)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors", n);
	return HEFT_OK;
}

void heft_chunk_plan_done(struct heft_chunk_plan *p)
{
	heft_free(p->tensors);
	heft_free(p->stretches);
	*p = (struct heft_chunk_plan){ .tensors = NULL };
}

static size_t chunk_bytes(const struct heft_plan_tensor *t, uint64_t chunk_i)
{
	const uint32_t chunk = heft_chunk_size(t->unit);
	const uint64_t left = t->n_bytes - chunk_i * chunk;

	return left < chunk ? (size_t)left : chunk;
}

/* A plan in the making. */
struct cutter {
	struct heft_chunk_plan *plan;
	struct heft_chunk_stretch *stretches; /* NULL: they are only counted */
	size_t n_stretches;
	uint64_t n_groups;
	size_t room; /* of the last group */
	uint32_t n_left;
};

static void begin_stretch(struct cutter *c, uint32_t tensor, uint64_t chunk, uint32_t n_chunks)
{
	if (c->stretches)
		c->stretches[c->n_stretches] = (struct heft_chunk_stretch){
			.first_group = c->n_groups,
			.first_chunk = chunk,
			.first_tensor = tensor,
			.n_chunks = n_chunks,
		};
	c->n_stretches++;
}

/* The first n chunks of a tensor, all full; a full one is more than half of a small group. */
static void cut_full(struct cutter *c, uint32_t tensor, uint64_t n, uint32_t per_group)
{
	if (n == 0)
		return;
	begin_stretch(c, tensor, 0, per_group);
	c->n_groups += n / per_group;
	c->n_left = 0;
}

/* One chunk: when the group has no room for it, another one begins. */
static void cut_one(struct cutter *c, uint32_t tensor, uint64_t chunk, size_t n_bytes, size_t room)
{
	if (n_bytes > c->room || c->n_left == 0) {
		begin_stretch(c, tensor, chunk, 0);
		c->n_groups++;
		c->room = room;
		c->n_left = HEFT_GROUP_CHUNKS;
	}
	c->room -= n_bytes;
	c->n_left--;
	if (c->stretches)
		c->stretches[c->n_stretches - 1].n_chunks++;
}

static void cut(struct cutter *c)
{
	const uint32_t per_group = c->plan->has_pairs ? 2 : 1;

	for (uint32_t i = 0; i < c->plan->n_tensors; i++) {
		const struct heft_plan_tensor *t = &c->plan->tensors[i];
		const uint32_t chunk = t->n_bytes ? heft_chunk_size(t->unit) : 1;
		const uint64_t n_full = t->n_bytes / chunk;
		const uint64_t n_even = n_full - n_full % per_group;

		cut_full(c, i, n_even, per_group);
		if (n_full > n_even)
			cut_one(c, i, n_even, chunk, HEFT_PAIR_BYTES);
		if (t->n_bytes % chunk > 0)
			cut_one(c, i, n_full, (size_t)(t->n_bytes % chunk), HEFT_GROUP_BYTES);
	}
}

static void sum_up(struct heft_chunk_plan *p)
{
	p->n_chunks = 0;
	p->n_bytes = 0;
	for (uint32_t i = 0; i < p->n_tensors; i++) {
		const struct heft_plan_tensor *t = &p->tensors[i];

		p->n_chunks += t->n_bytes ? heft_n_chunks(t->n_bytes, t->unit) : 0;
		p->n_bytes += t->n_bytes;
	}
}

enum heft_status heft_chunk_plan_cut(struct heft_chunk_plan *p, struct heft_error *err)
{
	struct cutter counter = { .plan = p };
	struct cutter filler = { .plan = p };

	cut(&counter);
	p->stretches = heft_alloc_array(counter.n_stretches, sizeof *p->stretches);
	if (!p->stretches)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for %zu pieces of work", counter.n_stretches);
	filler.stretches = p->stretches;
	cut(&filler);
	p->n_stretches = filler.n_stretches;
	p->n_groups = filler.n_groups;
	sum_up(p);
	return HEFT_OK;
}

static const struct heft_chunk_stretch *find_stretch(const struct heft_chunk_plan *p,
                                                     uint64_t group_i)
{
	size_t low = 0;
	size_t high = p->n_stretches;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		if (p->stretches[middle].first_group <= group_i)
			low = middle;
		else
			high = middle;
	}
	return &p->stretches[low];
}

void heft_group_begin(struct heft_group_walk *g, const struct heft_chunk_plan *p, uint64_t group_i)
{
	const struct heft_chunk_stretch *s = find_stretch(p, group_i);

	*g = (struct heft_group_walk){
		.plan = p,
		.tensor = s->first_tensor,
		.n_left = s->n_chunks,
		.chunk = s->first_chunk + (group_i - s->first_group) * s->n_chunks,
	};
}

bool heft_group_next(struct heft_group_walk *g, struct heft_plan_chunk *c)
{
	const struct heft_plan_tensor *t;

	if (g->n_left == 0)
		return false;
	g->n_left--;
	for (;; g->tensor++, g->chunk = 0) {
		t = &g->plan->tensors[g->tensor];
		if (t->n_bytes && g->chunk < heft_n_chunks(t->n_bytes, t->unit))
			break;
	}
	*c = (struct heft_plan_chunk){
		.tensor = g->tensor,
		.chunk_i = g->chunk,
		.off = g->chunk * heft_chunk_size(t->unit),
		.n = chunk_bytes(t, g->chunk),
	};
	g->chunk++;
	return true;
}
