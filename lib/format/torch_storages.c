/* SPDX-License-Identifier: Apache-2.0 */
/* torch_storages.c - the storages that the persistent ids of a pickle name: each key once, and
 * whatever is said of it twice is said alike (Y2-1). */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "format/torch_tree.h"

#define MAX_BYTES (UINT64_C(1) << 63) /* of a storage; below */
#define MAX_KEY 1024u

/* ('storage', CLASS, KEY, PLACE, NUMBER), and in legacy files a part of it or None */
struct id {
	uint64_t at;
	const char *key;
	size_t key_size;
	const struct heft_torch_type *type;
	uint64_t n_bytes;
	uint64_t part_off; /* bytes; without a part: all of it */
	uint64_t part_size;
};

void heft_torch_storages_init(struct heft_torch_storages *s)
{
	memset(s, 0, sizeof *s);
	heft_sip_seed_init(&s->seed, s);
}

void heft_torch_storages_done(struct heft_torch_storages *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		heft_free(s->all[i].key);
	heft_free(s->all);
	heft_free(s->types);
	heft_free(s->slots);
	memset(s, 0, sizeof *s);
}

/* --- one persistent id --- */

static enum heft_status fault(const struct id *id, const char *what, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_CORRUPT, id->at, "a persistent id %s", what);
}

/* A number of elements, in bytes. */
static bool read_size(const struct heft_pickle *p, heft_pickle_ref v, uint32_t unit, uint64_t *size)
{
	if (heft_pickle_kind(p, v) != HEFT_PICKLE_INT || heft_pickle_int(p, v) < 0)
		return false;
	return heft_mul_u64((uint64_t)heft_pickle_int(p, v), unit, size) && *size < MAX_BYTES;
}

/* (KEY, OFFSET, NUMBER): what the storage is a part of has the id's own key. */
static enum heft_status read_part(const struct heft_pickle *p, heft_pickle_ref v, struct id *id,
                                  struct heft_error *err)
{
	id->part_off = 0;
	id->part_size = id->n_bytes;
	if (heft_pickle_kind(p, v) == HEFT_PICKLE_NULL)
		return HEFT_OK;
	if (heft_pickle_kind(p, v) != HEFT_PICKLE_TUPLE || heft_pickle_n_items(p, v) != 3 ||
	    !read_size(p, heft_pickle_item(p, v, 1), id->type->size, &id->part_off) ||
	    !read_size(p, heft_pickle_item(p, v, 2), id->type->size, &id->part_size))
		return fault(id, "has a part that is none", err);
	if (!heft_in_range(id->part_off, id->part_size, id->n_bytes))
		return fault(id, "has a part that ends past its storage", err);
	return HEFT_OK;
}

static enum heft_status read_key(const struct heft_pickle *p, heft_pickle_ref v, struct id *id,
                                 struct heft_error *err)
{
	if (heft_pickle_kind(p, v) != HEFT_PICKLE_TEXT)
		return fault(id, "has a key that is no text", err);
	id->key = (const char *)heft_pickle_bytes(p, v, &id->key_size);
	if (id->key_size == 0 || id->key_size > MAX_KEY || memchr(id->key, 0, id->key_size))
		return fault(id, "has a key that is empty, too long, or has a NUL inside", err);
	return HEFT_OK;
}

static enum heft_status read_type(const struct heft_pickle *p, heft_pickle_ref v, struct id *id,
                                  struct heft_error *err)
{
	if (heft_pickle_kind(p, v) != HEFT_PICKLE_GLOBAL)
		return fault(id, "has a class that is none", err);
	id->type = heft_torch_storage_type(p, v);
	if (!id->type)
		return heft_fail(err, HEFT_E_UNSUPPORTED, id->at,
		                 "storages of class %.80s.%.80s are not supported",
		                 heft_pickle_module(p, v), heft_pickle_name(p, v));
	return HEFT_OK;
}

/* The tuple of a persistent id, or NONE. */
static heft_pickle_ref tuple_of(const struct heft_pickle *p, heft_pickle_ref v)
{
	const heft_pickle_ref id = heft_pickle_argument(p, v);

	if (id == HEFT_PICKLE_NONE || heft_pickle_kind(p, id) != HEFT_PICKLE_TUPLE ||
	    heft_pickle_n_items(p, id) == 0)
		return HEFT_PICKLE_NONE;
	return id;
}

static enum heft_status read_id(const struct heft_pickle *p, heft_pickle_ref v, struct id *id,
                                struct heft_error *err)
{
	const heft_pickle_ref tuple = tuple_of(p, v);
	uint32_t n;

	memset(id, 0, sizeof *id);
	id->at = heft_pickle_at(p, v);
	if (tuple == HEFT_PICKLE_NONE ||
	    !heft_pickle_is_text(p, heft_pickle_item(p, tuple, 0), "storage"))
		return heft_fail(err, HEFT_E_UNSUPPORTED, id->at,
		                 "a persistent id that names no storage");
	n = heft_pickle_n_items(p, tuple);
	if (n != 5 && n != 6)
		return fault(id, "has not five or six items", err);
	HEFT_TRY(read_type(p, heft_pickle_item(p, tuple, 1), id, err));
	HEFT_TRY(read_key(p, heft_pickle_item(p, tuple, 2), id, err));
	if (!read_size(p, heft_pickle_item(p, tuple, 4), id->type->size, &id->n_bytes))
		return fault(id, "has a number of elements that is none", err);
	if (n == 6)
		return read_part(p, heft_pickle_item(p, tuple, 5), id, err);
	id->part_size = id->n_bytes;
	return HEFT_OK;
}

/* A class of a module, with its source: ('module', CLASS, FILE, TEXT) */
static bool names_class(const struct heft_pickle *p, heft_pickle_ref v)
{
	const heft_pickle_ref tuple = tuple_of(p, v);

	return tuple != HEFT_PICKLE_NONE &&
	       heft_pickle_is_text(p, heft_pickle_item(p, tuple, 0), "module");
}

/* --- all of them --- */

static size_t slot_of(const struct heft_torch_storages *s, bool is_constant, const char *key,
                      size_t key_size)
{
	size_t at = (size_t)heft_siphash(&s->seed, is_constant, key, key_size);

	for (;; at++) {
		const uint32_t slot = s->slots[at & (s->n_slots - 1)];
		const struct heft_torch_storage *found = slot > 0 ? &s->all[slot - 1] : NULL;

		if (!found ||
		    (found->is_constant == is_constant && strlen(found->key) == key_size &&
		     memcmp(found->key, key, key_size) == 0))
			return at & (s->n_slots - 1);
	}
}

static bool reserve_slots(struct heft_torch_storages *s)
{
	const size_t n_slots = s->n_slots == 0 ? 64 : s->n_slots * 2;
	uint32_t *old = s->slots;
	uint32_t *slots;

	if (s->n < s->n_slots / 4 * 3)
		return true;
	slots = heft_zalloc_array(n_slots, sizeof *slots);
	if (!slots)
		return false;
	s->slots = slots;
	s->n_slots = n_slots;
	for (uint32_t i = 0; i < s->n; i++)
		s->slots[slot_of(s, s->all[i].is_constant, s->all[i].key, strlen(s->all[i].key))] =
			i + 1;
	heft_free(old);
	return true;
}

static bool reserve_rows(struct heft_torch_storages *s)
{
	const size_t capacity = s->capacity + s->capacity / 2 + 16;
	void *all;
	void *types;

	if (s->n < s->capacity)
		return true;
	all = heft_realloc_array(s->all, capacity, sizeof *s->all);
	if (!all)
		return false;
	s->all = all;
	types = heft_realloc_array(s->types, capacity, sizeof *s->types);
	if (!types)
		return false;
	s->types = types;
	s->capacity = capacity;
	return true;
}

static enum heft_status check_same(const struct heft_torch_storages *s, uint32_t i,
                                   const struct id *id, struct heft_error *err)
{
	if (s->types[i] != id->type || s->all[i].n_bytes != id->n_bytes)
		return heft_fail(err, HEFT_E_CORRUPT, id->at,
		                 "storage '%.80s' has another type or size than before",
		                 s->all[i].key);
	return HEFT_OK;
}

static enum heft_status add(struct heft_torch_storages *s, bool is_constant, const struct id *id,
                            struct heft_error *err)
{
	size_t at;
	char *key;

	if (!reserve_rows(s) || !reserve_slots(s))
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for storages");
	at = slot_of(s, is_constant, id->key, id->key_size);
	if (s->slots[at] > 0)
		return check_same(s, s->slots[at] - 1, id, err);
	key = heft_strndup(id->key, id->key_size);
	if (!key)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for storages");
	s->all[s->n] = (struct heft_torch_storage){
		.key = key,
		.dtype = id->type->dtype,
		.n_bytes = id->n_bytes,
		.at = id->at,
		.is_constant = is_constant,
	};
	s->types[s->n] = id->type;
	s->slots[at] = ++s->n;
	return HEFT_OK;
}

enum heft_status heft_torch_storages_add(struct heft_torch_storages *s, const struct heft_pickle *p,
                                         bool is_constant, struct heft_error *err)
{
	const uint32_t n = heft_pickle_n_values(p);
	struct id id;

	for (heft_pickle_ref v = 0; v < n; v++) {
		if (heft_pickle_kind(p, v) != HEFT_PICKLE_PERSISTENT || names_class(p, v))
			continue;
		HEFT_TRY(read_id(p, v, &id, err));
		HEFT_TRY(add(s, is_constant, &id, err));
	}
	return HEFT_OK;
}

enum heft_status heft_torch_storages_find(const struct heft_torch_storages *s,
                                          const struct heft_pickle *p, bool is_constant,
                                          heft_pickle_ref v, struct heft_torch_part *part,
                                          struct heft_error *err)
{
	struct id id;

	HEFT_TRY(read_id(p, v, &id, err));
	*part = (struct heft_torch_part){
		.storage = s->slots[slot_of(s, is_constant, id.key, id.key_size)] - 1,
		.off = id.part_off,
		.size = id.part_size,
		.type = id.type,
	};
	return HEFT_OK;
}
