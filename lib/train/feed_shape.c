/* SPDX-License-Identifier: Apache-2.0 */
/* feed_shape.c - how a sample's shape becomes the one that an input asks for. */
#include <string.h>

#include "tensor/dtype.h"
#include "train/feed_parts.h"

/* A shape that is asked for, without the batch; 0 is free. */
struct wanted {
	uint32_t rank;
	const uint64_t *dims;
	bool is_fixed; /* all of it */
	uint64_t n_elements;
};

static struct wanted wanted_of(const struct heft_model_value *v)
{
	struct wanted w = { .rank = v->rank - 1, .dims = v->dims + 1, .is_fixed = true };

	for (uint32_t d = 0; d < w.rank; d++)
		w.is_fixed = w.is_fixed && w.dims[d] > 0;
	w.is_fixed = w.is_fixed && heft_dims_product(w.rank, w.dims, &w.n_elements);
	return w;
}

static bool give(uint32_t n, const uint64_t *from, uint32_t *rank, uint64_t *dims)
{
	*rank = n;
	memcpy(dims, from, n * sizeof *dims);
	return true;
}

/* Dimension by dimension, those that are free taking any. */
static bool is_same(uint32_t rank, const uint64_t *have, const uint64_t *want)
{
	for (uint32_t d = 0; d < rank; d++)
		if (want[d] > 0 && want[d] != have[d])
			return false;
	return true;
}

/* [H,W] where [1,H,W] or [?,H,W] is wanted. */
static bool add_channel(const struct heft_dataset_array *from, const struct wanted *w,
                        uint32_t *rank, uint64_t *dims)
{
	if (w->rank != from->rank + 1 || w->rank < 2 || w->dims[0] > 1 ||
	    !is_same(from->rank, from->dims, w->dims + 1))
		return false;
	dims[0] = 1;
	memcpy(dims + 1, from->dims, from->rank * sizeof *dims);
	*rank = w->rank;
	return true;
}

/* The same but for dimensions of one. */
static bool is_same_without_ones(const struct heft_dataset_array *from, const struct wanted *w)
{
	uint32_t i = 0;
	uint32_t k = 0;

	for (;;) {
		while (i < from->rank && from->dims[i] == 1)
			i++;
		while (k < w->rank && w->dims[k] == 1)
			k++;
		if (i == from->rank || k == w->rank)
			return i == from->rank && k == w->rank;
		if (from->dims[i++] != w->dims[k++])
			return false;
	}
}

bool heft_feed_fit(const struct heft_dataset_array *from, const struct heft_model_value *want,
                   uint32_t *rank, uint64_t *dims)
{
	uint64_t n_elements;
	struct wanted w;

	if (!want->has_shape)
		return give(from->rank, from->dims, rank, dims);
	if (want->rank == 0 || !heft_dims_product(from->rank, from->dims, &n_elements))
		return false;
	w = wanted_of(want);
	if (w.rank == from->rank && is_same(w.rank, from->dims, w.dims))
		return give(from->rank, from->dims, rank, dims);
	if (add_channel(from, &w, rank, dims))
		return true;
	if (w.rank == 1 && (w.dims[0] == 0 || w.dims[0] == n_elements))
		return give(1, &n_elements, rank, dims);
	if (!w.is_fixed || w.n_elements != n_elements)
		return false;
	if (from->rank == 1 || is_same_without_ones(from, &w))
		return give(w.rank, w.dims, rank, dims);
	return false;
}

void heft_feed_list_value(struct heft_buffer *text, const struct heft_model_value *want)
{
	heft_buffer_addf(text, "%.40s", want->name);
	if (want->dtype != HEFT_DTYPE_NONE)
		heft_buffer_addf(text, " %s", heft_dtype_name(want->dtype));
	if (!want->has_shape)
		return;
	heft_buffer_addf(text, " [");
	for (uint32_t d = 0; d < want->rank; d++) {
		const char *symbol = want->symbols[d] && want->symbols[d][0] ? want->symbols[d]
		                                                             : "?";

		if (d == 0)
			heft_buffer_addf(text, "N");
		else if (want->dims[d] > 0)
			heft_buffer_addf(text, ",%llu", (unsigned long long)want->dims[d]);
		else
			heft_buffer_addf(text, ",%.20s", symbol);
	}
	heft_buffer_addf(text, "]");
}
