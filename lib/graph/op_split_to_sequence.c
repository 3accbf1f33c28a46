/* SPDX-License-Identifier: Apache-2.0 */
/* op_split_to_sequence.c - SplitToSequence: an array cut along an axis, its parts as a sequence. */
#include <string.h>

#include "base/error.h"
#include "graph/kinds.h"
#include "graph/move.h"

/* How the axis is cut: into parts of one size, the last one with what is left, or of these. */
struct cut {
	const struct heft_array *sizes; /* NULL: see size */
	uint64_t size;
	uint64_t n;
	uint32_t axis;
	bool keeps_axis;
};

static int64_t size_at(const struct heft_array *sizes, uint64_t i)
{
	return sizes->dtype == HEFT_DTYPE_I64 ? ((const int64_t *)sizes->bytes)[i]
	                                      : ((const int32_t *)sizes->bytes)[i];
}

static enum heft_status check_sizes(struct cut *cut, uint64_t length, struct heft_error *err)
{
	uint64_t left = length;

	for (uint64_t i = 0; i < cut->sizes->n_elements; i++) {
		const int64_t size = size_at(cut->sizes, i);

		if (size < 0 || (uint64_t)size > left)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "part %llu of %lld does not fit", (unsigned long long)i,
			                 (long long)size);
		left -= (uint64_t)size;
	}
	if (left > 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "parts leave %llu over",
		                 (unsigned long long)left);
	cut->n = cut->sizes->n_elements;
	return HEFT_OK;
}

static enum heft_status find_cut(const struct heft_call *c, struct cut *cut, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];

	*cut = (struct cut){ .size = 1, .keeps_axis = true };
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 0), x->rank, false, &cut->axis, err));
	if (!heft_call_has(c, 1)) {
		cut->keeps_axis = heft_call_int(c, "keepdims", 1) != 0;
		cut->n = x->dims[cut->axis];
		return HEFT_OK;
	}
	HEFT_TRY(heft_call_check_index(c, 1, err));
	if (c->in[1].rank > 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input 1 has %u dimensions",
		                 c->in[1].rank);
	if (c->in[1].rank == 1) {
		cut->sizes = &c->in[1];
		return check_sizes(cut, x->dims[cut->axis], err);
	}
	if (size_at(&c->in[1], 0) < 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "parts of %lld are asked for",
		                 (long long)size_at(&c->in[1], 0));
	cut->size = (uint64_t)size_at(&c->in[1], 0);
	cut->n = x->dims[cut->axis] / cut->size + (x->dims[cut->axis] % cut->size != 0);
	return HEFT_OK;
}

/* The part [at, at + size) of the axis. */
static enum heft_status take_part(const struct heft_array *x, const struct cut *cut, uint64_t at,
                                  uint64_t size, struct heft_memory *memory, struct heft_array *to,
                                  struct heft_error *err)
{
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t n_outer = 1;
	uint64_t row;
	uint64_t step;
	uint32_t rank = 0;

	for (uint32_t d = 0; d < x->rank; d++) {
		if (d != cut->axis || cut->keeps_axis)
			dims[rank++] = d == cut->axis ? size : x->dims[d];
		n_outer *= d < cut->axis ? x->dims[d] : 1;
	}
	HEFT_TRY(heft_array_set(to, x->dtype, rank, dims, err));
	if (to->n_bytes == 0)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(memory, to->n_bytes, &to->bytes, err));
	row = to->n_bytes / n_outer;
	step = row / size;
	for (uint64_t o = 0; o < n_outer; o++)
		memcpy((uint8_t *)to->bytes + o * row,
		       (const uint8_t *)x->bytes + (o * x->dims[cut->axis] + at) * step,
		       (size_t)row);
	return x->dtype == HEFT_KIND_TEXTS ? heft_kind_copy(to, memory, err) : HEFT_OK;
}

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct heft_sequence *s;
	struct cut cut;
	uint64_t at = 0;
	uint64_t element;

	HEFT_TRY(heft_call_item(c, 0, err));
	if (x->dtype != HEFT_KIND_TEXTS)
		HEFT_TRY(heft_call_element(c, 0, &element, err));
	HEFT_TRY(find_cut(c, &cut, err));
	HEFT_TRY(heft_sequence_new(cut.n, x->dtype, memory, &c->out[0], &s, err));
	for (uint64_t i = 0; i < cut.n; i++) {
		uint64_t size = cut.sizes ? (uint64_t)size_at(cut.sizes, i) : cut.size;

		if (size > x->dims[cut.axis] - at)
			size = x->dims[cut.axis] - at;
		HEFT_TRY(take_part(x, &cut, at, size, memory, &s->items[i], err));
		at += size;
	}
	return HEFT_OK;
}

const struct heft_op heft_op_split_to_sequence = {
	.name = "SplitToSequence",
	.domain = "",
	.since = 11,
	.min_in = 1,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
