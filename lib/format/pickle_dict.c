/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_dict.c - which keys of a pickle's dicts are the same. Bytes are compared once, where they
 * are interned; from then on two of them are the same where they lie in the same place. Small dicts
 * are searched one by one, the keys of larger ones lie in one table. Both tables hash under a
 * secret seed, so that no file can be made whose keys collide. */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "format/pickle_values.h"

#define N_PAIRS_COMPARED 8 /* of a dict that is not in the table */

/* --- interning --- */

static const uint8_t *bytes_of(const struct heft_pickle *p, const struct heft_pickle_value *v)
{
	static const uint8_t none[1];

	if (v->u.run.n == 0)
		return none;
	return (v->in_arena ? p->text.bytes : p->bytes) + v->u.run.first;
}

/* The slot of the value that has these bytes, or the empty one where it belongs. */
static uint32_t interned_slot(const struct heft_pickle *p, enum heft_pickle_kind kind,
                              const void *bytes, size_t n)
{
	const uint32_t mask = p->interned_capacity - 1;
	uint32_t i = (uint32_t)(heft_siphash(&p->seed, kind, bytes, n) >> 16) & mask;

	for (; p->interned[i] != 0; i = (i + 1) & mask) {
		const struct heft_pickle_value *v = &p->values[p->interned[i] - 1];

		if (v->kind == kind && v->u.run.n == n &&
		    (n == 0 || memcmp(bytes_of(p, v), bytes, n) == 0))
			break;
	}
	return i;
}

heft_pickle_ref heft_pickle_find_interned(const struct heft_pickle *p, enum heft_pickle_kind kind,
                                          const void *bytes, size_t n)
{
	uint32_t slot;

	if (p->interned_capacity == 0)
		return HEFT_PICKLE_NONE;
	slot = interned_slot(p, kind, bytes, n);
	return p->interned[slot] == 0 ? HEFT_PICKLE_NONE : p->interned[slot] - 1;
}

static enum heft_status resize_interned(struct heft_pickle *p, struct heft_error *err)
{
	const uint32_t old_capacity = p->interned_capacity;
	const uint32_t capacity = old_capacity > 0 ? old_capacity * 2 : 64;
	heft_pickle_ref *const old = p->interned;
	heft_pickle_ref *slots = heft_zalloc_array(capacity, sizeof *slots);

	if (!slots)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for the keys of a pickle");
	p->interned = slots;
	p->interned_capacity = capacity;
	for (uint32_t i = 0; i < old_capacity; i++) {
		const struct heft_pickle_value *v;

		if (old[i] == 0)
			continue;
		v = &p->values[old[i] - 1];
		slots[interned_slot(p, (enum heft_pickle_kind)v->kind, bytes_of(p, v),
		                    v->u.run.n)] = old[i];
	}
	heft_free(old);
	return HEFT_OK;
}

enum heft_status heft_pickle_intern(struct heft_pickle *p, heft_pickle_ref v,
                                    struct heft_error *err)
{
	struct heft_pickle_value *value = &p->values[v];
	uint32_t slot;

	if (value->is_interned)
		return HEFT_OK;
	if (p->n_interned >= p->interned_capacity / 2)
		HEFT_TRY(resize_interned(p, err));
	slot = interned_slot(p, (enum heft_pickle_kind)value->kind, bytes_of(p, value),
	                     value->u.run.n);
	if (p->interned[slot] == 0) {
		p->interned[slot] = v + 1;
		p->n_interned++;
	} else {
		const struct heft_pickle_value *first = &p->values[p->interned[slot] - 1];

		value->in_arena = first->in_arena;
		value->u.run = first->u.run;
	}
	value->is_interned = 1;
	return HEFT_OK;
}

/* --- keys --- */

/* Two keys are the same when these are: of text and bytes where they lie, of numbers the value, of
 * all else which value it is. Python's True, 1 and 1.0 are one key. */
struct key {
	uint64_t kind;
	uint64_t word;
};

#define REAL_WHOLE_MAX 9007199254740992.0 /* 2^53 */

static struct key key_of_real(double real)
{
	struct key k = { HEFT_PICKLE_FLOAT, 0 };

	if (real >= -REAL_WHOLE_MAX && real <= REAL_WHOLE_MAX && real == (double)(int64_t)real)
		return (struct key){ HEFT_PICKLE_INT, (uint64_t)(int64_t)real };
	memcpy(&k.word, &real, sizeof k.word);
	return k;
}

static struct key key_of(const struct heft_pickle *p, heft_pickle_ref v)
{
	const struct heft_pickle_value *value = &p->values[v];

	switch ((enum heft_pickle_kind)value->kind) {
	case HEFT_PICKLE_NULL:
		return (struct key){ HEFT_PICKLE_NULL, 0 };
	case HEFT_PICKLE_BOOL:
	case HEFT_PICKLE_INT:
		return (struct key){ HEFT_PICKLE_INT, (uint64_t)value->u.integer };
	case HEFT_PICKLE_FLOAT:
		return key_of_real(value->u.real);
	case HEFT_PICKLE_BIG:
	case HEFT_PICKLE_TEXT:
	case HEFT_PICKLE_BYTES:
		return (struct key){ value->kind | (uint64_t)value->in_arena << 8,
			             value->u.run.first | (uint64_t)value->u.run.n << 32 };
	default:
		return (struct key){ HEFT_PICKLE_OBJECT, v };
	}
}

static bool is_same(struct key a, struct key b)
{
	return a.kind == b.kind && a.word == b.word;
}

static bool has_bytes(const struct heft_pickle *p, heft_pickle_ref v)
{
	const uint8_t kind = p->values[v].kind;

	return kind == HEFT_PICKLE_TEXT || kind == HEFT_PICKLE_BYTES || kind == HEFT_PICKLE_BIG;
}

/* --- the table --- */

static heft_pickle_ref *pair_of(const struct heft_pickle *p, uint32_t body, uint32_t i)
{
	return p->refs + p->bodies[body].pairs.first + (size_t)2 * i;
}

/* The slot of the pair that has the key, or the empty one where it belongs. */
static uint32_t dict_slot(const struct heft_pickle *p, uint32_t body, struct key key)
{
	const uint32_t mask = p->in_dict_capacity - 1;
	uint8_t bytes[16];
	uint32_t i;

	heft_put_le64(bytes, key.kind);
	heft_put_le64(bytes + 8, key.word);
	i = (uint32_t)(heft_siphash(&p->seed, body, bytes, sizeof bytes) >> 16) & mask;
	for (; p->in_dict[i].body != 0; i = (i + 1) & mask) {
		const struct heft_pickle_slot slot = p->in_dict[i];

		if (slot.body == body + 1 &&
		    is_same(key_of(p, *pair_of(p, body, slot.pair_i)), key))
			break;
	}
	return i;
}

static void put_in_dict(struct heft_pickle *p, uint32_t body, uint32_t pair_i)
{
	const uint32_t slot = dict_slot(p, body, key_of(p, *pair_of(p, body, pair_i)));

	if (p->in_dict[slot].body == 0)
		p->n_in_dict++;
	p->in_dict[slot] = (struct heft_pickle_slot){ body + 1, pair_i };
}

static enum heft_status reserve_in_dict(struct heft_pickle *p, uint32_t n_more,
                                        struct heft_error *err)
{
	const uint32_t old_capacity = p->in_dict_capacity;
	const uint32_t capacity = old_capacity > 0 ? old_capacity * 2 : 64;
	struct heft_pickle_slot *const old = p->in_dict;
	struct heft_pickle_slot *slots;

	if (p->n_in_dict + n_more <= old_capacity / 2)
		return HEFT_OK;
	slots = heft_zalloc_array(capacity, sizeof *slots);
	if (!slots)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for the keys of a pickle");
	p->in_dict = slots;
	p->in_dict_capacity = capacity;
	p->n_in_dict = 0;
	for (uint32_t i = 0; i < old_capacity; i++) {
		if (old[i].body != 0)
			put_in_dict(p, old[i].body - 1, old[i].pair_i);
	}
	heft_free(old);
	return HEFT_OK;
}

/* The pair with the key, or how many there are. */
static uint32_t find_pair(const struct heft_pickle *p, uint32_t body, struct key key)
{
	const uint32_t n = p->bodies[body].pairs.n;

	if (n > N_PAIRS_COMPARED) {
		const struct heft_pickle_slot slot = p->in_dict[dict_slot(p, body, key)];

		return slot.body != 0 ? slot.pair_i : n;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (is_same(key_of(p, *pair_of(p, body, i)), key))
			return i;
	}
	return n;
}

/* The pair that was appended, and those before it when it is the first that is hashed. */
static enum heft_status hash_pairs(struct heft_pickle *p, uint32_t body, struct heft_error *err)
{
	const uint32_t n = p->bodies[body].pairs.n;

	if (n <= N_PAIRS_COMPARED)
		return HEFT_OK;
	HEFT_TRY(reserve_in_dict(p, n == N_PAIRS_COMPARED + 1 ? n : 1, err));
	for (uint32_t i = n == N_PAIRS_COMPARED + 1 ? 0 : n - 1; i < n; i++)
		put_in_dict(p, body, i);
	return HEFT_OK;
}

enum heft_status heft_pickle_set(struct heft_pickle *p, heft_pickle_ref v, heft_pickle_ref key,
                                 heft_pickle_ref value, struct heft_error *err)
{
	const heft_pickle_ref pair[2] = { key, value };
	struct heft_pickle_body *body;
	uint32_t body_i;
	uint32_t i;

	if (has_bytes(p, key))
		HEFT_TRY(heft_pickle_intern(p, key, err));
	HEFT_TRY(heft_pickle_body(p, v, &body, err));
	body_i = p->values[v].u.body;
	i = find_pair(p, body_i, key_of(p, key));
	if (i < body->pairs.n) {
		pair_of(p, body_i, i)[1] = value;
		return HEFT_OK;
	}
	HEFT_TRY(heft_pickle_extend(p, &body->pairs, 2, pair, 1, err));
	return hash_pairs(p, body_i, err);
}

/* --- what the keys are for --- */

static const struct heft_pickle_body *body_or_null(const struct heft_pickle *p, heft_pickle_ref v)
{
	const struct heft_pickle_value *value = &p->values[v];

	if (value->kind != HEFT_PICKLE_DICT && value->kind != HEFT_PICKLE_CALL &&
	    value->kind != HEFT_PICKLE_OBJECT)
		return NULL;
	return value->u.body == HEFT_PICKLE_NONE ? NULL : &p->bodies[value->u.body];
}

uint32_t heft_pickle_n_pairs(const struct heft_pickle *p, heft_pickle_ref v)
{
	const struct heft_pickle_body *body = body_or_null(p, v);

	return body ? body->pairs.n : 0;
}

void heft_pickle_pair(const struct heft_pickle *p, heft_pickle_ref v, uint32_t i,
                      heft_pickle_ref *key, heft_pickle_ref *value)
{
	const heft_pickle_ref *pair = pair_of(p, p->values[v].u.body, i);

	*key = pair[0];
	*value = pair[1];
}

/* A key that was never one of any dict is not interned. */
heft_pickle_ref heft_pickle_get(const struct heft_pickle *p, heft_pickle_ref v, const char *key)
{
	const struct heft_pickle_body *body = body_or_null(p, v);
	heft_pickle_ref interned;
	uint32_t i;

	if (!body)
		return HEFT_PICKLE_NONE;
	interned = heft_pickle_find_interned(p, HEFT_PICKLE_TEXT, key, strlen(key));
	if (interned == HEFT_PICKLE_NONE)
		return HEFT_PICKLE_NONE;
	i = find_pair(p, p->values[v].u.body, key_of(p, interned));
	return i < body->pairs.n ? pair_of(p, p->values[v].u.body, i)[1] : HEFT_PICKLE_NONE;
}
