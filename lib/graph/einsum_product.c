/* SPDX-License-Identifier: Apache-2.0 */
/* einsum_product.c - Einsum of two operands as a batch of matrix products: dimensions of both and
 * of the output are the batch, those that only one has its rows or columns, and those that both
 * have and the output has not are contracted. */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/einsum.h"
#include "graph/spans.h"

/* Elements of a task's item. */
#define RUN 1024

/* Multiply-adds: neither side has more elements, broadcast or not. */
#define MOST (UINT64_C(1) << 58)

static bool has_label(const struct heft_einsum_term *t, uint8_t label)
{
	return memchr(t->labels, label, t->rank) != NULL;
}

static bool has_twice(const struct heft_einsum_term *t)
{
	for (uint32_t d = 1; d < t->rank; d++) {
		if (memchr(t->labels, t->labels[d], d) != NULL)
			return true;
	}
	return false;
}

/* Adds those of `from` that a has (or has not), b has, and the output has; returns their size. */
static uint64_t take(const struct heft_einsum *e, const struct heft_einsum_term *from, bool in_a,
                     bool in_b, struct heft_einsum_term *to)
{
	uint64_t n = 1;

	for (uint32_t d = 0; d < from->rank; d++) {
		const uint8_t label = from->labels[d];

		if (has_label(&e->operands[0], label) != in_a ||
		    has_label(&e->operands[1], label) != in_b)
			continue;
		n *= e->sizes[label];
		to->labels[to->rank++] = label;
	}
	return n;
}

static uint64_t size_of(const struct heft_einsum *e, const struct heft_einsum_term *t)
{
	uint64_t n = 1;

	for (uint32_t d = 0; d < t->rank; d++)
		n *= e->sizes[t->labels[d]];
	return n;
}

/* Whether the array lies as the term wants it. */
static bool is_in_place(const struct heft_einsum *e, const struct heft_einsum_term *wanted,
                        const struct heft_einsum_term *given, const struct heft_array *a)
{
	return wanted->rank == given->rank &&
	       memcmp(wanted->labels, given->labels, wanted->rank) == 0 &&
	       size_of(e, wanted) == a->n_elements;
}

enum heft_status heft_einsum_product_infer(struct heft_call *c, const struct heft_einsum *e,
                                           bool *is_one, struct heft_error *err)
{
	struct heft_einsum_product *p = (struct heft_einsum_product *)(void *)c->state;
	const struct heft_matmul_wish wish = { .dtype = HEFT_DTYPE_F32, .alpha = 1 };
	const struct heft_einsum_term *operands = e->operands;
	struct heft_matmul *m = &p->m;
	uint64_t n;

	*is_one = false;
	if (e->n_operands != 2 || c->in[0].dtype != HEFT_DTYPE_F32 || c->out[0].n_elements == 0 ||
	    has_twice(&operands[0]) || has_twice(&operands[1]))
		return HEFT_OK;
	*p = (struct heft_einsum_product){ .a_at = 0 };
	m->n_products = take(e, &e->out, true, true, &p->a);
	take(e, &e->out, true, true, &p->b);
	take(e, &e->out, true, true, &p->y);
	m->m = take(e, &e->out, true, false, &p->a);
	take(e, &e->out, true, false, &p->y);
	m->k = take(e, &e->summed, true, true, &p->a);
	take(e, &e->summed, true, true, &p->b);
	m->n = take(e, &e->out, false, true, &p->b);
	take(e, &e->out, false, true, &p->y);
	/* what only one side has and the output has not is summed by itself */
	if (p->a.rank != operands[0].rank || p->b.rank != operands[1].rank || m->k < 2 ||
	    !heft_mul_u64(c->out[0].n_elements, m->k, &n) || n > MOST)
		return HEFT_OK;
	*is_one = true;
	m->n_axes = 1;
	m->axes[0] = m->n_a = m->n_b = m->n_products;
	m->a_steps[0] = m->b_steps[0] = m->n_products > 1;
	if (!is_in_place(e, &p->a, &operands[0], &c->in[0]))
		HEFT_TRY(heft_dense_room(&c->scratch_size, size_of(e, &p->a) * sizeof(float),
		                         &p->a_at, err));
	if (!is_in_place(e, &p->b, &operands[1], &c->in[1]))
		HEFT_TRY(heft_dense_room(&c->scratch_size, size_of(e, &p->b) * sizeof(float),
		                         &p->b_at, err));
	if (!is_in_place(e, &p->y, &e->out, &c->out[0]))
		HEFT_TRY(heft_dense_room(&c->scratch_size, c->out[0].n_bytes, &p->y_at, err));
	HEFT_TRY(heft_matmul_plan(c, m, &wish, c->out[0].n_elements, err));
	c->packed_size = 0;
	return HEFT_OK;
}

/* Elements of a term's order, each from where its labels lead. */
struct permuting {
	const float *from;
	float *to;
	uint64_t n;
	uint32_t rank;
	uint64_t sizes[HEFT_GRAPH_MAX_RANK];
	uint64_t steps[HEFT_GRAPH_MAX_RANK];
};

/* Items are runs of elements. */
static void permute_runs(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                         uint32_t worker)
{
	const struct permuting *p = ctx;
	const uint64_t last = p->rank - 1;
	uint64_t i = first * RUN;
	const uint64_t end = i + n * RUN < p->n ? i + n * RUN : p->n;

	(void)c;
	(void)worker;
	while (i < end) {
		const uint64_t in_row = i % p->sizes[last];
		uint64_t left = p->sizes[last] - in_row;
		uint64_t rest = i / p->sizes[last];
		const float *from = p->from + in_row * p->steps[last];

		for (uint32_t d = (uint32_t)last; d-- > 0; rest /= p->sizes[d])
			from += rest % p->sizes[d] * p->steps[d];
		left = left < end - i ? left : end - i;
		for (uint64_t k = 0; k < left; k++)
			p->to[i + k] = from[k * p->steps[last]];
		i += left;
	}
}

static void permute(const struct heft_call *c, struct permuting *p)
{
	if (p->rank == 0) {
		p->rank = 1;
		p->sizes[0] = 1;
		p->steps[0] = 0;
	}
	p->n = 1;
	for (uint32_t d = 0; d < p->rank; d++)
		p->n *= p->sizes[d];
	heft_spans_run(c, p->n / RUN + (p->n % RUN != 0), RUN, permute_runs, p);
}

/* Operand i in the order of `wanted`, in scratch if it does not lie so. */
static const float *bring(const struct heft_call *c, const struct heft_einsum *e, uint32_t i,
                          const struct heft_einsum_term *wanted, uint64_t at)
{
	struct permuting p = { .from = c->in[i].bytes,
		               .to = (float *)(void *)((unsigned char *)c->scratch + at),
		               .rank = wanted->rank };

	if (is_in_place(e, wanted, &e->operands[i], &c->in[i]))
		return c->in[i].bytes;
	for (uint32_t d = 0; d < wanted->rank; d++) {
		p.sizes[d] = e->sizes[wanted->labels[d]];
		p.steps[d] = heft_einsum_step(c, e, i, wanted->labels[d]);
	}
	permute(c, &p);
	return p.to;
}

void heft_einsum_product_forward(const struct heft_call *c, const struct heft_einsum *e)
{
	const struct heft_einsum_product *p = (const struct heft_einsum_product *)(const void *)
	                                              c->state;
	const bool is_y_placed = is_in_place(e, &p->y, &e->out, &c->out[0]);
	float *y = (float *)(void *)((unsigned char *)c->scratch + p->y_at);
	const struct heft_matmul_data data = { .a = bring(c, e, 0, &p->a, p->a_at),
		                               .b = bring(c, e, 1, &p->b, p->b_at),
		                               .y = is_y_placed ? c->out[0].bytes : y };
	struct permuting back = { .from = y, .to = c->out[0].bytes, .rank = e->out.rank };

	heft_matmul_run(c, &p->m, &data);
	if (is_y_placed)
		return;
	for (uint32_t d = 0; d < e->out.rank; d++) {
		uint64_t step = 1;

		back.sizes[d] = e->sizes[e->out.labels[d]];
		for (uint32_t k = p->y.rank; k-- > 0 && p->y.labels[k] != e->out.labels[d];)
			step *= e->sizes[p->y.labels[k]];
		back.steps[d] = step;
	}
	permute(c, &back);
}
