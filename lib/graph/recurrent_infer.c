/* SPDX-License-Identifier: Apache-2.0 */
/* recurrent_infer.c - LSTM, GRU and RNN: shapes, and the memory that they want. */
#include <assert.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/recurrent_sizes.h"

static_assert(sizeof(struct heft_recurrent_sizes) <= HEFT_CALL_STATE, "the state has room");

void heft_recurrent_product(const struct heft_call *c, const struct heft_recurrent_sizes *s,
                            uint32_t i, size_t n_rows, struct heft_product *p)
{
	const size_t stride = s->is_batch_first ? s->n_steps : 1;

	if (i == 0) {
		heft_product_matrix(p, n_rows, s->n_input, s->n_gates);
	} else {
		heft_product_matrix(p, n_rows, s->n_hidden,
		                    i == 1 ? s->n_first : s->n_gates - s->n_first);
		p->y_ld = s->n_gates;
		p->residual_ld = s->n_gates * stride;
	}
	heft_product_init_by(c->cpu_bits, p);
}

/* --- shapes --- */

static enum heft_status check_shape(const struct heft_call *c, uint32_t i, uint32_t rank,
                                    const uint64_t *dims, struct heft_error *err)
{
	const enum heft_dtype numbers[] = { c->in[RECURRENT_X].dtype, HEFT_DTYPE_NONE };
	static const enum heft_dtype i32[] = { HEFT_DTYPE_I32, HEFT_DTYPE_NONE };
	const struct heft_array *a = &c->in[i];

	if (!heft_call_has(c, i))
		return HEFT_OK;
	HEFT_TRY(heft_call_check_dtype(c, i, i == RECURRENT_LENGTHS ? i32 : numbers, err));
	if (a->rank != rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input %u has %u dimensions and not %u", i, a->rank, rank);
	for (uint32_t d = 0; d < rank; d++) {
		if (a->dims[d] != dims[d])
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "input %u has %llu elements in dimension %u and not %llu",
			                 i, (unsigned long long)a->dims[d], d,
			                 (unsigned long long)dims[d]);
	}
	return HEFT_OK;
}

static enum heft_status check_shapes(const struct heft_call *c,
                                     const struct heft_recurrent_sizes *s, uint32_t n_gates,
                                     struct heft_error *err)
{
	const uint64_t d = s->n_directions;
	const uint64_t h = s->n_hidden;
	const uint64_t b = s->n_rows;
	uint64_t all;
	uint64_t twice;

	if (!heft_mul_u64(h, 2 * (uint64_t)n_gates, &twice))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "the hidden size is %llu",
		                 (unsigned long long)h);
	all = twice / 2;
	HEFT_TRY(check_shape(c, RECURRENT_W, 3, (uint64_t[]){ d, all, s->n_input }, err));
	HEFT_TRY(check_shape(c, RECURRENT_R, 3, (uint64_t[]){ d, all, h }, err));
	HEFT_TRY(check_shape(c, RECURRENT_B, 2, (uint64_t[]){ d, twice }, err));
	HEFT_TRY(check_shape(c, RECURRENT_LENGTHS, 1, (uint64_t[]){ b }, err));
	for (uint32_t i = RECURRENT_H; i <= RECURRENT_C; i++)
		HEFT_TRY(check_shape(c, i, 3,
		                     s->is_batch_first ? (uint64_t[]){ b, d, h }
		                                       : (uint64_t[]){ d, b, h },
		                     err));
	return check_shape(c, RECURRENT_P, 2, (uint64_t[]){ d, 3 * h }, err);
}

static enum heft_status read_sizes(const struct heft_call *c,
                                   const struct heft_recurrent_kind *kind,
                                   struct heft_recurrent_sizes *s, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	const char *direction = heft_call_text(c, "direction", "forward");
	const int64_t layout = heft_call_int(c, "layout", 0);
	const struct heft_array *x = &c->in[RECURRENT_X];

	HEFT_TRY(heft_call_check_dtype(c, RECURRENT_X, floats, err));
	if (x->rank != 3 || c->in[RECURRENT_R].rank != 3)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the inputs X, W and R do not have 3 dimensions");
	if (layout != 0 && layout != 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "'layout' is %lld",
		                 (long long)layout);
	s->n_directions = strcmp(direction, "bidirectional") == 0 ? 2 : 1;
	s->is_reverse = strcmp(direction, "reverse") == 0;
	if (s->n_directions == 1 && !s->is_reverse && strcmp(direction, "forward") != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "'direction' is '%.20s'",
		                 direction);
	s->is_batch_first = layout == 1;
	s->is_coupled = heft_call_int(c, "input_forget", 0) != 0;
	s->is_linear = heft_call_int(c, "linear_before_reset", 0) != 0;
	s->n_steps = x->dims[s->is_batch_first];
	s->n_rows = x->dims[!s->is_batch_first];
	s->n_input = x->dims[2];
	s->n_hidden = c->in[RECURRENT_R].dims[2];
	s->n_functions = kind->n_functions;
	if (s->n_input == 0 || s->n_hidden == 0 ||
	    (uint64_t)heft_call_int(c, "hidden_size", (int64_t)s->n_hidden) != s->n_hidden)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the input size is %llu, and the hidden size of R %llu",
		                 (unsigned long long)s->n_input, (unsigned long long)s->n_hidden);
	HEFT_TRY(check_shapes(c, s, kind->n_gates, err));
	s->n_gates = kind->n_gates * s->n_hidden;
	s->n_first = kind->n_first * s->n_hidden;
	return heft_gates_read(c, kind, s->n_directions, s->gates, err);
}

static enum heft_status set_outputs(struct heft_call *c, const struct heft_recurrent_sizes *s,
                                    struct heft_error *err)
{
	const uint64_t d = s->n_directions;
	const uint64_t h = s->n_hidden;
	const uint64_t b = s->n_rows;
	const uint64_t t = s->n_steps;

	if (c->n_out > 0)
		HEFT_TRY(heft_array_set(&c->out[0], c->in[RECURRENT_X].dtype, 4,
		                        s->is_batch_first ? (uint64_t[]){ b, t, d, h }
		                                          : (uint64_t[]){ t, d, b, h },
		                        err));
	for (uint32_t i = 1; i < c->n_out; i++)
		HEFT_TRY(heft_array_set(&c->out[i], c->in[RECURRENT_X].dtype, 3,
		                        s->is_batch_first ? (uint64_t[]){ b, d, h }
		                                          : (uint64_t[]){ d, b, h },
		                        err));
	return HEFT_OK;
}

/* --- memory --- */

/* n x each bytes behind *size, to 64; false where they would not fit. */
static bool add_room(size_t *size, size_t n, size_t each, size_t *at)
{
	size_t bytes;

	*at = *size;
	return heft_mul_size(n, each, &bytes) && bytes < SIZE_MAX / 2 &&
	       heft_add_size(*size, heft_align_up(bytes, 64), size) && *size < SIZE_MAX / 2;
}

static bool lay_out_packed(const struct heft_call *c, struct heft_recurrent_sizes *s)
{
	for (uint32_t i = 0; i < heft_recurrent_n_products(s); i++) {
		const size_t n = i == 0 ? s->n_input : s->n_hidden;
		struct heft_product p;
		size_t fits;

		if (!heft_mul_size(s->n_gates + 64, n * sizeof(float), &fits))
			return false;
		heft_recurrent_product(c, s, i, 1, &p);
		if (!add_room(&s->packed_size, 1, p.packed_size, &s->packed_at[i]))
			return false;
		if (p.scratch_size > s->product_size)
			s->product_size = p.scratch_size;
	}
	s->product_size = heft_align_up(s->product_size, 64);
	return true;
}

static bool lay_out(const struct heft_call *c, struct heft_recurrent_sizes *s, size_t *size)
{
	const size_t n_threads = heft_team_n_threads(c->team);
	const size_t n_part_rows = s->n_rows / s->n_parts + 1;
	const size_t row = s->n_gates * sizeof(float);
	size_t n_all;
	size_t at;

	*size = 0;
	if (!heft_mul_size(s->n_steps, s->n_rows, &n_all) ||
	    !heft_mul_size(n_all, s->n_directions, &n_all))
		return false;
	/* of a part: gates, h, c, reset */
	s->part_size = 0;
	for (int i = 0; i < 4; i++) {
		if (!add_room(&s->part_size, n_part_rows,
		              i == 0 ? row : s->n_hidden * sizeof(float), &at))
			return false;
	}
	/* where the weights are known, pack is called before forward */
	if (!(c->in[RECURRENT_W].bytes && c->in[RECURRENT_R].bytes) &&
	    !add_room(size, s->n_directions, s->packed_size, &s->packed_here))
		return false;
	return add_room(size, s->n_directions, row, &s->bias_at) &&
	       add_room(size, n_all, row, &s->from_input_at) &&
	       add_room(size, s->n_directions * s->n_parts, s->part_size, &s->parts_at) &&
	       add_room(size, n_threads, s->product_size, &s->products_at);
}

/* Of F64, each thread has a row. */
static enum heft_status set_f64_scratch(struct heft_call *c, const struct heft_recurrent_kind *kind,
                                        struct heft_error *err)
{
	const size_t n_hidden = heft_recurrent_sizes_of(c)->n_hidden;

	if (n_hidden > SIZE_MAX / 4096 ||
	    !heft_mul_size(heft_team_n_threads(c->team), heft_recurrent_f64_size(kind, n_hidden),
	                   &c->scratch_size))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "the hidden size is %llu",
		                 (unsigned long long)n_hidden);
	return HEFT_OK;
}

/* Parts are a matter of speed alone. */
static void choose_parts(const struct heft_call *c, struct heft_recurrent_sizes *s,
                         uint64_t n_multiply_adds)
{
	const size_t n_threads = heft_team_n_threads(c->team);
	const size_t n = (n_threads + s->n_directions - 1) / s->n_directions;

	s->n_parts = n_multiply_adds < HEFT_RECURRENT_WORTH_PARTS || s->n_rows < 2 ? 1
	             : n < s->n_rows                                               ? n
	                                                                           : s->n_rows;
}

enum heft_status heft_recurrent_infer(struct heft_call *c, const struct heft_recurrent_kind *kind,
                                      struct heft_error *err)
{
	struct heft_recurrent_sizes *s = (void *)c->state;
	uint64_t work;

	memset(s, 0, sizeof *s);
	HEFT_TRY(read_sizes(c, kind, s, err));
	HEFT_TRY(set_outputs(c, s, err));
	if (heft_mul_u64(s->n_steps, s->n_rows, &work) &&
	    heft_mul_u64(work, s->n_gates * s->n_directions, &work) &&
	    heft_mul_u64(work, s->n_hidden + s->n_input, &work))
		c->n_multiply_adds = work;
	else
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "more than 2^64 products are to be summed");
	if (c->in[RECURRENT_X].dtype == HEFT_DTYPE_F64)
		return set_f64_scratch(c, kind, err);
	choose_parts(c, s, work);
	if (!lay_out_packed(c, s) || !lay_out(c, s, &c->scratch_size))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the gates of %llu steps do not fit into memory",
		                 (unsigned long long)s->n_steps);
	c->packed_size = s->packed_size * s->n_directions;
	return HEFT_OK;
}
