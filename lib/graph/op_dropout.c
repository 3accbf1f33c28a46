/* SPDX-License-Identifier: Apache-2.0 */
/* op_dropout.c - Dropout: nothing at inference; in training elements are dropped by their place,
 * and the others made larger: spec F6-14. */
#include <string.h>

#include "base/error.h"
#include "graph/elementwise_loops.h"
#include "graph/spans.h"
#include "kernel/philox.h"

#define FIRST_OPSET_WITHOUT_IS_TEST 7
#define FIRST_OPSET_OF_BOOL_MASKS 10
#define FIRST_OPSET_OF_INPUTS 12
#define N_A_TILE 1024
#define MOST_ELEMENTS (UINT64_C(1) << 34) /* that have a random number each */

static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };

static enum heft_status check_inputs(const struct heft_call *c, struct heft_error *err)
{
	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	if (c->opset < FIRST_OPSET_OF_INPUTS && c->n_in > 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the ratio is an input, before opset 12");
	if (heft_call_has(c, 1)) {
		HEFT_TRY(heft_call_check_dtype(c, 1, floats, err));
		if (c->in[1].n_elements != 1)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the ratio is not one number");
	}
	if (heft_call_has(c, 2) && (c->in[2].dtype != HEFT_DTYPE_BOOL || c->in[2].n_elements != 1))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "training_mode is not one BOOL");
	if (c->in[0].n_elements > MOST_ELEMENTS)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "more than 2^34 elements are not dropped out");
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const enum heft_dtype mask = c->opset < FIRST_OPSET_OF_BOOL_MASKS ? x->dtype
	                                                                  : HEFT_DTYPE_BOOL;

	HEFT_TRY(check_inputs(c, err));
	(void)heft_call_int(c, "is_test", 0);
	(void)heft_call_float(c, "ratio", 0.5f);
	(void)heft_call_int(c, "seed", 0);
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err));
	if (c->n_out > 1)
		HEFT_TRY(heft_array_set(&c->out[1], mask, x->rank, x->dims, err));
	c->may_overwrite = 1;
	return HEFT_OK;
}

struct dropout {
	float ratio;
	float scale;
	double wide_scale;
	struct heft_random_place place;
};

static double given_ratio(const struct heft_call *c)
{
	return c->in[1].dtype == HEFT_DTYPE_F64 ? *(const double *)c->in[1].bytes
	                                        : (double)*(const float *)c->in[1].bytes;
}

/* 0 where nothing is dropped. */
static double ratio_of(const struct heft_call *c)
{
	double ratio = 0.5;

	if (c->opset < FIRST_OPSET_OF_INPUTS && c->trains)
		return (double)heft_call_float(c, "ratio", 0.5f);
	if (c->opset < FIRST_OPSET_WITHOUT_IS_TEST)
		return heft_call_int(c, "is_test", 0) != 0
		               ? 0
		               : (double)heft_call_float(c, "ratio", 0.5f);
	if (c->trains)
		return heft_call_has(c, 1) ? given_ratio(c) : ratio;
	if (!heft_call_has(c, 2) || *(const uint8_t *)c->in[2].bytes == 0)
		return 0;
	if (heft_call_has(c, 1))
		ratio = given_ratio(c);
	return ratio > 0 ? ratio : 0;
}

static void drop(const struct heft_call *c, const struct dropout *d, uint64_t at, size_t n,
                 const float *random)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *y = &c->out[0];
	double wide[N_A_TILE];

	if (x->dtype == HEFT_DTYPE_F32) {
		heft_arithmetic_f32_by(c->cpu_bits, HEFT_ARITHMETIC_DROP, (float *)y->bytes + at,
		                       (const float *)x->bytes + at, 1, random, 1, d->ratio,
		                       d->scale, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		wide[i] = (double)random[i];
	heft_arithmetic_f64_by(c->cpu_bits, HEFT_ARITHMETIC_DROP, (double *)y->bytes + at,
	                       (const double *)x->bytes + at, 1, wide, 1, (double)d->ratio,
	                       d->wide_scale, n);
}

static void set_mask(const struct heft_array *mask, uint64_t at, size_t n, const float *random,
                     float ratio)
{
	for (size_t i = 0; i < n; i++) {
		const bool is_kept = random[i] >= ratio;

		if (mask->dtype == HEFT_DTYPE_BOOL)
			((uint8_t *)mask->bytes)[at + i] = is_kept;
		else if (mask->dtype == HEFT_DTYPE_F32)
			((float *)mask->bytes)[at + i] = is_kept ? 1.0f : 0.0f;
		else
			((double *)mask->bytes)[at + i] = is_kept ? 1.0 : 0.0;
	}
}

static void drop_span(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n_tiles,
                      uint32_t worker)
{
	const struct dropout *d = ctx;
	float random[N_A_TILE] = { 0 };

	(void)worker;
	for (uint64_t tile = first; tile < first + n_tiles; tile++) {
		const uint64_t at = tile * N_A_TILE;
		const uint64_t left = c->in[0].n_elements - at;
		const size_t n = (size_t)(left < N_A_TILE ? left : N_A_TILE);

		if (d->ratio > 0)
			heft_random_uniform_f32_by(c->cpu_bits, &d->place, at, random, n);
		if (heft_call_wants(c, 1))
			set_mask(&c->out[1], at, n, random, d->ratio);
		if (heft_call_wants(c, 0) && d->ratio > 0)
			drop(c, d, at, n, random);
	}
}

static void forward(const struct heft_call *c)
{
	const double ratio = ratio_of(c);
	const struct heft_attr *seed = heft_call_attr(c, "seed");
	const struct dropout d = {
		.ratio = (float)ratio,
		.scale = 1.0f / (1.0f - (float)ratio),
		.wide_scale = 1.0 / (1.0 - ratio),
		.place = { .seed = seed ? (uint64_t)seed->i : c->seed,
		           .stream = HEFT_RANDOM_DROPOUT,
		           .epoch = c->epoch,
		           .step = c->step },
	};
	const uint64_t n = c->in[0].n_elements;

	if (d.ratio <= 0 && heft_call_wants(c, 0) && c->out[0].bytes != c->in[0].bytes && n > 0)
		memcpy(c->out[0].bytes, c->in[0].bytes, (size_t)c->in[0].n_bytes);
	if (d.ratio > 0 || heft_call_wants(c, 1))
		heft_spans_run(c, n / N_A_TILE + (n % N_A_TILE != 0), N_A_TILE, drop_span, &d);
}

/* The same numbers are drawn once more, and drop the gradient. */
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_emit e = {
		.type = "Dropout",
		.opset = c->opset,
		.n_in = c->n_in,
		.in = { heft_gradient_of(g, 0), heft_gradient_in(g, 1), heft_gradient_in(g, 2) },
		.same = &c->attrs,
		.draws_alike = true,
	};

	if (heft_gradient_wants(g, 1))
		heft_gradient_block(g, "its ratio is not trained");
	heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_dropout = {
	.name = "Dropout",
	.domain = "",
	.flags = HEFT_OP_WIDENS | HEFT_OP_RANDOM,
	.min_in = 1,
	.max_in = 3,
	.min_out = 1,
	.max_out = 2,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
