/* SPDX-License-Identifier: Apache-2.0 */
/* op_stft.c - STFT: the transforms of pieces of a signal, each seen through a window. Spec
 * F6-88. */
#include <assert.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/dft.h"

enum {
	IN_SIGNAL,
	IN_STEP,
	IN_WINDOW,
	IN_LENGTH
};

struct sizes {
	size_t n_frames; /* of a signal */
	size_t step;
	size_t n; /* of a frame */
	size_t n_out;
	bool is_complex;
	size_t lines_at; /* bytes of scratch, behind the table */
	size_t line_size;
};

static_assert(sizeof(struct sizes) <= HEFT_CALL_STATE, "the state has room");

/* The length of a frame. */
static enum heft_status read_length(const struct heft_call *c, int64_t *n, struct heft_error *err)
{
	const bool has_window = heft_call_has(c, IN_WINDOW);
	const struct heft_array *window = &c->in[IN_WINDOW];

	*n = (int64_t)c->in[IN_SIGNAL].dims[1];
	if (has_window) {
		if (window->dtype != c->in[IN_SIGNAL].dtype || window->rank != 1)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the window is no list of the signal's dtype");
		*n = (int64_t)window->dims[0];
	}
	if (heft_call_has(c, IN_LENGTH))
		HEFT_TRY(heft_dft_known_int(c, IN_LENGTH, n, err));
	if (*n < 1 || (has_window && (uint64_t)*n != window->dims[0]))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the length of a frame is %lld, which the window does not have",
		                 (long long)*n);
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[IN_SIGNAL];
	const bool is_onesided = heft_call_int(c, "onesided", 1) != 0;
	struct sizes *s = (void *)c->state;
	size_t table_size;
	int64_t step;
	int64_t n;

	*s = (struct sizes){ 0 };
	HEFT_TRY(heft_call_check_dtype(c, IN_SIGNAL, floats, err));
	if (x->rank != 3 || (x->dims[2] != 1 && x->dims[2] != 2))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the signal does not have 3 dimensions, the last of 1 or 2");
	HEFT_TRY(heft_dft_known_int(c, IN_STEP, &step, err));
	HEFT_TRY(read_length(c, &n, err));
	s->is_complex = x->dims[2] == 2;
	if (step < 1 || (uint64_t)n > x->dims[1] || (is_onesided && s->is_complex))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "no frames of %lld every %lld go into %llu", (long long)n,
		                 (long long)step, (unsigned long long)x->dims[1]);
	s->step = (size_t)step;
	s->n = (size_t)n;
	s->n_frames = (x->dims[1] - s->n) / s->step + 1;
	s->n_out = is_onesided ? s->n / 2 + 1 : s->n;
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, 4,
	                        (uint64_t[]){ x->dims[0], s->n_frames, s->n_out, 2 }, err));
	if (!heft_dft_sizes(s->n, &table_size, &s->line_size) ||
	    !heft_mul_size(s->line_size, heft_team_n_threads(c->team), &c->scratch_size) ||
	    !heft_add_size(c->scratch_size, table_size, &c->scratch_size))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "a transform of %llu numbers does not fit into memory",
		                 (unsigned long long)s->n);
	s->lines_at = table_size;
	return HEFT_OK;
}

static void run_frame(void *ctx, uint64_t task, uint32_t worker)
{
	const struct heft_call *c = ctx;
	const struct sizes *s = (const void *)c->state;
	uint8_t *scratch = c->scratch;
	const struct heft_dft_line line = heft_dft_line_at(scratch + s->lines_at +
	                                                           worker * s->line_size,
	                                                   s->n);
	const size_t first = task / s->n_frames * c->in[IN_SIGNAL].dims[1] +
	                     task % s->n_frames * s->step;

	for (size_t i = 0; i < s->n; i++) {
		const double w = heft_call_has(c, IN_WINDOW) ? heft_dft_get(&c->in[IN_WINDOW], i)
		                                             : 1;
		const size_t from = first + i;

		line.in[2 * i] = w *
		                 heft_dft_get(&c->in[IN_SIGNAL], s->is_complex ? 2 * from : from);
		line.in[2 * i + 1] = s->is_complex
		                             ? w * heft_dft_get(&c->in[IN_SIGNAL], 2 * from + 1)
		                             : 0;
	}
	heft_dft_run(c->scratch, s->n, &line);
	for (size_t i = 0; i < 2 * s->n_out; i++)
		heft_dft_put(&c->out[0], task * 2 * s->n_out + i, line.out[i]);
}

static void forward(const struct heft_call *c)
{
	const struct sizes *s = (const void *)c->state;
	struct heft_call run = *c;
	const size_t n_frames = c->in[IN_SIGNAL].dims[0] * s->n_frames;

	heft_dft_table(c->cpu_bits, s->n, false, c->scratch);
	heft_team_run(n_frames * s->n >= 4096 ? c->team : NULL, n_frames, run_frame, &run);
}

const struct heft_op heft_op_stft = {
	.name = "STFT",
	.domain = "",
	.since = 17,
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 4,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1 | 1 << 3,
	.infer = infer,
	.forward = forward,
};
