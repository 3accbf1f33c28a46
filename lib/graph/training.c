/* SPDX-License-Identifier: Apache-2.0 */
/* training.c - the arrays of an optimiser's update. */
#include "graph/training.h"

#include "base/error.h"

/* In front of the arrays: R and T. */
#define N_FIRST 2

enum heft_status heft_training_infer(struct heft_call *c, uint32_t n_in, struct heft_error *err)
{
	static const enum heft_dtype f32[] = { HEFT_DTYPE_F32, HEFT_DTYPE_NONE };
	static const enum heft_dtype i64[] = { HEFT_DTYPE_I64, HEFT_DTYPE_NONE };
	const uint32_t n_arrays = c->n_in - N_FIRST;
	const uint32_t n_variables = n_arrays / n_in;

	HEFT_TRY(heft_call_check_dtype(c, 0, f32, err));
	HEFT_TRY(heft_call_check_dtype(c, 1, i64, err));
	if (c->in[0].n_elements != 1 || c->in[1].n_elements != 1 || n_arrays % n_in != 0 ||
	    c->n_out != n_variables * (n_in - 1))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%u arrays and %u outputs are not %u and %u for each variable",
		                 n_arrays, c->n_out, n_in, n_in - 1);
	for (uint32_t i = 0; i < n_arrays; i++) {
		HEFT_TRY(heft_call_check_dtype(c, N_FIRST + i, f32, err));
		if (!heft_array_same_shape(&c->in[N_FIRST + i], &c->in[N_FIRST + i % n_variables]))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "input %u is not of its variable's shape", N_FIRST + i);
	}
	for (uint32_t i = 0; i < c->n_out; i++) {
		const struct heft_array *x = &c->in[N_FIRST + i % n_variables];

		HEFT_TRY(heft_array_set(&c->out[i], HEFT_DTYPE_F32, x->rank, x->dims, err));
	}
	return HEFT_OK;
}

void heft_training_forward(const struct heft_call *c, uint32_t n_in,
                           void (*update)(const struct heft_training *t))
{
	const uint32_t n_variables = (c->n_in - N_FIRST) / n_in;

	for (uint32_t v = 0; v < n_variables; v++) {
		struct heft_training t = { .c = c,
			                   .rate = *(const float *)c->in[0].bytes,
			                   .count = *(const int64_t *)c->in[1].bytes,
			                   .n = c->in[N_FIRST + v].n_elements };

		for (uint32_t k = 0; k < n_in; k++)
			t.in[k] = c->in[N_FIRST + k * n_variables + v].bytes;
		for (uint32_t k = 0; k + 1 < n_in; k++) {
			const uint32_t out = k * n_variables + v;

			t.out[k] = heft_call_wants(c, out) ? c->out[out].bytes : NULL;
		}
		update(&t);
	}
}
