/* SPDX-License-Identifier: Apache-2.0 */
/* op_multinomial.c - Multinomial: draws classes, of logarithms of how likely they are. Spec
 * F6-86. */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/random.h"
#include "kernel/elementary.h"
#include "kernel/sum.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype f32[] = { HEFT_DTYPE_F32, HEFT_DTYPE_NONE };
	const int64_t n = heft_call_int(c, "sample_size", 1);
	const struct heft_array *x = &c->in[0];
	enum heft_dtype dtype;

	(void)heft_call_float(c, "seed", 0); /* so that infer sees whether it is one */
	HEFT_TRY(heft_call_check_dtype(c, 0, f32, err));
	HEFT_TRY(heft_random_dtype(c, HEFT_DTYPE_I32, &dtype, err));
	if (x->rank != 2 || x->dims[1] == 0 || x->dims[1] > INT32_MAX || n < 0 ||
	    (dtype != HEFT_DTYPE_I32 && dtype != HEFT_DTYPE_I64))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the input is no matrix of classes, or %lld samples of dtype %s "
		                 "are wanted",
		                 (long long)n, heft_dtype_name(dtype));
	HEFT_TRY(
		heft_array_set(&c->out[0], dtype, 2, (uint64_t[]){ x->dims[0], (uint64_t)n }, err));
	if (c->out[0].n_elements >> 34 != 0)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "more than 2^34 samples are wanted");
	c->scratch_size = x->dims[1] * (sizeof(double) + sizeof(float));
	return HEFT_OK;
}

/* What each class and those before it come to. */
static void add_up(const struct heft_call *c, const float *x, size_t n, double *sums, float *e)
{
	const float most = heft_max_f32_by(c->cpu_bits, x, n);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		e[i] = x[i] - most;
	heft_exp_f32_by(c->cpu_bits, e, e, n);
	for (size_t i = 0; i < n; i++) {
		sum += (double)e[i];
		sums[i] = sum;
	}
}

/* The first class whose sum is above the number; the last one where there is none. */
static size_t class_of(const double *sums, size_t n, double number)
{
	size_t low = 0;
	size_t high = n - 1;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (sums[middle] > number)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void forward(const struct heft_call *c)
{
	const struct heft_random_place at = heft_random_place_of(c);
	const size_t n = c->in[0].dims[1];
	const uint64_t n_samples = c->out[0].dims[1];
	double *sums = c->scratch;
	float *e = (float *)(sums + n);
	float numbers[4];

	for (uint64_t i = 0; i < c->out[0].n_elements; i++) {
		size_t found;

		if (i % n_samples == 0)
			add_up(c, (const float *)c->in[0].bytes + i / n_samples * n, n, sums, e);
		if (i % 4 == 0)
			heft_random_uniform_f32_by(c->cpu_bits, &at, i, numbers, 4);
		found = class_of(sums, n, (double)numbers[i % 4] * sums[n - 1]);
		if (c->out[0].dtype == HEFT_DTYPE_I64)
			((int64_t *)c->out[0].bytes)[i] = (int64_t)found;
		else
			((int32_t *)c->out[0].bytes)[i] = (int32_t)found;
	}
}

const struct heft_op heft_op_multinomial = {
	.name = "Multinomial",
	.domain = "",
	.since = 7,
	.flags = HEFT_OP_RANDOM | HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
