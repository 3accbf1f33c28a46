/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph/kinds.h - values that are no arrays of numbers: strings, sequences, and an optional value
 * that has nothing. An optional value that has something is that.
 *
 * They are struct heft_array all the same, of a dtype that no file has. No plan holds one: nodes
 * that read or make them run by dynamic.c, and their bytes lie in memory of the run. What is made
 * is not changed any more, so values share what they have in common.
 */
#ifndef GRAPH_KINDS_H
#define GRAPH_KINDS_H

#include "graph/memory.h"
#include "graph/op.h"

/* An array of struct heft_text, with any shape. */
#define HEFT_KIND_TEXTS ((enum heft_dtype)0x10000)
/* `bytes` is a struct heft_sequence; without dimensions. */
#define HEFT_KIND_SEQUENCE ((enum heft_dtype)0x10001)
/* An optional value without an element; without dimensions and bytes. */
#define HEFT_KIND_NOTHING ((enum heft_dtype)0x10002)

/* As large as an element of C128, which it is to operators that move elements (HEFT_OP_MOVES). */
struct heft_text {
	union {
		const char *bytes; /* UTF-8; no NUL ends it. All zero: the text of no bytes */
		uint64_t room;
	};
	uint64_t n_bytes;
};

_Static_assert(sizeof(struct heft_text) == 16, "an element of C128");

/* Its items are arrays of numbers or of strings, all of one dtype, each in a block of memory that
 * has nothing else: strings lie behind their struct heft_text. */
struct heft_sequence {
	uint64_t n;
	enum heft_dtype dtype; /* NONE: there is no item, and any may come */
	struct heft_array items[];
};

static inline bool heft_is_array(const struct heft_array *a)
{
	return a->dtype < HEFT_KIND_TEXTS;
}
static inline const struct heft_sequence *heft_sequence_of(const struct heft_array *a)
{
	return (const struct heft_sequence *)a->bytes;
}
/* For messages: "F32", "strings", "a sequence". */
const char *heft_kind_name(enum heft_dtype dtype);

/* `a` becomes a copy of itself whose bytes are all in `memory`. */
enum heft_status heft_kind_copy(struct heft_array *a, struct heft_memory *memory,
                                struct heft_error *err);
/* The same, but items of sequences that are in one of the memories `from` go over to `memory`
 * without a copy, and other ones stay where they are. */
enum heft_status heft_kind_carry(struct heft_array *a, struct heft_memory *memory,
                                 const struct heft_memory *from, uint32_t n_from,
                                 struct heft_error *err);

/* A new sequence, its items of no dtype yet. */
enum heft_status heft_sequence_new(uint64_t n, enum heft_dtype dtype, struct heft_memory *memory,
                                   struct heft_array *a, struct heft_sequence **sequence,
                                   struct heft_error *err);
/* A new array of strings, with room for n_bytes bytes of them behind their struct heft_text. */
enum heft_status heft_texts_new(uint32_t rank, const uint64_t *dims, uint64_t n_bytes,
                                struct heft_memory *memory, struct heft_array *a, char **bytes,
                                struct heft_error *err);

/* --- for operators --- */

/* USAGE unless input i is a sequence, or an array of numbers or strings. */
enum heft_status heft_call_sequence(const struct heft_call *c, uint32_t i,
                                    const struct heft_sequence **sequence, struct heft_error *err);
enum heft_status heft_call_item(const struct heft_call *c, uint32_t i, struct heft_error *err);
/* UNSUPPORTED unless input i is an array of strings; their number is in[i].n_elements. */
enum heft_status heft_call_texts(const struct heft_call *c, uint32_t i,
                                 const struct heft_text **texts, struct heft_error *err);
/* -1, 0 or 1, as bytes compare. */
int heft_text_compare(const struct heft_text *a, const struct heft_text *b);
struct heft_text heft_text_of(const char *text);
/* A text attribute's n texts; USAGE where there is one and it is of another kind. */
enum heft_status heft_call_text_list(const struct heft_call *c, const char *name,
                                     const char *const **texts, uint32_t *n,
                                     struct heft_error *err);
/* What two inputs of strings are broadcast to, and where their elements are then: i counts the
 * output's. */
struct heft_text_pairs {
	const struct heft_text *x[2];
	uint64_t strides[2][HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t rank;
};
enum heft_status heft_call_text_pairs(const struct heft_call *c, struct heft_text_pairs *pairs,
                                      struct heft_error *err);
const struct heft_text *heft_text_pair_at(const struct heft_text_pairs *pairs, uint32_t which,
                                          uint64_t i);
/* One of n places, or n itself where `allow_end`, that integer input i names, negative ones from
 * behind; where the input is left out: the last. */
enum heft_status heft_call_place(const struct heft_call *c, uint32_t i, uint64_t n, bool allow_end,
                                 uint64_t *place, struct heft_error *err);

#endif
