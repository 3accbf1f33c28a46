/* SPDX-License-Identifier: Apache-2.0 */
/* op_rnn.c - RNN: one gate, which is the new state. Spec F6-83. */
#include "graph/recurrent.h"

static const struct heft_recurrent_kind kind = {
	.n_gates = 1,
	.n_functions = 1,
	.defaults = { HEFT_GATE_TANH },
	.n_first = 1,
	.last = { heft_rnn_last_f32, heft_rnn_last_f64 },
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_recurrent_infer(c, &kind, err);
}

static void forward(const struct heft_call *c)
{
	heft_recurrent_forward(c, &kind);
}

const struct heft_op heft_op_rnn = {
	.name = "RNN",
	.domain = "",
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 6,
	.min_out = 0,
	.max_out = 2,
	.infer = infer,
	.forward = forward,
	.backward = heft_rnn_backward,
	.pack = heft_recurrent_pack,
	.packs = 1 << 1 | 1 << 2,
};
