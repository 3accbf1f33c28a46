/* SPDX-License-Identifier: Apache-2.0 */
/* bind_shape.c - pairs the tensors that no name has paired: where of a dtype and shape one is left
 * on each side. Where transposing is allowed a shape and its reverse are one, so that of two layers
 * that are each other's reverse none is guessed. */
#include "weights/bind_parts.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "tensor/dtype.h"

/* A tensor that is left. */
struct left {
	const uint64_t *dims; /* of any rank but 2 */
	uint64_t pair[2];     /* of rank 2; the smaller first where transposing is allowed */
	uint32_t i;
	uint16_t dtype;
	uint8_t rank;
	bool is_model; /* else of the chosen */
};

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_shapes(const struct left *a, const struct left *b)
{
	const uint64_t *x = a->rank == 2 ? a->pair : a->dims;
	const uint64_t *y = b->rank == 2 ? b->pair : b->dims;
	int order = compare_u64(a->dtype, b->dtype);

	if (order == 0)
		order = compare_u64(a->rank, b->rank);
	for (uint8_t d = 0; order == 0 && d < a->rank; d++)
		order = compare_u64(x[d], y[d]);
	return order;
}

static int compare_left(const void *a, const void *b)
{
	return compare_shapes(a, b);
}

/* With `only_shape` every dtype is one, and so are a shape and its reverse. */
static struct left describe(const struct heft_binder *b, const struct heft_listing *l, uint32_t i,
                            bool only_shape)
{
	const struct heft_listed *row = heft_listing_row(l, i);
	const struct heft_dtype_info *info = heft_dtype_describe((enum heft_dtype)row->dtype);
	struct left left = {
		.dims = heft_listing_dims(l, i),
		.i = i,
		.dtype = only_shape ? 0 : row->dtype,
		.rank = row->rank,
		.is_model = l == b->model,
	};

	if (row->rank != 2)
		return left;
	left.pair[0] = left.dims[0];
	left.pair[1] = left.dims[1];
	if ((only_shape || (b->plan->allow_transpose && info->n_elements == 1)) &&
	    left.pair[0] > left.pair[1]) {
		left.pair[0] = left.dims[1];
		left.pair[1] = left.dims[0];
	}
	return left;
}

/* Of what is one parameter only the first counts. */
static bool is_wanting(const struct heft_binder *b, uint32_t i)
{
	return b->found[i] == HEFT_UNBOUND && !b->is_kept[i] && heft_bind_must_find(b, i) &&
	       heft_listing_row(b->model, i)->tie == i;
}

static bool is_spare(const struct heft_binder *b, uint32_t k)
{
	const struct heft_listed *row = heft_listing_row(b->chosen, k);

	return !b->is_taken[k] && row->space == HEFT_SPACE_WEIGHTS && row->tie == k &&
	       heft_dtype_describe((enum heft_dtype)row->dtype);
}

static size_t list_left(const struct heft_binder *b, bool only_shape, struct left *left)
{
	size_t n = 0;

	for (uint32_t i = 0; i < heft_listing_n(b->model); i++)
		if (is_wanting(b, i))
			left[n++] = describe(b, b->model, i, only_shape);
	for (uint32_t k = 0; k < heft_listing_n(b->chosen); k++)
		if (is_spare(b, k))
			left[n++] = describe(b, b->chosen, k, only_shape);
	if (n > 0)
		qsort(left, n, sizeof *left, compare_left);
	return n;
}

/* Of n tensors that are alike. */
static void pair_up(struct heft_binder *b, const struct left *left, size_t n)
{
	const struct left *model = left[0].is_model ? &left[0] : &left[1];
	const struct left *chosen = left[0].is_model ? &left[1] : &left[0];

	if (n != 2 || left[0].is_model == left[1].is_model)
		return;
	heft_bind_take(b, model->i, chosen->i, !heft_bind_same_shape(b, model->i, chosen->i));
	b->result->n_by_shape++;
}

static void mark_alone(struct heft_binder *b, const struct left *left, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!left[i].is_model)
			return;
	for (size_t i = 0; i < n; i++)
		b->is_alone[left[i].i] = true;
}

typedef void alike_fn(struct heft_binder *b, const struct left *left, size_t n);

/* Calls `fn` for all that are alike of what is left. */
static enum heft_status for_alike(struct heft_binder *b, bool only_shape, alike_fn *fn,
                                  struct heft_error *err)
{
	const size_t n_room = (size_t)heft_listing_n(b->model) + heft_listing_n(b->chosen);
	struct left *left = heft_alloc_array(n_room, sizeof *left);
	size_t n;

	if (!left)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %zu tensors",
		                 n_room);
	n = list_left(b, only_shape, left);
	for (size_t from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && compare_shapes(&left[from], &left[to]) == 0;)
			to++;
		fn(b, &left[from], to - from);
	}
	heft_free(left);
	return HEFT_OK;
}

enum heft_status heft_bind_by_shape(struct heft_binder *b, struct heft_error *err)
{
	return for_alike(b, false, pair_up, err);
}

enum heft_status heft_bind_find_alone(struct heft_binder *b, struct heft_error *err)
{
	return for_alike(b, true, mark_alone, err);
}
