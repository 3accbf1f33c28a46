/* SPDX-License-Identifier: Apache-2.0 */
/* op_scatter_nd.c - ScatterND: the data with slices replaced, or reduced into, one for each
 * tuple of indices. Those of one place come in ascending order; a tuple that is outside,
 * negative indices counted from behind, is left out. */
#include "base/error.h"
#include "graph/move.h"
#include "graph/scatter.h"
#include "graph/scatter_gradient.h"
#include "graph/spans.h"
#include "graph/tuples.h"

struct plan {
	struct heft_tuples tuples;
	enum heft_reduction reduction;
};

static enum heft_status check_updates(const struct heft_call *c, const struct heft_tuples *t,
                                      struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *updates = &c->in[2];
	uint32_t d = 0;
	bool goes = updates->rank + t->n == c->in[1].rank - 1 + x->rank;

	for (; goes && d + 1 < c->in[1].rank; d++)
		goes = updates->dims[d] == c->in[1].dims[d];
	for (; goes && d < updates->rank; d++)
		goes = updates->dims[d] == x->dims[d + t->n + 1 - c->in[1].rank];
	if (!goes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the updates are no slices for the indices");
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct plan *p = (struct plan *)(void *)c->state;
	uint64_t size;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	HEFT_TRY(heft_call_check_index(c, 1, err));
	HEFT_TRY(heft_call_same_dtype(c, 0, 2, err));
	HEFT_TRY(heft_reduction_read(c, &p->reduction, err));
	HEFT_TRY(heft_tuples_set(&p->tuples, x, &c->in[1], 0, err));
	HEFT_TRY(check_updates(c, &p->tuples, err));
	c->may_overwrite = 1;
	return heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err);
}

/* Elements first to first + n - 1 of every slice, so that the order at a place stays. */
static void scatter(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                    uint32_t worker)
{
	const struct plan *p = ctx;
	const struct heft_tuples *t = &p->tuples;
	const uint64_t size = heft_element_size(c->in[0].dtype);
	const uint8_t *x = c->in[2].bytes;
	uint8_t *y = c->out[0].bytes;

	(void)worker;
	for (uint64_t i = 0; i < t->n_tuples; i++) {
		uint64_t at = first;
		bool is_inside = true;

		for (uint32_t d = 0; d < t->n; d++) {
			const uint64_t to = heft_index_or_none(&c->in[1], i * t->n + d, t->dims[d]);

			is_inside = is_inside && to < t->dims[d];
			at += to * t->steps[d];
		}
		if (is_inside)
			heft_reduction_apply(p->reduction, c->in[0].dtype, y + at * size,
			                     x + (i * t->slice + first) * size, n);
	}
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)(const void *)c->state;

	heft_scatter_begin(c);
	if (c->out[0].n_elements > 0)
		heft_spans_run(c, p->tuples.slice, p->tuples.n_tuples, scatter, p);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	struct heft_tuples t;

	if (heft_tuples_set(&t, &c->in[0], &c->in[1], 0, NULL) == HEFT_OK)
		heft_scatter_nd_backward(c, g, &t);
}

const struct heft_op heft_op_scatter_nd = {
	.name = "ScatterND",
	.domain = "",
	.since = 11,
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
