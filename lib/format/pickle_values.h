/* SPDX-License-Identifier: Apache-2.0 */
/* format/pickle_values.h - the values of a pickle as they lie in memory, and how they are made: 16
 * bytes a value, references between them in one arena, text where the pickle has it. */
#ifndef FORMAT_PICKLE_VALUES_H
#define FORMAT_PICKLE_VALUES_H

#include "base/siphash.h"
#include "format/pickle.h"

#define HEFT_PICKLE_SIZE_MAX (UINT64_C(1) << 28)
#define HEFT_PICKLE_VALUES_MAX (UINT64_C(1) << 26)

/* A run of references in the arena; a run that grows has room for the next power of two. */
struct heft_pickle_run {
	uint32_t first;
	uint32_t n;
};

struct heft_pickle_value {
	uint32_t at; /* in the pickle, of its opcode */
	uint8_t kind;
	uint8_t in_arena;    /* its bytes lie there, not in the pickle */
	uint8_t is_interned; /* its bytes are those of the first value that has the same ones */
	uint8_t action;      /* of a GLOBAL: enum heft_pickle_action */
	union {
		int64_t integer;
		double real;
		struct heft_pickle_run run; /* bytes; a TUPLE's items */
		uint32_t body;              /* HEFT_PICKLE_NONE: it has nothing yet */
		heft_pickle_ref id;         /* PERSISTENT */
	} u;
};

/* What a LIST, SET, DICT, CALL or OBJECT holds. */
struct heft_pickle_body {
	heft_pickle_ref callee;
	heft_pickle_ref argument;
	heft_pickle_ref state;
	struct heft_pickle_run items;
	struct heft_pickle_run pairs; /* twice n references */
};

/* Where a key of a large dict stands. */
struct heft_pickle_slot {
	uint32_t body; /* + 1; 0: an empty slot */
	uint32_t pair_i;
};

struct heft_pickle {
	const uint8_t *bytes; /* borrowed */
	uint64_t file_off;    /* of bytes[0] */
	uint64_t max_values;
	struct heft_pickle_value *values;
	struct heft_pickle_body *bodies;
	heft_pickle_ref *refs; /* the arena of references */
	uint32_t n_values;
	uint32_t n_bodies;
	uint32_t n_refs;
	uint32_t values_capacity;
	uint32_t bodies_capacity;
	uint32_t refs_capacity;
	struct heft_buffer text; /* the arena of bytes that were unescaped, and of global names */
	struct heft_sip_seed seed;
	heft_pickle_ref *interned; /* open addressing: 0 or value + 1 */
	uint32_t n_interned;
	uint32_t interned_capacity;       /* a power of two, or 0 */
	struct heft_pickle_slot *in_dict; /* open addressing */
	uint32_t n_in_dict;
	uint32_t in_dict_capacity;
	heft_pickle_ref root;
};

/* Makes room for n items in an array of *capacity. */
enum heft_status heft_pickle_grow(void **items, uint32_t *capacity, uint64_t n, size_t item_size,
                                  struct heft_error *err);

/* A value that holds nothing yet; NOMEM, LIMIT. */
enum heft_status heft_pickle_add(struct heft_pickle *p, uint32_t at, enum heft_pickle_kind kind,
                                 heft_pickle_ref *v, struct heft_error *err);
/* A tuple of n references, which lie anywhere but in the arena. */
enum heft_status heft_pickle_add_tuple(struct heft_pickle *p, uint32_t at,
                                       const heft_pickle_ref *items, uint32_t n, heft_pickle_ref *v,
                                       struct heft_error *err);
/* TEXT, BYTES or BIG: bytes [first, first + n) of the pickle, or of the arena. */
enum heft_status heft_pickle_add_bytes(struct heft_pickle *p, uint32_t at,
                                       enum heft_pickle_kind kind, bool in_arena, size_t first,
                                       size_t n, heft_pickle_ref *v, struct heft_error *err);
/* The one value of a global; both names are without NUL and not empty. */
enum heft_status heft_pickle_add_global(struct heft_pickle *p, uint32_t at, const char *module,
                                        const char *name, uint8_t action, heft_pickle_ref *v,
                                        struct heft_error *err);

/* Of a LIST, SET, DICT, CALL or OBJECT. */
enum heft_status heft_pickle_body(struct heft_pickle *p, heft_pickle_ref v,
                                  struct heft_pickle_body **body, struct heft_error *err);
/* The items lie anywhere but in the arena. */
enum heft_status heft_pickle_append(struct heft_pickle *p, heft_pickle_ref v,
                                    const heft_pickle_ref *items, uint32_t n,
                                    struct heft_error *err);
/* pickle_dict.c: a key that is there gets the new value. */
enum heft_status heft_pickle_set(struct heft_pickle *p, heft_pickle_ref v, heft_pickle_ref key,
                                 heft_pickle_ref value, struct heft_error *err);
/* Appends to a run of the arena, `width` references a time. */
enum heft_status heft_pickle_extend(struct heft_pickle *p, struct heft_pickle_run *run,
                                    uint32_t width, const heft_pickle_ref *items, uint32_t n,
                                    struct heft_error *err);

/* pickle_dict.c: makes the bytes of v those of the first value that has the same ones. */
enum heft_status heft_pickle_intern(struct heft_pickle *p, heft_pickle_ref v,
                                    struct heft_error *err);
/* The interned value of a kind with these bytes, or NONE. */
heft_pickle_ref heft_pickle_find_interned(const struct heft_pickle *p, enum heft_pickle_kind kind,
                                          const void *bytes, size_t n);

#endif
