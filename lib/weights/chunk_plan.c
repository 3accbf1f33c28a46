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
	heft_free(p->groups);
	*p = (struct heft_chunk_plan){ .tensors = NULL };
}

static size_t chunk_bytes(const struct heft_plan_tensor *t, uint64_t chunk_i)
{
	const uint32_t chunk = heft_chunk_size(t->unit);
	const uint64_t left = t->n_bytes - chunk_i * chunk;

	return left < chunk ? (size_t)left : chunk;
}

/* One pass that counts the groups (groups NULL) or fills them. A full chunk is a group of its own:
 * when a group has no room for the next chunk, it ends. */
static uint64_t cut(struct heft_chunk_plan *p, struct heft_chunk_group *groups)
{
	uint64_t n_groups = 0;
	uint64_t room = 0;
	uint32_t n_left = 0;

	p->n_chunks = 0;
	p->n_bytes = 0;
	for (uint32_t i = 0; i < p->n_tensors; i++) {
		const struct heft_plan_tensor *t = &p->tensors[i];
		const uint64_t n = t->n_bytes ? heft_n_chunks(t->n_bytes, t->unit) : 0;

		for (uint64_t c = 0; c < n; c++) {
			const size_t size = chunk_bytes(t, c);

			if (size > room || n_left == 0) {
				if (groups)
					groups[n_groups] = (struct heft_chunk_group){
						.first_tensor = i, .first_chunk = c
					};
				n_groups++;
				room = HEFT_GROUP_BYTES;
				n_left = HEFT_GROUP_CHUNKS;
			}
			room -= size;
			n_left--;
			if (groups)
				groups[n_groups - 1].n_chunks++;
		}
		p->n_chunks += n;
		p->n_bytes += t->n_bytes;
	}
	return n_groups;
}

enum heft_status heft_chunk_plan_cut(struct heft_chunk_plan *p, struct heft_error *err)
{
	size_t n;

	p->n_groups = cut(p, NULL);
	n = (size_t)p->n_groups;
	p->groups = n == p->n_groups ? heft_alloc_array(n, sizeof *p->groups) : NULL;
	if (!p->groups)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for %llu pieces of work",
		                 (unsigned long long)p->n_groups);
	cut(p, p->groups);
	return HEFT_OK;
}

void heft_group_begin(struct heft_group_walk *g, const struct heft_chunk_plan *p, uint64_t group_i)
{
	const struct heft_chunk_group *group = &p->groups[group_i];

	*g = (struct heft_group_walk){
		.plan = p,
		.tensor = group->first_tensor,
		.n_left = group->n_chunks,
		.chunk = group->first_chunk,
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
