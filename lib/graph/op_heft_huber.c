/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_huber.c - HuberLoss: half of (x - y)² up to delta, and a line from there on (spec
 * F7-24). */
#include "base/error.h"
#include "graph/sample_loss.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	double *delta = (double *)c->state;

	HEFT_TRY(heft_call_real(c, "delta", 1, delta, err));
	if (!(*delta > 0))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "delta is not above 0");
	return heft_pair_loss_infer(c, err);
}

/* state: delta, in binary64 */
#define LOSSES(name, type)                                                                      \
	static void name(const struct heft_call *c, uint64_t first, size_t n, double *losses,   \
	                 void *gradients)                                                       \
	{                                                                                       \
		const double delta = *(const double *)c->state;                                 \
		const type *x = (const type *)c->in[HEFT_LOSS_PREDICTION].bytes + first;        \
		const type *y = (const type *)c->in[HEFT_LOSS_TARGET].bytes + first;            \
                                                                                                \
		for (size_t i = 0; i < n; i++) {                                                \
			const type d = x[i] - y[i];                                             \
			const double size = d < 0 ? -(double)d : (double)d;                     \
			const bool is_line = size >= delta;                                     \
                                                                                                \
			losses[i] = is_line ? delta * (size - 0.5 * delta) : 0.5 * size * size; \
			if (gradients)                                                          \
				((type *)gradients)[i] = !is_line ? d                           \
				                         : d < 0  ? -(type)delta                \
				                                  : (type)delta;                 \
		}                                                                               \
	}

LOSSES(losses_f32, float)
LOSSES(losses_f64, double)

static void forward(const struct heft_call *c)
{
	heft_pair_loss_run(c, losses_f32, losses_f64);
}

const struct heft_op heft_op_heft_huber = {
	.name = "HuberLoss",
	.domain = "heft",
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 3,
	.infer = infer,
	.forward = forward,
};
