/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_keys.c - finds a key that comes twice in a JSON object. */
#include "base/json_keys.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_text.h"

#define N_KEYS_COMPARED 8 /* the first ones of an object, which are not hashed */

void heft_json_keys_init(struct heft_json_keys *s, const char *text, size_t text_size)
{
	*s = (struct heft_json_keys){ .text = text, .text_size = text_size };
	heft_sip_seed_init(&s->seed, s);
}

void heft_json_keys_done(struct heft_json_keys *s)
{
	heft_free(s->slots);
	heft_free(s->keys);
	*s = (struct heft_json_keys){ .text = NULL };
}

void heft_json_object_init(struct heft_json_object *o, const struct heft_json_keys *s,
                           uint32_t depth)
{
	*o = (struct heft_json_object){ .first_key = s->n_keys, .depth = depth };
}

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
	                 "no memory for the keys of JSON objects");
}

/* The depth tweaks it, lest one key in objects within objects give one chain of slots. */
static uint32_t hash_key(const struct heft_json_keys *s, uint32_t depth, const char *bytes,
                         size_t n)
{
	return (uint32_t)(heft_siphash(&s->seed, depth, bytes, n) >> 16);
}

/* Whether a key that was written with escapes reads as these bytes. It was well-formed when it
 * came. */
static bool escaped_equals(const struct heft_json_keys *s, const struct heft_json_key *key,
                           const char *bytes)
{
	size_t pos = key->pos;
	size_t n_same = 0;

	while (n_same < key->size) {
		char piece[HEFT_JSON_ESCAPE_SIZE_MAX];
		size_t n = 1;

		piece[0] = s->text[pos];
		if (piece[0] == '\\')
			n = heft_json_unescape(s->text, s->text_size, &pos, piece);
		else
			pos++;
		if (n > key->size - n_same || memcmp(piece, bytes + n_same, n) != 0)
			return false;
		n_same += n;
	}
	return true;
}

static bool key_equals(const struct heft_json_keys *s, const struct heft_json_key *key,
                       const char *bytes, size_t n)
{
	if (key->size != n)
		return false;
	if (key->has_escapes)
		return escaped_equals(s, key, bytes);
	return memcmp(s->text + key->pos, bytes, n) == 0;
}

static bool is_among_first(const struct heft_json_keys *s, const struct heft_json_object *o,
                           const char *bytes, size_t n)
{
	for (size_t i = o->first_key; i < s->n_keys && i - o->first_key < N_KEYS_COMPARED; i++) {
		if (key_equals(s, &s->keys[i], bytes, n))
			return true;
	}
	return false;
}

static bool is_among_hashed(const struct heft_json_keys *s, const struct heft_json_object *o,
                            uint32_t hash, const char *bytes, size_t n)
{
	const size_t mask = s->n_slots - 1;

	if (s->n_slots == 0)
		return false;
	for (size_t i = hash & mask; s->slots[i] != 0; i = (i + 1) & mask) {
		const size_t key_i = s->slots[i] - 1;

		if (key_i >= o->first_key && s->keys[key_i].hash == hash &&
		    key_equals(s, &s->keys[key_i], bytes, n))
			return true;
	}
	return false;
}

static void put_in_slot(struct heft_json_keys *s, size_t key_i)
{
	const size_t mask = s->n_slots - 1;
	size_t i = s->keys[key_i].hash & mask;

	while (s->slots[i] != 0)
		i = (i + 1) & mask;
	s->slots[i] = (uint32_t)key_i + 1;
	s->n_used++;
}

/* Keys go in as they stand in the stack, so the last one in is the first one out, and taking it out
 * leaves no gap in the chain of another. */
static enum heft_status resize_slots(struct heft_json_keys *s, struct heft_error *err)
{
	const size_t n_slots = s->n_slots > 0 ? s->n_slots * 2 : 64;
	uint32_t *slots = heft_zalloc_array(n_slots, sizeof *slots);

	if (!slots)
		return no_memory(err);
	heft_free(s->slots);
	s->slots = slots;
	s->n_slots = n_slots;
	s->n_used = 0;
	for (size_t i = 0; i < s->n_keys; i++) {
		if (s->keys[i].is_hashed)
			put_in_slot(s, i);
	}
	return HEFT_OK;
}

static enum heft_status push(struct heft_json_keys *s, struct heft_json_key key,
                             struct heft_error *err)
{
	if (s->n_keys == s->capacity) {
		const size_t capacity = s->capacity > 0 ? s->capacity * 2 : 32;
		struct heft_json_key *keys;

		if (s->n_keys >= UINT32_MAX / 2)
			return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "too many keys");
		keys = heft_realloc_array(s->keys, capacity, sizeof *keys);
		if (!keys)
			return no_memory(err);
		s->keys = keys;
		s->capacity = capacity;
	}
	s->keys[s->n_keys++] = key;
	return HEFT_OK;
}

/* Half of the slots stay empty. */
static enum heft_status add_hashed(struct heft_json_keys *s, struct heft_json_key key,
                                   struct heft_error *err)
{
	HEFT_TRY(push(s, key, err));
	if (s->n_used >= s->n_slots / 2)
		HEFT_TRY(resize_slots(s, err));
	s->keys[s->n_keys - 1].is_hashed = 1;
	put_in_slot(s, s->n_keys - 1);
	return HEFT_OK;
}

enum heft_status heft_json_keys_add(struct heft_json_keys *s, const struct heft_json_object *o,
                                    size_t pos, bool has_escapes, const char *unescaped, size_t n,
                                    bool *is_new, struct heft_error *err)
{
	struct heft_json_key key = { .pos = pos, .has_escapes = has_escapes };

	if (n > HEFT_JSON_KEY_SIZE_MAX)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "a key is longer than 1 GiB");
	key.size = n & HEFT_JSON_KEY_SIZE_MAX;
	*is_new = !is_among_first(s, o, unescaped, n);
	if (!*is_new)
		return HEFT_OK;
	if (s->n_keys - o->first_key < N_KEYS_COMPARED)
		return push(s, key, err);
	key.hash = hash_key(s, o->depth, unescaped, n);
	*is_new = !is_among_hashed(s, o, key.hash, unescaped, n);
	return *is_new ? add_hashed(s, key, err) : HEFT_OK;
}

static void take_out_of_slot(struct heft_json_keys *s, size_t key_i)
{
	const size_t mask = s->n_slots - 1;
	size_t i = s->keys[key_i].hash & mask;

	while (s->slots[i] != (uint32_t)key_i + 1)
		i = (i + 1) & mask;
	s->slots[i] = 0;
	s->n_used--;
}

void heft_json_keys_drop(struct heft_json_keys *s, const struct heft_json_object *o)
{
	while (s->n_keys > o->first_key) {
		s->n_keys--;
		if (s->keys[s->n_keys].is_hashed)
			take_out_of_slot(s, s->n_keys);
	}
}
