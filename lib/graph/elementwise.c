/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise.c - broadcasts operands into runs of elements, and gives the runs to threads. */
#include "graph/elementwise.h"

#include <string.h>

#include "graph/spans.h"
#include "kernel/elementary_bits.h"

/* Shorter runs cost more to begin than to compute: their operands are spread out first. */
#define N_SHORT 32
#define N_A_TILE 256
#define MAX_ELEMENT_SIZE 16

/* --- broadcasting --- */

/* Dimensions from the innermost on, those of size 1 left out, and merged where every operand goes
 * on from one to the next as it goes on inside. */
struct walk {
	struct heft_elements run; /* as it is for every run */
	const struct heft_loop *loop;
	uint32_t n_dims;
	uint32_t n_in;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t strides[HEFT_MAX_OPERANDS][HEFT_GRAPH_MAX_RANK]; /* in elements */
	size_t sizes[HEFT_MAX_OPERANDS];                          /* of elements */
	bool lies_flat[HEFT_MAX_OPERANDS];                        /* as the output does */
	size_t y_size;
	const uint8_t *x[HEFT_MAX_OPERANDS];
	uint8_t *y;
};

/* Where a run begins: coordinates, and the operands' elements there. */
struct place {
	uint64_t at[HEFT_GRAPH_MAX_RANK];
	uint64_t off[HEFT_MAX_OPERANDS];
};

static bool goes_on(const struct walk *w, uint64_t strides[][HEFT_GRAPH_MAX_RANK], uint32_t d)
{
	const uint32_t inner = w->n_dims - 1;

	for (uint32_t k = 0; k < w->n_in; k++) {
		if (strides[k][d] != w->strides[k][inner] * w->dims[inner])
			return false;
	}
	return true;
}

static void set_dims(struct walk *w, const struct heft_array *out,
                     const struct heft_array *const *in)
{
	uint64_t strides[HEFT_MAX_OPERANDS][HEFT_GRAPH_MAX_RANK];
	uint64_t flat = 1;

	for (uint32_t k = 0; k < w->n_in; k++)
		heft_broadcast_strides(in[k], out->rank, strides[k]);
	for (uint32_t d = out->rank; d-- > 0;) {
		if (out->dims[d] == 1)
			continue;
		if (w->n_dims > 0 && goes_on(w, strides, d)) {
			w->dims[w->n_dims - 1] *= out->dims[d];
			continue;
		}
		for (uint32_t k = 0; k < w->n_in; k++)
			w->strides[k][w->n_dims] = strides[k][d];
		w->dims[w->n_dims++] = out->dims[d];
	}
	if (w->n_dims == 0)
		w->dims[w->n_dims++] = 1; /* one element; every stride is 0 */
	for (uint32_t k = 0; k < w->n_in; k++)
		w->lies_flat[k] = true;
	for (uint32_t d = 0; d < w->n_dims; d++) {
		for (uint32_t k = 0; k < w->n_in; k++)
			w->lies_flat[k] = w->lies_flat[k] && w->strides[k][d] == flat;
		flat *= w->dims[d];
	}
}

static void find_place(const struct walk *w, uint64_t at, struct place *p)
{
	memset(p, 0, sizeof *p);
	for (uint32_t d = 0; d < w->n_dims; d++) {
		p->at[d] = at % w->dims[d];
		at /= w->dims[d];
		for (uint32_t k = 0; k < w->n_in; k++)
			p->off[k] += p->at[d] * w->strides[k][d];
	}
}

/* On by n elements of the innermost dimension, of which there are at least so many left. */
static void step_on(const struct walk *w, uint64_t n, struct place *p)
{
	p->at[0] += n;
	for (uint32_t k = 0; k < w->n_in; k++)
		p->off[k] += n * w->strides[k][0];
	for (uint32_t d = 0; d + 1 < w->n_dims && p->at[d] == w->dims[d]; d++) {
		p->at[d] = 0;
		p->at[d + 1]++;
		for (uint32_t k = 0; k < w->n_in; k++)
			p->off[k] += w->strides[k][d + 1] - w->dims[d] * w->strides[k][d];
	}
}

static uint64_t n_of_run(const struct walk *w, const struct place *p, uint64_t n)
{
	const uint64_t left = w->dims[0] - p->at[0];

	return left < n ? left : n;
}

static void walk_runs(const struct walk *w, uint64_t at, uint64_t n)
{
	struct heft_elements run = w->run;
	struct place p;

	find_place(w, at, &p);
	for (uint64_t n_now; n > 0; n -= n_now, at += n_now) {
		n_now = n_of_run(w, &p, n);
		run.n = (size_t)n_now;
		run.y = w->y + at * w->y_size;
		for (uint32_t k = 0; k < w->n_in; k++) {
			run.x[k] = w->x[k] + p.off[k] * w->sizes[k];
			run.step[k] = (size_t)w->strides[k][0];
		}
		w->loop->fn(&run);
		step_on(w, n_now, &p);
	}
}

/* --- short runs --- */

/* Inlined for each size of elements by itself. */
HEFT_INLINE void spread_of(const struct walk *w, uint32_t k, struct place p, uint64_t n,
                           uint8_t *to, size_t size)
{
	const uint64_t stride = w->strides[k][0];

	while (n > 0) {
		const uint64_t n_now = n_of_run(w, &p, n);
		const uint8_t *from = w->x[k] + p.off[k] * size;

		for (uint64_t i = 0; i < n_now; i++)
			memcpy(to + i * size, from + i * stride * size, size);
		to += n_now * size;
		n -= n_now;
		step_on(w, n_now, &p);
	}
}

static void spread(const struct walk *w, uint32_t k, struct place p, uint64_t n, uint8_t *to)
{
	switch (w->sizes[k]) {
	case 1:
		spread_of(w, k, p, n, to, 1);
		break;
	case 2:
		spread_of(w, k, p, n, to, 2);
		break;
	case 4:
		spread_of(w, k, p, n, to, 4);
		break;
	case 8:
		spread_of(w, k, p, n, to, 8);
		break;
	default:
		spread_of(w, k, p, n, to, w->sizes[k]);
	}
}

static void walk_tiles(const struct walk *w, uint64_t at, uint64_t n)
{
	_Alignas(64) uint8_t tiles[HEFT_MAX_OPERANDS][N_A_TILE * MAX_ELEMENT_SIZE];
	struct heft_elements run = w->run;

	for (uint64_t n_now; n > 0; n -= n_now, at += n_now) {
		struct place p;

		n_now = n < N_A_TILE ? n : N_A_TILE;
		find_place(w, at, &p);
		run.n = (size_t)n_now;
		run.y = w->y + at * w->y_size;
		for (uint32_t k = 0; k < w->n_in; k++) {
			run.step[k] = 1;
			run.x[k] = w->x[k] + at * w->sizes[k];
			if (w->lies_flat[k])
				continue;
			spread(w, k, p, n_now, tiles[k]);
			run.x[k] = tiles[k];
		}
		w->loop->fn(&run);
	}
}

static void walk_span(const struct heft_call *c, const void *ctx, uint64_t at, uint64_t n,
                      uint32_t worker)
{
	const struct walk *w = ctx;

	(void)c;
	(void)worker;
	if (w->n_dims > 1 && w->dims[0] < N_SHORT)
		walk_tiles(w, at, n);
	else
		walk_runs(w, at, n);
}

void heft_elementwise(const struct heft_call *c, const struct heft_loop *loop,
                      const struct heft_array *out, const struct heft_array *const *in, uint32_t n)
{
	struct walk w = { .loop = loop, .n_in = n, .y = out->bytes };
	double kept[2];

	if (out->n_elements == 0)
		return;
	memcpy(kept, c->state, sizeof kept);
	w.run = (struct heft_elements){
		.call = c, .cpu_bits = c->cpu_bits, .which = loop->which, .p = kept[0], .q = kept[1]
	};
	w.y_size = (size_t)(out->n_bytes / out->n_elements);
	for (uint32_t k = 0; k < n; k++) {
		w.sizes[k] = (size_t)(in[k]->n_bytes / in[k]->n_elements);
		w.x[k] = in[k]->bytes;
	}
	set_dims(&w, out, in);
	heft_spans_run(c, out->n_elements, 1, walk_span, &w);
}
