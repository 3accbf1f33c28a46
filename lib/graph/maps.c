/* SPDX-License-Identifier: Apache-2.0 */
/* maps.c - copies the input along maps: a run of indices that follow each other is one copy. */
#include "graph/maps.h"

#include <string.h>

#include "graph/move.h"
#include "graph/spans.h"

void heft_maps_set(struct heft_call *c, struct heft_maps *m, uint64_t element, uint32_t mapped)
{
	const struct heft_array *y = &c->out[0];
	int64_t steps[HEFT_GRAPH_MAX_RANK];
	uint32_t order[HEFT_GRAPH_MAX_RANK];
	uint32_t rank = y->rank;

	*m = (struct heft_maps){ .unit = element, .is_empty = y->n_elements == 0 };
	if (m->is_empty)
		return;
	heft_steps(c, &c->in[0], true, steps);
	heft_memory_order(c, rank, order);
	for (; rank > 0 && !(mapped >> order[rank - 1] & 1); rank--)
		m->unit *= y->dims[order[rank - 1]];
	for (uint32_t i = 0; i < rank; i++) {
		m->dims[i] = order[i];
		m->n[i] = y->dims[order[i]];
		m->steps[i] = (int64_t)((uint64_t)steps[order[i]] * element);
		m->at[i] = c->scratch_size;
		c->scratch_size += m->n[i] * sizeof(int64_t);
	}
	m->rank = rank;
}

int64_t *heft_maps_of(const struct heft_call *c, const struct heft_maps *m, uint32_t i)
{
	return (int64_t *)(void *)((uint8_t *)c->scratch + m->at[i]);
}

struct copy {
	const struct heft_maps *maps;
	const int64_t *at[HEFT_GRAPH_MAX_RANK]; /* byte offsets, or -1 */
	const uint8_t *fill;
	uint64_t element;
	bool has_fill; /* in the last dimension */
	uint64_t n;    /* of it */
	uint64_t run_from;
	uint64_t run_end;
};

/* The last dimension, where nothing is filled. */
#define GATHER(size)                                                                              \
	static void gather_##size(uint8_t *y, const uint8_t *x, const int64_t *at, uint64_t from, \
	                          uint64_t end)                                                   \
	{                                                                                         \
		for (uint64_t i = from; i < end; i++)                                             \
			memcpy(y + i * size, x + at[i], size);                                    \
	}

GATHER(1)
GATHER(4)

static void copy_each(const struct copy *k, uint8_t *y, const uint8_t *x, uint64_t from,
                      uint64_t end)
{
	const int64_t *at = k->at[k->maps->rank - 1];
	const uint64_t unit = k->maps->unit;

	if (!k->has_fill && (unit == 4 || unit == 1)) {
		(unit == 4 ? gather_4 : gather_1)(y, x, at, from, end);
		return;
	}
	for (uint64_t i = from; i < end; i++) {
		if (at[i] < 0)
			heft_fill(y + i * unit, k->fill, k->element, unit / k->element);
		else
			memcpy(y + i * unit, x + at[i], unit);
	}
}

static void copy_rows(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                      uint32_t worker)
{
	const struct copy *k = ctx;
	const uint64_t unit = k->maps->unit;

	const uint8_t *above = NULL; /* what the row in front of this one was made of */

	(void)worker;
	for (uint64_t row = first; row < first + n; row++) {
		uint8_t *y = (uint8_t *)c->out[0].bytes + row * k->n * unit;
		const uint8_t *x = c->in[0].bytes;
		uint64_t left = row;
		bool is_outside = false;

		for (uint32_t d = k->maps->rank - 1; d-- > 0;) {
			const int64_t at = k->at[d][left % k->maps->n[d]];

			left /= k->maps->n[d];
			if (at < 0)
				is_outside = true;
			else if (at > 0) /* an empty input has no address to add to */
				x += at;
		}
		if (is_outside) {
			heft_fill(y, k->fill, k->element, k->n * (unit / k->element));
			above = NULL;
			continue;
		}
		if (above && x == above) {
			memcpy(y, y - k->n * unit, k->n * unit);
			continue;
		}
		above = x;
		copy_each(k, y, x, 0, k->run_from);
		if (k->run_end > k->run_from)
			memcpy(y + k->run_from * unit, x + k->at[k->maps->rank - 1][k->run_from],
			       (k->run_end - k->run_from) * unit);
		copy_each(k, y, x, k->run_end, k->n);
	}
}

/* The longest run of units that lie together in the input; one shorter than four is none. */
static void find_run(struct copy *k)
{
	const int64_t *at = k->at[k->maps->rank - 1];
	uint64_t from = 0;

	for (uint64_t i = 0; i < k->n; i++) {
		k->has_fill = k->has_fill || at[i] < 0;
		if (i > 0 && (at[i - 1] < 0 || at[i] != at[i - 1] + (int64_t)k->maps->unit))
			from = i;
		if (at[i] >= 0 && i + 1 - from > k->run_end - k->run_from &&
		    (i + 1 - from >= 4 || k->n < 4)) {
			k->run_from = from;
			k->run_end = i + 1;
		}
	}
}

void heft_maps_run(const struct heft_call *c, const struct heft_maps *m, const void *fill,
                   uint64_t element)
{
	struct copy k = { .maps = m, .fill = fill, .element = element, .n = 1 };
	uint64_t n_rows = 1;

	if (m->is_empty)
		return;
	if (m->rank == 0) {
		memcpy(c->out[0].bytes, c->in[0].bytes, m->unit);
		return;
	}
	for (uint32_t i = 0; i < m->rank; i++) {
		int64_t *at = heft_maps_of(c, m, i);

		for (uint64_t j = 0; j < m->n[i]; j++)
			at[j] = at[j] < 0 ? -1 : at[j] * m->steps[i];
		k.at[i] = at;
		if (i + 1 < m->rank)
			n_rows *= m->n[i];
	}
	k.n = m->n[m->rank - 1];
	find_run(&k);
	heft_spans_run(c, n_rows, k.n * m->unit / sizeof(float), copy_rows, &k);
}
