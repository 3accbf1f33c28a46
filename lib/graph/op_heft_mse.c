/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_mse.c - SquaredErrorLoss: (x - y)² (spec F7-22). */
#include "graph/sample_loss.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_pair_loss_infer(c, err);
}

/* x - y is rounded to its type; its square is of binary64, and so exact for F32. */
#define LOSSES(name, type)                                                                    \
	static void name(const struct heft_call *c, uint64_t first, size_t n, double *losses, \
	                 void *gradients)                                                     \
	{                                                                                     \
		const type *x = (const type *)c->in[HEFT_LOSS_PREDICTION].bytes + first;      \
		const type *y = (const type *)c->in[HEFT_LOSS_TARGET].bytes + first;          \
                                                                                              \
		for (size_t i = 0; i < n; i++) {                                              \
			const type d = x[i] - y[i];                                           \
                                                                                              \
			losses[i] = (double)d * (double)d;                                    \
			if (gradients)                                                        \
				((type *)gradients)[i] = 2 * d;                               \
		}                                                                             \
	}

LOSSES(losses_f32, float)
LOSSES(losses_f64, double)

static void forward(const struct heft_call *c)
{
	heft_pair_loss_run(c, losses_f32, losses_f64);
}

const struct heft_op heft_op_heft_mse = {
	.name = "SquaredErrorLoss",
	.domain = "heft",
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 3,
	.infer = infer,
	.forward = forward,
};
