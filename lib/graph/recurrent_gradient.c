/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recurrent_gradient.c - gradients of LSTM, GRU and RNN, through time (spec F7-60): each direction
 * is computed again step by step, and then backward from the last one; the gradients of all gates,
 * one step behind the other, then meet inputs, states and weights in one product each.
 *
 * All of it is emitted, so that a sequence of T steps becomes some 25 T steps of the plan.
 */
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "graph/gradient.h"
#include "graph/recurrent.h"

#define MAX_STEPS 1024
#define N_KEPT 8

enum cell {
	CELL_LSTM,
	CELL_GRU,
	CELL_RNN
};

/* What backward wants of a step: values. */
struct moment {
	uint32_t h; /* the state before */
	uint32_t kept[N_KEPT];
};

enum {
	/* LSTM */
	KEPT_I = 0,
	KEPT_O,
	KEPT_F,
	KEPT_G,
	KEPT_C,      /* the cell before */
	KEPT_TANH_C, /* of the one behind */
	/* GRU */
	KEPT_Z = 0,
	KEPT_R,
	KEPT_N,
	KEPT_U, /* what the reset is multiplied with, or its product with the state */
	/* RNN */
	KEPT_H = 0
};

struct walk {
	struct heft_gradient *g;
	enum cell cell;
	bool is_linear; /* linear_before_reset */
	enum heft_dtype dtype;
	uint32_t n_gates;
	uint64_t n_steps;
	uint64_t n_rows;
	uint64_t n_in;
	uint64_t n_hidden;
	bool is_reverse;
	uint64_t direction;
	struct moment *moments;
	/* of the direction: */
	uint32_t x; /* [steps x rows, in] */
	uint32_t w; /* [gates x hidden, in] */
	uint32_t r;
	uint32_t w_bias; /* NO_VALUE: there is none */
	uint32_t r_bias;
};

/* --- pieces --- */

static uint32_t mul(const struct walk *k, uint32_t a, uint32_t b)
{
	return heft_emit_2(k->g, "Mul", a, b);
}

static uint32_t add(const struct walk *k, uint32_t a, uint32_t b)
{
	if (a == HEFT_NO_VALUE || b == HEFT_NO_VALUE)
		return a == HEFT_NO_VALUE ? b : a;
	return heft_emit_2(k->g, "Add", a, b);
}

static uint32_t as_matrix(const struct walk *k, uint32_t x, uint64_t n_rows, uint64_t n)
{
	const uint64_t dims[2] = { n_rows, n };

	return heft_emit_reshaped(k->g, x, 2, dims);
}

/* Gate i of [rows, gates x hidden]. */
static uint32_t gate(const struct walk *k, uint32_t a, uint32_t i)
{
	return heft_emit_part(k->g, a, 1, i * k->n_hidden, k->n_hidden);
}

/* Rows of the gates from `first` on of a matrix of the direction, or of a bias. */
static uint32_t gates_of(const struct walk *k, uint32_t m, uint32_t first, uint32_t n)
{
	return heft_emit_part(k->g, m, 0, first * k->n_hidden, n * k->n_hidden);
}

/* a × b^T + bias. */
static uint32_t affine(const struct walk *k, uint32_t a, uint32_t b, uint32_t bias)
{
	const struct heft_emit e = {
		.type = "Gemm",
		.n_in = bias == HEFT_NO_VALUE ? 2 : 3,
		.in = { a, b, bias },
		.n_attrs = 1,
		.attrs = { heft_attr_int("transB", 1) },
	};

	return heft_emit(k->g, &e);
}

/* Values of all steps, one behind the other along an axis. */
static uint32_t joined(struct heft_gradient *g, const uint32_t *values, uint32_t n, int64_t axis)
{
	const struct heft_emit e = {
		.type = "Concat",
		.n_in = n,
		.inputs = values,
		.n_attrs = 1,
		.attrs = { heft_attr_int("axis", axis) },
	};

	return n == 1 ? values[0] : heft_emit(g, &e);
}

/* Slice `direction` of a parameter, without that dimension. */
static uint32_t of_direction(const struct walk *k, uint32_t i, uint64_t n_rows, uint64_t n)
{
	const uint32_t all = heft_gradient_in(k->g, i);

	return as_matrix(k, heft_emit_part(k->g, all, 0, k->direction, 1), n_rows, n);
}

static uint32_t zeros(const struct walk *k)
{
	const int64_t dims[2] = { (int64_t)k->n_rows, (int64_t)k->n_hidden };

	return heft_emit_2(k->g, "Expand", heft_emit_number(k->g, k->dtype, 0),
	                   heft_emit_list(k->g, dims, 2));
}

/* --- forward once more --- */

static uint32_t lstm_forward(const struct walk *k, struct moment *m, uint32_t a, uint32_t *cell)
{
	uint32_t *v = m->kept;

	a = add(k, a, affine(k, m->h, k->r, k->r_bias));
	v[KEPT_I] = heft_emit_1(k->g, "Sigmoid", gate(k, a, 0));
	v[KEPT_O] = heft_emit_1(k->g, "Sigmoid", gate(k, a, 1));
	v[KEPT_F] = heft_emit_1(k->g, "Sigmoid", gate(k, a, 2));
	v[KEPT_G] = heft_emit_1(k->g, "Tanh", gate(k, a, 3));
	v[KEPT_C] = *cell;
	*cell = add(k, mul(k, v[KEPT_F], *cell), mul(k, v[KEPT_I], v[KEPT_G]));
	v[KEPT_TANH_C] = heft_emit_1(k->g, "Tanh", *cell);
	return mul(k, v[KEPT_O], v[KEPT_TANH_C]);
}

static uint32_t gru_forward(const struct walk *k, struct moment *m, uint32_t a)
{
	const bool has_bias = k->r_bias != HEFT_NO_VALUE;
	const uint32_t none = HEFT_NO_VALUE;
	const uint32_t first = affine(k, m->h, gates_of(k, k->r, 0, 2),
	                              has_bias ? gates_of(k, k->r_bias, 0, 2) : none);
	const uint32_t r_h = gates_of(k, k->r, 2, 1);
	const uint32_t bias_h = has_bias ? gates_of(k, k->r_bias, 2, 1) : none;
	uint32_t *v = m->kept;
	uint32_t n;

	v[KEPT_Z] = heft_emit_1(k->g, "Sigmoid", add(k, gate(k, a, 0), gate(k, first, 0)));
	v[KEPT_R] = heft_emit_1(k->g, "Sigmoid", add(k, gate(k, a, 1), gate(k, first, 1)));
	if (k->is_linear) {
		v[KEPT_U] = affine(k, m->h, r_h, bias_h);
		n = mul(k, v[KEPT_R], v[KEPT_U]);
	} else {
		v[KEPT_U] = mul(k, v[KEPT_R], m->h);
		n = affine(k, v[KEPT_U], r_h, bias_h);
	}
	v[KEPT_N] = heft_emit_1(k->g, "Tanh", add(k, gate(k, a, 2), n));
	n = heft_emit_2(k->g, "Sub", m->h, v[KEPT_N]);
	return add(k, v[KEPT_N], mul(k, v[KEPT_Z], n));
}

/* Step number i in the order of the direction is this one in time. */
static uint64_t time_of(const struct walk *k, uint64_t i)
{
	return k->is_reverse ? k->n_steps - 1 - i : i;
}

static void run_forward(struct walk *k, uint32_t h, uint32_t cell)
{
	const uint32_t all = affine(k, k->x, k->w, k->w_bias);

	for (uint64_t i = 0; i < k->n_steps; i++) {
		struct moment *m = &k->moments[i];
		const uint32_t a = heft_emit_part(k->g, all, 0, time_of(k, i) * k->n_rows,
		                                  k->n_rows);

		m->h = h;
		if (k->cell == CELL_LSTM)
			h = lstm_forward(k, m, a, &cell);
		else if (k->cell == CELL_GRU)
			h = gru_forward(k, m, a);
		else
			h = m->kept[KEPT_H] = heft_emit_1(k->g, "Tanh",
			                                  add(k, a, affine(k, h, k->r, k->r_bias)));
	}
}

/* --- backward --- */

/* Gradients of the gates of a step: beside the input, and beside the state. */
struct gates {
	uint32_t x;
	uint32_t h;
};

static struct gates lstm_backward(const struct walk *k, const struct moment *m, uint32_t dh,
                                  uint32_t *dc)
{
	const uint32_t *v = m->kept;
	const uint32_t through = heft_emit_2(k->g, "heft.TanhGradient", mul(k, dh, v[KEPT_O]),
	                                     v[KEPT_TANH_C]);
	uint32_t parts[4];
	struct gates d;

	*dc = add(k, through, *dc);
	parts[0] = heft_emit_2(k->g, "heft.SigmoidGradient", mul(k, *dc, v[KEPT_G]), v[KEPT_I]);
	parts[1] = heft_emit_2(k->g, "heft.SigmoidGradient", mul(k, dh, v[KEPT_TANH_C]), v[KEPT_O]);
	parts[2] = heft_emit_2(k->g, "heft.SigmoidGradient", mul(k, *dc, v[KEPT_C]), v[KEPT_F]);
	parts[3] = heft_emit_2(k->g, "heft.TanhGradient", mul(k, *dc, v[KEPT_I]), v[KEPT_G]);
	*dc = mul(k, *dc, v[KEPT_F]);
	d.x = d.h = joined(k->g, parts, 4, 1);
	return d;
}

/* *dh becomes what goes to the state before but for the product of d.h and the weights. */
static struct gates gru_backward(const struct walk *k, const struct moment *m, uint32_t *dh)
{
	const uint32_t *v = m->kept;
	const uint32_t through = mul(k, *dh, v[KEPT_Z]);
	const uint32_t dn = heft_emit_2(k->g, "heft.TanhGradient",
	                                heft_emit_2(k->g, "Sub", *dh, through), v[KEPT_N]);
	const uint32_t dz = mul(k, *dh, heft_emit_2(k->g, "Sub", m->h, v[KEPT_N]));
	uint32_t parts[3];
	struct gates d;

	parts[0] = heft_emit_2(k->g, "heft.SigmoidGradient", dz, v[KEPT_Z]);
	*dh = through;
	if (k->is_linear) {
		parts[1] = heft_emit_2(k->g, "heft.SigmoidGradient", mul(k, dn, v[KEPT_U]),
		                       v[KEPT_R]);
		parts[2] = dn;
		d.x = joined(k->g, parts, 3, 1);
		parts[2] = mul(k, dn, v[KEPT_R]);
		d.h = joined(k->g, parts, 3, 1);
	} else {
		const uint32_t du = heft_emit_2(k->g, "MatMul", dn, gates_of(k, k->r, 2, 1));

		parts[1] = heft_emit_2(k->g, "heft.SigmoidGradient", mul(k, du, m->h), v[KEPT_R]);
		parts[2] = dn;
		d.x = joined(k->g, parts, 3, 1);
		d.h = joined(k->g, parts, 2, 1);
		*dh = add(k, *dh, mul(k, du, v[KEPT_R]));
	}
	return d;
}

/* The gradient of output `out`, [.., directions, rows, hidden], at a step and the direction. */
static uint32_t given(const struct walk *k, uint32_t out, uint64_t step, bool has_steps)
{
	uint32_t dy = heft_gradient_of(k->g, out);

	if (dy == HEFT_NO_VALUE)
		return dy;
	if (has_steps)
		dy = heft_emit_part(k->g, dy, 0, step, 1);
	dy = heft_emit_part(k->g, dy, has_steps ? 1 : 0, k->direction, 1);
	return as_matrix(k, dy, k->n_rows, k->n_hidden);
}

/* What one direction gives: values, for each input. */
struct given_back {
	uint32_t x;
	uint32_t w;
	uint32_t r;
	uint32_t bias;
	uint32_t h;
	uint32_t c;
};

static uint32_t weigh(const struct walk *k, uint32_t dy, uint32_t x)
{
	return heft_emit_2(k->g, "heft.MatMulWeightGradient", dy, x);
}

/* The recurrent weights' gradient: of a GRU that resets first, that of its last gate is of what was
 * reset. `h`, `u`: of all steps. */
static uint32_t weigh_states(const struct walk *k, uint32_t dh, uint32_t dx, uint32_t h, uint32_t u)
{
	uint32_t parts[2];

	if (k->cell != CELL_GRU || k->is_linear)
		return weigh(k, dh, h);
	parts[0] = weigh(k, dh, h);
	parts[1] = weigh(k, gate(k, dx, 2), u);
	return joined(k->g, parts, 2, 0);
}

static void run_backward(const struct walk *k, struct given_back *back)
{
	static const uint32_t none = HEFT_NO_VALUE;
	uint32_t lists[4][MAX_STEPS];
	const bool resets_first = k->cell == CELL_GRU && !k->is_linear;
	const uint32_t weights = resets_first ? gates_of(k, k->r, 0, 2) : k->r;
	uint32_t dh = given(k, 1, 0, false);
	uint32_t dc = k->cell == CELL_LSTM ? given(k, 2, 0, false) : none;
	uint32_t dx;
	uint32_t all;

	for (uint64_t i = k->n_steps; i-- > 0;) {
		const struct moment *m = &k->moments[i];
		const uint64_t t = time_of(k, i);
		struct gates d;

		dh = add(k, dh, given(k, 0, t, true));
		if (dh == none)
			dh = zeros(k);
		if (k->cell == CELL_LSTM) {
			d = lstm_backward(k, m, dh, &dc);
			dh = none;
		} else if (k->cell == CELL_GRU) {
			d = gru_backward(k, m, &dh);
		} else {
			d.x = d.h = heft_emit_2(k->g, "heft.TanhGradient", dh, m->kept[KEPT_H]);
			dh = none;
		}
		dh = add(k, dh, heft_emit_2(k->g, "MatMul", d.h, weights));
		lists[0][t] = d.x;
		lists[1][t] = d.h;
		lists[2][t] = m->h;
		lists[3][t] = m->kept[KEPT_U];
	}
	dx = joined(k->g, lists[0], (uint32_t)k->n_steps, 0);
	all = joined(k->g, lists[1], (uint32_t)k->n_steps, 0);
	back->x = heft_emit_2(k->g, "MatMul", dx, k->w);
	back->w = weigh(k, dx, k->x);
	back->r = weigh_states(k, all, dx, joined(k->g, lists[2], (uint32_t)k->n_steps, 0),
	                       resets_first ? joined(k->g, lists[3], (uint32_t)k->n_steps, 0)
	                                    : none);
	if (k->w_bias != none) {
		const uint32_t both[2] = {
			heft_emit_1(k->g, "heft.BiasGradient", dx),
			heft_emit_1(k->g, "heft.BiasGradient", k->is_linear ? all : dx),
		};

		back->bias = joined(k->g, both, 2, 0);
	}
	back->h = dh;
	back->c = dc;
}

/* --- all directions --- */

static const char *why_not(const struct heft_call *c, enum cell cell)
{
	uint32_t n;

	if (heft_call_int(c, "layout", 0) != 0)
		return "with layout 1 it has no gradient here";
	if (heft_call_has(c, 4))
		return "with sequence_lens it has no gradient here";
	if (cell == CELL_LSTM && heft_call_has(c, 7))
		return "with peepholes it has no gradient here";
	if (heft_call_attr(c, "clip") || heft_call_int(c, "input_forget", 0) != 0)
		return "clipped, or with input_forget, it has no gradient here";
	if (heft_call_attr(c, "activations")) {
		const struct heft_attr *a = heft_call_attr(c, "activations");
		const uint32_t n_each = cell == CELL_LSTM ? 3 : cell == CELL_GRU ? 2 : 1;

		n = a->kind == HEFT_ATTR_TEXTS ? a->n : 0;
		for (uint32_t i = 0; i < n; i++) {
			const bool is_gate = cell != CELL_RNN && i % n_each == 0;

			if (strcasecmp(a->texts[i], is_gate ? "Sigmoid" : "Tanh") != 0)
				return "with other activations than its own it has no gradient "
				       "here";
		}
	}
	return c->in[0].dims[0] > MAX_STEPS ? "so many steps have no gradient here" : NULL;
}

/* A value of each direction, as the input i has them: [directions, ..]. */
static void give_joined(struct heft_gradient *g, uint32_t i, const uint32_t *values, uint32_t n)
{
	uint32_t rows[2];

	if (!heft_gradient_wants(g, i) || values[0] == HEFT_NO_VALUE)
		return;
	for (uint32_t d = 0; d < n; d++) {
		const struct heft_array a = *heft_gradient_array(g, values[d]);
		uint64_t dims[HEFT_GRAPH_MAX_RANK] = { 1 };

		memcpy(dims + 1, a.dims, a.rank * sizeof *dims);
		rows[d] = heft_emit_reshaped(g, values[d], a.rank + 1, dims);
	}
	heft_give(g, i, joined(g, rows, n, 0));
}

static void set_direction(struct walk *k, const struct heft_call *c, uint32_t d)
{
	const uint64_t n = k->n_gates * k->n_hidden;

	k->direction = d;
	k->is_reverse = d == 1 || strcmp(heft_call_text(c, "direction", "forward"), "reverse") == 0;
	k->w = of_direction(k, 1, n, k->n_in);
	k->r = of_direction(k, 2, n, k->n_hidden);
	k->w_bias = k->r_bias = HEFT_NO_VALUE;
	if (heft_call_has(c, 3)) {
		const uint64_t dims[1] = { 2 * n };
		const uint32_t both = heft_emit_reshaped(
			k->g, heft_emit_part(k->g, heft_gradient_in(k->g, 3), 0, d, 1), 1, dims);

		k->w_bias = heft_emit_part(k->g, both, 0, 0, n);
		k->r_bias = heft_emit_part(k->g, both, 0, n, n);
	}
}

static void walk_directions(struct walk *k, const struct heft_call *c)
{
	const uint32_t n = (uint32_t)c->in[1].dims[0];
	struct given_back back[2];
	uint32_t values[6][2];
	uint32_t dx = HEFT_NO_VALUE;

	k->x = as_matrix(k, heft_gradient_in(k->g, 0), k->n_steps * k->n_rows, k->n_in);
	for (uint32_t d = 0; d < n; d++) {
		const uint64_t rows = k->n_rows;

		set_direction(k, c, d);
		back[d] = (struct given_back){ HEFT_NO_VALUE, HEFT_NO_VALUE, HEFT_NO_VALUE,
			                       HEFT_NO_VALUE, HEFT_NO_VALUE, HEFT_NO_VALUE };
		run_forward(k,
		            heft_call_has(c, 5) ? of_direction(k, 5, rows, k->n_hidden) : zeros(k),
		            heft_call_has(c, 6)    ? of_direction(k, 6, rows, k->n_hidden)
		            : k->cell == CELL_LSTM ? zeros(k)
		                                   : HEFT_NO_VALUE);
		run_backward(k, &back[d]);
		dx = add(k, dx, back[d].x);
		values[1][d] = back[d].w;
		values[2][d] = back[d].r;
		values[3][d] = back[d].bias;
		values[4][d] = back[d].h;
		values[5][d] = back[d].c;
	}
	heft_give(k->g, 0, heft_emit_reshaped_like(k->g, dx, heft_gradient_in(k->g, 0)));
	give_joined(k->g, 1, values[1], n);
	give_joined(k->g, 2, values[2], n);
	give_joined(k->g, 3, values[3], n);
	give_joined(k->g, 5, values[4], n);
	give_joined(k->g, 6, values[5], n);
}

static void backward(const struct heft_call *c, struct heft_gradient *g, enum cell cell,
                     uint32_t n_gates)
{
	struct moment moments[MAX_STEPS];
	struct walk k = {
		.g = g,
		.cell = cell,
		.is_linear = cell == CELL_GRU && heft_call_int(c, "linear_before_reset", 0) != 0,
		.dtype = c->in[0].dtype,
		.n_gates = n_gates,
		.n_steps = c->in[0].dims[0],
		.n_rows = c->in[0].dims[1],
		.n_in = c->in[0].dims[2],
		.n_hidden = c->in[2].dims[2],
		.moments = moments,
	};
	const char *why = why_not(c, cell);

	if (why)
		heft_gradient_block(g, why);
	else if (k.n_steps > 0)
		walk_directions(&k, c);
}

void heft_lstm_backward(const struct heft_call *c, struct heft_gradient *g)
{
	backward(c, g, CELL_LSTM, 4);
}

void heft_gru_backward(const struct heft_call *c, struct heft_gradient *g)
{
	backward(c, g, CELL_GRU, 3);
}

void heft_rnn_backward(const struct heft_call *c, struct heft_gradient *g)
{
	backward(c, g, CELL_RNN, 1);
}
