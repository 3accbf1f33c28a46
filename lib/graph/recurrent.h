/* SPDX-License-Identifier: Apache-2.0 */
/* graph/recurrent.h - what LSTM, GRU and RNN share: their inputs and attributes, the products, and
 * the walk over the steps. Written from spec/numerics.md, section 6.
 *
 * The input meets its weights for all steps in one product. Then each direction goes through the
 * steps by itself, and so do parts of the batch: rows know nothing of each other. */
#ifndef GRAPH_RECURRENT_H
#define GRAPH_RECURRENT_H

#include "graph/op.h"

#define HEFT_RECURRENT_MAX_GATES 4
#define HEFT_RECURRENT_MAX_FUNCTIONS 3

enum heft_gate_function {
	HEFT_GATE_SIGMOID,
	HEFT_GATE_TANH,
	HEFT_GATE_RELU,
	HEFT_GATE_AFFINE,
	HEFT_GATE_LEAKY_RELU,
	HEFT_GATE_THRESHOLDED_RELU,
	HEFT_GATE_SCALED_TANH,
	HEFT_GATE_HARD_SIGMOID,
	HEFT_GATE_ELU,
	HEFT_GATE_SOFTSIGN,
	HEFT_GATE_SOFTPLUS
};

struct heft_gate {
	enum heft_gate_function function;
	float alpha;
	float beta;
	float clip; /* of what goes in: +Inf: none */
};

/* One row of the batch at one step; H numbers each, F32 or F64, but for `gates`. */
struct heft_recurrent_row {
	size_t n_hidden;
	uint32_t cpu_bits;
	bool is_coupled;            /* input_forget */
	bool is_linear;             /* linear_before_reset */
	const struct heft_gate *to; /* functions of this direction */
	const void *from_input;     /* of all gates */
	const void *peepholes;      /* i, o, f; NULL */
	void *gates;                /* products; with from_input added, but for what kind says */
	void *h;
	void *c;     /* of LSTM */
	void *reset; /* of GRU: r x h */
};

typedef void (*heft_recurrent_fn)(const struct heft_recurrent_row *row);

/* What makes them differ. */
struct heft_recurrent_kind {
	uint32_t n_gates;
	uint32_t n_functions;
	enum heft_gate_function defaults[HEFT_RECURRENT_MAX_FUNCTIONS];
	bool has_cell;
	/* Gates of the first recurrent product. Where there are more, `between` runs behind it, and
	 * a second one makes the others, of `reset`; or with linear_before_reset of h, plus its own
	 * bias and without from_input. */
	uint32_t n_first;
	heft_recurrent_fn between[2]; /* of F32, of F64 */
	heft_recurrent_fn last[2];
};

enum heft_status heft_recurrent_infer(struct heft_call *c, const struct heft_recurrent_kind *kind,
                                      struct heft_error *err);
void heft_recurrent_pack(const struct heft_call *c);
void heft_recurrent_forward(const struct heft_call *c, const struct heft_recurrent_kind *kind);

/* recurrent_gradient.c */
void heft_lstm_backward(const struct heft_call *c, struct heft_gradient *g);
void heft_gru_backward(const struct heft_call *c, struct heft_gradient *g);
void heft_rnn_backward(const struct heft_call *c, struct heft_gradient *g);

/* gates.c: the functions of a direction as attributes say. */
enum heft_status heft_gates_read(const struct heft_call *c, const struct heft_recurrent_kind *kind,
                                 uint32_t n_directions, struct heft_gate *gates,
                                 struct heft_error *err);

/* recurrent_f64.c: of F64, row by row, and the scratch of each thread. */
size_t heft_recurrent_f64_size(const struct heft_recurrent_kind *kind, size_t n_hidden);
void heft_recurrent_f64_forward(const struct heft_call *c, const struct heft_recurrent_kind *kind);

/* recurrent_cells.c: x = function(x), clipped before; and what is done at the gates of a row. */
void heft_gate_apply(const struct heft_gate *gate, uint32_t cpu_bits, float *x, size_t n);
void heft_lstm_last_f32(const struct heft_recurrent_row *row);
void heft_lstm_last_f64(const struct heft_recurrent_row *row);
void heft_gru_between_f32(const struct heft_recurrent_row *row);
void heft_gru_between_f64(const struct heft_recurrent_row *row);
void heft_gru_last_f32(const struct heft_recurrent_row *row);
void heft_gru_last_f64(const struct heft_recurrent_row *row);
void heft_rnn_last_f32(const struct heft_recurrent_row *row);
void heft_rnn_last_f64(const struct heft_recurrent_row *row);

#endif
