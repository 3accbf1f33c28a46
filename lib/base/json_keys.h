/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_keys.h - the keys of the JSON objects that are open, to find one that comes twice in
 * the same object. Keys are remembered by where they stand in the text, in a stack: an object that
 * closes takes its own off. The first few keys of an object are compared one by one; more are
 * hashed under a secret seed (SipHash-1-3), so that no file can be made whose keys collide. What is
 * found never depends on the hash. */
#ifndef BASE_JSON_KEYS_H
#define BASE_JSON_KEYS_H

#include "base/siphash.h"
#include "heft/error.h"

#define HEFT_JSON_KEY_SIZE_MAX ((UINT32_C(1) << 30) - 1)

struct heft_json_key {
	size_t pos;         /* in the text, of the first byte after the quote */
	uint32_t size : 30; /* unescaped */
	uint32_t has_escapes : 1;
	uint32_t is_hashed : 1;
	uint32_t hash;
};

struct heft_json_keys {
	const char *text;
	size_t text_size;
	struct heft_json_key *keys;
	size_t n_keys;
	size_t capacity;
	uint32_t *slots; /* open addressing: 0 or key number + 1 */
	size_t n_slots;  /* a power of two, or 0 */
	size_t n_used;
	struct heft_sip_seed seed;
};

/* The part of the stack that is one object's. */
struct heft_json_object {
	size_t first_key;
	uint32_t depth;
};

void heft_json_keys_init(struct heft_json_keys *s, const char *text, size_t text_size);
void heft_json_keys_done(struct heft_json_keys *s);
void heft_json_object_init(struct heft_json_object *o, const struct heft_json_keys *s,
                           uint32_t depth);
/* Remembers a key of the innermost object, written at text[pos] without escapes or with, and
 * unescaped n bytes. *is_new false: it was there. */
enum heft_status heft_json_keys_add(struct heft_json_keys *s, const struct heft_json_object *o,
                                    size_t pos, bool has_escapes, const char *unescaped, size_t n,
                                    bool *is_new, struct heft_error *err);
/* Forgets the keys of the innermost object. */
void heft_json_keys_drop(struct heft_json_keys *s, const struct heft_json_object *o);

#endif
