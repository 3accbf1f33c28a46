/* SPDX-License-Identifier: Apache-2.0 */
/* op_gather_nd.c - GatherND: a slice for each tuple of indices. Negative ones count from behind;
 * one that is still outside is the nearest inside. */
#include <string.h>

#include "base/error.h"
#include "graph/move.h"
#include "graph/scatter_gradient.h"
#include "graph/spans.h"
#include "graph/tuples.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *indices = &c->in[1];
	struct heft_tuples *t = (struct heft_tuples *)(void *)c->state;
	const int64_t n_batch = c->opset < 12 ? 0 : heft_call_int(c, "batch_dims", 0);
	uint64_t dims[2 * HEFT_GRAPH_MAX_RANK];
	uint32_t rank = 0;
	uint64_t size;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	HEFT_TRY(heft_call_check_index(c, 1, err));
	HEFT_TRY(heft_tuples_set(t, x, indices, n_batch, err));
	for (uint32_t d = 0; d + 1 < indices->rank; d++)
		dims[rank++] = indices->dims[d];
	for (uint32_t d = t->n_batch + t->n; d < x->rank; d++)
		dims[rank++] = x->dims[d];
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, rank, dims, err));
	for (uint32_t d = 0; d < t->n && c->out[0].n_elements > 0; d++) {
		if (t->dims[d] == 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "a dimension has no element to choose from");
	}
	return HEFT_OK;
}

static void gather(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                   uint32_t worker)
{
	const struct heft_tuples *t = ctx;
	const uint64_t size = heft_element_size(c->in[0].dtype) * t->slice;
	const uint8_t *x = c->in[0].bytes;
	uint8_t *y = c->out[0].bytes;

	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		uint64_t from = i / t->each * t->batch_step;

		for (uint32_t d = 0; d < t->n; d++)
			from += heft_index_within(&c->in[1], i * t->n + d, t->dims[d]) *
			        t->steps[d];
		memcpy(y + i * size, x + from * heft_element_size(c->in[0].dtype), size);
	}
}

static void forward(const struct heft_call *c)
{
	const struct heft_tuples *t = (const struct heft_tuples *)(const void *)c->state;

	if (c->out[0].n_elements > 0)
		heft_spans_run(c, t->n_tuples, t->slice + t->n, gather, t);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	struct heft_tuples t;

	if (heft_tuples_set(&t, &c->in[0], &c->in[1],
	                    c->opset < 12 ? 0 : heft_call_int(c, "batch_dims", 0), NULL) == HEFT_OK)
		heft_give(g, 0,
		          heft_emit_added_slices(g, heft_gradient_of(g, 0), heft_gradient_in(g, 1),
		                                 &c->in[0], &t));
}

const struct heft_op heft_op_gather_nd = {
	.name = "GatherND",
	.domain = "",
	.since = 11,
	.flags = HEFT_OP_MOVES,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
