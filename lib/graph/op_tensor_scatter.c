/* SPDX-License-Identifier: Apache-2.0 */
/* op_tensor_scatter.c - TensorScatter: a cache with an update written into each sequence from a
 * place on; past the end it begins anew (circular) or is left out. */
#include <string.h>

#include "base/error.h"
#include "graph/move.h"
#include "graph/scatter.h"
#include "graph/spans.h"

struct plan {
	struct heft_axis cache;
	uint64_t n_steps; /* of the update */
	uint64_t n_batch; /* outer indices of one sequence */
	bool is_circular;
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *update = &c->in[1];
	const char *mode = heft_call_text(c, "mode", "linear");
	struct plan *p = (struct plan *)(void *)c->state;
	uint64_t size;
	uint32_t axis;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	HEFT_TRY(heft_call_same_dtype(c, 0, 1, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", -2), x->rank, false, &axis, err));
	p->is_circular = strcmp(mode, "circular") == 0;
	if (axis == 0 || (!p->is_circular && strcmp(mode, "linear") != 0))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "axis 0, or mode '%s', cannot be", mode);
	for (uint32_t d = 0; d < x->rank; d++) {
		if (update->rank != x->rank || update->dims[d] > x->dims[d] ||
		    (d != axis && update->dims[d] != x->dims[d]))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the update does not go into the cache");
	}
	if (heft_call_has(c, 2) && (c->in[2].dtype != HEFT_DTYPE_I64 || c->in[2].rank != 1 ||
	                            c->in[2].dims[0] != x->dims[0]))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "write_indices has not one I64 a sequence");
	heft_axis_set(&p->cache, x, axis);
	p->n_steps = update->dims[axis];
	p->n_batch = x->n_elements > 0 ? p->cache.n_outer / x->dims[0] : 1;
	c->may_overwrite = 1;
	return heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err);
}

static void run_steps(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                      uint32_t worker)
{
	const struct plan *p = ctx;
	const uint64_t size = heft_element_size(c->in[0].dtype) * p->cache.n_inner;
	const int64_t *places = heft_call_has(c, 2) ? c->in[2].bytes : NULL;

	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const uint64_t outer = i / p->n_steps;
		const int64_t place = places ? places[outer / p->n_batch] : 0;
		uint64_t to = (uint64_t)place + i % p->n_steps;

		if (p->is_circular && place >= 0)
			to %= p->cache.n;
		if (place >= 0 && to < p->cache.n)
			memcpy((uint8_t *)c->out[0].bytes + (outer * p->cache.n + to) * size,
			       (const uint8_t *)c->in[1].bytes + i * size, size);
	}
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)(const void *)c->state;

	heft_scatter_begin(c);
	if (c->in[1].n_elements > 0)
		heft_spans_run(c, p->cache.n_outer * p->n_steps, p->cache.n_inner, run_steps, p);
}

const struct heft_op heft_op_tensor_scatter = {
	.name = "TensorScatter",
	.domain = "",
	.since = 24,
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
