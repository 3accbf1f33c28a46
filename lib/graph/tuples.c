/* SPDX-License-Identifier: Apache-2.0 */
/* tuples.c - how tuples of indices lie in an array. */
#include "graph/tuples.h"

#include "base/error.h"

enum heft_status heft_tuples_set(struct heft_tuples *t, const struct heft_array *data,
                                 const struct heft_array *indices, int64_t n_batch,
                                 struct heft_error *err)
{
	uint64_t step = 1;
	uint64_t n;

	if (indices->rank == 0 || n_batch < 0 || n_batch >= (int64_t)indices->rank ||
	    n_batch >= (int64_t)data->rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the indices have no more than %lld dimensions",
		                 (long long)n_batch);
	n = indices->dims[indices->rank - 1];
	if (n > data->rank - (uint64_t)n_batch)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tuples of %llu indices are more than the data has dimensions",
		                 (unsigned long long)n);
	*t = (struct heft_tuples){ .n_batch = (uint32_t)n_batch, .n = (uint32_t)n };
	t->n_tuples = 1;
	t->each = 1;
	t->slice = 1;
	for (uint32_t d = 0; d + 1 < indices->rank; d++) {
		t->n_tuples *= indices->dims[d];
		if (d >= t->n_batch)
			t->each *= indices->dims[d];
		else if (indices->dims[d] != data->dims[d])
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "dimension %u of data and indices is not the same", d);
	}
	for (uint32_t d = data->rank; d-- > t->n_batch;) {
		if (d >= t->n_batch + t->n) {
			t->slice *= data->dims[d];
		} else {
			t->dims[d - t->n_batch] = data->dims[d];
			t->steps[d - t->n_batch] = step;
		}
		step *= data->dims[d];
	}
	t->batch_step = step;
	return HEFT_OK;
}
