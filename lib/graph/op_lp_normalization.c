/* SPDX-License-Identifier: Apache-2.0 */
/* op_lp_normalization.c - LpNormalization: over the norm along an axis, +0 where that is 0 (spec
 * F6-43). */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/over_axes.h"
#include "graph/spans.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];
	const int64_t power = heft_call_int(c, "p", 2);
	struct heft_reduce *r = (struct heft_reduce *)c->state;
	bool is_reduced[HEFT_GRAPH_MAX_RANK] = { false };
	uint32_t axis;

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", -1), x->rank, false, &axis, err));
	if (power != 1 && power != 2)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "p is %lld and not 1 or 2",
		                 (long long)power);
	is_reduced[axis] = true;
	heft_reduce_set(r, power == 1 ? HEFT_REDUCE_L1 : HEFT_REDUCE_L2, x->rank, x->dims,
	                is_reduced);
	if (x->n_elements > 0)
		c->scratch_size = (r->n_out * heft_element_size(x->dtype) + 63) / 64 * 64 +
		                  heft_reduce_scratch(r, x->dtype);
	c->may_overwrite = 1;
	return heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err);
}

static void forward(const struct heft_call *c)
{
	const struct heft_reduce *r = (const struct heft_reduce *)c->state;
	const enum heft_dtype dtype = c->in[0].dtype;
	const uint64_t norms_size = (r->n_out * heft_element_size(dtype) + 63) / 64 * 64;

	if (c->out[0].n_elements == 0)
		return;
	heft_reduce_run(c, r, dtype, c->in[0].bytes, c->scratch,
	                (uint8_t *)c->scratch + norms_size);
	heft_over_axes_run(c, r, dtype, c->in[0].bytes, NULL, c->scratch, c->out[0].bytes);
}

/* Of a norm that is 0 the output is +0, and so is the gradient. */
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const bool is_l1 = heft_call_int(c, "p", 2) == 1;
	const int64_t axis = heft_call_int(c, "axis", -1);
	const uint32_t axes = heft_emit_list(g, &axis, 1);
	const uint32_t x = heft_gradient_in(g, 0);
	const uint32_t y = heft_gradient_out(g, 0);
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t zero = heft_emit_number(g, c->in[0].dtype, 0);
	const uint32_t norm = heft_emit_2(g, is_l1 ? "ReduceL1" : "ReduceL2", x, axes);
	const uint32_t along = heft_emit_2(g, "ReduceSum", heft_emit_2(g, "Mul", dy, y), axes);
	const uint32_t slope = is_l1 ? heft_emit_1(g, "Sign", x) : y;
	const uint32_t rest = heft_emit_2(g, "Sub", dy, heft_emit_2(g, "Mul", slope, along));

	heft_give(g, 0,
	          heft_emit_3(g, "Where", heft_emit_2(g, "Equal", norm, zero), zero,
	                      heft_emit_2(g, "Div", rest, norm)));
}

const struct heft_op heft_op_lp_normalization = {
	.name = "LpNormalization",
	.domain = "",
	.flags = HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
