/* SPDX-License-Identifier: Apache-2.0 */
/* op_concat_from_sequence.c - ConcatFromSequence: items of a sequence one behind the other along an
 * axis, or along a new one. */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/kinds.h"
#include "graph/spans.h"

static enum heft_status add_size(const struct heft_sequence *s, uint64_t i, uint32_t axis,
                                 uint64_t *dims, struct heft_error *err)
{
	const struct heft_array *first = &s->items[0];
	const struct heft_array *a = &s->items[i];
	bool fits = a->rank == first->rank;

	for (uint32_t d = 0; fits && d < a->rank; d++)
		fits = d == axis || a->dims[d] == first->dims[d];
	if (!fits || !heft_add_u64(dims[axis], a->dims[axis], &dims[axis]))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the shapes of items 0 and %llu do not go together",
		                 (unsigned long long)i);
	return HEFT_OK;
}

/* Where the items lie one behind the other: in all items, the size along `axis` of the output. */
static enum heft_status find_dims(const struct heft_call *c, const struct heft_sequence *s,
                                  uint32_t *axis, uint32_t *rank, uint64_t *dims,
                                  struct heft_error *err)
{
	const bool is_new = heft_call_int(c, "new_axis", 0) != 0;
	const struct heft_array *first = &s->items[0];

	*rank = first->rank + is_new;
	if (*rank > HEFT_GRAPH_MAX_RANK)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "the output has %u dimensions", *rank);
	if (!heft_call_attr(c, "axis"))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "no axis is given");
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 0), *rank, false, axis, err));
	for (uint32_t d = 0; d < *rank; d++)
		dims[d] = d == *axis ? 0 : first->dims[is_new && d > *axis ? d - 1 : d];
	for (uint64_t i = 0; i < s->n; i++) {
		if (!is_new)
			HEFT_TRY(add_size(s, i, *axis, dims, err));
		else if (!heft_array_same_shape(first, &s->items[i]))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "items 0 and %llu are of different shapes",
			                 (unsigned long long)i);
	}
	if (is_new)
		dims[*axis] = s->n;
	return HEFT_OK;
}

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	struct heft_array *y = &c->out[0];
	const struct heft_sequence *s;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t n_outer = 1;
	uint32_t axis;
	uint32_t rank;
	uint8_t *to;

	HEFT_TRY(heft_call_sequence(c, 0, &s, err));
	if (s->n == 0 || (s->dtype != HEFT_KIND_TEXTS && heft_element_size(s->dtype) == 0))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 s->n == 0 ? "the sequence is empty"
		                           : "elements of items fill no whole bytes");
	HEFT_TRY(find_dims(c, s, &axis, &rank, dims, err));
	HEFT_TRY(heft_array_set(y, s->dtype, rank, dims, err));
	if (y->n_bytes == 0)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(memory, y->n_bytes, &y->bytes, err));
	for (uint32_t d = 0; d < axis; d++)
		n_outer *= dims[d];
	to = y->bytes;
	for (uint64_t o = 0; o < n_outer; o++) {
		for (uint64_t i = 0; i < s->n; i++) {
			const size_t row = (size_t)(s->items[i].n_bytes / n_outer);

			if (row > 0)
				memcpy(to, (const uint8_t *)s->items[i].bytes + o * row, row);
			to += row;
		}
	}
	return HEFT_OK;
}

const struct heft_op heft_op_concat_from_sequence = {
	.name = "ConcatFromSequence",
	.domain = "",
	.since = 11,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
