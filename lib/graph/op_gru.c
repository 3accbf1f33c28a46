/* SPDX-License-Identifier: Apache-2.0 */
/* op_gru.c - GRU: gates z, r, h; the reset before the product of the state, or behind it with
 * linear_before_reset. Spec F6-82. */
#include "graph/recurrent.h"

static const struct heft_recurrent_kind kind = {
	.n_gates = 3,
	.n_functions = 2,
	.defaults = { HEFT_GATE_SIGMOID, HEFT_GATE_TANH },
	.n_first = 2,
	.between = { heft_gru_between_f32, heft_gru_between_f64 },
	.last = { heft_gru_last_f32, heft_gru_last_f64 },
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_recurrent_infer(c, &kind, err);
}

static void forward(const struct heft_call *c)
{
	heft_recurrent_forward(c, &kind);
}

const struct heft_op heft_op_gru = {
	.name = "GRU",
	.domain = "",
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 6,
	.min_out = 0,
	.max_out = 2,
	.infer = infer,
	.forward = forward,
	.backward = heft_gru_backward,
	.pack = heft_recurrent_pack,
	.packs = 1 << 1 | 1 << 2,
};
