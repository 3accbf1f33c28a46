/* SPDX-License-Identifier: Apache-2.0 */
/* recurrent.c - LSTM, GRU and RNN but for what is done at a gate: the walk over the steps. */
#include <string.h>

#include "base/checked.h"
#include "graph/recurrent_sizes.h"

/* Multiply-adds of a step from which threads are worth waking. */
#define WORTH_STEP (UINT64_C(1) << 19)

/* Of an input; NULL where it is left out. */
static const float *floats_of(const struct heft_call *c, uint32_t i)
{
	return heft_call_has(c, i) ? c->in[i].bytes : NULL;
}

/* --- weights --- */

/* All three products of a direction, from where W and R lie. */
static void pack_direction(const struct heft_call *c, uint32_t direction, uint8_t *packed)
{
	const struct heft_recurrent_sizes *s = heft_recurrent_sizes_of(c);
	const float *w = (const float *)c->in[RECURRENT_W].bytes +
	                 direction * s->n_gates * s->n_input;
	const float *r = (const float *)c->in[RECURRENT_R].bytes +
	                 direction * s->n_gates * s->n_hidden;

	for (uint32_t i = 0; i < heft_recurrent_n_products(s); i++) {
		struct heft_product p;
		struct heft_product_weights weights = { .w = w, .in_ld = 1, .out_ld = s->n_input };

		if (i > 0)
			weights = (struct heft_product_weights){
				.w = i == 1 ? r : r + s->n_first * s->n_hidden,
				.in_ld = 1,
				.out_ld = s->n_hidden
			};
		heft_recurrent_product(c, s, i, 1, &p);
		for (size_t k = 0; k < p.n_pack_tasks; k++)
			heft_product_pack(&p, &weights, k,
			                  (float *)(void *)(packed + s->packed_at[i]));
	}
}

static void pack_all(const struct heft_call *c, uint8_t *packed)
{
	const struct heft_recurrent_sizes *s = heft_recurrent_sizes_of(c);

	for (uint32_t d = 0; d < s->n_directions; d++)
		pack_direction(c, d, packed + d * s->packed_size);
}

void heft_recurrent_pack(const struct heft_call *c)
{
	pack_all(c, c->packed);
}

/* --- the walk --- */

/* A direction of a forward: where everything is. */
struct walk {
	const struct heft_call *c;
	const struct heft_recurrent_sizes *s;
	const struct heft_recurrent_kind *kind;
	const uint8_t *packed; /* of all directions */
	uint8_t *scratch;
	bool shares_steps; /* the team works on each product of a step */
	/* the product that runs, for tasks */
	const struct heft_product *product;
	const struct heft_product_data *data;
};

static float *floats_at(const struct walk *w, size_t at)
{
	return (float *)(void *)(w->scratch + at);
}

static void run_product_task(void *ctx, uint64_t task, uint32_t worker)
{
	const struct walk *w = ctx;

	heft_product_run(w->product, w->data, task,
	                 w->scratch + w->s->products_at + worker * w->s->product_size);
}

/* Wb + Rb; of the gates whose recurrent bias is inside the reset, Wb alone. */
static const float *sum_biases(const struct walk *w, uint32_t direction)
{
	const struct heft_recurrent_sizes *s = w->s;
	const float *b = floats_of(w->c, RECURRENT_B);
	float *sum = floats_at(w, s->bias_at) + direction * s->n_gates;

	if (!b)
		return NULL;
	b += direction * 2 * s->n_gates;
	for (size_t i = 0; i < s->n_gates; i++)
		sum[i] = s->is_linear && i >= s->n_first ? b[i] : b[i] + b[s->n_gates + i];
	return sum;
}

static float *from_input(const struct walk *w, uint32_t direction)
{
	return floats_at(w, w->s->from_input_at) +
	       direction * w->s->n_steps * w->s->n_rows * w->s->n_gates;
}

/* X W^T + bias, of all steps and rows. */
static void run_input(struct walk *w, uint32_t direction)
{
	const struct heft_recurrent_sizes *s = w->s;
	struct heft_product p;
	const struct heft_product_data data = {
		.x = w->c->in[RECURRENT_X].bytes,
		.packed = (const void *)(w->packed + direction * s->packed_size + s->packed_at[0]),
		.bias = sum_biases(w, direction),
		.y = from_input(w, direction),
	};

	heft_recurrent_product(w->c, s, 0, s->n_steps * s->n_rows, &p);
	w->product = &p;
	w->data = &data;
	if (w->c->n_multiply_adds < HEFT_RECURRENT_WORTH_PARTS)
		heft_team_run(NULL, p.n_tasks, run_product_task, w);
	else
		heft_team_run(w->c->team, p.n_tasks, run_product_task, w);
}

/* Rows [first, first + n_rows) of a direction. */
struct part {
	const struct walk *w;
	uint32_t direction;
	uint32_t worker;
	size_t first;
	size_t n_rows;
	struct heft_product products[3];
	float *gates;
	float *h;
	float *c;
	float *reset;
};

/* Floats from row to row of Y_h, Y_c and the first states, and where this part's begin. */
static size_t state_at(const struct part *p, size_t row)
{
	const struct heft_recurrent_sizes *s = p->w->s;

	return s->is_batch_first ? (row * s->n_directions + p->direction) * s->n_hidden
	                         : (p->direction * s->n_rows + row) * s->n_hidden;
}

static void get_state(const struct part *p, uint32_t in, float *to)
{
	const size_t n = p->w->s->n_hidden;
	const float *from = floats_of(p->w->c, in);

	for (size_t i = 0; i < p->n_rows; i++, to += n) {
		if (from)
			memcpy(to, from + state_at(p, p->first + i), n * sizeof *to);
		else
			memset(to, 0, n * sizeof *to);
	}
}

static void put_state(const struct part *p, uint32_t out, const float *from)
{
	const size_t n = p->w->s->n_hidden;

	if (!heft_call_wants(p->w->c, out))
		return;
	for (size_t i = 0; i < p->n_rows; i++, from += n)
		memcpy((float *)p->w->c->out[out].bytes + state_at(p, p->first + i), from,
		       n * sizeof *from);
}

/* The row of the input product. */
static const float *input_row(const struct part *p, size_t step, size_t row)
{
	const struct heft_recurrent_sizes *s = p->w->s;
	const size_t at = s->is_batch_first ? row * s->n_steps + step : step * s->n_rows + row;

	return from_input(p->w, p->direction) + at * s->n_gates;
}

/* Product 1 or 2 of a step. */
static void run_state(struct part *p, uint32_t i, size_t step)
{
	const struct walk *w = p->w;
	const struct heft_recurrent_sizes *s = w->s;
	const size_t at = i == 1 ? 0 : s->n_first;
	const bool is_apart = i == 2 && s->is_linear;
	const float *b = is_apart ? floats_of(w->c, RECURRENT_B) : NULL;
	const struct heft_product_data data = {
		.x = i == 1 || is_apart ? p->h : p->reset,
		.packed = (const void *)(w->packed + p->direction * s->packed_size +
		                         s->packed_at[i]),
		.bias = b ? b + (2 * p->direction + 1) * s->n_gates + at : NULL,
		.residual = is_apart ? NULL : input_row(p, step, p->first) + at,
		.y = p->gates + at,
	};

	if (w->shares_steps) {
		struct walk shared = *w;

		shared.product = &p->products[i];
		shared.data = &data;
		heft_team_run(w->c->team, p->products[i].n_tasks, run_product_task, &shared);
	} else {
		for (size_t k = 0; k < p->products[i].n_tasks; k++)
			heft_product_run(&p->products[i], &data, k,
			                 w->scratch + s->products_at + p->worker * s->product_size);
	}
}

/* Whether row `row` has a step `step`: lengths below 0 count as 0. */
static bool has_step(const struct part *p, size_t row, size_t step)
{
	const struct heft_call *c = p->w->c;
	const int32_t *lengths = heft_call_has(c, RECURRENT_LENGTHS)
	                                 ? c->in[RECURRENT_LENGTHS].bytes
	                                 : NULL;

	if (!lengths)
		return true;
	return lengths[row] > 0 && step < (size_t)lengths[row];
}

static void run_rows(const struct part *p, size_t step, heft_recurrent_fn fn)
{
	const struct walk *w = p->w;
	const struct heft_recurrent_sizes *s = w->s;
	struct heft_recurrent_row row = {
		.n_hidden = s->n_hidden,
		.cpu_bits = w->c->cpu_bits,
		.is_coupled = s->is_coupled,
		.is_linear = s->is_linear,
		.to = s->gates + p->direction * s->n_functions,
	};

	if (w->kind->has_cell && heft_call_has(w->c, RECURRENT_P))
		row.peepholes = floats_of(w->c, RECURRENT_P) + p->direction * 3 * s->n_hidden;
	for (size_t i = 0; i < p->n_rows; i++) {
		if (!has_step(p, p->first + i, step))
			continue;
		row.from_input = input_row(p, step, p->first + i);
		row.gates = p->gates + i * s->n_gates;
		row.h = p->h + i * s->n_hidden;
		row.c = p->c + i * s->n_hidden;
		row.reset = p->reset + i * s->n_hidden;
		fn(&row);
	}
}

/* h into Y; zeros where a row has no such step. */
static void put_step(const struct part *p, size_t step)
{
	const struct heft_recurrent_sizes *s = p->w->s;
	const size_t n = s->n_hidden;
	float *y = p->w->c->out[0].bytes;

	for (size_t i = 0; i < p->n_rows; i++) {
		const size_t row = p->first + i;
		const size_t at = s->is_batch_first
		                          ? (row * s->n_steps + step) * s->n_directions +
		                                    p->direction
		                          : (step * s->n_directions + p->direction) * s->n_rows +
		                                    row;

		if (has_step(p, row, step))
			memcpy(y + at * n, p->h + i * n, n * sizeof *y);
		else
			memset(y + at * n, 0, n * sizeof *y);
	}
}

static void run_steps(struct part *p)
{
	const struct walk *w = p->w;
	const struct heft_recurrent_sizes *s = w->s;
	const bool is_reverse = p->direction == 1 || s->is_reverse;

	for (size_t i = 0; i < s->n_steps; i++) {
		const size_t step = is_reverse ? s->n_steps - 1 - i : i;

		run_state(p, 1, step);
		if (w->kind->between[0]) {
			run_rows(p, step, w->kind->between[0]);
			run_state(p, 2, step);
		}
		run_rows(p, step, w->kind->last[0]);
		if (heft_call_wants(w->c, 0))
			put_step(p, step);
	}
}

static void run_part(void *ctx, uint64_t task, uint32_t worker)
{
	const struct walk *w = ctx;
	const struct heft_recurrent_sizes *s = w->s;
	const size_t i = task % s->n_parts;
	const size_t first = s->n_rows * i / s->n_parts;
	const size_t n = s->n_rows * (i + 1) / s->n_parts - first;
	const size_t size = (s->n_rows / s->n_parts + 1) * s->n_hidden;
	struct part p = {
		.w = w,
		.direction = (uint32_t)(task / s->n_parts),
		.worker = worker,
		.first = first,
		.n_rows = n,
		.gates = floats_at(w, s->parts_at + task * s->part_size),
	};

	/* each as large as its rows, so one part's never meets another's */
	p.h = p.gates + heft_align_up(size * w->kind->n_gates, 16);
	p.c = p.h + heft_align_up(size, 16);
	p.reset = p.c + heft_align_up(size, 16);
	for (uint32_t k = 1; k < heft_recurrent_n_products(s); k++)
		heft_recurrent_product(w->c, s, k, n, &p.products[k]);
	get_state(&p, RECURRENT_H, p.h);
	if (w->kind->has_cell)
		get_state(&p, RECURRENT_C, p.c);
	memset(p.reset, 0, n * s->n_hidden * sizeof *p.reset);
	run_steps(&p);
	put_state(&p, 1, p.h);
	if (w->kind->has_cell)
		put_state(&p, 2, p.c);
}

void heft_recurrent_forward(const struct heft_call *c, const struct heft_recurrent_kind *kind)
{
	const struct heft_recurrent_sizes *s = heft_recurrent_sizes_of(c);
	const uint64_t n_tasks = s->n_directions * s->n_parts;
	const bool is_worth = c->n_multiply_adds >= HEFT_RECURRENT_WORTH_PARTS;
	struct walk w = { .c = c,
		          .s = s,
		          .kind = kind,
		          .packed = c->packed,
		          .scratch = c->scratch,
		          .shares_steps = n_tasks == 1 &&
		                          s->n_rows * s->n_gates * s->n_hidden >= WORTH_STEP };

	if (c->in[RECURRENT_X].dtype == HEFT_DTYPE_F64) {
		heft_recurrent_f64_forward(c, kind);
		return;
	}
	if (!c->packed) {
		pack_all(c, w.scratch + s->packed_here);
		w.packed = w.scratch + s->packed_here;
	}
	for (uint32_t d = 0; d < s->n_directions; d++)
		run_input(&w, d);
	heft_team_run(is_worth && n_tasks > 1 ? c->team : NULL, n_tasks, run_part, &w);
}
