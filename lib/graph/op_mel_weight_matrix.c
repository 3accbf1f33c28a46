/* SPDX-License-Identifier: Apache-2.0 */
/* op_mel_weight_matrix.c - MelWeightMatrix: triangles over the bins of a spectrum, evenly wide on
 * the mel scale. Spec F6-90. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "graph/dft.h"
#include "kernel/elementary_f64.h"
#include "onnx/model.h"

enum {
	IN_N_BANDS,
	IN_LENGTH,
	IN_RATE,
	IN_LOW,
	IN_HIGH
};

#define LN_10 0x1.26bb1bbb55516p1

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype ints[] = { HEFT_DTYPE_I32, HEFT_DTYPE_I64, HEFT_DTYPE_NONE };
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	const int64_t type = heft_call_int(c, "output_datatype", 1);
	const enum heft_dtype dtype = type < 0 ? HEFT_DTYPE_NONE : heft_onnx_dtype((uint64_t)type);
	int64_t n_bands;
	int64_t length;

	HEFT_TRY(heft_dft_known_int(c, IN_N_BANDS, &n_bands, err));
	HEFT_TRY(heft_dft_known_int(c, IN_LENGTH, &length, err));
	HEFT_TRY(heft_call_check_dtype(c, IN_RATE, ints, err));
	HEFT_TRY(heft_call_check_dtype(c, IN_LOW, floats, err));
	HEFT_TRY(heft_call_check_dtype(c, IN_HIGH, floats, err));
	if (n_bands < 0 || length < 0 || c->in[IN_RATE].n_elements != 1 ||
	    c->in[IN_LOW].n_elements != 1 || c->in[IN_HIGH].n_elements != 1 ||
	    dtype == HEFT_DTYPE_NONE || dtype > HEFT_DTYPE_F64)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "no matrix of %lld bands of a transform of %lld is defined",
		                 (long long)n_bands, (long long)length);
	return heft_array_set(&c->out[0], dtype, 2,
	                      (uint64_t[]){ (uint64_t)length / 2 + 1, (uint64_t)n_bands }, err);
}

/* What is below -1 is taken for that. */
static double mel_of(double hertz)
{
	const double x = hertz / 700;

	return 2595 * heft_f64_log1p_inner(x > -1 && x < 0x1p1000 ? x : 0) / LN_10;
}

static double hertz_of(double mel)
{
	const double x = mel / 2595 * LN_10;

	return 700 * heft_f64_expm1(heft_f64_clamp(x, -700, 700));
}

static int64_t known_int(const struct heft_array *a)
{
	return a->dtype == HEFT_DTYPE_I64 ? *(const int64_t *)a->bytes : *(const int32_t *)a->bytes;
}

struct bands {
	double low;  /* in mel */
	double step; /* of the edges of bands */
	double length;
	double rate;
	int64_t n_bins;
};

/* The bin where edge i is. */
static int64_t edge(const struct bands *b, uint64_t i)
{
	const double at = (b->length + 1) * hertz_of((double)i * b->step + b->low) / b->rate;

	if (!(at > 0))
		return 0;
	return at < (double)b->n_bins ? (int64_t)at : b->n_bins;
}

static void put(const struct heft_array *y, int64_t bin, uint64_t band, double weight)
{
	const uint64_t at = (uint64_t)bin * y->dims[1] + band;

	if ((uint64_t)bin < y->dims[0])
		(void)heft_cast_elements(y->dtype,
		                         (uint8_t *)y->bytes + at * (y->n_bytes / y->n_elements),
		                         HEFT_DTYPE_F64, &weight, 1, NULL);
}

static void forward(const struct heft_call *c)
{
	const struct heft_array *y = &c->out[0];
	const uint64_t n_bands = y->dims[1];
	const double high = mel_of(heft_dft_get(&c->in[IN_HIGH], 0));
	struct bands b = { .low = mel_of(heft_dft_get(&c->in[IN_LOW], 0)),
		           .length = (double)known_int(&c->in[IN_LENGTH]),
		           .rate = (double)known_int(&c->in[IN_RATE]),
		           .n_bins = (int64_t)y->dims[0] };

	if (y->n_elements == 0)
		return;
	b.step = (high - b.low) / (double)(n_bands + 2);
	memset(y->bytes, 0, y->n_bytes);
	for (uint64_t i = 0; i < n_bands; i++) {
		const int64_t first = edge(&b, i);
		const int64_t middle = edge(&b, i + 1);
		const int64_t last = edge(&b, i + 2);

		if (first == middle)
			put(y, middle, i, 1);
		for (int64_t j = first; j <= middle && first != middle; j++)
			put(y, j, i, (double)(j - first) / (double)(middle - first));
		for (int64_t j = middle; j < last; j++)
			put(y, j, i, (double)(last - j) / (double)(last - middle));
	}
}

const struct heft_op heft_op_mel_weight_matrix = {
	.name = "MelWeightMatrix",
	.domain = "",
	.since = 17,
	.min_in = 5,
	.max_in = 5,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 0 | 1 << 1,
	.infer = infer,
	.forward = forward,
};
