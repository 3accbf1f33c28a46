/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_bce.c - BinaryCrossEntropyLoss: of logits; what is positive may weigh more (spec
 * F7-21). */
#include "base/error.h"
#include "graph/sample_loss.h"
#include "kernel/elementary.h"
#include "kernel/elementary_rare.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[HEFT_LOSS_PREDICTION];
	const struct heft_array *w = &c->in[HEFT_LOSS_WEIGHTS];

	HEFT_TRY(heft_pair_loss_infer(c, err));
	if (!heft_call_has(c, HEFT_LOSS_WEIGHTS) || w->n_elements == 1)
		return HEFT_OK;
	if (w->rank != 1 || x->rank == 0 || w->dims[0] != x->dims[x->rank - 1])
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "there is not one weight, and not one for each output");
	return HEFT_OK;
}

/* Both softplus(x) and softplus(-x) are made of log(1 + e^-|x|), and neither is a difference. */
#define LOSSES(real, type)                                                                         \
	static void losses_##real(const struct heft_call *c, uint64_t first, size_t n,             \
	                          double *losses, void *gradients)                                 \
	{                                                                                          \
		const struct heft_array *w = &c->in[HEFT_LOSS_WEIGHTS];                            \
		const bool has_weights = heft_call_has(c, HEFT_LOSS_WEIGHTS);                      \
		const type *x = (const type *)c->in[HEFT_LOSS_PREDICTION].bytes + first;           \
		const type *y = (const type *)c->in[HEFT_LOSS_TARGET].bytes + first;               \
		type rest[HEFT_PAIR_LOSS_MOST] = { 0 };                                            \
		type share[HEFT_PAIR_LOSS_MOST];                                                   \
                                                                                                   \
		for (size_t i = 0; i < n; i++)                                                     \
			rest[i] = x[i] < 0 ? x[i] : -x[i];                                         \
		heft_softplus_##real##_by(c->cpu_bits, rest, rest, n);                             \
		if (gradients)                                                                     \
			heft_sigmoid_##real##_by(c->cpu_bits, share, x, n);                        \
		for (size_t i = 0; i < n; i++) {                                                   \
			const type yes =                                                           \
				has_weights                                                        \
					? ((const type *)w->bytes)[(first + i) % w->n_elements] *  \
						  y[i]                                             \
					: y[i];                                                    \
			const type no = 1 - y[i];                                                  \
			const type for_yes = rest[i] + (x[i] < 0 ? -x[i] : 0);                     \
			const type for_no = rest[i] + (x[i] > 0 ? x[i] : 0);                       \
			const type loss_yes = yes * for_yes;                                       \
			const type loss_no = no * for_no;                                          \
                                                                                                   \
			losses[i] = (double)(loss_yes + loss_no);                                  \
			if (gradients)                                                             \
				((type *)gradients)[i] = has_weights ? share[i] * (no + yes) - yes \
				                                     : share[i] - y[i];            \
		}                                                                                  \
	}

LOSSES(f32, float)
LOSSES(f64, double)

static void forward(const struct heft_call *c)
{
	heft_pair_loss_run(c, losses_f32, losses_f64);
}

const struct heft_op heft_op_heft_bce = {
	.name = "BinaryCrossEntropyLoss",
	.domain = "heft",
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 3,
	.infer = infer,
	.forward = forward,
};
