/* SPDX-License-Identifier: Apache-2.0 */
/* skip_layer.c - the sum of a row and its normalisation, while the row is in the cache. */
#include "graph/skip_layer.h"

#include <string.h>

#include "base/error.h"

struct plan {
	struct heft_layer layer;
	uint64_t n_skip_rows; /* which come again and again */
	uint64_t layer_scratch;
	uint32_t shift;
	uint32_t bias;
};
_Static_assert(sizeof(struct plan) <= HEFT_CALL_STATE, "the plan is kept in the state");

/* The skip is of the input's shape, or of that of its last dimensions. */
static enum heft_status check_skip(const struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *skip = &c->in[1];
	uint32_t first = 0;

	while (first < skip->rank && skip->dims[first] == 1)
		first++;
	if (skip->rank > x->rank ||
	    memcmp(skip->dims + first, x->dims + x->rank - (skip->rank - first),
	           (skip->rank - first) * sizeof *x->dims) != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the skip does not fit the input");
	return HEFT_OK;
}

static enum heft_status check_inputs(const struct heft_call *c, uint32_t bias,
                                     struct heft_error *err)
{
	static const enum heft_dtype both[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];
	const enum heft_dtype floats[] = { x->dtype, HEFT_DTYPE_NONE };

	HEFT_TRY(heft_call_check_dtype(c, 0, both, err));
	HEFT_TRY(heft_call_check_dtype(c, 1, floats, err));
	if (x->rank < 2 || x->dims[x->rank - 1] == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the input is not rows");
	HEFT_TRY(check_skip(c, err));
	if (!heft_call_has(c, bias))
		return HEFT_OK;
	HEFT_TRY(heft_call_check_dtype(c, bias, floats, err));
	if (c->in[bias].rank != 1 || c->in[bias].dims[0] != x->dims[x->rank - 1])
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the bias is not a row");
	return HEFT_OK;
}

enum heft_status heft_skip_layer_infer(struct heft_call *c, bool is_rms, uint32_t shift,
                                       uint32_t bias, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct plan *p = (struct plan *)c->state;

	HEFT_TRY(check_inputs(c, bias, err));
	HEFT_TRY(heft_layer_set(&p->layer, c, x, x->rank - 1, 2, shift, &p->layer_scratch, err));
	p->layer.is_rms = is_rms;
	p->layer.epsilon = heft_call_float(c, "epsilon", 1e-12f);
	p->n_skip_rows = c->in[1].n_elements / p->layer.rows.n;
	p->shift = shift;
	p->bias = bias;
	if (x->n_elements > 0 && p->n_skip_rows == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the skip is not rows");
	c->scratch_size = p->layer_scratch;
	if (x->n_elements > 0 && c->n_out > 1)
		c->scratch_size += heft_team_n_threads(c->team) * p->layer.rows.n *
		                   heft_element_size(x->dtype);
	for (uint32_t i = 1; i < c->n_out && i < 3; i++)
		HEFT_TRY(heft_layer_set_statistics(&p->layer, &c->out[i], err));
	if (c->n_out > 3)
		HEFT_TRY(heft_array_set(&c->out[3], x->dtype, x->rank, x->dims, err));
	return heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err);
}

/* Where a row's sum goes: an output, or the worker's room, behind what the layer wants. */
static void *sum_of(const struct heft_call *c, const struct plan *p, uint64_t row, uint32_t worker)
{
	const uint64_t width = p->layer.rows.n * heft_element_size(c->in[0].dtype);

	if (heft_call_wants(c, 3))
		return (uint8_t *)c->out[3].bytes + row * width;
	if (heft_call_wants(c, 0))
		return (uint8_t *)c->out[0].bytes + row * width;
	return (uint8_t *)c->scratch + p->layer_scratch + worker * width;
}

#define SUM_OF(real, type)                                                                   \
	static void sum_##real(void *sum, const void *x, const void *skip, const void *bias, \
	                       uint64_t n)                                                   \
	{                                                                                    \
		type *y = sum;                                                               \
                                                                                             \
		for (uint64_t i = 0; i < n; i++)                                             \
			y[i] = ((const type *)x)[i] + ((const type *)skip)[i];               \
		for (uint64_t i = 0; bias && i < n; i++)                                     \
			y[i] += ((const type *)bias)[i];                                     \
	}

SUM_OF(f32, float)
SUM_OF(f64, double)

static void run_rows(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct plan *p = (const struct plan *)c->state;
	const bool is_f64 = c->in[0].dtype == HEFT_DTYPE_F64;
	const uint64_t width = p->layer.rows.n * heft_element_size(c->in[0].dtype);
	const void *bias = heft_call_has(c, p->bias) ? c->in[p->bias].bytes : NULL;
	struct heft_layer_arrays a = *(const struct heft_layer_arrays *)ctx;

	for (uint64_t row = first; row < first + n; row++) {
		const uint8_t *x = (const uint8_t *)c->in[0].bytes + row * width;
		const uint8_t *skip = (const uint8_t *)c->in[1].bytes +
		                      row % p->n_skip_rows * width;
		void *sum = sum_of(c, p, row, worker);

		(is_f64 ? sum_f64 : sum_f32)(sum, x, skip, bias, p->layer.rows.n);
		a.x = sum;
		if (heft_call_wants(c, 0))
			a.y = (uint8_t *)c->out[0].bytes + row * width;
		heft_layer_rows(c, &p->layer, &a, row, 1, worker);
	}
}

void heft_skip_layer_forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)c->state;
	const bool has_mean = heft_call_wants(c, 1);
	const struct heft_layer_arrays a = {
		.scale = &c->in[2],
		.shift = heft_call_has(c, p->shift) ? &c->in[p->shift] : NULL,
		.mean = has_mean && !p->layer.is_rms ? c->out[1].bytes : NULL,
		.inverse = heft_call_wants(c, 2) ? c->out[2].bytes : NULL,
		.scratch = c->scratch,
	};

	if (has_mean && p->layer.is_rms && c->out[1].n_bytes > 0)
		memset(c->out[1].bytes, 0, (size_t)c->out[1].n_bytes);
	if (c->in[0].n_elements > 0)
		heft_spans_run(c, p->layer.rows.n_outer, p->layer.rows.n, run_rows, &a);
}
