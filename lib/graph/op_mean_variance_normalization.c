/* SPDX-License-Identifier: Apache-2.0 */
/* op_mean_variance_normalization.c - MeanVarianceNormalization: less the mean over axes, over the
 * deviation (spec F6-43). */
#include <math.h>

#include "base/error.h"
#include "graph/over_axes.h"
#include "graph/spans.h"

struct plan {
	struct heft_reduce mean;
	uint64_t stats_size;
};
_Static_assert(sizeof(struct plan) <= HEFT_CALL_STATE, "the plan is kept in the state");

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	static const int64_t absent[] = { 0, 2, 3 };
	const struct heft_array *x = &c->in[0];
	struct plan *p = (struct plan *)c->state;
	bool is_reduced[HEFT_GRAPH_MAX_RANK] = { false };
	uint32_t n;
	const int64_t *axes = heft_call_ints(c, "axes", &n);

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	if (!heft_call_attr(c, "axes")) {
		axes = absent;
		n = 3;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t axis;

		HEFT_TRY(heft_call_axis(axes[i], x->rank, false, &axis, err));
		is_reduced[axis] = true;
	}
	heft_reduce_set(&p->mean, HEFT_REDUCE_MEAN, x->rank, x->dims, is_reduced);
	p->stats_size = (p->mean.n_out * heft_element_size(x->dtype) + 63) / 64 * 64;
	if (x->n_elements > 0)
		c->scratch_size = 2 * p->stats_size + heft_reduce_scratch(&p->mean, x->dtype);
	c->may_overwrite = 1;
	return heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err);
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)c->state;
	const enum heft_dtype dtype = c->in[0].dtype;
	uint8_t *mean = c->scratch;
	uint8_t *deviation;

	if (c->out[0].n_elements == 0)
		return;
	deviation = mean + p->stats_size;
	heft_reduce_moments(c, &p->mean, dtype, c->in[0].bytes, mean, deviation,
	                    deviation + p->stats_size);
	for (uint64_t i = 0; i < p->mean.n_out; i++) {
		if (dtype == HEFT_DTYPE_F32)
			((float *)deviation)[i] = sqrtf(((float *)deviation)[i]) + 1e-9f;
		else
			((double *)deviation)[i] = sqrt(((double *)deviation)[i]) + 1e-9;
	}
	heft_over_axes_run(c, &p->mean, dtype, c->in[0].bytes, mean, deviation, c->out[0].bytes);
}

const struct heft_op heft_op_mean_variance_normalization = {
	.name = "MeanVarianceNormalization",
	.domain = "",
	.flags = HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
