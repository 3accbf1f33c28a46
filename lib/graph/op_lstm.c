/* SPDX-License-Identifier: Apache-2.0 */
/* op_lstm.c - LSTM: gates i, o, f, c; and with peepholes, clipped or coupled. Spec F6-81. */
#include "graph/recurrent.h"

static const struct heft_recurrent_kind kind = {
	.n_gates = 4,
	.n_functions = 3,
	.defaults = { HEFT_GATE_SIGMOID, HEFT_GATE_TANH, HEFT_GATE_TANH },
	.has_cell = true,
	.n_first = 4,
	.last = { heft_lstm_last_f32, heft_lstm_last_f64 },
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_recurrent_infer(c, &kind, err);
}

static void forward(const struct heft_call *c)
{
	heft_recurrent_forward(c, &kind);
}

const struct heft_op heft_op_lstm = {
	.name = "LSTM",
	.domain = "",
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 8,
	.min_out = 0,
	.max_out = 3,
	.infer = infer,
	.forward = forward,
	.backward = heft_lstm_backward,
	.pack = heft_recurrent_pack,
	.packs = 1 << 1 | 1 << 2,
};
