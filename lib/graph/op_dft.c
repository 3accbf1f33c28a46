/* SPDX-License-Identifier: Apache-2.0 */
/* op_dft.c - DFT: along an axis, of real or complex numbers, forward or back, of one side or both.
 * Spec F6-88. */
#include <assert.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/dft.h"

#define OPSET_OF_AXIS_INPUT 20

struct sizes {
	size_t n_outer;
	size_t n_inner; /* from one number of a line to the next, in complex numbers */
	size_t n_given; /* numbers of a line, as they come */
	size_t n;       /* of the transform */
	size_t n_out;
	bool is_complex; /* what comes */
	bool is_real;    /* what goes */
	bool is_mirrored;
	bool is_inverse;
	size_t lines_at; /* bytes of scratch, behind the table */
	size_t line_size;
};

static_assert(sizeof(struct sizes) <= HEFT_CALL_STATE, "the state has room");

static enum heft_status read_axis(const struct heft_call *c, uint32_t *axis, struct heft_error *err)
{
	const uint32_t rank = c->in[0].rank;
	int64_t given = heft_call_int(c, "axis", 1);

	if (c->opset >= OPSET_OF_AXIS_INPUT) {
		given = -2;
		if (heft_call_has(c, 2))
			HEFT_TRY(heft_dft_known_int(c, 2, &given, err));
	}
	HEFT_TRY(heft_call_axis(given, rank, false, axis, err));
	if (*axis == rank - 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "axis %lld is that of real and imaginary parts", (long long)given);
	return HEFT_OK;
}

static enum heft_status read_length(const struct heft_call *c, struct sizes *s,
                                    struct heft_error *err)
{
	int64_t n = (int64_t)s->n_given;

	if (s->is_mirrored)
		n = n > 0 ? 2 * (n - 1) : 0;
	if (heft_call_has(c, 1))
		HEFT_TRY(heft_dft_known_int(c, 1, &n, err));
	if (n < 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the transform's length is %lld", (long long)n);
	s->n = (size_t)n;
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];
	const bool is_onesided = heft_call_int(c, "onesided", 0) != 0;
	struct sizes *s = (void *)c->state;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	size_t table_size;
	uint32_t axis;

	*s = (struct sizes){ .n_outer = 1, .n_inner = 1 };
	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	if (x->rank < 2 || (x->dims[x->rank - 1] != 1 && x->dims[x->rank - 1] != 2))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the last dimension does not hold real or complex numbers");
	HEFT_TRY(read_axis(c, &axis, err));
	s->is_complex = x->dims[x->rank - 1] == 2;
	s->is_inverse = heft_call_int(c, "inverse", 0) != 0;
	s->is_real = is_onesided && s->is_inverse;
	s->is_mirrored = s->is_real;
	if (is_onesided && s->is_complex != s->is_inverse)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "one side is that of real numbers, or back to them");
	s->n_given = x->dims[axis];
	HEFT_TRY(read_length(c, s, err));
	s->n_out = is_onesided && !s->is_inverse ? s->n / 2 + 1 : s->n;
	for (uint32_t i = 0; i < x->rank; i++) {
		dims[i] = x->dims[i];
		if (i < axis)
			s->n_outer *= x->dims[i];
		else if (i > axis && i + 1 < x->rank)
			s->n_inner *= x->dims[i];
	}
	dims[axis] = s->n_out;
	dims[x->rank - 1] = s->is_real ? 1 : 2;
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, x->rank, dims, err));
	if (!heft_dft_sizes(s->n, &table_size, &s->line_size) ||
	    !heft_mul_size(s->line_size, heft_team_n_threads(c->team), &c->scratch_size) ||
	    !heft_add_size(c->scratch_size, table_size, &c->scratch_size))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "a transform of %llu numbers does not fit into memory",
		                 (unsigned long long)s->n);
	s->lines_at = table_size;
	return HEFT_OK;
}

/* Number i of the line that begins at complex number `at`. */
static void get(const struct heft_call *c, const struct sizes *s, size_t at, size_t i, double *to)
{
	const size_t from = at + i * s->n_inner;

	to[0] = 0;
	to[1] = 0;
	if (i >= s->n_given)
		return;
	to[0] = heft_dft_get(&c->in[0], s->is_complex ? 2 * from : from);
	if (s->is_complex)
		to[1] = heft_dft_get(&c->in[0], 2 * from + 1);
}

static void run_line(void *ctx, uint64_t task, uint32_t worker)
{
	const struct heft_call *c = ctx;
	const struct sizes *s = (const void *)c->state;
	uint8_t *scratch = c->scratch;
	const struct heft_dft_line line = heft_dft_line_at(scratch + s->lines_at +
	                                                           worker * s->line_size,
	                                                   s->n);
	const size_t outer = task / s->n_inner;
	const size_t inner = task % s->n_inner;

	for (size_t i = 0; i < s->n; i++)
		get(c, s, outer * s->n_given * s->n_inner + inner, i, line.in + 2 * i);
	for (size_t i = s->n / 2 + 1; s->is_mirrored && i < s->n; i++) {
		line.in[2 * i] = line.in[2 * (s->n - i)];
		line.in[2 * i + 1] = -line.in[2 * (s->n - i) + 1];
	}
	heft_dft_run(c->scratch, s->n, &line);
	for (size_t i = 0; i < s->n_out; i++) {
		const size_t to = (outer * s->n_out + i) * s->n_inner + inner;
		double re = line.out[2 * i];
		double im = line.out[2 * i + 1];

		if (s->is_inverse) {
			re = re / (double)s->n;
			im = im / (double)s->n;
		}
		heft_dft_put(&c->out[0], s->is_real ? to : 2 * to, re);
		if (!s->is_real)
			heft_dft_put(&c->out[0], 2 * to + 1, im);
	}
}

static void forward(const struct heft_call *c)
{
	const struct sizes *s = (const void *)c->state;
	struct heft_call run = *c;
	const size_t n_lines = s->n_outer * s->n_inner;

	heft_dft_table(c->cpu_bits, s->n, s->is_inverse, c->scratch);
	heft_team_run(n_lines * s->n >= 4096 ? c->team : NULL, n_lines, run_line, &run);
}

const struct heft_op heft_op_dft = {
	.name = "DFT",
	.domain = "",
	.since = 17,
	.flags = HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1 | 1 << 2,
	.infer = infer,
	.forward = forward,
};
