/* SPDX-License-Identifier: Apache-2.0 */
/* listing.c - a compact list of tensor descriptions: rows of 64 bytes, two arenas, and a hash. */
#include "tensor/listing.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/siphash.h"
#include "tensor/dtype.h"
#include "tensor/name.h"

#define MAX_TENSORS UINT32_C(0x7fffffff)
#define MAX_TOTAL (UINT64_C(1) << 63) /* elements and bytes stay below */
#define QUOTED 80                     /* bytes of a name in a message */

struct heft_listing {
	struct heft_listed *rows;
	char *names;
	uint64_t *dims;
	uint32_t *slots; /* open addressing, linear: 0 is free, else 1 + a row */
	size_t n_rows;
	size_t rows_capacity;
	size_t names_size;
	size_t names_capacity;
	size_t n_dims;
	size_t dims_capacity;
	size_t n_slots; /* 0 or a power of two, more than 4/3 of the rows */
	uint64_t n_bytes;
	struct heft_sip_seed seed;
};

/* --- hash --- */

static uint32_t hash_of(const struct heft_listing *l, uint8_t space, const char *name, size_t size)
{
	const uint64_t hash = heft_siphash(&l->seed, space, name, size);

	return (uint32_t)(hash ^ hash >> 32);
}

static bool is_row(const struct heft_listing *l, uint32_t i, uint32_t hash, uint8_t space,
                   const char *name, size_t name_size)
{
	const struct heft_listed *row = &l->rows[i];

	return row->hash == hash && row->space == space && row->name_size == name_size &&
	       memcmp(l->names + row->name_at, name, name_size) == 0;
}

static bool find(const struct heft_listing *l, uint32_t hash, uint8_t space, const char *name,
                 size_t name_size, uint32_t *i)
{
	if (l->n_slots == 0)
		return false;
	for (size_t at = hash;; at++) {
		const uint32_t slot = l->slots[at & (l->n_slots - 1)];

		if (slot == 0)
			return false;
		if (is_row(l, slot - 1, hash, space, name, name_size)) {
			*i = slot - 1;
			return true;
		}
	}
}

static void put_slot(uint32_t *slots, size_t n_slots, uint32_t hash, uint32_t i)
{
	size_t at = hash;

	while (slots[at & (n_slots - 1)] != 0)
		at++;
	slots[at & (n_slots - 1)] = i + 1;
}

/* --- room --- */

/* Makes room for n_more items of an array that has n; grows by half. */
static bool reserve(void **array, size_t *capacity, size_t n, size_t n_more, size_t item_size)
{
	size_t need;
	size_t more;
	void *grown;

	if (!heft_add_size(n, n_more, &need))
		return false;
	if (need <= *capacity)
		return true;
	more = need / 2;
	if (!heft_add_size(need, more < 16 ? 16 : more, &more))
		return false;
	grown = heft_realloc_array(*array, more, item_size);
	if (!grown)
		return false;
	*array = grown;
	*capacity = more;
	return true;
}

static bool reserve_slot(struct heft_listing *l)
{
	const size_t n_slots = l->n_slots == 0 ? 64 : l->n_slots * 2;
	uint32_t *slots;

	if (l->n_rows < l->n_slots / 4 * 3)
		return true;
	slots = heft_zalloc_array(n_slots, sizeof *slots);
	if (!slots)
		return false;
	for (size_t i = 0; i < l->n_rows; i++)
		put_slot(slots, n_slots, l->rows[i].hash, (uint32_t)i);
	heft_free(l->slots);
	l->slots = slots;
	l->n_slots = n_slots;
	return true;
}

static bool reserve_all(struct heft_listing *l, size_t name_size, size_t rank)
{
	void *rows = l->rows;
	void *names = l->names;
	void *dims = l->dims;
	const bool ok = reserve(&rows, &l->rows_capacity, l->n_rows, 1, sizeof *l->rows) &&
	                reserve(&names, &l->names_capacity, l->names_size, name_size + 1, 1) &&
	                reserve(&dims, &l->dims_capacity, l->n_dims, rank + 1, sizeof *l->dims);

	l->rows = rows;
	l->names = names;
	l->dims = dims;
	return ok && reserve_slot(l);
}

/* --- the listing --- */

enum heft_status heft_listing_new(struct heft_listing **out, struct heft_error *err)
{
	struct heft_listing *l = heft_zalloc(sizeof *l);

	if (!l)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for a list of tensors");
	heft_sip_seed_init(&l->seed, l);
	*out = l;
	return HEFT_OK;
}

void heft_listing_free(struct heft_listing *l)
{
	if (!l)
		return;
	heft_free(l->slots);
	heft_free(l->dims);
	heft_free(l->names);
	heft_free(l->rows);
	heft_free(l);
}

/* What a tensor is called in a message. */
struct subject {
	const char *name;
	int quoted; /* bytes of it */
	enum heft_status code;
	uint64_t off;
};

static enum heft_status fault(const struct subject *s, const char *what, struct heft_error *err)
{
	return heft_fail(err, s->code, s->off, "tensor '%.*s': %s", s->quoted, s->name, what);
}

static enum heft_status size_unknown(const struct subject *s, const uint64_t *dims,
                                     struct heft_listed *row, struct heft_error *err)
{
	if (row->dtype == HEFT_DTYPE_NONE || heft_dtype_is_refused(row->dtype))
		return fault(s, "its dtype stands for nothing", err);
	if (row->rank > HEFT_MAX_RANK)
		return fault(s, "its rank is above 32", err);
	if (row->unit == 0 || row->unit > HEFT_CHUNK_MAX || row->n_bytes % row->unit != 0)
		return fault(s, "its unit does not divide its byte length", err);
	if (!heft_dims_product(row->rank, dims, &row->n_elements))
		return fault(s, "the shape has 2^63 elements or more", err);
	return HEFT_OK;
}

/* Fills n_elements, n_bytes and unit. */
static enum heft_status size_row(const struct subject *s, const uint64_t *dims,
                                 struct heft_listed *row, struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe((enum heft_dtype)row->dtype);
	struct heft_error why;

	if (!info)
		return size_unknown(s, dims, row, err);
	if (heft_tensor_size((enum heft_dtype)row->dtype, row->rank, dims, &row->n_elements,
	                     &row->n_bytes, &why) != HEFT_OK)
		return fault(s, why.msg, err);
	row->unit = info->n_bytes;
	return HEFT_OK;
}

static void append(struct heft_listing *l, const char *name, const uint64_t *dims,
                   const struct heft_listed *row)
{
	memcpy(l->names + l->names_size, name, row->name_size);
	l->names[l->names_size + row->name_size] = '\0';
	l->names_size += row->name_size + (size_t)1;
	if (row->rank > 0)
		memcpy(l->dims + l->n_dims, dims, row->rank * sizeof *dims);
	l->n_dims += row->rank;
	l->rows[l->n_rows] = *row;
	put_slot(l->slots, l->n_slots, row->hash, (uint32_t)l->n_rows);
	l->n_rows++;
}

enum heft_status heft_listing_add(struct heft_listing *l, const char *name, size_t name_size,
                                  const uint64_t *dims, const struct heft_listed *row,
                                  enum heft_status code, uint64_t off, struct heft_error *err)
{
	const struct subject s = { name, name_size < QUOTED ? (int)name_size : QUOTED, code, off };
	const char *what = heft_name_fault(name, name_size, HEFT_MAX_NAME);
	struct heft_listed added = *row;
	uint64_t n_bytes;
	uint32_t i;

	if (what)
		return heft_fail(err, code, off, "name '%.*s': %s", s.quoted, name, what);
	if (l->n_rows == MAX_TENSORS)
		return fault(&s, "it is one tensor too many", err);
	HEFT_TRY(size_row(&s, dims, &added, err));
	if (!heft_add_u64(l->n_bytes, added.n_bytes, &n_bytes) || n_bytes >= MAX_TOTAL)
		return fault(&s, "the tensors together have 2^63 bytes or more", err);
	added.hash = hash_of(l, added.space, name, name_size);
	if (find(l, added.hash, added.space, name, name_size, &i))
		return fault(&s, "the name is there twice", err);
	if (!reserve_all(l, name_size, added.rank))
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for a list of tensors");
	added.name_at = l->names_size;
	added.name_size = (uint32_t)name_size;
	added.dims_at = l->n_dims;
	added.tie = (uint32_t)l->n_rows;
	added.share = (uint32_t)l->n_rows;
	append(l, name, dims, &added);
	l->n_bytes = n_bytes;
	return HEFT_OK;
}

uint32_t heft_listing_n(const struct heft_listing *l)
{
	return (uint32_t)l->n_rows;
}

uint64_t heft_listing_n_bytes(const struct heft_listing *l)
{
	return l->n_bytes;
}

const struct heft_listed *heft_listing_row(const struct heft_listing *l, uint32_t i)
{
	return &l->rows[i];
}

struct heft_listed *heft_listing_row_mut(struct heft_listing *l, uint32_t i)
{
	return &l->rows[i];
}

const char *heft_listing_name(const struct heft_listing *l, uint32_t i)
{
	return l->names + l->rows[i].name_at;
}

const uint64_t *heft_listing_dims(const struct heft_listing *l, uint32_t i)
{
	return l->dims + l->rows[i].dims_at;
}

bool heft_listing_find(const struct heft_listing *l, uint8_t space, const char *name,
                       size_t name_size, uint32_t *i)
{
	return find(l, hash_of(l, space, name, name_size), space, name, name_size, i);
}

void heft_listing_describe(const struct heft_listing *l, uint32_t i, struct heft_tensor *t)
{
	const struct heft_listed *row = &l->rows[i];

	*t = (struct heft_tensor){
		.name = heft_listing_name(l, i),
		.dtype = (enum heft_dtype)row->dtype,
		.space = (enum heft_space)row->space,
		.role = heft_role_from_name(heft_listing_name(l, i), row->rank),
		.rank = row->rank,
		.index = i,
		.tie = row->tie,
		.alignment = 1,
		.n_elements = row->n_elements,
		.n_bytes = row->n_bytes,
	};
	if (row->rank > 0)
		memcpy(t->dims, heft_listing_dims(l, i), row->rank * sizeof *t->dims);
}

/* --- order --- */

static bool is_before(const struct heft_listing *l, uint32_t a_i, uint32_t b_i)
{
	const struct heft_listed *a = &l->rows[a_i];
	const struct heft_listed *b = &l->rows[b_i];
	const uint32_t n = a->name_size < b->name_size ? a->name_size : b->name_size;
	int order;

	if (a->space != b->space)
		return a->space < b->space;
	order = memcmp(l->names + a->name_at, l->names + b->name_at, n);
	return order != 0 ? order < 0 : a->name_size < b->name_size;
}

/* Merges the sorted runs [lo, mid) and [mid, hi) of `from` into `to`. */
static void merge(const struct heft_listing *l, const uint32_t *from, uint32_t *to, size_t lo,
                  size_t mid, size_t hi)
{
	size_t a = lo;
	size_t b = mid;

	for (size_t i = lo; i < hi; i++) {
		if (a < mid && (b == hi || !is_before(l, from[b], from[a])))
			to[i] = from[a++];
		else
			to[i] = from[b++];
	}
}

enum heft_status heft_listing_sort(const struct heft_listing *l, uint32_t *rows,
                                   struct heft_error *err)
{
	const size_t n = l->n_rows;
	uint32_t *room = heft_alloc_array(n, sizeof *room);
	uint32_t *from = rows;
	uint32_t *to = room;

	if (!room)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to sort tensors");
	for (size_t i = 0; i < n; i++)
		rows[i] = (uint32_t)i;
	for (size_t width = 1; width < n; width *= 2) {
		uint32_t *const was = from;

		for (size_t lo = 0; lo < n; lo += 2 * width) {
			const size_t mid = n - lo < width ? n : lo + width;

			merge(l, from, to, lo, mid, n - lo < 2 * width ? n : lo + 2 * width);
		}
		from = to;
		to = was;
	}
	if (from != rows)
		memcpy(rows, from, n * sizeof *rows);
	heft_free(room);
	return HEFT_OK;
}
