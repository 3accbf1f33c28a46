/* SPDX-License-Identifier: Apache-2.0 */
/* op_reverse_sequence.c - ReverseSequence: the first sequence_lens[b] steps of sequence b
 * backwards. */
#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"
#include "graph/spans.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const int64_t batch_axis = heft_call_int(c, "batch_axis", 1);
	const int64_t time_axis = heft_call_int(c, "time_axis", 0);
	uint64_t size;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	if (x->rank < 2 || batch_axis + time_axis != 1 || batch_axis * time_axis != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "axes %lld and %lld are not 0 and 1", (long long)batch_axis,
		                 (long long)time_axis);
	if (c->in[1].dtype != HEFT_DTYPE_I64 || c->in[1].rank != 1 ||
	    c->in[1].dims[0] != x->dims[batch_axis])
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "sequence_lens has not one I64 a sequence");
	return heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err);
}

static void run_steps(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                      uint32_t worker)
{
	const struct heft_array *x = &c->in[0];
	const bool is_batch_first = heft_call_int(c, "batch_axis", 1) == 0;
	const uint64_t size = x->n_bytes / x->dims[0] / x->dims[1];
	const uint64_t n_steps = x->dims[is_batch_first];
	const int64_t *lens = c->in[1].bytes;

	(void)ctx;
	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const uint64_t outer = i / x->dims[1];
		const uint64_t inner = i % x->dims[1];
		const int64_t len = lens[is_batch_first ? outer : inner];
		const uint64_t end = len < 0                   ? 0
		                     : (uint64_t)len < n_steps ? (uint64_t)len
		                                               : n_steps;
		uint64_t step = is_batch_first ? inner : outer;
		uint64_t from;

		step = step < end ? end - 1 - step : step;
		from = is_batch_first ? outer * n_steps + step : step * x->dims[1] + inner;
		memcpy((uint8_t *)c->out[0].bytes + i * size,
		       (const uint8_t *)x->bytes + from * size, size);
	}
}

static void forward(const struct heft_call *c)
{
	const struct heft_array *x = &c->in[0];

	if (x->n_elements > 0)
		heft_spans_run(c, x->dims[0] * x->dims[1], x->n_elements / x->dims[0] / x->dims[1],
		               run_steps, NULL);
}

/* Twice backwards is forward. */
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_emit e = {
		.type = "ReverseSequence",
		.n_in = 2,
		.in = { heft_gradient_of(g, 0), heft_gradient_in(g, 1) },
		.same = &c->attrs,
	};

	heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_reverse_sequence = {
	.name = "ReverseSequence",
	.domain = "",
	.since = 10,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
