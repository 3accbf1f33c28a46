/* SPDX-License-Identifier: Apache-2.0 */
/* torch_listed.c - adds the tensors that the walk finds to the list: names that are taken get a
 * number, and views that look alike are ties (Y2-6, Y3-7). */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "format/torch_tree.h"

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a list of tensors");
}

/* --- names --- */

/* Ends the name with a NUL, for messages; the walk's buffer has room for it always. */
static const char *text_of(struct heft_buffer *name)
{
	name->bytes[name->size] = 0;
	return (const char *)name->bytes;
}

static bool is_taken(const struct heft_torch_adder *a, const struct heft_buffer *name,
                     uint8_t space, bool is_composite)
{
	const char *text = (const char *)name->bytes;
	uint32_t i;

	return heft_listing_find(a->model->tensors, space, text, name->size, &i) ||
	       (is_composite && heft_listing_find(a->composites, 0, text, name->size, &i));
}

static enum heft_status remember(struct heft_torch_adder *a, const struct heft_buffer *name,
                                 uint64_t at, struct heft_error *err)
{
	const struct heft_listed row = { .dtype = HEFT_DTYPE_U8 };

	return heft_listing_add(a->composites, (const char *)name->bytes, name->size, NULL, &row,
	                        HEFT_E_UNSUPPORTED, at, err);
}

enum heft_status heft_torch_number(struct heft_torch_adder *a, struct heft_buffer *name,
                                   uint8_t space, bool is_composite, uint64_t at,
                                   struct heft_error *err)
{
	const size_t size = name->size;

	for (uint64_t k = 2; is_taken(a, name, space, is_composite); k++) {
		if (a->tries_left-- == 0) {
			a->tries_left = 0;
			return heft_fail(err, HEFT_E_LIMIT, at,
			                 "too many tensors are called '%.80s'", text_of(name));
		}
		name->size = size;
		heft_buffer_addf(name, "#%llu", (unsigned long long)k);
		if (!name->ok)
			return no_memory(err);
	}
	return is_composite ? remember(a, name, at, err) : HEFT_OK;
}

/* --- one tensor --- */

static bool reserve(void **array, size_t *capacity, size_t n, size_t n_more, size_t item_size)
{
	const size_t need = n + n_more; /* both are counts of what is in memory */
	const size_t more = need + need / 2 + 16;
	void *grown;

	if (need <= *capacity)
		return true;
	grown = heft_realloc_array(*array, more, item_size);
	if (!grown)
		return false;
	*array = grown;
	*capacity = more;
	return true;
}

static bool reserve_view(struct heft_torch_adder *a, uint32_t rank)
{
	void *views = a->model->views;
	void *strides = a->model->strides;
	const bool ok = reserve(&views, &a->views_capacity, heft_listing_n(a->model->tensors), 1,
	                        sizeof *a->model->views) &&
	                reserve(&strides, &a->strides_capacity, (size_t)a->n_strides, rank,
	                        sizeof *a->model->strides);

	a->model->views = views;
	a->model->strides = strides;
	return ok;
}

/* Names of a walk through values that are shared can be far more than the file has. */
static enum heft_status check_limits(struct heft_torch_adder *a, struct heft_buffer *name,
                                     const struct heft_torch_tensor *t, struct heft_error *err)
{
	const uint64_t n_bytes = heft_listing_n_bytes(a->model->tensors);

	if (name->size > a->limits->max_name_size)
		return heft_fail(err, HEFT_E_LIMIT, t->at, "a name of %zu bytes is too long",
		                 name->size);
	if (name->size > a->names_left)
		return heft_fail(err, HEFT_E_LIMIT, t->at,
		                 "the names of the tensors are too large for the pickle");
	if (heft_listing_n(a->model->tensors) >= a->limits->max_tensors)
		return heft_fail(err, HEFT_E_LIMIT, t->at,
		                 "tensor '%.80s': it is one tensor more than the limit",
		                 text_of(name));
	if (n_bytes > a->limits->max_logical_bytes ||
	    t->n_bytes > a->limits->max_logical_bytes - n_bytes)
		return heft_fail(err, HEFT_E_LIMIT, t->at,
		                 "tensor '%.80s': it takes the tensors over the size limit",
		                 text_of(name));
	a->names_left -= name->size;
	return HEFT_OK;
}

enum heft_status heft_torch_add(struct heft_torch_adder *a, struct heft_buffer *name, uint8_t space,
                                const struct heft_torch_tensor *t, struct heft_error *err)
{
	const struct heft_listed row = {
		.dtype = t->dtype,
		.space = space,
		.rank = (uint8_t)t->rank,
	};
	const uint32_t i = heft_listing_n(a->model->tensors);

	HEFT_TRY(heft_torch_number(a, name, space, false, t->at, err));
	HEFT_TRY(check_limits(a, name, t, err));
	if (!reserve_view(a, t->rank))
		return no_memory(err);
	HEFT_TRY(heft_listing_add(a->model->tensors, (const char *)name->bytes, name->size, t->dims,
	                          &row, HEFT_E_UNSUPPORTED, t->at, err));
	a->model->views[i] = (struct heft_torch_view){
		.storage = t->storage,
		.offset = t->offset,
		.strides_at = a->n_strides,
		.is_contiguous = t->is_contiguous,
	};
	if (t->rank > 0)
		memcpy(a->model->strides + a->n_strides, t->strides, t->rank * sizeof *t->strides);
	a->n_strides += t->rank;
	return HEFT_OK;
}

/* --- ties --- */

/* How a tensor looks into its storage, as words to compare and to hash. */
struct look {
	size_t n;
	uint64_t words[2 + 2 * HEFT_MAX_RANK];
};

/* The stride of a dimension of 1 is never stepped. */
static void look_at(const struct heft_torch_model *m, uint32_t i, struct look *look)
{
	const struct heft_listed *row = heft_listing_row(m->tensors, i);
	const uint64_t *dims = heft_listing_dims(m->tensors, i);
	const uint64_t *strides = m->strides + m->views[i].strides_at;

	look->words[0] = m->views[i].offset;
	look->words[1] = (uint64_t)m->views[i].storage << 32 | (uint32_t)row->dtype << 16 |
	                 row->rank;
	look->n = 2;
	for (uint32_t k = 0; k < row->rank; k++) {
		look->words[look->n++] = dims[k];
		look->words[look->n++] = dims[k] == 1 ? 0 : strides[k];
	}
}

static bool is_same(const struct look *a, const struct look *b)
{
	return a->n == b->n && memcmp(a->words, b->words, a->n * sizeof *a->words) == 0;
}

static void tie(struct heft_torch_model *m, uint32_t *slots, size_t n_slots,
                const struct heft_sip_seed *seed, uint32_t i)
{
	struct look look;
	struct look other;

	look_at(m, i, &look);
	for (size_t at = (size_t)heft_siphash(seed, 0, look.words, look.n * sizeof *look.words);;
	     at++) {
		uint32_t *slot = &slots[at & (n_slots - 1)];

		if (*slot == 0) {
			*slot = i + 1;
			return;
		}
		look_at(m, *slot - 1, &other);
		if (is_same(&look, &other)) {
			heft_listing_row_mut(m->tensors, i)->tie = *slot - 1;
			heft_listing_row_mut(m->tensors, i)->share = *slot - 1;
			return;
		}
	}
}

enum heft_status heft_torch_tie(struct heft_torch_model *m, struct heft_error *err)
{
	const uint32_t n = heft_listing_n(m->tensors);
	struct heft_sip_seed seed;
	size_t n_slots = 64;
	uint32_t *slots;

	while (n_slots / 4 * 3 <= n)
		n_slots *= 2;
	slots = heft_zalloc_array(n_slots, sizeof *slots);
	if (!slots)
		return no_memory(err);
	heft_sip_seed_init(&seed, m);
	for (uint32_t i = 0; i < n; i++) {
		if (m->views[i].storage != HEFT_TORCH_NO_STORAGE)
			tie(m, slots, n_slots, &seed, i);
	}
	heft_free(slots);
	return HEFT_OK;
}
