/* SPDX-License-Identifier: Apache-2.0 */
/* op_det.c - Det: determinants of square matrices, by elimination in binary64. Spec F6-91. */
#include <math.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/dft.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];
	size_t n;

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	if (x->rank < 2 || x->dims[x->rank - 1] != x->dims[x->rank - 2])
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the input does not hold square matrices");
	n = x->dims[x->rank - 1];
	if (!heft_mul_size(n, n, &n) || !heft_mul_size(n, sizeof(double), &n))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "a matrix does not fit into memory");
	c->scratch_size = n;
	return heft_array_set(&c->out[0], x->dtype, x->rank - 2, x->dims, err);
}

/* The row from k on whose number in column k is the largest: the first one. */
static size_t pivot_of(const double *a, size_t n, size_t k)
{
	size_t found = k;

	for (size_t i = k + 1; i < n; i++) {
		if (fabs(a[i * n + k]) > fabs(a[found * n + k]))
			found = i;
	}
	return found;
}

static double determinant(double *a, size_t n)
{
	double product = 1;

	for (size_t k = 0; k < n; k++) {
		const size_t pivot = pivot_of(a, n, k);

		for (size_t j = 0; j < n && pivot != k; j++) {
			const double kept = a[k * n + j];

			a[k * n + j] = a[pivot * n + j];
			a[pivot * n + j] = kept;
		}
		product *= pivot == k ? a[k * n + k] : -a[k * n + k];
		if (a[k * n + k] == 0)
			return 0;
		for (size_t i = k + 1; i < n; i++) {
			const double factor = a[i * n + k] / a[k * n + k];

			for (size_t j = k + 1; j < n; j++) {
				const double taken = factor * a[k * n + j];

				a[i * n + j] = a[i * n + j] - taken;
			}
		}
	}
	return product;
}

static void forward(const struct heft_call *c)
{
	const size_t n = c->in[0].dims[c->in[0].rank - 1];
	double *a = c->scratch;

	for (uint64_t m = 0; m < c->out[0].n_elements; m++) {
		for (size_t i = 0; i < n * n; i++)
			a[i] = heft_dft_get(&c->in[0], m * n * n + i);
		heft_dft_put(&c->out[0], m, determinant(a, n));
	}
}

const struct heft_op heft_op_det = {
	.name = "Det",
	.domain = "",
	.since = 11,
	.flags = HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
