/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - where lines of indices, and those of what they choose from, begin. */
#include "graph/lines.h"

#include "base/error.h"

enum heft_status heft_lines_set(struct heft_lines *l, const struct heft_array *data,
                                const struct heft_array *indices, uint32_t axis,
                                struct heft_error *err)
{
	uint64_t data_step = 1;
	uint64_t index_step = 1;

	if (data->rank != indices->rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the indices have %u dimensions, and the data %u", indices->rank,
		                 data->rank);
	*l = (struct heft_lines){ .rank = data->rank - 1, .n_lines = 1 };
	for (uint32_t d = data->rank; d-- > 0;) {
		const uint32_t to = d < axis ? d : d - 1;

		if (d == axis) {
			l->n = data->dims[d];
			l->n_indices = indices->dims[d];
			l->data_step = data_step;
			l->index_step = index_step;
		} else {
			if (indices->dims[d] > data->dims[d])
				return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
				                 "the indices are larger than the data in "
				                 "dimension %u",
				                 d);
			l->dims[to] = indices->dims[d];
			l->data_steps[to] = data_step;
			l->index_steps[to] = index_step;
			l->n_lines *= indices->dims[d];
		}
		data_step *= data->dims[d];
		index_step *= indices->dims[d];
	}
	return HEFT_OK;
}

struct heft_line heft_line_at(const struct heft_lines *l, uint64_t line)
{
	struct heft_line at = { 0 };

	for (uint32_t d = l->rank; d-- > 0;) {
		const uint64_t i = line % l->dims[d];

		line /= l->dims[d];
		at.data += i * l->data_steps[d];
		at.index += i * l->index_steps[d];
	}
	return at;
}
