/* SPDX-License-Identifier: Apache-2.0 */
/* quant_scale.c - scales of whole tensors, of axes and of blocks. */
#include "graph/quant_scale.h"

#include <string.h>

#include "base/error.h"
#include "graph/dense.h"
#include "graph/spans.h"
#include "onnx/model.h"

static enum heft_status set_axis(const struct heft_call *c, struct heft_quant_scale *q,
                                 uint32_t axis, int64_t block, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *scale = &c->in[1];
	struct heft_axis along;

	heft_axis_set(&along, x, axis);
	q->n_inner = along.n_inner;
	q->n_axis = along.n;
	if (block == 0) {
		if (scale->rank != 1 || scale->dims[0] != along.n)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the scale is not one number, nor one for each of %llu",
			                 (unsigned long long)along.n);
		q->axis_step = 1;
		return HEFT_OK;
	}
	q->block = (uint64_t)block;
	for (uint32_t d = 0; d < x->rank; d++) {
		uint64_t n = x->dims[d];

		if (d == axis)
			n = n / q->block + (n % q->block != 0);
		if (scale->rank != x->rank || scale->dims[d] != n)
			return heft_fail(
				err, HEFT_E_USAGE, HEFT_NO_OFFSET,
				"the scale is not of the shape that blocks of %lld ask for",
				(long long)block);
	}
	q->inner_step = 1;
	q->axis_step = along.n_inner;
	q->outer_step = scale->dims[axis] * along.n_inner;
	return HEFT_OK;
}

enum heft_status heft_quant_scale_infer(struct heft_call *c, struct heft_quant_scale *q,
                                        struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *scale = &c->in[1];
	const int64_t block = heft_call_int(c, "block_size", 0);
	const int64_t given = heft_call_int(c, "axis", 1);
	uint32_t axis = 0;

	*q = (struct heft_quant_scale){
		.n = scale->n_elements, .n_inner = 1, .n_axis = x->n_elements, .block = 1
	};
	if (block < 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "block_size is %lld",
		                 (long long)block);
	if (scale->n_elements != 1 || (block > 0 && scale->rank > 0)) {
		if (x->rank != 1 || block > 0)
			HEFT_TRY(heft_call_axis(given, x->rank, false, &axis, err));
		HEFT_TRY(set_axis(c, q, axis, block, err));
	}
	if (heft_call_has(c, 2) && c->in[2].n_elements != scale->n_elements)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "there are %llu scales and %llu zero points",
		                 (unsigned long long)scale->n_elements,
		                 (unsigned long long)c->in[2].n_elements);
	HEFT_TRY(heft_dense_room(&c->scratch_size, q->n * sizeof(float), &q->scales_at, err));
	return heft_dense_room(&c->scratch_size, q->n * sizeof(float), &q->zeros_at, err);
}

void heft_quant_scale_load(const struct heft_call *c, const struct heft_quant_scale *q,
                           enum heft_dtype zeros)
{
	unsigned char *scratch = c->scratch;

	if (q->n == 0)
		return;
	heft_cast_elements(HEFT_DTYPE_F32, scratch + q->scales_at, c->in[1].dtype, c->in[1].bytes,
	                   q->n, NULL);
	if (heft_call_has(c, 2))
		heft_cast_elements(zeros, scratch + q->zeros_at, c->in[2].dtype, c->in[2].bytes,
		                   q->n, NULL);
	else
		memset(scratch + q->zeros_at, 0, q->n * sizeof(float));
}

uint64_t heft_quant_scale_at(const struct heft_quant_scale *q, uint64_t i, uint64_t n,
                             uint64_t *count)
{
	const uint64_t inner = i % q->n_inner;
	const uint64_t place = i / q->n_inner % q->n_axis;
	const uint64_t outer = i / q->n_inner / q->n_axis;
	uint64_t left = 1;

	if (q->n == 1)
		left = n;
	else if (q->inner_step == 0)
		left = q->n_inner - inner;
	else if (q->n_inner == 1)
		left = q->block - place % q->block < q->n_axis - place ? q->block - place % q->block
		                                                       : q->n_axis - place;
	*count = left < n ? left : n;
	return q->n == 1 ? 0
	                 : outer * q->outer_step + place / q->block * q->axis_step +
	                           inner * q->inner_step;
}

uint64_t heft_quant_byte(enum heft_dtype dtype, uint64_t run)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return run * (HEFT_QUANT_RUN / info->n_elements) * info->n_bytes;
}

enum heft_status heft_quant_dtype(int64_t number, const enum heft_dtype *allowed,
                                  enum heft_dtype *dtype, struct heft_error *err)
{
	*dtype = number < 0 ? HEFT_DTYPE_NONE : heft_onnx_dtype((uint64_t)number);
	for (uint32_t i = 0; allowed[i] != HEFT_DTYPE_NONE; i++) {
		if (allowed[i] == *dtype)
			return HEFT_OK;
	}
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "data type %lld is none that it makes",
	                 (long long)number);
}
