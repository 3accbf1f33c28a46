/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_clip_gradient.c - ClipGradient: dy where the output y of a Clip is between its bounds,
 * which are inputs 2 and 3, one number each; 0 on them and beyond. */
#include "base/error.h"
#include "graph/elementwise_loops.h"

static void run_f32(const struct heft_elements *e)
{
	heft_arithmetic_f32_by(e->cpu_bits, HEFT_ARITHMETIC_SLOPE_BETWEEN, e->y, e->x[0],
	                       e->step[0], e->x[1], e->step[1],
	                       *(const float *)e->call->in[2].bytes,
	                       *(const float *)e->call->in[3].bytes, e->n);
}

static void run_f64(const struct heft_elements *e)
{
	heft_arithmetic_f64_by(e->cpu_bits, HEFT_ARITHMETIC_SLOPE_BETWEEN, e->y, e->x[0],
	                       e->step[0], e->x[1], e->step[1],
	                       *(const double *)e->call->in[2].bytes,
	                       *(const double *)e->call->in[3].bytes, e->n);
}

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, run_f32, 0 },
	{ HEFT_DTYPE_F64, run_f64, 0 },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	for (uint32_t i = 2; i < 4; i++) {
		if (c->in[i].dtype != c->in[0].dtype || c->in[i].n_elements != 1)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "input %u is no bound: it is not one %s", i,
			                 heft_dtype_name(c->in[0].dtype));
	}
	return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
}

static void forward(const struct heft_call *c)
{
	heft_binary_forward(c, loops);
}

const struct heft_op heft_op_heft_clip_gradient = {
	.name = "ClipGradient",
	.domain = "heft",
	.flags = HEFT_OP_ELEMENTWISE,
	.min_in = 4,
	.max_in = 4,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
