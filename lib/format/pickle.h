/* SPDX-License-Identifier: Apache-2.0 */
/* format/pickle.h - Python's pickles, read without Python: a machine over an allow-list of opcodes
 * that builds inert values and never calls anything (spec/foreign/pickle.md). */
#ifndef FORMAT_PICKLE_H
#define FORMAT_PICKLE_H

#include "base/buffer.h"
#include "heft/error.h"

struct heft_pickle; /* the values of one pickle */
typedef uint32_t heft_pickle_ref;
#define HEFT_PICKLE_NONE UINT32_MAX /* no value at all; not Python's None */

enum heft_pickle_kind {
	HEFT_PICKLE_NULL, /* Python's None */
	HEFT_PICKLE_BOOL,
	HEFT_PICKLE_INT,   /* fits int64_t */
	HEFT_PICKLE_BIG,   /* a larger one: bytes, two's complement, little-endian */
	HEFT_PICKLE_FLOAT, /* of 64 bits */
	HEFT_PICKLE_TEXT,  /* well-formed UTF-8 but for surrogates, which it may hold */
	HEFT_PICKLE_BYTES, /* bytes, bytearray, the call of _codecs.encode(text, "latin1") */
	HEFT_PICKLE_LIST,
	HEFT_PICKLE_TUPLE,
	HEFT_PICKLE_SET,       /* and frozenset */
	HEFT_PICKLE_DICT,      /* and OrderedDict, defaultdict, Counter; the order is the file's */
	HEFT_PICKLE_GLOBAL,    /* a class or function, by name */
	HEFT_PICKLE_CALL,      /* of a callee that the list allows, with a tuple of arguments */
	HEFT_PICKLE_OBJECT,    /* an instance of a class: what NEWOBJ makes */
	HEFT_PICKLE_PERSISTENT /* a persistent id: its argument */
};

struct heft_pickle_limits {
	uint64_t max_size;   /* bytes of one pickle; 0: 256 MiB */
	uint64_t max_values; /* 0: 2^26 */
};

/* Reads the pickle that `bytes` (borrowed: it outlives the values) begins with; *n_used is where it
 * ends. file_off: of bytes[0], for messages. CORRUPT, UNSUPPORTED (an opcode or a global that the
 * list does not have: named), LIMIT. A pickle that does not end in `size` bytes is CORRUPT at
 * file_off + size, and *is_cut (may be NULL) then says so. */
enum heft_status heft_pickle_parse(const uint8_t *bytes, size_t size, uint64_t file_off,
                                   const struct heft_pickle_limits *limits,
                                   struct heft_pickle **out, size_t *n_used, bool *is_cut,
                                   struct heft_error *err);
void heft_pickle_free(struct heft_pickle *p); /* takes NULL */

/* Values may contain themselves: whoever walks through them bounds the depth. */
heft_pickle_ref heft_pickle_root(const struct heft_pickle *p);
uint32_t heft_pickle_n_values(const struct heft_pickle *p); /* every ref is below it */
enum heft_pickle_kind heft_pickle_kind(const struct heft_pickle *p, heft_pickle_ref v);
uint64_t heft_pickle_at(const struct heft_pickle *p,
                        heft_pickle_ref v); /* file offset of its opcode */
bool heft_pickle_bool(const struct heft_pickle *p, heft_pickle_ref v);
int64_t heft_pickle_int(const struct heft_pickle *p, heft_pickle_ref v);
double heft_pickle_float(const struct heft_pickle *p, heft_pickle_ref v);
/* TEXT, BYTES, BIG: borrowed, no NUL behind it. */
const uint8_t *heft_pickle_bytes(const struct heft_pickle *p, heft_pickle_ref v, size_t *size);
bool heft_pickle_is_text(const struct heft_pickle *p, heft_pickle_ref v, const char *text);
/* LIST, TUPLE, SET; what was appended to a CALL or OBJECT: 0 where nothing was. */
uint32_t heft_pickle_n_items(const struct heft_pickle *p, heft_pickle_ref v);
heft_pickle_ref heft_pickle_item(const struct heft_pickle *p, heft_pickle_ref v, uint32_t i);
/* DICT; items set on a CALL or OBJECT. A key set twice is there once, with its last value. */
uint32_t heft_pickle_n_pairs(const struct heft_pickle *p, heft_pickle_ref v);
void heft_pickle_pair(const struct heft_pickle *p, heft_pickle_ref v, uint32_t i,
                      heft_pickle_ref *key, heft_pickle_ref *value);
/* The value of a key that is text; NONE: it has none such. */
heft_pickle_ref heft_pickle_get(const struct heft_pickle *p, heft_pickle_ref v, const char *key);
/* CALL, OBJECT: the callee or class; PERSISTENT: none. */
heft_pickle_ref heft_pickle_callee(const struct heft_pickle *p, heft_pickle_ref v);
/* CALL, OBJECT: a TUPLE; PERSISTENT: the id. */
heft_pickle_ref heft_pickle_argument(const struct heft_pickle *p, heft_pickle_ref v);
/* What BUILD gave to a value (an OrderedDict may have one too); NONE: nothing. */
heft_pickle_ref heft_pickle_state(const struct heft_pickle *p, heft_pickle_ref v);
/* GLOBAL: end with NUL, Python 2's names mapped to Python 3's. */
const char *heft_pickle_module(const struct heft_pickle *p, heft_pickle_ref v);
const char *heft_pickle_name(const struct heft_pickle *p, heft_pickle_ref v);
/* Whether v is a CALL or OBJECT of this very global. */
bool heft_pickle_is_of(const struct heft_pickle *p, heft_pickle_ref v, const char *module,
                       const char *name);

#endif
