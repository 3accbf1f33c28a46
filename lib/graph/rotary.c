/* SPDX-License-Identifier: Apache-2.0 */
/* rotary.c - turns pairs of numbers by the angles of their positions. */
#include "graph/rotary.h"

#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"

/* Numbers a task, about. */
#define TASK 16384

enum heft_status heft_rotary_shape(const struct heft_call *c, int64_t n_heads, uint64_t size,
                                   struct heft_rotary *r, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	r->dtype = x->dtype;
	if (x->rank != 3 && x->rank != 4)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input 0 has %u dimensions, not 3 or 4", x->rank);
	r->is_heads_first = x->rank == 4;
	r->n_batch = x->dims[0];
	if (r->is_heads_first) {
		r->n_heads = x->dims[1];
		r->n_places = x->dims[2];
		r->size = x->dims[3];
		return HEFT_OK;
	}
	r->n_places = x->dims[1];
	if (n_heads > 0 && x->dims[2] % (uint64_t)n_heads == 0)
		r->size = x->dims[2] / (uint64_t)n_heads;
	else if (n_heads == 0 && size > 0 && x->dims[2] % size == 0)
		r->size = size;
	else
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%llu columns are no %lld heads", (unsigned long long)x->dims[2],
		                 (long long)n_heads);
	r->n_heads = r->size > 0 ? x->dims[2] / r->size : 0;
	return HEFT_OK;
}

enum heft_status heft_rotary_tables(const struct heft_call *c, struct heft_rotary *r,
                                    struct heft_error *err)
{
	const enum heft_dtype same[] = { r->dtype, HEFT_DTYPE_NONE };
	const struct heft_array *cosines = &c->in[r->in_cos];
	const struct heft_array *sines = &c->in[r->in_sin];
	const uint32_t rank = r->positions == HEFT_POSITIONS_NONE ? 3 : 2;

	HEFT_TRY(heft_call_check_dtype(c, r->in_cos, same, err));
	HEFT_TRY(heft_call_check_dtype(c, r->in_sin, same, err));
	if (r->n_turned % 2 != 0 || r->n_turned > r->size)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%llu numbers of %llu are to be turned in pairs",
		                 (unsigned long long)r->n_turned, (unsigned long long)r->size);
	if (cosines->rank != rank || !heft_array_same_shape(cosines, sines) ||
	    cosines->dims[rank - 1] != r->n_turned / 2 ||
	    (rank == 3 && (cosines->dims[0] != r->n_batch || cosines->dims[1] != r->n_places)))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the tables of cosines and sines do not go with the input");
	r->n_rows = rank == 3 ? r->n_batch * r->n_places : cosines->dims[0];
	if (r->n_rows == 0 && c->in[0].n_elements > 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the tables have no rows");
	return HEFT_OK;
}

/* The row of the tables: positions from behind are negative, and what is outside is the nearest. */
static size_t table_row(const struct heft_call *c, const struct heft_rotary *r, size_t sample,
                        size_t place)
{
	const int64_t n = (int64_t)r->n_rows;
	int64_t at;

	if (r->positions == HEFT_POSITIONS_NONE)
		return sample * r->n_places + place;
	if (r->positions == HEFT_POSITIONS_EACH) {
		at = ((const int64_t *)c->in[r->in_positions].bytes)[sample * r->n_places + place];
	} else {
		at = ((const int64_t *)c->in[r->in_positions].bytes)[0];
		/* both below 2^62 then */
		at = at < -n ? -n : at > n ? n : at;
		at += (int64_t)place;
	}
	if (at < 0)
		at = at < -n ? 0 : at + n;
	return (size_t)(at >= n ? n - 1 : at);
}

/* The same in binary32 and in binary64. */
#define TURN(type, name)                                                                       \
	static void name(const struct heft_rotary *r, const type *x, const type *cosines,      \
	                 const type *sines, type *y)                                           \
	{                                                                                      \
		const size_t n = r->n_turned / 2;                                              \
		const size_t step = r->is_interleaved ? 2 : 1;                                 \
		const size_t other = r->is_interleaved ? 1 : n;                                \
                                                                                               \
		for (size_t i = 0; i < n; i++) {                                               \
			const type a = x[i * step];                                            \
			const type b = x[i * step + other];                                    \
			const type ca = cosines[i] * a;                                        \
			const type sb = sines[i] * b;                                          \
			const type sa = sines[i] * a;                                          \
			const type cb = cosines[i] * b;                                        \
                                                                                               \
			y[i * step] = ca - sb;                                                 \
			y[i * step + other] = sa + cb;                                         \
		}                                                                              \
		memcpy(y + r->n_turned, x + r->n_turned, (r->size - r->n_turned) * sizeof *y); \
	}

TURN(float, turn_f32)
TURN(double, turn_f64)

/* A head of a place, which begins at element `at`; row: where its row of the tables does. */
static void turn(const struct heft_call *c, const struct heft_rotary *r, size_t at, size_t row)
{
	const void *x = c->in[0].bytes;
	const void *cosines = c->in[r->in_cos].bytes;
	const void *sines = c->in[r->in_sin].bytes;
	void *y = c->out[0].bytes;

	if (r->dtype == HEFT_DTYPE_F64)
		turn_f64(r, (const double *)x + at, (const double *)cosines + row,
		         (const double *)sines + row, (double *)y + at);
	else
		turn_f32(r, (const float *)x + at, (const float *)cosines + row,
		         (const float *)sines + row, (float *)y + at);
}

struct run {
	const struct heft_call *c;
	const struct heft_rotary *r;
	size_t n_each; /* places a task */
};

/* Places of all samples, each with all its heads. */
static void run_places(void *ctx, uint64_t task, uint32_t worker)
{
	const struct run *run = ctx;
	const struct heft_rotary *r = run->r;
	const size_t n_all = r->n_batch * r->n_places;
	const size_t first = task * run->n_each;
	const size_t end = n_all - first < run->n_each ? n_all : first + run->n_each;

	(void)worker;
	for (size_t i = first; i < end; i++) {
		const size_t sample = i / r->n_places;
		const size_t place = i % r->n_places;
		const size_t row = table_row(run->c, r, sample, place) * (r->n_turned / 2);

		for (size_t h = 0; h < r->n_heads; h++) {
			const size_t at = r->is_heads_first
			                          ? (sample * r->n_heads + h) * r->n_places + place
			                          : i * r->n_heads + h;

			turn(run->c, r, at * r->size, row);
		}
	}
}

void heft_rotary_run(const struct heft_call *c, const struct heft_rotary *r)
{
	struct run run = { c, r, 0 };

	if (c->in[0].n_elements == 0)
		return;
	run.n_each = TASK / (r->n_heads * r->size) + 1;
	heft_team_run(c->in[0].n_elements > 2 * TASK ? c->team : NULL,
	              (r->n_batch * r->n_places + run.n_each - 1) / run.n_each, run_places, &run);
}

/* --- backward --- */

/* A position for each place of each sample, from that of the first place: within what table_row
 * makes of it. */
static uint32_t spread(struct heft_gradient *g, const struct heft_rotary *r)
{
	const int64_t shape[2] = { (int64_t)r->n_batch, (int64_t)r->n_places };
	const int64_t n = (int64_t)r->n_rows;
	const uint32_t places = heft_emit_3(g, "Range", heft_emit_integer(g, 0),
	                                    heft_emit_integer(g, shape[1]),
	                                    heft_emit_integer(g, 1));
	uint32_t at = heft_gradient_in(g, r->in_positions);

	at = heft_emit_2(g, "Max", at, heft_emit_integer(g, -n));
	at = heft_emit_2(g, "Min", at, heft_emit_integer(g, n));
	return heft_emit_2(g, "Expand", heft_emit_2(g, "Add", at, places),
	                   heft_emit_list(g, shape, 2));
}

/* A turn is undone by one of the opposite angle (F7-65). */
void heft_rotary_backward(const struct heft_call *c, struct heft_gradient *g)
{
	struct heft_call again = *c;
	const struct heft_rotary *r = (const void *)again.state;
	struct heft_array out;
	struct heft_emit e = { .type = "RotaryEmbedding", .opset = 23, .n_in = 3, .n_attrs = 3 };

	again.out = &out;
	if (c->op->infer(&again, NULL) != HEFT_OK)
		return;
	if (heft_gradient_wants(g, r->in_cos) || heft_gradient_wants(g, r->in_sin)) {
		heft_gradient_block(g, "tables of cosines and sines are not trained");
		return;
	}
	e.in[0] = heft_gradient_of(g, 0);
	e.in[1] = heft_gradient_in(g, r->in_cos);
	e.in[2] = heft_emit_1(g, "Neg", heft_gradient_in(g, r->in_sin));
	if (r->positions != HEFT_POSITIONS_NONE)
		e.in[e.n_in++] = r->positions == HEFT_POSITIONS_EACH
		                         ? heft_gradient_in(g, r->in_positions)
		                         : spread(g, r);
	e.attrs[0] = heft_attr_int("num_heads", (int64_t)r->n_heads);
	e.attrs[1] = heft_attr_int("interleaved", r->is_interleaved);
	e.attrs[2] = heft_attr_int("rotary_embedding_dim", (int64_t)r->n_turned);
	heft_give(g, 0, heft_emit(g, &e));
}
