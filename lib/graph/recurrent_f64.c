/* SPDX-License-Identifier: Apache-2.0 */
/* recurrent_f64.c - LSTM, GRU and RNN of F64: each row of the batch by itself, number by number. */
#include <string.h>

#include "base/checked.h"
#include "graph/chain.h"
#include "graph/recurrent_sizes.h"

/* From this many multiply-adds on, threads share the rows. */
#define WORTH_THREADS 32768

/* One row of the batch in one direction. */
struct row {
	const struct heft_call *c;
	const struct heft_recurrent_sizes *s;
	uint32_t direction;
	size_t at;          /* in the batch */
	double *from_input; /* of all gates */
	double *gates;
	double *h;
	double *cell;
	double *reset;
};

struct run {
	const struct heft_call *c;
	const struct heft_recurrent_kind *kind;
};

static const double *doubles_of(const struct heft_call *c, uint32_t i)
{
	return heft_call_has(c, i) ? c->in[i].bytes : NULL;
}

size_t heft_recurrent_f64_size(const struct heft_recurrent_kind *kind, size_t n_hidden)
{
	return heft_align_up((2 * kind->n_gates + 3) * n_hidden * sizeof(double), 64);
}

static double chain(const double *x, const double *w, size_t n)
{
	struct heft_chain_f64 sum;

	heft_chain_f64_start(&sum);
	for (size_t i = 0; i < n; i++)
		heft_chain_f64_add(&sum, x[i], w[i]);
	return heft_chain_f64_done(&sum);
}

/* X W^T + bias of a step. */
static void set_from_input(const struct row *r, size_t step)
{
	const struct heft_recurrent_sizes *s = r->s;
	const size_t at = s->is_batch_first ? r->at * s->n_steps + step : step * s->n_rows + r->at;
	const double *x = doubles_of(r->c, RECURRENT_X) + at * s->n_input;
	const double *w = doubles_of(r->c, RECURRENT_W) + r->direction * s->n_gates * s->n_input;
	const double *b = doubles_of(r->c, RECURRENT_B);

	for (size_t i = 0; i < s->n_gates; i++) {
		const size_t bias = r->direction * 2 * s->n_gates + i;

		r->from_input[i] = chain(x, w + i * s->n_input, s->n_input);
		if (b && s->is_linear && i >= s->n_first)
			r->from_input[i] += b[bias];
		else if (b)
			r->from_input[i] += b[bias] + b[bias + s->n_gates];
	}
}

/* Products of the state, or of what GRU reset; of gates from first on. */
static void set_gates(const struct row *r, const double *x, size_t first, size_t end, bool is_apart)
{
	const struct heft_recurrent_sizes *s = r->s;
	const double *w = doubles_of(r->c, RECURRENT_R) + r->direction * s->n_gates * s->n_hidden;
	const double *b = doubles_of(r->c, RECURRENT_B);

	for (size_t i = first; i < end; i++) {
		r->gates[i] = chain(x, w + i * s->n_hidden, s->n_hidden);
		if (!is_apart)
			r->gates[i] += r->from_input[i];
		else if (b)
			r->gates[i] += b[(2 * r->direction + 1) * s->n_gates + i];
	}
}

static void run_step(const struct row *r, const struct heft_recurrent_kind *kind, size_t step)
{
	const struct heft_recurrent_sizes *s = r->s;
	const double *p = kind->has_cell ? doubles_of(r->c, RECURRENT_P) : NULL;
	const struct heft_recurrent_row row = {
		.n_hidden = s->n_hidden,
		.cpu_bits = r->c->cpu_bits,
		.is_coupled = s->is_coupled,
		.is_linear = s->is_linear,
		.to = s->gates + r->direction * s->n_functions,
		.from_input = r->from_input,
		.peepholes = p ? p + r->direction * 3 * s->n_hidden : NULL,
		.gates = r->gates,
		.h = r->h,
		.c = r->cell,
		.reset = r->reset,
	};

	set_from_input(r, step);
	set_gates(r, r->h, 0, s->n_first, false);
	if (kind->between[1]) {
		kind->between[1](&row);
		set_gates(r, s->is_linear ? r->h : r->reset, s->n_first, s->n_gates, s->is_linear);
	}
	kind->last[1](&row);
}

static size_t state_at(const struct row *r)
{
	const struct heft_recurrent_sizes *s = r->s;

	return (s->is_batch_first ? r->at * s->n_directions + r->direction
	                          : r->direction * s->n_rows + r->at) *
	       s->n_hidden;
}

static void get_state(const struct row *r, uint32_t in, double *to)
{
	const double *from = doubles_of(r->c, in);

	if (from)
		memcpy(to, from + state_at(r), r->s->n_hidden * sizeof *to);
	else
		memset(to, 0, r->s->n_hidden * sizeof *to);
}

static void put_state(const struct row *r, uint32_t out, const double *from)
{
	if (heft_call_wants(r->c, out))
		memcpy((double *)r->c->out[out].bytes + state_at(r), from,
		       r->s->n_hidden * sizeof *from);
}

/* Y of a step; zeros where the row has no such step. */
static void put_step(const struct row *r, size_t step, bool has_step)
{
	const struct heft_recurrent_sizes *s = r->s;
	const size_t at = s->is_batch_first
	                          ? (r->at * s->n_steps + step) * s->n_directions + r->direction
	                          : (step * s->n_directions + r->direction) * s->n_rows + r->at;
	double *y = r->c->out[0].bytes;

	if (has_step)
		memcpy(y + at * s->n_hidden, r->h, s->n_hidden * sizeof *y);
	else
		memset(y + at * s->n_hidden, 0, s->n_hidden * sizeof *y);
}

static void run_row(void *ctx, uint64_t task, uint32_t worker)
{
	const struct run *run = ctx;
	const struct heft_call *c = run->c;
	const struct heft_recurrent_sizes *s = heft_recurrent_sizes_of(c);
	const int32_t *lengths = heft_call_has(c, RECURRENT_LENGTHS)
	                                 ? c->in[RECURRENT_LENGTHS].bytes
	                                 : NULL;
	uint8_t *scratch = c->scratch;
	struct row r = {
		.c = c, .s = s, .direction = (uint32_t)(task / s->n_rows), .at = task % s->n_rows
	};

	r.from_input = (void *)(scratch + worker * heft_recurrent_f64_size(run->kind, s->n_hidden));
	r.gates = r.from_input + s->n_gates;
	r.h = r.gates + s->n_gates;
	r.cell = r.h + s->n_hidden;
	r.reset = r.cell + s->n_hidden;
	get_state(&r, RECURRENT_H, r.h);
	if (run->kind->has_cell)
		get_state(&r, RECURRENT_C, r.cell);
	for (size_t i = 0; i < s->n_steps; i++) {
		const bool is_reverse = r.direction == 1 || s->is_reverse;
		const size_t step = is_reverse ? s->n_steps - 1 - i : i;
		const bool has_step = !lengths ||
		                      (lengths[r.at] > 0 && step < (size_t)lengths[r.at]);

		if (has_step)
			run_step(&r, run->kind, step);
		if (heft_call_wants(c, 0))
			put_step(&r, step, has_step);
	}
	put_state(&r, 1, r.h);
	if (run->kind->has_cell)
		put_state(&r, 2, r.cell);
}

void heft_recurrent_f64_forward(const struct heft_call *c, const struct heft_recurrent_kind *kind)
{
	const struct heft_recurrent_sizes *s = heft_recurrent_sizes_of(c);
	struct run run = { c, kind };

	heft_team_run(c->n_multiply_adds >= WORTH_THREADS ? c->team : NULL,
	              s->n_directions * s->n_rows, run_row, &run);
}
