/* SPDX-License-Identifier: Apache-2.0 */
/* stats_plan.c - chooses what is read for statistics: bytes that several tensors share, once. A
 * small file may share a run a thousand times; neither time nor memory may go by what that adds up
 * to. */
#include "weights/stats_plan.h"

#include "base/alloc.h"
#include "base/error.h"
#include "weights/same_bytes.h"
#include "weights/stats_scan.h"

#define NO_POSITION UINT32_MAX

/* Which tensors of the file have the same bytes. */
struct sharing {
	uint32_t *leader;   /* of each tensor: the first one that has its bytes */
	uint32_t *position; /* of each leader: the first in the list that has them */
};

static void sharing_done(struct sharing *s)
{
	heft_free(s->leader);
	heft_free(s->position);
}

static enum heft_status sharing_init(struct sharing *s, struct heft_file *file,
                                     struct heft_error *err)
{
	const uint32_t n = file->format->n_tensors(file->st);

	s->leader = heft_alloc_array(n, sizeof *s->leader);
	s->position = heft_alloc_array(n, sizeof *s->position);
	if (!s->leader || !s->position)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors", n);
	for (uint32_t i = 0; i < n; i++)
		s->position[i] = NO_POSITION;
	return heft_same_bytes(file, 0, n, s->leader, err);
}

/* The position whose statistics are those of `i` too, or itself. Tensors that share bytes have one
 * dtype; an index that was trusted may say otherwise, and then they are read again. */
static enum heft_status find_same(struct sharing *s, struct heft_file *file,
                                  const struct heft_stats_plan *p, uint32_t i,
                                  const struct heft_tensor *t, uint32_t *same,
                                  struct heft_error *err)
{
	uint32_t *first = &s->position[s->leader[t->index]];
	struct heft_tensor other;

	*same = i;
	if (*first == NO_POSITION) {
		*first = i;
		return HEFT_OK;
	}
	HEFT_TRY(heft_tensor_at(file, heft_stats_index(p, *first), &other, err));
	if (other.dtype == t->dtype && other.n_elements == t->n_elements)
		*same = *first;
	return HEFT_OK;
}

static bool is_read(const struct heft_tensor *t)
{
	return t->n_elements > 0 && heft_stats_kind(t->dtype) != HEFT_STATS_NONE;
}

static enum heft_status choose(struct heft_stats_plan *p, struct heft_file *file, struct sharing *s,
                               struct heft_error *err)
{
	struct heft_tensor t;
	uint32_t k = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		p->place[i] = HEFT_STATS_UNREAD;
		p->same[i] = i;
		HEFT_TRY(heft_tensor_at(file, heft_stats_index(p, i), &t, err));
		if (!is_read(&t))
			continue;
		HEFT_TRY(find_same(s, file, p, i, &t, &p->same[i], err));
		if (p->same[i] != i) {
			p->n_copies++;
			continue;
		}
		p->place[i] = k;
		p->chunks.tensors[k++] = (struct heft_plan_tensor){
			.id = t.index,
			.unit = heft_dtype_describe(t.dtype)->n_bytes,
			.n_bytes = t.n_bytes,
		};
	}
	p->chunks.n_tensors = k;
	return HEFT_OK;
}

enum heft_status heft_stats_plan_init(struct heft_stats_plan *p, struct heft_file *file,
                                      const uint32_t *indexes, uint32_t n, struct heft_error *err)
{
	struct sharing s = { .leader = NULL };
	enum heft_status st;

	*p = (struct heft_stats_plan){ .indexes = indexes, .n = n };
	HEFT_TRY(heft_chunk_plan_init(&p->chunks, n, err));
	p->same = heft_alloc_array(n, sizeof *p->same);
	p->place = heft_alloc_array(n, sizeof *p->place);
	if (!p->same || !p->place)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors", n);
	st = sharing_init(&s, file, err);
	if (st == HEFT_OK)
		st = choose(p, file, &s, err);
	sharing_done(&s);
	return st == HEFT_OK ? heft_chunk_plan_cut(&p->chunks, err) : st;
}

void heft_stats_plan_done(struct heft_stats_plan *p)
{
	heft_chunk_plan_done(&p->chunks);
	heft_free(p->same);
	heft_free(p->place);
}
